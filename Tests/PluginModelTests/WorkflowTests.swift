import PluginModel
import Testing

@Suite("Workflow files")
struct WorkflowTests {
  static let sample = """
    apiVersion: orchestrator/v1
    kind: Workflow
    metadata: {name: etl}
    spec:
      inputs: {path: {type: string}, limit: {type: integer, default: 10, description: how many}}
      plugins: {example_plugin: ">=1.0,<2"}
      defaults: {timeout: 60s, retry: {max: 2, on: [crash, timeout]}}
      nodes:
        load:  {type: files/read, with: {path: "${{ inputs.path }}"}}
        clean: {type: example_plugin/example_processor, with: {mode: standard}, in: {input: load.output},
                resources: {cpu: 1, memory: 256Mi, gpu: 0}, cache: auto}
        merge: {type: text/join, in: {parts: [load.output, clean.output]}, timeout: 250ms, retry: {max: 0, on: oom}, cache: never}
        test:  {run: "pytest -q", needs: [clean], if: always()}
      outputs: {result: clean.output}
    layout: {clean: {x: 300, y: 80}}        # the editor's; never part of a digest
    """

  private func read(_ text: String, file: String = "w.yaml") throws(Diagnostics) -> Workflow {
    try Workflow(bytes: Array(text.utf8), file: file)
  }

  private func found(_ text: String) -> [String] {
    problems { () throws(Diagnostics) in _ = try read(text) }
  }

  /// The smallest workflow, with more keys for its only node, for `spec` and for the top.
  private func minimal(node: String = "", spec: String = "", top: String = "") -> String {
    """
    apiVersion: orchestrator/v1
    kind: Workflow
    metadata: {name: w}
    spec: {inputs: {n: {type: integer, default: 1}}, nodes: {a: {type: p/t\(node)}}\(spec)}\(top)
    """
  }

  private func node(_ name: String, _ workflow: Workflow) throws -> Workflow.Node {
    try #require(workflow.nodes.first { $0.name.text == name })
  }

