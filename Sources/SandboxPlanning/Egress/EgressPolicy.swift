import PluginModel

/// Where one worker may connect to: granted permissions within what the operator allows. A value: the same grants give the
/// same policy, whatever others are granted.
///
/// A worker's network namespace has `lo` alone. Its resolver answers granted names with addresses that lead to listeners of
/// the supervisor, whose relay asks this policy before it dials, by name and then by every address that the name has.
package struct EgressPolicy: Hashable, Sendable {
  /// On ports 80 and 443. Sorted, without repetition. An empty list allows nothing: it never means everything
  /// (CVE-2025-66479).
  package let hosts: [HostPattern]
  /// Beside ``hosts``, on ports 80 and 443: every name of the public DNS and every public address.
  package let allowsAnyPublicHost: Bool
  /// `network.socket` without an endpoint: everything that is public, by whatever port. The relay has no part in it; the
  /// plan has an ``OpenNetwork``.
  package let allowsEverything: Bool
  /// TCP endpoints whose bytes aren't looked at. Sorted, without repetition.
  package let endpoints: [HostEndpoint]
  /// What isn't public and may be reached where a granted host leads there. Sorted, without repetition.
  package let privateNetworks: [PrivateNetwork]
  package let caps: EgressCaps

  /// Of a worker that was granted nothing.
  package static let nothing = EgressPolicy(hosts: [])

  package init(
    hosts: [HostPattern], allowsAnyPublicHost: Bool = false, endpoints: [HostEndpoint] = [],
    privateNetworks: [PrivateNetwork] = [], caps: EgressCaps = EgressCaps(), allowsEverything: Bool = false
  ) {
    self.allowsEverything = allowsEverything
    self.hosts = Set(hosts).sorted()
    self.allowsAnyPublicHost = allowsAnyPublicHost
    self.endpoints = Set(endpoints).sorted()
    self.privateNetworks = Set(privateNetworks).sorted()
    self.caps = caps
  }

  /// True where nothing can be reached: no listeners, no resolver and no relay are needed.
  package var allowsNothing: Bool { !allowsWeb && endpoints.isEmpty && !allowsEverything }
  private var allowsWeb: Bool { allowsAnyPublicHost || !hosts.isEmpty }
}

/// What is looked at before a connection may go on.
package enum EgressRoute: Hashable, Sendable {
  /// `network.socket`: nothing.
  case raw
  /// `network.http`, port 80: the Host of the first request.
  case http
  /// `network.http`, port 443: the server name of the TLS ClientHello.
  case tls
}

extension EgressPolicy {
  package static let httpPort: UInt16 = 80
  package static let tlsPort: UInt16 = 443

  /// How a connection to a host goes; nil: it isn't granted. What `network.socket` names isn't looked at, even where
  /// `network.http` covers it too.
  package func route(to host: Host, port: UInt16) -> EgressRoute? {
    if endpoints.contains(HostEndpoint(host: host, port: port)) { return .raw }
    guard port == Self.httpPort || port == Self.tlsPort, webCovers(host) else { return nil }
    return port == Self.tlsPort ? .tls : .http
  }

  private func webCovers(_ host: Host) -> Bool {
    if hosts.contains(where: { $0.covers(host) }) { return true }
    guard allowsAnyPublicHost else { return false }
    switch host {
    case .name(let name): return name.isOfPublicDNS
    case .address(let address): return address.isPublic
    }
  }

  /// Whether the resolver inside answers for a name: some port of it is granted.
  package func mayAsk(for name: HostName) -> Bool {
    webCovers(.name(name)) || endpoints.contains { $0.host == .name(name) }
  }

  /// The TCP ports of the listeners inside, in ascending order; without those of the resolver and the proxy.
  package var ports: [UInt16] {
    Set(endpoints.map(\.port)).union(allowsWeb ? [Self.httpPort, Self.tlsPort] : []).sorted()
  }

  /// Granted by their number. Routed to `lo` like the resolver's own network, so that programs can connect to them.
  package var literalAddresses: [NetworkAddress] {
    var found = Set(endpoints.map(\.host))
    for case .exact(let host) in hosts { found.insert(host) }
    return found.compactMap { if case .address(let address) = $0 { address } else { nil } }.sorted()
  }

  /// Every permission that this policy honours: the form that it is printed in and can be made from again.
  package var permissions: [Permission] {
    var permissions: [Permission] = []
    if allowsAnyPublicHost { permissions.append(.networkHTTP(hosts: [])) }
    // An empty list of the permission would mean any public host.
    if !hosts.isEmpty { permissions.append(.networkHTTP(hosts: hosts.map(\.description))) }
    if allowsEverything { permissions.append(.networkSocket(endpoints: [])) }
    if !endpoints.isEmpty { permissions.append(.networkSocket(endpoints: endpoints.map(\.description))) }
    return permissions
  }
}

extension HostName {
  /// Names that RFC 6761 and its successors keep out of the DNS, and what private networks use.
  private static let specialDomains: Set<String> = [
    "alt", "arpa", "corp", "home", "internal", "invalid", "lan", "local", "localhost", "onion", "test",
  ]

  /// False for a name of one label, which means what each host's search list makes of it, and beneath domains that the
  /// public DNS doesn't have.
  package var isOfPublicDNS: Bool {
    let labels = labels
    return labels.count > 1 && !Self.specialDomains.contains(labels.last.map(String.init) ?? "")
  }

  /// RFC 6761 §6.3.
  package var isLocalhost: Bool { labels.last == "localhost" }
}
