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

  /// Of one value of an output.
  private static let valueColumns = """
    output INTEGER NOT NULL, position INTEGER NOT NULL, port TEXT NOT NULL, codec INTEGER NOT NULL, label TEXT NOT NULL,
    size INTEGER NOT NULL, digest TEXT NOT NULL, content BLOB
    """

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
    migrator.registerMigration("runs") { database in
      // `settings` is what the run is gone on with; what is in `outcome` and `ended` follows from the journal.
      try database.execute(
        sql: """
          CREATE TABLE run (
            id TEXT PRIMARY KEY,
            workflow TEXT NOT NULL,
            file TEXT NOT NULL,
            source BLOB NOT NULL,
            settings TEXT NOT NULL,
            nodes INTEGER NOT NULL,
            created INTEGER NOT NULL,
            outcome TEXT,
            ended INTEGER
          ) STRICT;
          CREATE TABLE journal (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            node TEXT,
            body TEXT NOT NULL,
            PRIMARY KEY (run, sequence)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE journal_value (
            run TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            \(valueColumns),
            PRIMARY KEY (run, sequence, output, position),
            FOREIGN KEY (run, sequence) REFERENCES journal ON DELETE CASCADE
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE cache_entry (
            key TEXT PRIMARY KEY,
            type TEXT NOT NULL,
            created INTEGER NOT NULL,
            used INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE cache_value (
            key TEXT NOT NULL REFERENCES cache_entry ON DELETE CASCADE,
            \(valueColumns),
            PRIMARY KEY (key, output, position)
          ) STRICT, WITHOUT ROWID
          """)
    }
    migrator.registerMigration("measurements") { database in
      try database.execute(
        sql: """
          CREATE TABLE measurement (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            type TEXT NOT NULL,
            input_bytes INTEGER NOT NULL,
            memory INTEGER NOT NULL,
            cpu_milli INTEGER NOT NULL,
            out_of_memory INTEGER NOT NULL
          ) STRICT;
          CREATE INDEX measurement_type ON measurement (type, id)
          """)
    }
    migrator.registerMigration("files of runs") { database in
      // Of a workflow that is made of several files, all but its own, which `run.source` has. Runs from before had no others.
      try database.execute(
        sql: """
          CREATE TABLE run_file (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
            path TEXT NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (run, path)
          ) STRICT, WITHOUT ROWID
          """)
    }
    migrator.registerMigration("plugins") { database in
      // `place` is relative to the directory of installed plugins; `metadata` the manifest as JSON. What is in no row isn't installed.
      try database.execute(
        sql: """
          CREATE TABLE plugin_version (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            author TEXT NOT NULL,
            metadata TEXT NOT NULL,
            digest TEXT NOT NULL,
            checksum TEXT,
            signers TEXT NOT NULL,
            place TEXT NOT NULL,
            files INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            installed INTEGER NOT NULL,
            UNIQUE (name, version, digest)
          ) STRICT;
          CREATE TABLE plugin_pointer (
            name TEXT PRIMARY KEY,
            current INTEGER NOT NULL REFERENCES plugin_version ON DELETE CASCADE,
            previous INTEGER REFERENCES plugin_version ON DELETE SET NULL
          ) STRICT, WITHOUT ROWID;
          CREATE VIEW plugins AS
            SELECT plugin_version.name, version, author, metadata
            FROM plugin_pointer JOIN plugin_version ON plugin_version.id = plugin_pointer.current
          """)
    }
    migrator.registerMigration("contents of packages") { database in
      try database.execute(sql: "ALTER TABLE plugin_version ADD COLUMN contents TEXT")
    }
    migrator.registerMigration("registry") { database in
      // `document` is what is told of a version, as JSON. `shown` is the version that a list shows, `words` and `categories` what finds it.
      try database.execute(
        sql: """
          CREATE TABLE registry_plugin (
            name TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            shown TEXT,
            words TEXT NOT NULL DEFAULT '',
            categories TEXT NOT NULL DEFAULT ''
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE registry_version (
            name TEXT NOT NULL REFERENCES registry_plugin ON DELETE CASCADE,
            version TEXT NOT NULL,
            checksum TEXT NOT NULL,
            document TEXT NOT NULL,
            PRIMARY KEY (name, version)
          ) STRICT, WITHOUT ROWID
          """)
    }
    migrator.registerMigration("runs of a server") { database in
      // `submitter` is who asked a server for the run; nil: a command began it. `problems` is why it couldn't be carried out, as JSON.
      // `parent` is the run that it repeats.
      try database.execute(
        sql: """
          ALTER TABLE run ADD COLUMN submitter TEXT;
          ALTER TABLE run ADD COLUMN problems TEXT;
          ALTER TABLE run ADD COLUMN parent TEXT;
          CREATE INDEX run_created ON run (created, id)
          """)
    }
    migrator.registerMigration("access") { database in
      // `digest` is the SHA-256 of a token's secret, which is kept nowhere. `outcome` is null until the act has ended.
      try database.execute(
        sql: """
          CREATE TABLE access_token (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            digest TEXT NOT NULL UNIQUE,
            scope TEXT NOT NULL,
            quota TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            detail TEXT NOT NULL,
            outcome TEXT
          ) STRICT
          """)
    }
    migrator.registerMigration("workflows") { database in
      // `current` is null of one that was removed: its row stays, so that no number of a version is given twice.
      try database.execute(
        sql: """
          CREATE TABLE workflow (
            name TEXT PRIMARY KEY,
            last INTEGER NOT NULL,
            current INTEGER,
            created INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE workflow_version (
            name TEXT NOT NULL REFERENCES workflow,
            version INTEGER NOT NULL,
            digest TEXT NOT NULL,
            author TEXT NOT NULL,
            created INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (name, version)
          ) STRICT
          """)
    }
    migrator.registerMigration("uploads") { database in
      // `used` is when it was last wanted. What a run has stays as long as that run is kept.
      try database.execute(
        sql: """
          CREATE TABLE upload (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            digest TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            created INTEGER NOT NULL,
            used INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE run_upload (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
            upload TEXT NOT NULL REFERENCES upload,
            PRIMARY KEY (run, upload)
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX run_upload_upload ON run_upload (upload)
          """)
    }
    migrator.registerMigration("settings of plugins") { database in
      // `value` is JSON.
      try database.execute(
        sql: """
          CREATE TABLE plugin_setting (
            plugin TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            author TEXT NOT NULL,
            time INTEGER NOT NULL,
            PRIMARY KEY (plugin, key)
          ) STRICT, WITHOUT ROWID
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
