import Foundation
import PluginModel
import Testing

@testable import SandboxPlanning

@Suite("a plan with any endpoint granted") struct OpenNetworkTests {
  private func host() throws -> HostFacts {
    try debianHost()
  }

  private func opened(_ texts: String...) throws -> OpenNetwork {
    let policy = EgressPolicy(
      hosts: [], privateNetworks: try texts.map { .network(try #require(NetworkPrefix($0))) }, allowsEverything: true)
    return OpenNetwork(program: try path("/usr/bin/pasta"), resolver: try host().resolver, policy: policy)
  }

  @Test("has pasta's network in place of the relay, and differs in nothing else from what a relay takes")
  func plan() throws {
    let (relayed, open) = (
      try SandboxPlanner.plan(request([.networkHTTP(hosts: [])]), host: host()),
      try SandboxPlanner.plan(request([.networkSocket(endpoints: [])]), host: host())
    )
    #expect(open.relay == nil && open.configuresNetwork)
    #expect(open.openNetwork?.program.text == "/usr/bin/pasta")
    #expect(open.namespaces == Namespace.allCases)
    #expect(open.seccomp == relayed.seccomp)
    #expect(open.landlock.connectPorts == [] && open.landlock.handledNetwork == 0b01, "no port may be bound")
    #expect(!open.environment.contains { $0.name.lowercased().hasSuffix("_proxy") })
    #expect(open.filesystem.contains(.file(try path("/etc/resolv.conf"), contents: "nameserver 10.0.0.53\n")))
    #expect(open.widenings(over: relayed).contains("network: everything that is public"))
    #expect(relayed.widenings(over: open).allSatisfy { !$0.contains("everything") })
    #expect(open.text.contains("through /usr/bin/pasta") && open.text.contains("169.254.0.0/16"))
    #expect(open.jsonValue["openNetwork"]?["program"] == "/usr/bin/pasta" && open.jsonValue["relay"] == nil)
    #expect(open.ociConfiguration()["annotations"]?["org.orchestrator.egress.open-network"] != nil)
  }

  @Test("is refused where the host has no pasta, with what to install and what to grant instead")
  func unavailable() throws {
    var host = try host()
    host.openNetworks = .unavailable(why: "pasta isn't installed", remedy: "install it: apt-get install passt")
    let refused = try #require(try refusal(of: request([.networkSocket(endpoints: [])]), host: host))
    #expect(refused.host.count == 1 && refused.request.isEmpty)
    #expect(
      refused.description.contains("pasta isn't installed") && refused.description.contains("apt-get install passt"))
    #expect(refused.description.contains("network.socket:HOST:PORT"))
    #expect(try refusal(of: request([.networkSocket(endpoints: ["a.org:22"])]), host: host) == nil)
  }

  @Test("starts pasta with nothing forwarded and nothing of the host mapped")
  func arguments() throws {
    let network = try opened()
    let arguments = network.arguments(for: 4711, isRoot: false)
    #expect(
      arguments == [
        "/usr/bin/pasta", "--foreground", "--quiet", "--stderr", "--ipv4-only", "--config-net", "--ns-ifname", "net0",
        "--address", "198.19.255.2", "--netmask", "30", "--gateway", "198.19.255.1", "--no-map-gw", "--tcp-ports",
        "none",
        "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none", "--no-dhcp", "--no-dhcpv6", "--no-ndp",
        "--no-ra",
        "--no-icmp", "--dns", "none", "--search", "none", "--userns", "/proc/4711/ns/user", "--netns",
        "/proc/4711/ns/net",
      ])
    let ofRoot = network.arguments(for: 4711, isRoot: true)
    #expect(Array(ofRoot[1...2]) == ["--runas", "0"] && ofRoot.count == arguments.count + 2)
  }

  @Test("refuses every address that isn't public, but for the resolver's and what the operator opened")
  func refusedAddresses() throws {
    let network = try opened("192.168.7.0/24", "169.254.169.254")
    let refused = network.refusedNetworks
    #expect(refused == refused.sorted() && Set(refused).count == refused.count)
    for text in ["192.168.7.0", "192.168.7.255", "169.254.169.254", "10.0.0.53", "8.8.8.8", "1.1.1.1", "192.0.1.1"] {
      let address = try #require(NetworkAddress(text))
      #expect(!refused.contains { $0.contains(address) }, "\(text)")
    }
    for text in [
      "192.168.6.255", "192.168.8.0", "169.254.169.253", "10.0.0.52", "10.0.0.54", "168.63.129.16", "0.0.0.0",
      "255.255.255.255", "224.0.0.1", "198.18.0.1", "198.19.0.1", "100.100.100.200", "172.31.255.255",
    ] {
      let address = try #require(NetworkAddress(text))
      #expect(refused.contains { $0.contains(address) }, "\(text)")
    }
  }

  @Test("refuses an address if and only if it isn't public and nobody opened it", arguments: 0..<20 as Range<UInt64>)
  func refusedAddressesAtRandom(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let special = IPv4Address.specialNetworks
    let opened = (0..<Int.random(in: 0...4, using: &random)).compactMap { _ -> NetworkPrefix? in
      guard let within = special.randomElement(using: &random), case .v4(let first) = within.address else { return nil }
      let length = Int.random(in: within.length...32, using: &random)
      let bits =
        first.bits | (UInt32.random(in: 0...UInt32.max, using: &random) & (UInt32.max >> UInt32(within.length)))
      return NetworkPrefix(NetworkAddress.v4(IPv4Address(bits: bits)).masked(to: length), length: length)
    }
    let policy = EgressPolicy(hosts: [], privateNetworks: opened.map { .network($0) }, allowsEverything: true)
    let network = OpenNetwork(program: try path("/usr/bin/pasta"), resolver: nil, policy: policy)
    let refused = network.refusedNetworks
    for _ in 0..<2000 {
      // Half of them close to an edge.
      let edge = (special + opened).randomElement(using: &random)
      let near = [edge?.address, edge?.lastAddress].compactMap(\.self).randomElement(using: &random)
      var bits = UInt32.random(in: 0...UInt32.max, using: &random)
      if case .v4(let near)? = near, Bool.random(using: &random) {
        bits = near.bits &+ UInt32.random(in: 0...4, using: &random) &- 2
      }
      let address = NetworkAddress.v4(IPv4Address(bits: bits))
      guard address.addressClass != .loopback else { continue }
      let isOpen = address.isPublic || opened.contains { $0.contains(address) }
      #expect(refused.contains { $0.contains(address) } == !isOpen, "\(address), opened \(opened)")
    }
    for (index, one) in refused.enumerated() {
      #expect(!refused[(index + 1)...].contains { one.contains($0) || $0.contains(one) })
    }
  }
}
