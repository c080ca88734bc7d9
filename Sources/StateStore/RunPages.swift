import GRDB
import PipelineEngine
import PluginModel

/// Which runs are asked for, the latest first.
package struct RunQuery: Hashable, Sendable {
  package enum Standing: Hashable, Sendable {
    case ended(RunOutcome)
    /// It runs, or was cut off.
    case open
  }

  package var standing: Standing?
  package var workflow: String?
  package var submitter: String?
  /// Only those that are older than this run.
  package var before: String?
  package var limit: Int

  package init(
    standing: Standing? = nil, workflow: String? = nil, submitter: String? = nil, before: String? = nil, limit: Int = 50
  ) {
    self.standing = standing
    self.workflow = workflow
    self.submitter = submitter
    self.before = before
    self.limit = limit
  }
}

/// A record of a journal as it lies there.
package struct JournalEntry: Hashable, Sendable {
  /// From 1, by run.
  package var sequence: Int
  /// Milliseconds since 1970.
  package var time: Int64
  package var kind: JournalRecord.Kind
  package var node: String?
  /// A JSON object.
  package var body: String

  package init(sequence: Int, time: Int64, kind: JournalRecord.Kind, node: String?, body: String) {
    self.sequence = sequence
    self.time = time
    self.kind = kind
    self.node = node
    self.body = body
  }

  package init(_ record: JournalRecord, sequence: Int) {
    let row = record.row
    self.init(sequence: sequence, time: row.time, kind: row.kind, node: row.node?.text, body: row.body.text())
  }
}

/// What one node of a run returned.
package struct NodeOutputs: Sendable {
  package var node: String
  package var outputs: [StoredResult.Output]
}

extension StateDatabase {
  /// The latest first, without what was in their files.
  package func runs(_ query: RunQuery) async throws(StateStoreError) -> [StoredRun] {
    let path = path
    return try await read { database in
      var conditions: [String] = []
      var arguments: StatementArguments = []
      func demand(_ condition: String, _ argument: (any DatabaseValueConvertible)? = nil) {
        conditions.append(condition)
        if let argument { arguments += [argument] }
      }
      switch query.standing {
      case .ended(let outcome): demand("outcome = ?", outcome.rawValue)
      case .open: demand("outcome IS NULL")
      case nil: break
      }
      if let workflow = query.workflow { demand("workflow = ?", workflow) }
      if let submitter = query.submitter { demand("submitter = ?", submitter) }
      if let before = query.before { demand("(created, id) < (SELECT created, id FROM run WHERE id = ?)", before) }
      let filter = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
      arguments += [query.limit]
      return try Row.fetchAll(
        database, sql: "SELECT \(StoredRun.columns) FROM run \(filter) ORDER BY created DESC, id DESC LIMIT ?",
        arguments: arguments
      ).map { try StoredRun($0, path: path) }
    }
  }

  /// The runs that a server accepted and that haven't ended, the oldest first.
  package func acceptedRuns() async throws(StateStoreError) -> [String] {
    try await read { database in
      try String.fetchAll(
        database,
        sql: "SELECT id FROM run WHERE submitter IS NOT NULL AND outcome IS NULL ORDER BY created, id")
    }
  }

  /// What the nodes of a run returned, by the name of the node; of several results of one, the last.
  package func outputs(of run: String, node: String? = nil) async throws(StateStoreError) -> [NodeOutputs] {
    let path = path
    return try await read { database in
      let filter = node == nil ? "" : "AND node = ?"
      var arguments: StatementArguments = [run]
      if let node { arguments += [node] }
      let last = try Row.fetchAll(
        database,
        sql: """
          SELECT node, max(sequence) AS sequence FROM journal WHERE run = ? AND kind = 'succeeded' \(filter)
          GROUP BY node ORDER BY sequence
          """, arguments: arguments)
      return try last.map { row in
        NodeOutputs(
          node: row["node"],
          outputs: try StoredValueRow.fetch(journalOf: run, record: row["sequence"], database, path: path))
      }
    }
  }

  /// The number of the last record of a run; 0: there is none.
  package func lastSequence(of run: String) async throws(StateStoreError) -> Int {
    try await read { database in
      try Int.fetchOne(database, sql: "SELECT max(sequence) FROM journal WHERE run = ?", arguments: [run]) ?? 0
    }
  }

  /// What the run is gone on with, anew.
  package func set(settings: JSONValue, of run: String) async throws(StateStoreError) {
    try await write { database in
      try database.execute(sql: "UPDATE run SET settings = ? WHERE id = ?", arguments: [settings.text(), run])
    }
  }

  /// Keeps why a run couldn't be carried out.
  package func note(problems: JSONValue, of run: String) async throws(StateStoreError) {
    try await write { database in
      try database.execute(sql: "UPDATE run SET problems = ? WHERE id = ?", arguments: [problems.text(), run])
    }
  }

  /// The records of a run that come after one of them, in their order.
  package func journal(
    of run: String, after sequence: Int, limit: Int
  ) async throws(StateStoreError) -> [JournalEntry] {
    let path = path
    return try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT sequence, time, kind, node, body FROM journal WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?
          """, arguments: [run, sequence, limit]
      ).map { row in
        let kind: String = row["kind"]
        guard let kind = JournalRecord.Kind(rawValue: kind) else {
          throw StateStoreError.damaged(path: path, why: "a record of the run \(run) can't be read")
        }
        return JournalEntry(
          sequence: row["sequence"], time: row["time"], kind: kind, node: row["node"], body: row["body"])
      }
    }
  }
}
