import Glibc

/// Benchmarks, for `deploy/bench`.
@main
enum Main {
  static func main() async {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let isJSON = remove("--json", from: &arguments)
    let isQuick = remove("--quick", from: &arguments)
    do {
      switch arguments.first {
      case "launch" where arguments.count == 2:
        let setup = BenchmarkSetup(root: arguments[1])
        tell(try LaunchBenchmark(setup: setup, rounds: isQuick ? 5 : 100).run(), isJSON)
      case "limits" where arguments.count == 2:
        let setup = BenchmarkSetup(root: arguments[1])
        tell(try await LimitsBenchmark(setup: setup, rounds: isQuick ? 5 : 300).run(), isJSON)
      case "egress" where arguments.count == 2:
        let setup = BenchmarkSetup(root: arguments[1])
        tell(try await EgressBenchmark(setup: setup, rounds: isQuick ? 2 : 20).run(), isJSON)
      case "engine" where arguments.count >= 2:
        let benchmark = try EngineBenchmark(root: arguments[1], arguments: Array(arguments.dropFirst(2)))
        try await benchmark.run(isQuick: isQuick) { tell($0, isJSON) }
      // Not for people: how the benchmark starts the supervisors that it measures.
      case "launch-supervisor" where arguments.count == 3:
        guard let bytes = Int(arguments[2]) else { throw BenchmarkFailure("\(arguments[2]) is no number of bytes") }
        try await LaunchBenchmark(setup: BenchmarkSetup(root: arguments[1]), rounds: 0).supervise(ballast: bytes)
      default:
        System.complain(
          """
          usage: orchestrator-bench launch|limits|egress REPOSITORY [--json] [--quick]
                 orchestrator-bench engine REPOSITORY [graph|nodes|workflows|placement]... [--peers PYTHON]
                   [--instances DIRECTORY] [--trace DIRECTORY] [--json] [--quick]
          """)
        exit(2)
      }
    } catch {
      System.complain("error: \(error)")
      exit(1)
    }
  }

  private static func tell(_ results: [Comparison], _ isJSON: Bool) {
    for result in results { print(isJSON ? result.json : result.text) }
  }

  private static func remove(_ flag: String, from arguments: inout [String]) -> Bool {
    guard let index = arguments.firstIndex(of: flag) else { return false }
    arguments.remove(at: index)
    return true
  }
}
