import Foundation
import PluginModel
import Testing

@testable import SandboxPlanning

@Suite("a plan with a network permission") struct EgressPlanTests {
  private func granted(_ permissions: String...) throws -> SandboxPlan {
    var host = try debianHost()
    host.certificates = [
      HostFacts.CertificateDirectory(path: try path("/etc/ssl/certs"), source: try path("/etc/pki/tls/certs"))
    ]
    return try SandboxPlanner.plan(request(permissions.map { try Permission($0) }), host: host)
  }

  @Test("and none differ in what the permission names, and in nothing else")
  func difference() throws {
    let (none, some) = (try granted(), try granted("network.http:api.example.org"))
    #expect(none.relay == nil && none.egress == .nothing)
    #expect(none.widenings(over: some) == [])
    var rest = some
    rest.egress = none.egress
    rest.permissions = none.permissions
    rest.environment.removeAll { $0.name.lowercased().hasSuffix("_proxy") }
    rest.landlock.connectPorts = []
    rest.landlock.rules.removeAll { $0.path.text == "/etc/ssl/certs" }
    rest.filesystem = try rest.filesystem.compactMap { operation in
      switch operation.target.text {
      case "/etc/resolv.conf", "/etc/ssl/certs", "/etc/ssl": nil
      case "/etc/nsswitch.conf": none.filesystem.first { $0.target == operation.target }
      default: operation
      }
    }
    #expect(rest.seccomp != none.seccomp)
    rest.seccomp = none.seccomp
    #expect(rest == none)
  }

  @Test("lets Internet sockets of TCP and UDP be made and no others")
  func sockets() throws {
    let (none, some) = (try granted(), try granted("network.http"))
    let machines = (none: FilterMachine(none.seccomp.program), some: FilterMachine(some.seccomp.program))
    let number = try #require(some.seccomp.calls.first { $0.name == "socket" }?.number)
    let kinds: [UInt64] = Array(0..<12) + [15, 0x10, 0x400]
    for family in UInt64(0)..<64 {
      for kind in kinds {
        for flags: UInt64 in [0, 0x800, 0x8_0000, 0x8_0800, 0xFFFF_0000_0000_0000] {
          for proto: UInt64 in [0, 1, 2, 6, 17, 58, 132, 136, 255, 262] {
            let call = FilterMachine.Call(
              number: UInt32(number), architecture: some.seccomp.architecture.auditToken,
              arguments: [family, kind | flags, proto, 0, 0, 0])
            let isInternet = (family == 2 || family == 10) && (kind == 1 || kind == 2) && [0, 6, 17].contains(proto)
            let expected: UInt32 = family == 1 || isInternet ? 0x7FFF_0000 : 0x0005_0001
            if try machines.some.run(call) != expected { Issue.record("\(family) \(kind) \(flags) \(proto)") }
            let before: UInt32 = family == 1 ? 0x7FFF_0000 : 0x0005_0001
            if try machines.none.run(call) != before { Issue.record("without: \(family) \(kind) \(flags) \(proto)") }
          }
        }
      }
    }
    let option = try #require(some.seccomp.calls.first { $0.name == "setsockopt" })
    #expect(option.verdict(for: [3, 6, 31, 0, 0, 0]) == .fail(.notPermitted))
    #expect(option.verdict(for: [3, 6, 1, 0, 0, 0]) == .allow && option.verdict(for: [3, 1, 31, 0, 0, 0]) == .allow)
  }

  @Test("has a listener for every port that is granted, and for the relay's own services")
  func listeners() throws {
    let plan = try granted(
      "network.http:api.example.org", "network.socket:db.example.org:5432,192.0.2.7:6379,127.0.0.1:8080")
    let relay = try #require(plan.relay)
    #expect(
      relay.listeners.map(\.description) == [
        "udp 198.18.0.1:53", "tcp 198.18.0.1:53", "tcp 198.18.0.1:3128", "tcp 0.0.0.0:80", "tcp 0.0.0.0:443",
        "tcp 0.0.0.0:5432", "tcp 0.0.0.0:6379", "tcp 0.0.0.0:8080",
      ])
    #expect(relay.routes.map(\.description) == ["198.18.0.0/15", "192.0.2.7/32"])
    #expect(plan.landlock.connectPorts == [53, 80, 443, 3128, 5432, 6379, 8080])
    // Where a granted port is one of the services' own, one listener serves both.
    let services = try #require(try granted("network.socket:db.example.org:53,db.example.org:3128").relay)
    #expect(
      services.listeners.map(\.description) == ["udp 198.18.0.1:53", "tcp 0.0.0.0:53", "tcp 0.0.0.0:3128"])
  }

  @Test("is refused where it would take more sockets than a worker may have")
  func tooManyPorts() throws {
    let endpoints = (1...129).map { "db.example.org:\($0 + 1000)" }
    let refused = try #require(try refusal(of: request([.networkSocket(endpoints: endpoints)])))
    #expect(refused.request.count == 1 && refused.description.contains("129 different ports"))
    #expect(try refusal(of: request([.networkSocket(endpoints: Array(endpoints.dropLast()))])) == nil)
  }

  @Test(
    "limits connections by Landlock only where the kernel can, and never lets a port be bound", arguments: [1, 3, 4, 7])
  func landlock(abi: Int) throws {
    var host = try debianHost()
    host.landlockABI = abi
    let landlock = try plan([.networkHTTP(hosts: [])], host: host).landlock
    #expect(landlock.handledNetwork == (abi >= 4 ? 0b11 : 0))
    #expect(landlock.connectPorts == (abi >= 4 ? [53, 80, 443, 3128] : []))
  }

  @Test("is refused under a profile that lets no socket be made, instead of being without effect")
  func profile() throws {
    let asked = try request([.networkHTTP(hosts: [])], profile: shippedProfile("strict"))
    let refused = try #require(try refusal(of: asked))
    #expect(refused.request.count == 1 && refused.host.isEmpty)
    #expect(refused.description.contains("socket and connect"))
  }

  @Test("is exported with what OCI has no words for")
  func openContainers() throws {
    let annotations = try granted("network.http:api.example.org").ociConfiguration()["annotations"]
    #expect(annotations?["org.orchestrator.egress"] != nil && annotations?["org.orchestrator.egress.relay"] != nil)
    #expect(try granted().ociConfiguration()["annotations"]?["org.orchestrator.egress"] == nil)
  }

  @Test("for one plugin changes no other plugin's")
  func otherPlugins() throws {
    let before = try granted("filesystem.read")
    var other = try request([.networkHTTP(hosts: [])])
    other.plugin = try #require(PluginName("other_plugin"))
    _ = try SandboxPlanner.plan(other, host: debianHost())
    #expect(try granted("filesystem.read") == before)
  }
}
