import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A condition")
struct ConditionTests {
  private static let nodes = """
    load: {type: demo/source}
    many: {type: demo/source, matrix: {n: [1, 2]}}
    other: {type: demo/source}
    """
  private static let inputs =
    "inputs: {publish: {type: boolean, default: true}, name: {type: string, default: x}, open: {type: boolean}, max: {type: integer, default: 3}}"

  private func workflow(_ condition: String, more: String = "") -> String {
    Demo.workflow(
      Self.nodes + "\nlast: {type: demo/join, in: {items: load.output}, needs: [many], if: \"\(condition)\"\(more)}",
      more: Self.inputs)
  }

  private func condition(_ text: String, more: String = "") throws -> NodeCondition {
    let graph = try Demo.graph(workflow(text, more: more), inputs: [("open", true)])
    return try #require(graph.nodes.last?.condition)
  }

  private typealias Need = NodeCondition.Need
  private static let output = PortName(unchecked: "output")

  private func needs(_ load: Need, _ many: [Need]) -> [NodeName: Need] {
    var needs = [NodeName(unchecked: "load"): load]
    for (index, need) in many.enumerated() { needs[NodeName(instance: index, of: NodeName(unchecked: "many"))] = need }
    return needs
  }

  private func decide(
    _ text: String, _ status: NodeCondition.Status = .init(isSuccess: true), load: Need = Need(.succeeded),
    many: [Need] = [Need(.succeeded), Need(.succeeded)]
  ) throws -> Bool {
    try condition(text).decide(needs: needs(load, many), status: status)
  }

  @Test(
    "asks how everything has ended that the node waits for",
    arguments: [
      ("true", [true, false, false, false]), ("inputs.publish", [true, false, false, false]),
      ("success()", [true, false, false, false]), ("failure()", [false, true, false, false]),
      ("cancelled()", [false, false, false, true]), ("always()", [true, true, true, true]),
      ("!cancelled()", [true, true, true, false]), ("!success() && !failure()", [false, false, true, true]),
      ("success() || failure()", [true, true, false, false]),
      ("always() && inputs.max > 3", [false, false, false, false]),
    ])
  func status(text: String, expected: [Bool]) throws {
    let condition = try condition(text)
    let statuses: [NodeCondition.Status] = [
      .init(isSuccess: true), .init(isSuccess: false, isFailure: true), .init(isSuccess: false),
      .init(isSuccess: false, isCancelled: true),
    ]
    #expect(try statuses.map { try condition.decide(needs: [:], status: $0) } == expected)
    #expect(try self.condition("${{ \(text) }}").decide(needs: [:], status: statuses[0]) == expected[0])
  }

  @Test("reads states and outputs, and null for whatever isn't there")
  func reads() throws {
    #expect(try decide("needs.load.state == 'succeeded'"))
    #expect(try decide("always() && needs.load.state == 'failed'", .init(isSuccess: false), load: Need(.failed)))
    let score = Need(.succeeded, outputs: [Self.output: ["score": .double(0.9)]])
    #expect(try decide("needs.load.outputs.output.score >= 0.9", load: score))
    #expect(try decide("needs['load'].outputs['output']['score'] < inputs.max", load: score))
    #expect(try decide("needs.load.outputs.output == null"))
    #expect(try !decide("needs.load.outputs.output != null && needs.load.outputs.output.score > 1"))
    #expect(try condition("needs.load.state == null").decide(needs: [:], status: .init(isSuccess: true)))
    let condition = try condition(
      "needs.load.outputs.output == needs.many.outputs.output || needs.many.state == 'failed'")
    #expect(condition.reads.map(\.node) == [0, 1, 2] && condition.reads.allSatisfy { $0.port == Self.output })
  }

