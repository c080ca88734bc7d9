import Glibc
import PipelineEngine
import PluginModel
import Scheduling

/// What a large workflow costs before its first node runs. All of it, from the bytes of the file to the cache keys of all nodes, by the
/// same code as in a run. It waits for nothing and all happens on one thread, whose processor time is measured: that is how long it takes
/// where nobody else is at work.
///
/// - read: the file becomes a workflow, matrices as they are written.
/// - check: matrices are expanded, parameters evaluated; types, connections, cycles are checked.
/// - plan: how much each node holds up, and what it needs.
/// - sign: each node's cache key, as in a run whose results are all there: the keys of who reads them follow from their digests.
///
/// - graph-…: all four, beside what is wanted of them: 100 ms for 10,000 nodes.
/// - graph-read-…, …: of each of them, beside ten times what a tenth of the nodes takes. Above 1 something grows faster than the graph.
struct GraphBenchmark {
  var rounds: Int
  var nodes = Workflow.maximumNodes
  private static let wanted = 100.0

  private struct Times {
    var phases: [(name: String, samples: Samples)] = ["read", "check", "plan", "sign"].map { ($0, Samples()) }
    var all = Samples()

    mutating func add(_ milliseconds: [Double]) {
      for (index, value) in milliseconds.enumerated() { phases[index].samples.add(value) }
      all.add(milliseconds.reduce(0, +))
    }
  }

  func run() throws -> [Comparison] {
    let catalog = try GraphShape.catalog()
    let cases = GraphShape.allCases.map { ($0, DocumentSyntax.yaml) } + [(.layers, .json)]
    return try cases.flatMap { shape, syntax in
      let (all, tenth) = (shape.text(syntax, count: nodes), shape.text(syntax, count: nodes / 10))
      var times = (all: Times(), tenth: Times())
      for round in 0...rounds {
        let measured = (try once(all, syntax, catalog, nodes), try once(tenth, syntax, catalog, nodes / 10))
        // The first finds cold caches.
        guard round > 0 || rounds == 0 else { continue }
        times.all.add(measured.0)
        times.tenth.add(measured.1)
      }
      let name = "\(shape.rawValue)-\(syntax.rawValue)"
      let whole = Comparison(
        name: "graph-\(name)", median: times.all.all.median, spread: times.all.all.spread, peer: "wanted",
        peerMedian: Self.wanted * Double(nodes) / Double(Workflow.maximumNodes))
      let phases = zip(times.all.phases, times.tenth.phases).map { large, small in
        Comparison(
          name: "graph-\(large.name)-\(name)", median: large.samples.median, spread: large.samples.spread,
          peer: "10x a tenth of it", peerMedian: 10 * small.samples.median)
      }
      return [whole] + phases
    }
  }

  /// - Returns: milliseconds of each part.
  private func once(
    _ bytes: [UInt8], _ syntax: DocumentSyntax, _ catalog: NodeCatalog, _ count: Int
  ) throws -> [Double] {
    var instants = [Self.processorTime]
    let workflow = try Workflow(bytes: bytes, file: "bench.\(syntax.rawValue)", syntax: syntax)
    instants.append(Self.processorTime)
    let graph = try WorkflowGraph.validate(workflow, catalog: catalog, inputs: [:])
    instants.append(Self.processorTime)
    let plan = Plan(graph)
    instants.append(Self.processorTime)
    let keys = sign(graph, ResultCache(index: EmptyIndex(), identities: identities(graph)))
    instants.append(Self.processorTime)
    guard Set(keys).count == count, plan.requests.count == count, plan.ranks.allSatisfy({ $0 > 0 }) else {
      throw BenchmarkFailure("of \(count) nodes \(graph.nodes.count) were read, and \(Set(keys).count) keys made")
    }
    return zip(instants, instants.dropFirst()).map { $1 - $0 }
  }

  /// Milliseconds, of this thread.
  private static var processorTime: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
  }

  private struct Plan {
    var ranks: [Int64]
    var requests: [ResourceRequest]

    init(_ graph: WorkflowGraph) {
      // By index, here and below: a node taken out of the graph is a copy of all that it consists of.
      let nodes = graph.nodes
      ranks = UpwardRank.ranks(
        durations: Array(repeating: 1000, count: nodes.count), dependents: nodes.indices.map { nodes[$0].dependents })
      requests = nodes.indices.map { node in
        ResourceRequest(
          cpuMilli: Int((nodes[node].resources.cpuCores * 1000).rounded(.up)),
          memory: nodes[node].resources.memoryMB << 20, semaphores: [SemaphoreName("jobs"): 1])
      }
    }
  }

  /// What every node's sandbox is made of; in a run too it is put together for each node.
  private func identities(_ graph: WorkflowGraph) -> [NodeName: CacheIdentity] {
    let environment = ContentDigest(of: "environment".utf8)
    let plugin = environment.hexadecimal
    var identities: [NodeName: CacheIdentity] = [:]
    identities.reserveCapacity(graph.nodes.count)
    let nodes = graph.nodes
    for node in nodes.indices {
      identities[nodes[node].name] = CacheIdentity(
        plugin: plugin, type: nodes[node].type, environment: environment, permissions: ["gpu.access"],
        configuration: .object([]),
        resources: [
          "cpu": .double(nodes[node].resources.cpuCores),
          "memory_mb": .integer(Int64(nodes[node].resources.memoryMB)), "gpus": 0,
        ], profile: "default")
    }
    return identities
  }

  /// Nothing was run before.
  private struct EmptyIndex: CacheIndex {
    func find(_ keys: [ContentDigest]) async throws(StateFailure) -> [ContentDigest: CachedResult] { [:] }
    func keep(_ results: [NewResult]) async throws(StateFailure) {}
  }

  /// Every node is looked up, as in a run, and found: what it returned has the digest of its key, which is as long as any.
  private func sign(_ graph: WorkflowGraph, _ cache: ResultCache) -> [ContentDigest] {
    var machine = RunMachine(graph: graph, run: "bench", reusable: cache.reusable(in: graph))
    var keys: [ContentDigest] = []
    var waiting = machine.handle(.begin)
    while !waiting.isEmpty {
      var next: [RunMachine.Action] = []
      for case .lookUp(let node, let call) in waiting {
        guard let key = cache.key(of: call) else { continue }
        keys.append(key.digest)
        let outputs = graph.outputs(of: node).map { port in
          (port: port.name, values: [NodeValue(codec: .json, content: .inline([]), digest: key.digest)])
        }
        machine.handle(.found(node: node, NodeSuccess(outputs: outputs, isCached: true)), &next)
      }
      waiting = next
    }
    return keys
  }
}
