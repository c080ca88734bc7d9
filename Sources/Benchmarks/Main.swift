import Glibc

/// Benchmarks, for `deploy/bench`.
@main
enum Main {
  static func main() async {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let isJSON = remove("--json", from: &arguments)
    let isQuick = remove("--quick", from: &arguments)
    guard arguments.count == 2, arguments[0] == "launch" else {
      System.complain("usage: orchestrator-bench launch REPOSITORY [--json] [--quick]")
      exit(2)
    }
    do {
      let results = try await LaunchBenchmark(root: arguments[1], rounds: isQuick ? 5 : 100).run()
      for result in results { print(isJSON ? result.json : result.text) }
    } catch {
      System.complain("error: \(error)")
      exit(1)
    }
  }

  private static func remove(_ flag: String, from arguments: inout [String]) -> Bool {
    guard let index = arguments.firstIndex(of: flag) else { return false }
    arguments.remove(at: index)
    return true
  }
}
