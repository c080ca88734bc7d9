/// What an operator decides about the network for all plugins: `plugins.security.network`.
package struct OperatorNetwork: Hashable, Sendable {
  /// Nothing outside of these may be granted. Nil: no ceiling. Empty: nothing may be granted.
  package var allowedHosts: Located<[HostPattern]>?
  /// What isn't public and may be reached on purpose, by plugins that are granted a host that leads there.
  package var privateNetworks: [Located<PrivateNetwork>]
  package var caps: EgressCaps

  package init(
    allowedHosts: Located<[HostPattern]>? = nil, privateNetworks: [Located<PrivateNetwork>] = [],
    caps: EgressCaps = EgressCaps()
  ) {
    self.allowedHosts = allowedHosts
    self.privateNetworks = privateNetworks
    self.caps = caps
  }
}

/// One item of `private_networks`.
package enum PrivateNetwork: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// `10.1.0.0/16`, `127.0.0.1`: these addresses, on every granted port.
  case network(NetworkPrefix)
  /// `db.internal:5432`, `*.corp.example:443`: wherever in a private network that name leads, on this port.
  case host(HostPattern, port: UInt16)

  package var description: String {
    switch self {
    case .network(let prefix): prefix.description
    case .host(let host, let port): "\(host):\(port)"
    }
  }
}

/// How much one worker may use the network. Nil: no cap.
package struct EgressCaps: Hashable, Sendable {
  /// 1024 unless the operator says otherwise: each costs the supervisor two descriptors and its buffers.
  package var connectionsAtOnce: Int
  /// In the worker's life. No cap unless the operator sets one.
  package var connectionsInTotal: Int?
  /// From the worker, in its life. No cap unless the operator sets one.
  package var bytesUp: Int64?
  /// To the worker, in its life. No cap unless the operator sets one.
  package var bytesDown: Int64?

  package init(
    connectionsAtOnce: Int = 1024, connectionsInTotal: Int? = nil, bytesUp: Int64? = nil, bytesDown: Int64? = nil
  ) {
    self.connectionsAtOnce = connectionsAtOnce
    self.connectionsInTotal = connectionsInTotal
    self.bytesUp = bytesUp
    self.bytesDown = bytesDown
  }
}

extension OperatorNetwork {
  /// Both hold: what lies beneath either ceiling alone may not be granted, and the lower cap counts. Private networks add up, as
  /// everything does that is allowed on purpose.
  package func adding(_ other: OperatorNetwork) -> OperatorNetwork {
    OperatorNetwork(
      allowedHosts: Self.common(allowedHosts, other.allowedHosts),
      privateNetworks: privateNetworks
        + other.privateNetworks.filter { new in !privateNetworks.contains { $0.value == new.value } },
      caps: caps.lower(other.caps))
  }

  private static func common(
    _ first: Located<[HostPattern]>?, _ second: Located<[HostPattern]>?
  ) -> Located<[HostPattern]>? {
    guard let first, let second else { return first ?? second }
    let narrow = { (patterns: [HostPattern], others: [HostPattern]) in
      patterns.filter { pattern in others.contains { $0.covers(pattern) } }
    }
    let patterns = Set(narrow(first.value, second.value) + narrow(second.value, first.value)).sorted()
    return Located(patterns, at: second.location)
  }
}

extension EgressCaps {
  /// Of two caps the lower one.
  package func lower(_ other: EgressCaps) -> EgressCaps {
    EgressCaps(
      connectionsAtOnce: min(connectionsAtOnce, other.connectionsAtOnce),
      connectionsInTotal: [connectionsInTotal, other.connectionsInTotal].compactMap(\.self).min(),
      bytesUp: [bytesUp, other.bytesUp].compactMap(\.self).min(),
      bytesDown: [bytesDown, other.bytesDown].compactMap(\.self).min())
  }
}
