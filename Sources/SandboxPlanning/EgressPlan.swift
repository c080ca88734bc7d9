import PluginModel

/// What a worker with a network permission has for a network: a namespace of its own with nothing in it but the loopback interface,
/// to which every address of ``NameTable/network`` leads, and sockets there that the supervisor's relay answers by ``policy``.
package struct EgressPlan: Hashable, Sendable {
  /// Each is a socket of every worker that has them.
  package static let maximumPorts = 128

  package var policy: EgressPolicy

  package init(policy: EgressPolicy) { self.policy = policy }

  /// Nil where there is nothing to be relayed.
  static func relayed(_ policy: EgressPolicy) -> EgressPlan? {
    policy.allowsNothing || policy.allowsEverything ? nil : EgressPlan(policy: policy)
  }

  /// What leads to the loopback interface inside: the addresses that stand for names, and those that are granted by their number.
  package var routes: [EgressRoutedNetwork] {
    let names = EgressRoutedNetwork(
      address: NameTable.network.bits, prefixLength: UInt32(NameTable.networkLength))
    let literal = policy.literalAddresses.compactMap { address -> EgressRoutedNetwork? in
      guard case .v4(let address) = address, address.addressClass != .loopback, !names.contains(address.bits) else {
        return nil
      }
      return EgressRoutedNetwork(address: address.bits, prefixLength: 32)
    }
    return [names] + literal
  }

  /// Made by `sandbox-init` in this order, and handed to the relay.
  package var listeners: [EgressListener] {
    let ports = policy.ports
    let services = [NameTable.resolverPort, NameTable.proxyPort].filter { !ports.contains($0) }
    return [EgressListener(address: NameTable.services.bits, port: NameTable.resolverPort, isStream: false)]
      + services.map { EgressListener(address: NameTable.services.bits, port: $0, isStream: true) }
      + ports.map { EgressListener(address: 0, port: $0, isStream: true) }
  }

  /// What Landlock lets the worker connect to.
  var connectPorts: [UInt16] {
    Set(policy.ports + [NameTable.resolverPort, NameTable.proxyPort]).sorted()
  }

  /// Of the worker: where programs look for a proxy, some in capitals and some not. Those that don't look reach the same hosts
  /// by their names; those that do are told why one is refused.
  var environment: [EnvironmentVariable] {
    let proxy = "http://\(NameTable.services):\(NameTable.proxyPort)"
    let none = "localhost,127.0.0.1,::1"
    return [
      EnvironmentVariable("HTTPS_PROXY", proxy), EnvironmentVariable("HTTP_PROXY", proxy),
      EnvironmentVariable("NO_PROXY", none), EnvironmentVariable("http_proxy", proxy),
      EnvironmentVariable("https_proxy", proxy), EnvironmentVariable("no_proxy", none),
    ]
  }

  /// resolv.conf(5).
  static let resolverConfiguration = "nameserver \(NameTable.services)\n"
}

extension EgressPlan {
  /// For a person who reviews the plan, after what the policy says.
  var lines: [String] {
    [
      "nothing else: no other address, no UDP, no interface but lo",
      "to lo lead \(routes.map(\.description).joined(separator: ", "))",
      "the relay answers \(listeners.map(\.description).joined(separator: ", "))",
    ]
  }

  /// For programs.
  var jsonValue: JSONValue {
    ["routes": .strings(routes.map(\.description)), "listeners": .strings(listeners.map(\.description))]
  }
}

/// Addresses of IPv4 that are the worker's own.
package struct EgressRoutedNetwork: Hashable, Sendable, CustomStringConvertible {
  package var address: UInt32
  package var prefixLength: UInt32

  package var description: String { "\(IPv4Address(bits: address))/\(prefixLength)" }

  /// `prefixLength` is from 1 to 32.
  fileprivate func contains(_ other: UInt32) -> Bool { (address ^ other) >> (32 - prefixLength) == 0 }
}

/// A socket in the worker's network namespace, bound to an address of IPv4.
package struct EgressListener: Hashable, Sendable, CustomStringConvertible {
  /// 0: every address that leads to the loopback interface.
  package var address: UInt32
  package var port: UInt16
  /// TCP; otherwise UDP.
  package var isStream: Bool

  package init(address: UInt32, port: UInt16, isStream: Bool) {
    self.address = address
    self.port = port
    self.isStream = isStream
  }

  package var description: String { "\(isStream ? "tcp" : "udp") \(IPv4Address(bits: address)):\(port)" }
}
