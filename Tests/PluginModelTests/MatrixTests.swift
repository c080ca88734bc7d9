import Foundation
import PluginModel
import Testing

@Suite("A matrix")
struct MatrixTests {
  private func read(_ nodes: String, spec: String = "") throws(Diagnostics) -> Workflow {
    let lines = nodes.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
    let text = """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        inputs: {list: {type: list, default: [1, 2]}, open: {type: list}, any: {type: any, default: 0}, secret: {type: string, default: s}}
        nodes:
      \(lines.joined(separator: "\n"))
      \(spec)
      """
    return try Workflow(bytes: Array(text.utf8), file: "w.yaml")
  }

  private func expand(
    _ nodes: String, spec: String = "", given: [(name: String, value: JSONValue)] = []
  ) throws -> (workflow: Workflow, problems: [Diagnostic]) {
    let workflow = try read(nodes, spec: spec)
    return workflow.expanded(inputs: try workflow.bind(given, areAllNeeded: false))
  }

  private func table(_ workflow: Workflow) -> [String] {
    workflow.nodes.map { node in node.name.text + (node.instance?.label.map { "  \($0)" } ?? "") }
  }

  private func refusals(
    _ nodes: String, given: [(name: String, value: JSONValue)] = []
  ) throws -> [String] {
    try expand(nodes, given: given).problems.map { String($0.description.prefix { $0 != "\n" }) }
  }

