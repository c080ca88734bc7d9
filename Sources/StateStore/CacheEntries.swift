import GRDB
import PipelineEngine
import PluginModel

extension StateDatabase {
  /// What is kept under a key, which counts as a use; nil: nothing.
  /// - Parameter now: milliseconds since 1970.
  package func cached(
    _ key: ContentDigest, now: Int64
  ) async throws(StateStoreError) -> [StoredResult.Output]? {
    let path = path
    return try await write { database in
      try database.execute(
        sql: "UPDATE cache_entry SET used = ? WHERE key = ?", arguments: [now, key.hexadecimal])
      guard database.changesCount > 0 else { return nil }
      return try StoredValueRow.fetch(cachedAs: key, database, path: path)
    }
  }

  /// In place of what is kept under the key.
  package func cache(
    _ outputs: [StoredResult.Output], as key: ContentDigest, type: NodeTypeReference, now: Int64
  ) async throws(StateStoreError) {
    try await write { database in
      try database.execute(sql: "DELETE FROM cache_entry WHERE key = ?", arguments: [key.hexadecimal])
      try database.execute(
        sql: "INSERT INTO cache_entry (key, type, created, used) VALUES (?, ?, ?, ?)",
        arguments: [key.hexadecimal, type.description, now, now])
      try StoredValueRow.insert(outputs, of: .cache(key: key), database)
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
