import Foundation
import PluginModel
import Testing

@Suite("plugin new")
struct PluginNewTests {
  @Test("makes a plugin that is found, describes itself and runs, without placeholders left")
  func works() throws {
    let directory = try TemporaryDirectory()
    let made = try Program.run(["plugin", "new", "greeter"], in: directory)
    #expect(made.status == 0, "\(made.errors)")
    for file in ["plugin.yaml", "plugin.py", "README.md", "tests/test_plugin.py"] {
      #expect(try !directory.read("plugins/greeter/\(file)").contains("__PLUGIN"), "\(file)")
    }
    let listed = try Program.run(["plugin", "list", "--describe", "--state-dir", "state"], in: directory)
    #expect(listed.status == 0, "\(listed.errors)")
    #expect(listed.output.contains("greeter/greet"))
    #expect(listed.output.contains("Whom to greet"))
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: hello}
      spec:
        inputs: {names: {type: list}}
        nodes:
          again: {type: relay/relay, with: {names: "${{ inputs.names }}"}}
          hello: {type: greeter/greet, in: {names: again.names}}
        outputs: {text: hello.text}
      """)
    try directory.write(
      "plugins/relay/plugin.yaml",
      "name: relay\nversion: 1.0.0\nauthor: a\nnode_types: [relay]\nentry_point: relay.py\n")
    try directory.write("plugins/relay/relay.py", Self.relay)
    let ran = try Program.run(
      ["run", "w.yaml", "--state-dir", "state", "--input", "names=[\"Ada\", \"Grace\"]"], in: directory)
    #expect(ran.status == 0, "\(ran.output)\(ran.errors)")
    #expect(ran.output.contains("text: Hello, Ada! Hello, Grace!"))
  }

  @Test(
    "makes plugins of each template that lint finds nothing in, and whose tests pass here and in the sandbox",
    arguments: [("python", []), ("python-dependencies", []), ("command", ["--grant", "made=system.exec:sort"])])
  func templates(_ template: String, _ grants: [String]) throws {
    let directory = try TemporaryDirectory()
    var environment = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME"].contains($0.key) }
    // What deploy/test has fetched.
    environment.merge(Wheels.environment(Wheels.checkout + "/.build-wheels")) { $1 }
    func plugin(_ arguments: [String]) throws -> Program.Outcome {
      try Program.run(["plugin"] + arguments, in: directory, environment: environment)
    }
    #expect(try plugin(["new", "made", "--template", template]).status == 0)
    for file in try FileManager.default.subpathsOfDirectory(atPath: directory.path + "/plugins/made")
    where file.contains(".") { #expect(try !directory.read("plugins/made/\(file)").contains("__PLUGIN"), "\(file)") }
    let lint = try plugin(["lint", "plugins/made", "--strict", "--state-dir", "state"])
    #expect(lint.status == 0, "\(lint.errors)")
    for options in [[], ["--sandboxed"] + grants] {
      let outcome = try plugin(["test", "plugins/made", "--state-dir", "state"] + options)
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }
  }

  @Test("refuses a template that there isn't, and tells those that there are")
  func unknownTemplate() throws {
    let outcome = try Program.run(["plugin", "new", "made", "--template", "rust"], in: TemporaryDirectory())
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("'python-dependencies'"))
  }

  @Test("overwrites nothing")
  func existing() throws {
    let directory = try TemporaryDirectory()
    try directory.write("plugins/greeter/notes.txt", "mine")
    let outcome = try Program.run(["plugin", "new", "greeter"], in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("hint: choose another name"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/plugins/greeter") == ["notes.txt"])
  }

  @Test(
    "refuses names that are no plugin names, and makes nothing", arguments: ["../up", "a/b", "", "Upper", "a.b", "/a"])
  func names(_ name: String) throws {
    let directory = try TemporaryDirectory()
    #expect(try Program.run(["plugin", "new", name], in: directory).status == 2)
    #expect(!directory.exists("plugins"))
  }

  private static let relay = """
    from pipeline import BaseNode, BasePlugin, NodeSpecification, ParameterSpecification, PortSpecification

    class Relay(BasePlugin):
        def initialize(self, context): pass
        def shutdown(self): pass
        def get_node_types(self):
            return [NodeSpecification(
                node_type="relay", display_name="Relay", category="Test", description="Passes a list on",
                outputs=[PortSpecification("names", "list", "Names", "The list")],
                parameters=[ParameterSpecification("names", "list", "Names", "The list", [])])]
        def create_node(self, node_type, parameters): return Node(parameters)

    class Node(BaseNode):
        def validate_inputs(self, inputs): return True
        def estimate_resources(self, inputs): return None
        def execute(self, inputs, context): return {"names": self.parameters["names"]}

    """
}
