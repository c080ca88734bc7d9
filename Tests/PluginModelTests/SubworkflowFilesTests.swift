import PluginModel
import Testing

@Suite("Workflows made of several files")
struct SubworkflowFilesTests {
  /// A workflow whose nodes stand for `others`, by name.
  private static func naming(_ others: [String]) -> String {
    let nodes = others.enumerated().map { "    n\($0): {workflow: \($1)}" }.joined(separator: "\n")
    return "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  nodes:\n"
      + (nodes.isEmpty ? "    a: {type: demo/source}" : nodes)
  }

  private func read(_ files: [String: String], path: String = "w/main.yaml") throws(Diagnostics) -> Workflow {
    var gathered = try WorkflowFiles(path: path, bytes: Array((files["main.yaml"] ?? "").utf8))
    while let wanted = gathered.wanted.first {
      let found = files[wanted].map { WorkflowFiles.Content.bytes(Array($0.utf8)) }
      gathered.add(found ?? .unreadable(why: "it isn't there", hint: "check the path"), at: wanted)
    }
    return try gathered.workflow()
  }

  private func refusals(_ files: [String: String]) -> [String] {
    problems { () throws(Diagnostics) in _ = try read(files) }
  }

  @Test("each file is read once, and is found from where it is named")
  func found() throws {
    let leaf = Self.naming([])
    let workflow = try read([
      "main.yaml": Self.naming(["parts/a.yaml", "./b.yaml", "parts//a.yaml"]), "b.yaml": Self.naming(["parts/c.yaml"]),
      "parts/a.yaml": Self.naming(["c.yaml", "../b.yaml"]), "parts/c.yaml": leaf,
    ])
    #expect(workflow.library?.files.keys.sorted() == ["b.yaml", "parts/a.yaml", "parts/c.yaml"])
    #expect(workflow.nodes.compactMap(\.subworkflow?.value) == ["parts/a.yaml", "./b.yaml", "parts//a.yaml"])
    #expect(workflow.pluginsOfNodes.map(\.text) == ["demo"])
    #expect(try read(["main.yaml": leaf]).library == nil)
  }

  @Test(
    "a path that leaves the directory of the workflow is refused where it is written",
    arguments: [
      (
        "/etc/w.yaml",
        "'/etc/w.yaml' is an absolute path: a workflow is made of files that lie in its own directory or below"
      ),
      (
        "../w.yaml",
        "'../w.yaml' leads out of the directory of the workflow: 'w/main.yaml' is made of files that lie in its own directory or below"
      ),
      (
        "a/../../w.yaml",
        "'a/../../w.yaml' leads out of the directory of the workflow: 'w/main.yaml' is made of files that lie in its own directory or below"
      ), ("''", "'' names no file"), ("a/", "'a/' names no file"), ("a/..", "'a/..' names no file"),
      (".", "'.' names no file"),
    ])
  func outside(path: String, what: String) {
    #expect(refusals(["main.yaml": Self.naming([path])]) == ["w/main.yaml:6:20: error: \(what)"])
  }

