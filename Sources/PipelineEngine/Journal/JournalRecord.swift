import PluginModel

/// What is written down of a run while it goes on, one after the other and never changed: enough to go on with it after the process
/// or the machine died. Pure; ``RunHistory`` reads it back.
package struct JournalRecord: Sendable {
  package enum Content: Sendable {
    /// The run begins, or goes on: what was running when it was cut off runs again.
    case began
    case started(NodeName, attempt: Int)
    /// An attempt failed and another follows.
    case retried(NodeName, attempt: Int, NodeFailure, memory: UInt64?)
    case succeeded(NodeName, StoredResult)
    case failed(NodeName, attempts: Int, NodeFailure)
    case skipped(NodeName, SkipReason)
    case cancelled(NodeName)
    case finished(RunOutcome)
  }

  /// Milliseconds since 1970-01-01T00:00Z.
  package var time: Int64
  package var content: Content

  package init(time: Int64, _ content: Content) {
    self.time = time
    self.content = content
  }
}

/// The outputs of a node that succeeded, where they survive this process.
package struct StoredResult: Hashable, Sendable {
  package struct Output: Hashable, Sendable {
    package var port: PortName
    package var values: [StoredValue]
    package init(port: PortName, values: [StoredValue]) {
      self.port = port
      self.values = values
    }
  }

  /// In the order in which the worker named them.
  package var outputs: [Output]
  package var attempts: Int
  /// From the first start to the end; nil: nothing ran.
  package var milliseconds: Int64?
  package var isFallback: Bool
  package var isCached: Bool
  /// What it was found by, or can be; nil: it is none that may be reused.
  package var cacheKey: CacheKey?

  package init(
    outputs: [Output], attempts: Int = 0, milliseconds: Int64? = nil, isFallback: Bool = false, isCached: Bool = false,
    cacheKey: CacheKey? = nil
  ) {
    self.outputs = outputs
    self.attempts = attempts
    self.milliseconds = milliseconds
    self.isFallback = isFallback
    self.isCached = isCached
    self.cacheKey = cacheKey
  }
}

extension JournalRecord {
  /// The kinds as they are written. None is ever renamed: a later version reads what an earlier one wrote.
  package enum Kind: String, CaseIterable, Sendable {
    case began
    case started
    case retried
    case succeeded
    case failed
    case skipped
    case cancelled
    case finished
  }

  /// A record taken apart for a table.
  package struct Row: Sendable {
    package var time: Int64
    package var kind: Kind
    /// Nil where it is about the run.
    package var node: NodeName?
    package var body: JSONValue
    /// Of ``Kind/succeeded``.
    package var outputs: [StoredResult.Output]

    package init(time: Int64, kind: Kind, node: NodeName?, body: JSONValue, outputs: [StoredResult.Output] = []) {
      self.time = time
      self.kind = kind
      self.node = node
      self.body = body
      self.outputs = outputs
    }
  }

  package var row: Row {
    switch content {
    case .began: Row(time: time, kind: .began, node: nil, body: .object([]))
    case .started(let node, let attempt):
      Row(time: time, kind: .started, node: node, body: ["attempt": .integer(Int64(attempt))])
    case .retried(let node, let attempt, let failure, let memory):
      Row(
        time: time, kind: .retried, node: node,
        body: ["attempt": .integer(Int64(attempt)), "error": failure.jsonValue, "memory_bytes": .count(memory)])
    case .succeeded(let node, let result):
      Row(time: time, kind: .succeeded, node: node, body: result.body, outputs: result.outputs)
    case .failed(let node, let attempts, let failure):
      Row(
        time: time, kind: .failed, node: node,
        body: ["attempts": .integer(Int64(attempts)), "error": failure.jsonValue])
    case .skipped(let node, let reason): Row(time: time, kind: .skipped, node: node, body: reason.jsonValue)
    case .cancelled(let node): Row(time: time, kind: .cancelled, node: node, body: .object([]))
    case .finished(let outcome):
      Row(time: time, kind: .finished, node: nil, body: ["outcome": .string(outcome.rawValue)])
    }
  }

