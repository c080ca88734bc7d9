import PluginModel

/// Why a call is being stopped. The raw value is the reason in the cancel frame.
package enum StopReason: String, Sendable {
  case user
  case deadline
}

/// The supervisor's half of a conversation with one worker, as a pure state machine: what happened goes in, what is to be done
/// comes out. It enforces every rule of the page about order; the first broken one ends the worker.
package struct WorkerSession<Descriptor: Sendable>: Sendable {
  package enum Timer: Hashable, CaseIterable, Sendable {
    case startup
    case acknowledgement
    case deadline
    case grace
  }

  package enum Action: Sendable {
    case send(Frame<Descriptor>)
    case startTimer(Timer, Duration)
    case stopTimer(Timer)
    case becameReady(WorkerIdentity)
    case report(WorkerReport)
    /// The open call has its result.
    case finished(ValueTable<Descriptor>)
    /// The open call was answered with an error.
    case failed(PluginError)
    /// The open call was answered after it had been asked to stop.
    case stopped(StopReason)
    /// SIGTERM.
    case terminate
    /// Nothing more comes out of this session.
    case end(End)
  }

  /// Why a session is over.
  package enum End: Hashable, Sendable {
    case violation(ProtocolViolation)
    /// The worker's end of the socket is closed; `truncated`: in the middle of a frame.
    case closed(truncated: Bool)
    case loadFailed(PluginError)
    case startupTimedOut
    case notAcknowledged
    case stopped(StopReason)
    case shutDown
  }

  private struct Call: Sendable {
    let id: UInt64
    var isAcknowledged = false
    var stopping: StopReason?
    var isTerminated = false
  }

  private enum State: Sendable {
    case created
    case awaitingHello
    case initializing(WorkerIdentity)
    case idle
    case calling(Call)
    case shuttingDown
    case ended
  }

  private var state = State.created
  private var decoder = FrameDecoder<Descriptor>()
  private var lastCallID: UInt64 = 0
  private var textBytes = 0
  /// Nothing that the worker says shows one of these, before anything of it is cut or written out.
  package var mask = SecretMask.none
  private let initialize: [UInt8]
  private let limits: WorkerLimits

  /// `initialize` is the body of the initialize frame.
  package init(initialize: JSONValue, limits: WorkerLimits) {
    self.initialize = initialize.utf8()
    self.limits = limits
  }

  package var isIdle: Bool { if case .idle = state { true } else { false } }
  package var hasEnded: Bool { if case .ended = state { true } else { false } }

  // MARK: What the supervisor wants

  /// The worker was launched: it has to say hello.
  package mutating func start() -> [Action] {
    guard case .created = state else { return [] }
    state = .awaitingHello
    return [.startTimer(.startup, limits.startup)]
  }

  /// Opens a call; nil when the worker isn't ready for one.
  package mutating func call(
    body: [UInt8], descriptors: [Descriptor], limit: Duration?
  ) -> (id: UInt64, actions: [Action])? {
    guard case .idle = state else { return nil }
    lastCallID += 1
    textBytes = 0
    state = .calling(Call(id: lastCallID))
    var actions: [Action] = [
      .send(Frame(.call, callID: lastCallID, body: body, descriptors: descriptors)),
      .startTimer(.acknowledgement, limits.acknowledgement),
    ]
    if let limit { actions.append(.startTimer(.deadline, limit)) }
    return (lastCallID, actions)
  }

  /// Asks the call to stop. Does nothing when it isn't open any more, or is being stopped already.
  package mutating func cancel(callID: UInt64, _ reason: StopReason) -> [Action] {
    guard case .calling(var call) = state, call.id == callID, call.stopping == nil else { return [] }
    call.stopping = reason
    state = .calling(call)
    return [
      .stopTimer(.deadline), .stopTimer(.acknowledgement),
      .send(Frame(.cancel, callID: call.id, object: ["reason": .string(reason.rawValue)])),
      .startTimer(.grace, limits.cancelGrace),
    ]
  }

  /// Asks an idle worker to leave; any other is ended at once.
  package mutating func shutdown() -> [Action] {
    switch state {
    case .idle:
      state = .shuttingDown
      return [.send(Frame(.shutdown)), .startTimer(.grace, limits.exitGrace)]
    case .created, .awaitingHello, .initializing, .calling: return end(.stopped(.user))
    case .shuttingDown, .ended: return []
    }
  }

  // MARK: What happened

  /// Takes the bytes of one recvmsg(2) and the descriptors that came with them.
  package mutating func receive(_ bytes: [UInt8], _ descriptors: [Descriptor]) -> [Action] {
    guard !hasEnded else { return [] }
    decoder.append(bytes, descriptors)
    var actions: [Action] = []
    do throws(ProtocolViolation) {
      while let frame = try decoder.next() {
        actions += try handle(frame)
        if hasEnded { break }
      }
    } catch {
      actions += end(.violation(error))
    }
    return actions
  }

  /// The stream has ended.
  package mutating func endOfStream() -> [Action] {
    switch state {
    case .created, .ended: []
    case .shuttingDown: end(.shutDown)
    case .calling(let call):
      end(call.stopping.map(End.stopped) ?? .closed(truncated: !decoder.isAtBoundary))
    case .awaitingHello, .initializing, .idle: end(.closed(truncated: !decoder.isAtBoundary))
    }
  }

  /// Whoever looked at the descriptors, which this module can't, found that one breaks a rule.
  package mutating func reject(_ violation: ProtocolViolation) -> [Action] {
    hasEnded ? [] : end(.violation(violation))
  }

  package mutating func timerFired(_ timer: Timer) -> [Action] {
    switch (state, timer) {
    case (.awaitingHello, .startup), (.initializing, .startup): return end(.startupTimedOut)
    case (.calling(let call), .acknowledgement) where !call.isAcknowledged: return end(.notAcknowledged)
    case (.calling(let call), .deadline): return cancel(callID: call.id, .deadline)
    case (.calling(var call), .grace):
      guard let reason = call.stopping else { return [] }
      guard !call.isTerminated else { return end(.stopped(reason)) }
      call.isTerminated = true
      state = .calling(call)
      return [.terminate, .startTimer(.grace, limits.terminateGrace)]
    case (.shuttingDown, .grace): return end(.stopped(.user))
    default: return []
    }
  }

  // MARK: Frames

  private mutating func handle(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> [Action] {
    switch frame.kind {
    case .hello: return try hello(frame)
    case .ready: return try ready(frame)
    case .error: return try error(frame)
    case .ack: return try acknowledge(frame)
    case .result: return try result(frame)
    case .progress, .log: return [.report(try text(frame))]
    case .initialize, .call, .cancel, .shutdown:
      throw .outOfOrder(frame.kind, during: "although only the supervisor does")
    }
  }

  private mutating func hello(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> [Action] {
    guard case .awaitingHello = state else { throw outOfOrder(frame) }
    guard frame.callID == 0 else { throw .unknownCall(.hello, callID: frame.callID) }
    state = .initializing(try Message.hello(frame.body))
    return [.send(Frame(.initialize, body: initialize))]
  }

  private mutating func ready(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> [Action] {
    guard case .initializing(let identity) = state else { throw outOfOrder(frame) }
    guard frame.callID == 0 else { throw .unknownCall(.ready, callID: frame.callID) }
    _ = try Message.object(frame.body, in: .ready)
    state = .idle
    textBytes = 0
    return [.stopTimer(.startup), .becameReady(identity)]
  }

  private mutating func error(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> [Action] {
    if case .initializing = state {
      guard frame.callID == 0 else { throw .unknownCall(.error, callID: frame.callID) }
      return end(.loadFailed(try Message.error(frame.body)))
    }
    let call = try answered(frame)
    let error = try Message.error(frame.body, mask)
    return close(call, with: .failed(error))
  }

  private mutating func acknowledge(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> [Action] {
    guard case .calling(var call) = state else { throw outOfOrder(frame) }
    guard frame.callID == call.id else { throw .unknownCall(.ack, callID: frame.callID) }
    guard !call.isAcknowledged else { throw .outOfOrder(.ack, during: "twice for one call") }
    call.isAcknowledged = true
    state = .calling(call)
    return [.stopTimer(.acknowledgement), .report(.started)]
  }

  private mutating func result(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> [Action] {
    let call = try answered(frame)
    let table = try ValueTable(frame.body, descriptors: frame.descriptors)
    return close(call, with: .finished(table))
  }

  private mutating func text(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> WorkerReport {
    textBytes += FrameHeader.byteCount + frame.body.count
    guard textBytes <= limits.textBytes else { throw .tooMuchText(limit: limits.textBytes) }
    if frame.kind == .log, frame.callID == 0 {
      if case .awaitingHello = state { throw outOfOrder(frame) }
      return try Message.log(frame.body, mask)
    }
    _ = try answered(frame)
    return frame.kind == .log ? try Message.log(frame.body, mask) : try Message.progress(frame.body, mask)
  }

  /// The open call that `frame` belongs to; it has been acknowledged.
  private func answered(_ frame: Frame<Descriptor>) throws(ProtocolViolation) -> Call {
    guard case .calling(let call) = state else {
      guard frame.callID == 0 else { throw .unknownCall(frame.kind, callID: frame.callID) }
      throw outOfOrder(frame)
    }
    guard frame.callID == call.id else { throw .unknownCall(frame.kind, callID: frame.callID) }
    guard call.isAcknowledged else { throw .outOfOrder(frame.kind, during: "before the call's ack") }
    return call
  }

  private func outOfOrder(_ frame: Frame<Descriptor>) -> ProtocolViolation {
    let moment =
      switch state {
      case .created, .awaitingHello: "before hello"
      case .initializing: "before ready"
      case .idle: "while no call was open"
      case .calling: "during a call"
      case .shuttingDown: "after shutdown"
      case .ended: "after the end"
      }
    return .outOfOrder(frame.kind, during: moment)
  }

  private mutating func close(_ call: Call, with action: Action) -> [Action] {
    state = .idle
    let timers = [Timer.acknowledgement, .deadline, .grace].map(Action.stopTimer)
    return timers + [call.stopping.map(Action.stopped) ?? action]
  }

  private mutating func end(_ reason: End) -> [Action] {
    state = .ended
    decoder = FrameDecoder()
    return Timer.allCases.map(Action.stopTimer) + [.end(reason)]
  }
}
