import HTTPAPI
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

// What a server tells of its runs.
extension ServerRuns {
  func json(_ run: StoredRun) async -> JSONValue { await listed(run).served }

  private func listed(_ run: StoredRun) async -> ListedRun {
    // One that is about to be gone on with isn't locked yet.
    let holder = isLive(run.identifier) ? currentProcessIdentifier() : await store.holder(of: run.identifier)
    return ListedRun(run, holder: holder)
  }

  func list(_ call: APICall) async throws(APIProblem) -> JSONValue {
    var query = RunQuery(limit: try call.pageLimit())
    query.workflow = call.item("workflow")
    query.submitter = call.item("submitter")
    query.before = call.item("before")
    let state = call.item("state")
    if let state {
      guard RunOperation.states.contains(state) else {
        throw APIProblem(
          400, "\(String(state.prefix(64)).quoted) is no state of a run",
          hint: "use one of \(RunOperation.states.joined(separator: ", "))")
      }
      query.standing = RunOutcome(rawValue: state).map { .ended($0) } ?? .open
    }
    let found = try await store.database.served { [query] database throws(StateStoreError) in
      try await database.runs(query)
    }
    var runs: [JSONValue] = []
    for run in found {
      let listed = await listed(run)
      if let state, listed.word != state { continue }
      runs.append(listed.served)
    }
    return [
      "runs": .array(runs),
      "next": found.count == query.limit ? found.last.map { .string($0.identifier) } ?? .null : .null,
    ]
  }

  func show(_ identifier: String) async throws(APIProblem) -> JSONValue {
    let run = try await stored(identifier)
    let history = try await store.database.served { database throws(StateStoreError) in
      try await database.history(of: identifier)
    }
    let listed = await listed(run)
    let report = RunHistoryReport(run: listed, settings: RunSettings(run.settings), history: history, state: nil)
    guard case .object(let members) = report.json else { return .null }
    return .object(
      members + listed.origin + [
        .init("source", .string(String(decoding: run.source, as: UTF8.self))), .init("document", run.document ?? .null),
        .init("problems", run.problems ?? .array([])),
      ])
  }

  /// - Parameter watchers: how many there are, and may be.
  func events(_ call: APICall, _ watchers: WatcherCount) async throws(APIProblem) -> APIReply {
    let run = try await stored(call.text(.run)).identifier
    var after = 0
    if let text = call.headers[APIParameter.lastEventID] {
      guard let value = StrictDecimal.value(text.utf8, maximum: Int(Int64.max >> 1)) else {
        throw APIProblem(400, "Last-Event-ID is no number of an event")
      }
      after = value
    }
    let transient = try call.flag("transient")
    do {
      if try await hasEnded(run), try await entries(of: run, after: after, limit: 1).isEmpty {
        // Browsers ask no more: the HTML standard, section 9.2.
        return .nothing()
      }
    } catch {
      throw APIProblem(503, "the server's state can't be read", retryAfter: 10)
    }
    guard let place = watchers.take(call.caller.name) else {
      throw APIProblem(429, "there are as many watchers as there may be", retryAfter: 10)
    }
    let stream = RunEventStream(
      source: self, run: run, after: after, wantsTransient: transient, isEnding: { watchers.isEnding })
    return .events { writer in
      defer { place.giveBack() }
      try await stream.write(to: &writer)
    }
  }

  /// Bytes that are read at once; no line of a log is that long.
  private static var piece: Int { 4 << 20 }

  func logs(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let run = try await stored(call.text(.run)).identifier
    let (node, limit) = (call.item("node"), try call.pageLimit())
    var offset = try call.number("after", in: 0...RunLog.limit * 2) ?? 0
    let directory = store.directory(of: run)
    let bytes: [UInt8] = await bootstrap.files.run { [offset] in
      guard let file = try? Directory(opening: directory).file(RunLog.name).descriptor else { return [] }
      return (try? file.bytes(at: offset, count: Self.piece)) ?? []
    }
    var entries: [JSONValue] = []
    var isMore = false
    // A last line that isn't whole yet is read another time.
    let whole = bytes.lastIndex(of: 0x0A).map { bytes[...$0] } ?? []
    for line in whole.split(separator: 0x0A) {
      guard entries.count < limit else {
        isMore = true
        break
      }
      offset += line.count + 1
      if let entry = try? JSONValue(json: Array(line)), node == nil || entry["node"]?.stringValue == node {
        entries.append(entry)
      }
    }
    return [
      "entries": .array(entries), "next": .integer(Int64(offset)),
      "has_more": .bool(isMore || bytes.count == Self.piece),
    ]
  }

  /// A workflow, drawn as `orchestrator graph` does: what it is checked against are the plugins of now.
  nonisolated func drawing(of draft: StoredRun, _ call: APICall) async throws(APIProblem) -> APIReply {
    let format = call.item("format").map { DrawingFormat(rawValue: $0) } ?? .svg
    guard let format else {
      throw APIProblem(
        400, "there is no such format of a drawing",
        hint: "use one of \(DrawingFormat.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let command = try parsed([draft.file])
    do throws(CommandFailure) {
      let session = try await WorkflowSession(command.options, jobs: 1, source: draft, bootstrap)
      let outline = try await session.outline().content
      guard outline.nodeCount <= HTMLReport.maximumDrawnNodes else {
        throw CommandFailure(
          .invalidInput, "the workflow is too large to be drawn",
          why: "it has \(outline.nodeCount) nodes, and at most \(HTMLReport.maximumDrawnNodes) are drawn here",
          hint: "orchestrator graph draws any")
      }
      let drawing = WorkflowDrawing(outline)
      switch format {
      case .svg:
        return .prepared(
          Array(drawing.svg.utf8), mediaType: MediaType.picture, policy: WorkflowDrawing.policy)
      case .text: return .prepared(Array(drawing.text.utf8), mediaType: MediaType.text)
      }
    } catch {
      throw APIProblem(error, of: WorkflowSubjects(of: draft))
    }
  }

  /// What is wrong with a workflow, by node and port.
  nonisolated func validation(of bytes: [UInt8]) async throws(APIProblem) -> JSONValue {
    let draft = try await gathered("workflow.yaml", bytes)
    let subjects = WorkflowSubjects(of: draft)
    func told(_ isValid: Bool, _ diagnostics: [Diagnostic], _ unbound: [ParameterName]) -> JSONValue {
      [
        "valid": .bool(isValid), "diagnostics": .array(diagnostics.map { $0.json(subjects) }),
        "unbound_inputs": .array(unbound.map { .string($0.text) }),
      ]
    }
    let command = try parsed([draft.file])
    do throws(CommandFailure) {
      let session = try await WorkflowSession(command.options, jobs: 1, source: draft, bootstrap)
      let outline = try await session.outline()
      return told(true, outline.warnings, outline.content.unboundInputs)
    } catch {
      return told(false, error.diagnostics, [])
    }
  }
}

extension ListedRun {
  fileprivate var origin: [JSONValue.Member] {
    [
      .init("submitter", run.submitter.map(JSONValue.string) ?? .null),
      .init("parent", run.parent.map(JSONValue.string) ?? .null),
    ]
  }

  fileprivate var served: JSONValue {
    guard case .object(let members) = json else { return json }
    return .object(members + origin)
  }
}
