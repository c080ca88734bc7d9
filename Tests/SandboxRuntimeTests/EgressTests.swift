import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

// Ports 80 and 443 of loopback addresses are for root to listen on.
extension RealSandboxes {
  @Suite("A worker's network", .enabled(if: geteuid() == 0))
  struct EgressTests {
    private let site = "api.example.org"

    // MARK: What it is

    @Test("has the loopback interface alone, and leads nowhere")
    func onlyLoopback() async throws {
      let outcome = try await EgressHarness().run(
        """
        print([name for _, name in socket.if_nameindex() if name not in ("sit0", "tunl0")])
        def datagram(family, address):
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.settimeout(1)
                s.connect(address)
                s.send(b"x")
                return s.recv(1)
        print(said(lambda: datagram(socket.AF_INET, ("8.8.8.8", 443))))
        print(said(lambda: datagram(socket.AF_INET, ("198.18.1.1", 443))))
        print(said(lambda: datagram(socket.AF_INET6, ("2001:4860:4860::8888", 443))))
        print(said(lambda: socket.create_connection(("10.0.0.1", 443), 1)))
        print(said(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)))
        print(said(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)))
        """, "network.http")
      #expect(
        outcome.output == """
          ['lo']
          OSError: [Errno 101] Network is unreachable
          ConnectionRefusedError: [Errno 111] Connection refused
          OSError: [Errno 101] Network is unreachable
          OSError: [Errno 101] Network is unreachable
          PermissionError: [Errno 1] Operation not permitted
          PermissionError: [Errno 1] Operation not permitted

          """, "\(outcome.error)")
    }

