import Scheduling

/// How much of a cluster's GPUs the scheduler puts to use, and how long it takes to decide.
///
/// - placement-allocation: the nodes of a trace come one by one at 130 % of the GPUs that there are, and none ends: how many per cent of
///   the GPUs are given away at the end. Mean over the seeds. Beside the figure that is published for fragmentation gradient descent on
///   this trace at this load (hkust-adsl/kubernetes-scheduler-simulator), and beside best fit and a random choice in this same run.
/// - placement-decision: microseconds for each of those decisions; beside a look at every host by best fit.
/// - decision-…: 100,000 nodes are queued for 1,000 hosts, all of which are full; whenever a node ends, the next are started. Microseconds
///   for each node started; beside the same with four times as many.
/// - decisions-per-second: the same, turned over: here more is better.
/// - decision-p99: of the answers to the end of a node, whatever it starts.
struct PlacementBenchmark {
  var trace: PlacementTrace
  var seeds: Int
  /// How many are queued.
  var pending = 100_000
  var hosts = 1000

  private static let published = 95.39
  private static let load = 1.3

  func run() throws -> [Comparison] { try allocation() + decisions() }

  // MARK: Allocation

  func allocation() throws -> [Comparison] {
    var results: [String: Samples] = [:]
    var times = Samples()
    var plainTimes = Samples()
    for seed in 42..<(42 + UInt64(seeds)) {
      var generator = SplitMix(seed: seed &* 7919)
      let arrivals = trace.arrivals(load: Self.load, &generator)
      let (allocated, microseconds) = try place(arrivals, learning: false)
      times.add(microseconds)
      results["own", default: Samples()].add(allocated)
      results["learned", default: Samples()].add(try place(arrivals, learning: true).allocated)
      for policy in PlainPolicy.allCases {
        var plain = 0.0
        let elapsed = ContinuousClock().measure { plain = policy.allocated(trace, arrivals, &generator) }
        results[policy.rawValue, default: Samples()].add(plain)
        if policy == .bestFit { plainTimes.add(elapsed / .microseconds(arrivals.count)) }
      }
    }
    func comparison(_ name: String, _ own: String, _ peer: String, _ value: Double) -> Comparison {
      let samples = results[own] ?? Samples()
      return Comparison(
        name: name, median: samples.mean, spread: samples.range, peer: peer, peerMedian: value, unit: "%")
    }
    return [comparison("placement-allocation", "own", "fgd-published", Self.published)]
      + PlainPolicy.allCases.map {
        comparison("placement-allocation", "own", $0.rawValue, results[$0.rawValue]?.mean ?? .nan)
      } + [
        comparison("placement-learning", "learned", "fgd-published", Self.published),
        Comparison(
          name: "placement-decision", median: times.median, spread: times.spread, peer: "best-fit",
          peerMedian: plainTimes.median, unit: "us"),
      ]
  }

  /// - Parameter learning: what is typical isn't told, as it isn't in life.
  /// - Returns: per cent of all GPUs, and microseconds for each node.
  private func place(
    _ arrivals: [ResourceRequest], learning: Bool
  ) throws -> (allocated: Double, microseconds: Double) {
    let workload = TypicalWorkload(trace.requests.map { TypicalWorkload.Kind(request: $0, weight: 1) })
    var scheduler = Scheduler(configuration: .init(workload: learning ? nil : workload))
    let run = RunIdentifier("trace")
    for host in trace.hosts { _ = scheduler.handle(.hostChanged(host), at: 0) }
    _ = scheduler.handle(.runSubmitted(run, weight: 1), at: 0)
    var given = 0
    let elapsed = ContinuousClock().measure {
      for (index, request) in arrivals.enumerated() {
        let node = NodeReference(run: run, node: index)
        for case .start(let assignment) in scheduler.handle(.nodeReady(node, request, rank: 0), at: 0) {
          given += assignment.gpus.reduce(0) { $0 + $1.milli }
        }
      }
    }
    let left = scheduler.free.reduce(0) { $0 + $1.free.devices.reduce(0) { $0 + $1.milli } }
    guard left >= 0, left + given == trace.gpuCapacity else {
      throw BenchmarkFailure("\(given) thousandths were given, \(left) are left of \(trace.gpuCapacity)")
    }
    return (100 * Double(given) / Double(trace.gpuCapacity), elapsed / .microseconds(arrivals.count))
  }

  // MARK: Decisions

  func decisions() throws -> [Comparison] {
    var own = Decisions()
    var peer = Decisions()
    let more = 4 * pending
    // They take turns, so that what else the machine does weighs on both.
    for seed in 0..<UInt64(max(1, seeds / 3)) {
      own.add(try decide(pending: pending, seed: seed))
      peer.add(try decide(pending: more, seed: seed))
    }
    func comparison(_ name: String, _ unit: String, _ value: (Decisions) -> Samples) -> Comparison {
      Comparison(
        name: "\(name)-\(pending)x\(hosts)", median: value(own).median, spread: value(own).spread,
        peer: "\(name)-\(more)x\(hosts)", peerMedian: value(peer).median, unit: unit)
    }
    return [
      comparison("decisions-per-second", "1/s") { $0.perSecond }, comparison("decision", "us") { $0.perStart },
      comparison("decision-p50", "us") { $0.median }, comparison("decision-p99", "us") { $0.p99 },
      comparison("enqueue", "us") { $0.perNode },
    ]
  }

  /// Microseconds: one sample for each simulation.
  private struct Decisions {
    var perStart = Samples()
    var perSecond = Samples()
    var median = Samples()
    var p99 = Samples()
    var perNode = Samples()

