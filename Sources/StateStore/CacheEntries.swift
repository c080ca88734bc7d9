import GRDB
import PipelineEngine
import PluginModel

extension StateDatabase {
  /// How exactly the time of the last use is known, in milliseconds: a lookup writes to the disk no more often.
  static let useGranularity: Int64 = 3_600_000

  /// What is kept under keys, which counts as a use.
  /// - Parameter now: milliseconds since 1970.
  package func cached(
    _ keys: [ContentDigest], now: Int64
  ) async throws(StateStoreError) -> [(key: ContentDigest, outputs: [StoredResult.Output])] {
    let path = path
    let found = try await read { database in
      let entry = try database.cachedStatement(sql: "SELECT used FROM cache_entry WHERE key = ?")
      return try keys.compactMap { key -> (key: ContentDigest, outputs: [StoredResult.Output], used: Int64)? in
        let used = try Int64.fetchOne(entry, arguments: [key.hexadecimal])
        return try used.map { (key, try StoredValueRow.fetch(cachedAs: key, database, path: path), $0) }
      }
    }
    let stale = found.filter { abs(now - $0.used) >= Self.useGranularity }.map(\.key)
    if !stale.isEmpty {
      try await write { database in
        let update = try database.cachedStatement(sql: "UPDATE cache_entry SET used = ? WHERE key = ?")
        for key in stale { try update.execute(arguments: [now, key.hexadecimal]) }
      }
    }
    return found.map { ($0.key, $0.outputs) }
  }

  /// All of them or none, in place of what is kept under their keys.
  package func cache(_ results: [NewResult], now: Int64) async throws(StateStoreError) {
    try await write { database in
      let delete = try database.cachedStatement(sql: "DELETE FROM cache_entry WHERE key = ?")
      let insert = try database.cachedStatement(
        sql: "INSERT INTO cache_entry (key, type, created, used) VALUES (?, ?, ?, ?)")
      for result in results {
        let key = result.key.digest
        try delete.execute(arguments: [key.hexadecimal])
        try insert.execute(arguments: [key.hexadecimal, result.type.description, now, now])
        try StoredValueRow.insert(result.outputs, of: .cache(key: key), database)
      }
    }
  }

  package func forget(cached keys: [ContentDigest]) async throws(StateStoreError) {
    try await write { database in
      for key in keys {
        try database.execute(sql: "DELETE FROM cache_entry WHERE key = ?", arguments: [key.hexadecimal])
      }
    }
  }

  package struct CacheEntry: Hashable, Sendable {
    package var key: ContentDigest
    package var type: String
    /// Milliseconds since 1970.
    package var used: Int64
    /// Of all its values.
    package var bytes: Int
  }

  /// Those that were used longest ago first.
  package func cacheEntries() async throws(StateStoreError) -> [CacheEntry] {
    try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT key, type, used, (SELECT coalesce(sum(size), 0) FROM cache_value WHERE cache_value.key = cache_entry.key)
            AS bytes
          FROM cache_entry ORDER BY used, key
          """
      ).compactMap { row in
        let key: String = row["key"]
        return ContentDigest(key).map {
          CacheEntry(key: $0, type: row["type"], used: row["used"], bytes: row["bytes"])
        }
      }
    }
  }
}
