import PluginModel
import Testing

@testable import PipelineEngine

/// Workflows that no file can hold, but that other importers can make.
@Suite("A workflow that wasn't read from a file is checked as strictly")
struct HandMadeWorkflowTests {
  private func read(_ nodes: String, more: String = "") throws -> Workflow {
    try Workflow(bytes: Array(Demo.workflow(nodes, more: more).utf8), file: "flow.yaml")
  }

  private func problems(_ workflow: Workflow, inputs: [ParameterName: JSONValue] = [:]) -> [String] {
    do throws(Diagnostics) {
      _ = try WorkflowGraph.validate(workflow, catalog: Demo.catalog, inputs: inputs)
      return []
    } catch {
      return error.items.map { String($0.description.prefix { $0 != "\n" }) }
    }
  }

  @Test("two nodes, inputs, parameters or outputs of one name are refused, never one of them ignored")
  func duplicates() throws {
    var workflow = try read(
      """
      a: {type: demo/source, with: {count: 2}}
      b: {type: demo/step, in: {input: a.output}}
      """, more: "outputs: {r: b.output}")
    workflow.nodes.append(workflow.nodes[1])
    workflow.nodes[0].parameters.append(workflow.nodes[0].parameters[0])
    workflow.nodes[1].inputs.append(workflow.nodes[1].inputs[0])
    workflow.outputs.append(workflow.outputs[0])
    #expect(
      problems(workflow) == [
        "flow.yaml:5:16: error: there are two workflow outputs 'r'",
        "flow.yaml:7:42: error: the parameter 'count' of the node 'a' is given twice",
        "flow.yaml:8:5: error: there are two nodes 'b'",
        "flow.yaml:8:31: error: the input 'input' of the node 'b' is given twice",
      ])
  }

  @Test("a kind of caching that isn't known is refused; both known ones are honoured")
  func cache() throws {
    var workflow = try read("a: {type: demo/source, cache: never}\nb: {type: demo/source, cache: auto}")
    #expect(problems(workflow).isEmpty)
    workflow.nodes[0].cache = "forever"
    #expect(
      problems(workflow) == [
        "flow.yaml:7:5: error: the node 'a' has 'cache: forever': this kind of caching is not available in this version"
      ])
  }

  @Test("inputs of the run are checked even where nobody bound them before")
  func inputs() throws {
    let workflow = try read(
      "a: {type: demo/source, with: {count: \"${{ inputs.n }}\", mode: \"${{ inputs.m }}\"}}",
      more: "inputs: {n: {type: integer}, m: {type: string, default: standard}}")
    let n = ParameterName(unchecked: "n")
    #expect(problems(workflow, inputs: [n: 5]).isEmpty)
    #expect(problems(workflow) == ["flow.yaml:5:12: error: the input 'n' has no value: it has no default"])
    #expect(
      problems(workflow, inputs: [n: "5"]) == [
        "flow.yaml:5:12: error: the input 'n' must be a whole number: it is given as '\"5\"'"
      ])
    #expect(
      problems(workflow, inputs: [n: 5, ParameterName(unchecked: "o"): 1]) == [
        "error: the workflow has no input 'o'"
      ])
    #expect(
      problems(workflow, inputs: [n: 11]) == [
        "flow.yaml:7:42: error: the parameter 'count' of the node 'a' must be at most 10: it is 11"
      ])
  }

  @Test("without the inputs of a run, everything that doesn't depend on them is still checked")
  func outline() throws {
    let more = "inputs: {n: {type: integer}, m: {type: string}, d: {type: integer, default: 99}}"
    let sound = try read(
      "a: {type: demo/source, with: {count: \"${{ inputs.n }}\", mode: \"${{ inputs.m }}\"}}", more: more)
    #expect(throws: Diagnostics.self) {
      try WorkflowGraph.validate(sound, catalog: Demo.catalog, inputs: [:])
    }
    let outline = try WorkflowOutline(checking: sound, catalog: Demo.catalog)
    #expect(outline.unboundInputs.map(\.text) == ["m", "n"])
    let partly = try WorkflowOutline(
      checking: sound, catalog: Demo.catalog, inputs: [ParameterName(unchecked: "n"): 4])
    #expect(partly.unboundInputs.map(\.text) == ["m"])
    #expect(WorkflowDrawing(outline).text.contains("demo/source"))

    let broken = try read(
      "a: {type: demo/source, with: {count: \"${{ inputs.d }}\", mode: fast}}\nb: {type: demo/step}", more: more)
    do throws(Diagnostics) {
      _ = try WorkflowOutline(checking: broken, catalog: Demo.catalog)
      Issue.record("accepted")
    } catch {
      #expect(error.items.map { $0.location?.line } == [7, 7, 8])
    }
  }
}

@Suite("Cycles are found")
struct CycleSearchTests {
  @Test("every knot of cycles is named once, by its shortest way round from its first node")
  func shortest() {
    // 0 → 1 → 2 → 0 with the short cut 1 → 0; 3 alone; 4 → 4; 5 → 6 → 5.
    let edges = [[1], [2, 0], [0], [0], [4], [6], [5, 3]]
    #expect(CycleSearch.cycles(in: edges) == [[0, 1], [4], [5, 6]])
    #expect(CycleSearch.cycles(in: []).isEmpty)
  }

  @Test("says that there is a cycle exactly when no order exists", arguments: 0..<200)
  func agreesWithOrdering(_ seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let count = Int.random(in: 1...12, using: &generator)
    let edges = (0..<count).map { _ in
      (0..<Int.random(in: 0...2, using: &generator)).map { _ in Int.random(in: 0..<count, using: &generator) }
    }
    let cycles = CycleSearch.cycles(in: edges)
    // Kahn's algorithm is another way to the same answer.
    var waiting = [Int](repeating: 0, count: count)
    for target in edges.joined() { waiting[target] += 1 }
    var ready = waiting.indices.filter { waiting[$0] == 0 }
    var ordered = 0
    while let node = ready.popLast() {
      ordered += 1
      for target in edges[node] {
        waiting[target] -= 1
        if waiting[target] == 0 { ready.append(target) }
      }
    }
    #expect(cycles.isEmpty == (ordered == count))
    for cycle in cycles {
      for (node, next) in zip(cycle, cycle.dropFirst() + cycle.prefix(1)) { #expect(edges[node].contains(next)) }
      #expect(Set(cycle).count == cycle.count)
    }
    #expect(Set(cycles.joined()).count == cycles.joined().count)
  }

  @Test("a cycle of 10,000 nodes is found without recursion and told in one line")
  func large() {
    let count = 10_000
    #expect(CycleSearch.cycles(in: (0..<count).map { [($0 + 1) % count] }) == [Array(0..<count)])
    let nodes = (0..<count).map { "n\($0): {type: demo/source, needs: [n\(($0 + count - 1) % count)]}" }
    let problems = Demo.problems(Demo.workflow(nodes.joined(separator: "\n")))
    #expect(problems.map(\.what).first?.hasSuffix("n6 → n7 → … 9992 more … → n0") == true, "\(problems)")
  }

  @Test("10,000 wrong names are all reported, without comparing each with each")
  func manyMistakes() {
    let nodes = (0..<10_000).map { "n\($0): {type: demo/source, needs: [m\($0)]}" }
    let problems = Demo.problems(Demo.workflow(nodes.joined(separator: "\n")))
    #expect(problems.count == 10_000)
    #expect(problems.first?.hint == "did you mean 'n0'?")
    #expect(problems.count { $0.hint != nil } == 10)
  }
}
