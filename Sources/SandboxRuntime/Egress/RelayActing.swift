import LinuxSystem
import PluginModel
import SandboxPlanning

// What the loop does for one connection: what its sockets are ready for, and what its machine says.

extension RelayLoop {
  /// Bytes of the worker that are read at once while the machine decides.
  private static let pieceSize = 16 << 10

  func ready(_ connection: RelayConnection, slot: UInt64, _ event: SocketPoller.Event) {
    if connection.dialling?.attempts.contains(where: { $0.slot == slot }) == true {
      return dialled(connection, slot)
    }
    let isWorker = slot == RelayConnection.workerSlot
    switch connection.phase {
    case .copying:
      if event.isBroken { stopWatching(connection, isWorker: isWorker) }
      return copy(connection)
    case .deciding:
      // Gone before anything came of it.
      if event.isBroken { return cut(connection) }
      flushAnswer(connection)
      if event.isReadable, isWorker { read(connection) }
    case .asking:
      if event.isBroken { return drop(connection) }
      flushAnswer(connection)
      if event.isReadable { ask(connection) }
    case .leaving:
      if event.isBroken { return drop(connection) }
      flushAnswer(connection)
      if event.isReadable { discard(connection) }
    }
    watch(connection)
  }

  /// Of a socket whose end was reported: what it has still is read as soon as the other side takes it.
  private func stopWatching(_ connection: RelayConnection, isWorker: Bool) {
    if isWorker {
      shared.poller.remove(connection.worker)
      // As if it were watched for nothing: it is never added again.
      connection.isWorkerOver = true
    } else if let upstream = connection.upstream {
      shared.poller.remove(upstream.descriptor)
      connection.upstream?.interest = nil
    }
  }

