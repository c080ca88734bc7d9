import Glibc
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// The cold start of `/bin/true` under the complete plan, from the decision to carry it out until every process and the
/// cgroup are gone, beside other programs that do the like. All take turns, in an order drawn anew for each round.
struct LaunchBenchmark {
  var root: String
  var rounds: Int
  private static let command = ["/usr/bin/true"]

  func run() async throws -> [Comparison] {
    let plan = try self.plan(granting: [])
    let host = HostInspector.facts()
    let cgroups = try CgroupManager(root: host.cgroupRoot)
    let launcher = try SandboxLauncher(initProgram: try sandboxInit(), cgroups: cgroups, loop: EventLoop())
    let bundle = "/tmp/orchestrator-bench-\(getpid())"
    try System.makeDirectory(bundle)
    defer { try? System.run(["/bin/rm", "-rf", bundle]) }
    // The plan's own notification for execve has no listener in a container runtime, which then refuses it.
    try Peers.writeBundle(try self.plan(granting: [.systemExec(programs: [])]), in: bundle)
    let peers = usable([
      Peers.bubblewrap(plan), Peers.runtime("crun", at: "/usr/bin/crun", bundle: bundle),
      Peers.runtime("runc", at: "/usr/sbin/runc", bundle: bundle),
    ])

    let light = try await measure(plan, launcher, peers)
    let ballast = Ballast(bytes: 1 << 30)
    let heavy = try await measure(plan, launcher, peers)
    ballast.release()
    try cgroups.close()
    return comparisons("launch", light, peers) + comparisons("launch-1GB-supervisor", heavy, peers) + [
      Comparison(
        name: "launch-1GB-supervisor", median: heavy.own.median, spread: heavy.own.spread, peer: "launch",
        peerMedian: light.own.median)
    ]
  }

  private struct Measured {
    var own = Samples()
    var peers: [String: Samples] = [:]
  }

  private func measure(_ plan: SandboxPlan, _ launcher: SandboxLauncher, _ peers: [Peer]) async throws -> Measured {
    var measured = Measured()
    // The first start of each finds cold caches; it isn't counted.
    for round in 0...rounds {
      for index in (0...peers.count).shuffled() {
        let milliseconds: Double
        if index == peers.count {
          milliseconds = try await time { try await launch(plan, launcher) }
          if round > 0 { measured.own.add(milliseconds) }
        } else {
          let peer = peers[index]
          let command = peer.command(Int.random(in: 0...Int.max))
          milliseconds = try await time { try System.run(command) }
          if round > 0 { measured.peers[peer.name, default: Samples()].add(milliseconds) }
        }
      }
    }
    return measured
  }

  private func launch(_ plan: SandboxPlan, _ launcher: SandboxLauncher) async throws {
    let sandbox = try await launcher.launch(plan)
    let exit = await sandbox.exit()
    guard exit.status == .exited(code: 0), exit.cleanupErrors.isEmpty else {
      throw BenchmarkFailure("the sandbox ended with \(exit)")
    }
  }

  private func time(_ body: () async throws -> Void) async throws -> Double {
    let elapsed = try await ContinuousClock().measure(body)
    return elapsed / .milliseconds(1)
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

  private func comparisons(_ name: String, _ measured: Measured, _ peers: [Peer]) -> [Comparison] {
    peers.compactMap { peer in
      measured.peers[peer.name].map {
        Comparison(
          name: name, median: measured.own.median, spread: measured.own.spread, peer: peer.name, peerMedian: $0.median)
      }
    }
  }

  private func sandboxInit() throws -> AbsolutePath {
    guard let executable = ProcessEnvironment.executable.flatMap({ AbsolutePath($0) }),
      let path = executable.parent?.appending("sandbox-init")
    else { throw BenchmarkFailure("sandbox-init can't be found") }
    return path
  }

  private func plan(granting granted: [Permission]) throws -> SandboxPlan {
    guard let name = PluginName("bench"), let plugin = AbsolutePath(root + "/Sources/PythonSDK/templates"),
      let sdk = AbsolutePath(root + "/Sources/PythonSDK"),
      let python = ProcessEnvironment.resolve("/usr/bin/python3").flatMap({ AbsolutePath($0) })
    else { throw BenchmarkFailure("the repository isn't at \(root), or there is no /usr/bin/python3") }
    let file = root + "/profiles/default.yaml"
    let isRoot = ProcessEnvironment.effectiveUser == 0
    let request = SandboxRequest(
      plugin: name, pluginDirectory: plugin, sdkDirectory: sdk,
      interpreter: Interpreter(executable: python, prefix: nil),
      granted: granted, workspace: nil, filesystemRoots: [],
      profile: try SecurityProfile(yaml: try System.read(file), file: file), command: Self.command,
      hostUser: isRoot ? 1_900_000_000 : geteuid(), hostGroup: isRoot ? 1_900_000_000 : getegid())
    return try SandboxPlanner.plan(request, host: HostInspector.facts())
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