    @Test("belongs to the worker's user namespace, in which nobody has a right any more")
    func rights() async throws {
      let outcome = try await EgressHarness().run(
        """
        import fcntl
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
            s.send(struct.pack("=IHHIIBxHiII", 32, 16, 5, 1, 0, 0, 0, 1, 0, 1))
            print(struct.unpack("=i", s.recv(4096)[16:20])[0])
        with socket.socket() as s:
            print(said(lambda: fcntl.ioctl(s, 0x8914, struct.pack("16sH22x", b"lo", 0))))
        print([line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")])
        """, "network.http")
      #expect(
        outcome.output == """
          -1
          PermissionError: [Errno 1] Operation not permitted
          ['0000000000000000', '0000000000000000', '0000000000000000', '0000000000000000', '0000000000000000']

          """, "\(outcome.error)")
    }

    @Test("leaves no socket of it with pid 1 or the worker")
    func descriptors() async throws {
      let harness = try EgressHarness()
      let sandbox = try await harness.launcher.launch(.networked("time.sleep(30)", ["network.http"]))
      func sockets(_ process: Int32) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count { number in
          let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\(number)")
          return link?.hasPrefix("socket:") == true
        }
      }
      let worker = sandbox.processIdentifier
      let status = try #require(readSmallFile("/proc/\(worker)/status"))
      let parent = try #require(status.firstMatch(of: /PPid:\s+(\d+)/).flatMap { Int32($0.1) })
      // The protocol's, and the control socket.
      #expect(try sockets(worker) == 1)
      #expect(try sockets(parent) == 1)
      sandbox.kill()
      _ = await sandbox.exit()
    }

    @Test("ends with the worker, and leaves the supervisor nothing open")
    func ends() async throws {
      let harness = try EgressHarness()
      func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
      _ = try await harness.run("pass", "network.http")
      let before = try open()
      for _ in 0..<5 {
        _ = try await harness.run(
          "kept = [socket.create_connection(('198.18.0.1', 3128)) for _ in range(20)]; os._exit(0)", "network.http")
      }
      // What other tests of this process have open comes and goes; what a relay has kept stays.
      var left = try open()
      for _ in 0..<100 where left > before + 4 {
        try await Task.sleep(for: .milliseconds(100))
        left = try open()
      }
      #expect(left <= before + 4)
    }

    // MARK: What is granted

    @Test("reaches a granted endpoint by name, and passes on the end of each direction by itself")
    func endpoint() async throws {
      let peer = try PeerServers(ports: [9000])
      let harness = try EgressHarness(["echo.example.org": [[peer.address]]])
      let outcome = try await harness.run(
        """
        with socket.create_connection(("echo.example.org", 9000), 10) as s:
            peer = s.getpeername()
            s.sendall(b"ab" * 100_000)
            s.shutdown(socket.SHUT_WR)
            got = b"".join(iter(lambda: s.recv(65536), b""))
            print(len(got), got[-5:], peer)
        """, "network.socket:echo.example.org:9000")
      #expect(outcome.output == "200005 b'<end>' ('198.18.1.1', 9000)\n", "\(outcome.error)")
      #expect(harness.resolver.questions == ["echo.example.org"])
      var expected = EgressUse(connections: 1, bytesSent: 200_000, bytesReceived: 200_005)
      expected.reach("echo.example.org", 9000)
      #expect(outcome.use == expected)
    }

    @Test("reaches a granted address by its number, and the host's own loopback where the operator opens it")
    func literal() async throws {
      let peer = try PeerServers(ports: [9000])
      let outcome = try await EgressHarness().run(
        """
        with socket.create_connection(("\(peer.address)", 9000), 10) as s:
            s.sendall(b"x")
            print(s.recv(1))
        """, "network.socket:\(peer.address):9000")
      #expect(outcome.output == "b'x'\n", "\(outcome.error) \(outcome.denials)")
    }

    @Test("speaks HTTP and HTTPS, straight and through the proxy, one request after the other")
    func web() async throws {
      let certificates = try Certificates(site)
      let peer = try PeerServers(certificates: certificates)
      let harness = try EgressHarness([site: [[peer.address]]])
      let outcome = try await harness.run(
        """
        import urllib.error
        def host(connection):
            answers = []
            for _ in range(2):
                connection.request("POST", "/a", b"x" * 1000)
                answers.append(json.load(connection.getresponse()))
            return [(a["host"], a["received"]) for a in answers]
        print(host(http.client.HTTPConnection("\(site)", timeout=10)))
        print(host(http.client.HTTPSConnection("\(site)", timeout=10, context=trusting())))
        tunnel = http.client.HTTPSConnection("198.18.0.1", 3128, timeout=10, context=trusting())
        tunnel.set_tunnel("\(site)", 443)
        print(host(tunnel))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": "http://198.18.0.1:3128"}))
        print(json.load(opener.open("http://\(site)/b?c", timeout=10))["path"])
        """, "network.http:\(site)", authority: try certificates.authority)
      let twice = "[('\(site)', 1000), ('\(site)', 1000)]\n"
      #expect(outcome.output == twice + twice + twice + "/b?c\n", "\(outcome.error) \(outcome.denials)")
      #expect(outcome.use.connections == 4 && outcome.use.denials.isEmpty)
    }

    @Test("passes WebSocket and HTTP/2 on as they are")
    func upgrades() async throws {
      let certificates = try Certificates(site)
      let peer = try PeerServers(certificates: certificates)
      let harness = try EgressHarness([site: [[peer.address]]])
      let outcome = try await harness.run(
        """
        with socket.create_connection(("\(site)", 80), 10) as s:
            s.sendall(b"GET /ws HTTP/1.1\\r\\nHost: \(site)\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n")
            answer = s.makefile("rb")
            print(answer.readline())
            while (line := answer.readline()) != b"\\r\\n":
                if line.startswith(b"Sec-WebSocket-Accept"):
                    print(line)
            s.sendall(bytes([0x81, 0x85, 1, 2, 3, 4]) + bytes(b ^ (i % 4 + 1) for i, b in enumerate(b"hello")))
            print(answer.read(7))
        context = trusting()
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(socket.create_connection(("\(site)", 443), 10), server_hostname="\(site)") as s:
            s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")
            print(s.selected_alpn_protocol(), s.recv(9))
        """, "network.http:\(site)", authority: try certificates.authority)
      #expect(
        outcome.output == """
          b'HTTP/1.1 101 Switching Protocols\\r\\n'
          b'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n'
          b'\\x81\\x05hello'
          h2 b'\\x00\\x00\\x00\\x04\\x00\\x00\\x00\\x00\\x00'

          """, "\(outcome.error) \(outcome.denials)")
    }

    @Test("takes the first of a host's addresses that answers")
    func addresses() async throws {
      let peer = try PeerServers(ports: [9000])
      // A port without a listener, an address without a route, and one that never answers would be tried before it.
      let harness = try EgressHarness(["echo.example.org": [["127.77.255.254", "127.77.255.253", peer.address]]])
      let outcome = try await harness.run(
        "print(socket.create_connection(('echo.example.org', 9000), 10).getpeername())",
        "network.socket:echo.example.org:9000")
      #expect(outcome.output == "('198.18.1.1', 9000)\n", "\(outcome.error)")
      let nobody = try await EgressHarness(["echo.example.org": [["127.77.255.254"]]]).run(
        """
        print(said(lambda: socket.create_connection(("echo.example.org", 9000), 10).recv(1)))
        """, "network.socket:echo.example.org:9000")
      #expect(nobody.output == "ConnectionResetError: [Errno 104] Connection reset by peer\n", "\(nobody.error)")
      #expect(nobody.use == EgressUse(failures: 1))
    }

    @Test("ends a transfer of any length where it ends", arguments: [0, 1, 65_536, 7 * 65_536, 8 * 65_536, 9 * 65_536])
    func lengths(count: Int) async throws {
      let peer = try PeerServers()
      let outcome = try await EgressHarness([site: [[peer.address]]]).run(
        """
        s = socket.create_connection(("\(site)", 80), 10)
        s.sendall(b"GET /big/\(count) HTTP/1.1\\r\\nHost: \(site)\\r\\n\\r\\n")
        print(len(b"".join(iter(lambda: s.recv(65536), b"")).partition(b"\\r\\n\\r\\n")[2]))
        """, "network.http:\(site)")
      #expect(outcome.output == "\(count)\n", "\(outcome.error)")
    }

    @Test("tells a program that its transfer was cut, not that it ended")
    func cut() async throws {
      let peer = try PeerServers()
      let outcome = try await EgressHarness([site: [[peer.address]]]).run(
        """
        s = socket.create_connection(("\(site)", 80), 10)
        s.sendall(b"GET /cut HTTP/1.1\\r\\nHost: \(site)\\r\\n\\r\\n")
        print(said(lambda: b"".join(iter(lambda: s.recv(65536), b""))))
        """, "network.http:\(site)")
      #expect(outcome.output == "ConnectionResetError: [Errno 104] Connection reset by peer\n", "\(outcome.error)")
    }
  }
}
