import PipelineEngine
import PluginModel
import Testing

@Suite("A workflow is checked whole before anything starts")
struct GraphValidationTests {
  @Test("accepts a workflow whose names, ports and types fit")
  func accepts() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        load: {type: demo/source, with: {mode: advanced}}
        clean: {type: demo/step, in: {input: load.output}}
        join: {type: demo/join, in: {items: [load.output, clean.output]}, needs: [clean]}
        """, more: "outputs: {result: join.output}"))
    #expect(graph.nodes.map(\.dependencies) == [[], [0], [0, 1]])
    #expect(graph.nodes.map(\.dependents) == [[1, 2], [2], []])
    #expect(graph.nodes[0].parameters.map(\.value) == ["advanced", 3])
  }

  static let refusals: [(nodes: String, more: String, says: [String])] = [
    ("a: {type: dem/source}", "", ["no plugin 'dem'", "demo"]),
    ("a: {type: demo/sauce}", "", ["no node type 'sauce'", "source"]),
    ("a: {type: demo/step}", "", ["input 'input' of the node 'a' is not connected", "required"]),
    ("a: {type: demo/step, in: {input: b.output}}", "", ["'b', which there is no node of"]),
    (
      "a: {type: demo/source}\nb: {type: demo/step, in: {input: a.outptu}}", "",
      ["'b'", "no such output", "output"]
    ),
    (
      "a: {type: demo/source}\nb: {type: demo/step, in: {inptu: a.output}}", "",
      ["no input 'inptu'", "not connected"]
    ),
    (
      "a: {type: demo/source}\nb: {type: demo/step, in: {input: [a.output, a.output]}}", "",
      ["2 sources", "takes one value"]
    ),
    (
      "a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}\nc: {type: demo/step, in: {input: b.size}}",
      "", ["takes 'string'", "'integer'"]
    ),
    ("a: {type: demo/source, with: {mode: fast}}", "", ["'mode' of the node 'a' must be one of"]),
    ("a: {type: demo/source, with: {mode: advancd}}", "", ["must be one of", "advanced"]),
    ("a: {type: demo/source, with: {count: 11}}", "", ["must be at most 10", "11"]),
    ("a: {type: demo/source, with: {count: 0}}", "", ["must be at least 1"]),
    ("a: {type: demo/source, with: {count: many}}", "", ["must be a whole number"]),
    ("a: {type: demo/source, with: {cuont: 2}}", "", ["no parameter 'cuont'", "count"]),
    ("a: {type: demo/source, needs: [z]}", "", ["needs 'z'"]),
    ("a: {run: make}", "", ["no plugin 'command'"]),
    ("a: {type: demo/source}", "plugins: {demo: \">=2\"}", ["version 1.2.0", ">=2"]),
    ("a: {type: demo/source}", "plugins: {other: \">=2\"}", ["no plugin 'other'"]),
    ("a: {type: demo/source}", "outputs: {x: a.nothing}", ["workflow output 'x'", "no such output"]),
    (
      "a: {type: demo/step, in: {input: c.output}}\nb: {type: demo/step, in: {input: a.output}}\n"
        + "c: {type: demo/step, in: {input: b.output}}", "", ["wait for each other", "a → b → c → a"]
    ),
    ("a: {type: demo/source, needs: [a]}", "", ["wait for each other", "a → a"]),
  ]

  @Test("parameters of other bytes and the same characters keep their own")
  func bytes() throws {
    let say = NodeSpecification(
      nodeType: NodeTypeName(unchecked: "say"), displayName: "Say", category: "Test", description: "",
      parameters: [
        ParameterSpecification(
          name: ParameterName(unchecked: "text"), type: "string", displayName: "Text", description: "",
          defaultValue: "")
      ])
    let catalog = NodeCatalog(plugins: [
      PluginName(unchecked: "demo"): .init(version: SemanticVersion(1, 0, 0), specifications: [say])
    ])
    let texts = ["\u{e9}", "e\u{301}"]
    let nodes = texts.enumerated().map {
      "n\($0.offset): {type: demo/say, with: {text: \"${{ inputs.word }} \($0.element)\"}}"
    }
    let text = Demo.workflow(
      nodes.joined(separator: "\n"), more: "inputs: {word: {type: string, default: x}}")
    let workflow = try Workflow(bytes: Array(text.utf8), file: "flow.yaml")
    let graph = try WorkflowGraph.validate(workflow, catalog: catalog, inputs: try workflow.bind([]))
    #expect(
      graph.nodes.map { Array(($0.parameters[0].value.stringValue ?? "").utf8) } == texts.map { Array("x \($0)".utf8) })
  }

  @Test("refuses, and names node, port and place", arguments: refusals.indices)
  func refuses(_ index: Int) {
    let (nodes, more, says) = Self.refusals[index]
    let problems = Demo.problems(Demo.workflow(nodes, more: more))
    let text = problems.map(\.description).joined(separator: "\n")
    for words in says { #expect(text.contains(words), "\(text)\nlacks: \(words)") }
    #expect(problems.allSatisfy { $0.location != nil }, "\(text)")
  }

  @Test("reports all problems at once, in the order of the file")
  func reportsAll() {
    let problems = Demo.problems(
      Demo.workflow(
        """
        a: {type: demo/source, with: {count: 99, mode: fast}}
        b: {type: demo/step}
        c: {type: nowhere/step, in: {input: nobody.output}}
        """))
    #expect(problems.count == 5)
    #expect(problems.compactMap(\.location) == problems.compactMap(\.location).sorted())
  }

  @Test("keeps 0, false, null and empty text that a workflow writes")
  func keepsFalsyValues() throws {
    let graph = try Demo.graph(
      Demo.workflow("a: {type: demo/source}\nb: {type: demo/join, in: {items: a.output}}"))
    guard case .defaultValue(let limit) = graph.nodes[1].inputs[1].source else {
      Issue.record("the default is not used")
      return
    }
    #expect(limit == .double(2.5))
  }

  @Test("takes from the workflow the resources that it names, zero too, and the rest from the plugin")
  func resources() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source, resources: {memory: 1Gi}}
        b: {type: demo/source, resources: {cpu: 0.5, gpu: 0, gpuMemory: null}}
        c: {type: demo/source, resources: {}}
        d: {type: demo/source}
        """))
    func needs(_ cpu: Double, _ memory: Int, _ gpus: Int) -> ResourceRequirement {
      ResourceRequirement(cpuCores: cpu, memoryMB: memory, gpuCount: gpus, gpuMemoryMB: 1024)
    }
    #expect(
      graph.nodes.map(\.resources) == [needs(2, 1024, 1), needs(0.5, 512, 0), needs(2, 512, 1), needs(2, 512, 1)])
  }

  @Test("tries again for the classes that a node names, else the workflow's, else the usual ones")
  func retryClasses() throws {
    let nodes = "a: {type: demo/source, retry: {max: 1}}\nb: {type: demo/source, retry: {max: 1, on: oom}}"
    let usual = try Demo.graph(Demo.workflow(nodes)).nodes.map { $0.policy.retryRules?.map(\.classes) }
    #expect(usual == [[NodePolicy.defaultRetryClasses], [[.oom]]])
    let named = try Demo.graph(Demo.workflow(nodes, more: "defaults: {retry: {max: 3, on: error}}"))
    #expect(named.nodes.map { $0.policy.retryRules?.map(\.classes) } == [[[.error]], [[.oom]]])
  }
}
