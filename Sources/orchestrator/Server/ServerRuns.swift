import HTTPAPI
import LinuxSystem
import PipelineEngine
import PluginModel
import SandboxPlanning
import Scheduling
import StateStore
import Tracing

/// The runs of a server: begins them, carries them out, goes on with those that a server before this one had accepted.
actor ServerRuns {
  struct Settings: Sendable {
    /// Nodes at one time.
    var jobs: Int
    /// Of the operator: names of secrets that workflows may have, and where they come from.
    var secrets: [String]
  }

  let bootstrap: Bootstrap
  let store: RunStore
  private let settings: Settings
  /// What a token may have; nil: no bound.
  private let quota: @Sendable (String) async -> AccessQuota?
  private let report: @Sendable (String) async -> Void
  private let telemetry: ServerTelemetry
  private var live: [String: ServedRun] = [:]
  /// Requests that are being checked.
  private var starting: [String: Int] = [:]
  private(set) var isEnding = false

  init(
    _ bootstrap: Bootstrap, store: RunStore, settings: Settings, telemetry: ServerTelemetry,
    quota: @escaping @Sendable (String) async -> AccessQuota?, report: @escaping @Sendable (String) async -> Void
  ) {
    self.bootstrap = bootstrap
    self.store = store
    self.settings = settings
    self.telemetry = telemetry
    self.quota = quota
    self.report = report
  }

  private var mostRuns: Int { bootstrap.standing?.mostRuns ?? 1 }

  func feed(of run: String) -> RunFeed? { live[run]?.feed }
  func isLive(_ run: String) -> Bool { live[run] != nil }
  var identifiers: [String] { live.keys.sorted() }

  /// Everybody who watches is to be told that the server lives.
  func tick() { for run in live.values { run.feed.tick() } }

  // MARK: Beginning

  /// - Parameter context: what asks for it, for spans.
  /// - Returns: the run, which is written down.
  func start(
    _ submission: RunSubmission, by submitter: String, given uploads: [RunUpload] = [],
    repeating repeated: RepeatedRun? = nil, in context: ServiceContext = .topLevel
  ) async throws(APIProblem) -> StoredRun {
    let quota = try await admit(submitter)
    defer { starting[submitter, default: 1] -= 1 }
    let draft = try await draft(submission, repeating: repeated)
    let (command, arguments) = try command(draft, submission)
    let prepared: Prepared
    do throws(CommandFailure) {
      prepared = try await prepare(command, draft, .values(submission.inputs))
    } catch {
      throw APIProblem(error, of: WorkflowSubjects(of: draft))
    }
    try await apply(quota, of: submitter, to: prepared)
    let starter = RunStarter(
      session: prepared.session, checked: prepared.checked, arguments: arguments, workspace: nil, store: store,
      origin: RunStarter.Origin(
        submitter: submitter, file: draft.file, parent: repeated?.run.identifier, uploads: uploads))
    let records = try await records(of: repeated, in: prepared.checked.content)
    guard !isEnding else { throw Self.ending }
    let (kept, directory) = try await served { () async throws(CommandFailure) in
      try await starter.begin(records, packages: nil)
    }
    let run = try await stored(kept.identifier)
    telemetry.metrics.accepted()
    serve(run, submitter, after: records.count, in: context) { served in
      await self.carryOut(served, prepared, command, kept, directory, starter)
    }
    return run
  }

  private static let ending = APIProblem(503, "the server is ending", retryAfter: 10)

  /// Counts as one that begins from now on.
  private func admit(_ submitter: String) async throws(APIProblem) -> AccessQuota {
    let quota = await quota(submitter) ?? AccessQuota()
    guard !isEnding else { throw Self.ending }
    let begun = starting.values.reduce(0, +)
    guard live.count + begun < mostRuns else {
      throw APIProblem(503, "the server carries out as many runs as it may", retryAfter: 10)
    }
    let own = live.values.count { $0.submitter == submitter } + (starting[submitter] ?? 0)
    if let most = quota.runs, own >= most {
      throw APIProblem(
        429, "this token has as many runs as it may", why: "\(own) haven't ended, and its quota is \(most)",
        retryAfter: 10)
    }
    starting[submitter, default: 0] += 1
    return quota
  }

  /// A run that isn't written down yet, with its workflow.
  private func draft(
    _ submission: RunSubmission, repeating repeated: RepeatedRun?
  ) async throws(APIProblem) -> StoredRun {
    if let repeated, repeated.document == nil {
      var draft = repeated.run
      draft.settings = .object([])
      return draft
    }
    switch submission.source {
    case .written(let bytes): return try await gathered("workflow.yaml", bytes)
    case .stored(let name, let version):
      let found = try await store.database.served { database throws(StateStoreError) in
        try await database.workflow(name, version: version)
      }
      guard let found else {
        throw APIProblem(404, "there is no workflow \(name.text.quoted)\(version.map { " of version \($0)" } ?? "")")
      }
      return try await gathered("\(name).yaml", found.content)
    }
  }

  /// With the stored workflows that it names: `NAME.yaml` is the workflow NAME.
  nonisolated func gathered(_ file: String, _ bytes: [UInt8]) async throws(APIProblem) -> StoredRun {
    var draft = StoredRun(
      identifier: "", workflow: "", file: file, source: bytes, settings: .object([]), nodeCount: 0, created: 0)
    // What is wrong with it is told when it is checked.
    guard var files = try? WorkflowFiles(path: file, bytes: bytes) else { return draft }
    while let wanted = files.wanted.first {
      let name = wanted.hasSuffix(".yaml") ? WorkflowName(String(wanted.dropLast(5))) : nil
      let found = try await store.database.served { database throws(StateStoreError) -> StoredWorkflow? in
        guard let name else { return nil }
        return try await database.workflow(name)
      }
      files.add(
        found.map { .bytes($0.content) }
          ?? .unreadable(why: "there is no stored workflow of that name", hint: "name one as NAME.yaml"), at: wanted)
    }
    draft.files = files.bytes
    return draft
  }

  /// The command that would do the same.
  private func command(
    _ draft: StoredRun, _ submission: RunSubmission
  ) throws(APIProblem) -> (RunCommand, [String]) {
    var arguments = [draft.file]
    if let timeout = submission.timeout { arguments += ["--timeout", timeout] }
    if !submission.usesCache { arguments.append("--no-cache") }
    let workflow = try? Workflow(bytes: draft.source, file: draft.file)
    for input in submission.inputs {
      let isText = workflow?.inputs.contains { $0.name.text == input.key && $0.type == "string" } ?? false
      let text = isText ? input.value.stringValue ?? input.value.text() : input.value.text()
      arguments.append("--input=\(input.key)=\(text)")
    }
    return (try parsed(arguments), arguments)
  }

  nonisolated func parsed(_ arguments: [String]) throws(APIProblem) -> RunCommand {
    do {
      var command = try RunCommand.parse(arguments)
      command.options.state.stateDir = store.state
      return command
    } catch {
      throw APIProblem(422, "the run can't be begun", why: "\(error)")
    }
  }

  /// What the token may have holds from now on for all its runs.
  private func apply(_ quota: AccessQuota, of submitter: String, to prepared: Prepared) async throws(APIProblem) {
    guard let standing = bootstrap.standing, !quota.isEmpty else { return }
    let places = NodePlaces(
      prepared.session.sandboxes.setup, for: prepared.checked.content.nodes, decisions: prepared.checked.decisions,
      of: standing.dispatcher)
    let nodes = prepared.checked.content.nodes.map { (name: $0.name.text, request: places.request($0, nil)) }
    let refusals = refusals(quota, nodes)
    guard refusals.isEmpty else { throw APIProblem(CommandFailure(.invalidInput, refusals)) }
    for (name, count) in RunQuota.counts(of: submitter, quota) { await standing.dispatcher.set(name, count: count) }
  }

  // MARK: Carrying out

  private struct Prepared: Sendable {
    var session: WorkflowSession
    var checked: CheckedWorkflow<WorkflowGraph>
    var secrets: RunSecrets
  }

  private nonisolated func prepare(
    _ command: RunCommand, _ draft: StoredRun, _ inputs: GivenInputs
  ) async throws(CommandFailure) -> Prepared {
    let session = try await WorkflowSession(
      command.options, jobs: settings.jobs, source: draft, inputs: inputs, isRun: true, bootstrap)
    let checked = try await session.checkAlone()
    var secrets = command.secrets
    let named = Set(checked.content.nodes.flatMap(\.secrets).map(\.text))
    secrets.secrets = settings.secrets.filter { named.contains(String($0.prefix { $0 != "=" })) }
    let read = try await secrets.read(
      for: checked.content.nodes, and: session.sandboxes.setup.configurations.all, isResumed: false, bootstrap)
    return Prepared(session: session, checked: checked, secrets: read)
  }

  private func serve(
    _ stored: StoredRun, _ submitter: String, after sequence: Int, in context: ServiceContext = .topLevel,
    _ work: @escaping @Sendable (ServedRun) async -> Void
  ) {
    let run = stored.identifier
    let logger = telemetry.logger(run: run)
    let spans = telemetry.spans.map {
      RunSpans(
        run, workflow: stored.workflow, by: $0.tracer, in: context, at: ProcessEnvironment.nanosecondsSince1970())
    }
    let served = ServedRun(
      identifier: run, submitter: submitter, feed: RunFeed(after: sequence), isSuspended: OnceFlag(), logger: logger,
      spans: spans)
    live[run] = served
    logger.info(
      sequence > 0 ? "goes on with the run" : "the run begins",
      metadata: ["workflow": "\(stored.workflow)", "token": "\(submitter)"])
    live[run]?.task = Task {
      await work(served)
      await spans?.end(at: ProcessEnvironment.nanosecondsSince1970())
      self.ended(run)
    }
  }

  private func ended(_ run: String) { live.removeValue(forKey: run)?.feed.end() }

  private nonisolated func carryOut(
    _ served: ServedRun, _ prepared: Prepared, _ command: RunCommand, _ begun: KeptRun, _ directory: RunDirectory,
    _ starter: RunStarter
  ) async {
    var kept = begun
    kept.journal = ServedJournal(
      database: store.database, run: served.identifier, feed: served.feed, isSuspended: served.isSuspended)
    let recorder = TimelineRecorder(isNeeded: true, bounds: Self.reported)
    do throws(CommandFailure) {
      try await prepared.session.provide(for: prepared.checked)
      try await note(packages: try await starter.packages(), of: served.identifier)
      let run = try await prepared.session.execute(
        prepared.checked, in: directory, jobs: settings.jobs,
        timeoutMilliseconds: command.timeout.flatMap(Quantity.duration),
        observer: KeepingObserver(
          shown: ServedRunObserver(run: served), log: await kept.log(), recorder: recorder),
        kept: kept, usesCache: !command.noCache, secrets: prepared.secrets,
        quota: RunQuota(of: served.submitter, await quota(served.submitter)))
      guard !served.isSuspended.isSet else { return }
      telemetry.metrics.ended(run.outcome)
      served.logger.info(
        "the run has ended", metadata: ["outcome": "\(run.outcome.rawValue)", "duration_ms": "\(run.milliseconds)"])
      let problem = await bootstrap.files.run { directory.keep(run) }
      if let problem { served.logger.error("\(problem)") }
      if let failure = run.stateFailure { served.logger.error("\(failure.message): \(failure.cause)") }
      let earlier = await store.earlierMeasurements(like: run)
      await store.keepMeasurements(of: run)
      let page = RunFiles(
        page: "\(store.directory(of: served.identifier))/\(RunFiles.keptPage)", trace: nil, files: bootstrap.files)
      for problem in await page.write(prepared.checked.content, run, await recorder.timeline, earlier: earlier) {
        served.logger.error("\(problem)")
      }
      await store.tidy()
    } catch {
      await fail(served, error)
    }
  }

  /// Less than a command keeps for its page: there may be many runs at one time.
  private static var reported: RunTimeline.Bounds {
    var bounds = RunTimeline.Bounds()
    (bounds.nodes, bounds.allAttempts, bounds.testCases) = (100_000, 100_000, 20_000)
    (bounds.lines, bounds.lineBytes, bounds.logBytes, bounds.failureBytes) = (50, 1024, 2 << 20, 2 << 20)
    return bounds
  }

  /// It could not be carried out.
  private nonisolated func fail(_ served: ServedRun, _ failure: CommandFailure) async {
    guard !served.isSuspended.isSet else { return }
    let outcome: RunOutcome =
      Task.isCancelled ? .interrupted : failure.status == .sandboxUnavailable ? .sandboxUnavailable : .failed
    let journal = ServedJournal(
      database: store.database, run: served.identifier, feed: served.feed, isSuspended: served.isSuspended)
    let now = ProcessEnvironment.millisecondsSince1970()
    telemetry.metrics.ended(outcome)
    served.logger.warning(
      "the run could not be carried out",
      metadata: ["outcome": "\(outcome.rawValue)", "why": "\(failure.diagnostics.first?.description ?? "")"])
    do {
      if !Task.isCancelled {
        try await store.database.note(problems: .array(failure.diagnostics.map(\.json)), of: served.identifier)
      }
      try await journal.append([JournalRecord(time: now, .began), JournalRecord(time: now, .finished(outcome))])
    } catch {
      served.logger.error("the end of the run can't be written down: \(error)")
    }
  }

  private nonisolated func note(
    packages: [PluginName: String], of run: String
  ) async throws(CommandFailure) {
    guard !packages.isEmpty else { return }
    try await store.asking { database throws(StateStoreError) in
      guard let stored = try await database.run(run), var settings = RunSettings(stored.settings) else { return }
      settings.packages = packages
      try await database.set(settings: settings.jsonValue, of: run)
    }
  }

  // MARK: Going on

  /// Those that a server had accepted and that haven't ended.
  func goOn() async throws(CommandFailure) {
    let accepted = try await store.asking { database throws(StateStoreError) in try await database.acceptedRuns() }
    for run in accepted where live[run] == nil {
      guard await store.holder(of: run) == nil,
        let stored = try await store.asking({ database throws(StateStoreError) in try await database.run(run) })
      else { continue }
      try await goOn(with: stored)
    }
  }

  private func goOn(with run: StoredRun) async throws(CommandFailure) {
    let last = try await store.asking { database throws(StateStoreError) in
      try await database.lastSequence(of: run.identifier)
    }
    serve(run, run.submitter ?? "", after: last) { served in
      do throws(CommandFailure) {
        let settings = try RunSettings(of: run)
        let command: RunCommand
        do throws(APIProblem) { command = try self.parsed(settings.arguments) } catch {
          throw CommandFailure(.invalidInput, error.what, why: error.why)
        }
        let inputs = settings.inputs.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key.text, $0.value) }
        let prepared = try await self.prepare(command, run, .values(inputs))
        try await prepared.session.provide(for: prepared.checked)
        let starter = RunStarter(
          session: prepared.session, checked: prepared.checked, arguments: settings.arguments, workspace: nil,
          store: self.store)
        let (kept, directory) = try await starter.start(run, orLast: false)
        await self.carryOut(served, prepared, command, kept, directory, starter)
      } catch {
        await self.fail(served, error)
      }
    }
  }

  /// One that failed or was cancelled.
  func resume(_ identifier: String, by submitter: String) async throws(APIProblem) -> StoredRun {
    let run = try await stored(identifier)
    _ = try await admit(submitter)
    defer { starting[submitter, default: 1] -= 1 }
    try await demandIdle(identifier)
    guard run.outcome != .succeeded else {
      throw APIProblem(409, "the run has succeeded: there is nothing to go on with")
    }
    guard run.submitter != nil else {
      throw APIProblem(
        409, "a command began this run, in a directory of its own",
        hint: "go on with it there: orchestrator runs resume \(identifier)")
    }
    try await served { () async throws(CommandFailure) in try await self.goOn(with: run) }
    return run
  }

  // MARK: Ending

  func cancel(_ identifier: String) async throws(APIProblem) -> StoredRun {
    let run = try await stored(identifier)
    guard let served = live[identifier] else {
      if await store.holder(of: identifier) != nil {
        throw APIProblem(
          409, "another process carries out this run", hint: "end it there: orchestrator runs cancel \(identifier)")
      }
      throw APIProblem(409, "the run isn't running")
    }
    served.task?.cancel()
    return run
  }

  func remove(_ identifier: String) async throws(APIProblem) {
    _ = try await stored(identifier)
    try await demandIdle(identifier)
    try await served { [store] () async throws(CommandFailure) in
      // Held until it is gone: nobody begins to go on with it meanwhile.
      let lock = try await store.lock(identifier)
      try await store.remove([identifier], workspaces: true)
      withExtendedLifetime(lock) {}
    }
  }

  private func demandIdle(_ identifier: String) async throws(APIProblem) {
    let holder = await store.holder(of: identifier)
    guard live[identifier] == nil, holder == nil else { throw APIProblem(409, "the run is still running") }
  }

  func stored(_ identifier: String) async throws(APIProblem) -> StoredRun {
    let found = try await store.database.served { database throws(StateStoreError) in
      try await database.run(identifier)
    }
    guard let found else { throw APIProblem(404, "there is no run \(String(identifier.prefix(64)).quoted)") }
    return found
  }

  /// Takes no more runs, gives those that there are some time to end, and leaves the others for the next server as if this one had died.
  func end(within time: Duration) async {
    isEnding = true
    let deadline = ContinuousClock.now + time
    while !live.isEmpty, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(50)) }
    let rest = Array(live.values)
    for run in rest {
      run.isSuspended.set()
      run.task?.cancel()
    }
    for run in rest { await run.task?.value }
  }
}

extension ServerRuns: RunEventSource {
  nonisolated func entries(of run: String, after sequence: Int, limit: Int) async throws -> [JournalEntry] {
    try await store.database.journal(of: run, after: sequence, limit: limit)
  }

  nonisolated func hasEnded(_ run: String) async throws -> Bool {
    guard await !isLive(run) else { return false }
    return await store.holder(of: run) == nil
  }
}

extension WorkflowSubjects {
  /// Nil: it can't be read.
  init?(of draft: StoredRun) {
    guard let workflow = try? Workflow(bytes: draft.source, file: draft.file) else { return nil }
    self.init(workflow)
  }
}
