import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime
import WorkerHost

/// What limits and accounting cost, each beside the same thing without it. All take turns.
///
/// - launch-with-limits: the cold start of `/bin/true` under the complete plan, with the limits of the profile written to its
///   cgroup; beside the same plan whose cgroup has none. Needs a host with controllers.
/// - call-with-account: one small node of the bundled plugin `text` in a worker that lives, counted; beside a call that isn't.
struct LimitsBenchmark {
  var setup: BenchmarkSetup
  var rounds: Int

  func run() async throws -> [Comparison] {
    let loop = try EventLoop()
    let cgroups = try CgroupManager(root: HostInspector.facts().cgroupRoot)
    let launcher = try setup.launcher(cgroups, loop)
    var results: [Comparison] = []
    if cgroups.controllers.isEmpty {
      System.complain("left out: launch-with-limits: this kernel offers no controller that limits are set with")
    } else {
      results.append(try await launches(launcher))
    }
    if cgroups.isAvailable {
      results.append(try await calls(launcher, loop))
    } else {
      System.complain("left out: call-with-account: this host lets nobody make a cgroup here")
    }
    let kernel = Self.kernel(cgroups.controllers)
    try cgroups.close()
    return results.map { result in
      var result = result
      result.kernel = kernel
      return result
    }
  }

  /// `6.1.0-37-cloud-amd64: cpu, io, memory, pids`: who enforced, and what.
  private static func kernel(_ controllers: [CgroupPlan.Controller]) -> String {
    let release = (readSmallFile("/proc/sys/kernel/osrelease") ?? "unknown").split(separator: "\n").first ?? ""
    let names = controllers.map(\.rawValue).joined(separator: ", ")
    return "\(release): \(names.isEmpty ? "no controllers" : names)"
  }

  private func launches(_ launcher: SandboxLauncher) async throws -> Comparison {
    let limited = try setup.plan(plugin: "Sources/PythonSDK/templates", command: ["/usr/bin/true"])
    var unlimited = limited
    unlimited.cgroup = CgroupPlan()
    return try await compare("launch-with-limits", "launch-without-limits") { isLimited in
      let sandbox = try await launcher.launch(isLimited ? limited : unlimited)
      let exit = await sandbox.exit()
      guard exit.status == .exited(code: 0), exit.cleanupErrors.isEmpty else {
        throw BenchmarkFailure("the sandbox ended with \(exit)")
      }
    }
  }

  private func calls(_ launcher: SandboxLauncher, _ loop: EventLoop) async throws -> Comparison {
    let configuration = try setup.textWorker()
    guard let node = NodeName("node"), let type = NodeTypeName("join"), let separator = ParameterName("separator"),
      let port = PortName("texts")
    else { throw BenchmarkFailure("a name isn't one") }
    let text = NodeValue(codec: .json, content: .inline(Array("\"text\"".utf8)))
    let execution = NodeExecution(
      run: "bench", node: node, nodeType: type, parameters: [(separator, "")],
      inputs: [NodeExecution.Input(port: port, values: [text, text], isMultiple: true)], attempt: 1)
    let pool = WorkerPool(launcher: launcher, loop: loop, maximumWorkers: 1)
    do {
      let result = try await compare("call-with-account", "call-without-account") { isCounted in
        let account: WorkerPool.Account = { _ in }
        _ = try await pool.execute(
          execution, on: configuration, limit: nil, report: { _ in }, account: isCounted ? account : nil)
      }
      await pool.shutdown()
      return result
    } catch {
      await pool.shutdown()
      throw error
    }
  }

  /// Both in an order drawn anew for each round. The first of each finds cold caches; it isn't counted.
  private func compare(
    _ name: String, _ peer: String, _ body: (Bool) async throws -> Void
  ) async throws -> Comparison {
    var own = Samples()
    var other = Samples()
    for round in 0...rounds {
      for isOwn in [true, false].shuffled() {
        let elapsed = try await ContinuousClock().measure { try await body(isOwn) }
        guard round > 0 else { continue }
        if isOwn { own.add(elapsed / .milliseconds(1)) } else { other.add(elapsed / .milliseconds(1)) }
      }
    }
    return Comparison(name: name, median: own.median, spread: own.spread, peer: peer, peerMedian: other.median)
  }
}
