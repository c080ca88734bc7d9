import CLinux
import Synchronization

/// An open descriptor with one owner: it is closed when the last reference goes, and at once by ``close()``.
///
/// A class, because descriptors are handed between actors; the number must not be kept beyond the object.
package final class FileDescriptor: Sendable {
  /// Exchanged, so that two closers can't close a number twice.
  private let storage: Atomic<Int32>

  /// Takes ownership of `number`.
  package init(owning number: Int32) { storage = Atomic(number) }

  deinit { close() }

  /// The number, for the duration of a call. -1 after ``close()``.
  package var number: Int32 { storage.load(ordering: .acquiring) }

  /// Closes now; a second call does nothing. Errors of close(2) are not reported: the descriptor is gone either way.
  package func close() {
    let number = release()
    if number >= 0 { _ = linux_close(number) }
  }

  /// Gives up ownership: the caller closes the number. -1 when it was closed already.
  package func release() -> Int32 { storage.exchange(-1, ordering: .acquiringAndReleasing) }
}
