/// What a service manager told a service that it started, by variables of the environment: sd_notify(3), sd_watchdog_enabled(3),
/// sd_listen_fds(3). Pure.
package struct ServiceVariables: Hashable, Sendable {
  /// All of them. They are for the service alone, and nothing that it starts has them.
  package static let names = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES",
  ]
  /// The descriptors that are handed over begin with it: SD_LISTEN_FDS_START.
  package static let firstSocket: Int32 = 3
  /// More of them aren't taken.
  package static let mostSockets = 64

  /// A descriptor that was handed over.
  package struct Socket: Hashable, Sendable {
    package var number: Int32
    /// As `FileDescriptorName=` has it; nil where it has none.
    package var name: String?

    /// For people.
    package var words: String { name.map { "the socket \($0.quoted)" } ?? "the socket that is descriptor \(number)" }
  }

  /// Nil: nobody wants to be told.
  package var notices: ServiceNoticeAddress?
  /// Who hears nothing for so long ends the service. Nil: nobody does.
  package var watchdog: Duration?
  package var sockets: [Socket] = []

  /// - Parameters:
  ///   - variables: those of ``names`` that there are.
  ///   - process: this one's number. What is for another isn't for us: a shell between it and the manager handed it on.
  package init(_ variables: [String: String], process: Int32) throws(Diagnostic) {
    if let text = variables["NOTIFY_SOCKET"] { notices = try ServiceNoticeAddress(text) }
    let own = "\(process)"
    if let text = variables["WATCHDOG_USEC"], variables["WATCHDOG_PID"].map({ $0 == own }) ?? true {
      guard let microseconds = Int64(text), microseconds > 0 else { throw Self.unreadable("WATCHDOG_USEC", text) }
      watchdog = .microseconds(microseconds)
    }
    guard let text = variables["LISTEN_FDS"], variables["LISTEN_PID"] == own else { return }
    guard let count = StrictDecimal.value(Array(text.utf8), maximum: Self.mostSockets) else {
      throw Self.unreadable("LISTEN_FDS", text)
    }
    let names = variables["LISTEN_FDNAMES"].map {
      $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    }
    guard names.map({ $0.count == count }) ?? true || count == 0 else {
      throw Diagnostic("LISTEN_FDNAMES has other names than LISTEN_FDS has sockets", hint: Self.hint)
    }
    sockets = (0..<count).map { index in
      Socket(number: Self.firstSocket + Int32(index), name: names?[index])
    }
  }

  private static let hint = "a service manager sets these variables; start the program without them otherwise"

  private static func unreadable(_ name: String, _ text: String) -> Diagnostic {
    Diagnostic("\(name) can't be used", why: "\(text.quoted) is no number that stands there", hint: hint)
  }
}

/// Where a service manager wants to be told: the name of a datagram socket, as `NOTIFY_SOCKET` has it.
package struct ServiceNoticeAddress: Hashable, Sendable {
  /// As `sun_path` of unix(7) has it: of an abstract socket the first byte is NUL.
  package let bytes: [UInt8]

  package init(_ text: String) throws(Diagnostic) {
    let bytes = Array(text.utf8)
    // 107 bytes and the NUL behind a path.
    guard bytes.count > 1, bytes.count < 108, !bytes.contains(0),
      [UInt8(ascii: "/"), UInt8(ascii: "@")].contains(bytes[0])
    else {
      throw Diagnostic(
        "NOTIFY_SOCKET can't be used", why: "\(text.quoted) is neither a path nor the name of an abstract socket",
        hint: "a service manager sets it; start the program without it otherwise")
    }
    self.bytes = bytes[0] == UInt8(ascii: "@") ? [0] + bytes.dropFirst() : bytes
  }
}
