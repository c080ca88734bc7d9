import Glibc
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// The cold start of `/bin/true` under the complete plan, from the decision to carry it out until every process and the
/// cgroup are gone, beside other programs that do the like. All take turns, in an order drawn anew for each round.
///
/// Ours is measured in two supervisors, one of which holds 1 GB: as they take turns too, what else the machine does
/// weighs on both. The peers are measured from posix_spawn(3) to waitpid(2), which is how a supervisor would use them:
///
/// - bubblewrap: `--unshare-all --die-with-parent --new-session` and the plan's own binds, directories, links, tmpfs,
///   /proc and /dev. It gets no system-call filter, Landlock rules, limits or cgroup, all of which ours sets up as well.
/// - crun, runc: the plan's own OCI configuration, filter and limits included.
struct LaunchBenchmark {
  var setup: BenchmarkSetup
  var rounds: Int
  private static let command = ["/usr/bin/true"]
  private static let own = "launch"
  private static let heavy = "launch-1GB-supervisor"

  func run() throws -> [Comparison] {
    let plan = try self.plan(granting: [])
    let bundle = "/tmp/orchestrator-bench-\(getpid())"
    try System.makeDirectory(bundle)
    defer { try? System.run(["/bin/rm", "-rf", bundle]) }
    // The plan's own notification for execve has no listener in a container runtime, which then refuses it.
    try Peers.writeBundle(try self.plan(granting: [.systemExec(programs: [])]), in: bundle)
    let peers = usable([
      Peers.bubblewrap(plan), Peers.runtime("crun", at: "/usr/bin/crun", bundle: bundle),
      Peers.runtime("runc", at: "/usr/sbin/runc", bundle: bundle),
    ])
    let light = try Supervisor(root: setup.root, ballast: 0)
    let heavy = try Supervisor(root: setup.root, ballast: 1 << 30)

    var contestants: [(name: String, start: () throws -> Double)] = [
      (Self.own, light.launch), (Self.heavy, heavy.launch),
    ]
    for peer in peers { contestants.append((peer.name, { try time(peer) })) }
    let samples = try measure(contestants)
    try light.stop()
    try heavy.stop()
    return comparisons(Self.own, samples, with: peers.map(\.name))
      + comparisons(Self.heavy, samples, with: peers.map(\.name) + [Self.own])
  }

  private func measure(_ contestants: [(name: String, start: () throws -> Double)]) throws -> [String: Samples] {
    var samples: [String: Samples] = [:]
    // The first start of each finds cold caches; it isn't counted.
    for round in 0...rounds {
      for contestant in contestants.shuffled() {
        // The kernel still takes down what the one before has left, namespaces above all.
        usleep(5000)
        let milliseconds = try contestant.start()
        if round > 0 { samples[contestant.name, default: Samples()].add(milliseconds) }
      }
    }
    return samples
  }

  private func time(_ peer: Peer) throws -> Double {
    let command = peer.command(Int.random(in: 0...Int.max))
    return try ContinuousClock().measure { try System.run(command) } / .milliseconds(1)
  }

  /// The life of a ``Supervisor``: a launch for every line of standard input, with its milliseconds as the answer.
  func supervise(ballast bytes: Int) async throws {
    let plan = try self.plan(granting: [])
    let cgroups = try CgroupManager(root: HostInspector.facts().cgroupRoot)
    let launcher = try setup.launcher(cgroups, EventLoop())
    let ballast = Ballast(bytes: bytes)
    while readLine() != nil {
      let elapsed = try await ContinuousClock().measure { try await launch(plan, launcher) }
      print(elapsed / .milliseconds(1))
      fflush(nil)
    }
    ballast.release()
    try cgroups.close()
  }

  private func launch(_ plan: SandboxPlan, _ launcher: SandboxLauncher) async throws {
    let sandbox = try await launcher.launch(plan)
    let exit = await sandbox.exit()
    guard exit.status == .exited(code: 0), exit.cleanupErrors.isEmpty else {
      throw BenchmarkFailure("the sandbox ended with \(exit)")
    }
  }

  /// Those that start here at all; the others are named on standard error.
  private func usable(_ peers: [Peer]) -> [Peer] {
    peers.filter { peer in
      do {
        try System.run(peer.command(Int.random(in: 0...Int.max)))
        return true
      } catch {
        System.complain("left out: \(peer.name): \(error)")
        return false
      }
    }
  }

  private func comparisons(_ name: String, _ samples: [String: Samples], with peers: [String]) -> [Comparison] {
    guard let own = samples[name] else { return [] }
    return peers.compactMap { peer in
      samples[peer].map {
        Comparison(name: name, median: own.median, spread: own.spread, peer: peer, peerMedian: $0.median)
      }
    }
  }

  private func plan(granting granted: [Permission]) throws -> SandboxPlan {
    try setup.plan(plugin: "Sources/PythonSDK/templates", command: Self.command, granting: granted)
  }
}

/// Memory that this process really holds: what a copy of its page tables would cost.
struct Ballast {
  private let memory: UnsafeMutableRawPointer

  init(bytes: Int) {
    memory = .allocate(byteCount: bytes, alignment: 4096)
    memset(memory, 1, bytes)
  }

  func release() { memory.deallocate() }
}
