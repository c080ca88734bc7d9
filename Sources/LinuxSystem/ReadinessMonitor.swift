import CLinux
import Synchronization

/// Waits for descriptors to become readable, on one thread, for any number of tasks: epoll(7).
package final class ReadinessMonitor: Sendable {
  private let poll: PollLoop

  package init(name: String) throws(SystemError) {
    let poll = PollLoop(
      epoll: FileDescriptor(owning: try systemCall("epoll_create1", sandbox_epoll_create())),
      event: FileDescriptor(owning: try systemCall("eventfd", sandbox_event_create(false))))
    _ = try systemCall("epoll_ctl", sandbox_epoll_watch(poll.epoll.number, poll.event.number, PollLoop.wakeToken))
    // The thread keeps the loop, not this object: its end is what stops the thread.
    try Thread.run(named: name) { poll.runUntilStopped() }
    self.poll = poll
  }

  deinit { poll.stop() }

  /// True when `descriptor` is readable or at its end, false when `timeout` passed first. One waiter a descriptor.
  package func readable(
    _ descriptor: FileDescriptor, timeout: Duration? = nil
  ) async throws(SystemError) -> Bool {
    let answer = await withCheckedContinuation { continuation in
      poll.add(descriptor, deadline: timeout.map { ContinuousClock.now + $0 }, continuation)
    }
    return try answer.get()
  }
}

private final class PollLoop: Sendable {
  typealias Answer = CheckedContinuation<Result<Bool, SystemError>, Never>
  struct Waiter: Sendable {
    /// Kept open while the kernel watches it.
    var descriptor: FileDescriptor
    var deadline: ContinuousClock.Instant?
    var answer: Answer
  }
  struct State: Sendable {
    var nextToken = PollLoop.wakeToken + 1
    var waiters: [UInt64: Waiter] = [:]
    var stopped = false
  }
  static let wakeToken: UInt64 = 0

  let epoll: FileDescriptor
  let event: FileDescriptor
  private let state = Mutex(State())

  init(epoll: FileDescriptor, event: FileDescriptor) {
    self.epoll = epoll
    self.event = event
  }

  func stop() {
    state.withLock { $0.stopped = true }
    _ = sandbox_event_signal(event.number)
  }

  func add(_ descriptor: FileDescriptor, deadline: ContinuousClock.Instant?, _ answer: Answer) {
    let token = state.withLock { state in
      let token = state.nextToken
      state.nextToken += 1
      state.waiters[token] = Waiter(descriptor: descriptor, deadline: deadline, answer: answer)
      return token
    }
    let result = sandbox_epoll_watch(epoll.number, descriptor.number, token)
    if result < 0 {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: token) }
      waiter?.answer.resume(returning: .failure(SystemError("epoll_ctl", nil, ErrorCode(rawValue: -result))))
    } else if deadline != nil {
      // The loop must not sleep beyond it.
      _ = sandbox_event_signal(event.number)
    }
  }

  func runUntilStopped() {
    let capacity = 32
    let tokens = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: capacity)
    defer { tokens.deallocate() }
    while !state.withLock({ $0.stopped }) {
      let count = sandbox_epoll_wait(epoll.number, tokens.baseAddress, Int32(capacity), millisecondsToDeadline())
      if count < 0 { break }
      for token in tokens.prefix(Int(count)) {
        if token == PollLoop.wakeToken { rearm() } else { finish(token, ready: true) }
      }
      let now = ContinuousClock.now
      let late = state.withLock { state in
        state.waiters.filter { entry in entry.value.deadline.map { $0 <= now } ?? false }.map(\.key)
      }
      for token in late { finish(token, ready: false) }
    }
    let left = state.withLock { state in
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in left { waiter.answer.resume(returning: .success(false)) }
  }

  private func rearm() {
    while sandbox_event_wait(event.number) == 0 {}
    _ = sandbox_epoll_forget(epoll.number, event.number)
    _ = sandbox_epoll_watch(epoll.number, event.number, PollLoop.wakeToken)
  }

  private func finish(_ token: UInt64, ready: Bool) {
    guard let waiter = state.withLock({ $0.waiters.removeValue(forKey: token) }) else { return }
    _ = sandbox_epoll_forget(epoll.number, waiter.descriptor.number)
    waiter.answer.resume(returning: .success(ready))
  }

  /// -1 when nobody has a deadline.
  private func millisecondsToDeadline() -> Int32 {
    guard let earliest = state.withLock({ $0.waiters.values.compactMap(\.deadline).min() }) else { return -1 }
    let left = earliest - ContinuousClock.now
    let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
    return Int32(clamping: max(0, milliseconds))
  }
}
