import CLinux
import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  /// On the double. What a worker then reaches, `EgressRunTests` show.
  @Suite("The launch of a worker whose network has no bounds")
  struct OpenNetworkTests {
    private static let connected = """
      Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
      net0\t00000000\t01FF13C6\t0003\t0\t0\t0\t00000000\t0\t0\t0
      """

    private let plan = {
      var plan = SandboxPlan.fixture(["/bin/true"])
      plan.egress = EgressPolicy(hosts: [], allowsEverything: true)
      plan.openNetwork = OpenNetwork(program: path("/usr/bin/pasta"), resolver: nil, policy: plan.egress)
      return plan
    }()

    private func kernel() -> RecordingKernel {
      RecordingKernel(report: sandbox_report(.ready), hasNetwork: true, routes: Self.connected)
    }

    @Test("is refused when any of its effects fails, and leaves nothing, no program of the network either")
    func everyEffect() async throws {
      let whole = try await kernel().launch(plan)
      #expect(whole.error == nil)
      #expect(!whole.left.contains { $0.hasPrefix("process") }, "its program ends with it")
      let spawn = try #require(whole.effects.firstIndex(of: .spawn))
      #expect(!whole.effects[..<spawn].contains(.makeNetwork))
      #expect(whole.effects[spawn...].contains(.startProgram))
      let received = whole.effects.indices.filter { whole.effects[$0] == .receive }
      for (number, effect) in whole.effects[...received[1]].enumerated() {
        let result = try await kernel().launch(plan, failing: (number, .noMemory))
        #expect(result.error?.cause == SystemError("\(effect)", nil, .noMemory), "effect \(number): \(effect)")
        #expect(result.left == [], "effect \(number): \(effect)")
      }
    }

    @Test("is refused with the last words of a program that ends before the network is connected")
    func programEnds() async throws {
      let result = try await RecordingKernel(report: sandbox_report(.ready), hasNetwork: true).launch(plan)
      #expect(result.error?.step == "wait for pasta to connect the sandbox's network")
      #expect(result.error?.cause == SystemError("/usr/bin/pasta", "its last words", .connectionAborted))
      #expect(result.left == [])
    }

    @Test("is refused where the first process says something else")
    func otherMessage() async throws {
      let result = try await RecordingKernel(report: sandbox_report(.ready)).launch(plan)
      #expect(result.error?.cause.code == .badMessage)
      #expect(result.left == [])
    }

    @Test("waits for a default route, and takes no other for one")
    func routes() {
      #expect(RoutingTable.hasDefaultRoute(Self.connected))
      for table in [
        "", "Iface\tDestination", Self.connected.replacingOccurrences(of: "\t00000000\t0\t", with: "\t00000080\t0\t"),
        Self.connected.replacingOccurrences(of: "net0\t00000000", with: "net0\t0000000A"),
        "net0 00000000 1 3 0 0 0 00000000",
      ] {
        #expect(!RoutingTable.hasDefaultRoute(table), "\(table)")
      }
    }

    @Test(
      "asks the first nameserver that a namespace reaches",
      arguments: [
        ("nameserver 10.0.0.53\n", "10.0.0.53"),
        ("# c\nsearch x\nnameserver 127.0.0.53\nnameserver\t192.0.2.1\n", "192.0.2.1"),
        ("nameserver ::1\nnameserver fe80::1%eth0\nnameserver 8.8.8.8 extra\n", "8.8.8.8"),
        ("nameserver 127.0.0.1\n", nil),
        ("nameserver\nnameserverr 1.2.3.4\nnameserver 010.0.0.1\n", nil), ("", nil), ("nameserver 0.0.0.0\n", nil),
      ] as [(String, String?)])
    func nameserver(text: String, expected: String?) {
      #expect(OpenNetworkProbe.nameserver(in: text)?.description == expected)
    }

    @Test(
      "has a program that ends with the thread that started it, has no descriptor of ours, and no terminal's session")
    func program() async throws {
      let thread = try DedicatedThread(name: "test-spawner")
      let kernel = LinuxKernel()
      let script = "ls -l /proc/self/fd; exec sleep 600"
      let (process, output) = try await thread.run { () throws(SystemError) in
        let stack = try SpawnStack()
        let output = try kernel.makeOutputPipe()
        let process = try kernel.start(program: ["/bin/sh", "-c", script], output: output.theirs, on: stack)
        output.theirs.close()
        return (process, output.ours)
      }
      var said = ""
      while !said.contains("/proc/") {
        #expect(try kernel.awaitReadable(output, milliseconds: 10_000))
        said += kernel.readAvailable(output)
      }
      let descriptors = said.split(separator: "\n").filter { $0.contains("->") }
      #expect(descriptors.count == 4, "input, output, error and ls's own: \(said)")
      #expect(said.contains("0 -> /dev/null"))
      let status = try String(contentsOfFile: "/proc/\(process.identifier)/stat", encoding: .utf8)
      let session = status.split(separator: ")").last?.split(separator: " ")[3]
      #expect(session == "\(process.identifier)", "\(status)")
      try kernel.kill(process)
      try kernel.awaitEnd(process)
      output.close()
      process.descriptor.close()
      let absent = await thread.run { () -> ErrorCode? in
        do throws(SystemError) {
          let stack = try SpawnStack()
          let pipe = try kernel.makeOutputPipe()
          defer { pipe.ours.close(); pipe.theirs.close() }
          _ = try kernel.start(program: ["/nowhere/pasta"], output: pipe.theirs, on: stack)
          return nil
        } catch { return error.code }
      }
      #expect(absent == .notFound)
    }
  }
}
