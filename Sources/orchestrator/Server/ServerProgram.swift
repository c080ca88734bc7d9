import HTTPAPI
import LinuxSystem
import Logging
import NIOCore
import PipelineEngine
import PluginModel
import PluginRegistry
import ServiceLifecycle
import StateStore
import Telemetry
import WorkerHost

/// A server, from its start to its end: what is made, from what, in which order, and undone in reverse.
struct ServerProgram: Sendable {
  let command: ServeCommand
  let bootstrap: Bootstrap
  let inheritance: ServiceInheritance

  func run() async throws(CommandFailure) {
    let places = try places()
    let tls = try await tls()
    let state = try bootstrap.state(command.state)
    let lock = try await lock(state)
    defer { withExtendedLifetime(lock) {} }
    let store = try await RunStore(making: state, files: bootstrap.files)
    let telemetry = try ServerTelemetry(command.logFormat)
    let standing = try await standing(state, telemetry)
    var bootstrap = bootstrap
    bootstrap.standing = standing
    do throws(CommandFailure) {
      try await serve(at: places, tls, state, store, standing, telemetry, bootstrap)
    } catch {
      await standing.fleet.close()
      throw error
    }
    await standing.fleet.close()
  }

  // MARK: Before it listens

  private func places() throws(CommandFailure) -> [ServingPlace] {
    let inherited = inheritance.sockets
    let texts = command.listen.isEmpty && inherited.isEmpty ? ["127.0.0.1:8080"] : command.listen
    let exposure = ServingExposure(
      speaksTLS: command.tlsCertificate != nil, isBehindProxy: command.behindProxy, needsTokens: !command.noTokens)
    var places: [ServingPlace] = []
    var problems: [Diagnostic] = []
    for text in texts {
      do throws(Diagnostic) { places.append(ServingPlace(address: try ServingAddress(text))) } catch {
        problems.append(error)
      }
    }
    // Whoever made a socket doesn't change who reaches it.
    places += inherited
    problems += places.compactMap { exposure.refusal(of: $0.address) }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return places
  }

  private func tls() async throws(CommandFailure) -> TLSFiles? {
    guard let certificate = command.tlsCertificate, let key = command.tlsKey else { return nil }
    do throws(TLSFiles.Problem) {
      return try await bootstrap.files.run { () throws(TLSFiles.Problem) in
        try TLSFiles(certificate: certificate, key: key)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "the certificate can't be used", why: error.why,
        hint: "name a certificate and its key, both as PEM")
    }
  }

  /// Two servers would go on with the same runs.
  private func lock(_ state: String) async throws(CommandFailure) -> FileLock {
    let found: FileLock?
    do {
      found = try await bootstrap.files.run {
        _ = try Directory(making: state, permissions: 0o700)
        return try FileLock(RunStore.serverLock(state), .exclusive)
      }
    } catch {
      throw CommandFailure(.invalidInput, "the state directory \(state) can't be used", why: "\(error)")
    }
    guard let found else {
      throw CommandFailure(
        .invalidInput, "another server uses the state directory \(state)",
        hint: "end that one, or name another directory with --state-dir")
    }
    return found
  }

  private func standing(_ state: String, _ telemetry: ServerTelemetry) async throws(CommandFailure) -> StandingHost {
    let system = try await bootstrap.systemConfiguration(command.system)
      .adding(try await bootstrap.storedSettings(state: state))
    await bootstrap.report(system.warnings)
    let catalog = try await bootstrap.scanned(command.plugins, system, state: command.state)
    await bootstrap.report(catalog.diagnostics)
    var setup = try await bootstrap.sandboxSetup(
      command.sandbox, state: state, system: system, decisions: [], catalog: catalog)
    let gpus = await bootstrap.gpus(system)
    setup.gpus = gpus
    let jobs = jobs
    let fleet = try WorkerFleet(setup: setup, jobs: jobs, crashes: system.workers.crashes) {
      [words = telemetry.words] in
      words.error("\(WorkerFailure.stopped($0).summary)", metadata: ["plugin": "\($0.plugin)"])
    }
    let clock = MonotonicClock()
    let holding: LeasedDevices?
    do throws(CommandFailure) {
      holding = gpus.gpus.isEmpty ? nil : try await setup.leasedDevices(with: fleet.pool)
    } catch {
      await fleet.close()
      throw error
    }
    return StandingHost(
      StandingHost.State(
        system: system, catalog: catalog, facts: setup.host, interpreter: setup.interpreter, gpus: gpus),
      fleet: fleet, dispatcher: NodePlaces.dispatcher(setup, jobs: jobs, holding: holding, clock: clock), clock: clock,
      mostRuns: command.maxRuns)
  }

