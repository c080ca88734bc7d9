import PluginModel

/// Looks at the first bytes of a connection for the host that they are meant for, and holds it against the host that the
/// connection was asked for. Both must agree: an address alone doesn't tell which of a thousand sites of one server is meant.
struct Inspector: Sendable {
  private let isTLS: Bool
  private var hello = ClientHelloReader()
  private var request = HTTPRequestReader()

  enum Verdict: Hashable, Sendable {
    case needMore
    case agrees
    case refused(EgressDenial)
  }

  /// Nil: nothing is looked at.
  init?(_ route: EgressRoute) {
    switch route {
    case .raw: return nil
    case .tls: isTLS = true
    case .http: isTLS = false
    }
  }

  mutating func append(_ bytes: [UInt8], host: Host, port: UInt16) -> Verdict {
    isTLS ? Self.verdict(hello.append(bytes), host, port) : Self.verdict(request.append(bytes), host, port)
  }

  private static func verdict(_ result: ClientHelloReader.Result, _ host: Host, _ port: UInt16) -> Verdict {
    switch result {
    case .needMore: return .needMore
    case .name(let name):
      if host == .name(name) { return .agrees }
      let destination = EgressDenial.Reason.otherHost(name.text, in: .serverName)
      return .refused(EgressDenial(host: host.description, port: port, reason: destination))
    case .noName:
      // Addresses aren't sent as server names (RFC 6066 §3).
      if case .address = host { return .agrees }
      return .refused(.unreadable(.missingHost(.serverName), host, port: port))
    case .notTLS: return .refused(.unreadable(.notTLS, host, port: port))
    case .malformed(let problem): return .refused(.unreadable(.malformedTLS(problem), host, port: port))
    }
  }

  private static func verdict(_ result: HTTPRequestReader.Result, _ host: Host, _ port: UInt16) -> Verdict {
    switch result {
    case .needMore: return .needMore
    case .http2: return .refused(.unreadable(.http2WithoutTLS, host, port: port))
    case .malformed(.missingHost): return .refused(.unreadable(.missingHost(.hostField), host, port: port))
    case .malformed(let problem):
      return .refused(.unreadable(problem.isAnotherProtocol ? .notHTTP : .malformedHTTP(problem), host, port: port))
    case .head(let head):
      // A server's request, not a proxy's: the other forms would have the server go elsewhere.
      guard case .origin = head.target else { return .refused(.unreadable(.notHTTP, host, port: port)) }
      guard let named = head.host else { return .refused(.unreadable(.missingHost(.hostField), host, port: port)) }
      guard named.means(HTTPAuthority(host: host, port: port), defaultPort: EgressPolicy.httpPort) else {
        let other = EgressDenial.Reason.otherHost(named.description, in: .hostField)
        return .refused(EgressDenial(host: host.description, port: port, reason: other))
      }
      return .agrees
    }
  }
}
