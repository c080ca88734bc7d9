import PluginModel
import SandboxPlanning
import Testing

@Suite("Where a worker may connect to")
struct EgressPolicyTests {
  private func route(_ granted: [String], _ host: String, _ port: UInt16) throws -> EgressRoute? {
    try egressPolicy(granted).route(to: Host(host), port: port)
  }

  @Test("nothing is reached unless granted")
  func nothing() throws {
    for policy in [EgressPolicy.nothing, try egressPolicy([]), try egressPolicy(["filesystem.read", "system.exec"])] {
      #expect(policy.allowsNothing && policy.ports.isEmpty && policy.permissions.isEmpty)
      for host in ["example.org", "localhost", "192.0.2.7", "8.8.8.8", "[2606:4700::1111]"] {
        for port in [53, 80, 443, 3128] as [UInt16] {
          #expect(try policy.route(to: Host(host), port: port) == nil)
          #expect(throws: EgressDenial.self) {
            try policy.dialable([address("8.8.8.8")], of: Host(host), port: port)
          }
        }
      }
      #expect(try !policy.mayAsk(for: HostName("example.org")))
    }
  }

  @Test(
    "a grant covers its hosts on its ports, and what is said there is looked at as far as the grant demands",
    arguments: [
      (["network.http:example.org"], "example.org", 443, .tls),
      (["network.http:example.org"], "example.org", 80, .http),
      (["network.http:example.org"], "example.org", 8080, nil),
      (["network.http:example.org"], "a.example.org", 443, nil),
      (["network.http:*.example.org"], "a.b.example.org", 443, .tls),
      (["network.http:*.example.org"], "example.org", 443, nil),
      (["network.http:192.0.2.7"], "192.0.2.7", 80, .http),
      (["network.http:[2001:db8::7]"], "[2001:db8::7]", 443, .tls),
      (["network.http"], "example.org", 443, .tls), (["network.http"], "example.org", 22, nil),
      (["network.http"], "8.8.8.8", 443, .tls), (["network.http"], "10.0.0.1", 443, nil),
      (["network.http"], "169.254.169.254", 80, nil), (["network.http"], "[::1]", 80, nil),
      (["network.http"], "[::ffff:10.0.0.1]", 80, nil), (["network.http"], "198.18.0.1", 80, nil),
      (["network.http"], "localhost", 80, nil), (["network.http"], "a.localhost", 80, nil),
      (["network.http"], "metadata", 80, nil), (["network.http"], "metadata.google.internal", 80, nil),
      (["network.http"], "printer.local", 80, nil), (["network.http"], "1.0.0.127.in-addr.arpa", 80, nil),
      (["network.http", "network.http:printer.local"], "printer.local", 80, .http),
      (["network.socket:db.example.org:5432"], "db.example.org", 5432, .raw),
      (["network.socket:db.example.org:5432"], "db.example.org", 443, nil),
      (["network.socket:db.example.org:5432"], "db.example.org", 5433, nil),
      (["network.socket:example.org:443", "network.http:example.org"], "example.org", 443, .raw),
      (["network.socket:example.org:443", "network.http:example.org"], "example.org", 80, .http),
      (["network.socket:[2001:db8::7]:25"], "[2001:db8::7]", 25, .raw),
    ] as [([String], String, UInt16, EgressRoute?)])
  func routes(granted: [String], host: String, port: UInt16, expected: EgressRoute?) throws {
    #expect(try route(granted, host, port) == expected)
  }

  @Test("the listeners are those of the granted ports, and literal addresses are routed")
  func listeners() throws {
    let policy = try egressPolicy([
      "network.http:example.org,192.0.2.7", "network.socket:db.example.org:5432,[2001:db8::7]:25,192.0.2.7:22",
    ])
    #expect(policy.ports == [22, 25, 80, 443, 5432])
    #expect(policy.literalAddresses.map(\.description) == ["192.0.2.7", "2001:db8::7"])
    #expect(try egressPolicy(["network.socket:db.example.org:5432"]).ports == [5432])
  }

  /// CVE-2025-66479: a list without items was taken for no list, and everything was allowed.
  @Test("a list that has become empty allows nothing")
  func emptyList() throws {
    let policy = EgressPolicy(hosts: [])
    #expect(policy.allowsNothing)
    #expect(policy.permissions.isEmpty)
    #expect(try policy.route(to: Host("example.org"), port: 443) == nil)
    let refused = #expect(throws: Diagnostics.self) { try egressPolicy(["network.http"], allowedHosts()) }
    #expect(refused?.items.first?.hint?.contains("allows nothing") == true)
  }

  @Test("nothing outside of what the operator allows may be granted, and the refusal says where that stands")
  func ceiling() throws {
    let ceiling = try allowedHosts("*.example.org", "192.0.2.7")
    #expect(try egressPolicy(["network.http:a.example.org,*.b.example.org,192.0.2.7"], ceiling).hosts.count == 3)
    #expect(try egressPolicy(["network.socket:a.example.org:22"], ceiling).endpoints.count == 1)
    for granted in [
      "network.http", "network.http:example.org", "network.http:example.com", "network.http:*.org.uk",
      "network.socket:example.org:22", "network.socket:192.0.2.8:22", "network.http:a.example.org,b.example.com",
    ] {
      let refused = #expect(throws: Diagnostics.self, "\(granted)") { try egressPolicy([granted], ceiling) }
      #expect(refused?.items.count == 1)
      #expect(refused?.items.allSatisfy { $0.location?.line == 4 && $0.hint != nil } == true)
    }
  }

  @Test("any endpoint at all is more than a list of hosts, and every refusal is told at once")
  func bareSocket() throws {
    #expect(try egressPolicy(["network.socket"]).allowsEverything)
    #expect(try egressPolicy(["network.socket:a.org:22", "network.http"]).allowsEverything == false)
    let refused = #expect(throws: Diagnostics.self) {
      try egressPolicy(["network.socket", "network.http", "network.http:a.org"], allowedHosts("b.org"))
    }
    #expect(refused?.items.count == 3)
  }

  @Test("scopes that no reader let through are refused here too")
  func unread() throws {
    let granted: [Permission] = [
      .networkHTTP(hosts: ["*", "127.1", "a.org."]), .networkSocket(endpoints: ["a.org", "*.a.org:22"]),
    ]
    let refused = #expect(throws: Diagnostics.self) { try EgressPolicy(granted: granted, operator: OperatorNetwork()) }
    #expect(refused?.items.count == 5)
  }

  @Test(
    "an address that isn't public is never dialled unless the operator opened it for that host and port",
    arguments: [
      ("10.0.0.1", [], false), ("127.0.0.1", [], false), ("169.254.169.254", [], false), ("::1", [], false),
      ("::ffff:10.0.0.1", [], false), ("::ffff:8.8.8.8", [], false), ("64:ff9b::a00:1", [], false),
      ("64:ff9b::808:808", [], true), ("2002:a00:1::", [], false), ("fd00:ec2::254", [], false),
      ("198.18.1.1", [], false),
      ("8.8.8.8", [], true), ("10.1.2.3", ["10.1.0.0/16"], true), ("10.2.2.3", ["10.1.0.0/16"], false),
      ("::ffff:10.1.2.3", ["10.1.0.0/16"], false), ("127.0.0.1", ["127.0.0.1"], true),
      ("10.1.2.3", ["db.example.org:5432"], true), ("10.1.2.3", ["db.example.org:5433"], false),
      ("10.1.2.3", ["*.example.org:5432"], true), ("10.1.2.3", ["*.example.com:5432"], false),
      ("fd12::1", ["db.example.org:5432"], true), ("100.64.0.1", ["db.example.org:5432"], true),
      // Who owns a name chooses where it leads: not to the host itself, and not to who hands out credentials.
      ("127.0.0.1", ["db.example.org:5432"], false), ("169.254.169.254", ["db.example.org:5432"], false),
      ("169.254.1.1", ["db.example.org:5432"], false), ("100.100.100.200", ["db.example.org:5432"], false),
      ("fd00:ec2::254", ["db.example.org:5432"], false), ("fd00:ec2::254", ["fd00::/8"], false),
      ("169.254.169.254", ["169.254.0.0/16"], false), ("169.254.7.7", ["169.254.0.0/16"], true),
      ("100.100.100.200", ["100.64.0.0/10"], false), ("169.254.169.254", ["169.254.169.254"], true),
      ("0.0.0.0", ["db.example.org:5432"], false), ("224.0.0.1", ["db.example.org:5432"], false),
    ] as [(String, [String], Bool)])
  func addresses(text: String, opened: [String], isDialled: Bool) throws {
    var network = OperatorNetwork()
    for item in opened { network.privateNetworks += try privateNetworks(item).privateNetworks }
    let policy = try egressPolicy(["network.socket:db.example.org:5432"], network)
    let host = try Host("db.example.org")
    let asked = try address(text)
    if isDialled {
      #expect(try policy.dialable([asked], of: host, port: 5432) == [asked])
      return
    }
    let denial = #expect(throws: EgressDenial.self) { try policy.dialable([asked], of: host, port: 5432) }
    #expect(denial?.reason == .privateAddress(asked))
    #expect(denial?.diagnostic.description.contains(text) == true)
    // One such address denies all, wherever it stands: what is left would be the choice of who owns the name.
    for addresses in [[try address("8.8.8.8"), asked], [asked, try address("8.8.8.8")]] {
      #expect(throws: EgressDenial.self) { try policy.dialable(addresses, of: host, port: 5432) }
    }
  }

  @Test("localhost is the host itself where it is granted and opened by that name")
  func localhost() throws {
    let granted = ["network.socket:localhost:11434"]
    let loopback = try [address("127.0.0.1"), address("::1")]
    #expect(throws: EgressDenial.self) {
      try egressPolicy(granted).dialable(loopback, of: Host("localhost"), port: 11434)
    }
    let policy = try egressPolicy(granted, privateNetworks("localhost:11434"))
    #expect(try policy.dialable(loopback, of: Host("localhost"), port: 11434) == loopback)
    #expect(try NameTable().host(at: loopback[0], port: 11434, policy: policy) == Host("localhost"))
    #expect(try NameTable().host(at: loopback[1], port: 11434, policy: policy) == Host("localhost"))
    #expect(NameTable().host(at: loopback[0], port: 80, policy: policy) == nil)
  }

  @Test("a thousand addresses are all checked and few are dialled")
  func manyAddresses() throws {
    let policy = try egressPolicy(["network.http:example.org"])
    var addresses = (0..<1000).map { NetworkAddress.v4(IPv4Address(bits: 0x0808_0000 + $0)) }
    #expect(try policy.dialable(addresses, of: Host("example.org"), port: 443).count == EgressPolicy.maximumAddresses)
    addresses.append(try address("10.0.0.1"))
    #expect(throws: EgressDenial.self) { try policy.dialable(addresses, of: Host("example.org"), port: 443) }
    #expect(try policy.dialable([], of: Host("example.org"), port: 443) == [])
  }

  // MARK: Properties

  private static let permissions = [
    "network.http", "network.http:a.org", "network.http:*.a.org", "network.http:*.b.a.org,192.0.2.7",
    "network.http:localhost",
    "network.socket:a.org:443", "network.socket:a.org:22,b.a.org:22", "network.socket:10.0.0.7:22",
    "network.http:a.local",
  ]
  private static let networks = [
    "10.0.0.0/8", "127.0.0.1", "a.org:22", "*.a.org:443", "localhost:80", "169.254.169.254",
  ]

  private func subset<Item>(_ items: [Item], _ random: inout SplitMix64) -> [Item] {
    items.filter { _ in Bool.random(using: &random) }
  }

  private func policy(_ granted: [String], _ opened: [String]) throws -> EgressPolicy {
    var network = OperatorNetwork()
    for item in opened { network.privateNetworks += try privateNetworks(item).privateNetworks }
    return try egressPolicy(granted, network)
  }

  @Test("a permission or a private network more denies nothing that was allowed", arguments: [81, 82, 83] as [UInt64])
  func widening(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let hosts = try [
      "a.org", "b.a.org", "c.b.a.org", "localhost", "a.local", "192.0.2.7", "10.0.0.7", "8.8.8.8", "x",
    ].map { try Host($0) }
    let addresses = try ["8.8.8.8", "10.0.0.7", "127.0.0.1", "169.254.169.254", "fd00::1", "192.0.2.7"].map(address)
    for _ in 0..<60 {
      let granted = subset(Self.permissions, &random)
      let opened = subset(Self.networks, &random)
      let more = granted + subset(Self.permissions, &random)
      let moreOpened = opened + subset(Self.networks, &random)
      let narrow = try policy(granted, opened)
      let wide = try policy(more, moreOpened)
      #expect(narrow.widenings(over: wide).isEmpty, "\(granted) \(more)")
      for host in hosts {
        for port in [22, 80, 443] as [UInt16] where narrow.route(to: host, port: port) != nil {
          let route = wide.route(to: host, port: port)
          // Nothing that was passed on unseen is looked at now.
          #expect(route == narrow.route(to: host, port: port) || route == .raw)
          if case .name(let name) = host { #expect(wide.mayAsk(for: name)) }
          let dialled = addresses.filter { (try? narrow.dialable([$0], of: host, port: port)) != nil }
          if !dialled.isEmpty { #expect((try? wide.dialable(dialled, of: host, port: port)) == dialled) }
        }
      }
    }
  }

  @Test(
    "a policy is made again from what it prints, whatever the order of its grants", arguments: [84, 85] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let granted = subset(Self.permissions, &random)
      let opened = subset(Self.networks, &random)
      let policy = try policy(granted, opened)
      #expect(try self.policy((granted + granted).shuffled(using: &random), opened.shuffled(using: &random)) == policy)
      #expect(
        try self.policy(policy.permissions.map(\.description), policy.privateNetworks.map(\.description)) == policy)
    }
  }

  @Test("what one plugin is granted changes nothing for another")
  func independent() throws {
    let network = try privateNetworks("10.0.0.0/8")
    let before = try egressPolicy(["network.http:a.org"], network)
    _ = try egressPolicy(["network.http", "network.socket:b.org:22"], network)
    #expect(try egressPolicy(["network.http:a.org"], network) == before)
  }

  @Test("a plan prints every host, endpoint, private network and cap")
  func printed() throws {
    var plan = try plan()
    #expect(!plan.text.contains("\nnetwork\n"))
    var network = try privateNetworks("10.0.0.0/8")
    network.caps = EgressCaps(connectionsAtOnce: 7, connectionsInTotal: 70, bytesUp: 700, bytesDown: 7000)
    plan.egress = try egressPolicy(["network.http:a.org", "network.http", "network.socket:b.org:22"], network)
    for line in [
      "any public host: ports 80 and 443", "a.org: ports 80 and 443", "b.org:22: TCP, not looked at", "10.0.0.0/8",
      "at most 7 connections at once", "at most 70 connections", "at most 700 bytes sent",
      "at most 7000 bytes received",
    ] {
      #expect(plan.text.contains(line), "\(line)")
    }
    #expect(try plan.widenings(over: SandboxPlanner.plan(request(), host: debianHost())).count == 4)
  }
}
