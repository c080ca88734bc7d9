import Foundation
import Testing

/// With wheels of the tests' own: nothing is fetched from elsewhere.
@Suite("Python packages of plugins")
struct EnvironmentTests {
  private let directory: TemporaryDirectory
  private static let uv = Wheels.checkout + "/.build-python/bin/uv"

  enum Tool: String, CaseIterable, Sendable { case uv, pip }

  init() throws { directory = try TemporaryDirectory(readableByAll: true) }

  @discardableResult
  private func makeWheels(_ wheels: String...) throws -> [String] { try Wheels.make(wheels, in: directory) }

  /// A plugin with a node of its name that tells the version of each package.
  private func plugin(
    _ name: String, needs: String = "[]", imports: [String], version: String = "1.0.0", in place: String = "plugins",
    code: String = ""
  ) throws {
    try directory.write(
      "\(place)/\(name)/plugin.yaml",
      """
      name: \(name)
      version: \(version)
      author: A
      entry_point: plugin.py
      node_types: [tell]
      dependencies: \(needs)
      """)
    try directory.write(
      "\(place)/\(name)/plugin.py",
      """
      import sys
      from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification
      \(imports.map { "import \($0)" }.joined(separator: "\n"))

      class Tell(DeclaredNode):
          specification = NodeSpecification(
              "tell", "Tell", "Test", "Tells",
              outputs=[PortSpecification("output", "string", "Output", "What came of it")])

          def execute(self, inputs, context):
              found = [\(imports.map { "'\($0) ' + \($0).VERSION" }.joined(separator: ", "))]
      \(code.split(separator: "\n").map { "        \($0)" }.joined(separator: "\n"))
              return {"output": ", ".join(found)}

      class Plugin(DeclaredPlugin):
          nodes = (Tell,)
      """)
  }

