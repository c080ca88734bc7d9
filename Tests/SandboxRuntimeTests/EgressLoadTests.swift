import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("Under load, a relay", .enabled(if: geteuid() == 0))
  struct EgressLoadTests {
    private let echo = "network.socket:echo.example.org:9000"
    /// ThreadSanitizer keeps up to four bytes of its own for each of the program's.
    private let sanitized = getenv("TSAN_OPTIONS") == nil ? 1 : 5

    @Test("carries a thousand connections at once, in bounded memory")
    func thousand() async throws {
      let peer = try PeerServers(ports: [9000])
      let harness = try EgressHarness(["echo.example.org": [[peer.address]]])
      let before = try residentKibibytes()
      let outcome = try await harness.run(
        """
        kept = []
        for number in range(1000):
            s = socket.create_connection(("echo.example.org", 9000), 20)
            s.sendall(struct.pack("=I", number))
            kept.append(s)
        print(sum(struct.unpack("=I", s.recv(4))[0] == number for number, s in enumerate(kept)))
        """, echo)
      #expect(outcome.output == "1000\n", "\(outcome.error) \(outcome.denials)")
      #expect(outcome.use.connections == 1000 && outcome.use.denials.isEmpty)
      // What is idle holds no buffer: 16 KiB each are more than the books about it take.
      #expect(try residentKibibytes() - before < 16 * 1000 * sanitized)
    }

    @Test("holds no more than its buffers of what a worker doesn't read, and goes on when it does")
    func slowReader() async throws {
      let peer = try PeerServers()
      let harness = try EgressHarness(["api.example.org": [[peer.address]]])
      let before = try residentKibibytes()
      let outcome = try await harness.run(
        """
        kept = []
        for _ in range(20):
            s = socket.create_connection(("api.example.org", 80), 10)
            s.sendall(b"GET /big/67108864 HTTP/1.1\\r\\nHost: api.example.org\\r\\n\\r\\n")
            kept.append(s)
        time.sleep(2)
        first = kept[0].makefile("rb")
        while first.readline() != b"\\r\\n":
            pass
        print(len(first.read()))
        """, "network.http:api.example.org")
      #expect(outcome.output == "67108864\n", "\(outcome.error)")
      #expect(try residentKibibytes() - before < 32 * 1024 * sanitized)
    }

    @Test("of one worker keeps no other's waiting, whatever that one does")
    func others() async throws {
      let peer = try PeerServers(ports: [9000])
      let harness = try EgressHarness(
        ["echo.example.org": [[peer.address]]], slow: Set((0..<64).map { "slow\($0).example.org" }))
      let hostile = try SandboxPlan.networked(
        """
        kept = []
        def hold(call):
            try:
                while True:
                    kept.append(call())
            except OSError:
                pass
        def slow(number):
            s = socket.create_connection((f"slow{number}.example.org", 9000), 30)
            s.recv(1)
        def flood():
            s = socket.create_connection(("echo.example.org", 9000), 30)
            while True:
                s.sendall(bytes(1 << 20))
        for number in range(64):
            threading.Thread(target=lambda: said(lambda: slow(number)), daemon=True).start()
        threading.Thread(target=lambda: said(flood), daemon=True).start()
        threading.Thread(target=hold, args=[lambda: socket.create_connection(("echo.example.org", 9000), 5)], daemon=True).start()
        time.sleep(1)
        print("busy", flush=True)
        time.sleep(90)
        """, [echo] + (0..<64).map { "network.socket:slow\($0).example.org:9000" })
      let other = try await harness.launcher.launch(hostile)
      for _ in 0..<100 where readAll(other.standardOutput).isEmpty { try await Task.sleep(for: .milliseconds(100)) }
      let began = ContinuousClock.now
      let outcome = try await harness.run(
        """
        for _ in range(20):
            with socket.create_connection(("echo.example.org", 9000), 20) as s:
                s.sendall(b"x")
                assert s.recv(1) == b"x"
        print("done")
        """, echo)
      #expect(outcome.output == "done\n", "\(outcome.error) \(outcome.denials)")
      #expect(ContinuousClock.now - began < .seconds(45))
      other.kill()
      _ = await other.exit()
    }

    @Test("waits for no lookup for longer than the machine allows, and for no more at once than a worker may have")
    func lookups() async throws {
      let lookups = NameLookups(FixedResolver(["a.org": [["192.0.2.1"]]], slow: ["slow.org"]))
      let (slow, quick) = (try HostName("slow.org"), try HostName("a.org"))
      let done = Lock<[String]>([])
      for _ in 0..<(NameLookups.width - 1) { lookups.look(up: slow) { _ in done.withLock { $0.append("slow") } } }
      lookups.look(up: quick) { result in done.withLock { $0.append("\(result)") } }
      for _ in 0..<1000 where done.withLock(\.isEmpty) { try await Task.sleep(for: .milliseconds(20)) }
      #expect(done.withLock { $0 } == ["success([192.0.2.1])"])
      lookups.close()
      lookups.look(up: quick) { result in done.withLock { $0.append("\(result)") } }
      #expect(done.withLock { $0.count == 2 && $0[1].hasPrefix("failure") })
    }

    @Test("always leaves room for another worker's")
    func budget() {
      let budget = RelayBudget(limit: 100)
      func fill() -> Int {
        var own = 0
        while budget.take(having: own) { own += 1 }
        return own
      }
      let counts = (0..<4).map { _ in fill() }
      #expect(counts == [50, 25, 13, 6])
      budget.giveBack(94)
      #expect(fill() == 50)
    }

    @Test("tries a host's addresses in turn by family")
    func interleaving() throws {
      let addresses = try ["2001:db8::1", "2001:db8::2", "192.0.2.1", "2001:db8::3"].map {
        try #require(NetworkAddress($0))
      }
      #expect(
        RelayDialling.interleaved(addresses).map(\.description) == [
          "2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3",
        ])
      #expect(RelayDialling.interleaved([]) == [])
    }

    private func residentKibibytes() throws -> Int {
      let status = try #require(readSmallFile("/proc/self/status"))
      return try #require(status.firstMatch(of: /VmRSS:\s+(\d+) kB/).flatMap { Int($0.1) })
    }
  }
}
