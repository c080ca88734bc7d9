import GRDB
import PipelineEngine
import PluginModel

/// A file that somebody sent for runs to come. Its content lies beside the database.
package struct StoredUpload: Hashable, Sendable {
  /// 32 lower-case hexadecimal digits, which nobody guesses.
  package var identifier: String
  /// Whose token it was.
  package var owner: String
  package var digest: ContentDigest
  package var bytes: Int
  /// Milliseconds since 1970.
  package var created: Int64
  /// When it was last wanted, likewise.
  package var used: Int64

  package init(identifier: String, owner: String, digest: ContentDigest, bytes: Int, created: Int64) {
    self.identifier = identifier
    self.owner = owner
    self.digest = digest
    self.bytes = bytes
    self.created = created
    used = created
  }
}

/// How many uploads there may be, and how large together: of each owner, and of all.
package struct UploadLimits: Hashable, Sendable {
  package var ownCount = 256
  package var ownBytes = 16 << 30
  package var allCount = 4096
  package var allBytes = 64 << 30

  package init() {}
}

package struct UploadUse: Hashable, Sendable {
  package var ownCount: Int
  package var ownBytes: Int
  package var allCount: Int
  package var allBytes: Int

  /// Of one more.
  package func allows(_ bytes: Int, _ limits: UploadLimits) -> Bool {
    ownCount < limits.ownCount && allCount < limits.allCount && bytes <= limits.ownBytes - ownBytes
      && bytes <= limits.allBytes - allBytes
  }
}

package enum UploadRemoval: Hashable, Sendable {
  case removed
  case absent
  /// Runs that are kept have it.
  case taken
}

extension StateDatabase {
  /// - Returns: false: there are as many as may be, and nothing was written.
  package func add(_ upload: StoredUpload, limits: UploadLimits = UploadLimits()) async throws(StateStoreError) -> Bool
  {
    try await write { database in
      guard try Self.use(of: upload.owner, database).allows(upload.bytes, limits) else { return false }
      try database.execute(
        sql: "INSERT INTO upload (id, owner, digest, bytes, created, used) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [
          upload.identifier, upload.owner, upload.digest.description, upload.bytes, upload.created, upload.used,
        ])
      return true
    }
  }

  package func uploadUse(of owner: String) async throws(StateStoreError) -> UploadUse {
    try await read { try Self.use(of: owner, $0) }
  }

  private static func use(of owner: String, _ database: Database) throws -> UploadUse {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT count(*) AS all_count, coalesce(sum(bytes), 0) AS all_bytes, count(*) FILTER (WHERE owner = ?1) AS own_count,
          coalesce(sum(bytes) FILTER (WHERE owner = ?1), 0) AS own_bytes FROM upload
        """, arguments: [owner])
    return UploadUse(
      ownCount: row?["own_count"] ?? 0, ownBytes: row?["own_bytes"] ?? 0, allCount: row?["all_count"] ?? 0,
      allBytes: row?["all_bytes"] ?? 0)
  }

  /// - Returns: nil: there is none, or it isn't this owner's; with whether a run that is kept has it.
  /// - Parameter owner: nil: anybody's.
  package func upload(
    _ identifier: String, of owner: String?
  ) async throws(StateStoreError) -> (upload: StoredUpload, isTaken: Bool)? {
    try await uploads(where: "id = ? AND coalesce(owner = ?, 1)", [identifier, owner], limit: 1).first
  }

  /// By their identifiers.
  /// - Parameters:
  ///   - owner: nil: anybody's.
  ///   - after: only those that come after it.
  package func uploads(
    of owner: String?, after: String? = nil, limit: Int
  ) async throws(StateStoreError) -> [(upload: StoredUpload, isTaken: Bool)] {
    try await uploads(where: "id > ? AND coalesce(owner = ?, 1)", [after ?? "", owner], limit: limit)
  }

  private func uploads(
    where condition: String, _ arguments: [String?], limit: Int
  ) async throws(StateStoreError) -> [(upload: StoredUpload, isTaken: Bool)] {
    let path = path
    return try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT *, EXISTS (SELECT 1 FROM run_upload WHERE upload = id) AS taken FROM upload
          WHERE \(condition) ORDER BY id LIMIT \(max(0, limit))
          """, arguments: StatementArguments(arguments)
      ).map { (try StoredUpload($0, path: path), $0["taken"]) }
    }
  }

  /// Notes that it is wanted now, so that it doesn't expire under whoever wants it.
  /// - Returns: as ``upload(_:of:)`` does.
  package func useUpload(
    _ identifier: String, of owner: String?, at time: Int64
  ) async throws(StateStoreError) -> StoredUpload? {
    let path = path
    return try await write { database in
      try Row.fetchOne(
        database, sql: "UPDATE upload SET used = ?1 WHERE id = ?2 AND coalesce(owner = ?3, 1) RETURNING *",
        arguments: [time, identifier, owner]
      ).map { try StoredUpload($0, path: path) }
    }
  }

  /// Its content is for whoever asks to remove, afterwards.
  package func remove(upload identifier: String, of owner: String?) async throws(StateStoreError) -> UploadRemoval {
    try await write { database in
      let row = try Row.fetchOne(
        database,
        sql: """
          SELECT EXISTS (SELECT 1 FROM run_upload WHERE upload = id) AS taken FROM upload
          WHERE id = ? AND coalesce(owner = ?, 1)
          """, arguments: [identifier, owner])
      guard let row else { return .absent }
      guard !(row["taken"] as Bool) else { return .taken }
      try database.execute(sql: "DELETE FROM upload WHERE id = ?", arguments: [identifier])
      return .removed
    }
  }

  /// Forgets those that no run has and that weren't wanted for long.
  /// - Parameter time: since then; milliseconds since 1970.
  /// - Returns: those whose content isn't needed any more.
  package func expireUploads(notUsedSince time: Int64) async throws(StateStoreError) -> [String] {
    try await write { database in
      try String.fetchAll(
        database,
        sql: """
          DELETE FROM upload WHERE used < ? AND NOT EXISTS (SELECT 1 FROM run_upload WHERE upload = id) RETURNING id
          """, arguments: [time])
    }
  }

  /// All that there are.
  package func uploadIdentifiers() async throws(StateStoreError) -> Set<String> {
    try await read { try String.fetchSet($0, sql: "SELECT id FROM upload") }
  }
}

extension StoredUpload {
  fileprivate init(_ row: Row, path: String) throws {
    guard let digest = ContentDigest(described: row["digest"]) else {
      throw StateStoreError.damaged(path: path, why: "an upload in it can't be read")
    }
    self.init(
      identifier: row["id"], owner: row["owner"], digest: digest, bytes: row["bytes"], created: row["created"])
    used = row["used"]
  }
}