  private func workflow(_ plugins: String...) throws {
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        outputs: {\(plugins.map { "\($0): \($0).output" }.joined(separator: ", "))}
        nodes: {\(plugins.map { "\($0): {type: \($0)/tell}" }.joined(separator: ", "))}
      """)
  }

  private var offline: String { "{index_url: none, wheels: \(directory.path)/wheels}" }

  private func run(
    _ arguments: [String], python: String? = nil, by tool: Tool = .uv, network: String = "{}",
    through wrapper: [String] = [], executable: String? = nil
  ) throws -> Program.Outcome {
    var python = python ?? offline
    if tool == .uv { python = "\(python.dropLast()), uv: \(Self.uv)}" }
    try directory.write("system.yaml", "plugins: {python: \(python), security: {network: \(network)}}\n")
    return try Program.run(
      arguments + ["--config", "system.yaml", "--state-dir", "state"], in: directory, through: wrapper,
      executable: executable)
  }

  private func environments() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/environments")) ?? []
    return names.filter { $0.count == 64 }.sorted()
  }

  /// What was being built and is left.
  private func leftovers() -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/environments/building")) ?? []
  }

  @Test("a plugin finds what it depends on, and what that depends on, by uv and by pip", arguments: Tool.allCases)
  func found(_ tool: Tool) throws {
    try makeWheels("acorn==1.0", "acorn==1.2", "acorn==2.0", "birch==3.1:acorn<2")
    try plugin("one", needs: "['birch>=3']", imports: ["acorn", "birch"])
    try workflow("one")
    let outcome = try run(["run", "w.yaml"], by: tool)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("one: acorn 1.2, birch 3.1"))
    #expect(outcome.errors.contains("getting the Python packages of one: birch>=3"))
    #expect(outcome.errors.contains(tool == .uv ? "Resolved 2 packages" : "Processing "), "\(outcome.errors)")
    #expect(environments().count == 1 && leftovers().isEmpty)
    // And again, without anything to build from.
    try FileManager.default.removeItem(atPath: directory.path + "/wheels")
    let again = try run(["run", "w.yaml"], by: tool)
    #expect(again.output.contains("one: acorn 1.2, birch 3.1"), "\(again.errors)")
    #expect(!again.errors.contains("getting"))
  }

  @Test("an ordinary user's plugin finds them as well", .enabled(if: geteuid() == 0))
  func ordinaryUser() throws {
    try makeWheels("acorn==1.0")
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    try workflow("one")
    let executable = try Program.copyCheckout(into: directory)
    try FileManager.default.copyTree(from: Self.uv, to: directory.path + "/uv")
    let outcome = try run(
      ["run", "w.yaml"], python: "{index_url: none, wheels: \(directory.path)/wheels, uv: \(directory.path)/uv}",
      by: .pip,
      through: ["/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"], executable: executable)
    #expect(outcome.output.contains("one: acorn 1.0"), "\(outcome.errors)")
  }

  @Test("plugins that need different versions of one package run in one workflow; those with the same lock share")
  func versions() throws {
    try makeWheels("acorn==1.0", "acorn==2.0", "birch==1.0")
    try plugin("one", needs: "['acorn<2']", imports: ["acorn"])
    try plugin("two", needs: "['acorn>=2']", imports: ["acorn"])
    try plugin("three", needs: "['acorn==2.*']", imports: ["acorn"])
    try workflow("one", "two", "three")
    let outcome = try run(["run", "w.yaml"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    for line in ["one: acorn 1.0", "two: acorn 2.0", "three: acorn 2.0"] { #expect(outcome.output.contains(line)) }
    #expect(environments().count == 2)
  }

  @Test("a plugin with packages of its own doesn't find the host's, and one without does")
  func apart() throws {
    try makeWheels("acorn==1.0")
    let code = """
      import importlib.util
      found.append("sees pip" if importlib.util.find_spec("pip") else "sees no pip")
      """
    try plugin("one", needs: "[acorn]", imports: ["acorn"], code: code)
    try plugin("two", imports: [], code: code)
    try workflow("one", "two")
    let outcome = try run(["run", "w.yaml"])
    #expect(outcome.output.contains("one: acorn 1.0, sees no pip"), "\(outcome.errors)")
    #expect(outcome.output.contains("two: sees pip"))
  }

  @Test("nothing can be written to an environment, nor started from it")
  func readOnly() throws {
    try makeWheels("acorn==1.0")
    try plugin(
      "one", needs: "[acorn]", imports: ["acorn"],
      code: """
        import os, subprocess
        for attempt in (lambda: open(acorn.__file__, "a"), lambda: os.unlink(acorn.__file__),
                        lambda: subprocess.run(["/environment/acorn/tool"])):
            try:
                attempt()
                found.append("done")
            except OSError as error:
                found.append(type(error).__name__ + str(error.errno))
        """)
    // With the right to start another program, so that it is the place that keeps this one from being started.
    let manifest = try directory.read("plugins/one/plugin.yaml")
    try directory.write("plugins/one/plugin.yaml", manifest + "\npermissions: ['system.exec:true']\n")
    try workflow("one")
    let outcome = try run(["run", "w.yaml", "--grant", "one=system.exec:true"])
    // EROFS of the mount, or EACCES of Landlock, whichever comes first for this user.
    let said = outcome.output.split(separator: "\n").first { $0.hasPrefix("one: ") } ?? ""
    #expect(said.split(separator: "Error").count == 4 && said.hasSuffix("PermissionError13"), "\(outcome)")
  }

  @Test(
    "what can't be had is told with its cause in the first line, and nothing is left of it", arguments: Tool.allCases)
  func missing(_ tool: Tool) throws {
    try makeWheels("acorn==1.0")
    try plugin("one", needs: "['acorn>=9']", imports: ["acorn"])
    try workflow("one")
    let outcome = try run(["run", "w.yaml"], by: tool)
    #expect(outcome.status == 2)
    let first = outcome.errors.split(separator: "\n").first { $0.hasPrefix("error:") } ?? ""
    #expect(first.hasPrefix("error: the Python packages of one can't be had: "), "\(outcome.errors)")
    #expect(
      first.contains(
        tool == .uv ? "only acorn==1.0 is available and you require acorn>=9" : "acorn>=9 (from versions: 1.0)"),
      "\(outcome.errors)")
    #expect(environments().isEmpty && leftovers().isEmpty)
  }

  @Test("a lock is installed as it is, and only with its hashes")
  func locked() throws {
    let hashes = try makeWheels("acorn==1.0", "acorn==2.0")
    try plugin("one", needs: "['acorn>=1']", imports: ["acorn"])
    try workflow("one")
    try directory.write(
      "plugins/one/requirements.lock", "acorn==1.0 \\\n    --hash=sha256:\(hashes[0])\n    # via one\n")
    let outcome = try run(["run", "w.yaml"])
    #expect(outcome.output.contains("one: acorn 1.0"), "\(outcome.errors)")
    // Another file than was locked.
    try directory.write("plugins/one/requirements.lock", "acorn==2.0 --hash=sha256:\(hashes[0])\n")
    for tool in Tool.allCases {
      let refused = try run(["run", "w.yaml"], by: tool)
      #expect(refused.status == 2)
      #expect(refused.errors.lowercased().contains("hash"), "\(refused.errors)")
    }
    #expect(environments().count == 1 && leftovers().isEmpty)
  }

  @Test("a file of requirements can't say where packages come from")
  func options() throws {
    try plugin("one", imports: [])
    try workflow("one")
    for line in [
      "--index-url https://evil.example/simple", "acorn @ https://evil.example/a.whl", "-r /etc/passwd", "./acorn",
    ] {
      try directory.write("plugins/one/requirements.txt", "# what it needs\n\(line)\n")
      let outcome = try run(["run", "w.yaml"])
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("plugins/one/requirements.txt:2:1: error:"), "\(outcome.errors)")
    }
    #expect(environments().isEmpty)
  }

  @Test("a package that has to be built is refused, unless the operator allows it", arguments: Tool.allCases)
  func source(_ tool: Tool) throws {
    try makeWheels("source/birch==1.0")
    try plugin("one", needs: "[birch]", imports: ["birch"])
    try workflow("one")
    let outcome = try run(["run", "w.yaml"], by: tool)
    #expect(outcome.status == 2 && environments().isEmpty)
    #expect(outcome.errors.contains(tool == .uv ? "no usable wheels" : "No matching distribution"), "\(outcome.errors)")
    let built = try run(["run", "w.yaml"], python: "\(offline.dropLast()), wheels_only: false}", by: tool)
    #expect(built.output.contains("one: birch 1.0 built"), "\(built.errors)")
    #expect(leftovers().isEmpty)
  }

  @Test("a program that the operator names and that isn't there is an error, not another one's turn")
  func wrongTool() throws {
    try makeWheels("acorn==1.0")
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    try workflow("one")
    let outcome = try run(["run", "w.yaml"], python: "\(offline.dropLast()), uv: /nowhere/uv}", by: .pip)
    #expect(outcome.status == 2 && outcome.errors.contains("/nowhere/uv, which is not a program"), "\(outcome)")
  }

  @Test("a run isn't gone on with under other packages")
  func resumed() throws {
    try makeWheels("acorn==1.0")
    try plugin(
      "one", needs: "[acorn]", imports: ["acorn"], code: "if acorn.VERSION == '1.0': raise RuntimeError('not yet')")
    try workflow("one")
    #expect(try run(["run", "w.yaml"]).status == 1)
    #expect(try run(["run", "w.yaml", "--resume"]).status == 1)
    try makeWheels("acorn==1.5")
    try FileManager.default.removeItem(atPath: directory.path + "/state/environments")
    let outcome = try run(["run", "w.yaml", "--resume"])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("the Python packages of one changed since it began"), "\(outcome.errors)")
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 1.5"))
  }

  @Test("prune removes nothing while it isn't known what a plugin needs, and what was resolved stays")
  func careful() throws {
    try makeWheels("acorn==1.0")
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    try workflow("one")
    #expect(try run(["run", "w.yaml"]).status == 0)
    let manifest = try directory.read("plugins/one/plugin.yaml")
    try directory.write("plugins/one/plugin.yaml", manifest + "\nwrong\n")
    let kept = try run(["plugin", "prune"])
    #expect(kept.errors.contains("Python packages are still there"), "\(kept)")
    #expect(environments().count == 1)
    try FileManager.default.removeItem(atPath: directory.path + "/plugins/one")
    #expect(try run(["plugin", "prune"]).output.contains("1 environment of Python packages removed"))
    #expect(environments().isEmpty)
    // The same version as before, though there is another now.
    try makeWheels("acorn==1.5")
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 1.0"))
  }

  @Test("an upgrade whose packages can't be had leaves the version that counts, and its packages")
  func upgrade() throws {
    try makeWheels("acorn==1.0")
    try plugin("one", needs: "[acorn]", imports: ["acorn"], in: "src")
    try workflow("one")
    #expect(try run(["plugin", "install", "src/one"]).status == 0)
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 1.0"))
    try plugin("one", needs: "['acorn>=2']", imports: ["acorn"], version: "2.0.0", in: "src")
    let refused = try run(["plugin", "install", "src/one"])
    #expect(refused.status == 2 && refused.errors.contains("the Python packages of one can't be had"), "\(refused)")
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 1.0"))
    // Once they can be had, the new version is installed with them, and the old one can be gone back to.
    try makeWheels("acorn==2.0")
    let installed = try run(["plugin", "install", "src/one"])
    #expect(installed.status == 0, "\(installed.errors)")
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 2.0"))
    #expect(try Program.run(["plugin", "rollback", "one", "--state-dir", "state"], in: directory).status == 0)
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 1.0"))
    #expect(environments().count == 2)
  }

  @Test("prune removes what no plugin needs, and nothing else")
  func prune() throws {
    try makeWheels("acorn==1.0", "birch==1.0")
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    try plugin("two", needs: "[birch]", imports: ["birch"])
    try workflow("one", "two")
    #expect(try run(["run", "w.yaml"]).status == 0)
    #expect(environments().count == 2)
    try FileManager.default.removeItem(atPath: directory.path + "/plugins/two")
    let pruned = try run(["plugin", "prune"])
    #expect(pruned.output.contains("1 environment of Python packages removed"), "\(pruned)")
    #expect(environments().count == 1)
    try FileManager.default.removeItem(atPath: directory.path + "/wheels")
    try workflow("one")
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 1.0"))
  }

  @Test("another version of a package gives another result, not the one that was kept")
  func kept() throws {
    try makeWheels("acorn==1.0")
    try plugin("one", imports: ["acorn"])
    try directory.write("plugins/one/requirements.txt", "acorn==1.*\n")
    try workflow("one")
    #expect(try run(["run", "w.yaml"]).output.contains("one: acorn 1.0"))
    #expect(try run(["run", "w.yaml"]).output.contains("from the cache"))
    // The same files of the plugin: only what they come to is another.
    try makeWheels("acorn==1.5")
    try FileManager.default.removeItem(atPath: directory.path + "/state/environments")
    let outcome = try run(["run", "w.yaml"])
    #expect(outcome.output.contains("one: acorn 1.5"), "\(outcome)")
    #expect(!outcome.output.contains("from the cache"))
  }

  @Test("the tests of a plugin have its packages, here and in its sandbox")
  func tested() throws {
    try makeWheels("acorn==1.0")
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    try directory.write(
      "plugins/one/tests/test_one.py",
      "def test_it(run_node):\n    assert run_node('tell', {})['output'] == 'acorn 1.0'\n")
    let python = Wheels.checkout + "/.build-python/bin/python3"
    let outcome = try run(["plugin", "test", "plugins/one", "--python", python])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(environments().count == 1)
    try FileManager.default.removeItem(atPath: directory.path + "/state")
    let sandboxed = try run(["plugin", "test", "plugins/one", "--sandboxed", "--python", python])
    #expect(sandboxed.status == 0, "\(sandboxed)")
  }

  @Test("no plugin is granted to write where environments are kept")
  func control() throws {
    try plugin("one", imports: [])
    try workflow("one")
    let manifest = try directory.read("plugins/one/plugin.yaml")
    let place = "\(directory.path)/state/environments"
    try directory.write("plugins/one/plugin.yaml", manifest + "\npermissions: ['filesystem.write:\(place)']\n")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let outcome = try run(["run", "w.yaml", "--grant", "one=filesystem.write:\(place)"])
    #expect(outcome.status == 2 && outcome.errors.contains("can't be granted"), "\(outcome)")
  }

  // MARK: The index

  /// What serves ``makeWheels(_:)``; its port.
  private func serve(_ prefix: String? = nil) throws -> (process: Process, port: String) {
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    program.arguments = [Wheels.program, "--serve", directory.path + "/wheels"] + (prefix.map { [$0] } ?? [])
    let pipe = Pipe()
    program.standardOutput = pipe
    program.standardError = FileHandle.nullDevice
    program.standardInput = FileHandle.nullDevice
    try program.run()
    var said: [UInt8] = []
    while said.last != UInt8(ascii: "\n"), let byte = try pipe.fileHandleForReading.read(upToCount: 1)?.first {
      said.append(byte)
    }
    return (program, String(decoding: said.dropLast(), as: UTF8.self))
  }

  @Test("packages come from the operator's index", arguments: Tool.allCases)
  func index(_ tool: Tool) throws {
    try makeWheels("acorn==1.0")
    let server = try serve()
    defer { kill(server.process.processIdentifier, SIGKILL) }
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    try workflow("one")
    let outcome = try run(
      ["run", "w.yaml"], python: "{index_url: 'http://127.0.0.1:\(server.port)/simple'}", by: tool,
      network: "{private_networks: [127.0.0.1]}")
    #expect(outcome.output.contains("one: acorn 1.0"), "\(outcome.errors)")
  }

  @Test("nothing but the operator's index is reached, whatever it says", arguments: Tool.allCases)
  func elsewhere(_ tool: Tool) throws {
    try makeWheels("acorn==1.0")
    let files = try serve()
    defer { kill(files.process.processIdentifier, SIGKILL) }
    let server = try serve("http://127.0.0.1:\(files.port)/files/")
    defer { kill(server.process.processIdentifier, SIGKILL) }
    try plugin("one", needs: "[acorn]", imports: ["acorn"])
    try workflow("one")
    let outcome = try run(
      ["run", "w.yaml"], python: "{index_url: 'http://127.0.0.1:\(server.port)/simple'}", by: tool,
      network: "{private_networks: [127.0.0.1]}")
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.contains("can't be had: ") && outcome.errors.contains("Permission denied"), "\(outcome.errors)")
    #expect(outcome.errors.contains(files.port))
    #expect(environments().isEmpty && leftovers().isEmpty)
  }

  @Test("more than the operator allows is not kept")
  func size() throws {
    try makeWheels("acorn==1.0")
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    program.arguments = [
      "-c",
      """
      import sys; sys.path.insert(0, \(String(reflecting: (Wheels.program as NSString).deletingLastPathComponent)))
      import wheels; wheels.make(\(String(reflecting: directory.path + "/wheels")), "large", "1.0", extra={"large/data": bytes(3 << 20)})
      """,
    ]
    try program.run()
    program.waitUntilExit()
    try plugin("one", needs: "[large]", imports: ["large"])
    try workflow("one")
    let outcome = try run(["run", "w.yaml"], python: "\(offline.dropLast()), max_size_mb: 1}")
    #expect(outcome.status == 2 && outcome.errors.contains("more than 1 MiB"), "\(outcome.errors)")
    #expect(environments().isEmpty && leftovers().isEmpty)
  }
}
