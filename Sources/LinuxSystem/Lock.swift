import Glibc

/// A value that one thread at a time may touch: pthread_mutex_lock(3).
///
/// Not `Synchronization.Mutex`: where two threads contend for it, it waits in code of the Swift library that
/// ThreadSanitizer doesn't see, and every later access is reported as a race.
package final class Lock<State: Sendable>: @unchecked Sendable {
  private var state: State
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  package init(_ state: State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Holds the lock while `body` runs. It must not wait for anything, this lock least of all.
  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }
}

/// Set once, from any thread.
package final class OnceFlag: Sendable {
  private let value = Lock(false)
  package init() {}
  package var isSet: Bool { value.withLock { $0 } }
  package func set() { value.withLock { $0 = true } }
}
