import GRDB
import PluginModel

extension StateDatabase {
  /// All that was allowed, in the order in which it was.
  package func grants() async throws(StateStoreError) -> [GrantRecord] {
    let path = path
    return try await read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM plugin_grant ORDER BY id").map { row in
        guard let record = GrantRecord(row) else {
          throw StateStoreError.damaged(path: path, why: "a grant in it can't be read")
        }
        return record
      }
    }
  }

  /// All of them or none. One that is there already is as if it were given now.
  package func add(_ records: [GrantRecord]) async throws(StateStoreError) {
    try await write { database in
      for record in records {
        try database.execute(
          sql: """
            INSERT OR REPLACE INTO plugin_grant (plugin, digest, permission, asked, time, way, user)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            record.plugin.text, record.digest, record.permission.description,
            record.asked.map(\.description).joined(separator: "\n"), record.time, record.way.rawValue,
            Int64(record.user),
          ])
      }
    }
  }

  /// Takes permissions back from a plugin, whichever of its files they were given to: what was revoked doesn't come back when an
  /// old version does.
  /// - Parameter permissions: nil: all.
  /// - Returns: how many grants there were.
  @discardableResult
  package func revoke(_ permissions: Set<Permission>?, of plugin: PluginName) async throws(StateStoreError) -> Int {
    try await write { database in
      guard let permissions else {
        try database.execute(sql: "DELETE FROM plugin_grant WHERE plugin = ?", arguments: [plugin.text])
        return database.changesCount
      }
      var count = 0
      for permission in permissions {
        try database.execute(
          sql: "DELETE FROM plugin_grant WHERE plugin = ? AND permission = ?",
          arguments: [plugin.text, permission.description])
        count += database.changesCount
      }
      return count
    }
  }
}

extension GrantRecord {
  /// Nil where something in the row is not what this program writes: a grant that can't be read whole grants nothing.
  fileprivate init?(_ row: Row) {
    let texts = (row.value("permission") as String?, row.value("way") as String?)
    guard let name: String = row.value("plugin"), let plugin = PluginName(name),
      let digest: String = row.value("digest"),
      let permission = texts.0.flatMap({ try? Permission($0) }), let way = texts.1.flatMap(Way.init),
      let time: String = row.value("time"), let user = (row.value("user") as Int64?).flatMap(UInt32.init(exactly:)),
      let asked: String = row.value("asked")
    else { return nil }
    let requests = asked.split(separator: "\n").map { try? Permission(String($0)) }
    guard requests.allSatisfy({ $0 != nil }) else { return nil }
    self.init(
      plugin: plugin, digest: digest, permission: permission, asked: requests.compactMap(\.self), time: time, way: way,
      user: user)
  }
}
