/// `deploy/bench engine`: its parts, and what they are measured on.
struct EngineBenchmark {
  enum Part: String, CaseIterable {
    case graph
    case nodes
    case workflows
    case placement
  }

  private var root: String
  private var parts: [Part]
  /// Directories.
  private var trace: String?
  private var instances: String?
  /// Python with the peers' packages.
  private var peers: String?

  /// - Parameters:
  ///   - root: of the repository.
  ///   - arguments: parts, and options with their values.
  init(root: String, arguments: [String]) throws {
    self.root = root
    var parts: [Part] = []
    var left = arguments[...]
    while let argument = left.popFirst() {
      switch argument {
      case "--trace": trace = left.popFirst()
      case "--instances": instances = left.popFirst()
      case "--peers": peers = left.popFirst()
      default:
        guard let part = Part(rawValue: argument) else {
          let known = Part.allCases.map(\.rawValue).joined(separator: ", ")
          throw BenchmarkFailure("engine has no part \(argument); it has \(known)")
        }
        parts.append(part)
      }
    }
    if parts.contains(.placement), trace == nil {
      throw BenchmarkFailure("placement takes a trace of a cluster: --trace DIRECTORY, with nodes.csv and pods.csv")
    }
    if parts.contains(.workflows), instances == nil {
      throw BenchmarkFailure("workflows takes workflows: --instances DIRECTORY, with files of wfcommons/WfInstances")
    }
    if parts.isEmpty {
      parts = [.graph, .nodes] + (instances == nil ? [] : [.workflows]) + (trace == nil ? [] : [.placement])
    }
    self.parts = parts
  }

  /// - Parameter tell: called with what is known after each part.
  func run(isQuick: Bool, _ tell: @Sendable ([Comparison]) -> Void) async throws {
    for part in parts {
      switch part {
      case .graph: tell(try GraphBenchmark(rounds: isQuick ? 2 : 20).run())
      case .nodes:
        guard let peers else { throw BenchmarkFailure("nodes takes the peers' Python: --peers PROGRAM") }
        let benchmark = try NodesBenchmark(root: root, peers: peers, rounds: isQuick ? 1 : 5, isQuick: isQuick)
        tell(try benchmark.run())
      case .workflows:
        tell(
          try await WorkflowBenchmark(
            directory: instances ?? ".", rounds: isQuick ? 1 : 3, seconds: isQuick ? 0.5 : 3
          ).run())
      case .placement:
        tell(
          try PlacementBenchmark(
            trace: PlacementTrace(directory: trace ?? "."), seeds: isQuick ? 1 : 10,
            pending: isQuick ? 10_000 : 100_000
          ).run())
      }
    }
  }
}
