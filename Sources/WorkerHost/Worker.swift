import LinuxSystem
import PluginModel
import SandboxRuntime

/// One live worker: its sandbox, its connection, its clock.
///
/// The rules are in ``WorkerSession``; this actor does what the session says. It owns every descriptor of the sandbox and is
/// done only when the whole sandbox is gone. Whoever starts a worker must end it: ``shutdown()``, or a failure does.
package actor Worker {
  typealias Report = @Sendable (WorkerReport) -> Void
  typealias Session = WorkerSession<FileDescriptor>

  /// Who waits, and for what.
  private enum Waiting {
    case nobody
    case ready(CheckedContinuation<WorkerFailure?, Never>)
    case answer(CheckedContinuation<Result<NodeOutcome, WorkerFailure>, Never>)
    case metadata(Question, CheckedContinuation<Result<JSONValue, WorkerFailure>, Never>)
  }

  /// What is answered by metadata alone.
  private enum Question {
    case description
    case estimate
    case cacheKey

    /// What was asked for; null: the plugin can't tell.
    func answer(_ table: ValueTable<FileDescriptor>) throws(ProtocolViolation) -> JSONValue {
      switch self {
      case .description:
        guard table.values.isEmpty else { throw .resultNotUnderstood("a description has no values") }
        return table.metadata
      case .estimate:
        guard table.values.isEmpty else { throw .resultNotUnderstood("an estimate has no values") }
        guard let resources = table.metadata["resources"] else {
          throw .resultNotUnderstood("an estimate must say \"resources\"")
        }
        return resources
      case .cacheKey:
        guard table.values.isEmpty else { throw .resultNotUnderstood("a cache key has no values") }
        return try NodeOutcome.cacheKey(table.metadata).map(JSONValue.string) ?? .null
      }
    }
  }

  /// Bytes that are read at one time. Memory for more is had from the system, and given back to it, each time.
  private static let most = 32_768

  let sandbox: any Sandbox
  private let connection: UnixSocket
  private let loop: EventLoop
  private let limits: WorkerLimits
  private let clock: any Clock<Duration>

  private var session: Session
  private var waiting = Waiting.nobody
  private var report: Report?
  private var callLimit: Duration?
  private var timers: Timers
  private var outgoing: [(bytes: [UInt8], offset: Int, descriptors: [FileDescriptor])] = []
  private var isFlushing = false
  private var standardOutput: LogBuffer
  private var standardError: LogBuffer
  private var lastOutput: [String] = []
  private var ending: Task<WorkerFailure, Never>?
  private var gone: [CheckedContinuation<Void, Never>] = []

  /// What the worker said of itself, once it is ready.
  package private(set) var identity: WorkerIdentity?

  package init(
    sandbox: any Sandbox, initialize: JSONValue, loop: EventLoop, limits: WorkerLimits, clock: any Clock<Duration>
  ) {
    self.sandbox = sandbox
    self.connection = UnixSocket(sandbox.connection)
    self.loop = loop
    self.limits = limits
    self.clock = clock
    session = Session(initialize: initialize, limits: limits)
    timers = Timers(clock)
    standardOutput = LogBuffer(limits.output)
    standardError = LogBuffer(limits.output)
  }

  /// What it writes over the workspace, where that is kept apart.
  nonisolated var stagedWrites: StagedWrites? { sandbox.stagedWrites }

  /// True while it can take a call.
  package var isIdle: Bool { session.isIdle }

  // MARK: What can be asked of a worker

  /// Waits until the plugin is loaded and initialised. Cancelling the task ends the worker.
  package func start(report: @escaping @Sendable (WorkerReport) -> Void) async throws(WorkerFailure) {
    if let ending { throw await ending.value }
    self.report = report
    let failure = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiting = .ready(continuation)
        Task(executorPreference: loop) { await self.readConnection() }
        Task(executorPreference: loop) { await self.readOutput(isError: false) }
        Task(executorPreference: loop) { await self.readOutput(isError: true) }
        perform(session.start())
        if Task.isCancelled { perform(session.shutdown()) }
      }
    } onCancel: {
      Task { await self.abandonStart() }
    }
    self.report = nil
    if let failure { throw failure }
  }

  /// The node types of the plugin, as the worker tells them: `{"node_types": […]}`, not yet validated.
  package func describe(limit: Duration?) async throws(WorkerFailure) -> JSONValue {
    try await ask(.description, .describe, limit: limit) { _ in }
  }

  /// What the plugin says that `execution` will need: the keys of ``ResourceRequirement``, not yet validated; null: it can't tell.
  /// Cancelling the task cancels it, as any call.
  package func estimate(
    _ execution: NodeExecution, limit: Duration?, report: @escaping @Sendable (WorkerReport) -> Void
  ) async throws(WorkerFailure) -> JSONValue {
    let call = WorkerCall(metadata: execution.estimateMetadata, inputs: execution.inputs)
    hide(execution.mask)
    return try await ask(.estimate, call, limit: limit, report: report)
  }

  /// What the plugin says that the results of `execution` depend on beside its own code; nil: nothing.
  package func cacheKey(_ execution: NodeExecution, limit: Duration?) async throws(WorkerFailure) -> String? {
    let call = WorkerCall(metadata: execution.cacheKeyMetadata, inputs: execution.inputs)
    hide(execution.mask)
    return try await ask(.cacheKey, call, limit: limit) { _ in }.stringValue
  }

  /// From now on nothing shows one of these that the worker writes or says.
  private func hide(_ mask: SecretMask) {
    session.mask = mask
    standardOutput.hide(mask)
    standardError.hide(mask)
  }

  private func ask(
    _ question: Question, _ asked: WorkerCall, limit: Duration?, report: @escaping Report
  ) async throws(WorkerFailure) -> JSONValue {
    let encoded = try asked.encoded()
    let result = await call(encoded, limit: limit, report: report) { Waiting.metadata(question, $0) }
    return try result.get()
  }

  /// Carries out one node. Cancelling the task cancels it: cancel frame, SIGTERM, kill.
  package func execute(
    _ execution: NodeExecution, limit: Duration?, report: @escaping @Sendable (WorkerReport) -> Void
  ) async throws(WorkerFailure) -> NodeOutcome {
    let call = WorkerCall(metadata: execution.metadata(limit: limit), inputs: execution.inputs)
    let encoded = try call.encoded()
    hide(execution.mask)
    let result = await self.call(encoded, limit: limit, report: report) { Waiting.answer($0) }
    return try result.get()
  }

  /// Asks an idle worker to leave, kills any other, and returns when all of it is gone.
  package func shutdown() async {
    perform(session.shutdown())
    if let ending {
      _ = await ending.value
    } else {
      await withCheckedContinuation { gone.append($0) }
    }
  }

  private func call<Success: Sendable>(
    _ encoded: (body: [UInt8], descriptors: [FileDescriptor]), limit: Duration?, report: @escaping Report,
    _ wait: (CheckedContinuation<Result<Success, WorkerFailure>, Never>) -> Waiting
  ) async -> Result<Success, WorkerFailure> {
    if let ending { return .failure(await ending.value) }
    guard !Task.isCancelled else { return .failure(.cancelled) }
    guard let call = session.call(body: encoded.body, descriptors: encoded.descriptors, limit: limit) else {
      return .failure(.system(SystemError("call", "a worker that is not idle", .busy)))
    }
    sandbox.lend(encoded.descriptors)
    // What was written since the last call belongs to none.
    _ = standardOutput.beginCall() + standardError.beginCall()
    lastOutput = []
    self.report = report
    callLimit = limit
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiting = wait(continuation)
        perform(call.actions)
        if Task.isCancelled { cancel(callID: call.id) }
      }
    } onCancel: {
      Task { await self.cancel(callID: call.id) }
    }
  }

  private func cancel(callID: UInt64) { perform(session.cancel(callID: callID, .user)) }

  private func abandonStart() {
    if case .ready = waiting { perform(session.shutdown()) }
  }

  // MARK: What the session says

  private func perform(_ actions: [Session.Action]) {
    for action in actions {
      // A violation found by an action voids those after it.
      guard ending == nil else { return }
      perform(action)
    }
  }

  private func perform(_ action: Session.Action) {
    switch action {
    case .send(let frame):
      outgoing.append((frame.bytes, 0, frame.descriptors))
      if !isFlushing, !send() { Task(executorPreference: loop) { await self.flush() } }
    case .startTimer(let timer, let duration):
      timers.start(timer, duration)
      wakeForTimers()
    case .stopTimer(let timer): timers.stop(timer)
    case .becameReady(let identity):
      self.identity = identity
      drainOutput()
      answer(nil)
    case .report(let text): report?(text)
    case .finished(let table): finish(table)
    case .failed(let error):
      drainOutput()
      answer(.pluginError(error, lastOutput: lastOutput))
    case .stopped(let reason):
      drainOutput()
      answer(failure(for: reason))
    case .terminate: sandbox.terminate()
    case .end(let reason):
      timers.sleeper?.cancel()
      ending = Task(executorPreference: loop) { await self.end(reason) }
    }
  }

  /// One task sleeps for all timers, and most calls end before theirs: what they cost is a note of the time.
  private func wakeForTimers() {
    guard let pause = timers.pause() else { return }
    timers.sleeper = Task(executorPreference: loop) { [clock] in
      guard (try? await clock.sleep(for: pause)) != nil else { return }
      await self.fireTimers()
    }
  }

  private func fireTimers() {
    // One that was replaced meanwhile.
    guard !Task.isCancelled else { return }
    timers.hasWoken()
    while ending == nil, let timer = timers.nextDue() { perform(session.timerFired(timer)) }
    if ending == nil { wakeForTimers() }
  }

  private func finish(_ table: ValueTable<FileDescriptor>) {
    drainOutput()
    do throws(ProtocolViolation) {
      switch waiting {
      case .answer(let continuation):
        let outcome = try NodeOutcome(table, session.mask)
        settle()
        continuation.resume(returning: .success(outcome))
      case .metadata(let question, let continuation):
        let answer = try question.answer(table)
        settle()
        continuation.resume(returning: .success(answer))
      case .ready, .nobody: return
      }
    } catch {
      perform(session.reject(error))
    }
  }

  /// The call, or the start, is over with `failure`; nil: the start succeeded.
  private func answer(_ failure: WorkerFailure?) {
    let waiting = waiting
    settle()
    switch (waiting, failure) {
    case (.ready(let continuation), _): continuation.resume(returning: failure)
    case (.answer(let continuation), .some(let failure)): continuation.resume(returning: .failure(failure))
    case (.metadata(_, let continuation), .some(let failure)): continuation.resume(returning: .failure(failure))
    case (.nobody, _), (.answer, nil), (.metadata, nil): return
    }
  }

  private func settle() {
    waiting = .nobody
    report = nil
  }

  private func failure(for reason: StopReason) -> WorkerFailure {
    switch reason {
    case .user: .cancelled
    case .deadline: .timedOut(callLimit ?? .zero)
    }
  }

  // MARK: The end

  /// Ends the sandbox, waits until it is gone, and only then tells whoever waits.
  private func end(_ reason: Session.End) async -> WorkerFailure {
    let grace: Duration? =
      switch reason {
      case .closed, .shutDown: limits.exitGrace
      case .violation, .loadFailed, .startupTimedOut, .notAcknowledged, .stopped: nil
      }
    let exit = await exit(within: grace)
    drainOutput()
    loop.forget(connection.descriptor)
    connection.descriptor.closeElsewhere()
    loop.close(sandbox.standardOutput)
    loop.close(sandbox.standardError)
    outgoing = []
    let failure = failure(for: reason, WorkerEnd(exit: exit, lastOutput: lastOutput))
    answer(failure)
    for waiter in gone { waiter.resume() }
    gone = []
    return failure
  }

  private func exit(within grace: Duration?) async -> SandboxExit {
    guard let grace else {
      // While pid 1 is there to be asked.
      await sandbox.collectDenials()
      sandbox.kill()
      return await sandbox.exit()
    }
    let killer = Task { [clock, sandbox] in
      guard (try? await clock.sleep(for: grace)) != nil else { return }
      sandbox.kill()
    }
    let exit = await sandbox.exit()
    killer.cancel()
    return exit
  }

  private func failure(for reason: Session.End, _ end: WorkerEnd) -> WorkerFailure {
    // Of what the kernel has done to it, not of what that looks like: SIGKILL, a closed socket, half a frame.
    if end.exit.isOutOfMemory, case .closed = reason { return .outOfMemory(end) }
    return switch reason {
    case .violation(.droppedDescriptors): .resultsLost(end)
    case .violation(let violation): .protocolViolation(violation, end)
    case .loadFailed(let error): .loadFailed(error, end)
    case .startupTimedOut: .startupTimedOut(limits.startup, end)
    case .notAcknowledged: .notAcknowledged(limits.acknowledgement, end)
    case .stopped(let reason): failure(for: reason)
    case .shutDown: .poolClosed
    case .closed(let truncated):
      // A worker that dies may well die within a frame: then its death is the cause.
      if truncated, end.exit.status == .exited(code: 0) || end.exit.status == .killed {
        .protocolViolation(.truncatedFrame, end)
      } else {
        .crashed(end)
      }
    }
  }

  // MARK: Input and output

  private func readConnection() async {
    var reads = 0
    while ending == nil {
      do throws(SystemError) {
        guard let received = try connection.receive(atMost: Self.most) else {
          try await loop.wait(until: .readable, connection.descriptor)
          reads = 0
          continue
        }
        if let violation = received.violation {
          perform(session.reject(violation))
        } else if received.bytes.isEmpty {
          perform(session.endOfStream())
        } else {
          perform(session.receive(received.bytes, received.descriptors))
        }
        // Most often that was all, and where it wasn't, the wait ends at once.
        if ending == nil, received.bytes.count < Self.most {
          try await loop.wait(until: .readable, connection.descriptor)
          reads = 0
        }
      } catch {
        // ECONNRESET: it closed its end before it had read ours. Anything else leaves nothing to read either.
        if ending == nil { perform(session.endOfStream()) }
      }
      reads += 1
      // A worker that never pauses must not keep timers and cancellation waiting.
      if reads % 4 == 0 { await Task.yield() }
    }
  }

  private func flush() async {
    guard !isFlushing else { return }
    isFlushing = true
    defer { isFlushing = false }
    while ending == nil, !send() {
      do throws(SystemError) {
        try await loop.wait(until: .writable, connection.descriptor)
      } catch {
        outgoing = []
      }
    }
  }

  /// Sends what there is, as far as the socket takes it.
  /// - Returns: false where some is left.
  private func send() -> Bool {
    while let first = outgoing.first {
      do throws(SystemError) {
        let descriptors = first.offset == 0 ? first.descriptors : []
        guard let count = try connection.send(first.bytes, from: first.offset, descriptors: descriptors) else {
          return false
        }
        if first.offset + count == first.bytes.count {
          outgoing.removeFirst()
        } else {
          outgoing[0].offset += count
        }
      } catch {
        // EPIPE: it reads no more. The end of its stream, or a timer, tells the rest.
        outgoing = []
      }
    }
    return true
  }

  private func readOutput(isError: Bool) async {
    let descriptor = isError ? sandbox.standardError : sandbox.standardOutput
    while true {
      do throws(SystemError) {
        guard let bytes = try descriptor.read(atMost: Self.most) else {
          try await loop.wait(until: .readable, descriptor)
          continue
        }
        guard !bytes.isEmpty else { return }
        take(bytes, isError: isError)
      } catch {
        return
      }
      await Task.yield()
    }
  }

  /// Reads what a pipe held when the worker answered, so that its words come before its result.
  private func drainOutput() {
    for isError in [false, true] {
      let descriptor = isError ? sandbox.standardError : sandbox.standardOutput
      // A pipe holds 64 KiB; a worker that keeps writing gets no more attention than four of them.
      for _ in 0..<(262_144 / Self.most) {
        guard let bytes = try? descriptor.read(atMost: Self.most), !bytes.isEmpty else { break }
        take(bytes, isError: isError)
        if bytes.count < Self.most { break }
      }
      tell(isError ? standardError.finish() : standardOutput.finish(), isError: isError)
    }
  }

  private func take(_ bytes: [UInt8], isError: Bool) {
    tell(isError ? standardError.append(bytes) : standardOutput.append(bytes), isError: isError)
  }

  private func tell(_ lines: [String], isError: Bool) {
    for line in lines { report?(.output(line: line, isError: isError)) }
    quote(lines)
  }

  private func quote(_ lines: [String]) {
    lastOutput = (lastOutput + lines.suffix(limits.output.quotedLines)).suffix(limits.output.quotedLines)
  }
}
