import PluginModel

@testable import PipelineEngine

extension Demo {
  /// A workflow of several files; `main` are its own nodes.
  static func workflow(
    _ main: String, more: String = "", files: [String: (nodes: String, more: String)]
  ) throws(Diagnostics) -> Workflow {
    var gathered = try WorkflowFiles(path: "main.yaml", bytes: Array(workflow(main, more: more).utf8))
    while let wanted = gathered.wanted.first {
      let found = files[wanted].map { WorkflowFiles.Content.bytes(Array(workflow($0.nodes, more: $0.more).utf8)) }
      gathered.add(found ?? .unreadable(why: "it isn't there", hint: nil), at: wanted)
    }
    return try gathered.workflow()
  }

  static func graph(
    _ main: String, more: String = "", files: [String: (nodes: String, more: String)],
    inputs: [(name: String, value: JSONValue)] = []
  ) throws(Diagnostics) -> WorkflowGraph {
    let workflow = try workflow(main, more: more, files: files)
    return try WorkflowGraph.validate(workflow, catalog: catalog, inputs: try workflow.bind(inputs))
  }

  /// What is refused, one line each.
  static func refusals(
    _ main: String, more: String = "", files: [String: (nodes: String, more: String)]
  ) -> [String] {
    do throws(Diagnostics) {
      _ = try graph(main, more: more, files: files)
      return []
    } catch {
      return error.items.map { String($0.description.prefix { $0 != "\n" }) }
    }
  }
}
