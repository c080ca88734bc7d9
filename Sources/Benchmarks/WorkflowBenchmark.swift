import Glibc
import LinuxSystem
import PipelineEngine
import PluginModel
import Scheduling

/// How long real workflows take on hosts of several sizes, beside the least that they could take. Each is run by the engine in real
/// time, with all that decides in it: the run's machine, its loop and tasks, the dispatcher and its scheduler. Only a node is no worker: it
/// sleeps as long as its task took, scaled down, and a host's processors are as many as are asked for.
///
/// Of a first run the engine isn't told how long a node will take; of a later one it is, as the journal of the runs before tells it.
///
/// - workflow-NAME-PROCESSORS, and the same with -again of a later run: milliseconds from the run's beginning to its end; beside
///   - path-or-area: the longest path, or the work divided by the processors: no schedule is shorter. Within 5 % is wanted;
///   - no-shorter: a sharper bound of the same kind, where not all processors can be at work all the time;
///   - list-known and list-unknown: what a list scheduler comes to that loses no time, with the times known beforehand and without.
struct WorkflowBenchmark {
  var instances: [WorkflowInstance]
  var rounds: Int
  /// What the lower bound is scaled to.
  var seconds: Double
  private static let processors = [4, 16, 64]

  init(directory: String, rounds: Int, seconds: Double) throws {
    let files = try System.names(in: directory).filter { $0.hasSuffix(".json") }.sorted()
    guard !files.isEmpty else {
      throw BenchmarkFailure(
        "\(directory) holds no workflow: name a directory with JSON files of wfcommons/WfInstances")
    }
    instances = try files.map { try WorkflowInstance(file: "\(directory)/\($0)") }
    self.rounds = rounds
    self.seconds = seconds
  }

  func run() async throws -> [Comparison] {
    var results: [Comparison] = []
    for instance in instances {
      let graph = try instance.graph()
      for processors in Self.processors {
        let bound = instance.lowerBound(processors: processors)
        let scale = seconds / bound
        var first = Samples()
        var again = Samples()
        for _ in 0..<rounds {
          first.add(try await once(instance, graph, processors, scale, isFirst: true))
          again.add(try await once(instance, graph, processors, scale, isFirst: false))
        }
        let peers = [
          ("path-or-area", bound), ("no-shorter", instance.sharperBound(processors: processors)),
          ("list-known", instance.listSchedule(processors: processors, knowsTimes: true)),
          ("list-unknown", instance.listSchedule(processors: processors, knowsTimes: false)),
        ]
        for (suffix, samples) in [("", first), ("-again", again)] {
          results += peers.map { peer, value in
            Comparison(
              name: "workflow-\(instance.name)-\(processors)\(suffix)", median: samples.median, spread: samples.spread,
              peer: peer, peerMedian: 1000 * value * scale)
          }
        }
      }
    }
    return results
  }

  /// - Returns: milliseconds.
  private func once(
    _ instance: WorkflowInstance, _ graph: WorkflowGraph, _ processors: Int, _ scale: Double, isFirst: Bool
  ) async throws -> Double {
    let clock = EngineClock()
    let dispatcher = Dispatcher(
      hosts: [HostCapacity(name: HostIdentifier("host"), cpuMilli: 1000 * processors, memory: .max)], clock: clock)
    let pairs = instance.durations.enumerated().map { ($0.offset, $0.element * scale) }
    let sleeps = Dictionary(uniqueKeysWithValues: pairs.map { (WorkflowInstance.nodeName($0), $1) })
    let execution = RunExecution(executor: Sleeper(seconds: sleeps), clock: clock) { _ in }
    let began = ContinuousClock.now
    let report = await execution.run(
      graph, identifier: "bench", places: dispatcher,
      request: { node, _ in ResourceRequest(cpuMilli: Int((node.resources.cpuCores * 1000).rounded())) },
      durations: isFirst ? [:] : sleeps.mapValues { Int64(($0 * 1000).rounded()) }, timeoutMilliseconds: nil)
    let elapsed = ContinuousClock.now - began
    guard report.outcome == .succeeded else {
      throw BenchmarkFailure("the workflow \(instance.name) ended with \(report.outcome.rawValue)")
    }
    return elapsed / .milliseconds(1)
  }
}

/// Real time.
private struct EngineClock: RunClock {
  private let origin = ContinuousClock.now
  func now() -> Int64 { Int64((ContinuousClock.now - origin) / .milliseconds(1)) }
  func sleep(milliseconds: Int64) async throws { try await Task.sleep(for: .milliseconds(milliseconds)) }
}

/// Does nothing, as long as is said.
private struct Sleeper: NodeExecutor {
  var seconds: [NodeName: Double]

  func execute(
    _ call: NodeCall, report: @escaping @Sendable (NodeReport) -> Void, accept: @escaping NodeAcceptance
  ) async throws(NodeFailure) -> NodeSuccess {
    report(.started)
    do {
      try await ContinuousClock().sleep(for: .seconds(seconds[call.node] ?? 0), tolerance: .zero)
    } catch {
      throw NodeFailure(.cancelled, "the node was cancelled")
    }
    return try await accept(NodeSuccess(outputs: []))
  }
}
