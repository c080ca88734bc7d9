import CLinux

/// A regular file that is read in pieces. Links in its path are followed: it is one of the operator's.
package struct RandomAccessFile: Sendable {
  private let descriptor: FileDescriptor

  /// Nil where it can't be opened or is no regular file.
  package init?(_ path: String) {
    let number = linux_file_open(path)
    guard number >= 0 else { return nil }
    descriptor = FileDescriptor(owning: number)
    var status = linux_file_status()
    let isKnown = linux_file_status(number, &status) == 0
    guard isKnown, UInt32(status.kind) == LINUX_FILE_REGULAR.rawValue else { return nil }
  }

  /// At most `count` bytes from `offset`, fewer at the end; nil where they can't be read.
  package func bytes(at offset: UInt64, count: Int) -> [UInt8]? {
    var outcome: Int64 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      // A negative offset is refused with EINVAL.
      outcome = linux_pread(descriptor.number, buffer.baseAddress, count, Int64(bitPattern: offset))
      filled = max(0, Int(outcome))
    }
    return outcome < 0 ? nil : bytes
  }
}
