import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// The live workers of this process: starts them, lends each to one call at a time, keeps well ones for the next call of the same
/// configuration, and ends them all. Whoever makes a pool must call ``shutdown()``.
package actor WorkerPool {
  package typealias Report = @Sendable (WorkerReport) -> Void
  /// Told what a node has had: the last word about its use counts, and all denials.
  package typealias Account = @Sendable (CallAccount) -> Void

  /// What came of waiting for a place.
  private enum Admission {
    case admitted
    case cancelled
    case closed
  }

  private let launcher: any SandboxLaunching
  private let loop: EventLoop
  private let limits: WorkerLimits
  private let clock: any Clock<Duration>
  private let maximumWorkers: Int
  /// Since the pool was made.
  private let elapsed: @Sendable () -> Duration
  /// Nil: workers are always started.
  private var crashes: CrashRule?
  /// Told when a plugin's workers aren't started any more.
  private let stopped: @Sendable (CrashRule.Stop) -> Void

  /// Calls that hold a place: each has a worker, or is starting or ending one.
  private var active = 0
  /// Calls that wait for a place, oldest first.
  private var queue: [(ticket: UInt64, continuation: CheckedContinuation<Admission, Never>)] = []
  private var nextTicket: UInt64 = 0
  private var busy: [ObjectIdentifier: Worker] = [:]
  /// Least recently used first. There are never more than the places that no call holds.
  private var idle: [(configuration: WorkerConfiguration, worker: Worker, since: Duration)] = []
  /// Were idle, and aren't gone yet.
  private var leaving: [(configuration: WorkerConfiguration, worker: Worker)] = []
  private var isClosed = false
  /// ``isClosed``, for threads that are not the pool's.
  private let closing = OnceFlag()
  private var emptied: [CheckedContinuation<Void, Never>] = []

  /// - Parameters:
  ///   - maximumWorkers: live at one time, busy and idle together; at least 1.
  ///   - crashes: when a plugin's workers aren't started any more; nil: they always are.
  ///   - stopped: told when that is so.
  package init(
    launcher: any SandboxLaunching, loop: EventLoop, limits: WorkerLimits = WorkerLimits(),
    clock: any Clock<Duration> = ContinuousClock(), maximumWorkers: Int,
    crashes: WorkerSettings.CrashRule? = nil, stopped: @escaping @Sendable (CrashRule.Stop) -> Void = { _ in }
  ) {
    elapsed = clock.stopwatch()
    self.crashes = crashes.map(CrashRule.init)
    self.stopped = stopped
    self.launcher = launcher
    self.loop = loop
    self.limits = limits
    self.clock = clock
    self.maximumWorkers = max(1, maximumWorkers)
  }

  /// Carries out one node in a worker of `configuration`, an idle one or a new one.
  ///
  /// Cancelling the task cancels the node. Returns only when the worker is idle again or all of it is gone.
  ///
  /// - Parameter limit: from the call to its result. Waiting for a place and starting a worker are not part of it; the latter
  ///   has a limit of its own.
  /// - Parameter accept: asked before what the node wrote lands; where it answers no, nothing lands.
  /// - Parameter estimation: how the worker's limits follow from what its plugin estimates that the call will need; nil: it isn't asked,
  ///   and has those of `configuration`.
  /// - Parameter account: told of the node whether it succeeds or not; the start of a new worker is its first node's.
  package func execute(
    _ execution: NodeExecution, on configuration: WorkerConfiguration, limit: Duration?, report: @escaping Report,
    accept: @Sendable (NodeOutcome) async -> Bool = { _ in true }, estimation: Estimation? = nil,
    account: Account? = nil
  ) async throws(WorkerFailure) -> NodeOutcome {
    let estimateLimit = min(limits.estimate, limit ?? limits.estimate)
    return try await lend(configuration, report: report, accept: accept, account: account) { lease, report in
      await Result { () async throws(WorkerFailure) -> NodeOutcome? in
        if !execution.secrets.isEmpty { lease.knowsSecrets.set() }
        if let estimation {
          lease.hasOtherLimits.set()
          let isFit = try await estimation.prepare(
            lease.worker, for: execution, base: configuration.plan.cgroup, isReused: lease.isReused,
            limit: estimateLimit
          ) {
            // The call that starts the node is the next one.
            if $0 == .started { lease.wasTaken.set() } else { report($0) }
          }
          guard isFit else { return nil }
        }
        return try await lease.worker.execute(execution, limit: limit, report: report)
      }
    }
  }

  /// The node types of the plugin, as its worker tells them: `{"node_types": […]}`, not yet validated.
  package func describe(
    _ configuration: WorkerConfiguration, limit: Duration?, report: @escaping Report = { _ in }
  ) async throws(WorkerFailure) -> JSONValue {
    // What describing uses is no node's either.
    try await lend(configuration, report: report, account: { _ in }) { lease, _ in
      await Result { () async throws(WorkerFailure) -> JSONValue? in try await lease.worker.describe(limit: limit) }
    }
  }

  /// What the plugin says that the results of a node depend on beside its own code; nil: nothing.
  package func cacheKey(
    of execution: NodeExecution, on configuration: WorkerConfiguration
  ) async throws(WorkerFailure) -> String? {
    let limit = limits.estimate
    // A key that is nothing is an answer as well.
    let key: [String] = try await lend(configuration, report: { _ in }, account: { _ in }) { lease, _ in
      await Result { () async throws(WorkerFailure) -> [String]? in
        try await lease.worker.cacheKey(execution, limit: limit).map { [$0] } ?? []
      }
    }
    return key.first
  }

  /// Ends the idle workers that have one of these devices. Returns when they are gone.
  package func endIdle(holding devices: Set<CDIDeviceReference>) async {
    func has(_ configuration: WorkerConfiguration) -> Bool {
      configuration.plan.devices.contains { devices.contains($0.reference) }
    }
    while let index = idle.firstIndex(where: { has($0.configuration) }) { await endIdle(at: index) }
    // Those that somebody else is ending.
    for one in leaving where has(one.configuration) { await one.worker.shutdown() }
  }

  /// Ends the workers that no call has had for so long. Returns when they are gone.
  package func endIdle(unusedFor time: Duration) async {
    while let index = idle.firstIndex(where: { elapsed() - $0.since >= time }) { await endIdle(at: index) }
  }

  /// How many workers there are: those that a call has, and those that wait for one.
  package var workers: (busy: Int, idle: Int) { (busy.count, idle.count) }

  /// From now on this rule holds, and no crash of before counts.
  package func set(crashes rule: WorkerSettings.CrashRule) { crashes = CrashRule(rule) }

  /// The plugins whose workers aren't started at the moment.
  package var stops: [CrashRule.Stop] { crashes?.stops(at: now) ?? [] }

  private var now: Int64 { elapsed().wholeMilliseconds }

  private func endIdle(at index: Int) async {
    let (configuration, worker, _) = idle.remove(at: index)
    leaving.append((configuration, worker))
    await worker.shutdown()
    leaving.removeAll { $0.worker === worker }
  }

  /// Ends every worker: idle ones are asked to leave, the others are killed, and their calls fail. Returns when all are gone.
  package func shutdown() async {
    isClosed = true
    closing.set()
    for waiter in queue { waiter.continuation.resume(returning: .closed) }
    queue = []
    let workers = idle.map(\.worker) + leaving.map(\.worker) + busy.values
    idle = []
    await withDiscardingTaskGroup { group in
      for worker in workers { group.addTask { await worker.shutdown() } }
    }
    guard active > 0 else { return }
    await withCheckedContinuation { emptied.append($0) }
  }

  // MARK: Lending

  private func lend<Success: Sendable>(
    _ configuration: WorkerConfiguration, report: @escaping Report,
    accept: @Sendable (Success) async -> Bool = { _ in true }, account: Account? = nil,
    _ body: (Lease, @escaping Report) async -> Result<Success?, WorkerFailure>
  ) async throws(WorkerFailure) -> Success {
    switch await admit() {
    case .admitted: break
    case .cancelled: throw .cancelled
    case .closed: throw .poolClosed
    }
    defer { leave() }
    var mayReuse = true
    while true {
      let lease: Lease
      do throws(WorkerFailure) {
        lease = try await acquire(configuration, mayReuse: mayReuse, report, account)
      } catch {
        count(error, of: configuration)
        throw error
      }
      let answer = await body(lease) {
        if $0 == .started { lease.wasTaken.set() }
        report($0)
      }
      guard let result = answer.ofSomething() else {
        await end(lease.worker)
        mayReuse = false
        continue
      }
      if let account { await settle(lease.worker.sandbox, account) }
      await release(lease, configuration, result)
      if let failure = await settle(lease.worker.stagedWrites, result, accept) { throw failure }
      if lease.isReused, !lease.wasTaken.isSet, case .failure(let failure) = result, failure.isDeath, !isClosed {
        continue
      }
      do throws(WorkerFailure) {
        let success = try result.get()
        count(nil, of: configuration)
        return success
      } catch {
        count(error, of: configuration)
        throw error
      }
    }
  }

  /// How a call ended counts for whether the plugin's workers are started again. What a command does is its writer's, who isn't everybody's.
  private func count(_ failure: WorkerFailure?, of configuration: WorkerConfiguration) {
    guard crashes != nil, configuration.plan.plugin != NodeTypeReference.command.plugin else { return }
    let key = CrashRule.Key(configuration)
    if failure?.isCrash == true {
      if let stop = crashes?.crashed(key, at: now) { stopped(stop) }
    } else if failure?.leavesWorkerUsable ?? true {
      crashes?.answered(key)
    }
  }

  /// A worker that is busy with one call.
  private struct Lease: Sendable {
    let worker: Worker
    /// It may have died since its last call. Of one that was never acknowledged no plugin code has run: a new worker gets it.
    let isReused: Bool
    /// The worker has acknowledged something of the call.
    let wasTaken = OnceFlag()
    /// Its limits may no longer be those of its plan.
    let hasOtherLimits = OnceFlag()
    /// What it was told may still be in its memory.
    let knowsSecrets = OnceFlag()
  }

  private func acquire(
    _ configuration: WorkerConfiguration, mayReuse: Bool, _ report: @escaping Report, _ account: Account?
  ) async throws(WorkerFailure) -> Lease {
    if mayReuse, let index = idle.lastIndex(where: { $0.configuration == configuration }) {
      let worker = idle.remove(at: index).worker
      busy[ObjectIdentifier(worker)] = worker
      return Lease(worker: worker, isReused: true)
    }
    // An idle worker has memory of its devices: it is gone before another starts there.
    await endIdle(holding: Set(configuration.plan.devices.map(\.reference)))
    while active + idle.count > maximumWorkers, !idle.isEmpty {
      await endIdle(at: 0)
    }
    guard !isClosed else { throw .poolClosed }
    guard !Task.isCancelled else { throw .cancelled }
    if let stop = crashes?.stop(CrashRule.Key(configuration), at: now) { throw .stopped(stop) }
    let sandbox: any Sandbox
    do throws(LaunchError) {
      sandbox = try await launcher.launch(configuration.plan)
    } catch {
      throw .launchRefused(error)
    }
    let worker = Worker(
      sandbox: sandbox, initialize: configuration.initializeObject, loop: loop, limits: limits, clock: clock)
    busy[ObjectIdentifier(worker)] = worker
    do throws(WorkerFailure) {
      try await worker.start(report: report)
      // Its start is no node's.
      _ = sandbox.settleAccount()
      // A shutdown that came before the worker could be found.
      guard !isClosed else { throw .poolClosed }
    } catch {
      await worker.shutdown()
      busy[ObjectIdentifier(worker)] = nil
      _ = await worker.stagedWrites?.discard()
      if let account { await settle(sandbox, account) }
      throw error
    }
    return Lease(worker: worker, isReused: false)
  }

  private func settle(_ sandbox: any Sandbox, _ account: Account) async {
    let usage = sandbox.settleAccount()
    let egress = await sandbox.settleEgress()
    await sandbox.collectDenials()
    let observation = await sandbox.takeObservation()
    account(
      CallAccount(usage: usage, egress: egress, denials: sandbox.takeDenials(), observation: observation))
  }

  /// What a worker wrote lands when its call succeeded, and is gone otherwise. The worker is gone already.
  private func settle<Success: Sendable>(
    _ writes: StagedWrites?, _ result: Result<Success, WorkerFailure>, _ accept: @Sendable (Success) async -> Bool
  ) async -> WorkerFailure? {
    guard let writes else { return nil }
    var failure: WorkerFailure?
    if case .success(let value) = result {
      if await accept(value) {
        do throws(LandingError) {
          try await writes.land { [closing] in closing.isSet }
        } catch { failure = error == .interrupted ? .cancelled : .landing(error) }
      } else {
        failure = .notAccepted
      }
    }
    // What can't be removed is removed by the next supervisor.
    _ = await writes.discard()
    return failure
  }

  private func release<Success>(
    _ lease: Lease, _ configuration: WorkerConfiguration, _ result: Result<Success, WorkerFailure>
  ) async {
    let worker = lease.worker
    let isWell =
      switch result {
      case .success: true
      case .failure(let failure): failure.leavesWorkerUsable
      }
    // Whoever was cancelled promised that nothing it used is left.
    // One whose writes wait for its success has a view of the workspace that ends with it.
    if isWell, worker.stagedWrites == nil, !lease.knowsSecrets.isSet, !Task.isCancelled, await worker.isIdle,
      await restore(lease, configuration.plan.cgroup), !isClosed
    {
      busy[ObjectIdentifier(worker)] = nil
      idle.append((configuration, worker, elapsed()))
    } else {
      await end(worker)
    }
  }

  private func end(_ worker: Worker) async {
    await worker.shutdown()
    busy[ObjectIdentifier(worker)] = nil
  }

  /// Gives a worker the limits of its plan again.
  /// - Returns: false when it can't go on with them.
  private func restore(_ lease: Lease, _ limits: CgroupPlan) async -> Bool {
    guard lease.hasOtherLimits.isSet else { return true }
    let sandbox = lease.worker.sandbox
    // The kernel would end it for what its last call left behind.
    if let most = limits.memoryMax, let used = await sandbox.memoryInUse(), used > most { return false }
    do throws(SystemError) {
      try await sandbox.change(to: limits)
      return true
    } catch {
      return false
    }
  }

  // MARK: Places

  private func admit() async -> Admission {
    guard !isClosed else { return .closed }
    if active < maximumWorkers {
      active += 1
      return .admitted
    }
    let ticket = nextTicket
    nextTicket += 1
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard !Task.isCancelled else { return continuation.resume(returning: .cancelled) }
        queue.append((ticket, continuation))
      }
    } onCancel: {
      Task { await self.withdraw(ticket) }
    }
  }

  private func withdraw(_ ticket: UInt64) {
    guard let index = queue.firstIndex(where: { $0.ticket == ticket }) else { return }
    queue.remove(at: index).continuation.resume(returning: .cancelled)
  }

  private func leave() {
    if !queue.isEmpty {
      queue.removeFirst().continuation.resume(returning: .admitted)
      return
    }
    active -= 1
    guard active == 0 else { return }
    for waiter in emptied { waiter.resume() }
    emptied = []
  }
}

extension CrashRule.Key {
  fileprivate init(_ configuration: WorkerConfiguration) {
    self.init(plugin: configuration.plan.plugin, digest: configuration.digest)
  }
}

extension WorkerFailure {
  /// The worker is gone, whatever ended it.
  fileprivate var isDeath: Bool {
    switch self {
    case .crashed, .outOfMemory: true
    default: false
    }
  }
}

extension Result {
  /// Nil: a success without a value.
  fileprivate func ofSomething<Value>() -> Result<Value, Failure>? where Success == Value? {
    switch self {
    case .success(let value): value.map { .success($0) }
    case .failure(let failure): .failure(failure)
    }
  }

  fileprivate init(_ body: () async throws(Failure) -> Success) async {
    do throws(Failure) {
      self = .success(try await body())
    } catch {
      self = .failure(error)
    }
  }
}
