import GRDB

/// How the tables came to be. Migrations are appended and never changed: what a released version wrote is read by every later one.
enum Migrations {
  /// How a file compares with this program.
  enum Standing {
    case current
    case behind
    /// A later version has changed it.
    case newer
    /// A database, and not this program's.
    case foreign
  }

  static var all: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("grants") { database in
      try database.execute(
        sql: """
          CREATE TABLE plugin_grant (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            plugin TEXT NOT NULL,
            digest TEXT NOT NULL,
            permission TEXT NOT NULL,
            asked TEXT NOT NULL,
            time TEXT NOT NULL,
            way TEXT NOT NULL,
            user INTEGER NOT NULL,
            UNIQUE (plugin, digest, permission)
          ) STRICT
          """)
    }
    return migrator
  }

  static func standing(_ database: Database) throws -> Standing {
    let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
    guard try isEmpty || database.tableExists("grdb_migrations") else { return .foreign }
    guard !isEmpty else { return .behind }
    if try all.hasBeenSuperseded(database) { return .newer }
    return try all.hasCompletedMigrations(database) ? .current : .behind
  }
}
