import Glibc
import LinuxSystem
import PluginModel

/// How many nodes that do nothing are done in a second, by the program itself: `orchestrator run` with everything that it does for every
/// node, two workers in their sandboxes, the journal and the cache on the disk. Beside the same number of tasks that do nothing in
/// other systems, with two workers of one processor each; all take turns.
///
/// What isn't alike: the peers' workers are plain processes, which can do what their user can; the peers write nothing down, and after
/// a crash nothing is known of what was done. HyperQueue starts a process for each task (`true`), hands no values on, and its client looks
/// once in a second whether all is done; the others run a function of Python in a worker that is there, as we do. The peers are told of
/// the tasks by a program, we read them from a file, which is in our time. What a run of no nodes would take isn't: ours is the
/// difference between a large and a small run, divided by the nodes that the large one has more.
///
/// - nodes-independent: none waits for another.
/// - nodes-layers: a hundred beside each other; each takes the results of two of the layer before.
/// - nodes-independent-no-cache: the first, with `--no-cache`; beside the first.
struct NodesBenchmark {
  private static let workers = 2
  private static let peerNames = ["ray", "distributed", "hyperqueue"]
  private static let width = 100

  private enum Shape: String, CaseIterable {
    case independent
    case layers
  }

  private let root: String
  private let program: String
  private let peers: String
  private let rounds: Int
  private let count: Int
  private let scratch = "/tmp/orchestrator-bench-\(getpid())"

  /// - Parameters:
  ///   - root: of the repository.
  ///   - peers: Python with the peers' packages.
  init(root: String, peers: String, rounds: Int, isQuick: Bool) throws {
    guard let executable = ProcessEnvironment.executable.flatMap({ AbsolutePath($0) }),
      let program = executable.parent?.appending("orchestrator"), access(program.text, X_OK) == 0
    else {
      throw BenchmarkFailure("the program orchestrator isn't beside this one: deploy/bench engine nodes builds both")
    }
    guard access(peers, X_OK) == 0 else {
      throw BenchmarkFailure("\(peers) can't be started: deploy/bench engine nodes installs the peers")
    }
    (self.root, self.program, self.peers, self.rounds) = (root, program.text, peers, rounds)
    count = isQuick ? 1000 : 5000
  }

  func run() throws -> [Comparison] {
    try System.makeDirectory(scratch)
    defer { try? System.run(["/bin/rm", "-rf", scratch]) }
    try writePlugin()
    var own: [Shape: Samples] = [:]
    var withoutCache = Samples()
    var others: [Shape: [String: Samples]] = [:]
    var versions: [String: String] = [:]
    for _ in 0..<rounds {
      for shape in Shape.allCases {
        own[shape, default: Samples()].add(try perSecond(shape))
        for peer in Self.peerNames.shuffled() {
          let (version, perSecond) = try measure(peer, shape)
          versions[peer] = version
          others[shape, default: [:]][peer, default: Samples()].add(perSecond)
        }
      }
      withoutCache.add(try perSecond(.independent, usesCache: false))
    }
    func comparison(_ name: String, _ own: Samples, _ peer: String, _ other: Samples) -> Comparison {
      Comparison(
        name: "nodes-\(name)", median: own.median, spread: own.spread, peer: peer, peerMedian: other.median, unit: "1/s"
      )
    }
    let none = Samples()
    return Shape.allCases.flatMap { shape in
      Self.peerNames.map { peer in
        comparison(
          shape.rawValue, own[shape] ?? none, "\(peer) \(versions[peer] ?? "")", others[shape]?[peer] ?? none)
      }
    } + [comparison("independent-no-cache", withoutCache, "with the cache", own[.independent] ?? none)]
  }

  // MARK: Ours

