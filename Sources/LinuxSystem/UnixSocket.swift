import CLinux

/// A connected AF_UNIX stream socket that carries descriptors (`SCM_RIGHTS`, unix(7)). No call waits, whatever the mode of
/// the descriptor.
package struct UnixSocket: Sendable {
  /// The most descriptors that one message carries.
  package static let descriptorsPerMessage = Int(LINUX_MESSAGE_DESCRIPTORS)

  package let descriptor: FileDescriptor
  package init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// Two sockets connected to each other; both close on exec and block.
  package static func pair() throws(SystemError) -> (UnixSocket, UnixSocket) {
    var ends: [Int32] = [-1, -1]
    try systemCall("socketpair", linux_socket_pair(&ends))
    return (UnixSocket(FileDescriptor(owning: ends[0])), UnixSocket(FileDescriptor(owning: ends[1])))
  }

  /// Sends what the socket takes of `bytes` from `offset` on, the descriptors with the first of them. Nil: it takes
  /// nothing now, and no descriptor went either. Never raises SIGPIPE: EPIPE is thrown.
  package func send(_ bytes: [UInt8], from offset: Int = 0, descriptors: [FileDescriptor] = []) throws(SystemError)
    -> Int?
  {
    let numbers = descriptors.map(\.number)
    let outcome = bytes.withUnsafeBytes { buffer in
      let rest = buffer[min(offset, buffer.count)...]
      return linux_send(
        descriptor.number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, numbers, numbers.count)
    }
    // The numbers must not be closed and reused by another thread before the kernel has seen them.
    withExtendedLifetime(descriptors) {}
    if outcome >= 0 { return Int(outcome) }
    let code = ErrorCode(rawValue: Int32(-outcome))
    if code == .wouldBlock { return nil }
    throw SystemError("sendmsg", nil, code)
  }

  /// What one recvmsg(2) gave.
  package struct Received: Sendable {
    /// Empty at the end of the stream.
    package var bytes: [UInt8]
    /// The memfds among the descriptors that came with these bytes, in order.
    package var descriptors: [FileDescriptor]
    /// How many of the descriptors were no memfds. They are closed already, elsewhere: nothing but a memfd is ever held,
    /// because closing another process's socket or device may wait.
    package var refused: Int
    /// The kernel dropped descriptors, because this process may open no more (`MSG_CTRUNC`).
    package var isTruncated: Bool
  }

  /// Receives once, at most `limit` bytes. Nil when there is nothing now.
  package func receive(atMost limit: Int) throws(SystemError) -> Received? {
    var outcome: Int64 = 0
    var truncated: Int32 = 0
    var memory: [FileDescriptor] = []
    var others: [Int32] = []
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.descriptorsPerMessage) { numbers in
        var received = 0
        outcome = linux_receive(
          descriptor.number, buffer.baseAddress, limit, numbers.baseAddress, &received, &truncated)
        for number in numbers.prefix(received) {
          var facts = linux_memory()
          if linux_memory_facts(number, &facts) >= 0 {
            memory.append(FileDescriptor(owning: number))
          } else {
            others.append(number)
          }
        }
      }
      count = max(0, Int(outcome))
    }
    if !others.isEmpty { Disposal.close(others) }
    if outcome >= 0 {
      return Received(bytes: bytes, descriptors: memory, refused: others.count, isTruncated: truncated != 0)
    }
    let code = ErrorCode(rawValue: Int32(-outcome))
    if code == .wouldBlock { return nil }
    throw SystemError("recvmsg", nil, code)
  }
}
