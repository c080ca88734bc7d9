import CFuzzer
import PluginModel

/// Workflow files, as YAML and as JSON of the same schema.
///
/// Whatever the bytes, the reader gives a workflow or diagnostics with places inside the file. Where nodes stand for other workflows, each
/// of the first few is the same bytes again.
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
        if syntax == .yaml, workflow.nodes.contains(where: { $0.subworkflow != nil }) { gather(bytes) }
      } catch {
        let lines = bytes.count { $0 == 10 || $0 == 13 } + 2 * bytes.count / 3 + 2
        guard error.hasErrors, error.items.allSatisfy({ ($0.location?.line ?? 1) <= lines }) else {
          fatalError("refused without a word, or at a place outside the file: \(error)")
        }
      }
    }
  }
  private static func gather(_ bytes: [UInt8]) {
    guard var files = try? WorkflowFiles(path: "a/workflow", bytes: bytes) else { return }
    for count in 0... {
      guard let wanted = files.wanted.first else { break }
      guard !wanted.isEmpty, wanted.utf8.first != UInt8(ascii: "/"), !wanted.split(separator: "/").contains("..") else {
        fatalError("a file outside of the directory is wanted: \(wanted)")
      }
      files.add(count < 4 ? .bytes(bytes) : .unreadable(why: "enough", hint: nil), at: wanted)
    }
    if let workflow = try? files.workflow(), workflow.library == nil { fatalError("nodes that stand for nothing") }
  }
}
