import CLinux

extension FileDescriptor {
  /// Reads once, at most `limit` bytes. Empty at the end of the file; nil when a non-blocking descriptor has nothing yet.
  package func read(atMost limit: Int) throws(SystemError) -> [UInt8]? {
    var outcome: Int64 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      outcome = linux_read(number, buffer.baseAddress, limit)
      count = max(0, Int(outcome))
    }
    if outcome >= 0 { return bytes }
    let code = ErrorCode(rawValue: Int32(-outcome))
    if code == .wouldBlock { return nil }
    throw SystemError("read", nil, code)
  }

  /// At most `count` bytes from `offset` on, fewer only where they end: pread(2), again and again.
  package func bytes(at offset: Int, count wanted: Int) throws(SystemError) -> [UInt8] {
    var failure: Int64 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: max(0, wanted)) { buffer, count in
      while count < wanted {
        let outcome = linux_pread(
          number, buffer.baseAddress.map { $0 + count }, wanted - count, Int64(offset + count))
        guard outcome > 0 else {
          failure = outcome
          return
        }
        count += Int(outcome)
      }
    }
    guard failure >= 0 else { throw SystemError("pread", nil, ErrorCode(rawValue: Int32(-failure))) }
    return bytes
  }

  /// fstat(2).
  package func status() throws(SystemError) -> FileStatus {
    var status = linux_file_status()
    try systemCall("fstat", linux_file_status(number, &status))
    return FileStatus(status)
  }

  /// Says that its content was changed now: futimens(2).
  package func touch() throws(SystemError) { try systemCall("futimens", linux_file_touch(number)) }

  /// Writes once, from `offset` on, and says how many bytes were taken; nil when a non-blocking descriptor takes none yet.
  package func write(_ bytes: [UInt8], from offset: Int = 0) throws(SystemError) -> Int? {
    let outcome = bytes.withUnsafeBytes { buffer in
      let rest = buffer[min(offset, buffer.count)...]
      return linux_write(number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
    }
    if outcome >= 0 { return Int(outcome) }
    let code = ErrorCode(rawValue: Int32(-outcome))
    if code == .wouldBlock { return nil }
    throw SystemError("write", nil, code)
  }

  /// O_NONBLOCK on the open file: every duplicate of the descriptor sees it, in other processes too.
  package func setNonblocking() throws(SystemError) {
    try systemCall("fcntl", on: "O_NONBLOCK", linux_set_nonblocking(number))
  }

  /// Closes on a thread of its own.
  ///
  /// close(2) of a socket may wait: for data to leave when the other side set `SO_LINGER`, or because descriptors that were
  /// sent to it and never received are closed with it. Nothing that a hostile process gave away is closed in place.
  package func closeElsewhere() {
    let number = release()
    if number >= 0 { Disposal.close([number]) }
  }

  /// A pipe whose ends close on exec, both blocking.
  package static func pipe() throws(SystemError) -> (reading: FileDescriptor, writing: FileDescriptor) {
    var ends: [Int32] = [-1, -1]
    try systemCall("pipe2", linux_pipe(&ends))
    return (FileDescriptor(owning: ends[0]), FileDescriptor(owning: ends[1]))
  }
}

extension ErrorCode {
  /// EAGAIN, which Linux also calls EWOULDBLOCK.
  package static let wouldBlock = ErrorCode(rawValue: 11)
  /// EPERM.
  package static let notPermitted = ErrorCode(rawValue: 1)
  /// EBADF.
  package static let badDescriptor = ErrorCode(rawValue: 9)
  /// EBUSY.
  package static let busy = ErrorCode(rawValue: 16)
  /// EINVAL.
  package static let invalid = ErrorCode(rawValue: 22)
  /// EPIPE.
  package static let brokenPipe = ErrorCode(rawValue: 32)
  /// ECONNRESET.
  package static let connectionReset = ErrorCode(rawValue: 104)
  /// ECANCELED.
  package static let cancelled = ErrorCode(rawValue: 125)
}

/// Closes descriptors where waiting for the kernel holds up nobody.
enum Disposal {
  static func close(_ numbers: [Int32]) {
    let close: @Sendable () -> Void = {
      for number in numbers {
        _ = linux_disable_linger(number)
        _ = linux_close(number)
      }
    }
    // Without a thread to spare, waiting is better than leaking.
    do throws(SystemError) { try Thread.run(named: "disposal", close) } catch { close() }
  }
}