  @Test("sees a node with a matrix as one state and lists of outputs")
  func matrix() throws {
    let values = [Need(.succeeded, outputs: [Self.output: "a"]), Need(.skipped)]
    #expect(try decide("needs.many.outputs.output == ['a', null]", many: values))
    let states: [([Condition.State], Condition.State)] = [
      ([.succeeded, .succeeded], .succeeded), ([.succeeded, .skipped], .succeeded), ([.skipped, .skipped], .skipped),
      ([.succeeded, .cancelled], .cancelled), ([.cancelled, .failed], .failed), ([.skipped, .failed], .failed),
    ]
    for (instances, expected) in states {
      #expect(
        try decide("needs.many.state == '\(expected.rawValue)'", many: instances.map { Need($0) }), "\(instances)")
    }
    let own = try Demo.graph(Demo.workflow("a: {type: demo/source, matrix: {n: [1, 2]}, if: matrix.n == 2}"))
    #expect(
      try own.nodes.map { try $0.condition?.decide(needs: [:], status: .init(isSuccess: true)) } == [false, true])
  }

  @Test(
    "that can't have a value is refused before anything runs",
    arguments: [
      ("inputs.name", "'inputs.name' must be true or false", nil),
      ("always() ? 1 : 2", "the condition must be true or false", nil),
      ("inputs.max / 0 > 1", "'inputs.max / 0' has no value", nil),
      ("failure() && inputs.name", "'inputs.name' must be true or false", nil),
      ("inputs.publsh", "the workflow has no input 'publsh'", "did you mean 'publish'?"),
      ("matrix.n == 1", "'matrix.n' is nothing here", nil),
      ("needs.laod.state == 'failed'", "it reads 'laod', which there is no node of", "did you mean 'load'?"),
      (
        "needs.other.state == 'failed'", "it reads 'other', which the node doesn't wait for",
        "add to the node:  needs: [other]"
      ),
      ("needs.last.state == 'failed'", "it reads 'last', which the node doesn't wait for", nil),
      (
        "needs.load.outputs.outptu == 1", "it reads 'needs.load.outputs.outptu', but 'load' has no such output",
        "did you mean 'output'?"
      ),
      ("needs['many[0]'].state == 'failed'", "it reads 'many[0]', which there is no node of", nil),
    ] as [(String, String, String?)])
  func refused(text: String, what: String, hint: String?) throws {
    let found: [Diagnostic]
    do {
      _ = try condition(text)
      found = []
    } catch let error as Diagnostics { found = error.items }
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.what.contains(what) == true, "\(found)")
    #expect(found.first?.location?.line == 10)
    if let hint { #expect(found.first?.hint == hint) }
  }

  @Test("that depends on another node fails only when it is asked, and says which part has no value")
  func late() throws {
    let condition = try condition("needs.load.outputs.output.score > 1")
    #expect(throws: Expression.Problem.self) { try condition.decide(needs: [:], status: .init(isSuccess: true)) }
    #expect(try !condition.decide(needs: [:], status: .init(isSuccess: false)))
  }

  @Test("isn't tried out as long as an input that it reads has no value")
  func outline() throws {
    let text = workflow("inputs.open && inputs.publish")
    let read = try Workflow(bytes: Array(text.utf8), file: "flow.yaml")
    #expect(try WorkflowOutline(checking: read, catalog: Demo.catalog).nodes.last?.condition != nil)
    #expect(throws: Diagnostics.self) {
      try WorkflowOutline(
        checking: try Workflow(bytes: Array(workflow("inputs.name && inputs.publish").utf8), file: "flow.yaml"),
        catalog: Demo.catalog)
    }
  }

  @Test("that wasn't read from a file is checked as strictly")
  func handMade() throws {
    var read = try Workflow(bytes: Array(workflow("true").utf8), file: "flow.yaml")
    for text in ["inputs.nothing", "matrix.x", "env.x", "1 +", ""] {
      read.nodes[3].condition?.value = text
      #expect(throws: Diagnostics.self, "\(text)") {
        try WorkflowGraph.validate(read, catalog: Demo.catalog, inputs: [ParameterName(unchecked: "open"): true])
      }
    }
  }

  @Test("sees JSON up to 64 KiB, and null for everything else")
  func values() {
    func json(_ text: String) -> NodeValue { NodeValue(codec: .json, content: .inline(Array(text.utf8))) }
    let longest = NodeCondition.longestValue
    #expect(NodeCondition.value(of: [json("{\"a\": [1]}")]) == ["a": [1]])
    #expect(NodeCondition.value(of: [json("1"), json("2")]) == [1, 2])
    #expect(NodeCondition.value(of: []) == .null)
    #expect(NodeCondition.value(of: [json("{")]) == .null)
    #expect(NodeCondition.value(of: [NodeValue(codec: .bytes, content: .inline([0x31]))]) == .null)
    #expect(NodeCondition.value(of: [json("\"" + String(repeating: "x", count: longest - 2) + "\"")]) != .null)
    #expect(NodeCondition.value(of: [json("\"" + String(repeating: "x", count: longest - 1) + "\"")]) == .null)
    let half = json("\"" + String(repeating: "x", count: longest / 2) + "\"")
    #expect(NodeCondition.value(of: [half, half]) == .null)
  }

  @Test("decides the same whenever it is asked, whatever the outputs are", arguments: 0..<40)
  func total(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let parts = [
      "needs.load.state == 'failed'", "needs.many.state != 'skipped'", "needs.load.outputs.output == 1",
      "length(needs.many.outputs.output) == 2", "needs.load.outputs.output.a > 1", "success()", "failure()",
      "inputs.publish", "cancelled()",
    ]
    let text = (0..<Int.random(in: 1...4, using: &generator)).map { _ in parts.randomElement(using: &generator) ?? "" }
      .joined(separator: Bool.random(using: &generator) ? " && " : " || ")
    let condition = try condition(text)
    for _ in 0..<50 {
      func need() -> Need {
        let values: [JSONValue] = [1, .null, ["a": 2], "x", [1]]
        return Need(
          NodeCondition.State.allCases.randomElement(using: &generator) ?? .failed,
          outputs: Bool.random(using: &generator)
            ? [Self.output: values.randomElement(using: &generator) ?? .null] : [:])
      }
      let needs = needs(need(), [need(), need()])
      let status = NodeCondition.Status.all.randomElement(using: &generator) ?? .init(isSuccess: true)
      func answer() -> Result<Bool, Expression.Problem> {
        Result { () throws(Expression.Problem) in try condition.decide(needs: needs, status: status) }
      }
      #expect(answer() == answer(), "\(text)")
    }
  }
}
