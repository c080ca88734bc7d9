import Testing

@testable import PluginModel

@Suite struct WorkflowChangeTests {
  private func workflow(_ nodes: JSONValue, _ rest: [JSONValue.Member] = [], layout: JSONValue = [:]) -> JSONValue {
    ["kind": "Workflow", "spec": .object([.init("nodes", nodes)] + rest), "layout": layout]
  }

  @Test("a node is another where anything of it is, and not where it is written in another order")
  func nodes() {
    let before = workflow([
      "a": ["type": "x/a", "with": ["one": 1, "two": [1, 2]]], "b": ["type": "x/b"], "gone": ["type": "x/a"],
    ])
    let same = workflow([
      "b": ["type": "x/b"], "a": ["with": ["two": [1, 2], "one": 1], "type": "x/a"], "gone": ["type": "x/a"],
    ])
    #expect(WorkflowChange(from: before, to: same) == .nodes([]))
    let changed = workflow([
      "a": ["type": "x/a", "with": ["one": 1, "two": [2, 1]]], "b": ["type": "x/b"], "new": ["type": "x/a"],
    ])
    #expect(WorkflowChange(from: before, to: changed) == .nodes(["a", "new"]))
  }

  @Test("what every node depends on changes everything; drawings and outputs change nothing")
  func frame() {
    let nodes: JSONValue = ["a": ["type": "x/a"]]
    let before = workflow(nodes, [.init("inputs", ["path": ["type": "string"]])])
    for member in ["inputs", "defaults", "plugins", "whatever"] {
      #expect(WorkflowChange(from: before, to: workflow(nodes, [.init(member, ["other": 1])])) == .everything)
    }
    let after = workflow(
      nodes, [.init("inputs", ["path": ["type": "string"]]), .init("outputs", ["x": "a.out"])],
      layout: ["a": ["x": 1, "y": 2]])
    #expect(WorkflowChange(from: before, to: after) == .nodes([]))
    #expect(WorkflowChange(from: .null, to: after) == .everything)
  }

  @Test("another workflow that is called may always have changed")
  func calls() {
    let document = workflow(["a": ["workflow": "other.yaml"], "b": ["type": "x/b"]])
    #expect(WorkflowChange(from: document, to: document) == .nodes(["a"]))
  }
}
