import LinuxSystem
import PluginModel
import SandboxPlanning

/// The loop of one relay: waits for its sockets, tells machines what happened and does what they say. Of its thread alone.
///
/// Level-triggered and non-blocking throughout. A connection holds memory for at most one ``RelayFlow/limit`` in each direction, and
/// only while its receiver is slower than its sender.
final class RelayLoop {
  /// Of bytes neither sent nor received. Milliseconds.
  static let idleLimit: Int64 = 10 * 60_000
  /// For the relay's last words.
  static let leavingLimit: Int64 = 2_000
  /// Of an asker at the resolver.
  static let askingLimit: Int64 = 60_000
  /// How exact deadlines are.
  private static let tick: Int64 = 50
  private static let idleTick: Int64 = 1_000
  private static let listenerBit: UInt64 = 1 << 62
  /// Taken from one listener before the others have their turn.
  private static let acceptsInRow = 64

  let policy: EgressPolicy
  let lookups: NameLookups
  let shared: EgressRelay.Shared
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: RelayFlow.limit, alignment: 16)
  private let listeners: [RelayListener]
  private let budget: RelayBudget
  private let began = ContinuousClock.now

  private(set) var now: Int64 = 0
  var names = NameTable()
  /// Since the relay's start, against the policy's caps.
  var connectionsInTotal = 0
  var bytesUp: Int64 = 0
  var bytesDown: Int64 = 0
  /// Not yet told to the owner.
  var use = EgressUse()
  private var connections: [UInt64: RelayConnection] = [:]
  private var nextIdentifier: UInt64 = 1
  private var lastSweep: Int64 = 0
  /// Some connection isn't copied yet, or was opened since the last sweep.
  private var hasShortDeadlines = false
  /// No more descriptors are to be had: listeners rest until then.
  private var restUntil: Int64?

  init(
    _ policy: EgressPolicy, _ listeners: [RelayListener], _ lookups: NameLookups, _ budget: RelayBudget,
    _ shared: EgressRelay.Shared
  ) {
    self.policy = policy
    self.listeners = listeners
    self.lookups = lookups
    self.budget = budget
    self.shared = shared
  }

  deinit { buffer.deallocate() }

  // MARK: The loop

  func run() {
    listen(true)
    while true {
      // Only a closed epoll descriptor makes this fail, and nobody else has it.
      guard let events = try? shared.poller.wait(milliseconds: patience) else { break }
      now = (ContinuousClock.now - began).milliseconds
      for event in events where event.token != SocketPoller.wakeToken { handle(event) }
      guard takeMessages() else { break }
      sweep()
      publish()
      shared.settle()
    }
    close()
  }

  /// Milliseconds until something is due; nil: nothing will be.
  private var patience: Int32? {
    if restUntil != nil { return Int32(Self.tick) }
    if connections.isEmpty { return nil }
    return Int32(hasShortDeadlines ? Self.tick : Self.idleTick)
  }

  private func handle(_ event: SocketPoller.Event) {
    if event.token & Self.listenerBit != 0 {
      let listener = listeners[Int(event.token & ~Self.listenerBit)]
      if listener.isStream { accept(listener) } else { answerDatagrams(listener) }
      return
    }
    guard let connection = connections[event.token >> RelayConnection.slotBits] else { return }
    ready(connection, slot: event.token & (1 << RelayConnection.slotBits - 1), event)
  }

  /// False: the relay is to end.
  private func takeMessages() -> Bool {
    let (isStopped, resolved) = shared.withLock { state in
      defer { state.resolved = [] }
      return (state.isStopped, state.resolved)
    }
    for message in resolved {
      guard let connection = connections[message.connection] else { continue }
      switch message.result {
      case .success(let addresses): tell(connection, .resolved(addresses))
      case .failure: tell(connection, .resolutionFailed)
      }
    }
    return !isStopped
  }

  private func sweep() {
    if let until = restUntil, now >= until {
      restUntil = nil
      listen(false)
    }
    guard now - lastSweep >= Self.tick else { return }
    lastSweep = now
    hasShortDeadlines = false
    for connection in connections.values {
      if case .copying = connection.phase {} else { hasShortDeadlines = true }
      if let dialling = connection.dialling, let next = dialling.next, now >= next { dialNext(connection) }
      if let deadline = connection.deadline, now >= deadline { expire(connection) }
    }
  }

  private func expire(_ connection: RelayConnection) {
    connection.deadline = nil
    switch connection.phase {
    case .deciding: tell(connection, .timerFired)
    case .asking, .leaving: drop(connection)
    case .copying: cut(connection)
    }
  }

  private func publish() {
    guard use != EgressUse() else { return }
    let news = use
    use = EgressUse()
    shared.withLock { $0.use = $0.use.followed(by: news) }
  }

  private func close() {
    lookups.close()
    for connection in connections.values { cut(connection) }
    for listener in listeners { listener.descriptor.close() }
    publish()
    shared.settle(ending: true)
  }

  // MARK: Listeners

  private func listen(_ isFirst: Bool) {
    for (index, listener) in listeners.enumerated() {
      let token = Self.listenerBit | UInt64(index)
      do throws(SystemError) {
        if isFirst {
          try shared.poller.add(listener.descriptor, .readable, token: token)
        } else {
          try shared.poller.change(listener.descriptor, .readable, token: token)
        }
      } catch { listener.descriptor.close() }
    }
  }

  /// New connections wait in the kernel until descriptors are to be had again.
  private func rest() {
    restUntil = now + 100
    for (index, listener) in listeners.enumerated() where listener.isStream {
      do throws(SystemError) {
        try shared.poller.change(listener.descriptor, [], token: Self.listenerBit | UInt64(index))
      } catch { listener.descriptor.close() }
    }
  }

  private func accept(_ listener: RelayListener) {
    for _ in 0..<Self.acceptsInRow {
      do throws(SystemError) {
        guard let (descriptor, destination) = try InternetSocket.accept(listener.descriptor) else { return }
        open(descriptor, to: destination)
      } catch {
        if [.tooManyFiles, .tooManyFilesInSystem, .noMemory, .noBufferSpace].contains(error.code) {
          rest()
        } else {
          // What can't be accepted from can't be watched either.
          shared.poller.remove(listener.descriptor)
        }
        return
      }
    }
  }

  private func open(_ descriptor: FileDescriptor, to destination: SocketAddress) {
    let address = NetworkAddress(destination)
    let isService = address == .v4(NameTable.services)
    let isQuestion = isService && destination.port == NameTable.resolverPort
    let connection = RelayConnection(
      identifier: nextIdentifier, worker: descriptor, phase: isQuestion ? .asking : .deciding, policy: policy)
    nextIdentifier += 1
    hasShortDeadlines = true
    guard budget.take(having: connections.count) else {
      refuse(connection, .connectionsAtOnce)
      return
    }
    connections[connection.identifier] = connection
    if connections.count > policy.caps.connectionsAtOnce { return tell(connection, .capReached(.connectionsAtOnce)) }
    if isQuestion {
      connection.deadline = now + Self.askingLimit
      return watch(connection)
    }
    connectionsInTotal += 1
    if let most = policy.caps.connectionsInTotal, connectionsInTotal > most {
      return tell(connection, .capReached(.connectionsInTotal))
    }
    let isProxy = isService && destination.port == NameTable.proxyPort
    tell(
      connection,
      .opened(
        isProxy
          ? .proxy
          : .direct(
            host: names.host(at: address, port: destination.port, policy: policy), destination: address,
            port: destination.port)))
  }

  /// Before it is one of the relay's.
  private func refuse(_ connection: RelayConnection, _ cap: EgressCap) {
    if case .deciding = connection.phase {
      for case .deny(let denial) in connection.machine.handle(.capReached(cap)) { count(denial) }
    }
    InternetSocket.cut(connection.worker)
  }

  private func answerDatagrams(_ listener: RelayListener) {
    for _ in 0..<Self.acceptsInRow {
      guard let received = try? InternetSocket.receiveDatagram(listener.descriptor, into: buffer) else { return }
      let answer = DNSResponder.answer(
        UnsafeRawBufferPointer(rebasing: buffer[..<received.count]), policy: policy, names: &names)
      if let denial = answer.denial { count(denial) }
      if let message = answer.message {
        InternetSocket.sendDatagram(listener.descriptor, message, to: received.sender)
      }
    }
  }

  func count(_ denial: EgressDenial) {
    use.deny(
      EgressUse.Denial(
        host: denial.host, port: denial.port, why: denial.why, hint: denial.hint, permission: denial.remedy))
  }

  // MARK: Connections

  /// Asks the poller for what the connection waits for now, where that has changed.
  func watch(_ connection: RelayConnection) {
    guard connections[connection.identifier] != nil else { return }
    let (worker, upstream) = interests(of: connection)
    do throws(SystemError) {
      if !connection.isWorkerOver {
        try watch(connection.worker, worker, &connection.workerInterest, token: connection.token(0), adding: true)
      }
      if var socket = connection.upstream {
        try watch(socket.descriptor, upstream, &socket.interest, token: connection.token(socket.slot), adding: false)
        connection.upstream = socket
      }
    } catch { cut(connection) }
  }

  /// A socket whose end was reported is only read from when the other one moves: asked for again, the poller would report it
  /// for ever.
  private func watch(
    _ descriptor: FileDescriptor, _ wanted: SocketPoller.Interest, _ current: inout SocketPoller.Interest?,
    token: UInt64, adding: Bool
  ) throws(SystemError) {
    if current == wanted { return }
    if current == nil {
      guard adding else { return }
      try shared.poller.add(descriptor, wanted, token: token)
    } else {
      try shared.poller.change(descriptor, wanted, token: token)
    }
    current = wanted
  }

  private func interests(
    of connection: RelayConnection
  ) -> (worker: SocketPoller.Interest, upstream: SocketPoller.Interest) {
    let answering: SocketPoller.Interest = connection.answer.isEmpty ? [] : .writable
    switch connection.phase {
    case .deciding: return (connection.machine.wantsInput ? answering.union(.readable) : answering, [])
    // Who doesn't read answers asks no more.
    case .asking: return (connection.answer.isEmpty ? .readable : .writable, [])
    case .leaving: return (answering.union(.readable), [])
    case .copying:
      return (
        worker: Self.interest(reading: connection.up, writing: connection.down),
        upstream: Self.interest(reading: connection.down, writing: connection.up)
      )
    }
  }

  private static func interest(reading: RelayFlow, writing: RelayFlow) -> SocketPoller.Interest {
    (reading.isReading ? SocketPoller.Interest.readable : []).union(writing.isWriting ? .writable : [])
  }

  /// Closes in order.
  func drop(_ connection: RelayConnection) {
    guard forget(connection) else { return }
    connection.worker.close()
    connection.upstream?.descriptor.close()
  }

  /// Tells both sides that the connection is broken.
  func cut(_ connection: RelayConnection) {
    guard forget(connection) else { return }
    InternetSocket.cut(connection.worker)
    if let upstream = connection.upstream { InternetSocket.cut(upstream.descriptor) }
  }

  private func forget(_ connection: RelayConnection) -> Bool {
    guard connections.removeValue(forKey: connection.identifier) != nil else { return false }
    for attempt in connection.dialling?.attempts ?? [] { attempt.descriptor.close() }
    connection.dialling = nil
    budget.giveBack()
    return true
  }
}

extension Duration {
  fileprivate var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