  @Test("everything that can be written is read")
  func everything() throws {
    let workflow = try read(Self.sample)
    #expect(workflow.name == "etl")
    #expect(workflow.inputs.map(\.name.text) == ["path", "limit"])
    #expect(workflow.inputs.map(\.defaultValue) == [nil, 10])
    #expect(workflow.inputs[1].description == "how many" && workflow.inputs[1].type == "integer")
    #expect(workflow.plugins[PluginName(unchecked: "example_plugin")]?.value == VersionRange(">=1.0,<2"))
    #expect(
      workflow.defaults
        == NodePolicy(
          timeoutMilliseconds: 60_000,
          retryRules: [RetryRule(maximumRetries: 2, classes: [.crash, .timeout])],
          timeoutLocation: PluginModel.SourceLocation(file: "w.yaml", line: 7, column: 23)))
    #expect(workflow.nodes.map(\.name.text) == ["load", "clean", "merge", "test"])
    #expect(workflow.outputs.map(\.source.value.description) == ["clean.output"])
    #expect(workflow.layout == ["clean": ["x": 300, "y": 80]])
  }

  @Test("a plugin's node has its parameters, inputs, policy and resources, each with its place")
  func pluginNode() throws {
    let workflow = try read(Self.sample)
    let clean = try node("clean", workflow)
    #expect(clean.type.value.description == "example_plugin/example_processor")
    #expect(clean.location.description == "w.yaml:10:5" && clean.type.location.description == "w.yaml:10:19")
    #expect(clean.parameters.map(\.value.value) == ["standard"])
    #expect(clean.inputs.map(\.port.text) == ["input"])
    #expect(clean.inputs[0].sources.map(\.value.description) == ["load.output"])
    let places: [Workflow.ResourcesKey: Int] = [.cpu: 30, .memory: 41, .gpu: 53]
    #expect(
      clean.resources?.value
        == ResourceOverride(
          cpuCores: 1, memoryMB: 256, gpus: .whole(0),
          locations: places.mapValues { PluginModel.SourceLocation(file: "w.yaml", line: 11, column: $0) }))
    #expect(clean.cache == "auto" && clean.policy == NodePolicy())
    let merge = try node("merge", workflow)
    #expect(merge.inputs[0].sources.map(\.value.description) == ["load.output", "clean.output"])
    #expect(
      merge.policy
        == NodePolicy(
          timeoutMilliseconds: 250, retryRules: [RetryRule(maximumRetries: 0, classes: [.oom])],
          timeoutLocation: PluginModel.SourceLocation(file: "w.yaml", line: 12, column: 81)))
  }

  @Test("a node may ask for whole GPUs or for a part of one, and for nothing in between")
  func gpuShares() throws {
    func amount(_ text: String) throws(Diagnostics) -> GPUAmount? {
      try read(
        "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  nodes:\n"
          + "    a: {type: x/y, resources: {gpu: \(text)}}\n"
      ).nodes.first?.resources?.value.gpus
    }
    for (text, expected) in [
      ("0", GPUAmount.whole(0)), ("2", .whole(2)), ("1.0", .whole(1)), ("0.5", .share(milli: 500)),
      ("0.001", .share(milli: 1)), ("0.999", .share(milli: 999)), ("0.57", .share(milli: 570)),
    ] { #expect(try amount(text) == expected) }
    for text in ["1.5", "0.0005", "0.1234", "-0.5", "0.9999"] {
      let found = problems { () throws(Diagnostics) in _ = try amount(text) }
      #expect(found.map { $0.hasPrefix("w.yaml:6:37: error: ") } == [true], "\(text): \(found)")
      #expect(found.allSatisfy { $0.contains("from 0.001 to 0.999") }, "\(text): \(found)")
    }
    #expect(!problems { () throws(Diagnostics) in _ = try amount("65") }.isEmpty)
    #expect(!problems { () throws(Diagnostics) in _ = try amount("half") }.isEmpty)
    let plugin = ResourceRequirement(gpuCount: 2, gpuMemoryMB: 8)
    let share = ResourceOverride(gpus: .share(milli: 250)).completed(by: plugin)
    #expect(share.gpuCount == 0 && share.gpuMilli == 250 && share.gpuMemoryMB == 8)
    #expect(ResourceOverride().completed(by: plugin) == plugin)
  }

  @Test("a command node has its command, its order and its condition")
  func commandNode() throws {
    let test = try node("test", try read(Self.sample))
    #expect(test.type.value == .command && test.parameters.map(\.name.text) == ["command"])
    #expect(test.parameters.map(\.value.value) == ["pytest -q"])
    #expect(test.needs.map(\.value.text) == ["clean"] && test.condition?.value == "always()")
  }

  @Test("the same workflow as JSON is the same workflow")
  func json() throws {
    let tree = try DocumentNode(yaml: Array(Self.sample.utf8), file: "w.yaml")
    let workflow = try read(tree.jsonValue.text(.pretty), file: "w.json")
    let original = try read(Self.sample)
    #expect(workflow.nodes.map(\.name) == original.nodes.map(\.name))
    #expect(
      workflow.nodes.map { $0.parameters.map(\.value.value) } == original.nodes.map { $0.parameters.map(\.value.value) }
    )
    #expect(workflow.plugins.mapValues(\.value) == original.plugins.mapValues(\.value))
    #expect(workflow.inputs[0].location.file == "w.json")
  }

  @Test(
    "one mistake gives one problem at its place",
    arguments: [
      ("", "", "\nextra: 1", "5:1: error: unknown key 'extra'"),
      ("", ", node: {}", "", "4:75: error: unknown key 'node' in 'spec'"),
      ("", "", "\nlayout: [1]", "5:9: error: 'layout' must be a mapping: it is a list"),
      (", tpye: x", "", "", "4:73: error: unknown key 'tpye' in 'spec.nodes.a'"),
      (", in: {x: load}", "", "", "4:81: error: 'load' is not an output of a node"),
      (", in: {x: a.b.c}", "", "", "4:81: error: 'a.b.c' is not an output of a node"),
      (", in: {x: [a.b, 1]}", "", "", "4:87: error: 'spec.nodes.a.in.x[1]' must be text: it is an integer"),
      (", in: [a.b]", "", "", "4:77: error: 'spec.nodes.a.in' must be a mapping: it is a list"),
      (", in: {../x: a.b}", "", "", "4:78: error: '../x' is not a port name"),
      (", needs: 1", "", "", "4:80: error: 'spec.nodes.a.needs' must be text: it is an integer"),
      (", needs: [a/b]", "", "", "4:81: error: 'a/b' is not a node name"),
      (", run: x", "", "", "4:78: error: 'spec.nodes.a' has both 'type' and 'run'"),
      (", timeout: 60", "", "", "4:82: error: '60' is not a duration"),
      (", timeout: fast", "", "", "4:82: error: 'fast' is not a duration"),
      (", timeout: [1s]", "", "", "4:82: error: 'spec.nodes.a.timeout' must be text: it is a list"),
      (", retry: 3", "", "", "4:80: error: 'spec.nodes.a.retry' must be a mapping: it is an integer"),
      (", retry: {on: crash}", "", "", "4:80: error: the key 'max' is missing in 'spec.nodes.a.retry'"),
      (", retry: {max: 101}", "", "", "4:86: error: 'spec.nodes.a.retry.max' must be from 0 to 100: it is 101"),
      (", retry: {max: 1, on: [crsh]}", "", "", "4:94: error: 'crsh' is not a value of 'spec.nodes.a.retry.on[0]'"),
      (", retry: {max: 1, on: [oom, oom]}", "", "", "4:99: error: 'oom' is listed twice"),
      (
        ", resources: {cpu: -1}", "", "",
        "4:90: error: 'spec.nodes.a.resources.cpu' must be from 0.01 to 4096: it is -1"
      ),
      (", resources: {memory: 256}", "", "", "4:93: error: '256' is not an amount of memory"),
      (
        ", resources: {gpu: 1.5}", "", "",
        "4:90: error: 'spec.nodes.a.resources.gpu' must be a whole number, or a part of one GPU from 0.001 to 0.999 with at most three decimals: it is 1.5"
      ),
      (", resources: {memroy: 1Gi}", "", "", "4:85: error: unknown key 'memroy' in 'spec.nodes.a.resources'"),
      (", foreach: x", "", "", "4:82: error: 'foreach' names the input 'x', which the node connects to nothing"),
      (
        ", in: {text: a.b}, foreach: txet", "", "",
        "4:99: error: 'foreach' names the input 'txet', which the node connects to nothing"
      ),
      (
        ", in: {x: [a.b, a.c]}, foreach: x", "", "",
        "4:103: error: 'foreach' names the input 'x', which has 2 sources: the items are those of one list"
      ),
      (
        ", in: {x: a.b}, foreach: x, matrix: {n: [1]}", "", "",
        "4:107: error: 'spec.nodes.a' has both 'foreach' and 'matrix': its instances would have two numbers"
      ),
      (
        ", in: {x: a.b}, foreach: {x: a.b}", "", "", "4:96: error: 'spec.nodes.a.foreach' must be text: it is a mapping"
      ),
      (", cache: maybe", "", "", "4:80: error: 'maybe' is not a value of 'spec.nodes.a.cache'"),
      (", with: {x: \"${{ inputs.m }}\"}", "", "", "4:83: error: the workflow has no input 'm'"),
      (
        ", with: {x: [{y: \"${{ env.HOME }}\"}]}", "", "",
        "4:88: error: the expression begins with 'env', which is nothing here"
      ),
      (", with: {x: \"${{ inputs.n\"}", "", "", "4:83: error: '${{' is not closed"),
      ("", ", plugins: {p: latest}", "", "4:88: error: 'latest' is not a version range"),
      ("", ", plugins: {P: 1}", "", "4:85: error: 'P' is not a plugin name"),
      ("", ", outputs: {r: a}", "", "4:88: error: 'a' is not an output of a node"),
      ("", ", defaults: {timeout: 0s}", "", "4:95: error: '0s' is not a duration"),
    ])
  func oneMistake(node: String, spec: String, top: String, expected: String) {
    #expect(found(minimal(node: node, spec: spec, top: top)) == ["w.yaml:" + expected])
  }

  @Test(
    "a file that isn't a workflow says so",
    arguments: [
      ("[]", ["w.yaml:1:1: error: the file must be a mapping: it is a list"]),
      (
        "{}",
        ["apiVersion", "kind", "metadata", "spec"].map { "w.yaml:1:1: error: the key '\($0)' is missing" }
      ),
      (
        "{apiVersion: orchestrator/v2, kind: Pipeline, metadata: {name: a b}, spec: {nodes: {}}}",
        [
          "w.yaml:1:14: error: 'apiVersion' must be 'orchestrator/v1': it is 'orchestrator/v2'",
          "w.yaml:1:37: error: 'kind' must be 'Workflow': it is 'Pipeline'",
          "w.yaml:1:64: error: 'a b' is not a workflow name",
          "w.yaml:1:84: error: the workflow has no nodes",
        ]
      ),
    ] as [(String, [String])])
  func notAWorkflow(text: String, expected: [String]) {
    #expect(found(text) == expected)
  }

  @Test("a node without work, and a command with parameters, are refused")
  func actions() {
    let head = "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: w}\nspec: {nodes: {a: "
    #expect(found(head + "{}}}") == ["w.yaml:4:19: error: 'spec.nodes.a' doesn't say what to run"])
    #expect(
      found(head + "{run: x, with: {y: 1}}}}") == [
        "w.yaml:4:34: error: 'with' has no meaning beside 'run': a command takes no parameters and no ports"
      ])
    #expect(found(head + "{type: nothing}}}") == ["w.yaml:4:26: error: 'nothing' is not a node type"])
  }

  @Test("a misspelt key, node class or input is answered with the right one")
  func suggestions() {
    let text = minimal(node: ", timout: 1s, retry: {max: 1, on: crsh}, with: {x: \"${{ inputs.m }}\"}")
    #expect(
      hints { () throws(Diagnostics) in _ = try read(text) } == [
        "did you mean 'timeout'?", "did you mean 'crash'?", "known: n",
      ])
  }

  @Test("all mistakes of a file are reported at once, in its order")
  func allAtOnce() {
    let text = """
      apiVersion: orchestrator/v1
      kind: workflow
      metadata: {}
      spec:
        inputs: {p: {type: strin}}
        nodes:
          1a: {type: p/t}
          b: {type: p, timeout: x, with: {q: "${{ inputs.p }} ${{ no }}"}}
          b: {}
        outputs: {r: b}
      """
    #expect(found(text).map { String($0.split(separator: ":")[1]) } == ["2", "3", "5", "7", "8", "8", "8", "9", "10"])
  }

  @Test("inputs are bound by name and type, with defaults")
  func binding() throws {
    let workflow = try read(Self.sample)
    let path = ParameterName(unchecked: "path")
    let limit = ParameterName(unchecked: "limit")
    #expect(try workflow.bind([("path", "/x")]) == [path: "/x", limit: 10])
    #expect(try workflow.bind([("path", "/x"), ("limit", 3)]) == [path: "/x", limit: 3])
    let found = problems { () throws(Diagnostics) in
      _ = try workflow.bind([("pth", "/x"), ("limit", "many"), ("limit", 1)])
    }
    #expect(
      found == [
        "error: the workflow has no input 'pth'",
        "w.yaml:5:34: error: the input 'limit' must be a whole number: it is given as '\"many\"'",
        "error: the input 'limit' is given twice",
        "w.yaml:5:12: error: the input 'path' has no value: it has no default",
      ])
  }

  @Test("an argument becomes a value by the type that its input declares")
  func arguments() throws {
    let workflow = try read(Self.sample)
    #expect(workflow.value(ofArgument: "12", for: "limit") == 12)
    #expect(workflow.value(ofArgument: "12", for: "path") == "12")
    #expect(workflow.value(ofArgument: "x", for: "limit") == "x")
  }

  @Test("a node's parameters are evaluated with the inputs of the run")
  func parameters() throws {
    let workflow = try read(Self.sample)
    let values = try workflow.bind([("path", "/x")])
    #expect(try node("load", workflow).parameters(evaluatedWith: values).map(\.value) == ["/x"])
  }

  @Test("no mutation of a workflow crashes the reader", arguments: [91, 92, 93] as [UInt64])
  func mutations(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let original = Array(Self.sample.utf8)
    for round in 0..<400 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        default: bytes.insert("[]{}:-&*!|\"\n \t$".utf8.randomElement(using: &generator) ?? 0, at: index)
        }
      }
      do throws(Diagnostics) {
        _ = try Workflow(bytes: bytes, file: round % 2 == 0 ? "f.yaml" : "f.json")
      } catch {
        #expect(error.hasErrors)
      }
    }
  }
}
