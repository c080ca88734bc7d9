import Glibc
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// What the relay costs: the same client in a sandbox, which reaches the server through its relay, and outside, which reaches it
/// directly and through a plain proxy (tinyproxy). All take turns.
///
/// - transfer: 256 MiB on one connection.
/// - request: 200 bytes and their answer on a connection that is kept.
/// - connection: made, with one such request, and closed.
struct EgressBenchmark {
  private static let address = "127.0.0.1"
  private static let host = "bench.example.org"
  private static let names = ["transfer", "request", "connection"]

  private enum Way: CaseIterable {
    case relay
    case direct
    case proxy

    var name: String {
      switch self {
      case .relay: "relay"
      case .direct: "direct"
      case .proxy: "tinyproxy"
      }
    }
  }

  var setup: BenchmarkSetup
  var rounds: Int
  private let serverPort = 20_000 + Int(getpid()) % 10_000
  private var proxyPort: Int { serverPort + 10_000 }
  private var peer: String { "\(setup.root)/deploy/lib/egress_peer.py" }

  init(setup: BenchmarkSetup, rounds: Int) {
    self.setup = setup
    self.rounds = rounds
  }

  func run() async throws -> [Comparison] {
    let scratch = "/tmp/orchestrator-bench-\(getpid())"
    try System.makeDirectory(scratch)
    let configuration = "\(scratch)/tinyproxy.conf"
    try System.write(
      "Port \(proxyPort)\nListen \(Self.address)\nTimeout 60\nMaxClients 1024\nLogLevel Critical\nAllow \(Self.address)\n",
      to: configuration)
    var peers: [pid_t] = []
    defer {
      for peer in peers {
        kill(peer, SIGKILL)
        waitpid(peer, nil, 0)
      }
      for file in ["tinyproxy.conf", "result"] { unlink("\(scratch)/\(file)") }
      rmdir(scratch)
    }
    peers.append(try start(["/usr/bin/python3", peer, "serve", Self.address, String(serverPort)], output: "/dev/null"))
    peers.append(try start(["/usr/bin/tinyproxy", "-d", "-c", configuration], output: "/dev/null"))
    // Both listen within a moment; a client that came too early would fail, and with it the benchmark.
    try await Task.sleep(for: .seconds(1))

    let cgroups = try CgroupManager(root: HostInspector.facts().cgroupRoot)
    let launcher = try SandboxLauncher(
      initProgram: setup.sandboxInit(), cgroups: cgroups, loop: EventLoop(), resolver: Loopback())
    let plan = try plan()
    var samples = Dictionary(uniqueKeysWithValues: Way.allCases.map { ($0, Self.names.map { _ in Samples() }) })
    for round in 0...rounds {
      for way in Way.allCases.shuffled() {
        let text: String
        switch way {
        case .relay: text = try await inside(plan, launcher)
        case .direct: text = try outside([Self.address, String(serverPort)], "\(scratch)/result")
        case .proxy:
          text = try outside(
            [Self.address, String(serverPort), Self.address, String(proxyPort)], "\(scratch)/result")
        }
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard numbers.count == Self.names.count else { throw BenchmarkFailure("\(way.name) said: \(text)") }
        // The first of each finds cold caches.
        guard round > 0 else { continue }
        for (index, number) in numbers.enumerated() { samples[way]?[index].add(number) }
      }
    }
    try cgroups.close()
    return Self.names.indices.flatMap { index in
      [Way.direct, .proxy].compactMap { way in
        guard let own = samples[.relay]?[index], let other = samples[way]?[index] else { return nil }
        return Comparison(
          name: "egress-\(Self.names[index])", median: own.median, spread: own.spread, peer: way.name,
          peerMedian: other.median)
      }
    }
  }

  private func plan() throws -> SandboxPlan {
    let endpoint = "\(Self.host):\(serverPort)"
    let script = String(decoding: try System.read(peer), as: UTF8.self)
    guard let address = NetworkAddress(Self.address), let python = ProcessEnvironment.resolve("/usr/bin/python3") else {
      throw BenchmarkFailure("there is no /usr/bin/python3")
    }
    let opened = Located(
      PrivateNetwork.network(NetworkPrefix(address)), at: SourceLocation(file: "bench", line: 1, column: 1))
    return try setup.plan(
      plugin: "Sources/PythonSDK/templates",
      command: [python, "-I", "-c", script, "measure", Self.host, String(serverPort)],
      granting: [.networkSocket(endpoints: [endpoint])], network: OperatorNetwork(privateNetworks: [opened]))
  }

  private func inside(_ plan: SandboxPlan, _ launcher: SandboxLauncher) async throws -> String {
    let sandbox = try await launcher.launch(plan)
    let exit = await sandbox.exit()
    guard exit.status == .exited(code: 0) else {
      let words = try sandbox.standardError.read(atMost: 4096) ?? []
      throw BenchmarkFailure(
        "the client in the sandbox ended with \(exit.status): \(String(decoding: words, as: UTF8.self))")
    }
    return String(decoding: try sandbox.standardOutput.read(atMost: 4096) ?? [], as: UTF8.self)
  }

  private func outside(_ arguments: [String], _ result: String) throws -> String {
    let process = try start(["/usr/bin/python3", "-I", peer, "measure"] + arguments, output: result)
    try System.awaitEnd(process, "the client outside")
    return String(decoding: try System.read(result), as: UTF8.self)
  }

  private func start(_ command: [String], output: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    return try System.start(command, &actions)
  }
}

/// Every name is this host.
private struct Loopback: HostResolver {
  func addresses(of name: HostName) throws(SystemError) -> [NetworkAddress] {
    [.v4(IPv4Address(127, 0, 0, 1))]
  }
}
