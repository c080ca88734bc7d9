import Foundation
import PluginModel
import Testing

@Suite("plugin lint")
struct PluginLintTests {
  private static let manifest = """
    name: greeter
    version: 1.0.0
    author: Ada
    description: Greets
    license: MIT
    node_types: [greet]
    permissions: []
    entry_point: plugin.py

    """
  private static let plugin = """
    from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification

    class Greet(DeclaredNode):
        specification = NodeSpecification("greet", "Greet", "Test", "Greets")
        def execute(self, inputs, context): return {}

    class Greeter(DeclaredPlugin):
        nodes = (Greet,)

    """

  private func plugin(
    manifest: String = manifest, code: String = plugin, files: [String: String] = [:]
  ) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let all = ["plugin.yaml": manifest, "plugin.py": code, "README.md": "Greets", "tests/test_it.py": ""]
    for (name, text) in all.merging(files, uniquingKeysWith: { $1 }) { try directory.write("p/\(name)", text) }
    return directory
  }

  private func lint(_ options: [String] = [], in directory: TemporaryDirectory) throws -> Program.Outcome {
    try Program.run(
      ["plugin", "lint", "p", "--state-dir", "state"] + options, in: directory,
      environment: directory.exists("wheels") ? Wheels.environment(directory.path + "/wheels") : [:])
  }

  @Test("finds nothing in a plugin that is right, and runs nothing of it outside of a sandbox")
  func clean() throws {
    let directory = try plugin(code: Self.plugin + "\ntry: open('\(#filePath)')\nexcept OSError: pass\n")
    let outcome = try lint(["--strict"], in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output == "✓ greeter: no problems\n")
  }

  @Test("tells every mistake of the manifest, with its place")
  func manifest() throws {
    let directory = try plugin(manifest: "name: Greeter\nversion: one\nauthor: a\nentry_point: ../plugin.py\n")
    let outcome = try lint(in: directory)
    #expect(outcome.status == 2)
    for place in ["p/plugin.yaml:1:7", "p/plugin.yaml:2:10", "p/plugin.yaml:4:14"] {
      #expect(outcome.errors.contains(place))
    }
    let absent = try plugin(manifest: Self.manifest.replacing("plugin.py", with: "src/plugin.py"))
    #expect(try lint(in: absent).errors.contains("has no entry point src/plugin.py"))
  }

  @Test("tells of every file that is no Python, once, with line and column")
  func syntax() throws {
    let directory = try plugin(
      code: Self.plugin + "def f(:\n", files: ["sub/other.py": "x = 1\n  y = 2\n", "tests/test_it.py": "\u{0}"])
    let outcome = try lint(in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("p/plugin.py:9:7: error: the file is no valid Python: invalid syntax"))
    #expect(outcome.errors.contains("p/sub/other.py:2:"))
    #expect(outcome.errors.contains("p/tests/test_it.py:1:1: error: "))
    #expect(outcome.output == "greeter: 3 errors, 0 warnings\n")
  }

  @Test("tells what the code raises when it is asked")
  func raising() throws {
    let outcome = try lint(in: try plugin(code: "1 / 0\n"))
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("ZeroDivisionError"))
    let wrong = try lint(in: try plugin(code: Self.plugin.replacing("\"greet\"", with: "\"a b\"")))
    #expect(wrong.errors.contains("node_type must be a letter"))
  }

  @Test("tells node types that only the manifest or only the code has")
  func nodeTypes() throws {
    let outcome = try lint(
      in: try plugin(manifest: Self.manifest.replacing("[greet]", with: "[greets, other]")))
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("p/plugin.yaml:6:14: error: the code has no node type 'greets'"))
    #expect(outcome.errors.contains("p/plugin.yaml:6:22: error: the code has no node type 'other'"))
    #expect(outcome.errors.contains("the manifest doesn't name the node type 'greet'"))
  }

  @Test("warns of what users would miss; --strict makes errors of that")
  func warnings() throws {
    let directory = try plugin(
      manifest: Self.manifest.replacing("description: Greets\n", with: "").replacing("license: MIT\n", with: "")
        .replacing("permissions", with: "dependencies: [acorn]\npermissions"),
      code: Self.plugin.replacing("\"Greets\"", with: "\"\""), files: ["__pycache__/plugin.pyc": "x"])
    try Wheels.make(["acorn==1.0"], in: directory)
    try FileManager.default.removeItem(atPath: directory.path + "/p/README.md")
    try FileManager.default.removeItem(atPath: directory.path + "/p/tests")
    let outcome = try lint(in: directory)
    #expect(outcome.status == 0)
    for words in [
      "no description", "names no license", "has no tests", "has no README", "no requirements.txt", "compiled code",
      "no description for the node type itself",
    ] { #expect(outcome.errors.contains(words), "\(words)") }
    #expect(outcome.output == "greeter: 0 errors, 7 warnings\n")
    #expect(try lint(["--strict"], in: directory).status == 2)
  }

  @Test("warns of what the code does without asking, but not of its tests")
  func undeclared() throws {
    let code = "import os, urllib.request\nfrom subprocess import run\n"
    let outcome = try lint(in: try plugin(code: code + Self.plugin))
    #expect(outcome.errors.contains("p/plugin.py:1:1: warning: the code uses urllib.request"))
    #expect(outcome.errors.contains("p/plugin.py:2:1: warning: the code uses subprocess.run"))
    #expect(try lint(in: try plugin(files: ["tests/test_it.py": code])).errors.isEmpty)
    #expect(try lint(in: try plugin(code: "import urllib.parse, os\nos.getpid()\n" + Self.plugin)).errors.isEmpty)
    let other = try lint(in: try plugin(code: "def f(): import nowhere\n" + Self.plugin))
    #expect(other.errors.contains("the code imports nowhere, and the manifest names no dependencies"))
  }

  @Test("warns of permissions that nothing needs, where that can be known")
  func unused() throws {
    let asking = Self.manifest.replacing(
      "permissions: []", with: "permissions: [network.http, system.exec, gpu.access, filesystem.read]")
    let outcome = try lint(in: try plugin(manifest: asking))
    for name in ["network.http", "system.exec", "gpu.access"] {
      #expect(outcome.errors.contains("the manifest asks for \(name), and nothing needs it"))
    }
    #expect(!outcome.errors.contains("filesystem.read, and"))
    let depending = try plugin(
      manifest: asking.replacing("license", with: "dependencies: [acorn]\nlicense"),
      files: ["requirements.txt": "acorn\n"])
    try Wheels.make(["acorn==1.0"], in: depending)
    let unknown = try lint(in: depending)
    #expect(unknown.status == 0, "\(unknown.errors)")
    #expect(!unknown.errors.contains("asks for network.http, and nothing"))
  }

  @Test("writes JSON")
  func json() throws {
    let outcome = try lint(["--output", "json"], in: try plugin(code: "def f(:\n"))
    #expect(outcome.status == 2)
    let found = try JSONValue(json: outcome.output)
    #expect(found["plugin"] == "greeter")
    #expect(found["errors"] == 1)
    #expect(found["diagnostics"]?.arrayValue?.first?["file"] == "p/plugin.py")
  }

  @Test("outlives files that break a parser, and shows nothing that a terminal would obey")
  func hostile() throws {
    let deep = try lint(
      in: try plugin(files: [
        "deep.py": String(repeating: "(", count: 100_000), "bytes.py": "x = '\u{1B}[31m\u{202E}'(",
      ]))
    #expect(deep.status == 2)
    #expect(deep.errors.contains("p/deep.py"))
    #expect(!deep.errors.contains("\u{1B}[31m"))
    let directory = try plugin()
    for number in 0...1000 { try directory.write("p/many/m\(number).py", "") }
    let many = try lint(in: directory)
    #expect(many.errors.contains("the plugin's Python files are not looked at"))
  }
}
