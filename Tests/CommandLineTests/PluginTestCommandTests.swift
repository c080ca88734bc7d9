import Foundation
import PluginModel
import Testing

@Suite("plugin test")
struct PluginTestCommandTests {
  private static let usual = [
    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
    "HOME": ProcessInfo.processInfo.environment["HOME"] ?? "/root",
  ]

  private func test(_ arguments: [String], in directory: TemporaryDirectory) throws -> Program.Outcome {
    try Program.run(["plugin", "test", "--state-dir", "state"] + arguments, in: directory, environment: Self.usual)
  }

  /// A plugin whose node runs code.
  private func probe(_ tests: String, permissions: String = "[]") throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try directory.write(
      "p/plugin.yaml",
      """
      name: prober
      version: 1.0.0
      author: Ada
      node_types: [probe]
      permissions: \(permissions)
      entry_point: src/plugin.py
      configuration: {key: {type: string, default: value}}
      """)
    try directory.write("p/src/__init__.py", "")
    try directory.write("p/src/plugin.py", Self.plugin)
    try directory.write("p/tests/test_it.py", tests)
    return directory
  }

  @Test("passes where the author's tests do, here and with nodes in the sandbox, and leaves the plugin as it was")
  func passes() throws {
    let directory = try TemporaryDirectory()
    #expect(try Program.run(["plugin", "new", "greeter"], in: directory).status == 0)
    for options in [[], ["--sandboxed"]] {
      let outcome = try test(["plugins/greeter"] + options, in: directory)
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
      #expect(outcome.output.contains("3 passed"))
      #expect(outcome.output.contains("runs in the plugin's sandbox") == !options.isEmpty)
    }
    let files = try FileManager.default.subpathsOfDirectory(atPath: directory.path + "/plugins/greeter")
    #expect(files.sorted() == ["README.md", "plugin.py", "plugin.yaml", "tests", "tests/test_plugin.py"])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/tests") == [])
  }

  @Test("has the status of failed tests, of none, and of what pytest can't do")
  func statuses() throws {
    let directory = try probe("def test_it(): assert 1 == 2\n")
    let failed = try test(["p", "--", "-q"], in: directory)
    #expect(failed.status == 1)
    #expect(failed.output.contains("assert 1 == 2"))
    #expect(try test(["p", "--", "-q", "-k", "other"], in: directory).status == 2)
    #expect(try test(["p", "--", "--no-such-option"], in: directory).status == 2)
    try directory.write("p/tests/test_it.py", "import nothing_of_the_kind\n")
    #expect(try test(["p"], in: directory).status == 1)
    try directory.write("p/tests/test_it.py", "")
    let none = try test(["p"], in: directory)
    #expect(none.status == 2)
    #expect(none.errors.contains("hint: write functions test_"))
  }

  @Test("tells how to get pytest where there is none")
  func missing() throws {
    let directory = try probe("def test_it(): pass\n")
    try directory.write("p/pytest.py", "raise ModuleNotFoundError('pytest')\n")
    let outcome = try test(["p"], in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("python3 -m pip install pytest"))
    let absent = try test(["p", "--python", "/nowhere/python3"], in: directory)
    #expect(absent.status == 2)
  }

  @Test("tells what is wrong with a manifest, and that there is none")
  func broken() throws {
    let directory = try probe("")
    try directory.write("p/plugin.yaml", "name: Prober\nversion: 1.0.0\nauthor: a\nentry_point: src/plugin.py\n")
    let outcome = try test(["p"], in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("p/plugin.yaml:1:7"))
    let absent = try test(["p/src"], in: directory)
    #expect(absent.status == 2)
    #expect(absent.errors.contains("there is no plugin in p/src"))
  }

  @Test("has nodes run where they can do nothing that wasn't granted")
  func sandboxed() throws {
    let directory = try probe(
      """
      import os
      import pytest
      from pipeline.testing import NodeFailed

      OUTSIDE = "import os; result = [os.getpid(), os.path.exists('\(#filePath)')]"

      def test_runs_elsewhere(run_node):
          pid, sees = run_node("probe", {}, {"do": OUTSIDE})["result"]
          assert pid != os.getpid() and not sees

      def test_raises_what_the_node_raised(run_node):
          with pytest.raises(ZeroDivisionError, match="division"):
              run_node("probe", {}, {"do": "1 / 0"})

      def test_is_told_of_a_worker_that_died(run_node):
          with pytest.raises(NodeFailed, match="status 3"):
              run_node("probe", {}, {"do": "import os; os._exit(3)"})
          assert run_node("probe", {}, {"do": "result = 1"}) == {"result": 1}

      def test_is_told_what_would_be_allowed(run_node):
          with pytest.raises(OSError) as raised:
              run_node("probe", {}, {"do": "import subprocess; subprocess.run(['true'])"})
          assert "system.exec" in str(raised.value.__cause__)

      def test_says_and_knows(run_node, execution_context, test_plugin):
          execution_context.set_secret("TOKEN", "abcdefgh")
          code = "context.log('a', 'error'); context.progress(1, 'b'); print('c'); result = self.config['key']"
          code += " + str(len(context.secrets['TOKEN']))"
          assert run_node("probe", {}, {"do": code}) == {"result": "value8"}
          assert ("error", "a") in execution_context.logs and ("info", "c") in execution_context.logs
          assert execution_context.progress_reports == [(1.0, "b")]
      """)
    let outcome = try test(["p", "--sandboxed", "--", "-q"], in: directory)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("5 passed"))
  }

  @Test("gives the sandbox what is granted, and each test a workspace without what others left")
  func granted() throws {
    let write = "from pathlib import Path; result = str((context.workspace / 'a').write_text('x'))"
    let directory = try probe(
      """
      def test_one(run_node, execution_context):
          assert run_node("probe", {}, {"do": "\(write)"}) == {"result": "1"}
          assert (execution_context.workspace / "a").read_text() == "x"

      def test_two(run_node, execution_context):
          assert list(execution_context.workspace.iterdir()) == []
      """, permissions: "[filesystem.write]")
    let refused = try test(["p", "--sandboxed", "--", "-q"], in: directory)
    #expect(refused.status == 1)
    #expect(refused.errors.contains("asks for filesystem.write, not granted"))
    let outcome = try test(
      ["p", "--sandboxed", "--grant", "prober=filesystem.write", "--", "-q"], in: directory)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  }

  @Test("ends a plugin that can't be described with what it raised, before pytest starts")
  func undescribed() throws {
    let directory = try probe("open('ran', 'w').write('x')\n")
    try directory.write("p/src/plugin.py", "raise RuntimeError('at import')\n")
    let outcome = try test(["p", "--sandboxed"], in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("at import"))
    #expect(!directory.exists("p/ran"))
  }

  @Test("passes an interruption on to the tests, and leaves nothing behind")
  func interrupted() throws {
    let directory = try probe(
      """
      import time

      def test_it(run_node):
          print("waiting", flush=True)
          run_node("probe", {}, {"do": "import time; time.sleep(600)"})
      """)
    let running = try Program.start(
      ["plugin", "test", "p", "--sandboxed", "--state-dir", "state", "--", "-s"], in: directory, environment: Self.usual
    )
    try running.wait(for: "waiting")
    kill(running.process.processIdentifier, SIGINT)
    let outcome = try running.wait(seconds: 30)
    #expect(outcome.status == 130)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/tests") == [])
  }

  private static let plugin = """
    from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification

    class Probe(DeclaredNode):
        specification = NodeSpecification(
            "probe", "Probe", "Test", "Runs code", outputs=[PortSpecification("result", "any", "Result", "")],
            parameters=[ParameterSpecification("do", "string", "Do", "", "")])

        def execute(self, inputs, context):
            names = {"context": context, "self": self}
            exec(self.parameters["do"], names)
            return {"result": names.get("result")}

    class Prober(DeclaredPlugin):
        nodes = (Probe,)

    """
}
