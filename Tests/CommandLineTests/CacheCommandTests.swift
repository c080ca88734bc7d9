import Foundation
import PluginModel
import Testing

@Suite("Results of earlier runs")
struct CacheCommandTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    // So that the plugin sees nothing but what it is given.
    try directory.write("system.yaml", "plugins: {security: {default_permissions: []}}\n")
  }

  private func write(_ value: String = "1", more: String = "") throws {
    try directory.writeWorkflow(
      [
        "a: {type: probe/probe, with: {do: echo, value: \(value)}\(more)}",
        "big: {type: probe/probe, with: {do: blob, value: 50000}}",
        "b: {type: probe/probe, with: {do: echo}, in: {input: a.output}}",
        "size: {type: probe/probe, with: {do: size}, in: {input: big.output}}",
      ], outputs: "{b: b.output, size: size.output}")
  }

  /// The nodes that ran.
  private func run(_ extra: String..., configured: Bool = true) throws -> (ran: Set<String>, report: JSONValue) {
    let outcome = try Program.run(
      ["run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--output", "json"]
        + (configured ? ["--config", "system.yaml"] : []) + extra, in: directory)
    let report = try JSONValue(json: outcome.output)
    let ran = (report["nodes"]?.arrayValue ?? []).filter { $0["cached"] == false && $0["attempts"] != 0 }
    return (Set(ran.compactMap { $0["node"]?.stringValue }), report)
  }

  private func why(_ node: String) throws -> String {
    try Program.run(["cache", "why", node, "--state-dir", "state"], in: directory).output
  }

  private static let all: Set = ["a", "b", "big", "size"]

  @Test("are used where nothing has changed that they depend on, and cache why names what has")
  func used() throws {
    try write()
    let first = try run()
    #expect(first.ran == Self.all)
    #expect(try why("a").contains("no earlier run"))
    let second = try run()
    #expect(second.ran.isEmpty)
    #expect(second.report["outputs"] == first.report["outputs"])
    #expect(try why("a").contains("was not run"))
    // Parameters that aren't read are part of a key too; 'b' has the same input as before.
    try write("1", more: "")
    try write("2")
    #expect(try run().ran == ["a", "b"])
    #expect(try why("a").contains("parameter value"))
    #expect(try why("b").contains("input input"))
    try write("1")
    #expect(try run().ran.isEmpty, "it was kept")
    #expect(try run("--no-cache").ran == Self.all)
    let code = try directory.read("probe/probe.py")
    try directory.write("probe/probe.py", code + "\n# changed\n")
    #expect(try run().ran == Self.all)
    #expect(try why("size").contains("plugin"))
  }

  @Test("are never used for a node whose sandbox shows it more than it is given")
  func impure() throws {
    try write()
    for _ in 0..<2 { #expect(try run(configured: false).ran == Self.all, "it may read the workspace") }
    #expect(try why("a").contains("always runs"))
    for _ in 0..<2 { #expect(try run("--grant", "probe=filesystem.write").ran == Self.all) }
    try write("1", more: ", cache: never")
    _ = try run()
    #expect(try run().ran == ["a"])
  }

  @Test("that are damaged are made again, never handed on")
  func damaged() throws {
    try write()
    let first = try run()
    let objects = directory.path + "/state/objects"
    let paths = try FileManager.default.subpathsOfDirectory(atPath: objects).filter { $0.count == 65 }
    #expect(paths.count == 1)
    let path = "\(objects)/\(paths.first ?? "")"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[100] ^= 1
    chmod(path, 0o600)
    try bytes.write(to: URL(fileURLWithPath: path))
    // Only who reads it notices: here nobody else's result is known.
    try directory.writeWorkflow(
      [
        "big: {type: probe/probe, with: {do: blob, value: 50000}}",
        Probe.python("sum", "result = 1", ", in: {input: big.output}"),
      ], outputs: "{sum: sum.output}")
    let noticed = try run()
    let error = noticed.report["nodes"]?.arrayValue?.last?["error"]
    #expect(error?["cause"]?.stringValue?.contains("its bytes have changed") == true, "\(noticed.report.text())")
    let again = try run()
    #expect(again.ran == ["big", "sum"])
    #expect(again.report["outcome"] == "succeeded")
    #expect(first.report["outcome"] == "succeeded")
  }

  @Test("go when they are to, and those that a kept run refers to stay")
  func pruned() throws {
    try write()
    _ = try run()
    let pruned = try Program.run(["cache", "prune", "--to", "0", "--state-dir", "state"], in: directory)
    #expect(pruned.status == 0 && pruned.output.hasPrefix("forgot 4 results"), "\(pruned.output)\(pruned.errors)")
    #expect(try run().ran == Self.all)
    let wrong = try Program.run(["cache", "prune", "--to", "much", "--state-dir", "state"], in: directory)
    #expect(wrong.status == 2 && wrong.errors.contains("is not a size"))
  }

  @Test("are found by the key that a plugin makes itself, until its code changes")
  func ownKey() throws {
    try directory.write(
      "keyed/plugin.yaml",
      """
      {name: keyed, version: 1.0.0, author: a, description: d, license: MIT, node_types: [node], permissions: [],
       entry_point: keyed.py, min_engine_version: 1.0.0}
      """)
    let code = """
      from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification

      class Node(DeclaredNode):
          specification = NodeSpecification(
              "node", "N", "T", "D", outputs=[PortSpecification("output", "any", "O", "O")],
              parameters=[ParameterSpecification(name, "any", name, name, "") for name in ("value", "comment")])
          def cache_key(self, inputs):
              return str(self.parameters["value"])
          def execute(self, inputs, context):
              return {"output": self.parameters["comment"]}

      class Plugin(DeclaredPlugin):
          nodes = (Node,)
      """
    func run(_ value: String, _ comment: String) throws -> (cached: Bool, output: JSONValue?) {
      try directory.writeWorkflow(
        ["a: {type: keyed/node, with: {value: \(value), comment: \(comment)}}"], outputs: "{o: a.output}")
      let outcome = try Program.run(
        ["run", "w.yaml", "--plugins", "keyed", "--state-dir", "state", "--output", "json", "--config", "system.yaml"],
        in: directory)
      #expect(outcome.status == 0, "\(outcome)")
      let report = try JSONValue(json: outcome.output)
      return (report["nodes"]?.arrayValue?.first?["cached"] == true, report["outputs"]?["o"])
    }
    try directory.write("keyed/keyed.py", code)
    let first = try run("1", "first")
    let second = try run("1", "second")
    #expect(
      !first.cached && second.cached && second.output == first.output, "the plugin says that a comment changes nothing")
    #expect(try run("1", "second").cached && !(try run("2", "second").cached))
    try directory.write("keyed/keyed.py", code + "\n# changed\n")
    #expect(!(try run("1", "third").cached))
  }
}
