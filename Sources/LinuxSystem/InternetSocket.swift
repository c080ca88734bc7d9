import CLinux

/// An address of IPv4 or IPv6 and a port, as sockets have them.
package struct SocketAddress: Hashable, Sendable {
  /// 4 or 16, in network byte order.
  package let bytes: [UInt8]
  package let port: UInt16

  /// Nil for any other number of bytes.
  package init?(bytes: [UInt8], port: UInt16) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
    self.port = port
  }

  init(_ endpoint: linux_endpoint) {
    bytes = withUnsafeBytes(of: endpoint.address) { Array($0.prefix(endpoint.is_ipv6 == 0 ? 4 : 16)) }
    port = endpoint.port
  }

  var endpoint: linux_endpoint {
    var endpoint = linux_endpoint()
    endpoint.is_ipv6 = bytes.count == 16 ? 1 : 0
    endpoint.port = port
    withUnsafeMutableBytes(of: &endpoint.address) { $0.copyBytes(from: bytes) }
    return endpoint
  }
}

/// TCP and UDP sockets of the supervisor. Nothing here waits; what would is told by nil.
package enum InternetSocket {
  /// Nothing is there, or what was is gone; and the errors of the network that accept(2) passes on.
  private static let passing: Set<ErrorCode> = [
    .wouldBlock, .connectionAborted, .operationNotPermitted, .networkDown, .networkUnreachable, .hostUnreachable,
  ]

  /// A connection that was made to `listener`, which doesn't block, and the address that it was made to: through AnyIP that is
  /// whatever the other side asked for. Nil: there is none now, or it is gone already.
  ///
  /// - Throws: EMFILE and ENFILE among others, which leave the connection where it was.
  package static func accept(
    _ listener: FileDescriptor
  ) throws(SystemError) -> (connection: FileDescriptor, destination: SocketAddress)? {
    var local = linux_endpoint()
    let result = linux_accept(listener.number, &local)
    if result < 0, passing.contains(ErrorCode(rawValue: -result)) { return nil }
    return (FileDescriptor(owning: try systemCall("accept4", result)), SocketAddress(local))
  }

  /// A connection under way; writable once it is made or has failed, which ``failure(of:)`` tells.
  package static func dial(_ address: SocketAddress) throws(SystemError) -> FileDescriptor {
    var endpoint = address.endpoint
    return FileDescriptor(owning: try systemCall("connect", linux_dial(&endpoint)))
  }

  /// Why a connection couldn't be made or is broken; nil: it is well.
  package static func failure(of connection: FileDescriptor) -> ErrorCode? {
    let result = linux_socket_error(connection.number)
    return result < 0 ? ErrorCode(rawValue: -result) : nil
  }

  /// What one read(2) gave: nil for nothing now, 0 at the end of the stream.
  package static func read(
    _ connection: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int? {
    try Self.count("read", linux_read(connection.number, buffer.baseAddress, buffer.count))
  }

  /// How much of it was taken; nil: none now.
  package static func write(
    _ connection: FileDescriptor, _ bytes: UnsafeRawBufferPointer
  ) throws(SystemError) -> Int? {
    try Self.count("send", linux_send_bytes(connection.number, bytes.baseAddress, bytes.count))
  }

  /// How much of the bytes from `offset` on was taken; nil: none now.
  package static func write(
    _ connection: FileDescriptor, _ bytes: [UInt8], from offset: Int = 0
  ) throws(SystemError) -> Int? {
    let result = bytes.withUnsafeBytes { buffer in
      let rest = buffer[min(offset, buffer.count)...]
      return linux_send_bytes(connection.number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
    }
    return try Self.count("send", result)
  }

  /// The other side reads the end of the stream after what was written.
  package static func endWriting(_ connection: FileDescriptor) { _ = linux_shutdown_writing(connection.number) }

  /// Closes so that the other side is told of a broken connection rather than of the end of a stream: whoever reads until that
  /// end must not take half for the whole.
  package static func cut(_ connection: FileDescriptor) {
    _ = linux_cut_on_close(connection.number)
    connection.close()
  }

  package static func receiveDatagram(
    _ socket: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> (count: Int, sender: SocketAddress)? {
    var sender = linux_endpoint()
    let result = linux_receive_datagram(socket.number, buffer.baseAddress, buffer.count, &sender)
    return try Self.count("recvfrom", result).map { ($0, SocketAddress(sender)) }
  }

  /// A datagram that the network doesn't take is lost, as datagrams are.
  package static func sendDatagram(_ socket: FileDescriptor, _ bytes: [UInt8], to recipient: SocketAddress) {
    var endpoint = recipient.endpoint
    _ = linux_send_datagram(socket.number, bytes, bytes.count, &endpoint)
  }

  /// The addresses of a host name, in the order in which this host would try them: getaddrinfo(3). Blocks for as long as the
  /// host's resolver does.
  package static func resolve(_ name: String) throws(SystemError) -> [SocketAddress] {
    var found = [linux_endpoint](repeating: linux_endpoint(), count: 32)
    let count = try systemCall("getaddrinfo", on: name, linux_resolve(name, &found, Int32(found.count)))
    return found.prefix(Int(count)).map { SocketAddress($0) }
  }

  private static func count(_ operation: String, _ result: Int64) throws(SystemError) -> Int? {
    if result >= 0 { return Int(result) }
    let code = ErrorCode(rawValue: Int32(-result))
    if code == .wouldBlock { return nil }
    throw SystemError(operation, nil, code)
  }
}
