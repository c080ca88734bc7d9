import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A node with foreach runs once for each item")
struct ForeachTests {
  private static let output = PortName(unchecked: "output")

  /// `split` yields what the test says; everything else repeats what it is given.
  private static func executor(_ list: NodeValue...) -> ScriptedExecutor {
    ScriptedExecutor { call in
      let given = call.inputs.flatMap(\.values).map(\.textOfContent).joined(separator: "+")
      let isList = call.type.nodeType.text == "split"
      return NodeSuccess(outputs: [
        (output, isList ? list : [NodeValue(json: .string(given))]),
        (PortName(unchecked: "anything"), list),
        (PortName(unchecked: "size"), [NodeValue(json: .integer(Int64(given.utf8.count)))]),
        (PortName(unchecked: "list"), [NodeValue(json: [.string(given)])]),
      ])
    }
  }

  private static func run(
    _ nodes: String, outputs: String = "", _ executor: ScriptedExecutor,
    observe: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) async throws -> RunReport {
    let graph = try Demo.graph(Demo.workflow(nodes, more: outputs.isEmpty ? "" : "outputs: {\(outputs)}"))
    return await RunExecution(executor: executor, clock: FastClock(), observe: { $0.forEach(observe) })
      .run(graph, identifier: "r", maximumParallel: 4, timeoutMilliseconds: nil)
  }

  private static func json(_ text: String) -> NodeValue { NodeValue(codec: .json, content: .inline(Array(text.utf8))) }

  private static let each = "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.output}, foreach: input}"

  // MARK: Values

  @Test("the list may be an input of the workflow, known before the run")
  func inputOfTheWorkflow() async throws {
    let text = Demo.workflow(
      "w: {type: demo/step, in: {input: inputs.words}, foreach: input}\ng: {type: demo/gather, in: {list: w.output}}",
      more: "inputs: {words: {type: list, default: [a, b]}}\noutputs: {r: g.output}")
    let cases: [(JSONValue?, [String])] = [(nil, ["a", "b"]), (["x", "y", "z"], ["x", "y", "z"]), ([], [])]
    for (given, expected) in cases {
      let graph = try Demo.graph(text, inputs: given.map { [(name: "words", value: $0)] } ?? [])
      let executor = Self.executor()
      let report = await RunExecution(executor: executor, clock: FastClock()) { _ in }
        .run(graph, identifier: "r", maximumParallel: 2, timeoutMilliseconds: nil)
      #expect(report.outcome == .succeeded)
      let calls = executor.calls.filter { $0.node.text.hasPrefix("w[") }.sorted { $0.node.text < $1.node.text }
      #expect(calls.map { $0.inputs.flatMap(\.values).map(\.textOfContent) } == expected.map { ["\"\($0)\""] })
    }
  }