    mutating func add(_ other: (perStart: Double, median: Double, p99: Double, perNode: Double)) {
      perStart.add(other.perStart)
      perSecond.add(1_000_000 / other.perStart)
      median.add(other.median)
      p99.add(other.p99)
      perNode.add(other.perNode)
    }
  }

  private func decide(
    pending: Int, seed: UInt64
  ) throws -> (perStart: Double, median: Double, p99: Double, perNode: Double) {
    var simulation = DecisionSimulation(
      hosts: trace.hosts.prefix(hosts), requests: trace.requests, pending: pending, seed: seed)
    let enqueuing = ContinuousClock().measure { simulation.enqueueAll() }
    let answers = simulation.runToEnd()
    guard simulation.started == pending else {
      throw BenchmarkFailure("\(simulation.started) of \(pending) nodes were started")
    }
    let sorted = answers.sorted()
    let started = simulation.started - simulation.startedAtOnce
    return (
      answers.reduce(0, +) / Double(max(1, started)), sorted[sorted.count / 2], sorted[sorted.count * 99 / 100],
      enqueuing / .microseconds(pending)
    )
  }
}

/// A day of a full cluster: nodes that wait, and nodes that end.
private struct DecisionSimulation {
  private var scheduler = Scheduler()
  private var generator: SplitMix
  private let nodes: [(NodeReference, ResourceRequest, rank: Int64)]
  /// Running nodes, by the millisecond in which they end.
  private var ends: [Int64: [NodeReference]] = [:]
  private(set) var started = 0
  private(set) var startedAtOnce = 0
  private static let runs = 16

  init(hosts: some Sequence<HostCapacity>, requests: [ResourceRequest], pending: Int, seed: UInt64) {
    generator = SplitMix(seed: seed)
    for host in hosts { _ = scheduler.handle(.hostChanged(host), at: 0) }
    for run in 0..<Self.runs {
      _ = scheduler.handle(.runSubmitted(RunIdentifier("run \(run)"), weight: 1 + run % 3), at: 0)
    }
    var generator = generator
    nodes = (0..<pending).map { index in
      let run = RunIdentifier("run \(Int.random(in: 0..<Self.runs, using: &generator))")
      let request = requests.randomElement(using: &generator) ?? ResourceRequest()
      return (NodeReference(run: run, node: index), request, Int64.random(in: 0..<3_600_000, using: &generator))
    }
  }

  mutating func enqueueAll() {
    for (node, request, rank) in nodes {
      perform(scheduler.handle(.nodeReady(node, request, rank: rank), at: 0), at: 0)
    }
    startedAtOnce = started
  }

  /// - Returns: microseconds, of every answer.
  mutating func runToEnd() -> [Double] {
    var answers: [Double] = []
    answers.reserveCapacity(nodes.count)
    var now: Int64 = 0
    while !ends.isEmpty {
      now += 1
      for node in ends.removeValue(forKey: now) ?? [] {
        var actions: [SchedulerAction] = []
        let elapsed = ContinuousClock().measure { actions = scheduler.handle(.nodeFinished(node), at: now) }
        answers.append(elapsed / .microseconds(1))
        perform(actions, at: now)
      }
    }
    return answers
  }

  private mutating func perform(_ actions: [SchedulerAction], at now: Int64) {
    for case .start(let assignment) in actions {
      started += 1
      ends[now + Int64.random(in: 1_000...120_000, using: &generator), default: []].append(assignment.node)
    }
  }
}

/// What a scheduler does that thinks of one node only. For comparison.
private enum PlainPolicy: String, CaseIterable {
  case bestFit = "best-fit"
  case random

  private struct Free {
    var cpu: Int
    var memory: Int
    var gpus: [Int]

    func fits(_ request: ResourceRequest) -> Bool {
      guard cpu >= request.cpuMilli, memory >= request.memory else { return false }
      return switch request.gpu {
      case .none: true
      case .devices(let count, _, _): gpus.count { $0 == 1000 } >= count
      case .share(let milli, _): gpus.contains { $0 >= milli }
      }
    }

    /// The fullest GPU that does.
    mutating func take(_ request: ResourceRequest) {
      cpu -= request.cpuMilli
      memory -= request.memory
      switch request.gpu {
      case .none: break
      case .devices(let count, _, _):
        for index in gpus.indices.filter({ gpus[$0] == 1000 }).prefix(count) { gpus[index] = 0 }
      case .share(let milli, _):
        guard let index = gpus.indices.filter({ gpus[$0] >= milli }).min(by: { gpus[$0] < gpus[$1] }) else { return }
        gpus[index] -= milli
      }
    }

    var left: Double { Double(cpu) / 128_000 + Double(gpus.reduce(0, +)) / 8000 }
  }

  /// Per cent of all GPUs.
  func allocated(_ trace: PlacementTrace, _ arrivals: [ResourceRequest], _ generator: inout SplitMix) -> Double {
    var hosts = trace.hosts.map {
      Free(cpu: $0.cpuMilli, memory: $0.memory, gpus: Array(repeating: 1000, count: $0.devices.count))
    }
    for request in arrivals {
      let candidates = hosts.indices.filter { hosts[$0].fits(request) }
      let chosen =
        switch self {
        case .bestFit: candidates.min { hosts[$0].left < hosts[$1].left }
        case .random: candidates.randomElement(using: &generator)
        }
      if let chosen { hosts[chosen].take(request) }
    }
    let left = hosts.reduce(0) { $0 + $1.gpus.reduce(0, +) }
    return 100 * Double(trace.gpuCapacity - left) / Double(trace.gpuCapacity)
  }
}
