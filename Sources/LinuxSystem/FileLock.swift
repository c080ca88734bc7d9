import Glibc

/// A lock on a file that the kernel gives back when its holder dies, however it dies: flock(2).
package final class FileLock: Sendable {
  package enum Mode: Sendable {
    /// With others that share it.
    case shared
    /// Alone.
    case exclusive
  }
  private let descriptor: FileDescriptor

  /// Opens or makes the file (mode 0600), through no link. Never waits.
  /// - Returns: nil: another has a lock that this one doesn't go with.
  package init?(_ path: String, _ mode: Mode) throws(SystemError) {
    let number = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600).orErrorNumber
    descriptor = FileDescriptor(owning: try systemCall("open", on: path, number))
    let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
    let result = flock(descriptor.number, operation).orErrorNumber
    if result == -EWOULDBLOCK { return nil }
    _ = try systemCall("flock", on: path, result)
  }

  /// Replaces what the file holds.
  package func write(_ text: String) throws(SystemError) {
    try systemCall("ftruncate", ftruncate(descriptor.number, 0).orErrorNumber)
    let bytes = Array(text.utf8)
    guard pwrite(descriptor.number, bytes, bytes.count, 0) == bytes.count else {
      throw SystemError("write", nil, ErrorCode(rawValue: errno))
    }
  }
}