  @Test("becomes the nodes that its page of the documentation shows")
  func documented() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appending(path: "Sources/orchestrator/Documentation.docc/MatricesAndConditions.md"),
      encoding: .utf8)
    var yaml = ""
    var count = 0
    for block in page.components(separatedBy: "```\n").flatMap({ $0.components(separatedBy: "\n```") }) {
      if block.hasPrefix("yaml\n") { yaml = String(block.dropFirst(5)) }
      guard block.hasPrefix("text\n") else { continue }
      count += 1
      let (workflow, problems) = try expand(yaml)
      #expect(problems.isEmpty)
      #expect(table(workflow) == block.dropFirst(5).split(separator: "\n").map(String.init))
    }
    #expect(count == 3)
  }

  @Test(
    "combines its axes as GitHub does",
    arguments: [
      ("{a: [1, 2], b: [x, y]}", ["a=1, b=x", "a=1, b=y", "a=2, b=x", "a=2, b=y"]),
      ("{b: [x], a: [1, 2]}", ["b=x, a=1", "b=x, a=2"]), ("{a: [1, 1]}", ["a=1", "a=1"]),
      // Exclude: a partial match is enough, and all that it names must match.
      ("{a: [1, 2], b: [x, y], exclude: [{a: 1}]}", ["a=2, b=x", "a=2, b=y"]),
      ("{a: [1, 2], b: [x, y], exclude: [{b: y, a: 1}, {a: 2, b: x}]}", ["a=1, b=x", "a=2, b=y"]),
      ("{a: [1, 2], exclude: [{a: 3}]}", ["a=1", "a=2"]), ("{a: [1, 2], exclude: [{a: 1.0}]}", ["a=2"]),
      ("{a: [1, 2], exclude: [{a: \"1\"}]}", ["a=1", "a=2"]),
      ("{a: [{k: 1, m: 2}, 3], exclude: [{a: {m: 2, k: 1}}]}", ["a=3"]),
      ("{a: [1, 2], exclude: null, include: null}", ["a=1", "a=2"]),
      // Include: into the combinations whose axes it doesn't change.
      ("{a: [1, 2], include: [{a: 2, c: z}]}", ["a=1", "a=2, c=z"]),
      ("{a: [1, 2], include: [{c: z}]}", ["a=1, c=z", "a=2, c=z"]),
      ("{a: [1, 2], include: [{c: y}, {c: z, a: 1}]}", ["a=1, c=z", "a=2, c=y"]),
      ("{a: [1], include: [{a: 2}, {a: 2, c: z}, {d: 0}]}", ["a=1, d=0", "a=2", "a=2, c=z"]),
      // What an earlier one added isn't an axis.
      ("{a: [1], include: [{c: y}, {c: z}]}", ["a=1, c=z"]),
      // Include comes after exclude, and can bring back.
      ("{a: [1, 2], exclude: [{a: 1}], include: [{a: 1, c: z}]}", ["a=2", "a=1, c=z"]),
      ("{a: [1], exclude: [{a: 1}], include: [{c: z}]}", ["c=z"]),
      ("{include: [{a: 1}, {a: 2, b: x}]}", ["a=1", "a=2, b=x"]),
      // Any JSON is a value.
      (
        "{a: [null, true, 0.5, [1, 2], {k: 1}, '']}", ["a=null", "a=true", "a=0.5", "a=[2 items]", "a={1 key}", "a=''"]
      ),
      ("{a: ['x, b=y', \"l\\nm\"]}", ["a='x, b=y'", "a='l\\u{a}m'"]),
      ("{a: \"${{ inputs.list }}\", b: [x]}", ["a=1, b=x", "a=2, b=x"]),
      ("{a: \"${{ range(length(inputs.list)) }}\"}", ["a=0", "a=1"]),
    ])
  func combinations(matrix: String, expected: [String]) throws {
    let (workflow, problems) = try expand("n: {type: p/t, matrix: \(matrix)}")
    #expect(problems.isEmpty, "\(problems)")
    #expect(workflow.nodes.map { $0.instance?.label ?? "" } == expected)
    #expect(workflow.nodes.map(\.name.text) == expected.indices.map { "n[\($0)]" })
  }

  @Test("connects all instances where the node was connected")
  func connections() throws {
    let (workflow, problems) = try expand(
      """
      a: {type: p/t, matrix: {x: [1, 2]}}
      b: {type: p/t, needs: a, in: {i: [c.o, a.o]}, matrix: {y: [1, 2]}}
      c: {type: p/t}
      """, spec: "  outputs: {r: a.o, s: c.o}")
    #expect(problems.isEmpty)
    #expect(workflow.nodes.map(\.name.text) == ["a[0]", "a[1]", "b[0]", "b[1]", "c"])
    for node in workflow.nodes[2...3] {
      #expect(node.needs.map(\.value.text) == ["a[0]", "a[1]"])
      #expect(node.inputs[0].sources.map(\.value.description) == ["c.o", "a[0].o", "a[1].o"])
    }
    #expect(workflow.outputs.map { $0.instances?.map(\.text) } == [["a[0]", "a[1]"], nil])
  }

  @Test("stays one node as long as an input that it reads has no value")
  func unbound() throws {
    let nodes = "n: {type: p/t, matrix: {a: \"${{ inputs.open }}\"}}\nm: {type: p/t, needs: n}"
    let (workflow, problems) = try expand(nodes)
    #expect(problems.isEmpty && workflow.nodes.map(\.name.text) == ["n", "m"])
    #expect(workflow.nodes[0].instance?.scope == nil && workflow.nodes[0].instance?.label == nil)
    #expect(try expand(nodes, given: [("open", [7])]).workflow.nodes.map(\.name.text) == ["n[0]", "m"])
  }

  @Test(
    "that can't be read is refused at its place, with what was probably meant",
    arguments: [
      ("matrix: 1", "7:28: error: 'spec.nodes.n.matrix' must be a mapping", nil),
      ("matrix: {}", "7:28: error: 'spec.nodes.n.matrix' has no values", nil),
      ("matrix: {exclude: []}", "7:28: error: 'spec.nodes.n.matrix' has no values", nil),
      ("matrix: {include: []}", "7:28: error: 'spec.nodes.n.matrix' has no values", nil),
      ("matrix: {a: []}", "7:32: error: 'spec.nodes.n.matrix.a' has no values", nil),
      ("matrix: {a: 1}", "7:32: error: 'spec.nodes.n.matrix.a' must be a list of values, or one expression", nil),
      ("matrix: {a: null}", "7:32: error: 'spec.nodes.n.matrix.a' must be a list of values, or one expression", nil),
      ("matrix: {a: x}", "7:32: error: 'spec.nodes.n.matrix.a' must be a list of values, or one expression", nil),
      ("matrix: {a: 'x${{ inputs.list }}'}", "7:32: error: 'spec.nodes.n.matrix.a' must be a list of values", nil),
      ("matrix: {a: '${{ inputs.lst }}'}", "7:32: error: the workflow has no input 'lst'", "did you mean 'list'?"),
      ("matrix: {a: '${{ matrix.a }}'}", "7:32: error: the expression begins with 'matrix'", nil),
      ("matrix: {a: '${{ success() }}'}", "7:32: error: 'success()' can't stand here", nil),
      ("matrix: {a: ['${{ inputs.secret }}']}", "7:33: error: a value of a matrix can't be an expression", nil),
      ("matrix: {include: [{a: [{b: '${{ 1 }}'}]}]}", "7:48: error: a value of a matrix can't be an expression", nil),
      ("matrix: {a: [1], include: {b: 1}}", "7:46: error: 'spec.nodes.n.matrix.include' must be a list", nil),
      ("matrix: {a: [1], include: [{}]}", "7:47: error: 'spec.nodes.n.matrix.include[0]' names nothing", nil),
      ("matrix: {a: [1], exclude: [1]}", "7:47: error: 'spec.nodes.n.matrix.exclude[0]' must be a mapping", nil),
      (
        "matrix: {python: [1], exclude: [{pyton: 1}]}",
        "7:52: error: 'exclude' names 'pyton', which is no axis of the matrix", "did you mean 'python'?"
      ),
      ("matrix: {'a b': [1]}", "7:29: error: 'a b' is not a parameter name", nil),
      ("with: {p: '${{ matrix.a }}'}", "7:30: error: 'matrix.a' is nothing here: the node has no 'matrix'", nil),
      (
        "matrix: {size: [1]}, with: {p: '${{ matrix.siez }}'}", "7:51: error: the matrix has no 'siez'",
        "did you mean 'size'?"
      ),
      (
        "matrix: {size: [1], include: [{b: 1}]}, with: {p: '${{ matrix.c }}'}", "7:70: error: the matrix has no 'c'",
        nil
      ),
      ("continue-on-error: maybe", "7:39: error: 'spec.nodes.n.continue-on-error' must be true or false", nil),
    ] as [(String, String, String?)])
  func refused(node: String, expected: String, hint: String?) {
    let body = { () throws(Diagnostics) in _ = try read("n: {type: p/t, \(node)}") }
    let found = problems(body)
    #expect(found.count == 1 && found.first?.hasPrefix("w.yaml:" + expected) == true, "\(found)")
    if let hint { #expect(hints(body) == [hint]) }
  }

  @Test("that comes to nothing, or to too much, is refused with the reason and the count")
  func counted() throws {
    let hundred = "[\((1...100).map(String.init).joined(separator: ", "))]"
    #expect(
      try refusals("n: {type: p/t, matrix: {a: \(hundred), b: \(hundred), c: \(hundred)}}") == [
        "w.yaml:7:28: error: the matrix of the node 'n' is too large: 3 axes of 100, 100 and 100 values make 1000000 nodes; at most 256"
      ])
    let many = (0..<60).map { "a\($0): \"${{ range(100000) }}\"" }.joined(separator: ", ")
    #expect(
      try refusals("n: {type: p/t, matrix: {\(many)}}").first?.hasSuffix(
        "make more nodes than can be counted; at most 256") == true)
    #expect(
      try refusals("n: {type: p/t, matrix: {a: \"${{ range(257) }}\"}}").first?.hasSuffix(
        "1 axis of 257 values make 257 nodes; at most 256") == true)
    #expect(try expand("n: {type: p/t, matrix: {a: \"${{ range(256) }}\"}}").workflow.nodes.count == 256)
    #expect(
      try refusals("n: {type: p/t, matrix: {a: \"${{ range(256) }}\", include: [{a: 256}]}}") == [
        "w.yaml:7:28: error: the matrix of the node 'n' makes 257 nodes with 'include': at most 256 are possible"
      ])
    #expect(
      try refusals("n: {type: p/t, matrix: {a: [1, 2], exclude: [{a: 1}, {a: 2}]}}") == [
        "w.yaml:7:28: error: the matrix of the node 'n' has no combinations left: 'exclude' takes all 2 away"
      ])
    #expect(
      try refusals("n: {type: p/t, matrix: {a: \"${{ inputs.any }}\"}}") == [
        "w.yaml:7:32: error: the axis 'a' of the node 'n': it must be a list: it is a integer"
      ])
    #expect(
      try refusals("n: {type: p/t, matrix: {a: \"${{ inputs.any }}\"}}", given: [("any", [])]) == [
        "w.yaml:7:32: error: the axis 'a' of the node 'n': the list is empty: the node would never run"
      ])
    #expect(
      try refusals("n: {type: p/t, matrix: {a: \"${{ inputs.list[9] }}\"}}").first?.hasPrefix(
        "w.yaml:7:32: error: the axis 'a' of the node 'n': 'inputs.list[9]' has no value") == true)
  }

  @Test(
    "can't make more nodes or connections than a workflow may have, however small the file", .timeLimit(.minutes(1)))
  func explosion() throws {
    let nodes = (0..<5000).map { "n\($0): {type: p/t, matrix: {a: \"${{ range(256) }}\"}}" }
    let (workflow, problems) = try expand(nodes.joined(separator: "\n"))
    #expect(workflow.nodes.count == 5000)
    #expect(
      problems.map(\.description) == [
        "w.yaml:7:29: error: the matrices make 1280000 nodes of the workflow: a workflow may have 10000\n"
          + "  hint: take values away, or make several workflows of it"
      ])
    let chain = (0..<39).map { index in
      "n\(index): {type: p/t, matrix: {a: \"${{ range(256) }}\"}, needs: [\((0..<index).map { "n\($0)" }.joined(separator: ", "))]}"
    }
    let connected = try expand(chain.joined(separator: "\n"))
    #expect(connected.workflow.nodes.count == 39)
    #expect(
      connected.problems.map(\.what) == ["the workflow has more than 262144 connections between its nodes"])
  }

  @Test("holds values, never expressions or names: hostile ones stay the text that they are")
  func hostile() throws {
    let nodes =
      "n: {type: p/t, matrix: {a: \"${{ inputs.open }}\"}, with: {p: \"${{ matrix.a }}\", q: \"<${{ matrix.a }}>\"}}"
    let evil: [JSONValue] = ["${{ inputs.secret }}", "b]\n[0], c=1", "../x", "$${{"]
    let workflow = try expand(nodes, given: [("open", .array(evil))]).workflow
    #expect(workflow.nodes.map(\.name.text) == ["n[0]", "n[1]", "n[2]", "n[3]"])
    let inputs = try workflow.bind([("open", .array(evil))])
    for (node, value) in zip(workflow.nodes, evil) {
      let found = try node.parameters(evaluatedWith: inputs).map(\.value)
      #expect(found == [value, .string("<\(value.stringValue ?? "")>")])
      #expect(node.instance?.label?.contains("\n") == false)
    }
    let long: JSONValue = .array([.string(String(repeating: "x", count: 1 << 20))])
    let label = try expand(nodes, given: [("open", long)]).workflow.nodes[0].instance?.label
    #expect(label?.utf8.count ?? 0 < 60)
  }

  @Test("names instances as nobody can write a node, and reads these names back in one spelling")
  func names() throws {
    let node = try #require(NodeName("test"))
    let instance = NodeName(instance: 12, of: node)
    #expect(instance.text == "test[12]" && instance.matrixNode == node && node.matrixNode == nil)
    #expect(NodeName("test[12]") == nil && !NodeName.accepts("test[12]"))
    #expect(NodeName(stored: "test[12]") == instance && NodeName(stored: "test") == node)
    for text in [
      "test[100000]", "test[-1]", "test[+1]", "test[01]", "test[]", "test[1", "test1]", "[1]", "test[1][1]", "test[1]x",
      "te st[1]",
      "test[1 ]", "test[१]", "", "test[99999999999999999999]",
    ] { #expect(NodeName(stored: text) == nil, "\(text)") }
    for written in ["\"n[0]\": {type: p/t}", "n: {type: p/t, needs: \"m[0]\"}"] {
      let found = problems { () throws(Diagnostics) in _ = try read(written) }
      #expect(found.contains { $0.contains("[0]' is not a node name") }, "\(found)")
    }
  }

  /// What a naive reading of the rules makes, counted in another way.
  @Test("makes the product less what is excluded and more what is included, and always the same", arguments: 0..<60)
  func random(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed))
    func value() -> String { "\(Int.random(in: 0...2, using: &generator))" }
    let axes = ["a", "b", "c"].prefix(Int.random(in: 1...3, using: &generator)).map { name in
      (name, (0..<Int.random(in: 1...3, using: &generator)).map(String.init))
    }
    func items(_ names: [String]) -> [[String: String]] {
      (0..<Int.random(in: 0...3, using: &generator)).compactMap { _ in
        let item = Dictionary(names.filter { _ in Bool.random(using: &generator) }.map { ($0, value()) }) { $1 }
        return item.isEmpty ? nil : item
      }
    }
    let exclude = items(axes.map(\.0))
    let include = items(axes.map(\.0) + ["x", "y"])
    func written(_ list: [[String: String]]) -> String {
      "["
        + list.map {
          "{" + $0.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}"
        }
        .joined(separator: ", ") + "]"
    }
    let matrix =
      axes.map { "\($0.0): [\($0.1.joined(separator: ", "))]" }.joined(separator: ", ")
      + ", exclude: \(written(exclude)), include: \(written(include))"
    var product: [[String: String]] = [[:]]
    for (name, values) in axes { product = product.flatMap { row in values.map { row.merging([name: $0]) { $1 } } } }
    let kept = product.filter { row in !exclude.contains { $0.allSatisfy { row[$0.key] == $0.value } } }
    let added = include.filter { item in
      !kept.contains { row in item.allSatisfy { row[$0.key] ?? $0.value == $0.value } }
    }
    let (workflow, problems) = try expand("n: {type: p/t, matrix: {\(matrix)}}\nm: {type: p/t, needs: n}")
    guard kept.count + added.count > 0 else {
      #expect(problems.count == 1)
      return
    }
    let instances = workflow.nodes.dropLast()
    #expect(problems.isEmpty && instances.count == kept.count + added.count, "\(matrix)")
    for (row, node) in zip(kept + added, instances) {
      let scope = try #require(node.instance?.scope)
      for (name, value) in row { #expect(scope[name]?.text() == value, "\(matrix)") }
    }
    #expect(workflow.nodes.last?.needs.map(\.value) == instances.map(\.name))
    let again = try expand("n: {type: p/t, matrix: {\(matrix)}}\nm: {type: p/t, needs: n}").workflow
    #expect(table(again) == table(workflow))
  }
}
