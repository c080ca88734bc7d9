import CLinux

/// A socket that whoever started this process left open for it: sd_listen_fds(3).
package struct PassedSocket: Sendable {
  package enum Kind: Hashable, Sendable {
    case internet(SocketAddress)
    /// `sun_path` of unix(7): empty for one without a name, and beginning with NUL for an abstract one.
    case unix([UInt8])
    case other
  }

  package let descriptor: FileDescriptor
  package let kind: Kind
  package let isStream: Bool
  /// Takes connections, in place of being one.
  package let isListening: Bool

  /// Takes it over: from now on nothing that is started has it.
  ///
  /// - Throws: EBADF where nothing is open, ENOTSOCK for anything but a socket, which is left as it is.
  package init(taking number: Int32) throws(SystemError) {
    var found = linux_socket()
    try systemCall("getsockopt", on: "\(number)", linux_socket_describe(number, &found))
    try systemCall("fcntl", on: "\(number)", linux_close_on_exec(number))
    descriptor = FileDescriptor(owning: number)
    isStream = found.is_stream != 0
    isListening = found.is_listening != 0
    switch Int32(found.family) {
    case LINUX_SOCKET_INTERNET: kind = .internet(SocketAddress(found.endpoint))
    case LINUX_SOCKET_UNIX:
      kind = .unix(withUnsafeBytes(of: found.path) { Array($0.prefix(Int(found.path_length))) })
    default: kind = .other
    }
  }
}

/// A datagram socket of AF_UNIX that somebody else has.
package enum DatagramSocket {
  /// Sends one datagram. Never waits, and leaves nothing open.
  ///
  /// - Parameter name: as `sun_path` of unix(7) has it.
  /// - Throws: ``ErrorCode/tryAgain`` where it can't be taken now.
  package static func send(_ text: String, to name: [UInt8]) throws(SystemError) {
    let bytes = Array(text.utf8)
    try systemCall("sendto", linux_send_unix_datagram(name, name.count, bytes, bytes.count))
  }
}
