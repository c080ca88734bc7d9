import CFuzzer
import PluginModel

/// Workflow files, as YAML and as JSON of the same schema.
///
/// Whatever the bytes, the reader gives a workflow or diagnostics with places inside the file.
@main
enum FuzzWorkflow {
  static func main() {
    _ = run_fuzzer(CommandLine.argc, CommandLine.unsafeArgv) { data, size in
      FuzzWorkflow.one(Array(UnsafeBufferPointer(start: data, count: size)))
      return 0
    }
  }

  static func one(_ bytes: [UInt8]) {
    for syntax in [DocumentSyntax.yaml, .json] {
      do throws(Diagnostics) {
        let workflow = try Workflow(bytes: bytes, file: "workflow", syntax: syntax)
        let names = workflow.nodes.map(\.name)
        guard Set(names).count == names.count else { fatalError("two nodes of one name") }
      } catch {
        let lines = bytes.count { $0 == 10 || $0 == 13 } + 2 * bytes.count / 3 + 2
        guard error.hasErrors, error.items.allSatisfy({ ($0.location?.line ?? 1) <= lines }) else {
          fatalError("refused without a word, or at a place outside the file: \(error)")
        }
      }
    }
  }
}
