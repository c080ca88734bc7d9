import HTTPAPI
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// The workflows that a server keeps.
struct ServerWorkflows: Sendable {
  let runs: ServerRuns
  private var database: StateDatabase { runs.store.database }

  private func name(_ text: String) throws(APIProblem) -> WorkflowName {
    guard let name = WorkflowName(text) else { throw Self.absent(text) }
    return name
  }

  private static func absent(_ text: String) -> APIProblem {
    APIProblem(404, "there is no workflow \(String(text.prefix(64)).quoted)", hint: "a name is \(WorkflowName.grammar)")
  }

  func list(after: String?, limit: Int) async throws(APIProblem) -> JSONValue {
    var start: WorkflowName?
    if let after {
      guard let name = WorkflowName(after) else {
        throw APIProblem(400, "\"after\" is no name of a workflow", hint: "use \(WorkflowName.grammar)")
      }
      start = name
    }
    let found = try await database.served { database throws(StateStoreError) in
      try await database.workflows(after: start, limit: limit)
    }
    return [
      "workflows": .array(found.map(\.json)),
      "next": found.count == limit ? found.last.map { .string($0.name.text) } ?? .null : .null,
    ]
  }

  private func stored(_ call: APICall) async throws(APIProblem) -> StoredWorkflow {
    let name = try name(call.text(.workflow))
    let version = try call.number("version", in: 1...Int(Int32.max))
    let found = try await database.served { database throws(StateStoreError) in
      try await database.workflow(name, version: version)
    }
    guard let found else {
      throw version == nil ? Self.absent(name.text) : APIProblem(404, "the workflow \(name) has no such version")
    }
    return found
  }

  func show(_ call: APICall) async throws(APIProblem) -> APIReply {
    let found = try await stored(call)
    return .json(Self.json(found), tag: found.version.tag)
  }

  private static func json(_ workflow: StoredWorkflow) -> JSONValue {
    guard case .object(let members) = workflow.version.json else { return .null }
    // What was stored was read before. An earlier version of this program may have read more.
    let document = try? DocumentNode(yaml: workflow.content, file: "\(workflow.version.name).yaml").jsonValue
    return .object(
      members + [
        .init("source", .string(String(decoding: workflow.content, as: UTF8.self))),
        .init("document", document ?? .null),
      ])
  }

  /// What whoever changes it believes is there.
  private func expectation(_ call: APICall, name: WorkflowName) async throws(APIProblem) -> WorkflowExpectation? {
    switch (call.headers[.ifMatch], call.headers[.ifNoneMatch]) {
    case (.some, .some): throw APIProblem(400, "If-Match and If-None-Match exclude each other")
    case (nil, "*"): return .absent
    case (let tag?, nil):
      guard let number = WorkflowVersion.number(ofTag: tag, name) else { return .version(0) }
      return .version(number)
    default: return nil
    }
  }

  private static let required = APIProblem(
    428, "what is there already has to be named", why: "somebody else may have changed it meanwhile",
    hint: "send If-Match with the ETag that you have seen, or If-None-Match: * for a new workflow")

  func save(_ call: APICall) async throws(APIProblem) -> APIReply {
    let text = call.text(.workflow)
    guard let name = WorkflowName(text) else {
      throw APIProblem(
        422, "\(String(text.prefix(64)).quoted) can't be the name of a workflow", hint: "use \(WorkflowName.grammar)")
    }
    guard let expectation = try await expectation(call, name: name) else { throw Self.required }
    let bytes = try await call.bytes()
    do throws(Diagnostics) {
      // Whether it can run is another question: somebody may still be writing it.
      _ = try Workflow(bytes: bytes, file: "\(name).yaml")
    } catch {
      throw APIProblem(
        422, "this is no workflow", why: error.items.first?.what, diagnostics: error.items.map(\.json))
    }
    let now = ProcessEnvironment.millisecondsSince1970()
    let saved = try await database.served { database throws(StateStoreError) in
      try await database.save(workflow: name, bytes, author: call.caller.name, at: now, expecting: expectation)
    }
    switch saved {
    case .saved(let version), .same(let version):
      return .json(
        Self.json(StoredWorkflow(version: version, content: bytes)), status: expectation == .absent ? 201 : 200,
        tag: version.tag)
    case .conflict(let latest):
      throw APIProblem(
        412, "the workflow has changed", why: "its latest version is \(latest.number), by \(latest.author)",
        hint: "look at that version, and send its ETag")
    case .absent: throw APIProblem(412, "there is no such workflow any more")
    case .full: throw APIProblem(422, "as many workflows are stored as may be", hint: "remove some")
    case .tooLarge: throw APIProblem(413, "the workflow is too large")
    }
  }