  private func read(_ connection: RelayConnection) {
    // Each piece may change what is wanted.
    while case .deciding = connection.phase, connection.machine.wantsInput {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.pieceSize])
      do throws(SystemError) {
        guard let count = try InternetSocket.read(connection.worker, into: piece) else { return }
        tell(connection, count == 0 ? .endOfInput : .received(Array(piece[..<count])))
        if count == 0 { return }
      } catch { return cut(connection) }
    }
  }

  private func ask(_ connection: RelayConnection) {
    guard case .asking = connection.phase else { return }
    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.pieceSize])
    do throws(SystemError) {
      guard let count = try InternetSocket.read(connection.worker, into: piece) else { return }
      if count == 0 { return drop(connection) }
      for message in connection.questions.append(piece[..<count]) {
        let answer = DNSResponder.answer(message, policy: policy, names: &names)
        if let denial = answer.denial { self.count(denial) }
        if let message = answer.message { connection.answer += DNSStream.framed(message) }
      }
      if connection.questions.isBroken { return drop(connection) }
      connection.deadline = now + Self.askingLimit
      flushAnswer(connection)
    } catch { drop(connection) }
  }

  private func discard(_ connection: RelayConnection) {
    let count = try? InternetSocket.read(connection.worker, into: buffer)
    // Its own end, or a broken connection: nobody waits any more.
    if count == .some(.some(0)) { drop(connection) }
  }

  private func flushAnswer(_ connection: RelayConnection) {
    guard !connection.answer.isEmpty else { return }
    do throws(SystemError) {
      let taken = try InternetSocket.write(connection.worker, connection.answer)
      connection.answer.removeFirst(taken ?? 0)
    } catch { return drop(connection) }
    if connection.answer.isEmpty, case .leaving = connection.phase { InternetSocket.endWriting(connection.worker) }
  }

  // MARK: Copying

  private func copy(_ connection: RelayConnection) {
    guard case .copying = connection.phase, let upstream = connection.upstream else { return }
    var reached: EgressCap?
    var hasMoved = false
    let sent = connection.up.move(from: connection.worker, to: upstream.descriptor, through: buffer) { count in
      hasMoved = true
      use.bytesSent += UInt64(count)
      bytesUp += Int64(count)
      if let most = policy.caps.bytesUp, bytesUp > most { reached = .bytesUp }
      return reached == nil
    }
    let received = connection.down.move(from: upstream.descriptor, to: connection.worker, through: buffer) { count in
      hasMoved = true
      use.bytesReceived += UInt64(count)
      bytesDown += Int64(count)
      if let most = policy.caps.bytesDown, bytesDown > most { reached = .bytesDown }
      return reached == nil
    }
    if let reached { return tell(connection, .capReached(reached)) }
    switch (sent, received) {
    case (.broken, _), (_, .broken): return cut(connection)
    case (.finished, .finished): return tell(connection, .upstreamClosed)
    case (.waiting, _), (_, .waiting): break
    }
    if hasMoved { connection.deadline = now + Self.idleLimit }
    watch(connection)
  }

  // MARK: Dialling

  func dialNext(_ connection: RelayConnection) {
    guard var dialling = connection.dialling else { return }
    while dialling.attempts.count < RelayDialling.atOnce, let (address, slot) = dialling.take() {
      do throws(SystemError) {
        guard let remote = address.socketAddress(port: dialling.port) else { continue }
        let descriptor = try InternetSocket.dial(remote)
        try shared.poller.add(descriptor, .writable, token: connection.token(slot))
        dialling.attempts.append(RelaySocket(descriptor: descriptor, slot: slot, interest: .writable))
        break
      } catch { dialling.error = error.code }
    }
    dialling.nextAt = now + RelayDialling.delay
    connection.dialling = dialling
    if dialling.isOver { fail(connection, dialling) }
  }

  private func dialled(_ connection: RelayConnection, _ slot: UInt64) {
    guard var dialling = connection.dialling,
      let index = dialling.attempts.firstIndex(where: { $0.slot == slot })
    else { return }
    let attempt = dialling.attempts.remove(at: index)
    if let error = InternetSocket.failure(of: attempt.descriptor) {
      attempt.descriptor.close()
      dialling.error = error
      connection.dialling = dialling
      dialNext(connection)
      return
    }
    for other in dialling.attempts { other.descriptor.close() }
    connection.dialling = nil
    connection.upstream = attempt
    use.connections += 1
    if let destination = connection.machine.destination { use.reach(destination.host, destination.port) }
    tell(connection, .connected)
  }

  private func fail(_ connection: RelayConnection, _ dialling: RelayDialling) {
    connection.dialling = nil
    tell(connection, .connectFailed(code: dialling.error.rawValue))
  }

  // MARK: The machine

  /// Tells the machine and does what it says.
  func tell(_ connection: RelayConnection, _ event: RelayEvent) {
    switch connection.phase {
    case .deciding, .copying:
      for action in connection.machine.handle(event) { perform(action, connection) }
    case .asking:
      // Only that there are too many.
      return cut(connection)
    case .leaving: return
    }
    watch(connection)
  }

  private func perform(_ action: RelayAction, _ connection: RelayConnection) {
    switch action {
    case .resolve(let name): resolve(name, for: connection.identifier)
    case .dial(let addresses, let port):
      connection.dialling = RelayDialling(addresses, port: port)
      dialNext(connection)
    case .forwardToUpstream(let bytes): connection.first += bytes
    case .answerWorker(let bytes):
      connection.answer += bytes
      flushAnswer(connection)
    case .startCopying: startCopying(connection)
    case .startTimer(let timer): connection.deadline = now + timer.milliseconds
    case .stopTimer: connection.deadline = nil
    case .close(.reset): cut(connection)
    case .close(.afterAnswer): leave(connection)
    case .deny(let denial): count(denial)
    case .fail: use.failures += 1
    }
  }

  private func resolve(_ name: HostName, for connection: UInt64) {
    lookups.look(up: name) { [shared] result in
      shared.withLock { $0.resolved.append((connection, result)) }
      shared.poller.wake()
    }
  }

  private func startCopying(_ connection: RelayConnection) {
    guard case .deciding = connection.phase else { return }
    connection.phase = .copying
    connection.up = RelayFlow(first: connection.first)
    connection.down = RelayFlow(first: connection.answer)
    connection.first = []
    connection.answer = []
    connection.deadline = now + Self.idleLimit
    copy(connection)
  }

  private func leave(_ connection: RelayConnection) {
    if case .copying = connection.phase, !connection.up.isWriting, !connection.down.isWriting {
      return drop(connection)
    }
    connection.phase = .leaving
    connection.deadline = now + Self.leavingLimit
    connection.upstream?.descriptor.close()
    connection.upstream = nil
    if connection.answer.isEmpty {
      InternetSocket.endWriting(connection.worker)
    } else {
      flushAnswer(connection)
    }
  }
}
