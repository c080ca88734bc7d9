import PluginModel

/// One thing that a worker tried and may not do, for the proxy's answer, the node's error and `explain`.
///
/// Nothing of it is the plugin's own text: what isn't a valid name or address is escaped and cut (``Swift/String/quoted``).
package struct EgressDenial: Error, Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    case notGranted
    /// A connection to an address that the resolver inside never gave out.
    case unknownDestination
    case invalidHost(HostName.Problem)
    /// What the host's resolver gave, or what was asked for, is not for plugins.
    case privateAddress(NetworkAddress)
    /// Of the bytes that should have said which host is meant: what they say instead.
    case otherHost(String, in: Evidence)
    case missingHost(Evidence)
    /// The bytes don't speak the protocol of the port.
    case notTLS
    case notHTTP
    case malformedTLS(ClientHelloReader.Problem)
    case malformedHTTP(HTTPRequestReader.Problem)
    /// The host of a request stands where the relay can't read it (RFC 9113 §3.3 without TLS).
    case http2WithoutTLS
    /// A proxy's request for `https:` or another scheme in absolute form, or for no host at all.
    case unsuitableProxyRequest
    case capReached(EgressCap)
  }

  /// Where a connection says which host it means.
  package enum Evidence: Hashable, Sendable {
    case serverName
    case hostField
  }

  /// Safe to print.
  package let host: String
  package let port: UInt16?
  package let reason: Reason
  /// Would allow it.
  package let remedy: Permission?
  /// What an operator would add to `private_networks`, knowing what is there.
  package let operatorRemedy: PrivateNetwork?

  init(
    host: String, port: UInt16?, reason: Reason, remedy: Permission? = nil, operatorRemedy: PrivateNetwork? = nil
  ) {
    self.host = host
    self.port = port
    self.reason = reason
    self.remedy = remedy
    self.operatorRemedy = operatorRemedy
  }
}

/// Which of ``EgressCaps`` was reached.
package enum EgressCap: String, CaseIterable, Sendable {
  case connectionsAtOnce
  case connectionsInTotal
  case bytesUp
  case bytesDown
}

extension EgressDenial {
  static func notGranted(_ host: Host, port: UInt16?) -> EgressDenial {
    let remedy = Self.remedy(host, port: port ?? EgressPolicy.tlsPort)
    guard case .address(let address) = host, !address.isPublic else {
      return EgressDenial(host: host.description, port: port, reason: .notGranted, remedy: remedy)
    }
    // No grant alone opens what isn't public, and none at all what nobody can open.
    guard address.addressClass.canBeOpened else {
      return EgressDenial(host: host.description, port: port, reason: .privateAddress(address))
    }
    return EgressDenial(
      host: host.description, port: port, reason: .notGranted, remedy: remedy,
      operatorRemedy: .network(NetworkPrefix(address)))
  }

  /// A port of the web is best asked for as what it is: then what is said there is looked at.
  private static func remedy(_ host: Host, port: UInt16) -> Permission {
    port == EgressPolicy.httpPort || port == EgressPolicy.tlsPort
      ? .networkHTTP(hosts: [host.description])
      : .networkSocket(endpoints: [HostEndpoint(host: host, port: port).description])
  }

  static func privateAddress(_ address: NetworkAddress, of host: Host, port: UInt16) -> EgressDenial {
    EgressDenial(
      host: host.description, port: port, reason: .privateAddress(address),
      operatorRemedy: address.addressClass.canBeOpened ? .network(NetworkPrefix(address)) : nil)
  }

  static func invalidHost(_ text: String, _ problem: HostName.Problem, port: UInt16?) -> EgressDenial {
    EgressDenial(host: text.quoted, port: port, reason: .invalidHost(problem))
  }

  /// The bytes may be meant for a protocol of another kind: `network.socket` lets them through unseen.
  static func unreadable(_ reason: Reason, _ host: Host, port: UInt16) -> EgressDenial {
    EgressDenial(
      host: host.description, port: port, reason: reason,
      remedy: .networkSocket(endpoints: [HostEndpoint(host: host, port: port).description]))
  }
}

extension EgressDenial {
  /// `api.example.org:443`.
  package var destination: String { port.map { "\(host):\($0)" } ?? host }

  /// What was refused, in one sentence without a full stop.
  package var what: String {
    switch reason {
    case .capReached: "the network was used up to the operator's limit, at \(destination)"
    case .notGranted, .unknownDestination, .invalidHost, .privateAddress, .otherHost, .missingHost, .notTLS, .notHTTP,
      .malformedTLS, .malformedHTTP, .http2WithoutTLS, .unsuitableProxyRequest:
      "the connection to \(destination) was refused"
    }
  }

  package var why: String {
    switch reason {
    case .notGranted: "it isn't granted"
    case .unknownDestination: "no granted name has this address; connections go to names that the resolver has answered"
    case .invalidHost(let problem): problem.words
    case .privateAddress(let address):
      address.description == host.filter { $0 != "[" && $0 != "]" }
        ? "it \(address.addressClass.words)" : "it leads to \(address), which \(address.addressClass.words)"
    case .otherHost(let other, .serverName): "its TLS asks for \(other)"
    case .otherHost(let other, .hostField): "its request is for \(other)"
    case .missingHost(.serverName): "its TLS doesn't say which host it is for (no server name)"
    case .missingHost(.hostField): "its request doesn't say which host it is for (no Host field)"
    case .notTLS: "port 443 of network.http is for TLS, and this is something else"
    case .notHTTP: "port 80 of network.http is for HTTP, and this is something else"
    case .malformedTLS(let problem): "its TLS is malformed: \(problem.words)"
    case .malformedHTTP(let problem): "its request is malformed: \(problem.words)"
    case .http2WithoutTLS: "HTTP/2 without TLS doesn't show which host a request is for"
    case .unsuitableProxyRequest: "the proxy takes CONNECT, and requests for http: URLs"
    case .capReached(let cap): cap.words
    }
  }

  package var hint: String? {
    let opening = operatorRemedy.map { "the operator adds \($0.description.quoted) to private_networks" }
    switch (remedy, opening) {
    case (let remedy?, let opening?): return "\(remedy) would allow it, if \(opening)"
    case (let remedy?, nil): return "\(remedy) would allow it"
    case (nil, let opening?): return "if plugins shall reach it, \(opening)"
    case (nil, nil): break
    }
    switch reason {
    case .invalidHost(let problem): return problem.hint
    case .unknownDestination: return "connect by name; an address that is granted by number works too"
    case .capReached: return "the operator sets max_connections and max_bytes in plugins.security.network"
    case .notGranted, .privateAddress, .otherHost, .missingHost, .notTLS, .notHTTP, .malformedTLS, .malformedHTTP,
      .http2WithoutTLS, .unsuitableProxyRequest:
      return nil
    }
  }

  package var diagnostic: Diagnostic { Diagnostic(what, why: why, hint: hint) }
}

extension EgressCap {
  package var words: String {
    switch self {
    case .connectionsAtOnce: "it has as many connections as it may at once"
    case .connectionsInTotal: "it has had as many connections as it may"
    case .bytesUp: "it has sent as many bytes as it may"
    case .bytesDown: "it has received as many bytes as it may"
    }
  }
}
