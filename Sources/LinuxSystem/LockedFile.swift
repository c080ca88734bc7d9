import Glibc

/// A small text file that several processes append to, one at a time: flock(2). The lock is held until the object goes.
package final class LockedFile {
  private let descriptor: FileDescriptor
  private let path: String

  /// Opens or makes it (mode 0600), through no link, and waits for the lock. Blocks.
  package init(_ path: String) throws(SystemError) {
    self.path = path
    let number = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600).orErrorNumber
    descriptor = FileDescriptor(owning: try systemCall("open", on: path, number))
    while true {
      let result = flock(descriptor.number, LOCK_EX).orErrorNumber
      if result == -EINTR { continue }
      _ = try systemCall("flock", on: path, result)
      return
    }
  }

  /// The whole of it; EFBIG beyond `limit` bytes.
  package func contents(limit: Int) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = pread(descriptor.number, &chunk, chunk.count, off_t(bytes.count))
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError("read", path, ErrorCode(rawValue: errno))
      }
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
      if bytes.count > limit { throw SystemError("read", path, ErrorCode(rawValue: EFBIG)) }
    }
  }

  /// Appends in one write(2) and waits until it is on the disk: fsync(2).
  package func append(_ text: String) throws(SystemError) {
    let bytes = Array(text.utf8)
    let written = write(descriptor.number, bytes, bytes.count)
    guard written == bytes.count else {
      throw SystemError("write", path, ErrorCode(rawValue: written < 0 ? errno : EIO))
    }
    _ = try systemCall("fsync", on: path, fsync(descriptor.number).orErrorNumber)
  }
}
