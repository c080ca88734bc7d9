import HTTPAPI
import LinuxSystem
import NIOCore
import PipelineEngine
import PluginModel
import PluginRegistry
import Scheduling
import StateStore

/// What is asked of the server itself: tokens, the audit log, what its hosts have, what waits.
struct ServerAdministration: Sendable {
  let runs: ServerRuns
  let plugins: ServerPlugins
  let standing: StandingHost
  let watchers: WatcherCount
  let metrics: ServerMetrics
  let openAPI: APIReply
  /// Reads everything anew that can change while the server runs.
  let reload: @Sendable () async throws(CommandFailure) -> [Diagnostic]
  /// Where packages are put while they come.
  let uploads: DedicatedThread
  private var database: StateDatabase { runs.store.database }

  func readiness() async throws(APIProblem) -> APIReply {
    guard await !runs.isEnding else { throw APIProblem(503, "the server is ending") }
    _ = try await database.served { database throws(StateStoreError) in try await database.hasTokens() }
    return .document(ByteBuffer(string: "ok\n"), mediaType: MediaType.text, tag: nil)
  }

  func reload() async throws(APIProblem) -> JSONValue {
    let warnings = try await served { () async throws(CommandFailure) in try await reload() }
    return ["warnings": .array(warnings.map(\.json))]
  }

  /// In Prometheus' text format 0.0.4.
  func metricsText() async -> APIReply {
    let host = await standing.dispatcher.hosts.first
    metrics.set("orchestrator_runs_live", Double(await runs.identifiers.count))
    metrics.set("orchestrator_event_watchers", Double(watchers.count))
    metrics.set("orchestrator_cpu_free_cores", Double(host?.free.cpuMilli ?? 0) / 1000)
    metrics.set("orchestrator_memory_free_bytes", Double(host?.free.memory ?? 0))
    let workers = await standing.fleet.pool.workers
    metrics.set("orchestrator_workers", Double(workers.busy), [("state", "busy")])
    metrics.set("orchestrator_workers", Double(workers.idle), [("state", "idle")])
    metrics.set("orchestrator_plugins_stopped", Double(await standing.fleet.pool.stops.count))
    let open = await runs.bootstrap.files.run { ProcessEnvironment.openFileCount }
    metrics.set("orchestrator_process_open_fds", Double(open))
    return .document(ByteBuffer(bytes: metrics.registry.text()), mediaType: MediaType.metrics, tag: nil)
  }

  // MARK: Hosts

  func hosts() async -> JSONValue {
    let hosts = await standing.dispatcher.hosts
    let all = await standing.dispatcher.running
    var running: [HostIdentifier: [JSONValue]] = [:]
    for (name, assignment) in all.prefix(Self.mostRunning) {
      running[assignment.host, default: []].append(
        [
          "run": .string(assignment.node.run.text), "node": .string(name),
          "cpu_milli": .integer(Int64(assignment.cpuMilli)), "memory_bytes": .integer(Int64(assignment.memory)),
          "devices": .array(assignment.gpus.map { .string($0.device.text) }),
        ])
    }
    return [
      "hosts": .array(
        hosts.map { host, free in
          [
            "name": .string(host.name.text), "cpu_milli": .integer(Int64(host.cpuMilli)),
            "cpu_milli_free": .integer(Int64(free.cpuMilli)), "memory_bytes": .integer(Int64(host.memory)),
            "memory_bytes_free": .integer(Int64(free.memory)),
            "devices": .array(
              zip(host.devices, free.devices).map { device, left in
                [
                  "id": .string(device.id.text), "memory_bytes": .integer(Int64(device.memory)),
                  "milli_free": .integer(Int64(left.milli)),
                ]
              }),
            "running": .array(running[host.name] ?? []),
            "running_count": .integer(Int64(all.count { $0.assignment.host == host.name })),
          ]
        })
    ]
  }

  /// Nodes that are told of one by one.
  private static let mostRunning = 1000

  func queue() async -> JSONValue {
    var queued: [JSONValue] = []
    for run in await runs.identifiers {
      let waiting = await waiting(of: run)
      guard !waiting.nodes.isEmpty, case .object(let members) = waiting.json() else { continue }
      queued.append(.object([.init("run", .string(run))] + members))
    }
    return ["runs": .array(queued)]
  }

  func waiting(of run: StoredRun) async -> JSONValue { await waiting(of: run.identifier).json() }