  /// Nil where the row isn't one that this program writes.
  package init?(_ row: Row) {
    guard let content = Content(row) else { return nil }
    self.init(time: row.time, content)
  }
}

extension JournalRecord.Content {
  fileprivate init?(_ row: JournalRecord.Row) {
    let body = row.body
    switch row.kind {
    case .began: self = .began
    case .finished:
      guard let outcome = body["outcome"]?.stringValue.flatMap(RunOutcome.init) else { return nil }
      self = .finished(outcome)
    case .started:
      guard let node = row.node, let attempt = body.count("attempt") else { return nil }
      self = .started(node, attempt: attempt)
    case .retried:
      guard let node = row.node, let attempt = body.count("attempt"),
        let failure = body["error"].flatMap(NodeFailure.init)
      else { return nil }
      self = .retried(
        node, attempt: attempt, failure,
        memory: body["memory_bytes"]?.integerValue.flatMap { UInt64(exactly: $0) })
    case .succeeded:
      guard let node = row.node, let result = StoredResult(body, outputs: row.outputs) else { return nil }
      self = .succeeded(node, result)
    case .failed:
      guard let node = row.node, let attempts = body.count("attempts"),
        let failure = body["error"].flatMap(NodeFailure.init)
      else { return nil }
      self = .failed(node, attempts: attempts, failure)
    case .skipped:
      guard let node = row.node, let reason = SkipReason(body) else { return nil }
      self = .skipped(node, reason)
    case .cancelled:
      guard let node = row.node else { return nil }
      self = .cancelled(node)
    }
  }
}

extension StoredResult {
  fileprivate var body: JSONValue {
    [
      "attempts": .integer(Int64(attempts)), "duration_ms": milliseconds.map(JSONValue.integer) ?? .null,
      "fallback": .bool(isFallback), "cached": .bool(isCached), "cache": cacheKey?.jsonValue ?? .null,
    ]
  }

  fileprivate init?(_ body: JSONValue, outputs: [Output]) {
    guard let attempts = body.count("attempts"), case .bool(let isFallback)? = body["fallback"],
      case .bool(let isCached)? = body["cached"]
    else { return nil }
    self.init(
      outputs: outputs, attempts: attempts, milliseconds: body["duration_ms"]?.integerValue, isFallback: isFallback,
      isCached: isCached, cacheKey: body["cache"].flatMap(CacheKey.init))
  }
}

extension NodeFailure {
  /// As ``jsonValue`` says it.
  fileprivate init?(_ body: JSONValue) {
    guard let kind = body["class"]?.stringValue.flatMap(Class.init), let message = body["message"]?.stringValue else {
      return nil
    }
    self.init(
      kind, message, cause: body["cause"]?.stringValue, hint: body["hint"]?.stringValue,
      traceback: body["traceback"]?.stringValue,
      lastOutput: body["last_output"]?.arrayValue?.compactMap(\.stringValue) ?? [])
  }
}

extension SkipReason {
  fileprivate init?(_ body: JSONValue) {
    if body["condition"] == false {
      guard let node = body["of"]?.stringValue else {
        self = .condition
        return
      }
      guard let node = NodeName(stored: node), let condition = body["if"]?.stringValue else { return nil }
      self = .workflowCondition(of: node, condition: condition)
      return
    }
    guard let needs = body["needs"]?.stringValue.flatMap({ NodeName(stored: $0) }),
      let root = (body["failed"] ?? body["without_result"])?.stringValue.flatMap({ NodeName(stored: $0) })
    else { return nil }
    self = .dependency(needs: needs, root: root, hasFailed: body["failed"] != nil)
  }
}

extension JSONValue {
  fileprivate func count(_ key: String) -> Int? {
    self[key]?.integerValue.flatMap { $0 >= 0 ? Int(exactly: $0) : nil }
  }
}
