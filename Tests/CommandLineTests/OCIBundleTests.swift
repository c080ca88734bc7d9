import Foundation
import PluginModel
import Testing

/// `orchestrator plan bundle`, started by the container runtimes that Debian has.
@Suite("An exported bundle", .serialized)
struct OCIBundleTests {
  enum Runtime: String, CaseIterable, Sendable {
    case crun
    case runc

    /// crun makes no cgroup: with a list of devices it would need one, and CAP_SYS_RESOURCE to load what enforces it. The
    /// sandbox's own devices are those that the bundle has.
    var command: [String] {
      switch self {
      case .crun: ["/usr/bin/crun", "--cgroup-manager=disabled"]
      case .runc: ["/usr/sbin/runc"]
      }
    }
  }

  /// crun and runc refuse a hybrid layout of cgroups, where the version 2 tree isn't at /sys/fs/cgroup itself.
  private static let wrapper = [
    "/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c",
    """
    unified=/sys/fs/cgroup/unified
    if [ -f $unified/cgroup.procs ] && ! [ -f /sys/fs/cgroup/cgroup.procs ]; then mount --bind $unified /sys/fs/cgroup; fi
    exec "$@"
    """, "sh",
  ]
  private static let fixtures = (#filePath as NSString).deletingLastPathComponent + "/Fixtures"

  /// A bundle of a plugin that asks for `permissions`, in whose place the probe runs.
  private func makeBundle(_ permissions: String, _ options: [String], in directory: TemporaryDirectory) throws {
    try directory.write(
      "plugins/tool/plugin.yaml",
      """
      name: tool
      version: 1.0.0
      author: The orchestrator authors
      description: Is replaced by a probe
      license: Apache-2.0
      node_types: [tool]
      permissions: [\(permissions)]
      entry_point: ./tool.py
      min_engine_version: 1.0.0
      """)
    try directory.write("plugins/tool/tool.py", "")
    let outcome = try Program.run(
      ["plan", "bundle", "tool", "bundle", "--plugins", "plugins", "--state-dir", "state"] + options, in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let isAnswered = !options.isEmpty
    #expect(outcome.errors.contains("runtimes will refuse this bundle") == !isAnswered)
    #expect(outcome.output.contains("made bundle"))

    var configuration = try #require(
      JSONSerialization.jsonObject(with: Data(directory.read("bundle/config.json").utf8)) as? [String: Any])
    var process = try #require(configuration["process"] as? [String: Any])
    let command = try #require(process["args"] as? [String])
    let probe = try String(contentsOfFile: Self.fixtures + "/oci_probe.py", encoding: .utf8)
    process["args"] = [command[0], "-I", "-B", "-c", probe]
    configuration["process"] = process
    try takeOutLimits(of: &configuration)
    try JSONSerialization.data(withJSONObject: configuration).write(
      to: URL(fileURLWithPath: directory.path + "/bundle/config.json"))
  }

  /// Runtimes refuse limits whose controllers the host's version 2 tree doesn't have, as they should. What these tests are
  /// about is the rest of the sandbox, and they run on such hosts too.
  private func takeOutLimits(of configuration: inout [String: Any]) throws {
    var linux = try #require(configuration["linux"] as? [String: Any])
    let resources = try #require(linux["resources"] as? [String: Any])
    #expect(Set(resources.keys) == ["devices", "memory", "cpu", "pids", "unified"])
    let controllers = try String(
      contentsOfFile: ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map { $0 + "/cgroup.controllers" }
        .first { FileManager.default.fileExists(atPath: $0) } ?? "/dev/null", encoding: .utf8)
    let offered = Set(controllers.split { $0 == " " || $0 == "\n" })
    guard !offered.isSuperset(of: ["cpu", "memory", "pids"]) else { return }
    linux["resources"] = resources.filter { $0.key == "devices" }
    configuration["linux"] = linux
  }

  private func start(_ runtime: Runtime, in directory: TemporaryDirectory) throws -> Program.Outcome {
    let isRoot = geteuid() == 0
    let arguments = ["--root", directory.path + "/runtime", "run", "--bundle", "bundle"]
    let name = "orchestrator-test-" + UUID().uuidString.lowercased()
    return try Program.run(
      Array(runtime.command.dropFirst()) + arguments + [name], in: directory, through: isRoot ? Self.wrapper : [],
      executable: runtime.command[0])
  }

  /// What is refused in every container of the plan.
  private func expectSandbox(_ outcome: Program.Outcome) throws -> JSONValue {
    try #require(outcome.status == 0, "\(outcome.errors)")
    let found = try JSONValue(json: outcome.output)
    #expect(found["user"] == 1000)
    #expect(found["directories"]?.arrayValue?.contains("home") == false)
    #expect(found["root"] == "EPERM")
    #expect(found["shadow"] == "ENOENT")
    #expect(found["write"] == "EROFS")
    #expect(found["scratch"] == "allowed")
    #expect(found["null"] == "allowed")
    #expect(found["mount"] == "EPERM")
    return found
  }

  @Test("of a plugin with system.exec starts, and what the plan denies is denied", arguments: Runtime.allCases)
  func everyProgram(_ runtime: Runtime) throws {
    let directory = try TemporaryDirectory()
    try makeBundle("system.exec", ["--grant", "tool=system.exec"], in: directory)
    let outcome = try start(runtime, in: directory)
    guard geteuid() == 0 else { return expectRefusal(outcome) }
    #expect(try expectSandbox(outcome)["execution"] == "allowed")
  }

  @Test("with an agent lets the worker start and no other program", arguments: Runtime.allCases)
  func workerOnly(_ runtime: Runtime) throws {
    let directory = try TemporaryDirectory()
    let socket = directory.path + "/agent.sock"
    try makeBundle("", ["--seccomp-agent", socket], in: directory)
    let agent = try Program.start(
      [Self.fixtures + "/seccomp_agent.py", socket], in: directory, executable: "/usr/bin/python3")
    defer { agent.process.terminate() }
    try agent.wait(for: "listening")
    let outcome = try start(runtime, in: directory)
    guard geteuid() == 0 else { return expectRefusal(outcome) }
    #expect(try expectSandbox(outcome)["execution"] == "EACCES")
    #expect(try agent.wait(seconds: 20).status == 0)
  }

  @Test("that counts executions without an agent is refused, never started freer", arguments: Runtime.allCases)
  func noAgent(_ runtime: Runtime) throws {
    let directory = try TemporaryDirectory()
    try makeBundle("", [], in: directory)
    expectRefusal(try start(runtime, in: directory))
  }

  /// Also what an ordinary user sees, who may not map the ids.
  private func expectRefusal(_ outcome: Program.Outcome) {
    #expect(outcome.status != 0)
    #expect(outcome.output.isEmpty)
    #expect(!outcome.errors.isEmpty)
  }

  @Test("is not written over anything")
  func existing() throws {
    let directory = try TemporaryDirectory()
    try directory.write("bundle/rootfs/kept", "")
    let outcome = try Program.run(["plan", "bundle", "text", "bundle", "--state-dir", "state"], in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("can't be written"))
    #expect(!directory.exists("bundle/config.json"))
  }
}
