import CLinux
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  /// On the double, whose listeners are pipes.
  @Suite("The launch of a worker with a network")
  struct EgressLaunchTests {
    private func plan() throws -> SandboxPlan { try .networked("pass", ["network.http"]) }

    @Test("is refused when any of its effects fails, and leaves nothing")
    func everyEffect() async throws {
      let listeners = try #require(try plan().relay).listeners.count
      let whole = try await RecordingKernel(report: sandbox_report(.ready), listeners: listeners).launch(plan())
      #expect(whole.error == nil)
      #expect(whole.effects.count { $0 == .receive } >= 2)
      // The network isn't one of those that were made ahead.
      let spawn = try #require(whole.effects.firstIndex(of: .spawn))
      #expect(!whole.effects[..<spawn].contains(.makeNetwork))
      let received = whole.effects.indices.filter { whole.effects[$0] == .receive }
      for (number, effect) in whole.effects[...received[1]].enumerated() {
        let result = try await RecordingKernel(report: sandbox_report(.ready), listeners: listeners).launch(
          plan(), failing: (number, .noMemory))
        #expect(result.error?.cause == SystemError("\(effect)", nil, .noMemory), "effect \(number): \(effect)")
        #expect(result.left == [], "effect \(number): \(effect)")
      }
    }

    @Test("is refused where not all of its listeners arrive, or none")
    func listeners() async throws {
      let count = try #require(try plan().relay).listeners.count
      for wrong in [1, count - 1, count + 1] {
        let result = try await RecordingKernel(report: sandbox_report(.ready), listeners: wrong).launch(plan())
        #expect(result.error?.step == "take over the sockets of the sandbox's network")
        #expect(result.error?.cause.code == .badMessage)
        #expect(result.left == [])
      }
      let result = try await RecordingKernel(report: sandbox_report(.ready)).launch(plan())
      #expect(result.error?.cause.code == .badMessage)
    }

    @Test(
      "tells which step of the network failed inside, and on what",
      arguments: [
        (sandbox_step.networkSocket, nil, "ask for the sandbox's own network", "socket"),
        (.networkLoopback, nil, "start the loopback interface", "rtnetlink lo"),
        (.networkRoute, 0, "lead 198.18.0.0/15 to the loopback interface", "rtnetlink 198.18.0.0/15"),
        (.networkListen, 4, "open the socket tcp 0.0.0.0:443", "bind tcp 0.0.0.0:443"),
        (.networkHandOver, nil, "hand the sockets of the network to the supervisor", "sendmsg"),
        (.landlockPort, 1, "add the Landlock rule for port 80", "landlock_add_rule port 80"),
      ] as [(sandbox_step, UInt32?, String, String)])
    func steps(step: sandbox_step, index: UInt32?, words: String, call: String) async throws {
      var report = sandbox_report(.failed)
      report.step = step.rawValue
      report.error = 1
      report.index = index ?? SANDBOX_NO_INDEX
      var plan = try plan()
      plan.landlock.connectPorts = [53, 80]
      let failure = try #require(FailureReport(report))
      var transaction = LaunchTransaction()
      let error = transaction.failure(failure, plan)
      #expect(error.step == words)
      #expect(error.cause.description.hasPrefix("\(call): "), "\(error.cause)")
    }
  }
}

extension FailureReport {
  fileprivate init?(_ report: sandbox_report) {
    guard case .failed(let failure) = SandboxReport(report) else { return nil }
    self = failure
  }
}