  private var jobs: Int { command.jobs ?? ProcessEnvironment.processorCount }

  // MARK: While it runs

  private func serve(
    at places: [ServingPlace], _ tls: TLSFiles?, _ state: String, _ store: RunStore, _ standing: StandingHost,
    _ telemetry: ServerTelemetry, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) {
    let console = bootstrap.console
    let (log, metrics) = (telemetry.log, telemetry.metrics)
    let report: @Sendable (String) async -> Void = { [words = telemetry.words] in words.error("\($0)") }
    let manager = ServiceManager(inheritance.notices, report: report)
    let database = store.database
    let plugins = ServerPlugins(
      bootstrap, standing: standing, state: command.state, statePath: state, plugins: command.plugins,
      system: command.system, sandbox: command.sandbox)
    try await plugins.load()
    // Those that were asked for their node types: workers start when a node needs one.
    await standing.fleet.pool.endIdle(unusedFor: .zero)
    let runs = ServerRuns(
      bootstrap, store: store, settings: ServerRuns.Settings(jobs: jobs, secrets: command.secrets.secrets),
      telemetry: telemetry,
      quota: { name in (try? await database.token(named: name))?.quota }, report: report)
    let watchers = WatcherCount()
    let reload: @Sendable () async throws(CommandFailure) -> [Diagnostic] = { () async throws(CommandFailure) in
      try await manager.reloading { () async throws(CommandFailure) in
        try await plugins.refresh(readsConfiguration: true)
        await standing.fleet.pool.set(crashes: standing.now.system.workers.crashes)
        try await reloadTLS(tls)
        return standing.now.system.warnings
      }
    }
    var uploadSettings = ServerUploads.Settings()
    if let lifetime = Quantity.duration(command.uploadLifetime) { uploadSettings.lifetime = lifetime }
    let uploads = try await ServerUploads(store: store, settings: uploadSettings, on: Self.thread("files sent"))
    let pruning = Task { [lifetime = uploadSettings.lifetime] in
      while (try? await Task.sleep(for: .milliseconds(min(lifetime, 600_000)))) != nil {
        do throws(StateStoreError) { try await uploads.prune() } catch { await report("uploads: \(error)") }
      }
    }
    defer { pruning.cancel() }
    let handler = ServerAPI(
      server: ServerAdministration(
        runs: runs, plugins: plugins, standing: standing, watchers: watchers, metrics: metrics,
        openAPI: .prepared(OpenAPIDocument.document(version: "\(engineVersion)")), reload: reload,
        uploads: try Self.thread("uploads")),
      plugins: plugins, workflows: ServerWorkflows(runs: runs), runs: runs, artifacts: ServerArtifacts(runs: runs),
      uploads: uploads, registry: try await registry(state, bootstrap, report), audit: ServerAudit(database: database))
    let api = APIServer(
      handler, hosts: HostPolicy(names: command.allowedHost + places.compactMap(\.address.hostName)),
      authenticate: { token in
        let found = try await database.token(
          digest: ContentDigest(sha256: token.secret.utf8), at: ProcessEnvironment.millisecondsSince1970())
        return found.map { Caller(name: $0.name.text, scope: $0.scope) }
      }, anybody: command.noTokens ? Caller(name: "anybody", scope: .admin) : nil,
      limits: APIServer.Limits(perSecond: command.rateLimit), isEncrypted: tls != nil,
      isBehindProxy: command.behindProxy, tracer: telemetry.spans?.tracer,
      measure: metrics.request, report: report)
    try await store.removeUnbegun()
    try await runs.goOn()
    var logger = Logger(label: "server")
    logger.logLevel = .critical
    let addresses = places.map(\.address)
    var limits = HTTPListener.Limits()
    if let permissions = command.socketPermissions { limits.socketPermissions = permissions }
    let listener = HTTPListener(places.map(\.listener), tls: tls, limits: limits, logger: logger) { bound in
      // Shown by a server that can be asked with it: it is shown once.
      try await makeFirstToken(database)
      let shown = Self.shown(addresses, bound, isEncrypted: tls != nil)
      for address in shown { await console.print("listening at \(address)") }
      await manager.tell(.listening("listening at \(shown.joined(separator: ", "))"))
    } respond: { request, channel in
      await api.respond(to: request, on: channel)
    }
    // The last ends first: spans are sent until all that makes some has ended.
    let exporting = telemetry.spans.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0.exporter) }
    let group = ServiceGroup(
      configuration: .init(
        services: [exporting, .init(service: listener, successTerminationBehavior: .gracefullyShutdownGroup)]
          .compactMap(\.self), logger: logger))
    do throws(CommandFailure) {
      try await attend(group, runs, watchers, tls, manager, reload, report)
    } catch {
      _ = await log.flush(within: .seconds(2))
      throw error
    }
    _ = await log.flush(within: .seconds(2))
  }

  /// Of plugins, in the state directory.
  private func registry(
    _ state: String, _ bootstrap: Bootstrap, _ report: @escaping @Sendable (String) async -> Void
  ) async throws(CommandFailure) -> RegistryRoutes {
    var limits = RegistryLimits()
    limits.packageBytes = RegistryLimits.usualPackageBytes
    do {
      let store = try await StoredRegistry(
        directory: "\(state)/registry", on: bootstrap.files, limits: limits, report: report)
      return RegistryRoutes(store: store, settings: RegistryRoutes.Settings(limits: limits), report: report)
    } catch let problem as Diagnostic {
      throw CommandFailure(.invalidInput, [problem])
    } catch {
      throw CommandFailure(.invalidInput, "the registry in \(state)/registry can't be offered", why: "\(error)")
    }
  }

  /// Until the listener has ended: by a signal, or because it can't listen.
  private func attend(
    _ group: ServiceGroup, _ runs: ServerRuns, _ watchers: WatcherCount, _ tls: TLSFiles?, _ manager: ServiceManager,
    _ reload: @escaping @Sendable () async throws(CommandFailure) -> [Diagnostic],
    _ report: @escaping @Sendable (String) async -> Void
  ) async throws(CommandFailure) {
    let signals = try SignalStream.listen()
    let time = Duration.milliseconds(Quantity.duration(command.shutdownTimeout) ?? 10_000)
    let pool = runs.bootstrap.standing?.fleet.pool
    let attending = Task {
      var isEnding = false
      for await signal in signals.signals {
        switch signal {
        case .hangup:
          do throws(CommandFailure) { _ = try await reload() } catch {
            for problem in error.diagnostics { await report("what changed can't be used: \(problem)") }
          }
        case .terminate, .interrupt:
          guard !isEnding else {
            // Who insists waits for nothing.
            await pool?.shutdown()
            continue
          }
          isEnding = true
          await manager.tell(.ending(within: time + Self.endingAllowance))
          Task {
            await runs.end(within: time)
            watchers.end()
            await runs.tick()
            await group.triggerGracefulShutdown()
          }
        case .windowChanged: break
        }
      }
    }
    let ticking = Task {
      var stamp = await runs.bootstrap.files.run { tls?.stamp }
      while (try? await Task.sleep(for: .seconds(10))) != nil {
        await runs.tick()
        if let standing = runs.bootstrap.standing {
          let time = Duration.milliseconds(standing.now.system.workers.idleMilliseconds)
          await standing.fleet.pool.endIdle(unusedFor: time)
        }
        await manager.tell(.status(await status(of: runs)))
        let now = await runs.bootstrap.files.run { tls?.stamp }
        guard now != stamp else { continue }
        stamp = now
        do throws(CommandFailure) { try await reloadTLS(tls) } catch {
          for problem in error.diagnostics { await report("\(problem)") }
        }
      }
    }
    let watching = Task { await manager.watch(within: inheritance.watchdog) { try await answer(runs) } }
    defer {
      attending.cancel()
      ticking.cancel()
      watching.cancel()
    }
    do {
      try await group.run()
    } catch {
      await runs.end(within: .zero)
      if let failure = error as? CommandFailure { throw failure }
      if let problem = error as? Diagnostic { throw CommandFailure(.invalidInput, [problem]) }
      throw CommandFailure(
        .invalidInput, "the server can't listen", why: "\(error)",
        hint: "see whether something listens there, and whether this user may")
    }
    await runs.end(within: .zero)
  }

  /// For connections to end, and workers, after the runs have had their time.
  private static let endingAllowance: Duration = .seconds(30)

  /// For people who ask the service manager.
  private func status(of runs: ServerRuns) async -> String {
    let live = await runs.identifiers.count
    return live == 0 ? "no runs" : "\(live) run\(live == 1 ? "" : "s") under way"
  }

  /// Comes back when each part that answers requests has answered: the connections' threads, the runs, the files, the database.
  private func answer(_ runs: ServerRuns) async throws {
    try await HTTPListener.answer()
    _ = await runs.isEnding
    await bootstrap.files.run {}
    _ = try await runs.store.database.hasTokens()
  }

  private func reloadTLS(_ tls: TLSFiles?) async throws(CommandFailure) {
    guard let tls else { return }
    do throws(TLSFiles.Problem) {
      try await bootstrap.files.run { () throws(TLSFiles.Problem) in try tls.reload() }
    } catch {
      throw CommandFailure(
        .invalidInput, "the new certificate can't be used; the one before stays", why: error.why)
    }
  }

  private static func thread(_ name: String) throws(CommandFailure) -> DedicatedThread {
    do throws(SystemError) { return try DedicatedThread(name: name) } catch {
      throw CommandFailure(.invalidInput, "the program can't go on", why: error.description)
    }
  }

  /// Nobody could ask anything without one.
  private func makeFirstToken(_ database: StateDatabase) async throws(CommandFailure) {
    guard !command.noTokens else { return }
    let given = try await givenFirstToken()
    var made: (token: AccessToken, secret: BearerToken)
    do throws(FileError) {
      made = try AccessToken.generated(
        name: AccessTokenName(unchecked: "first"), scope: .admin, at: ProcessEnvironment.millisecondsSince1970())
    } catch {
      throw CommandFailure(.invalidInput, "no token can be made", why: error.description)
    }
    if let given { made.secret = given }
    do throws(StateStoreError) {
      guard try await !database.hasTokens() else { return }
      let audit = AuditEntry(
        time: made.token.created, actor: .console, action: .createToken, subject: made.token.name.text,
        detail: made.token.jsonValue)
      try await database.auditing(audit, unwritten: { $0 }) { () throws(StateStoreError) in
        _ = try await database.addToken(made.token, digest: ContentDigest(sha256: made.secret.secret.utf8))
      }
    } catch {
      throw CommandFailure(error)
    }
    guard given == nil else { return }
    await bootstrap.console.printError(
      "the first token, shown this once, for all that there is to administer:\n  \(made.secret.secret)\n"
        + "make others: orchestrator token create NAME --scope SCOPE")
  }

  private func givenFirstToken() async throws(CommandFailure) -> BearerToken? {
    guard let path = command.firstToken else { return nil }
    let bytes = try await bootstrap.contents(path, limit: 4096)
    // As many as nobody guesses.
    guard let token = BearerToken(String(decoding: bytes, as: UTF8.self)), token.secret.utf8.count >= 32 else {
      throw CommandFailure(
        .invalidInput, "\(path) holds no token that can be used",
        why: "a token is \(BearerToken.grammar), and the first at least 32 of them",
        hint: "make one: echo orchestrator_$(openssl rand -hex 32)")
    }
    return token
  }

  private static func shown(_ places: [ServingAddress], _ ports: [Int?], isEncrypted: Bool) -> [String] {
    zip(places, ports).map { place, port in
      switch place {
      case .address: "\(isEncrypted ? "https" : "http")://\(place.with(port: port ?? 0))"
      case .path: place.description
      }
    }
  }
}

extension RunStore {
  fileprivate static func serverLock(_ state: String) -> String { "\(state)/server.lock" }

  /// Whether a server uses the state directory.
  func isServed() async -> Bool {
    await files.run { [state] in
      guard (try? Directory(opening: state).status("server.lock")) != nil else { return false }
      do throws(SystemError) { return try FileLock(Self.serverLock(state), .shared) == nil } catch { return false }
    }
  }
}