  /// What one more node costs, turned over.
  private func perSecond(_ shape: Shape, usesCache: Bool = true) throws -> Double {
    let few = count / 10
    let small = try seconds(shape, few, usesCache)
    let large = try seconds(shape, count, usesCache)
    guard large > small else { throw BenchmarkFailure("\(count) nodes took no longer than \(few)") }
    return Double(count - few) / (large - small)
  }

  private func seconds(_ shape: Shape, _ count: Int, _ usesCache: Bool) throws -> Double {
    let (workflow, state) = ("\(scratch)/workflow.yaml", "\(scratch)/state")
    try System.write(Self.workflow(shape, count), to: workflow)
    // A new one each time: else all results would be there.
    defer { try? System.run(["/bin/rm", "-rf", state]) }
    let command =
      [
        program, "run", workflow, "--plugins", "\(scratch)/plugins", "--state-dir", state, "--jobs", "\(Self.workers)",
        "--output", "json", "--no-consent",
      ] + (usesCache ? [] : ["--no-cache"])
    // What is learned of a plugin once is no part of a run.
    try System.run([
      program, "validate", workflow, "--plugins", "\(scratch)/plugins", "--state-dir", state,
    ])
    let began = ContinuousClock.now
    let output = try System.output(of: command, in: scratch)
    let elapsed = ContinuousClock.now - began
    guard let report = try? JSONValue(json: output), report["outcome"]?.stringValue == "succeeded",
      report["nodes"]?.arrayValue?.count == count
    else { throw BenchmarkFailure("a run of \(count) nodes didn't say that all have succeeded") }
    return elapsed / .seconds(1)
  }

  private static func workflow(_ shape: Shape, _ count: Int) -> String {
    let nodes = (0..<count).map { index in
      let node = "    node\(index): {type: bench/nothing, with: {index: \(index)}"
      guard shape == .layers, index >= width else { return "\(node)}\n" }
      let other = index - index % width - width + (index + 1) % width
      return "\(node), in: {first: node\(index - width).output, second: node\(other).output}}\n"
    }
    return """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: bench}
      spec:
        nodes:
      \(nodes.joined())
      """
  }

  private func writePlugin() throws {
    let directory = "\(scratch)/plugins/bench"
    try System.makeDirectory("\(scratch)/plugins")
    try System.makeDirectory(directory)
    try System.write(
      """
      name: bench
      version: 1.0.0
      author: The orchestrator project
      description: Does nothing
      license: Apache-2.0
      node_types: [nothing]
      permissions: []
      entry_point: plugin.py
      min_engine_version: 1.0.0

      """, to: "\(directory)/plugin.yaml")
    try System.write(
      """
      from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification


      def port(name, **more):
          return PortSpecification(name=name, type="integer", display_name=name, description=name, **more)


      class Nothing(DeclaredNode):
          specification = NodeSpecification(
              node_type="nothing",
              display_name="Nothing",
              category="Benchmark",
              description="Returns its number",
              inputs=[port("first", required=False), port("second", required=False)],
              outputs=[port("output")],
              parameters=[
                  ParameterSpecification(
                      name="index", type="integer", display_name="Index", description="Its number", default=0
                  )
              ],
          )

          def execute(self, inputs, context):
              return {"output": self.parameters["index"]}


      class Plugin(DeclaredPlugin):
          nodes = (Nothing,)

      """, to: "\(directory)/plugin.py")
  }

  // MARK: Theirs

  private func measure(_ peer: String, _ shape: Shape) throws -> (version: String, perSecond: Double) {
    let output = try System.output(
      of: [
        peers, "\(root)/deploy/lib/nodes_peer.py", peer, "\(Self.workers)", shape.rawValue, "\(count)", "\(Self.width)",
      ], in: scratch)
    guard let result = try? JSONValue(json: output), let version = result["version"]?.stringValue,
      case .double(let seconds)? = result["seconds"], seconds > 0
    else { throw BenchmarkFailure("the peer \(peer) said: \(String(decoding: output.prefix(500), as: UTF8.self))") }
    return (version, Double(count) / seconds)
  }
}
