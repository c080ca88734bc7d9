import PluginModel

/// The addresses that stand for names inside one worker's network namespace: of 198.18.0.0/15, which RFC 2544 keeps for
/// measurements and no host has, routed to `lo` there.
///
/// What a name got it keeps as long as the worker lives, so that no address ever means another name than the one a
/// program asked for. Bounded: a worker that asks for more names than it can use gets no answer for the rest.
package struct NameTable: Hashable, Sendable {
  /// What is routed to `lo` inside.
  package static let network = IPv4Address(198, 18, 0, 0)
  package static let networkLength = 15
  /// The resolver and the proxy. No name has an address of its first /24.
  package static let services = IPv4Address(198, 18, 0, 1)
  package static let resolverPort: UInt16 = 53
  package static let proxyPort: UInt16 = 3128
  package static let capacity = 4096
  private static let first = IPv4Address(198, 18, 1, 1)

  private var names: [HostName] = []
  private var positions: [HostName: Int] = [:]

  package init() {}

  package var count: Int { names.count }

  /// The address that a name has, from now on. Nil: the table is full.
  package mutating func address(of name: HostName) -> IPv4Address? {
    if let position = positions[name] { return Self.address(at: position) }
    guard names.count < Self.capacity else { return nil }
    positions[name] = names.count
    names.append(name)
    return Self.address(at: names.count - 1)
  }

  /// Nil for an address that was never given out.
  package func name(of address: IPv4Address) -> HostName? {
    guard address >= Self.first else { return nil }
    let position = Int(address.bits - Self.first.bits)
    return position < names.count ? names[position] : nil
  }

  private static func address(at position: Int) -> IPv4Address {
    IPv4Address(bits: first.bits + UInt32(truncatingIfNeeded: position))
  }
}

extension NameTable {
  /// What a connection inside was meant for, by the accepted socket's own address. Nil: nothing that this worker knows of.
  ///
  /// Programs know `localhost` and literal addresses without asking; those are what they say where they are granted.
  package func host(at destination: NetworkAddress, port: UInt16, policy: EgressPolicy) -> Host? {
    switch destination {
    case .v4(let address):
      if let name = name(of: address) { return .name(name) }
      if policy.route(to: .address(destination), port: port) != nil { return .address(destination) }
      guard address.addressClass == .loopback else { return nil }
    case .v6(let address):
      if let mapped = address.ipv4Mapped { return host(at: .v4(mapped), port: port, policy: policy) }
      if policy.route(to: .address(destination), port: port) != nil { return .address(destination) }
      guard address.addressClass == .loopback else { return nil }
    }
    guard let localhost = try? Host("localhost"), policy.route(to: localhost, port: port) != nil else { return nil }
    return localhost
  }
}
