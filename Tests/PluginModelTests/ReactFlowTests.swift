import Foundation
import PluginModel
import Testing

@Suite("Workflows as React Flow's JSON")
struct ReactFlowTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func document(_ text: String) throws -> JSONValue {
    try DocumentNode(yaml: Array(text.utf8), file: "w.yaml").jsonValue
  }

  private func imported(_ text: String) throws -> ReactFlow.Imported {
    try ReactFlow.workflow(from: Array(text.utf8), file: "f.json", name: "flow")
  }

  private func refusals(_ text: String) -> [String] {
    problems { () throws(Diagnostics) in
      _ = try ReactFlow.workflow(from: Array(text.utf8), file: "f.json", name: "flow")
    }
  }

  /// That an export and an import of it give the same, whatever it is.
  private func expectReturn(_ document: JSONValue, _ comment: Comment? = nil) throws {
    let flow = try ReactFlow.flow(of: document)
    let again = try ReactFlow.workflow(from: flow, name: "other").document
    #expect(again.sorted == document.sorted, comment)
    #expect(try ReactFlow.flow(of: again).sorted == flow.sorted, comment)
  }

  /// Set UPDATE_GOLDEN=1 to write the file anew, and read the difference before it is committed.
  @Test("the example becomes a flow that an editor can open, and the same workflow again")
  func golden() throws {
    let file = Self.root.appending(path: "deploy/examples/license-report.yaml")
    let document = try DocumentNode(yaml: [UInt8](Data(contentsOf: file)), file: "w.yaml").jsonValue
    let flow = try ReactFlow.flow(of: document).text(.pretty) + "\n"
    let golden = Self.root.appending(path: "Tests/PluginModelTests/Golden/license-report.flow.json")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" { try Data(flow.utf8).write(to: golden) }
    #expect(flow == (try String(contentsOf: golden, encoding: .utf8)))
    try expectReturn(document)
    _ = try Workflow(
      bytes: try imported(flow).document.utf8(), file: "license-report.json")
  }

  private static let everything = """
    apiVersion: orchestrator/v1
    kind: Workflow
    metadata: {name: all}
    spec:
      inputs: {path: {type: string, default: a}}
      plugins: {demo: ">=1"}
      defaults: {timeout: 60s, retry: {max: 2, on: [crash]}}
      nodes:
        load: {type: demo/source, with: {path: "${{ inputs.path }}", zero: 0, none: null, empty: "", off: false}}
        clean:
          type: demo/clean
          in: {one: load.output, list: [load.output], many: [load.a, load.b, load.a], none: [], lost: nobody.output}
          needs: [load]
          if: success()
          matrix: {size: [1, 2]}
          resources: {cpu: 1, memory: 256Mi, gpu: 0.5, semaphores: {"license:x": 1}}
          cache: never
          continue-on-error: true
        each: {type: demo/each, in: {items: clean.list}, foreach: items, timeout: 5s, retry: 1, with: {}}
        test: {run: "pytest -q", needs: clean, shell: bash, env: {A: b}, secrets: [TOKEN], artifacts: [a.xml]}
        part: {workflow: parts/a.yaml, with: {x: 1}, needs: [test, each], in: {}}
      outputs: {result: clean.output}
    layout:
      load: {x: 300, y: -80.5, color: red}
      clean: {x: 0, y: 0}
      each: {}
      gone: {x: 1, y: 2}
      zoom: 2
    """

  @Test("what React Flow has no place for travels with it")
  func nothingLost() throws {
    let document = try Self.document(Self.everything)
    try expectReturn(document)
    let flow = try ReactFlow.flow(of: document)
    let nodes = try #require(flow["nodes"]?.arrayValue)
    #expect(nodes.map { $0["data"]?["nodeType"]?.stringValue }.prefix(3) == ["demo/source", "demo/clean", "demo/each"])
    #expect(nodes.allSatisfy { $0["position"]?["x"]?.numberValue != nil && $0["data"]?["parameters"] != nil })
    #expect(nodes[0]["data"]?["parameters"]?["off"] == false && nodes[0]["data"]?["parameters"]?["none"] == .null)
    let edges = try #require(flow["edges"]?.arrayValue)
    #expect(edges.count == 10)
    #expect(Set(edges.compactMap { $0["id"]?.stringValue }).count == 10)
    for shape in ["layout: {}", "layout: 5", "layout: {a: 5}", "layout: {a: {x: one, y: 1}}", "layout: {a: [1]}", ""] {
      try expectReturn(
        Self.document("apiVersion: v\nspec:\n  nodes: {a: {type: b/c, in: [x], needs: []}}\n\(shape)"), "\(shape)")
    }
  }

  private static let foreign = """
    {"nodes": [
      {"id": "1", "type": "dynamicNode", "position": {"x": 10.5, "y": 0}, "width": 150, "selected": false,
       "data": {"nodeType": "demo/source", "parameters": {"a": [0, false, ""]}, "label": "First",
                "specification": {"color": "#fff"}}},
      {"id": "note", "type": "group", "position": {"x": 0, "y": 0}, "data": {"label": "a note"}, "style": {"width": 5}},
      {"id": "äö/1", "position": {"x": 3, "y": 4, "z": 5}, "parentId": "note",
       "data": {"nodeType": "demo/clean", "parameters": {}}},
      {"id": "inputs", "position": {"x": 1, "y": 1}, "data": {"nodeType": "demo/end", "parameters": {}}}],
     "edges": [
      {"id": "e2", "source": "äö/1", "target": "inputs", "animated": true},
      {"id": "e3", "source": "note", "target": "1"},
      {"id": "e1", "source": "1", "sourceHandle": "output", "target": "äö/1", "targetHandle": "input",
       "style": {"stroke": "red"}, "label": "x"}],
     "viewport": {"x": 1, "y": 2, "zoom": 0.5}, "version": "11"}
    """

  @Test("a flow of an editor comes back as it was, though its ids are no names")
  func foreignFlow() throws {
    let flow = try JSONValue(json: Self.foreign)
    let imported = try imported(Self.foreign)
    let back = try ReactFlow.flow(of: imported.document)
    guard case .object(let members) = back else { return }
    #expect(JSONValue.object(members.filter { $0.key != "orchestrator" }).sorted == flow.sorted)
    #expect(imported.warnings.map(\.what) == ["the node 'note' is kept as a drawing"])
    let workflow = try Workflow(bytes: imported.document.utf8(), file: "w.json")
    #expect(workflow.name == "flow")
    #expect(workflow.nodes.map(\.name.text) == ["node_1", "_____1", "inputs_2"])
    #expect(workflow.nodes[1].inputs.first?.sources.first?.value.description == "node_1.output")
    #expect(workflow.nodes[2].needs.map(\.value.text) == ["_____1"])
    #expect(try ReactFlow.workflow(from: back, name: "other").document.sorted == imported.document.sorted)
  }

  @Test("what was changed in the workflow is changed in the flow, and the rest of the flow stays")
  func changed() throws {
    let text = try imported(Self.foreign).document.text()
    let changed = text.replacing("\"node_1.output\"", with: "\"node_1.other\"")
    let edges = try #require(try ReactFlow.flow(of: JSONValue(json: changed))["edges"]?.arrayValue)
    #expect(edges.compactMap { $0["id"]?.stringValue } == ["e2", "e3", "1.other-äö/1.input"])
  }

  @Test("a node that was moved in the editor has a place of its own from then on, one that wasn't has none")
  func moved() throws {
    let flow = try ReactFlow.flow(of: Self.document("spec: {nodes: {a: {type: b/c}, d: {type: b/c, needs: [a]}}}"))
    let nodes = try #require(flow["nodes"]?.arrayValue)
    #expect(nodes.map { $0["position"]?["x"] } == [0, 300])
    let moved = flow.text().replacing("\"position\":{\"x\":300,", with: "\"position\":{\"x\":301.5,")
    let layout = try imported(moved).document["layout"]
    #expect(layout == ["d": ["x": .double(301.5), "y": 0]])
  }

  @Test(
    "what is wrong is told by the ids of nodes and edges",
    arguments: [
      ("[]", "error: the flow has no list 'nodes'"),
      (#"{"nodes": [{"id": 1}]}"#, "error: the node at 0 has no 'id'"),
      (#"{"nodes": [{"id": "a", "data": 1}]}"#, "error: the 'data' of the node 'a' is not a mapping"),
      (#"{"nodes": [{"id": "a", "data": {}}, {"id": "a", "data": {}}]}"#, "error: two nodes have the id 'a'"),
      (
        #"{"nodes": [{"id": "a", "position": {"x": "1", "y": 2}, "data": {"nodeType": "b/c"}}]}"#,
        "error: the node 'a' has no place"
      ),
      (
        #"{"nodes": [{"id": "a", "data": {"orchestrator": 1}}]}"#,
        "error: 'data.orchestrator' of the node 'a' is not a mapping"
      ),
      (#"{"nodes": [], "edges": {}}"#, "error: 'edges' is not a list"),
      (#"{"nodes": [], "edges": [{"id": "e"}]}"#, "error: the edge 'e' doesn't say where it leads"),
      (
        #"{"nodes": [{"id": "a", "data": {"nodeType": "b/c"}}], "edges": [{"id": "e", "source": "a", "target": "z"}]}"#,
        "error: the edge 'e' ends at 'z', and there is no such node"
      ),
      (
        #"{"nodes": [{"id": "a", "data": {"nodeType": "b/c"}}], "edges": [{"id": "e", "source": "a", "target": "a", "sourceHandle": "x"}]}"#,
        "error: the edge 'e' names a port at one end only"
      ),
      (
        #"{"nodes": [{"id": "a", "data": {"nodeType": "b/c"}}], "edges": [{"id": "e", "source": "a", "target": "a", "sourceHandle": "x.y", "targetHandle": "z"}]}"#,
        "error: the edge 'e' has the sourceHandle 'x.y', which is no port"
      ),
      (
        #"{"nodes": [{"id": "a", "data": {"nodeType": "b/c"}}], "edges": [{"id": "e", "source": "a", "target": "a"}, {"id": "e", "source": "a", "target": "a"}]}"#,
        "error: two edges have the id 'e'"
      ),
      (#"{"nodes": [], "orchestrator": 1}"#, ""),
    ])
  func refused(text: String, problem: String) {
    let found = refusals(text)
    #expect(problem.isEmpty ? found.isEmpty : found == [problem])
  }

  @Test("only so many nodes and edges are read, and many of one kind take no long time")
  func bounded() throws {
    let node = #"{"id":"\#(String(repeating: "é", count: 70))%","data":{"nodeType":"b/c"}}"#
    let many = (0..<10_000).map { node.replacing("%", with: "\($0)") }.joined(separator: ",")
    let start = ContinuousClock.now
    let document = try imported("{\"nodes\":[\(many)]}").document
    #expect(ContinuousClock.now - start < .seconds(60))
    guard case .object(let nodes) = document["spec"]?["nodes"] else { return }
    #expect(Set(nodes.map(\.key)).count == 10_000 && nodes.allSatisfy { NodeName($0.key) != nil })
    let small = (0...10_000).map { "{\"id\":\"n\($0)\"}" }.joined(separator: ",")
    #expect(refusals("{\"nodes\":[\(small)]}") == ["error: the flow has more than 10000 nodes: it has 10001"])
  }

  // MARK: At random

  private func randomDocument(_ random: inout SplitMix64) -> JSONValue {
    let names = (0..<Int.random(in: 1...6, using: &random)).map { "n\($0)" }
    func source(_ random: inout SplitMix64) -> JSONValue {
      switch Int.random(in: 0...9, using: &random) {
      case 0: randomValue(&random, depth: 2)
      case 1: .string("lost.output")
      default:
        .string(
          "\(names.randomElement(using: &random) ?? "n0").\(["out", "rest"].randomElement(using: &random) ?? "out")")
      }
    }
    func some(_ chance: Int, _ random: inout SplitMix64) -> Bool { Int.random(in: 0..<100, using: &random) < chance }
    var layout: [JSONValue.Member] = []
    let nodes = names.map { name -> JSONValue.Member in
      var node: [JSONValue.Member] = []
      if some(80, &random) { node.append(.init("type", some(90, &random) ? "p/t" : randomValue(&random, depth: 1))) }
      if some(20, &random) { node.append(.init(some(50, &random) ? "run" : "workflow", .string(randomText(&random)))) }
      if some(50, &random) { node.append(.init("with", randomValue(&random, depth: 2))) }
      if some(60, &random) {
        let ports = (0..<Int.random(in: 0...3, using: &random)).map { port in
          JSONValue.Member(
            "p\(port)",
            some(50, &random)
              ? source(&random)
              : .array((0..<Int.random(in: 0...3, using: &random)).map { _ in source(&random) }))
        }
        node.append(.init("in", .object(ports)))
      }
      if some(30, &random) {
        node.append(
          .init(
            "needs",
            some(40, &random)
              ? .string(names.randomElement(using: &random) ?? "")
              : .array(names.filter { _ in some(40, &random) }.map { .string($0) })))
      }
      for word in ["if", "x-own", "matrix", "resources"] where some(20, &random) {
        node.append(.init(word, randomValue(&random, depth: 2)))
      }
      if some(50, &random) {
        var entry: [JSONValue.Member] = []
        if some(80, &random) { entry += [.init("x", .double(Double(Int.random(in: -9...9, using: &random)) / 2))] }
        if some(80, &random) { entry += [.init("y", .integer(Int64.random(in: -9...9, using: &random)))] }
        if some(20, &random) { entry += [.init("color", randomValue(&random, depth: 1))] }
        layout.append(.init(name, some(90, &random) ? .object(entry) : randomValue(&random, depth: 1)))
      }
      return .init(name, .object(node.shuffled(using: &random)))
    }
    if some(20, &random) { layout.append(.init("other", randomValue(&random, depth: 2))) }
    var spec = [JSONValue.Member("nodes", .object(nodes))]
    if some(30, &random) { spec.append(.init("outputs", randomValue(&random, depth: 2))) }
    var root = [JSONValue.Member("spec", .object(spec))]
    if some(80, &random) { root.append(.init("metadata", ["name": .string(randomText(&random))])) }
    if some(80, &random) { root.append(.init("layout", .object(layout))) }
    return .object(root.shuffled(using: &random))
  }

  @Test("any workflow comes back equal", arguments: UInt64(1)...20)
  func randomWorkflows(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<10 {
      let document = randomDocument(&random)
      try expectReturn(document, "seed \(seed): \(document.text())")
    }
  }

  private func randomFlow(_ random: inout SplitMix64) -> JSONValue {
    func some(_ chance: Int, _ random: inout SplitMix64) -> Bool { Int.random(in: 0..<100, using: &random) < chance }
    func extras(_ random: inout SplitMix64) -> [JSONValue.Member] {
      some(40, &random)
        ? (0..<Int.random(in: 1...3, using: &random)).map { .init("extra\($0)", randomValue(&random, depth: 2)) } : []
    }
    let ids = ["a", "b", "node-1", "1", "x y", "ü", "inputs", "node_1", "a.b", "n/1"].filter { _ in some(60, &random) }
    let nodes = ids.map { id -> JSONValue in
      let own: [JSONValue.Member] =
        some(85, &random)
        ? [
          .init("nodeType", some(90, &random) ? "p/t" : ""),
          .init("parameters", some(50, &random) ? .object([]) : ["a": randomValue(&random, depth: 2)]),
        ] : []
      let position: JSONValue = .object(
        [
          .init("x", .double(Double(Int.random(in: -99...99, using: &random)) / 4)),
          .init("y", .integer(Int64.random(in: -9...9, using: &random))),
        ] + extras(&random))
      return .object(
        [.init("id", .string(id)), .init("position", position), .init("data", .object(own + extras(&random)))]
          + extras(&random))
    }
    var edges: [JSONValue] = []
    for index in 0..<(ids.isEmpty ? 0 : Int.random(in: 0...8, using: &random)) {
      var edge: [JSONValue.Member] = extras(&random)
      if some(90, &random) { edge.append(.init("id", .string("e\(index)"))) }
      edge.append(.init("source", .string(ids.randomElement(using: &random) ?? "")))
      edge.append(.init("target", .string(ids.randomElement(using: &random) ?? "")))
      if some(70, &random) {
        edge += [.init("sourceHandle", "out"), .init("targetHandle", some(50, &random) ? "in" : "more")]
      } else if some(50, &random) {
        edge += [.init("sourceHandle", .null), .init("targetHandle", .null)]
      }
      edges.append(.object(edge))
    }
    return .object([.init("nodes", .array(nodes)), .init("edges", .array(edges))] + extras(&random))
  }

  @Test("any flow comes back with all that it had", arguments: UInt64(1)...20)
  func randomFlows(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<10 {
      let flow = randomFlow(&random)
      let document = try ReactFlow.workflow(from: flow, name: "flow").document
      let back = try ReactFlow.flow(of: document)
      guard case .object(let members) = back else { continue }
      #expect(
        JSONValue.object(members.filter { $0.key != "orchestrator" }).sorted == flow.sorted,
        "seed \(seed): \(flow.text())")
      #expect(try ReactFlow.workflow(from: back, name: "other").document.sorted == document.sorted)
    }
  }

  /// Values of the shape of a flow, with anything in any place.
  private func randomMess(_ random: inout SplitMix64, depth: Int) -> JSONValue {
    let keys = [
      "nodes", "edges", "id", "position", "x", "y", "data", "nodeType", "parameters", "orchestrator", "source",
      "target",
      "sourceHandle", "targetHandle", "document", "node", "layout", "placed", "lists", "single", "reactFlow",
      "$reactFlow", "root", "drawings", "index", "spec", "a", "in", "needs",
    ]
    switch Int.random(in: 0...9, using: &random) {
    case 0...5 where depth > 0:
      return .object(
        keys.filter { _ in Int.random(in: 0...5, using: &random) == 0 }.map {
          .init($0, randomMess(&random, depth: depth - 1))
        })
    case 6...7 where depth > 0:
      return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in randomMess(&random, depth: depth - 1) })
    case 8: return .string(["a", "b", "a.b", ""].randomElement(using: &random) ?? "")
    default: return randomValue(&random, depth: 1)
    }
  }

  @Test("nothing that anybody writes there stops the program", arguments: UInt64(1)...20)
  func randomMess(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<10 {
      let nodes = JSONValue.array((0..<3).map { _ in randomMess(&random, depth: 4) })
      let flow = JSONValue.object([
        .init("nodes", nodes), .init("edges", randomMess(&random, depth: 3)),
        .init("orchestrator", randomMess(&random, depth: 4)),
      ])
      if let document = try? ReactFlow.workflow(from: flow, name: "x").document {
        _ = try? ReactFlow.flow(of: document)
      }
      let names = ["a", "b"].map { JSONValue.Member($0, randomMess(&random, depth: 3)) }
      let layout = [JSONValue.Member("$reactFlow", randomMess(&random, depth: 4))]
      let document: JSONValue = [
        "spec": ["nodes": .object(names)],
        "layout": .object(layout + ["a", "b"].map { JSONValue.Member($0, randomMess(&random, depth: 3)) }),
      ]
      if let flow = try? ReactFlow.flow(of: document) { _ = try? ReactFlow.workflow(from: flow, name: "x") }
    }
  }
}
