import CLinux

/// Waits for many descriptors on one thread of its own (epoll(7)), so that no thread of Swift's pool ever blocks in the
/// kernel. It only wakes tasks; the reading and writing is theirs.
///
/// Tasks may prefer to run on the thread as well (SE-0417): what they wake there, and what wakes them, is then a note in a list instead of
/// another thread, which costs more than most of what they do. They must not block, as on Swift's own.
///
/// While a task waits, the loop holds the descriptor. Whoever closes a descriptor that is being waited for must do so through
/// ``close(_:)``: the kernel may give its number away at once.
package final class EventLoop: TaskExecutor {
  package enum Interest: Sendable {
    case readable
    case writable
    fileprivate var bit: UInt32 {
      switch self {
      case .readable: LINUX_EVENT_READABLE
      case .writable: LINUX_EVENT_WRITABLE
      }
    }
  }

  private typealias Continuation = CheckedContinuation<ErrorCode?, Never>

  /// One descriptor that somebody waits for.
  private struct Registration {
    let descriptor: FileDescriptor
    let number: Int32
    let token: UInt64
    var reader: Continuation?
    var writer: Continuation?

    var interest: UInt32 {
      (reader == nil ? 0 : LINUX_EVENT_READABLE) | (writer == nil ? 0 : LINUX_EVENT_WRITABLE)
    }
    mutating func take(_ interest: Interest) -> Continuation? {
      switch interest {
      case .readable:
        defer { reader = nil }
        return reader
      case .writable:
        defer { writer = nil }
        return writer
      }
    }
  }

  private struct State {
    var registrations: [ObjectIdentifier: Registration] = [:]
    /// What the kernel reports back. Never reused, so an event of a past registration finds nothing.
    var owners: [UInt64: ObjectIdentifier] = [:]
    var nextToken: UInt64 = EventLoop.endToken + 1
  }

  /// What is to run on the thread.
  private struct Jobs {
    var waiting: [UnownedJob] = []
    /// The thread waits in the kernel, or is about to.
    var isAsleep = false
  }

  private static let endToken: UInt64 = 0
  /// How many jobs run before the thread looks whether a descriptor is ready: to look takes as long as a short job.
  private static let jobsInTurn = 16
  private let epoll: FileDescriptor
  /// The writing end of a pipe. A byte wakes the thread. It closes with this object, which ends the thread.
  private let life: FileDescriptor
  private let state = Lock(State())
  private let jobs: Lock<Jobs>

  /// Starts the thread. It ends when nobody has the loop any more; whoever waits has it.
  package init() throws(SystemError) {
    let epoll = FileDescriptor(owning: try systemCall("epoll_create1", linux_epoll_create()))
    let (end, life) = try FileDescriptor.pipe()
    try systemCall(
      "epoll_ctl", on: "pipe",
      linux_poller_watch(epoll.number, LINUX_POLLER_ADD, end.number, LINUX_EVENT_READABLE, Self.endToken))
    self.epoll = epoll
    self.life = life
    let jobs = Lock(Jobs())
    self.jobs = jobs
    try Thread.run(named: "events") { [weak self] in
      Self.run(epoll, jobs, until: end, self: { self })
    }
  }

  /// Runs a part of a task on the thread, after those that came before. For Swift's concurrency library.
  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let mustWake = jobs.withLock { jobs in
      jobs.waiting.append(job)
      defer { jobs.isAsleep = false }
      return jobs.isAsleep
    }
    // The reader is there as long as this object is, and takes it out before it sleeps again.
    if mustWake { _ = try? life.write([1]) }
  }

  private func perform(_ job: UnownedJob) { job.runSynchronously(on: asUnownedTaskExecutor()) }

  /// How many descriptors are being waited for.
  package var waiters: Int { state.withLock(\.registrations.count) }

  /// Returns when `descriptor` can be read or written without waiting, or its other end is gone; a report may be spurious.
  /// One task at a time may wait for each direction.
  ///
  /// - Throws: ECANCELED when the task is cancelled, EBADF when ``close(_:)`` is called meanwhile, EBUSY for a second waiter.
  package func wait(until interest: Interest, _ descriptor: FileDescriptor) async throws(SystemError) {
    let code = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: Continuation) in
        let refusal = register(descriptor, interest, continuation)
        if let refusal { continuation.resume(returning: refusal == .notPermitted ? nil : refusal) }
      }
    } onCancel: {
      finish(descriptor, interest, with: .cancelled)
    }
    if let code { throw SystemError("epoll_wait", nil, code) }
  }

  /// Wakes who waits for `descriptor`, then closes it.
  package func close(_ descriptor: FileDescriptor) {
    forget(descriptor)
    descriptor.close()
  }

  /// Wakes who waits for `descriptor`, with EBADF. It is the caller's again.
  package func forget(_ descriptor: FileDescriptor) {
    finish(descriptor, .readable, with: .badDescriptor)
    finish(descriptor, .writable, with: .badDescriptor)
  }

  /// Nil when the continuation was kept. EPERM: the descriptor is one that is always ready, such as a regular file.
  private func register(_ descriptor: FileDescriptor, _ interest: Interest, _ continuation: Continuation) -> ErrorCode?
  {
    state.withLock { state -> ErrorCode? in
      // Under the lock: a cancellation either is seen here or finds the registration.
      guard !Task.isCancelled else { return .cancelled }
      let key = ObjectIdentifier(descriptor)
      let known = state.registrations[key]
      var registration =
        known ?? Registration(descriptor: descriptor, number: descriptor.number, token: state.nextToken)
      guard registration.interest & interest.bit == 0 else { return .busy }
      switch interest {
      case .readable: registration.reader = continuation
      case .writable: registration.writer = continuation
      }
      let change = known == nil ? linux_epoll_add : linux_epoll_modify
      let outcome = change(epoll.number, registration.number, registration.interest, registration.token)
      guard outcome >= 0 else { return ErrorCode(rawValue: -outcome) }
      if known == nil { state.nextToken += 1 }
      state.registrations[key] = registration
      state.owners[registration.token] = key
      return nil
    }
  }

  private func finish(_ descriptor: FileDescriptor, _ interest: Interest, with code: ErrorCode) {
    let waiter = state.withLock { state -> Continuation? in
      let key = ObjectIdentifier(descriptor)
      guard var registration = state.registrations[key], let waiter = registration.take(interest) else { return nil }
      settle(key, registration, &state)
      return waiter
    }
    waiter?.resume(returning: code)
  }

  /// Arms the descriptor for who still waits, or lets it go.
  private func settle(_ key: ObjectIdentifier, _ registration: Registration, _ state: inout State) {
    if registration.interest == 0 {
      _ = linux_epoll_remove(epoll.number, registration.number)
      state.registrations[key] = nil
      state.owners[registration.token] = nil
    } else {
      _ = linux_epoll_modify(epoll.number, registration.number, registration.interest, registration.token)
      state.registrations[key] = registration
    }
  }

  /// `end` is open for as long as it is watched. Whoever has a job to run, or waits, has the loop.
  private static func run(
    _ epoll: FileDescriptor, _ jobs: Lock<Jobs>, until end: FileDescriptor, self loop: () -> EventLoop?
  ) {
    var events = [linux_event](repeating: linux_event(), count: 64)
    var batch: [UnownedJob] = []
    while true {
      // However much there is to run, who waits for a descriptor has a turn.
      var ran = 0
      repeat {
        batch.removeAll(keepingCapacity: true)
        jobs.withLock { jobs in
          swap(&jobs.waiting, &batch)
          jobs.isAsleep = batch.isEmpty
        }
        if !batch.isEmpty, let loop = loop() { for job in batch { loop.perform(job) } }
        ran += batch.count
      } while !batch.isEmpty && ran < jobsInTurn
      let count = linux_epoll_wait(epoll.number, &events, Int32(events.count), batch.isEmpty ? -1 : 0)
      // Only a closed epoll descriptor or a wild pointer makes this fail; both would be ours.
      precondition(count >= 0, "epoll_wait failed with errno \(-count)")
      jobs.withLock { $0.isAsleep = false }
      for event in events.prefix(Int(count)) {
        if event.token == endToken {
          guard let bytes = try? end.read(atMost: 64), !bytes.isEmpty else { return end.close() }
        } else {
          loop()?.deliver(event)
        }
      }
    }
  }

  private func deliver(_ event: linux_event) {
    let waiters = state.withLock { state -> [Continuation?] in
      guard let key = state.owners[event.token], var registration = state.registrations[key] else { return [] }
      let reader = event.ready & LINUX_EVENT_READABLE == 0 ? nil : registration.take(.readable)
      let writer = event.ready & LINUX_EVENT_WRITABLE == 0 ? nil : registration.take(.writable)
      settle(key, registration, &state)
      return [reader, writer]
    }
    for waiter in waiters { waiter?.resume(returning: nil) }
  }
}
