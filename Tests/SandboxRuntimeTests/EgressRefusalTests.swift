import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("A worker's relay refuses", .enabled(if: geteuid() == 0))
  struct EgressRefusalTests {
    private let site = "api.example.org"
    private static let reset = "ConnectionResetError: [Errno 104] Connection reset by peer\n"

    /// One request by hand: what came back, first line only.
    private static func raw(_ host: String, _ port: Int, _ bytes: String) -> String {
      """
      def raw():
          with socket.create_connection((\(host), \(port)), 10) as s:
              s.sendall(\(bytes))
              return s.makefile("rb").readline()
      print(said(raw))
      """
    }

    @Test("addresses that stand for no granted name, in any spelling, and the services' own network")
    func literals() async throws {
      let peer = try PeerServers(ports: [9000])
      for address in [
        "127.0.0.1", peer.address, "198.18.200.7", "198.18.0.2", "2130706433", "0x7f.1", "::ffff:127.0.0.1",
      ] {
        let outcome = try await EgressHarness().run(
          Self.raw("\"\(address)\"", 9000, "b'x'"), "network.socket:echo.example.org:9000", opened: [])
        #expect(outcome.output == Self.reset, "\(address): \(outcome.output)\(outcome.error)")
        #expect(outcome.denials.count == 1 && outcome.use.connections == 0, "\(address): \(outcome.denials)")
      }
      for address in ["169.254.169.254", "10.0.0.1", "8.8.8.8"] {
        let outcome = try await EgressHarness().run(
          Self.raw("\"\(address)\"", 9000, "b'x'"), "network.socket:echo.example.org:9000")
        #expect(outcome.output == "OSError: [Errno 101] Network is unreachable\n")
      }
    }

    @Test(
      "the same of a proxy's client, and says so",
      arguments: [
        "127.0.0.1:80", "2130706433:80", "0x7f000001:80", "0177.0.0.1:80", "127.1:80", "169.254.169.254:80", "[::1]:80",
        "[::ffff:127.0.0.1]:80", "localhost:80", "api.example.org:8443", "other.example.org:443", "api.example.org.:80",
        "api.example.org\\0.evil.example:80", "xn--pi-7ka.example.org:443", "\u{430}pi.example.org:443",
      ])
    func proxied(_ target: String) async throws {
      let peer = try PeerServers()
      let harness = try EgressHarness([site: [[peer.address]], "localhost": [["127.0.0.1"]]])
      let outcome = try await harness.run(
        Self.raw("\"198.18.0.1\"", 3128, "\"CONNECT \(target) HTTP/1.1\\r\\nHost: \(target)\\r\\n\\r\\n\".encode()"),
        "network.http:\(site)", opened: [])
      #expect(outcome.output.contains("HTTP/1.1 40"), "\(target): \(outcome.output)\(outcome.error)")
      #expect(outcome.use.denials.count == 1 && outcome.use.connections == 0)
      #expect(harness.resolver.questions.filter { $0 != site } == [])
    }

    @Test("a name that leads to an address that isn't public")
    func privateName() async throws {
      for address in [
        "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "::1", "fe80::1", "fd00::1",
      ] {
        let harness = try EgressHarness([site: [[address]]])
        let outcome = try await harness.run(
          Self.raw("\"\(site)\"", 80, "b'GET / HTTP/1.1\\r\\nHost: \(site)\\r\\n\\r\\n'"), "network.http:\(site)",
          opened: [])
        #expect(outcome.output == "b'HTTP/1.1 403 Forbidden\\r\\n'\n", "\(address): \(outcome.output)\(outcome.error)")
        #expect(outcome.denials.first?.contains(address) == true, "\(outcome.denials)")
        #expect(outcome.use.connections == 0)
      }
    }

    @Test("a name that leads elsewhere the second time (rebinding), or to both at once")
    func rebinding() async throws {
      let peer = try PeerServers()
      let harness = try EgressHarness([site: [[peer.address], ["127.0.0.1"], [peer.address, "127.0.0.1"]]])
      let request = Self.raw("\"\(site)\"", 80, "b'GET / HTTP/1.1\\r\\nHost: \(site)\\r\\n\\r\\n'")
      let outcome = try await harness.run([request, request, request].joined(separator: "\n"), "network.http:\(site)")
      #expect(
        outcome.output
          == "b'HTTP/1.1 200 OK\\r\\n'\n" + String(repeating: "b'HTTP/1.1 403 Forbidden\\r\\n'\n", count: 2),
        "\(outcome.error)")
      #expect(harness.resolver.questions.count == 3)
      #expect(outcome.use.connections == 1)
    }

    @Test("what says another host than the name that was connected to, or none")
    func otherHosts() async throws {
      let certificates = try Certificates(site)
      let peer = try PeerServers(certificates: certificates)
      let harness = try EgressHarness([site: [[peer.address]], "cdn.example.org": [[peer.address]]])
      let outcome = try await harness.run(
        """
        def tls(name):
            context = trusting()
            context.check_hostname = False
            with context.wrap_socket(socket.create_connection(("\(site)", 443), 10), server_hostname=name) as s:
                return s.version()
        print(said(lambda: tls("cdn.example.org")))
        print(said(lambda: tls(None)))
        print(said(lambda: tls("\(site)")))
        def web(bytes):
            with socket.create_connection(("\(site)", 80), 10) as s:
                s.sendall(bytes)
                return s.makefile("rb").readline()
        print(said(lambda: web(b"GET / HTTP/1.1\\r\\nHost: cdn.example.org\\r\\n\\r\\n")))
        print(said(lambda: web(b"GET / HTTP/1.1\\r\\n\\r\\n")))
        print(said(lambda: web(b"GET / HTTP/1.1\\r\\nHost: \(site)\\0.evil.example\\r\\n\\r\\n")))
        print(said(lambda: web(b"SSH-2.0-x\\r\\n\\r\\n")))
        """, "network.http:\(site),cdn.example.org", authority: try certificates.authority)
      let lines = outcome.output.split(separator: "\n").map(String.init)
      try #require(lines.count == 7, "\(outcome.output) \(outcome.error)")
      #expect(lines[0].contains("access denied") && lines[1].contains("access denied"), "\(lines)")
      #expect(lines[2] == "TLSv1.3")
      for line in lines[3...] { #expect(line.contains("HTTP/1.1 403"), "\(line)") }
      #expect(outcome.use.connections == 1)
    }

    @Test("names that aren't granted, and never asks the host for them")
    func names() async throws {
      let harness = try EgressHarness([site: [["127.0.0.1"]]])
      let outcome = try await harness.run(
        """
        for name in ("evil.example", "secret.\(site)", "\(site).evil.example", "localhost.localdomain"):
            print(said(lambda: socket.getaddrinfo(name, 80)))
        print(socket.getaddrinfo("\(site)", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4])
        """, "network.http:\(site)")
      #expect(
        outcome.output == String(repeating: "gaierror: [Errno -2] Name or service not known\n", count: 4)
          + "('198.18.1.1', 80)\n", "\(outcome.error)")
      #expect(harness.resolver.questions == [])
      #expect(outcome.use.denials.count == 4)
    }

    @Test("more than the operator's caps")
    func caps() async throws {
      let peer = try PeerServers(ports: [9000])
      let names = ["echo.example.org": [[peer.address]]]
      let three = """
        kept = [said(lambda: socket.create_connection(("echo.example.org", 9000), 10)) for _ in range(3)]
        def ping(s):
            if isinstance(s, str):
                raise ConnectionError(s)
            s.sendall(b"x")
            return s.recv(1)
        print([said(lambda: ping(s))[:1] for s in kept])
        """
      let atOnce = try await EgressHarness(names).run(
        three, "network.socket:echo.example.org:9000", caps: EgressCaps(connectionsAtOnce: 2))
      #expect(atOnce.output == "[b'x', b'x', 'C']\n", "\(atOnce.output) \(atOnce.error)")
      #expect(atOnce.denials.count == 1 && atOnce.use.connections == 2)
      let total = try await EgressHarness(names).run(
        three, "network.socket:echo.example.org:9000", caps: EgressCaps(connectionsInTotal: 1))
      #expect(total.output == "[b'x', 'C', 'C']\n", "\(total.output) \(total.error)")
      let bytes = try await EgressHarness(names).run(
        """
        s = socket.create_connection(("echo.example.org", 9000), 10)
        def flood():
            while True:
                s.sendall(bytes(65536))
        print(said(flood)[:10])
        """, "network.socket:echo.example.org:9000", caps: EgressCaps(bytesUp: 1 << 20))
      #expect(
        bytes.output.hasPrefix("Connection") || bytes.output.hasPrefix("BrokenPipe"), "\(bytes.output)\(bytes.error)")
      #expect(bytes.use.bytesSent <= (1 << 20) + UInt64(RelayFlow.limit), "\(bytes.use)")
    }

    @Test("nothing of a worker without a network permission, which has no relay")
    func none() async throws {
      let harness = try EgressHarness()
      let sandbox = try await harness.launcher.launch(
        .fixture(["/usr/bin/python3", "-I", "-c", "import socket; socket.create_connection(('198.18.0.1', 53), 1)"]))
      _ = await sandbox.exit()
      #expect(readAll(sandbox.standardError).contains("Network is unreachable"))
      #expect(await sandbox.settleEgress() == nil)
    }
  }
}
