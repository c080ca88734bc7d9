import Foundation
import PluginModel
import Testing

/// Nodes that stand for other workflows, with real workers.
@Suite("A workflow of several files", .serialized)
struct SubworkflowTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try Probe.copy(to: directory)
  }

  private func run(_ arguments: [String]) throws -> Program.Outcome {
    try Program.run(arguments + ["--plugins", "probe", "--state-dir", "state"], in: directory)
  }

  private func orchestrator(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(arguments + ["--state-dir", "state"], in: directory)
  }

  private func write(_ path: String, _ nodes: [String], spec: [String] = []) throws {
    let lines = spec.map { "  \($0)" } + ["  nodes:"] + nodes.map { "    \($0)" }
    try directory.write(
      path,
      "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: sample}\nspec:\n"
        + lines.joined(separator: "\n") + "\n")
  }

  /// Two files within a third, with matrices in both, and a node that fails until a file is there.
  private func writeNested() throws {
    try write(
      "w.yaml",
      [
        "first: {type: probe/probe, with: {do: echo, value: start}}",
        "each: {workflow: parts/middle.yaml, matrix: {n: [1, 2]}, with: {number: \"${{ matrix.n * inputs.factor }}\"}, in: {text: first.output}}",
        "all: {type: probe/probe, with: {do: echo, value: \"${{ inputs.factor }}\"}, needs: [each]}",
      ], spec: ["inputs: {factor: {type: integer, default: 10}}", "outputs: {numbers: each.numbers, texts: each.text}"])
    try write(
      "parts/middle.yaml",
      [
        "leaf: {workflow: more/leaf.yaml, with: {numbers: \"${{ [inputs.number, 0] }}\"}, in: {text: inputs.text}}"
      ],
      spec: [
        "inputs: {number: {type: integer}, text: {type: string}}", "outputs: {numbers: leaf.numbers, text: leaf.text}",
      ])
    try write(
      "parts/more/leaf.yaml",
      [
        "number: {type: probe/probe, matrix: {n: \"${{ inputs.numbers }}\"}, with: {do: echo, value: \"${{ matrix.n + 1 }}\"}}",
        "text: {type: probe/probe, with: {do: echo}, in: {input: inputs.text}}",
        Probe.python("late", "result = (workspace / 'there').read_text()", ", needs: [text]"),
      ],
      spec: [
        "inputs: {numbers: {type: list}, text: {type: any}}", "outputs: {numbers: number.output, text: text.output}",
      ])
  }

  @Test("runs every node of every file, each with the inputs of its own")
  func nested() throws {
    try writeNested()
    try directory.write("work/there", "yes")
    let outcome = try run(["run", "w.yaml", "--workspace", "work", "--output", "json", "--input", "factor=100"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try JSONValue(json: outcome.output)
    func values(_ output: String) -> [JSONValue?]? { report["outputs"]?[output]?.arrayValue?.map { $0["value"] } }
    #expect(values("numbers") == [101, 1, 201, 1] && values("texts") == ["start", "start"], "\(outcome.output)")
    let nodes = report["nodes"]?.arrayValue?.compactMap { $0["node"]?.stringValue } ?? []
    #expect(
      Set(nodes) == [
        "first", "all", "each[0]/leaf/number[0]", "each[0]/leaf/number[1]", "each[0]/leaf/text", "each[0]/leaf/late",
        "each[1]/leaf/number[0]", "each[1]/leaf/number[1]", "each[1]/leaf/text", "each[1]/leaf/late",
      ])
    let shown = try orchestrator("runs", "show")
    #expect(shown.output.contains("each[1]/leaf/number[0]"), "\(shown.output)")
    let why = try orchestrator("cache", "why", "each[0]/leaf/text")
    #expect(why.status == 0, "\(why.errors)")
    let junit = try run(["run", "w.yaml", "--workspace", "work", "--output", "junit", "--report", "r.html"])
    #expect(junit.status == 0 && junit.output.contains("name=\"each[0]/leaf/text\""), "\(junit.errors)")
    #expect(try directory.read("r.html").contains("each[0]/leaf/late"))
  }

  @Test("validate and graph know all files")
  func checked() throws {
    try writeNested()
    let valid = try run(["validate", "w.yaml"])
    #expect(valid.status == 0 && valid.output.contains("w.yaml is valid: 10 nodes"), "\(valid.errors)\(valid.output)")
    let drawn = try run(["graph", "w.yaml", "--format", "text"])
    #expect(drawn.status == 0 && drawn.output.contains("each[1]/leaf/number[1]"), "\(drawn.errors)")
    // From elsewhere: the files are found beside the workflow.
    try FileManager.default.createDirectory(atPath: directory.path + "/elsewhere", withIntermediateDirectories: true)
    let moved = try run(["validate", "\(directory.path)/w.yaml"])
    #expect(moved.status == 0, "\(moved.errors)")
  }

  @Test("a run goes on with the files that it began with, though they were changed or removed since")
  func goesOn() throws {
    try writeNested()
    try directory.write("work/other", "")
    let first = try run(["run", "w.yaml", "--workspace", "work"])
    #expect(first.status == 1, "\(first.errors)")
    try FileManager.default.removeItem(atPath: directory.path + "/parts/more/leaf.yaml")
    try write("parts/middle.yaml", ["x: {type: probe/none}"])
    try FileManager.default.removeItem(atPath: directory.path + "/w.yaml")
    try directory.write("work/there", "yes")
    let second = try orchestrator("runs", "resume", "--jobs", "2")
    #expect(second.status == 0, "\(second.errors)")
    #expect(second.output.contains("10 succeeded"), "\(second.output)\(second.errors)")
  }

  @Test("run --resume says which of the files has changed")
  func changed() throws {
    try writeNested()
    try directory.write("work/other", "")
    #expect(try run(["run", "w.yaml", "--workspace", "work"]).status == 1)
    let leaf = try directory.read("parts/more/leaf.yaml")
    try directory.write("parts/more/leaf.yaml", leaf + "# a comment\n")
    let refused = try run(["run", "w.yaml", "--workspace", "work", "--resume"])
    #expect(refused.status == 2)
    #expect(
      refused.errors.contains(
        "the workflow 'parts/more/leaf.yaml', which is a part of it, changed since it began"), "\(refused.errors)")
    try directory.write("parts/more/leaf.yaml", leaf)
    try directory.write("work/there", "yes")
    let resumed = try run(["run", "w.yaml", "--workspace", "work", "--resume"])
    #expect(resumed.status == 0, "\(resumed.errors)")
  }

  // MARK: Mistakes

  private func errors(_ path: String = "w.yaml") throws -> String {
    let outcome = try run(["validate", path])
    #expect(outcome.status == 2, "\(outcome.output)")
    return outcome.errors
  }

  @Test("what is wrong in another file is told with its name, its line and the line itself")
  func mistakeWithin() throws {
    try write("flows/w.yaml", ["sub: {workflow: parts/p.yaml}"])
    try write("flows/parts/p.yaml", ["a: {type: probe/probe, with: {doo: echo}}"])
    #expect(
      try errors("flows/w.yaml") == """
        flows/parts/p.yaml:6:40: error: the node 'sub/a' has no parameter 'doo'
          6 |     a: {type: probe/probe, with: {doo: echo}}
            |                                        ^
          hint: did you mean 'do'?

        """)
    try directory.write("flows/parts/p.yaml", "kind: Workflow\n")
    #expect(
      try errors("flows/w.yaml").contains(
        "flows/parts/p.yaml:1:1: error: the key 'apiVersion' is missing\n  1 | kind: Workflow\n"))
  }

  @Test("a file that isn't there, is no file, or is too large is told where it is named")
  func unreadable() throws {
    try write("w.yaml", ["sub: {workflow: none.yaml}"])
    #expect(
      try errors() == """
        w.yaml:6:21: error: the workflow 'none.yaml' can't be read
          6 |     sub: {workflow: none.yaml}
            |                     ^
          why: fstatat ./none.yaml: No such file or directory (ENOENT)
          hint: check the path

        """)
    try write("w.yaml", ["sub: {workflow: probe}"])
    #expect(try errors().contains("why: ./probe is not a regular file"))
    try write("w.yaml", ["sub: {workflow: large.yaml}"])
    try directory.write("large.yaml", String(repeating: "#", count: 5 << 20))
    #expect(try errors().contains("why: ./large.yaml is larger than 4194304 bytes"))
  }

  @Test("a path that leaves the directory of the workflow is refused, and what is there isn't read")
  func outside() throws {
    try directory.write("secret.yaml", "the secret")
    try write("flows/w.yaml", ["sub: {workflow: ../secret.yaml}"])
    #expect(
      try errors("flows/w.yaml") == """
        flows/w.yaml:6:21: error: '../secret.yaml' leads out of the directory of the workflow
          6 |     sub: {workflow: ../secret.yaml}
            |                     ^
          why: 'flows/w.yaml' is made of files that lie in its own directory or below
          hint: move the file there, or run a workflow that lies further up

        """)
    try write("flows/w.yaml", ["sub: {workflow: \(directory.path)/secret.yaml}"])
    #expect(
      try errors("flows/w.yaml").contains(
        "error: '\(directory.path)/secret.yaml' is an absolute path\n"))
  }

  @Test("no symbolic link is followed, neither of a file nor of a directory")
  func links() throws {
    try directory.write("secret/w.yaml", "the secret")
    try FileManager.default.createDirectory(atPath: directory.path + "/flows", withIntermediateDirectories: true)
    for (link, target) in [("file.yaml", "../secret/w.yaml"), ("folder", "../secret")] {
      try FileManager.default.createSymbolicLink(
        atPath: directory.path + "/flows/\(link)", withDestinationPath: target)
    }
    try write("flows/w.yaml", ["sub: {workflow: file.yaml}"])
    let file = try errors("flows/w.yaml")
    #expect(
      file.contains("flows/w.yaml:6:21: error: the workflow 'file.yaml' can't be read\n")
        && file.contains(
          "why: flows/file.yaml is not a regular file\n  hint: name the file itself: no directory, no symbolic link\n"),
      "\(file)")
    try write("flows/w.yaml", ["sub: {workflow: folder/w.yaml}"])
    let folder = try errors("flows/w.yaml")
    #expect(
      folder.contains(
        "why: a symbolic link stands in the way, and could lead out of the directory of the workflow\n  hint: name the file itself\n"
      ), "\(folder)")
    #expect(!file.contains("secret") && !folder.contains("secret"))
  }

  @Test("a workflow that is a part of itself is refused, with the way that leads there")
  func recursion() throws {
    try write("w.yaml", ["a: {workflow: parts/b.yaml}"])
    try write("parts/b.yaml", ["b: {workflow: ../w.yaml}"])
    #expect(
      try errors() == """
        parts/b.yaml:6:19: error: the workflow 'w.yaml' would be a part of itself: w.yaml → parts/b.yaml → w.yaml
          6 |     b: {workflow: ../w.yaml}
            |                   ^
          why: it would never end
          hint: remove one of these nodes

        """)
  }

  @Test("the operator's deadline holds for the nodes of every file")
  func deadlines() throws {
    try write("w.yaml", ["sub: {workflow: p.yaml}"])
    try write("p.yaml", ["a: {type: probe/probe, timeout: 2h}"])
    try directory.write("system.yaml", "plugins:\n  limits: {execution_timeout: 60}\n")
    let outcome = try run(["validate", "w.yaml", "--config", "system.yaml"])
    #expect(
      outcome.status == 2
        && outcome.errors.contains("p.yaml:6:37: error: the node 'a' may not have a timeout of 7200s"),
      "\(outcome.errors)")
  }
}
