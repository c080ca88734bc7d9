import CLinux
import Synchronization

/// A thread of our own that runs what it is given, one after the other.
///
/// For calls that may block, which must never happen on Swift's cooperative threads, and for what the kernel ties to a
/// thread: PR_SET_PDEATHSIG fires when the *thread* that made the child ends, prctl(2).
package final class DedicatedThread: Sendable {
  private let queue: JobQueue

  /// `name` is cut to 15 bytes, as the kernel does.
  package init(name: String) throws(SystemError) {
    let event = try systemCall("eventfd", sandbox_event_create(true))
    let queue = JobQueue(event: FileDescriptor(owning: event))
    // The thread keeps the queue, not this object: its end is what stops the thread.
    try Thread.run(named: name) { queue.runUntilStopped() }
    self.queue = queue
  }

  /// The thread ends after what was already given to it.
  deinit { queue.add(.stop) }

  /// Runs `body` on the thread and waits without blocking; `afterwards` then runs there too, which nobody waits for.
  package func run<Value: Sendable>(
    _ body: @escaping @Sendable () -> Value, afterwards: @escaping @Sendable (Value) -> Void = { _ in }
  ) async -> Value {
    await withCheckedContinuation { continuation in
      queue.add(
        .job {
          let value = body()
          continuation.resume(returning: value)
          afterwards(value)
        })
    }
  }
}

private final class JobQueue: Sendable {
  enum Entry: Sendable {
    case job(@Sendable () -> Void)
    case stop
  }
  private let entries = Mutex<[Entry]>([])
  private let event: FileDescriptor

  init(event: FileDescriptor) { self.event = event }

  func add(_ entry: Entry) {
    entries.withLock { $0.append(entry) }
    _ = sandbox_event_signal(event.number)
  }

  func runUntilStopped() {
    while sandbox_event_wait(event.number) == 0 {
      switch entries.withLock({ $0.removeFirst() }) {
      case .job(let body): body()
      case .stop: return
      }
    }
  }
}
