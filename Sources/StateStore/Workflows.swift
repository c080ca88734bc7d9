import Crypto
import GRDB
import PipelineEngine
import PluginModel

/// The workflows that are stored, and their versions.
extension StateDatabase {
  /// The latest version of each, by name.
  /// - Parameters:
  ///   - name: only names that come after it.
  ///   - limit: not more than so many.
  package func workflows(
    after name: WorkflowName? = nil, limit: Int
  ) async throws(StateStoreError) -> [WorkflowVersion] {
    let path = path
    return try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT \(WorkflowVersion.columns) FROM workflow_version
          WHERE name > ? AND version = (SELECT current FROM workflow WHERE workflow.name = workflow_version.name)
          ORDER BY name LIMIT ?
          """,
        arguments: [name?.text ?? "", max(0, limit)]
      ).map { try WorkflowVersion($0, path) }
    }
  }

  /// - Parameter number: nil: the latest.
  /// - Returns: nil where there is no such workflow or version, or it isn't kept any more.
  package func workflow(
    _ name: WorkflowName, version number: Int? = nil
  ) async throws(StateStoreError) -> StoredWorkflow? {
    let path = path
    let stored: StoredWorkflow? = try await read { database in
      guard let latest = try Self.latest(database, name, path) else { return nil }
      let row = try Row.fetchOne(
        database,
        sql: "SELECT \(WorkflowVersion.columns), content FROM workflow_version WHERE name = ? AND version = ?",
        arguments: [name.text, number ?? latest.number])
      guard let row else { return nil }
      guard let content = try? row.decode(Blob.self, forColumn: "content") else { throw WorkflowVersion.damaged(path) }
      return StoredWorkflow(version: try WorkflowVersion(row, path), content: content.bytes)
    }
    if let stored, ContentDigest(of: stored.content) != stored.version.digest { throw WorkflowVersion.damaged(path) }
    return stored
  }

  /// The latest first.
  /// - Parameters:
  ///   - number: only versions before it.
  ///   - limit: not more than so many.
  /// - Returns: nil where there is no such workflow.
  package func workflowVersions(
    of name: WorkflowName, before number: Int? = nil, limit: Int
  ) async throws(StateStoreError) -> [WorkflowVersion]? {
    let path = path
    return try await read { database in
      guard try Self.latest(database, name, path) != nil else { return nil }
      return try Row.fetchAll(
        database,
        sql: """
          SELECT \(WorkflowVersion.columns) FROM workflow_version WHERE name = ? AND version < ?
          ORDER BY version DESC LIMIT ?
          """,
        arguments: [name.text, number ?? Int.max, max(0, limit)]
      ).map { try WorkflowVersion($0, path) }
    }
  }

  /// Stores a new version, if what is there is what was expected: in one step, which decides who of several is first.
  /// - Parameter time: milliseconds since 1970.
  package func save(
    workflow name: WorkflowName, _ content: [UInt8], author: String, at time: Int64,
    expecting expectation: WorkflowExpectation, limits: WorkflowLimits = WorkflowLimits()
  ) async throws(StateStoreError) -> WorkflowSaving {
    guard content.count <= limits.bytes, author.utf8.count <= limits.authorBytes else { return .tooLarge }
    let digest = ContentDigest(of: content)
    let path = path
    return try await write { database in
      let latest = try Self.latest(database, name, path)
      switch (latest, expectation) {
      case (nil, .absent):
        let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM workflow WHERE current IS NOT NULL") ?? 0
        guard count < limits.workflows else { return .full }
      case (nil, .digest), (nil, .version): return .absent
      case (let latest?, let expectation):
        guard expectation.isMet(by: latest) else { return .conflict(latest) }
        if latest.digest == digest { return .same(latest) }
      }
      let last =
        try Int.fetchOne(database, sql: "SELECT last FROM workflow WHERE name = ?", arguments: [name.text]) ?? 0
      let version = WorkflowVersion(
        name: name, number: last + 1, digest: digest, author: author, created: time, bytes: content.count)
      try database.execute(
        sql: """
          INSERT INTO workflow (name, last, current, created) VALUES (?1, ?2, ?2, ?3)
          ON CONFLICT (name) DO UPDATE SET last = ?2, current = ?2
          """,
        arguments: [name.text, version.number, time])
      try database.execute(
        sql: """
          INSERT INTO workflow_version (name, version, digest, author, created, bytes, content)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          name.text, version.number, digest.description, author, time, content.count, Blob(content),
        ])
      try database.execute(
        sql: "DELETE FROM workflow_version WHERE name = ? AND version <= ?",
        arguments: [name.text, version.number - limits.versions])
      return .saved(version)
    }
  }

  /// Removes it with all its versions, if what is there is what was expected. Runs of it have copies of their own.
  package func remove(
    workflow name: WorkflowName, expecting expectation: WorkflowExpectation
  ) async throws(StateStoreError) -> WorkflowRemoval {
    let path = path
    return try await write { database in
      guard let latest = try Self.latest(database, name, path) else { return .absent }
      guard expectation.isMet(by: latest) else { return .conflict(latest) }
      try database.execute(sql: "DELETE FROM workflow_version WHERE name = ?", arguments: [name.text])
      try database.execute(sql: "UPDATE workflow SET current = NULL WHERE name = ?", arguments: [name.text])
      return .removed
    }
  }

  private static func latest(_ database: Database, _ name: WorkflowName, _ path: String) throws -> WorkflowVersion? {
    try Row.fetchOne(
      database,
      sql: """
        SELECT \(WorkflowVersion.columns) FROM workflow_version
        WHERE name = ?1 AND version = (SELECT current FROM workflow WHERE name = ?1)
        """,
      arguments: [name.text]
    ).map { try WorkflowVersion($0, path) }
  }
}

extension WorkflowExpectation {
  fileprivate func isMet(by latest: WorkflowVersion) -> Bool {
    switch self {
    case .absent: false
    case .digest(let digest): latest.digest == digest
    case .version(let number): latest.number == number
    }
  }
}

extension WorkflowVersion {
  fileprivate static let columns = "name, version, digest, author, created, bytes"

  fileprivate init(_ row: Row, _ path: String) throws {
    guard let name = (try? row.decode(String.self, forColumn: "name")).flatMap({ WorkflowName($0) }),
      let number = try? row.decode(Int.self, forColumn: "version"),
      let digest = (try? row.decode(String.self, forColumn: "digest")).flatMap({ ContentDigest(described: $0) }),
      let author = try? row.decode(String.self, forColumn: "author"),
      let created = try? row.decode(Int64.self, forColumn: "created"),
      let bytes = try? row.decode(Int.self, forColumn: "bytes")
    else { throw Self.damaged(path) }
    self.init(name: name, number: number, digest: digest, author: author, created: created, bytes: bytes)
  }

  fileprivate static func damaged(_ path: String) -> StateStoreError {
    .damaged(path: path, why: "a workflow in it can't be read")
  }
}
