import HTTPAPI
import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import StateStore

/// Does what is asked of the server: each operation in the words of the part that it concerns.
struct ServerAPI: APIHandler {
  let server: ServerAdministration
  let plugins: ServerPlugins
  let workflows: ServerWorkflows
  let runs: ServerRuns
  let artifacts: ServerArtifacts
  let uploads: ServerUploads
  let registry: RegistryRoutes
  let audit: ServerAudit

  func handle(_ operation: APIOperation, _ call: APICall) async throws -> APIReply {
    switch operation {
    case .server(let operation): try await handle(operation, call)
    case .plugins(let operation): try await handle(operation, call)
    case .workflows(let operation): try await handle(operation, call)
    case .runs(let operation): try await handle(operation, call)
    case .uploads(let operation): try await handle(operation, call)
    case .registry(let operation): try await handle(operation, call)
    }
  }

  private func handle(_ operation: UploadOperation, _ call: APICall) async throws -> APIReply {
    switch operation {
    case .createUpload: return try await uploads.receive(call)
    case .listUploads: return .json(try await uploads.list(call))
    case .showUpload: return .json(try await uploads.show(call))
    case .deleteUpload:
      try await uploads.remove(call)
      return .nothing()
    }
  }

  private func handle(_ operation: RegistryOperation, _ call: APICall) async throws -> APIReply {
    switch operation {
    case .searchRegistry, .showRegistryPlugin, .fetchPackage, .publishPackage:
      return try await registry.answer(operation, call)
    case .yankVersion, .undoYank:
      // A publisher's own affair; what an admin does is written down, whosever plugin it is.
      guard call.caller.scope == .admin else { return try await registry.answer(operation, call) }
      return try await audit.doing(
        operation == .undoYank ? .undoYank : .yank, to: "\(call.text(.plugin)) \(call.text(.version))",
        ["reason": call.item(RegistryRoute.Word.reason).map(JSONValue.string) ?? .null], by: call.caller
      ) { try await registry.answer(operation, call) }
    }
  }

  private func handle(_ operation: ServerOperation, _ call: APICall) async throws -> APIReply {
    switch operation {
    case .health: .document(.init(string: "ok\n"), mediaType: MediaType.text, tag: nil)
    case .readiness: try await server.readiness()
    case .metrics: await server.metricsText()
    case .openAPI: server.openAPI
    case .whoAmI: .json(try await server.token(of: call.caller))
    case .queue: .json(await server.queue())
    case .hosts: .json(await server.hosts())
    case .reload:
      .json(
        try await audit.doing(.reload, to: "configuration", [:], by: call.caller) {
          try await server.reload()
        })
    case .listTokens: .json(try await server.tokens())
    case .createToken: try await server.createToken(call, audit)
    case .revokeToken: try await server.revokeToken(call, audit)
    case .audit:
      .json(
        try await server.auditPage(
          before: call.number("before", in: 1...Int(Int64.max >> 1)), limit: call.pageLimit()))
    }
  }

  private func handle(_ operation: PluginOperation, _ call: APICall) async throws -> APIReply {
    let plugin = call.text(.plugin)
    switch operation {
    case .availableNodes: return await plugins.palette(category: call.item("category"))
    case .listNodes: return await plugins.nodes(category: call.item("category"))
    case .showNode: return .json(try await plugins.node(plugin, call.text(.type)))
    case .listPlugins: return .json(await plugins.list())
    case .showPlugin: return .json(try await plugins.show(plugin))
    case .installPlugin: return try await install(call)
    case .installFromRegistry: return try await installFromRegistry(plugin, call)
    case .rollBackPlugin:
      let body = try await call.object(known: ["version"])
      let version = try Self.version(body?["version"])
      return .json(
        try await audit.doing(
          .rollBackPlugin, to: plugin, ["version": version.map { .string("\($0)") } ?? .null], by: call.caller
        ) { try await plugins.rollBack(plugin, to: version) })
    case .removePlugin:
      let version = try Self.version(call.item("version").map(JSONValue.string), status: 400)
      return .json(
        try await audit.doing(
          .removePlugin, to: plugin, ["version": version.map { .string("\($0)") } ?? .null], by: call.caller
        ) { try await plugins.remove(plugin, version: version) })
    case .showGrants: return .json(try await plugins.grants(plugin))
    case .grant:
      let body = try await call.object(known: ["permissions"])
      let permissions = try Self.texts(body?["permissions"], "permissions")
      return .json(
        try await audit.doing(
          .grant, to: plugin, ["permissions": .array(permissions.map(JSONValue.string))], by: call.caller
        ) { try await plugins.grant(permissions, to: plugin) })
    case .revokeGrants:
      let permissions = call.query["permission"] ?? []
      return .json(
        try await audit.doing(
          .revokeGrants, to: plugin, ["permissions": .array(permissions.map(JSONValue.string))], by: call.caller
        ) { try await plugins.revoke(permissions, of: plugin) })
    case .showSettings: return .json(try await plugins.settings(plugin))
    case .saveSettings:
      guard let body = try await call.object(known: ["settings"]), case .object(let values)? = body["settings"] else {
        throw APIProblem.unusable("settings", "an object: a value for each key, null to take one back")
      }
      return .json(
        try await audit.doing(.setPlugin, to: plugin, ["settings": .object(values)], by: call.caller) {
          try await plugins.set(values, of: plugin, by: call.caller.name)
        })
    }
  }

