/// Where a server may listen, and under which conditions. Pure.
package struct ServingExposure: Hashable, Sendable {
  package var speaksTLS: Bool
  package var isBehindProxy: Bool
  package var needsTokens: Bool

  package init(speaksTLS: Bool, isBehindProxy: Bool, needsTokens: Bool) {
    self.speaksTLS = speaksTLS
    self.isBehindProxy = isBehindProxy
    self.needsTokens = needsTokens
  }

  /// - Returns: why it may not listen there; nil: it may.
  package func refusal(of address: ServingAddress) -> Diagnostic? {
    guard address.isReachable else { return nil }
    guard needsTokens else {
      return Diagnostic(
        "the server can't listen at \(address) without tokens", why: "whoever reaches it could do everything",
        hint: "leave --no-tokens out, or listen at 127.0.0.1")
    }
    guard speaksTLS || isBehindProxy else {
      return Diagnostic(
        "the server can't listen at \(address) without encryption",
        why: "whoever is on the way would learn the tokens",
        hint:
          "give it a certificate, --tls-certificate and --tls-key, or listen at 127.0.0.1 behind a proxy that speaks "
          + "TLS; where that proxy is on another host: --behind-proxy")
    }
    return nil
  }
}

/// Where a server listens: an address and a port, or the path of a socket.
package enum ServingAddress: Hashable, Sendable, CustomStringConvertible {
  /// - isLoopback: only this host reaches it.
  case address(host: String, port: Int, isLoopback: Bool)
  case path(AbsolutePath)

  package static let grammar = "ADDRESS:PORT, [ADDRESS]:PORT or unix:/PATH"
  private static let pathPrefix = "unix:"

  package init(_ text: String) throws(Diagnostic) {
    if text.hasPrefix(Self.pathPrefix) {
      // 107 bytes: sun_path in unix(7).
      guard let path = AbsolutePath(String(text.dropFirst(Self.pathPrefix.utf8.count))), path.text.utf8.count < 108
      else { throw Diagnostic("\(text.quoted) is not the path of a socket", hint: "use \(Self.grammar)") }
      self = .path(path)
      return
    }
    let digits = text.utf8.reversed().prefix { $0 != UInt8(ascii: ":") }.reversed()
    guard let port = StrictDecimal.value(Array(digits), maximum: 65535), text.utf8.count > digits.count,
      let host = try? Host(String(text.dropLast(digits.count + 1))), case .address(let address) = host
    else {
      throw Diagnostic(
        "\(text.quoted) is not an address to listen at", why: "a number is needed: a name may come to mean another",
        hint: "use \(Self.grammar), such as 127.0.0.1:8080")
    }
    self.init(address, port: port)
  }

  package init(_ address: NetworkAddress, port: Int) {
    self = .address(host: address.description, port: port, isLoopback: address.addressClass == .loopback)
  }

  /// By others than those on this host.
  package var isReachable: Bool {
    switch self {
    case .address(_, _, let isLoopback): !isLoopback
    case .path: false
    }
  }

  /// As the Host field has it; nil where any name may stand there.
  package var hostName: String? {
    switch self {
    case .address(let host, _, _): host.contains(":") ? "[\(host)]" : host
    case .path: nil
    }
  }

  /// The same at another port.
  package func with(port: Int) -> ServingAddress {
    switch self {
    case .address(let host, _, let isLoopback): .address(host: host, port: port, isLoopback: isLoopback)
    case .path: self
    }
  }

  package var description: String {
    switch self {
    case .address(_, let port, _): "\(hostName ?? ""):\(port)"
    case .path(let path): "\(Self.pathPrefix)\(path)"
    }
  }
}