  func delete(_ call: APICall) async throws(APIProblem) -> APIReply {
    let name = try name(call.text(.workflow))
    guard let expectation = try await expectation(call, name: name), expectation != .absent else {
      throw Self.required
    }
    let removal = try await database.served { database throws(StateStoreError) in
      try await database.remove(workflow: name, expecting: expectation)
    }
    switch removal {
    case .removed: return .nothing()
    case .conflict(let latest):
      throw APIProblem(412, "the workflow has changed", why: "its latest version is \(latest.number)")
    case .absent: throw Self.absent(name.text)
    }
  }

  func versions(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let name = try name(call.text(.workflow))
    let (before, limit) = (try call.number("before", in: 1...Int(Int32.max)), try call.pageLimit())
    let found = try await database.served { database throws(StateStoreError) in
      try await database.workflowVersions(of: name, before: before, limit: limit)
    }
    guard let found else { throw Self.absent(name.text) }
    return [
      "versions": .array(found.map(\.json)),
      "next": found.count == limit ? found.last.map { .integer(Int64($0.number)) } ?? .null : .null,
    ]
  }

  // MARK: Without saving

  func validate(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let bytes = try await call.bytes()
    return try await runs.validation(of: bytes)
  }

  /// What was written in its other forms. Where it is no workflow yet, what is wrong goes with it: somebody may be writing it.
  func converted(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let file = "workflow.yaml"
    let wantsFlow = try call.flag("react_flow")
    let bytes = try await call.bytes()
    do throws(Diagnostics) {
      let document = try DocumentNode(yaml: bytes, file: file).jsonValue
      guard case .object = document else {
        throw Diagnostics([Diagnostic("a workflow must be a mapping", why: "it is a \(document.typeName)")])
      }
      return [
        "document": document, "source": .string(document.yaml()),
        "flow": wantsFlow ? try ReactFlow.flow(of: document) : .null,
        "diagnostics": .array(Self.flaws(of: bytes, file: file).map(\.json)),
      ]
    } catch {
      throw APIProblem(
        422, "this can't be read as a workflow", why: error.items.first?.what, diagnostics: error.items.map(\.json))
    }
  }

  private static func flaws(of bytes: [UInt8], file: String) -> [Diagnostic] {
    do throws(Diagnostics) {
      _ = try Workflow(bytes: bytes, file: file)
      return []
    } catch {
      return error.items
    }
  }

  func imported(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let bytes = try await call.bytes()
    do throws(Diagnostics) {
      let imported = try ReactFlow.workflow(from: bytes, file: "flow.json", name: "imported")
      return [
        "document": imported.document, "source": .string(imported.document.yaml()),
        "warnings": .array(imported.warnings.map(\.json)),
      ]
    } catch {
      throw APIProblem(
        422, "this can't be made a workflow", why: error.items.first?.what, diagnostics: error.items.map(\.json))
    }
  }

  func drawing(_ call: APICall) async throws(APIProblem) -> APIReply {
    let found = try await stored(call)
    return try await runs.drawing(of: try await runs.gathered("\(found.version.name).yaml", found.content), call)
  }

  func exported(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let found = try await stored(call)
    do throws(Diagnostics) {
      let document = try DocumentNode(yaml: found.content, file: "\(found.version.name).yaml").jsonValue
      return try ReactFlow.flow(of: document)
    } catch {
      throw APIProblem(
        422, "the workflow can't be shown as a flow", why: error.items.first?.what,
        diagnostics: error.items.map(\.json))
    }
  }
}

extension WorkflowVersion {
  /// A version never changes, and its number never comes back.
  fileprivate var tag: String { "\"\(number)-\(digest.hexadecimal.prefix(16))\"" }

  fileprivate static func number(ofTag tag: String, _ name: WorkflowName) -> Int? {
    guard tag.hasPrefix("\""), tag.hasSuffix("\""), let end = tag.firstIndex(of: "-") else { return nil }
    return StrictDecimal.value(tag[tag.index(after: tag.startIndex)..<end].utf8, maximum: Int(Int32.max))
  }

  fileprivate var json: JSONValue {
    [
      "name": .string(name.text), "version": .integer(Int64(number)), "digest": .string(digest.description),
      "author": .string(author), "created_ms": .integer(created), "bytes": .integer(Int64(bytes)),
      "etag": .string(tag),
    ]
  }
}
