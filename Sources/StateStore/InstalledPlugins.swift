import GRDB
import PluginModel

extension StateDatabase {
  /// All that are installed, by name; of each the one that counts first, then from the latest installed to the earliest.
  package func installedPlugins() async throws(StateStoreError) -> [InstalledVersion] {
    let path = path
    return try await read { database in try Self.installed(database, path).map(\.version) }
  }

  private static func installed(
    _ database: Database, _ path: String
  ) throws -> [(identifier: Int64, version: InstalledVersion)] {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT \(InstalledVersion.Column.list), plugin_pointer.current, plugin_pointer.previous
        FROM plugin_version LEFT JOIN plugin_pointer ON plugin_pointer.name = plugin_version.name
        ORDER BY plugin_version.name, plugin_version.id = plugin_pointer.current DESC, plugin_version.id DESC
        """)
    var versions: [(identifier: Int64, version: InstalledVersion)] = []
    while let row = try rows.next() {
      guard let identifier = try? row.decode(Int64.self, atIndex: InstalledVersion.Column.id.rawValue),
        let version = InstalledVersion(row, identifier)
      else { throw StateStoreError.damaged(path: path, why: "an installed plugin in it can't be read") }
      versions.append((identifier, version))
    }
    return versions
  }

  /// Makes a version the one that counts, in one step. One that is installed already is as if it were installed now.
  /// - Parameter allowsDowngrade: false: not in the place of a higher one.
  /// - Returns: the higher one that counts, because of which nothing was changed.
  @discardableResult
  package func install(
    _ version: InstalledVersion, allowsDowngrade: Bool = true
  ) async throws(StateStoreError) -> SemanticVersion? {
    let path = path
    return try await write { database in
      let current = try Self.installed(database, path).map(\.version).first {
        $0.name == version.name && $0.standing == .current
      }
      if let current, !allowsDowngrade, version.version < current.version { return current.version }
      try database.execute(
        sql: """
          INSERT INTO plugin_version
            (name, version, author, metadata, digest, checksum, contents, signers, place, files, bytes, installed)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (name, version, digest) DO UPDATE SET
            metadata = excluded.metadata, checksum = excluded.checksum, contents = excluded.contents,
            signers = excluded.signers,
            place = excluded.place, installed = excluded.installed
          """,
        arguments: [
          version.name.text, version.version.description, version.author, version.metadata, version.digest,
          version.checksum, version.contents, version.signers.joined(separator: ","), version.place, version.files,
          version.bytes,
          version.installed,
        ])
      let identifier = try Int64.fetchOne(
        database, sql: "SELECT id FROM plugin_version WHERE name = ? AND version = ? AND digest = ?",
        arguments: [version.name.text, version.version.description, version.digest])
      try Self.point(database, version.name, to: identifier)
      return nil
    }
  }

  /// What counted until now is what a rollback goes back to.
  private static func point(_ database: Database, _ name: PluginName, to identifier: Int64?) throws {
    try database.execute(
      sql: """
        INSERT INTO plugin_pointer (name, current, previous) VALUES (?1, ?2, NULL)
        ON CONFLICT (name) DO UPDATE SET current = ?2, previous = current WHERE current <> ?2
        """,
      arguments: [name.text, identifier])
  }

  /// Makes another installed version the one that counts.
  /// - Parameter version: nil: the one that counted before.
  /// - Returns: the versions that count now and before; nil where there is none to go back to.
  package func rollBack(
    _ name: PluginName, to version: SemanticVersion? = nil
  ) async throws(StateStoreError) -> (now: InstalledVersion, before: InstalledVersion)? {
    let path = path
    return try await write { database in
      let all = try Self.installed(database, path).filter { $0.version.name == name }
      guard let current = all.first(where: { $0.version.standing == .current }),
        let wanted = all.first(where: { _, candidate in
          version.map { candidate.version == $0 && candidate.standing != .current }
            ?? (candidate.standing == .previous)
        })
      else { return nil }
      try Self.point(database, name, to: wanted.identifier)
      return (wanted.version, current.version)
    }
  }

  /// Forgets all versions that neither count nor did so last.
  package func forgetOldVersions() async throws(StateStoreError) {
    try await write { database in
      try database.execute(
        sql: """
          DELETE FROM plugin_version WHERE id NOT IN (
            SELECT current FROM plugin_pointer UNION SELECT previous FROM plugin_pointer WHERE previous IS NOT NULL)
          """)
    }
  }

  /// Forgets versions of a plugin; their files are rubbish from then on. Where the one that counts is among them, the one before it counts,
  /// or else the one that was installed last.
  /// - Parameter version: nil: all of them, and what the plugin was granted.
  /// - Returns: how many there were.
  @discardableResult
  package func uninstall(
    _ name: PluginName, _ version: SemanticVersion? = nil
  ) async throws(StateStoreError) -> Int {
    try await write { database in
      guard let version else {
        try database.execute(sql: "DELETE FROM plugin_grant WHERE plugin = ?", arguments: [name.text])
        try database.execute(sql: "DELETE FROM plugin_pointer WHERE name = ?", arguments: [name.text])
        try database.execute(sql: "DELETE FROM plugin_version WHERE name = ?", arguments: [name.text])
        return database.changesCount
      }
      let previous = try Int64.fetchOne(
        database, sql: "SELECT previous FROM plugin_pointer WHERE name = ?", arguments: [name.text])
      try database.execute(
        sql: "DELETE FROM plugin_version WHERE name = ? AND version = ?", arguments: [name.text, version.description])
      let count = database.changesCount
      // What counted before, or else the one that was installed last.
      try database.execute(
        sql: """
          INSERT INTO plugin_pointer (name, current)
          SELECT name, id FROM plugin_version WHERE name = ?1 ORDER BY id IS ?2 DESC, installed DESC, id DESC LIMIT 1
          ON CONFLICT (name) DO NOTHING
          """, arguments: [name.text, previous])
      return count
    }
  }
}

extension InstalledVersion {
  /// In the order in which they are read. By their names GRDB would look for each in each row.
  fileprivate enum Column: Int, CaseIterable {
    case id, name, version, author, metadata, digest, checksum, contents, signers, place, files, bytes, installed
    case current, previous

    /// Of `plugin_version`.
    static let list = allCases.prefix { $0 != .current }.map { "plugin_version.\($0)" }.joined(separator: ", ")
  }

  /// Nil where something in the row is not what this program writes.
  fileprivate init?(_ row: Row, _ identifier: Int64) {
    func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ column: Column) throws -> Value {
      try row.decode(Value.self, atIndex: column.rawValue)
    }
    guard let name = PluginName((try? value(.name)) ?? ""),
      let version = SemanticVersion((try? value(.version)) ?? "")
    else { return nil }
    do {
      let (current, previous): (Int64?, Int64?) = (try value(.current), try value(.previous))
      let signers: String = try value(.signers)
      self.init(
        name: name, version: version, author: try value(.author), metadata: try value(.metadata),
        digest: try value(.digest), checksum: try value(.checksum), contents: try value(.contents),
        signers: signers.isEmpty ? [] : signers.split(separator: ",").map(String.init), place: try value(.place),
        files: try value(.files), bytes: try value(.bytes), installed: try value(.installed),
        standing: current == identifier ? .current : previous == identifier ? .previous : .other)
    } catch {
      return nil
    }
  }
}
