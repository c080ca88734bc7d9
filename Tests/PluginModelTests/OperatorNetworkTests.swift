import PluginModel
import Testing

@Suite("The operator's network")
struct OperatorNetworkTests {
  private func read(_ network: String) throws(Diagnostics) -> OperatorNetwork {
    try SystemConfiguration(yaml: Array("plugins:\n  security:\n    network:\n\(network)".utf8), file: "s.yaml").network
  }

  @Test("is read whole, with the places of what it allows")
  func whole() throws {
    let network = try read(
      """
            allowed_hosts: [api.example.org, "*.Example.ORG", 192.0.2.7]
            private_networks: [10.1.0.0/16, 127.0.0.1, "db.internal:5432", "*.corp.example:443", "[fd12::7]:443", "fd12::/16"]
            max_connections: {at_once: 10, in_total: 1000}
            max_bytes: {up: 1Gi, down: 2Gi}
      """)
    #expect(network.allowedHosts?.value.map(\.description) == ["api.example.org", "*.example.org", "192.0.2.7"])
    #expect(network.allowedHosts?.location == PluginModel.SourceLocation(file: "s.yaml", line: 4, column: 22))
    #expect(
      network.privateNetworks.map(\.value.description) == [
        "10.1.0.0/16", "127.0.0.1", "db.internal:5432", "*.corp.example:443", "[fd12::7]:443", "fd12::/16",
      ])
    #expect(network.privateNetworks.allSatisfy { $0.location.line == 5 })
    #expect(
      network.caps
        == EgressCaps(connectionsAtOnce: 10, connectionsInTotal: 1000, bytesUp: 1 << 30, bytesDown: 2 << 30))
  }

  @Test("has documented defaults, and one number stands for both directions")
  func defaults() throws {
    #expect(try SystemConfiguration(yaml: Array("{}".utf8), file: "s.yaml").network == OperatorNetwork())
    #expect(OperatorNetwork().caps.connectionsAtOnce == 1024)
    let network = try read("      max_connections: 7\n      max_bytes: 5M\n")
    #expect(network.caps == EgressCaps(connectionsAtOnce: 7, bytesUp: 5_000_000, bytesDown: 5_000_000))
    #expect(network.allowedHosts == nil)
  }

  /// CVE-2025-66479: an empty list that was taken for no list.
  @Test("an empty list of hosts allows none, and is not the absence of a list")
  func empty() throws {
    #expect(try read("      allowed_hosts: []\n").allowedHosts?.value == [])
    let found = problems { () throws(Diagnostics) in _ = try read("      allowed_hosts:\n") }
    #expect(found.count == 1 && found[0].hasPrefix("s.yaml:4:"), "\(found)")
  }

  @Test(
    "what would open more than was meant is refused with its line",
    arguments: [
      "allowed_hosts: ['*']", "allowed_hosts: ['*.org']", "allowed_hosts: [example.org.]",
      "allowed_hosts: [bücher.example]",
      "allowed_hosts: [2130706433]", "allowed_hosts: ['127.1']", "allowed_hosts: example.org",
      "allowed_hosts: ['a.org:443']", "private_networks: [0.0.0.0/0]", "private_networks: ['::/0']",
      "private_networks: [8.8.8.8]", "private_networks: [10.0.0.1/8]", "private_networks: [192.168.0.0/13]",
      "private_networks: [172.16.0.0/11]", "private_networks: [198.18.0.0/15]", "private_networks: [224.0.0.0/4]",
      "private_networks: ['::ffff:10.0.0.1']", "private_networks: ['64:ff9b::10.0.0.1']", "private_networks: [0.0.0.0]",
      "private_networks: [255.255.255.255]", "private_networks: [240.0.0.0/8]", "private_networks: ['fe80::/9']",
      "private_networks: [db.internal]", "private_networks: ['db.internal:0']", "private_networks: ['*.internal:80']",
      "private_networks: ['8.8.8.8:53']", "private_networks: ['a/b:80']", "private_networks: ['']",
      "max_connections: 0",
      "max_connections: {at_once: 0}", "max_connections: {per_second: 1}", "max_bytes: much", "max_bytes: {both: 1Gi}",
      "allowed_host: [a.org]",
    ])
  func refused(line: String) {
    let found = problems { () throws(Diagnostics) in _ = try read("      \(line)\n") }
    #expect(found.count == 1 && found[0].hasPrefix("s.yaml:4:"), "\(found)")
  }

  @Test(
    "private networks, the host itself and a single metadata address can be opened",
    arguments: [
      "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "169.254.169.254", "fc00::/7", "192.0.2.0/24", "fe80::/10",
    ])
  func opened(text: String) throws { #expect(try PrivateNetwork(text).description == text) }
}