  private func install(_ call: APICall) async throws -> APIReply {
    let (grants, withoutConsent) = (call.query["grant"] ?? [], try call.flag("without_consent"))
    let package = try await server.package(call)
    let installed = try await audit.doing(
      .installPlugin, to: package.index.name.text,
      [
        "version": .string(package.index.version.description), "checksum": .string(package.checksum.description),
        "grants": .array(grants.map(JSONValue.string)), "without_consent": .bool(withoutConsent),
      ], by: call.caller
    ) { try await plugins.install(package, granting: grants, withoutConsent: withoutConsent) }
    return .json(installed, status: 201, location: "/api/v1/plugins/\(package.index.name)")
  }

  private func installFromRegistry(_ plugin: String, _ call: APICall) async throws -> APIReply {
    let body = try await call.object(known: RegistryInstallationRequest.keys) ?? .object([])
    let request = try RegistryInstallationRequest(plugin, body)
    let installed = try await audit.doing(.installPlugin, to: plugin, body, by: call.caller) {
      try await plugins.install(request)
    }
    return .json(installed, status: 201, location: "/api/v1/plugins/\(request.wish.name)")
  }

  private func handle(_ operation: WorkflowOperation, _ call: APICall) async throws -> APIReply {
    switch operation {
    case .listWorkflows: .json(try await workflows.list(after: call.item("after"), limit: call.pageLimit()))
    case .showWorkflow: try await workflows.show(call)
    case .saveWorkflow: try await workflows.save(call)
    case .deleteWorkflow: try await workflows.delete(call)
    case .listWorkflowVersions: .json(try await workflows.versions(call))
    case .validateWorkflow: .json(try await workflows.validate(call))
    case .convertWorkflow: .json(try await workflows.converted(call))
    case .importWorkflow: .json(try await workflows.imported(call))
    case .exportWorkflow: .json(try await workflows.exported(call))
    case .workflowGraph: try await workflows.drawing(call)
    }
  }

  private func handle(_ operation: RunOperation, _ call: APICall) async throws -> APIReply {
    let run = call.text(.run)
    switch operation {
    case .startRun:
      guard let body = try await call.object(known: RunSubmission.keys) else {
        throw APIProblem(400, "this takes a body")
      }
      let submission = try RunSubmission(body)
      let given = try await uploads.wanted(submission.files, by: call.caller)
      let begun = try await runs.start(submission, by: call.caller.name, given: given, in: call.context)
      return .json(
        await runs.json(begun), status: 202, location: "/api/v1/runs/\(begun.identifier)")
    case .listRuns: return .json(try await runs.list(call))
    case .showRun: return .json(try await runs.show(run))
    case .cancelRun: return .json(await runs.json(try await runs.cancel(run)), status: 202)
    case .resumeRun:
      return .json(await runs.json(try await runs.resume(run, by: call.caller.name)), status: 202)
    case .rerun:
      let body = try await call.object(known: ["from", "document", "no_cache"])
      let begun = try await runs.rerun(run, body ?? .object([]), by: call.caller.name)
      return .json(
        await runs.json(begun), status: 202, location: "/api/v1/runs/\(begun.identifier)")
    case .deleteRun:
      try await runs.remove(run)
      return .nothing()
    case .runEvents: return try await runs.events(call, server.watchers)
    case .runLogs: return .json(try await runs.logs(call))
    case .runWaiting: return .json(await server.waiting(of: try await runs.stored(run)))
    case .runGraph: return try await runs.drawing(of: try await runs.stored(run), call)
    case .runReport: return try await artifacts.report(run)
    case .explainRun: return .json(try await artifacts.explanation(call))
    case .listArtifacts: return .json(try await artifacts.list(run))
    case .readArtifact: return try await artifacts.read(call)
    case .listFiles: return .json(try await artifacts.files(run))
    case .readFile: return try await artifacts.file(call)
    }
  }

  private static func version(_ value: JSONValue?, status: Int = 422) throws(APIProblem) -> SemanticVersion? {
    guard let value, value != .null else { return nil }
    guard let text = value.stringValue, let version = SemanticVersion(text) else {
      throw APIProblem(status, "the version can't be read", hint: "use \(SemanticVersion.grammar)")
    }
    return version
  }

  private static func texts(_ value: JSONValue?, _ name: String) throws(APIProblem) -> [String] {
    let texts = value?.arrayValue?.map(\.stringValue) ?? []
    guard !texts.isEmpty, texts.count <= 64, texts.allSatisfy({ $0 != nil }) else {
      throw APIProblem(422, "\(name.quoted) must be a list of at least one text")
    }
    return texts.compactMap(\.self)
  }
}

/// Writes down what is administered before it is done, and how it ended.
struct ServerAudit: Sendable {
  let database: StateDatabase

  func doing<Value: Sendable>(
    _ action: AuditAction, to subject: String, _ detail: JSONValue, by caller: Caller,
    _ work: () async throws -> Value
  ) async throws -> Value {
    let entry = AuditEntry(
      time: ProcessEnvironment.millisecondsSince1970(), actor: AuditActor(caller.name) ?? .console, action: action,
      subject: subject, detail: detail)
    return try await database.auditing(entry, unwritten: { $0 as any Error }, work)
  }
}