  private func waiting(of run: String) async -> WaitingNodes {
    await standing.dispatcher.waitingNodes(of: RunIdentifier(run), limit: WaitingNotes.most, clock: standing.clock)
  }

  // MARK: Tokens

  func token(of caller: Caller) async throws(APIProblem) -> JSONValue {
    let token = try await database.served { database throws(StateStoreError) in
      try await database.token(named: caller.name)
    }
    // Where no token is needed there is none.
    return token?.jsonValue
      ?? [
        "id": .null, "name": .string(caller.name), "scope": .string(caller.scope.rawValue), "quota": .object([]),
        "created_ms": .null, "expires_ms": .null,
      ]
  }

  func tokens() async throws(APIProblem) -> JSONValue {
    let tokens = try await database.served { database throws(StateStoreError) in try await database.tokens() }
    return ["tokens": .array(tokens.map(\.jsonValue))]
  }

  func createToken(_ call: APICall, _ audit: ServerAudit) async throws -> APIReply {
    guard let body = try await call.object(known: ["name", "scope", "expires", "quota"]) else {
      throw APIProblem(400, "this takes a body")
    }
    guard let name = body["name"]?.stringValue.flatMap({ AccessTokenName($0) }) else {
      throw APIProblem(422, "\"name\" can't be used", hint: "use \(AccessTokenName.grammar)")
    }
    guard let scope = body["scope"]?.stringValue.flatMap({ AccessScope(rawValue: $0) }) else {
      throw APIProblem(
        422, "\"scope\" can't be used",
        hint: "use one of \(AccessScope.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    var lifetime: Int64?
    if let expires = body["expires"], expires != .null {
      guard let time = expires.stringValue.flatMap({ Quantity.duration($0) }) else {
        throw APIProblem(422, "\"expires\" can't be used", hint: "use a duration such as 12h or 30d")
      }
      lifetime = time
    }
    var quota = AccessQuota()
    if let text = body["quota"], text != .null {
      guard let text = text.stringValue else {
        throw APIProblem(422, "\"quota\" must be a text", hint: AccessQuota.example)
      }
      do throws(Diagnostic) { quota = try AccessQuota(text) } catch {
        throw APIProblem(422, error.what, why: error.why, hint: error.hint)
      }
    }
    let (token, secret) = try AccessToken.generated(
      name: name, scope: scope, quota: quota, at: ProcessEnvironment.millisecondsSince1970(), lifetime: lifetime)
    let isAdded = try await audit.doing(.createToken, to: name.text, token.jsonValue, by: call.caller) {
      try await database.addToken(token, digest: ContentDigest(sha256: secret.secret.utf8))
    }
    guard isAdded else { throw APIProblem(409, "there is a token of this name", hint: "choose another, or revoke it") }
    guard case .object(let members) = token.jsonValue else { throw APIProblem(500, "a token can't be told of") }
    return .json(.object(members + [.init("secret", .string(secret.secret))]), status: 201)
  }

  func revokeToken(_ call: APICall, _ audit: ServerAudit) async throws -> APIReply {
    let reference = call.text(.token)
    let isRemoved = try await audit.doing(.revokeToken, to: reference, .object([]), by: call.caller) {
      try await database.removeToken(reference)
    }
    guard isRemoved else { throw APIProblem(404, "there is no such token") }
    return .nothing()
  }

  func auditPage(before: Int?, limit: Int) async throws(APIProblem) -> JSONValue {
    let records = try await database.served { database throws(StateStoreError) in
      try await database.audit(before: before.map { Int64($0) }, limit: limit)
    }
    return [
      "entries": .array(records.map(\.jsonValue)),
      "next": records.count == limit ? records.last.map { .integer($0.number) } ?? .null : .null,
    ]
  }

  // MARK: Packages

  /// The package that is sent, whole and in memory that nobody changes.
  func package(_ call: APICall) async throws -> PackageFile {
    let place = "\(runs.store.state)/staging"
    let directory = try await uploads.run { () throws(FileError) in try Directory(making: place, permissions: 0o700) }
    let upload = FileUpload(in: directory, on: uploads)
    let limit = PackageLimits().packageSize
    try await call.write(to: upload, called: "the package") { bytes throws(APIProblem) in
      guard await upload.byteCount + bytes <= limit else {
        throw APIProblem(413, "the package is too large", why: "at most \(limit) bytes are taken")
      }
    }
    do {
      return try await upload.package("the package")
    } catch let wrong as Diagnostic {
      throw APIProblem(422, wrong.what, why: wrong.why, hint: wrong.hint)
    }
  }
}
