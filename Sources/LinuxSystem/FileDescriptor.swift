import CLinux
import Synchronization

/// An open descriptor with one owner: it is closed when the last reference goes, and at once by ``close()``.
///
/// A class, because descriptors are handed between actors; the number must not be kept beyond the object.
package final class FileDescriptor: Sendable {
  /// The number, for the duration of a call. -1 after ``close()``.
  package var number: Int32 { state.number }
  private let state: State

  /// Takes ownership of `number`.
  package init(owning number: Int32) { state = State(number) }

  /// Closes now; a second call does nothing. Errors of close(2) are not reported: the descriptor is gone either way.
  package func close() { state.close() }

  /// Gives up ownership: the caller closes the number. -1 when it was closed already.
  package func release() -> Int32 { state.take() }
}

/// The number behind an atomic exchange, so that two closers can't close a number twice.
private final class State: Sendable {
  private let storage: Mutex<Int32>
  init(_ number: Int32) { storage = Mutex(number) }
  var number: Int32 { storage.withLock { $0 } }
  func take() -> Int32 {
    storage.withLock { value in
      let number = value
      value = -1
      return number
    }
  }
  func close() {
    let number = take()
    if number >= 0 { _ = linux_close(number) }
  }
  deinit { close() }
}
