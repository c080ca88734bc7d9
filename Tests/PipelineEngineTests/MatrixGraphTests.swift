import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A graph with matrices")
struct MatrixGraphTests {
  private static let inputs =
    "inputs: {counts: {type: list, default: [1, 2]}, open: {type: list}, mode: {type: string, default: standard}}"

  private func graph(
    _ nodes: String, outputs: String = "", given: [(name: String, value: JSONValue)] = [("open", [])]
  ) throws -> WorkflowGraph {
    try Demo.graph(Demo.workflow(nodes, more: Self.inputs + "\n" + outputs), inputs: given)
  }

  private func refusals(_ nodes: String, more: String = "") -> [String] {
    Demo.problems(Demo.workflow(nodes, more: "inputs: {counts: {type: list, default: [1, 2]}}\n" + more))
      .map { String($0.description.prefix { $0 != "\n" }) }
  }

  @Test("has a node for each instance, each with its own values, all of them read where the node is")
  func expanded() throws {
    let graph = try graph(
      """
      load: {type: demo/source, matrix: {count: "${{ inputs.counts }}", mode: [advanced]}, continue-on-error: true,
             with: {count: "${{ matrix.count + 1 }}", mode: "${{ matrix.mode }}"}}
      after: {type: demo/source, needs: load}
      join: {type: demo/join, in: {items: load.output}}
      """, outputs: "outputs: {all: load.output, one: join.output}")
    #expect(graph.nodes.map(\.name.text) == ["load[0]", "load[1]", "after", "join"])
    #expect(graph.nodes.map(\.label) == ["count=1, mode=advanced", "count=2, mode=advanced", nil, nil])
    #expect(graph.nodes.prefix(2).map { $0.parameters.map(\.value) } == [["advanced", 2], ["advanced", 3]])
    #expect(graph.nodes.map(\.dependencies) == [[], [], [0, 1], [0, 1]])
    #expect(graph.nodes.map(\.continuesOnError) == [true, true, false, false])
    #expect(graph.nodes[3].sources.map(\.node) == [0, 1])
    #expect(
      graph.outputs.map { $0.sources.map(\.node) } == [[0, 1], [3]] && graph.outputs.map(\.isList) == [true, false])
    let drawing = WorkflowDrawing(graph)
    #expect(drawing.text.contains("load[1]") && drawing.svg.contains(">load[0]<"))
  }

  @Test(
    "is refused with each problem told once, of the first instance that has it",
    arguments: [
      (
        "a: {type: demo/source, matrix: {n: [1, 2, 3]}}\nb: {type: demo/step, in: {input: a.output}}",
        ["the input 'input' of the node 'b' has 3 sources: it takes one value, and 'a' has a matrix"]
      ),
      (
        "a: {type: demo/source, matrix: {n: [1]}}\nb: {type: demo/step, in: {input: a.output}}",
        ["the input 'input' of the node 'b' has 1 source: it takes one value, and 'a' has a matrix"]
      ),
      (
        "a: {type: demo/source, matrix: {n: [5, 11, 12]}, with: {count: \"${{ matrix.n }}\"}}",
        ["the parameter 'count' of the node 'a[1]' must be at most 10: it is 11 where n=11"]
      ),
      (
        "a: {type: demo/source, matrix: {n: [1, 2]}, with: {cuont: 1}}", ["the node 'a[0]' has no parameter 'cuont'"]
      ),
      ("a: {type: demo/sauce, matrix: {n: [1, 2]}}", ["the plugin 'demo' has no node type 'sauce'"]),
      ("a: {type: demo/step, matrix: {n: [1, 2]}}", ["the input 'input' of the node 'a[0]' is not connected"]),
      ("a: {type: demo/source, matrix: {n: [1, 2]}, needs: z}", ["the node 'a[0]' needs 'z', which there is none of"]),
      (
        "a: {type: demo/source, matrix: {n: [1, 2]}}\nb: {type: demo/join, in: {items: a.outptu}}",
        ["the input 'items' of the node 'b' is connected to 'a[0].outptu', but 'a[0]' has no such output"]
      ),
      (
        "s: {type: demo/source}\na: {type: demo/step, matrix: {n: [1, 2]}, in: {input: s.output}}\n"
          + "b: {type: demo/join, matrix: {n: [1, 2]}, in: {items: s.output, limit: a.output}}",
        [
          "the input 'limit' of the node 'b[0]' has 2 sources: it takes one value, and 'a' has a matrix",
          "the input 'limit' of the node 'b[0]' takes 'number': it is connected to 'a[0].output', which is of type 'string'",
        ]
      ),
      ("a: {type: demo/source, matrix: {n: [1, 2]}, needs: a}", ["the nodes wait for each other: a[0] → a[0]"]),
      (
        "a: {type: demo/source, matrix: {n: [1], exclude: [{n: 1}]}}",
        ["the matrix of the node 'a' has no combinations left"]
      ),
    ])
  func refused(nodes: String, expected: [String]) {
    let found = refusals(nodes)
    #expect(found.count == expected.count || nodes.contains("needs: a"), "\(found)")
    for (problem, words) in zip(found, expected) { #expect(problem.contains("error: " + words), "\(found)") }
    #expect(found.allSatisfy { $0.hasPrefix("flow.yaml:") })
  }

  @Test("of which an axis isn't known yet is checked and drawn with one node for it")
  func outline() throws {
    func outline(_ nodes: String, _ inputs: [ParameterName: JSONValue] = [:]) throws -> WorkflowOutline {
      let text = Demo.workflow(nodes, more: Self.inputs)
      return try WorkflowOutline(
        checking: try Workflow(bytes: Array(text.utf8), file: "flow.yaml"), catalog: Demo.catalog, inputs: inputs)
    }
    let nodes = """
      a: {type: demo/source, matrix: {n: "${{ inputs.open }}"}, with: {count: "${{ matrix.n }}"}, if: matrix.n > 1}
      b: {type: demo/join, in: {items: a.output}, if: "length(needs.a.outputs.output) > 0"}
      """
    #expect(try outline(nodes).nodes.map(\.name.text) == ["a", "b"])
    #expect(WorkflowDrawing(try outline(nodes)).text.contains("a "))
    let open = ParameterName(unchecked: "open")
    #expect(try outline(nodes, [open: [2, 3]]).nodes.map(\.name.text) == ["a[0]", "a[1]", "b"])
    #expect(throws: Diagnostics.self) { try outline(nodes, [open: [99]]) }
    #expect(throws: Diagnostics.self) { try outline(nodes, [open: ["x"]]) }
    // What doesn't read the matrix is still checked.
    #expect(throws: Diagnostics.self) {
      try outline(nodes.replacing("with: {", with: "with: {mode: fast, "))
    }
    #expect(throws: Diagnostics.self) { try outline(nodes + "\nc: {type: demo/step, in: {input: a.output}}") }
  }

  @Test("yields a list for an output of a node with a matrix, null where an instance yielded nothing, one value too")
  func lists() async throws {
    let nodes = "a: {type: demo/source, matrix: {n: \"${{ inputs.open }}\"}}"
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if call.node.text == "a[1]" { throw NodeFailure(.error, "no") }
      return NodeSuccess(outputs: [(PortName(unchecked: "output"), [NodeValue(json: .string(call.node.text))])])
    }
    func outputs(_ values: JSONValue) async throws -> JSONValue? {
      let graph = try graph(nodes, outputs: "outputs: {r: a.output}", given: [("open", values)])
      let execution = RunExecution(executor: executor, clock: FastClock()) { _ in }
      return await execution.run(graph, identifier: "r", maximumParallel: 4, timeoutMilliseconds: nil).jsonValue[
        "outputs"]
    }
    func item(_ value: JSONValue) -> JSONValue { ["codec": "json", "value": value] }
    #expect(try await outputs([1]) == ["r": .array([item("a[0]")])])
    #expect(try await outputs([1, 2, 3]) == ["r": .array([item("a[0]"), item(.null), item("a[2]")])])
  }

  /// Every edge of the workflow as it is written, between all instances of both ends and nowhere else.
  @Test("has the edges of the workflow between all instances, and no others", arguments: 0..<60)
  func edges(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let count = Int.random(in: 2...12, using: &generator)
    var written: [(sources: Set<Int>, needs: Set<Int>, instances: Int?)] = []
    for index in 0..<count {
      func some() -> Set<Int> {
        Set(
          (0..<Int.random(in: 0...2, using: &generator)).compactMap { _ in
            index == 0 ? nil : Int.random(in: 0..<index, using: &generator)
          })
      }
      written.append((some(), some(), Bool.random(using: &generator) ? Int.random(in: 1...4, using: &generator) : nil))
    }
    let lines = written.enumerated().map { index, node in
      let sources = node.sources.sorted().map { "n\($0).output" }.joined(separator: ", ")
      return "n\(index): {type: demo/\(node.sources.isEmpty ? "source" : "join"), "
        + (node.sources.isEmpty ? "" : "in: {items: [\(sources)]}, ")
        + "needs: [\(node.needs.sorted().map { "n\($0)" }.joined(separator: ", "))]"
        + (node.instances.map { ", matrix: {i: \"${{ range(\($0)) }}\"}" } ?? "") + "}"
    }
    let graph = try graph(lines.joined(separator: "\n"))
    var names: [[String]] = []
    for (index, node) in written.enumerated() {
      names.append(node.instances.map { (0..<$0).map { "n\(index)[\($0)]" } } ?? ["n\(index)"])
    }
    #expect(graph.nodes.map(\.name.text) == names.flatMap(\.self))
    for node in graph.nodes {
      let index = try #require(names.firstIndex { $0.contains(node.name.text) })
      let expected = written[index].sources.union(written[index].needs).sorted().flatMap { names[$0] }
      #expect(node.dependencies.map { graph.nodes[$0].name.text } == expected)
      #expect(
        node.sources.map { graph.nodes[$0.node].name.text } == written[index].sources.sorted().flatMap { names[$0] })
    }
    let again = try self.graph(lines.joined(separator: "\n"))
    #expect(again.nodes.map(\.name) == graph.nodes.map(\.name) && again.nodes.map(\.label) == graph.nodes.map(\.label))
  }

  @Test("a value of a matrix that looks like an expression reaches the node as it is")
  func hostile() throws {
    let evil = "${{ inputs.mode }}"
    let nodes = """
      a: {type: demo/step, matrix: {n: "${{ inputs.open }}"}, in: {input: s.output}, if: "matrix.n == '$' + '{{ inputs.mode }}'"}
      s: {type: demo/source}
      """
    let graph = try graph(nodes, given: [("open", [.string(evil)])])
    #expect(try graph.nodes[0].condition?.decide(needs: [:], status: .init(isSuccess: true)) == true)
    let text = "a: {type: demo/source, matrix: {n: \"${{ inputs.open }}\"}, with: {mode: \"${{ matrix.n }}\"}}"
    #expect(throws: Diagnostics.self) { try self.graph(text, given: [("open", [.string(evil)])]) }
    #expect(try self.graph(text, given: [("open", ["advanced"])]).nodes[0].parameters[0].value == "advanced")
  }

  @Test("of two full matrices, each connected with each, is made in bounded time, and one of 4,096 wires drawn")
  func large() throws {
    func graph(_ count: Int) throws -> WorkflowGraph {
      try self.graph(
        """
        a: {type: demo/source, matrix: {n: "${{ range(\(count)) }}"}}
        b: {type: demo/join, matrix: {n: "${{ range(\(count)) }}"}, in: {items: a.output}, if: "needs.a.outputs.output != []"}
        """)
    }
    let full = try graph(256)
    #expect(full.nodes.count == 512)
    for node in full.nodes.suffix(256) {
      #expect(node.dependencies.count == 256 && node.condition?.reads.count == 256)
    }
    #expect(WorkflowDrawing(try graph(64)).svg.contains("b[63]"))
  }
}
