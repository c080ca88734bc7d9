/// Where this program listens: on this host alone, since it speaks no TLS.
package enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// Port 0: whichever is free.
  case loopback(host: String, port: Int)
  case path(AbsolutePath)

  package static let grammar = "127.0.0.1:PORT, [::1]:PORT or unix:/PATH"
  private static let pathPrefix = "unix:"

  package init(_ text: String) throws(Diagnostic) {
    if text.hasPrefix(Self.pathPrefix) {
      // 107 bytes: sun_path in unix(7).
      guard let path = AbsolutePath(String(text.dropFirst(Self.pathPrefix.utf8.count))), path.text.utf8.count < 108
      else {
        throw Diagnostic("\(text.quoted) is not the path of a socket", hint: "use \(Self.grammar)")
      }
      self = .path(path)
      return
    }
    let digits = text.utf8.reversed().prefix { $0 != UInt8(ascii: ":") }.reversed()
    guard let port = StrictDecimal.value(Array(digits), maximum: 65535), text.utf8.count > digits.count else {
      throw Diagnostic("\(text.quoted) is not an address to listen at", hint: "use \(Self.grammar)")
    }
    let host = String(text.dropLast(digits.count + 1))
    guard let address = try? Host(host), case .address(let bound) = address, bound.addressClass == .loopback else {
      throw Diagnostic(
        "\(text.quoted) is not an address of this host alone",
        why: "what is sent there isn't encrypted: whoever is on the way would learn the tokens",
        hint: "listen at 127.0.0.1, and put a proxy in front that speaks TLS")
    }
    self = .loopback(host: bound.description, port: port)
  }

  /// The same at another port.
  package func with(port: Int) -> ListenAddress {
    switch self {
    case .loopback(let host, _): .loopback(host: host, port: port)
    case .path: self
    }
  }

  package var description: String {
    switch self {
    case .loopback(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .path(let path): "\(Self.pathPrefix)\(path)"
    }
  }
}
