import GRDB
import PipelineEngine
import PluginModel

extension StateDatabase {
  /// With its first records, if there are any.
  package func add(_ run: StoredRun, _ records: [JournalRecord] = []) async throws(StateStoreError) {
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO run (id, workflow, file, source, settings, nodes, created, submitter, parent)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          run.identifier, run.workflow, run.file, Blob(run.source), run.settings.text(), run.nodeCount, run.created,
          run.submitter, run.parent,
        ])
      for (path, bytes) in run.files.sorted(by: { $0.key < $1.key }) {
        try database.execute(
          sql: "INSERT INTO run_file (run, path, content) VALUES (?, ?, ?)",
          arguments: [run.identifier, path, Blob(bytes)])
      }
      for upload in run.uploads.sorted() {
        try database.execute(
          sql: "INSERT INTO run_upload (run, upload) VALUES (?, ?)", arguments: [run.identifier, upload])
      }
      try database.append(records, to: run.identifier)
    }
  }

  /// The latest last, without what was in their files.
  /// - Parameter limit: the latest so many.
  package func runs(limit: Int = .max) async throws(StateStoreError) -> [StoredRun] {
    let path = path
    return try await read { database in
      try Row.fetchAll(
        database,
        sql: "SELECT \(StoredRun.columns) FROM run ORDER BY created DESC, id DESC LIMIT ?", arguments: [limit]
      ).reversed().map { try StoredRun($0, path: path) }
    }
  }

  /// How long the nodes of a workflow took where they ran, from their first attempt to their end: the mean of those of the last runs of
  /// it, and of all instances together. Milliseconds, by node as the workflow has it. Of very long runs the end alone is looked at.
  package func durations(ofWorkflow name: String) async throws(StateStoreError) -> [NodeName: Int64] {
    try await read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT written, avg(milliseconds) AS mean FROM (
            SELECT CASE WHEN node LIKE '%]' THEN rtrim(rtrim(rtrim(node, ']'), '0123456789'), '[') ELSE node END AS written,
              json_extract(body, '$.duration_ms') AS milliseconds
            FROM journal
            WHERE kind = 'succeeded' AND NOT json_extract(body, '$.cached')
              AND run IN (SELECT id FROM run WHERE workflow = ? ORDER BY created DESC, id DESC LIMIT 5)
            ORDER BY time DESC LIMIT 20000
          ) WHERE milliseconds >= 0 GROUP BY written
          """, arguments: [name])
      let pairs = rows.compactMap { row -> (NodeName, Int64)? in
        let mean: Double = row["mean"]
        return NodeName(stored: row["written"]).map { ($0, Int64(mean.rounded())) }
      }
      return Dictionary(pairs) { first, _ in first }
    }
  }

  /// Nil: there is none.
  package func run(_ identifier: String) async throws(StateStoreError) -> StoredRun? {
    let path = path
    return try await read { database in
      guard let row = try Row.fetchOne(database, sql: "SELECT * FROM run WHERE id = ?", arguments: [identifier]) else {
        return nil
      }
      var run = try StoredRun(row, path: path)
      let files = try Row.fetchCursor(
        database, sql: "SELECT path, content FROM run_file WHERE run = ?", arguments: [identifier])
      while let file = try files.next() {
        let content: Blob = file["content"]
        run.files[file["path"]] = content.bytes
      }
      return run
    }
  }

  /// With their journals. What only they referred to is removed from the store of results when that is collected.
  /// - Returns: how many there were.
  @discardableResult
  package func remove(runs identifiers: [String]) async throws(StateStoreError) -> Int {
    try await write { database in
      var count = 0
      for identifier in identifiers {
        try database.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [identifier])
        count += database.changesCount
      }
      return count
    }
  }

  /// Everything in the store of results that a run or the cache refers to.
  package func references() async throws(StateStoreError) -> Set<ContentDigest> {
    try await read { database in
      let texts = try String.fetchCursor(
        database,
        sql: """
          SELECT digest FROM journal_value WHERE content IS NULL
          UNION SELECT digest FROM cache_value WHERE content IS NULL
          """)
      var digests: Set<ContentDigest> = []
      while let text = try texts.next() {
        if let digest = ContentDigest(text) { digests.insert(digest) }
      }
      return digests
    }
  }

  // MARK: The journal

  /// All of them or none, after those that are there. They survive the end of the machine when this returns.
  /// - Returns: the number of the first.
  @discardableResult
  package func append(_ records: [JournalRecord], to run: String) async throws(StateStoreError) -> Int {
    try await write { try $0.append(records, to: run) }
  }

  /// What is written down of a run, put together in its order.
  package func history(of run: String) async throws(StateStoreError) -> RunHistory {
    let path = path
    return try await read { database in
      let outputs = try StoredValueRow.fetch(journalOf: run, database, path: path)
      let rows = try Row.fetchCursor(
        database, sql: "SELECT sequence, time, kind, node, body FROM journal WHERE run = ? ORDER BY sequence",
        arguments: [run])
      var history = RunHistory()
      while let row = try rows.next() {
        let sequence: Int = row["sequence"]
        guard let record = JournalRecord(row, outputs: outputs[sequence] ?? []) else {
          throw StateStoreError.damaged(path: path, why: "record \(sequence) of the run \(run) can't be read")
        }
        history.apply(record)
      }
      return history
    }
  }
}

/// The journal of one run.
package struct StoredRunJournal: RunJournal {
  private let database: StateDatabase
  private let run: String

  package init(_ database: StateDatabase, run: String) {
    self.database = database
    self.run = run
  }

  package func append(_ records: [JournalRecord]) async throws(StateFailure) {
    do throws(StateStoreError) {
      try await database.append(records, to: run)
    } catch {
      throw StateFailure(unwritten: error)
    }
  }
}

extension StateFailure {
  /// Of a run's journal.
  package init(unwritten error: StateStoreError) {
    self.init(
      "what happens in the run can't be written down", cause: "\(error.path): \(error.description)", hint: error.hint)
  }
}

extension Database {
  /// - Returns: the number of the first.
  @discardableResult
  fileprivate func append(_ records: [JournalRecord], to run: String) throws -> Int {
    var sequence =
      try Int.fetchOne(self, sql: "SELECT max(sequence) FROM journal WHERE run = ?", arguments: [run]) ?? 0
    let first = sequence + 1
    let insert = try cachedStatement(
      sql: "INSERT INTO journal (run, sequence, time, kind, node, body) VALUES (?, ?, ?, ?, ?, ?)")
    for record in records {
      sequence += 1
      let row = record.row
      try insert.execute(arguments: [run, sequence, row.time, row.kind.rawValue, row.node?.text, row.body.text()])
      try StoredValueRow.insert(row.outputs, of: .journal(run: run, sequence: sequence), self)
      switch record.content {
      case .began: try setEnd(of: run, nil, nil)
      case .finished(let outcome): try setEnd(of: run, outcome, record.time)
      case .started, .retried, .succeeded, .failed, .skipped, .cancelled: break
      }
    }
    return first
  }

  fileprivate func setEnd(of run: String, _ outcome: RunOutcome?, _ time: Int64?) throws {
    try execute(
      sql: "UPDATE run SET outcome = ?, ended = ? WHERE id = ?", arguments: [outcome?.rawValue, time, run])
  }
}

extension JournalRecord {
  fileprivate init?(_ row: GRDB.Row, outputs: [StoredResult.Output]) {
    let name: String? = row["node"]
    let node = name.flatMap { NodeName(stored: $0) }
    let kind: String = row["kind"]
    let body: String = row["body"]
    guard let kind = Kind(rawValue: kind), (name == nil) == (node == nil),
      let body = try? JSONValue(json: Array(body.utf8), limits: .journal)
    else { return nil }
    self.init(Row(time: row["time"], kind: kind, node: node, body: body, outputs: outputs))
  }
}

extension DocumentLimits {
  /// Of what this program has written itself.
  fileprivate static let journal = DocumentLimits(maximumBytes: 64 << 20, maximumNodes: 1_000_000)
}

extension StoredRun {
  init(_ row: Row, path: String) throws {
    let settings: String = row["settings"]
    let outcome: String? = row["outcome"]
    let known = outcome.flatMap(RunOutcome.init)
    let identifier: String = row["id"]
    guard (outcome == nil) == (known == nil),
      let settings = try? JSONValue(json: Array(settings.utf8), limits: .journal)
    else { throw StateStoreError.damaged(path: path, why: "what it says of the run \(identifier) can't be read") }
    let source: Blob = row["source"]
    self.init(
      identifier: identifier, workflow: row["workflow"], file: row["file"], source: source.bytes, settings: settings,
      nodeCount: row["nodes"], created: row["created"], outcome: known, ended: row["ended"])
    submitter = row["submitter"]
    parent = row["parent"]
    let problems: String? = row["problems"]
    self.problems = try problems.map { text in
      guard let value = try? JSONValue(json: Array(text.utf8), limits: .journal) else {
        throw StateStoreError.damaged(path: path, why: "why the run \(identifier) failed can't be read")
      }
      return value
    }
  }

  /// Without what was in its file.
  static let columns =
    "id, workflow, file, x'' AS source, settings, nodes, created, outcome, ended, submitter, problems, parent"
}