  @Test("each instance gets one item as it is written, and readers get the results in the order of the items")
  func order() async throws {
    let executor = Self.executor(Self.json(#" [ "b" , 1.50, {"k": [1,2]}, "a,]\"" ] "#))
    let report = try await Self.run(
      """
      \(Self.each)
      list: {type: demo/gather, in: {list: w.output}}
      values: {type: demo/join, in: {items: [w.size, s.output]}}
      """, outputs: "r: w.output", executor)
    #expect(report.outcome == .succeeded)
    #expect(
      report.nodes.map(\.name.text) == ["s", "w", "list", "values", "w[0]", "w[1]", "w[2]", "w[3]"])
    let given = executor.calls.filter { $0.prepared.text == "w" }.sorted { $0.node < $1.node }
    #expect(
      given.map { $0.inputs[0].values.map(\.textOfContent) } == [
        [#""b""#], ["1.50"], [#"{"k": [1,2]}"#], [#""a,]\"""#],
      ])
    let list = try #require(executor.calls.first { $0.node.text == "list" }).inputs[0]
    #expect(list.values.count == 1)
    #expect(try JSONValue(json: Array(list.values[0].textOfContent.utf8)).arrayValue?.count == 4)
    let values = try #require(executor.calls.first { $0.node.text == "values" }).inputs[0].values
    #expect(values.map(\.textOfContent).prefix(4) == ["3", "4", "12", "7"] && values.count == 5)
    #expect(report.outputs.first?.values.map(\.textOfContent).first == #""\"b\"""#)
    #expect(report.lists.map(\.text) == ["r"])
    #expect(report.nodes[1].attempts == 0 && report.nodes[1].milliseconds != nil)
  }

  @Test("of an empty list nothing runs, and its readers get empty lists", arguments: ["[]", " [\n] "])
  func empty(_ list: String) async throws {
    let executor = Self.executor(Self.json(list))
    let report = try await Self.run(
      "\(Self.each)\nlist: {type: demo/gather, in: {list: w.output}}\nmany: {type: demo/join, in: {items: w.output}}",
      outputs: "r: w.output", executor)
    #expect(report.outcome == .succeeded)
    #expect(executor.calls.map(\.node.text).sorted() == ["list", "many", "s"])
    #expect(executor.calls.first { $0.node.text == "list" }?.inputs[0].values.map(\.textOfContent) == ["[]"])
    #expect(executor.calls.first { $0.node.text == "many" }?.inputs[0].values.isEmpty == true)
    #expect(report.outputs.map(\.values.count) == [0])
    #expect(report.jsonValue["outputs"]?["r"] == .array([]))
  }

  @Test(
    "goes on for each item of what another node with foreach, or a matrix, has yielded; other inputs are given whole")
  func chained() async throws {
    let executor = Self.executor(Self.json(#"["a","b"]"#))
    let report = try await Self.run(
      """
      \(Self.each)
      x: {type: demo/step, in: {input: w.output}, foreach: input}
      m: {type: demo/source, matrix: {n: [1, 2, 3]}}
      y: {type: demo/step, in: {input: m.output}, foreach: input}
      f: {type: demo/frame, in: {input: s.output, whole: x.output}, foreach: input}
      g: {type: demo/gather, in: {list: f.list}, foreach: list}
      """, outputs: "r: g.output", executor)
    #expect(report.outcome == .succeeded)
    let count = Dictionary(grouping: executor.calls, by: \.prepared.text).mapValues(\.count)
    #expect(count["x"] == 2 && count["y"] == 3 && count["f"] == 2 && count["g"] == 2)
    let frames = executor.calls.filter { $0.prepared.text == "f" }
    #expect(frames.allSatisfy { $0.inputs[1].values.count == 1 })
    #expect(Set(frames.map { $0.inputs[1].values[0].textOfContent }).count == 1)
    #expect(frames.allSatisfy { $0.inputs[1].values[0].digest != nil }, "hashed once and not for each instance")
  }

  @Test("an instance is a node of its own: it is tried again, fails and is told of by its name")
  func instances() async throws {
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if call.node.text == "w[1]" { throw NodeFailure(.crash, "attempt \(call.attempt)", cause: "why", hint: "how") }
      if call.node.text == "w[2]", call.attempt == 1 { throw NodeFailure(.crash, "once") }
      return .everything(of: call.type, items: 4)
    }
    let events = Lock<[RunEvent]>([])
    let report = try await Self.run(
      "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.output}, foreach: input, retry: {max: 1, on: [crash]}}\n"
        + "after: {type: demo/join, in: {items: w.output}}", executor
    ) { event in events.withLock { $0.append(event) } }
    #expect(report.outcome == .failed)
    let states = Dictionary(uniqueKeysWithValues: report.nodes.map { ($0.name.text, $0) })
    #expect(states["w[0]"]?.state == .succeeded && states["w[3]"]?.state == .succeeded)
    #expect(states["w[1]"]?.state == .failed && states["w[1]"]?.attempts == 2)
    #expect(states["w[2]"]?.state == .succeeded && states["w[2]"]?.attempts == 2)
    #expect(states["w"]?.failure?.message == "the node 'w' has failed for 1 of 4 items")
    #expect(states["w"]?.failure?.cause == "w[1]: attempt 2: why" && states["w"]?.failure?.hint == "how")
    #expect(states["after"]?.skip == .init(needs: NodeName(unchecked: "w"), failed: NodeName(unchecked: "w")))
    let told = events.withLock { $0 }
    let added = try #require(told.firstIndex { if case .nodesAdded(4) = $0.content { true } else { false } })
    #expect(told[added].node?.text == "w")
    #expect(told[added].jsonValue["event"] == "nodes_added" && told[added].jsonValue["count"] == 4)
    let first = try #require(told.firstIndex { $0.node?.matrixNode != nil })
    #expect(added < first, "nobody hears of an instance before it is told that there is one")
  }

  @Test("with continue-on-error null stands for an item that has failed, and the others keep their places")
  func tolerant() async throws {
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if call.node.text == "w[1]" { throw NodeFailure(.error, "no") }
      return .everything(of: call.type, items: 3)
    }
    let report = try await Self.run(
      "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.output}, foreach: input, continue-on-error: true}\n"
        + "list: {type: demo/gather, in: {list: w.output}}", outputs: "r: w.output", executor)
    #expect(report.outcome == .succeeded)
    #expect(report.nodes.map(\.state) == [.succeeded, .succeeded, .succeeded, .succeeded, .failed, .succeeded])
    #expect(report.outputs[0].values.map(\.textOfContent) == [#""value""#, "null", #""value""#])
    #expect(
      executor.calls.first { $0.node.text == "list" }?.inputs[0].values[0].textOfContent == #"["value",null,"value"]"#)
  }

  @Test("its condition is asked once, and others' conditions see its lists")
  func conditions() async throws {
    let executor = Self.executor(Self.json(#"["a"]"#))
    let report = try await Self.run(
      """
      \(Self.each)
      no: {type: demo/step, in: {input: s.output}, foreach: input, if: "false"}
      one: {type: demo/source, needs: w, if: "needs.w.outputs.size == [3] && needs.w.state == 'succeeded'"}
      """, executor)
    #expect(report.outcome == .succeeded)
    #expect(executor.calls.map(\.node.text) == ["s", "w[0]", "one"])
    #expect(report.nodes[2].state == .skipped)
  }

  // MARK: What is no list

  @Test(
    "a node fails where no list comes, and says what came instead",
    arguments: [
      (json("5"), "'s.anything' yielded a number, not a list"),
      (json(#""[1]""#), "'s.anything' yielded a string, not a list"),
      (json("{}"), "'s.anything' yielded a mapping, not a list"),
      (json("null"), "'s.anything' yielded a null, not a list"),
      (json(""), "'s.anything' yielded a list that isn't JSON"),
      (json("[1, 2"), "'s.anything' yielded a list that isn't JSON"),
      (json("[1,,2]"), "'s.anything' yielded a list that isn't JSON"),
      (json("[1}]"), "'s.anything' yielded a list that isn't JSON"),
      (json("[1] 2"), "'s.anything' yielded a list that isn't JSON"),
      (json("[\"a]"), "'s.anything' yielded a list that isn't JSON"),
      (NodeValue(codec: .file, content: .inline([1])), "'s.anything' yielded a file, not a list"),
      (
        json("[" + String(repeating: "1,", count: 100_000) + "1]"),
        "'s.anything' has 100001 items, and there may be 100000"
      ),
      (
        json("[\"" + String(repeating: "x", count: 16 << 20) + "\"]"),
        "'s.anything' yielded a list of 16777220 bytes, and one may have 16777216"
      ),
    ])
  func noList(_ value: NodeValue, _ cause: String) async throws {
    let executor = Self.executor(value)
    let report = try await Self.run(
      "s: {type: demo/split}\nw: {type: demo/frame, in: {input: s.anything}, foreach: input, retry: {max: 3, on: [error]}}",
      executor)
    #expect(executor.calls.map(\.node.text) == ["s"])
    #expect(report.nodes.map(\.state) == [.succeeded, .failed] && report.outcome == .failed)
    #expect(report.nodes[1].failure?.kind == .error && report.nodes[1].failure?.cause == cause)
    #expect(report.nodes[1].failure?.hint != nil)
  }

  @Test("values that no list can hold are refused when they come, where they could not be before")
  func notJoined() async throws {
    for value in [NodeValue(codec: .bytes, content: .inline([1])), Self.json("1, 2")] {
      let executor = ScriptedExecutor { call in
        call.prepared.text == "w"
          ? NodeSuccess(outputs: [(Self.output, [value])]) : .everything(of: call.type, items: 2)
      }
      let report = try await Self.run(
        "\(Self.each)\nlist: {type: demo/gather, in: {list: w.output}}\nmany: {type: demo/join, in: {items: w.output}}",
        executor)
      #expect(report.nodes[2].state == .failed && report.nodes[3].state == .succeeded)
      #expect(report.nodes[2].failure?.message.contains("takes one value, and there is none for all items") == true)
    }
  }

  // MARK: Before anything runs

  @Test(
    "is refused where no list can come, or where what it yields fits nowhere",
    arguments: [
      (
        "s: {type: demo/source}\nw: {type: demo/step, in: {input: s.output}, foreach: input}",
        "the input 'input' of the node 'w' has 'foreach' over a non-list: 's.output' is of type 'string'"
      ),
      (
        "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.numbers}, foreach: input}",
        "the input 'input' of the node 'w' takes 'string': it gets one item each of 's.numbers', and these are of type 'integer'"
      ),
      (
        "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.output}, foreach: input}\n"
          + "x: {type: demo/step, in: {input: w.output}}",
        "the input 'input' of the node 'x' takes 'string': it is connected to 'w.output', which is of type 'list<string>'"
      ),
      (
        "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.output}, foreach: input}\n"
          + "x: {type: demo/step, in: {input: w.size}, foreach: input}",
        "the input 'input' of the node 'x' takes 'string': it gets one item each of 'w.size', and these are of type 'integer'"
      ),
      (
        "s: {type: demo/split}\nw: {type: demo/frame, in: {input: s.output}, foreach: input}\n"
          + "x: {type: demo/frame, in: {input: w.output}}",
        "the input 'input' of the node 'x' takes one value, and 'w.output' has several: "
          + "values of type 'image' can't be put together into a list"
      ),
      (
        "s: {type: demo/split}\nw: {type: demo/step, in: {inptu: s.output}, foreach: inptu}",
        "the node 'w' has no input 'inptu'"
      ),
    ])
  func refused(_ nodes: String, _ problem: String) {
    let problems = Demo.problems(Demo.workflow(nodes)).map(\.description)
    #expect(problems.contains { $0.contains("error: \(problem)") && $0.hasPrefix("flow.yaml:") }, "\(problems)")
  }

  @Test("is drawn as one node with a mark, in words too")
  func drawn() throws {
    let graph = try Demo.graph(Demo.workflow(Self.each))
    let drawing = WorkflowDrawing(graph)
    #expect(drawing.text.contains("w[…]  demo/step") && drawing.svg.contains(">w[…]<"))
    #expect(drawing.svg.contains("w for each input after s"))
  }
}

extension NodeValue {
  /// As text; of what isn't inline nothing.
  var textOfContent: String {
    guard case .inline(let bytes) = content else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }
}