  @Test("and so is one of a file further down that leaves it")
  func outsideFromBelow() {
    let below = ["main.yaml": Self.naming(["a/b.yaml"]), "a/b.yaml": Self.naming(["../../c.yaml"])]
    #expect(
      refusals(below).map { $0.contains("w/a/b.yaml:6:20: error: '../../c.yaml' leads out of the directory") } == [true]
    )
  }

  @Test("a workflow that is a part of itself is refused, with the way that leads there")
  func recursion() {
    #expect(
      refusals(["main.yaml": Self.naming(["main.yaml"])])
        == [
          "w/main.yaml:6:20: error: the workflow 'main.yaml' would be a part of itself: main.yaml → main.yaml: it would never end"
        ])
    #expect(
      refusals([
        "main.yaml": Self.naming(["p/a.yaml"]), "p/a.yaml": Self.naming(["b.yaml"]),
        "p/b.yaml": Self.naming(["a.yaml"]),
      ]) == [
        "w/p/b.yaml:6:20: error: the workflow 'p/a.yaml' would be a part of itself: p/a.yaml → p/b.yaml → p/a.yaml: it would never end"
      ])
  }

  @Test("workflows lie at most 8 deep in each other, by whichever way they are reached")
  func depth() throws {
    var files = ["main.yaml": Self.naming(["1.yaml"])]
    for level in 1..<8 { files["\(level).yaml"] = Self.naming(["\(level + 1).yaml"]) }
    files["8.yaml"] = Self.naming([])
    #expect(try read(files).library?.files.count == 8)
    // Reached by a short way first.
    files["main.yaml"] = Self.naming(["8.yaml", "1.yaml"])
    files["8.yaml"] = Self.naming(["9.yaml"])
    files["9.yaml"] = Self.naming([])
    #expect(
      refusals(files) == [
        "w/7.yaml:6:20: error: workflows lie more than 8 deep in each other: main.yaml → 1.yaml → 2.yaml → 3.yaml → 4.yaml → 5.yaml → 6.yaml → 7.yaml → 8.yaml"
      ])
  }

  @Test("a workflow is made of at most 256 files, and of 16 MiB")
  func size() throws {
    var files = ["main.yaml": Self.naming((1..<256).map { "\($0).yaml" })]
    for index in 1..<400 { files["\(index).yaml"] = Self.naming([]) }
    #expect(try read(files).library?.files.count == 255)
    files["main.yaml"] = Self.naming((1..<400).map { "\($0).yaml" })
    #expect(
      refusals(files) == [
        "w/main.yaml:404:22: error: the workflow is made of more than 256 files: 400 are named so far"
      ])
    files["main.yaml"] = Self.naming(["1.yaml", "2.yaml", "3.yaml", "4.yaml", "5.yaml"])
    for index in 1..<6 { files["\(index).yaml"] = Self.naming([]) + "\n# " + String(repeating: "x", count: 4_000_000) }
    #expect(
      refusals(files) == ["w/main.yaml:10:20: error: the files of the workflow have more than 16777216 bytes together"])
  }

  @Test("what is wrong with each file is told with its name, and what can't be read where it is named")
  func broken() {
    #expect(
      refusals([
        "main.yaml": Self.naming(["a.yaml", "b.yaml", "c.yaml"]), "a.yaml": "nodes: 1",
        "c.yaml": Self.naming(["d.yaml"]),
      ]) == [
        "w/a.yaml:1:1: error: unknown key 'nodes'", "w/a.yaml:1:1: error: the key 'apiVersion' is missing",
        "w/a.yaml:1:1: error: the key 'kind' is missing", "w/a.yaml:1:1: error: the key 'metadata' is missing",
        "w/a.yaml:1:1: error: the key 'spec' is missing",
        "w/c.yaml:6:20: error: the workflow 'd.yaml' can't be read: it isn't there",
        "w/main.yaml:7:20: error: the workflow 'b.yaml' can't be read: it isn't there",
      ])
  }

  @Test(
    "a node with 'workflow' that says what it can't is refused",
    arguments: [
      ("{workflow: a.yaml, type: demo/source}", "'spec.nodes.x' has both 'workflow' and 'type'"),
      ("{workflow: a.yaml, run: ls}", "'spec.nodes.x' has both 'workflow' and 'run'"),
      (
        "{workflow: a.yaml, in: {n: y.output}, foreach: n}",
        "'foreach' has no meaning beside 'workflow': the nodes of the other file are known before the run, and the items are not"
      ),
      (
        "{workflow: a.yaml, resources: {cpu: 1}}",
        "'resources' has no meaning beside 'workflow': the nodes of the other file need different things"
      ), ("{workflow: a.yaml, env: {A: b}}", "'env' has no meaning beside 'workflow': only commands have it"),
      (
        "{workflow: \"${{ inputs.file }}\"}",
        "the path of a workflow can't be an expression: the files are read before anything has a value"
      ), ("{workflow: [a.yaml]}", "'spec.nodes.x.workflow' must be text: it is a list"),
      ("{workflow: a.yaml, with: {n: \"${{ inputs.m }}\"}}", "the workflow has no input 'm'"),
      ("{}", "'spec.nodes.x' doesn't say what to run"),
    ])
  func refused(node: String, what: String) {
    let text = """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec: {inputs: {file: {type: string}}, nodes: {x: \(node)}}
      """
    let found = problems { () throws(Diagnostics) in _ = try Workflow(bytes: Array(text.utf8), file: "w.yaml") }
    #expect(found.map { String($0.split(separator: "error: ", maxSplits: 1).last ?? "") } == [what])
  }

  @Test("'inputs' names no node, for inputs.NAME is an input of the workflow")
  func inputsIsNoNode() {
    let text = """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        nodes: {inputs: {type: demo/source}}
        outputs: {x: inputs.y}
      """
    #expect(
      problems { () throws(Diagnostics) in _ = try Workflow(bytes: Array(text.utf8), file: "w.yaml") } == [
        "w.yaml:5:19: error: 'inputs' can't be the name of a node: inputs.NAME is an input of the workflow",
        "w.yaml:6:16: error: an output of the workflow can't be one of its inputs: whoever gives the input has the value already",
      ])
  }

  @Test(
    "a name among all nodes is read as it was written down, and no other spelling of it",
    arguments: [
      ("a", true), ("a[0]", true), ("a/b", true), ("a[3]/b[99999]", true), ("a/b/c/d/e/f/g/h/i", true),
      ("a/b/c/d/e/f/g/h/i/j", false), ("a/", false), ("/a", false), ("a//b", false), ("a[01]/b", false),
      ("a[0]b", false),
      ("a/..", false), ("a/b[100000]", false), ("a[0/b]", false),
    ])
  func names(text: String, isName: Bool) {
    #expect(NodeName(stored: text)?.text == (isName ? text : nil))
    #expect(!text.contains("/") || NodeName(text) == nil)
  }

  @Test("of a name within a workflow, the number at its end is that of the instance")
  func instances() {
    let name = NodeName(stored: "a[3]/b[7]")
    #expect(name?.instanceIndex == 7 && name?.matrixNode?.text == "a[3]/b")
    #expect(name?.matrixNode?.matrixNode == nil && name?.matrixNode?.instanceIndex == nil)
  }
}
