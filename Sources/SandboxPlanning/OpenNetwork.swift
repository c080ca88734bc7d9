import PluginModel

/// What a worker with `network.socket`, granted without an endpoint, has for a network: an interface in its namespace whose packets
/// pasta(1) turns into connections of the supervisor's user. Nothing of them is looked at, and no name is resolved for it.
///
/// What isn't public stays out of reach by routes that refuse it, made by pid 1 before it drops its rights: the worker has no
/// capability in its namespace to change them. IPv4 alone.
package struct OpenNetwork: Hashable, Sendable {
  /// pasta of the host.
  package var program: AbsolutePath
  /// Where names are asked for: the host's own resolver, the one address that is let through although it may be private.
  package var resolver: IPv4Address?
  /// Opened by the operator, by their address. Sorted.
  package var openedNetworks: [NetworkPrefix]

  package init(program: AbsolutePath, resolver: IPv4Address?, policy: EgressPolicy) {
    self.program = program
    self.resolver = resolver
    openedNetworks = policy.privateNetworks.compactMap {
      guard case .network(let prefix) = $0, case .v4 = prefix.address else { return nil }
      return prefix
    }
  }

  /// The interface, its address and who its packets are handed to: of the network that names have elsewhere, RFC 2544.
  private static let interface = "net0"
  private static let address = IPv4Address(198, 19, 255, 2)
  private static let gateway = IPv4Address(198, 19, 255, 1)
  private static let prefixLength = 30

  /// Of pasta(1), for the namespaces of a process.
  /// - Parameter isRoot: pasta would become nobody then, who may not enter the namespaces of others.
  package func arguments(for process: Int32, isRoot: Bool) -> [String] {
    [program.text] + (isRoot ? ["--runas", "0"] : []) + [
      "--foreground", "--quiet", "--stderr", "--ipv4-only", "--config-net", "--ns-ifname", Self.interface,
      "--address", Self.address.description, "--netmask", String(Self.prefixLength), "--gateway",
      Self.gateway.description,
      // Nothing of this host by way of the gateway, and no port of either side forwarded to the other.
      "--no-map-gw", "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none",
      // Nobody inside asks for an address, and a worker can't send what isn't TCP or UDP.
      "--no-dhcp", "--no-dhcpv6", "--no-ndp", "--no-ra", "--no-icmp", "--dns", "none", "--search", "none",
      "--userns", "/proc/\(process)/ns/user", "--netns", "/proc/\(process)/ns/net",
    ]
  }

  /// What no packet goes to, in ascending order: all that isn't public but for what is opened and the resolver.
  package var refusedNetworks: [NetworkPrefix] {
    let open = openedNetworks + (resolver.map { [NetworkPrefix(.v4($0))] } ?? [])
    return NetworkPrefix.outermost(IPv4Address.specialNetworks).flatMap { $0.subtracting(open) }
      // The interface of the namespace itself answers these: 127.0.0.0/8.
      .filter { $0.address.addressClass != .loopback }.sorted()
  }

  /// resolv.conf(5); empty: no name is resolved.
  var resolverConfiguration: String { resolver.map { "nameserver \($0)\n" } ?? "" }

  /// For a person who reviews the plan.
  var lines: [String] {
    [
      "every public address of IPv4, TCP and UDP, through \(program); nothing is looked at or counted",
      resolver.map { "names are asked of \($0)" }
        ?? "no resolver: this host names none that is reached from a namespace",
    ] + openedNetworks.map { "not public, opened by the operator: \($0)" } + [
      "refused: " + refusedNetworks.map(\.description).joined(separator: ", ")
    ]
  }

  /// For programs.
  var jsonValue: JSONValue {
    [
      "program": .string(program.text), "resolver": resolver.map { .string($0.description) } ?? .null,
      "refused": .strings(refusedNetworks.map(\.description)),
    ]
  }
}

extension NetworkPrefix {
  /// Those that no other of them contains.
  static func outermost(_ prefixes: [NetworkPrefix]) -> [NetworkPrefix] {
    Set(prefixes).filter { one in !prefixes.contains { $0 != one && $0.contains(one) } }.sorted()
  }

  func contains(_ other: NetworkPrefix) -> Bool { other.length >= length && contains(other.address) }

  /// As few networks as hold all of this one's addresses that none of `others` has.
  func subtracting(_ others: [NetworkPrefix]) -> [NetworkPrefix] {
    if others.contains(where: { $0.contains(self) }) { return [] }
    guard others.contains(where: { contains($0) }) else { return [self] }
    return halves.flatMap { $0.subtracting(others) }
  }

  /// None of a single address.
  private var halves: [NetworkPrefix] {
    guard !isSingleAddress, let low = NetworkPrefix(address, length: length + 1),
      let high = NetworkPrefix(lastAddress.masked(to: length + 1), length: length + 1)
    else { return [] }
    return [low, high]
  }
}
