import Foundation
import Testing

@Suite("plugin dev")
struct PluginDevTests {
  private func plugin() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    #expect(try Program.run(["plugin", "new", "greeter"], in: directory).status == 0)
    return directory
  }

  private func start(_ options: [String] = [], in directory: TemporaryDirectory) throws -> Running {
    try Program.start(
      ["plugin", "dev", "plugins/greeter", "--state-dir", "state", "--interval", "0.05"] + options, in: directory)
  }

  /// Ends it, and sees that it leaves nothing.
  private func end(_ running: Running, in directory: TemporaryDirectory) throws {
    kill(running.process.processIdentifier, SIGINT)
    #expect(try running.wait(seconds: 30).status == 130)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/snapshots") == [])
  }

  @Test("is ready, and again after each way in which editors save")
  func saves() throws {
    let directory = try plugin()
    let running = try start(in: directory)
    try running.wait(for: "greeter 0.1.0 is ready")
    let code = try directory.read("plugins/greeter/plugin.py")
    try directory.write("plugins/greeter/plugin.py", code.replacing("\"greet\"", with: "\"written\""))
    try running.wait(for: "greeter/written")
    try directory.write("plugins/greeter/.plugin.py.new", code.replacing("\"greet\"", with: "\"renamed\""))
    #expect(
      rename(
        directory.path + "/plugins/greeter/.plugin.py.new", directory.path + "/plugins/greeter/plugin.py") == 0)
    try running.wait(for: "greeter/renamed")
    try directory.write("plugins/greeter/sub/name.py", "NAME = 'imported'\n")
    try directory.write(
      "plugins/greeter/plugin.py", code.replacing("\"greet\"", with: "__import__('sub.name').name.NAME"))
    try running.wait(for: "greeter/imported")
    try directory.write("plugins/greeter/sub/name.py", "NAME = 'deeper'\n")
    try running.wait(for: "greeter/deeper")
    try end(running, in: directory)
  }

  @Test("shows what is wrong with a broken edit, keeps the version before, and goes on when it is mended")
  func broken() throws {
    let directory = try plugin()
    let running = try start(in: directory)
    try running.wait(for: "is ready")
    let code = try directory.read("plugins/greeter/plugin.py")
    try directory.write("plugins/greeter/plugin.py", code + "def f(:\n")
    try running.wait(for: "the version before stays")
    #expect(running.errors.contains("SyntaxError"))
    try directory.write("plugins/greeter/plugin.py", code)
    try running.wait(for: "is again the version that stayed")
    let manifest = try directory.read("plugins/greeter/plugin.yaml")
    try directory.write("plugins/greeter/plugin.yaml", manifest.replacing("0.1.0", with: "one"))
    while !running.errors.contains("plugins/greeter/plugin.yaml:2:10"), running.process.isRunning { usleep(5000) }
    try directory.write("plugins/greeter/plugin.yaml", manifest.replacing("0.1.0", with: "0.2.0"))
    try running.wait(for: "greeter 0.2.0 is ready")
    try end(running, in: directory)
  }

  @Test("starts with a plugin that is broken, and waits")
  func brokenAtFirst() throws {
    let directory = try plugin()
    let code = try directory.read("plugins/greeter/plugin.py")
    try directory.write("plugins/greeter/plugin.py", "1 / 0\n")
    let running = try start(in: directory)
    try running.wait(for: "waiting for a change")
    try directory.write("plugins/greeter/plugin.py", code)
    try running.wait(for: "greeter 0.1.0 is ready")
    try end(running, in: directory)
  }

  /// A plugin `greeter` whose node imports a module once `code` has run, and a workflow `w.yaml` of it.
  private func slow(_ name: String, code: String = "", in directory: TemporaryDirectory) throws {
    try directory.write(
      "plugins/greeter/plugin.py",
      """
      import os, time
      from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification
      class Work(DeclaredNode):
          specification = NodeSpecification("work", "Work", "Test", "Works", outputs=[
              PortSpecification("text", "string", "Text", "")])
          def execute(self, inputs, context):
              \(code)
              from late import NAME
              return {"text": NAME + str(os.path.exists("\(#filePath)"))}
      class Plugin(DeclaredPlugin):
          nodes = (Work,)

      """)
    try directory.write("plugins/greeter/late.py", "NAME = '\(name)'\n")
    try directory.write(
      "plugins/greeter/plugin.yaml",
      "name: greeter\nversion: 1.0.0\nauthor: a\nnode_types: [work]\nentry_point: plugin.py\n")
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: hello}
      spec:
        nodes: {work: {type: greeter/work}}
        outputs: {text: work.text}
      """)
  }

  @Test("copies what would be packed: no virtual environment, nothing that .pluginignore names")
  func ignored() throws {
    let directory = try plugin()
    for place in [".venv/bin", "node_modules/.bin", "notes"] {
      try directory.write("plugins/greeter/\(place)/x.py", "")
      try FileManager.default.createSymbolicLink(
        atPath: directory.path + "/plugins/greeter/\(place)/python", withDestinationPath: "/usr/bin/python3")
    }
    let running = try start(in: directory)
    try running.wait(for: "waiting for a change")
    #expect(running.errors.contains("notes/python is a link to /usr/bin/python3"))
    try directory.write("plugins/greeter/.pluginignore", "notes/\n")
    try running.wait(for: "greeter 0.1.0 is ready")
    let copies = directory.path + "/state/snapshots"
    let copied = try FileManager.default.subpathsOfDirectory(atPath: copies)
    #expect(copied.contains { $0.hasSuffix("/plugin.py") })
    #expect(!copied.contains { $0.hasSuffix("/x.py") || $0.hasSuffix("/.venv") })
    try directory.write("plugins/greeter/.pluginignore", "[\n")
    try running.wait(for: "the version before stays")
    #expect(running.errors.contains("plugins/greeter/.pluginignore:1:1"))
    try end(running, in: directory)
  }

  @Test("runs each version in its sandbox, and lets a run end with the version that it began with")
  func runs() throws {
    let directory = try TemporaryDirectory()
    try slow("first", code: "context.log('begun'); time.sleep(4)", in: directory)
    let running = try start(["--run", "w.yaml", "--", "--no-cache"], in: directory)
    try running.wait(for: "begun")
    try slow("second", in: directory)
    try running.wait(for: "text: secondFalse")
    let output = running.output
    #expect(output.contains("text: firstFalse"), "\(output)\(running.errors)")
    try end(running, in: directory)
  }

  @Test("keeps the copy that a run of a killed session still uses, until that run has ended")
  func leftRun() throws {
    let directory = try TemporaryDirectory()
    try slow("first", code: "context.log('begun'); time.sleep(60)", in: directory)
    let killed = try start(["--run", "w.yaml", "--", "--no-cache"], in: directory)
    try killed.wait(for: "begun")
    kill(killed.process.processIdentifier, SIGKILL)
    // Foundation takes it for running as long as the run that it began has its descriptors.
    let state = "/proc/\(killed.process.processIdentifier)/stat"
    while let text = try? String(contentsOfFile: state, encoding: .utf8), !text.contains(") Z ") { usleep(5000) }
    func copies() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/snapshots")
    }
    let left = try #require(try copies().first)
    // Whatever is checked, it doesn't stay behind.
    let found = try Program.run(
      ["-f", "^[^ ]+ run w.yaml --plugins [^ ]+/state/snapshots/\(left)"], in: directory, executable: "/usr/bin/pgrep")
    let run = try #require(Int32(found.output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(found)")
    defer { kill(run, SIGKILL) }
    func begin() throws {
      let running = try start(in: directory)
      try running.wait(for: "is ready")
      kill(running.process.processIdentifier, SIGINT)
      #expect(try running.wait(seconds: 30).status == 130)
    }
    try begin()
    #expect(try copies() == [left])
    kill(run, SIGINT)
    let deadline = Date().addingTimeInterval(30)
    while kill(run, 0) == 0, Date() < deadline { usleep(20_000) }
    try begin()
    #expect(try copies() == [])
  }

  @Test("removes what a session that was killed has left, and nothing of one that lives")
  func leftovers() throws {
    let directory = try plugin()
    let killed = try start(in: directory)
    try killed.wait(for: "is ready")
    kill(killed.process.processIdentifier, SIGKILL)
    _ = try killed.wait()
    let left = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/snapshots")
    #expect(left.count == 1)
    let running = try start(in: directory)
    try running.wait(for: "is ready")
    let own = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/snapshots")
    #expect(own.count == 1 && own != left)
    let other = try start(in: directory)
    try other.wait(for: "is ready")
    kill(other.process.processIdentifier, SIGINT)
    _ = try other.wait(seconds: 30)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/snapshots") == own)
    let code = try directory.read("plugins/greeter/plugin.py")
    try directory.write("plugins/greeter/plugin.py", code.replacing("\"greet\"", with: "\"again\""))
    try running.wait(for: "greeter/again")
    try end(running, in: directory)
  }

  @Test("is refused where the operator doesn't want it, and where there is no directory")
  func refused() throws {
    let directory = try plugin()
    try directory.write("system.yaml", "plugins: {development: {hot_reload: false}}\n")
    let outcome = try start(["--config", "system.yaml"], in: directory).wait()
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("system.yaml:1:37: error: plugins may not be reloaded on this host"))
    let absent = try Program.run(["plugin", "dev", "nowhere", "--state-dir", "state"], in: directory)
    #expect(absent.status == 2)
    #expect(absent.errors.contains("nowhere doesn't exist"))
    #expect(try Program.run(["plugin", "dev", "plugins/greeter", "--interval", "0"], in: directory).status == 2)
    #expect(try Program.run(["plugin", "dev", "plugins/greeter", "--", "--jobs", "1"], in: directory).status == 2)
  }

  @Test("ends with an error when the directory goes")
  func gone() throws {
    let directory = try plugin()
    let running = try start(in: directory)
    try running.wait(for: "is ready")
    try FileManager.default.removeItem(atPath: directory.path + "/plugins/greeter")
    let outcome = try running.wait(seconds: 30)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("plugins/greeter has gone"))
  }
}
