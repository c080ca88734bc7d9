import GRDB
import PluginModel

/// What was granted and administered: written before it is done, so that nothing is done that isn't written.
extension StateDatabase {
  /// Does something that is written down before, and says how it ended. What can't be written down isn't done.
  /// - Parameter unwritten: the error for whoever asked.
  package func auditing<Value, Failure: Error>(
    _ entry: AuditEntry, unwritten: (StateStoreError) -> Failure, isolation: isolated (any Actor)? = #isolation,
    _ work: () async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let number: Int64
    do throws(StateStoreError) { number = try await beginAudit(entry) } catch { throw unwritten(error) }
    let value: Value
    do throws(Failure) { value = try await work() } catch {
      // The first error is the one to tell.
      try? await endAudit(number, outcome: .failed)
      throw error
    }
    do throws(StateStoreError) { try await endAudit(number, outcome: .done) } catch { throw unwritten(error) }
    return value
  }

  /// Entries that are kept: the latest so many.
  package static let auditEntries: Int64 = 100_000

  /// - Returns: its number, to say with how it ended.
  package func beginAudit(
    _ entry: AuditEntry, keeping most: Int64 = auditEntries
  ) async throws(StateStoreError) -> Int64 {
    try await write { database in
      try database.execute(
        sql: "INSERT INTO audit (time, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
        arguments: [
          entry.time, entry.actor.description, entry.action.text, entry.subject, entry.detail.text(),
        ])
      let number = database.lastInsertedRowID
      try database.execute(sql: "DELETE FROM audit WHERE id <= ?", arguments: [number - most])
      return number
    }
  }

  /// What was said first stays.
  package func endAudit(_ number: Int64, outcome: AuditOutcome) async throws(StateStoreError) {
    try await write { database in
      try database.execute(
        sql: "UPDATE audit SET outcome = ? WHERE id = ? AND outcome IS NULL", arguments: [outcome.rawValue, number])
    }
  }

  /// A page, the latest first.
  /// - Parameters:
  ///   - before: only entries with a lower number; nil: from the latest on.
  ///   - limit: how many at most.
  package func audit(before: Int64? = nil, limit: Int) async throws(StateStoreError) -> [AuditRecord] {
    let path = path
    return try await read { database in
      try Row.fetchAll(
        database, sql: "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
        arguments: [before ?? .max, max(0, limit)]
      ).map { try AuditRecord($0, path: path) }
    }
  }
}

extension AuditRecord {
  fileprivate init(_ row: Row, path: String) throws {
    let texts: (actor: String, action: String, detail: String, outcome: String?) = (
      row["actor"], row["action"], row["detail"], row["outcome"]
    )
    let outcome = texts.outcome.map(AuditOutcome.init)
    guard let actor = AuditActor(texts.actor), let action = AuditAction(texts.action),
      let detail = try? JSONValue(json: texts.detail), outcome == nil || outcome != .some(nil)
    else { throw StateStoreError.damaged(path: path, why: "an entry of the audit log in it can't be read") }
    self.init(
      number: row["id"],
      entry: AuditEntry(time: row["time"], actor: actor, action: action, subject: row["subject"], detail: detail),
      outcome: outcome ?? nil)
  }
}
