import GRDB
import PluginModel

extension StateDatabase {
  /// All that are installed, by name; of each the one that counts first, then from the latest installed to the earliest.
  package func installedPlugins() async throws(StateStoreError) -> [InstalledVersion] {
    let path = path
    return try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT plugin_version.*, plugin_pointer.current AS current, plugin_pointer.previous AS previous
          FROM plugin_version LEFT JOIN plugin_pointer ON plugin_pointer.name = plugin_version.name
          ORDER BY plugin_version.name, plugin_version.id = plugin_pointer.current DESC, plugin_version.id DESC
          """
      ).map { row in
        guard let version = InstalledVersion(row) else {
          throw StateStoreError.damaged(path: path, why: "an installed plugin in it can't be read")
        }
        return version
      }
    }
  }

  /// Makes a version the one that counts, in one step. One that is installed already is as if it were installed now.
  package func install(_ version: InstalledVersion) async throws(StateStoreError) {
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO plugin_version
            (name, version, author, metadata, digest, checksum, signers, place, files, bytes, installed)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (name, version, digest) DO UPDATE SET
            metadata = excluded.metadata, checksum = excluded.checksum, signers = excluded.signers,
            place = excluded.place, installed = excluded.installed
          """,
        arguments: [
          version.name.text, version.version.description, version.author, version.metadata, version.digest,
          version.checksum, version.signers.joined(separator: ","), version.place, version.files, version.bytes,
          version.installed,
        ])
      let identifier = try Int64.fetchOne(
        database, sql: "SELECT id FROM plugin_version WHERE name = ? AND version = ? AND digest = ?",
        arguments: [version.name.text, version.version.description, version.digest])
      try Self.point(database, version.name, to: identifier)
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
    let before = try await installedPlugins().filter { $0.name == name }
    guard let current = before.first(where: { $0.standing == .current }),
      let wanted = before.first(where: { candidate in
        version.map { candidate.version == $0 && candidate.standing != .current } ?? (candidate.standing == .previous)
      })
    else { return nil }
    try await write { database in
      let identifier = try Int64.fetchOne(
        database, sql: "SELECT id FROM plugin_version WHERE name = ? AND version = ? AND digest = ?",
        arguments: [name.text, wanted.version.description, wanted.digest])
      try Self.point(database, name, to: identifier)
    }
    return (wanted, current)
  }

  /// Forgets versions of a plugin; their files are rubbish from then on. Where the one that counts is among them, the latest of the others
  /// counts.
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
      try database.execute(
        sql: "DELETE FROM plugin_version WHERE name = ? AND version = ?", arguments: [name.text, version.description])
      let count = database.changesCount
      try database.execute(
        sql: """
          INSERT INTO plugin_pointer (name, current)
          SELECT name, max(id) FROM plugin_version WHERE name = ?1 GROUP BY name
          ON CONFLICT (name) DO NOTHING
          """, arguments: [name.text])
      return count
    }
  }
}

extension InstalledVersion {
  /// Nil where something in the row is not what this program writes.
  fileprivate init?(_ row: Row) {
    func value<Value: DatabaseValueConvertible>(_ column: String) -> Value? {
      (row[column] as DatabaseValue?).flatMap { Value.fromDatabaseValue($0) }
    }
    guard let id: Int64 = value("id"), let name = (value("name") as String?).flatMap({ PluginName($0) }),
      let version = (value("version") as String?).flatMap({ SemanticVersion($0) }),
      let author: String = value("author"),
      let metadata: String = value("metadata"), let digest: String = value("digest"),
      let signers: String = value("signers"), let place: String = value("place"), let files: Int = value("files"),
      let bytes: Int = value("bytes"), let installed: Int64 = value("installed")
    else { return nil }
    let standing: Standing =
      if value("current") == id { .current } else if value("previous") == id { .previous } else { .other }
    self.init(
      name: name, version: version, author: author, metadata: metadata, digest: digest, checksum: value("checksum"),
      signers: signers.split(separator: ",").map(String.init), place: place, files: files, bytes: bytes,
      installed: installed, standing: standing)
  }
}
