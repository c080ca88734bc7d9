import Foundation
import PluginModel
import Testing

@Suite("Security profiles on the command line")
struct ProfileCommandTests {
  private func profile(_ name: String, of parent: String = "default", _ rest: String) -> String {
    """
    apiVersion: orchestrator/v1
    kind: SecurityProfile
    metadata: {name: \(name), description: The operator's own}
    spec:
      inherits: \(parent)
    \(rest)
    """
  }

  /// `plugin_system.yaml` with the directory `profiles` of this one.
  private func configure(_ directory: TemporaryDirectory) throws -> [String] {
    try directory.write(
      "system.yaml",
      "plugins:\n  security:\n    profile_directories: [\(directory.path)/first, \(directory.path)/second]\n")
    return ["--config", directory.path + "/system.yaml"]
  }

  private func plan(_ plugin: String, _ options: String..., in directory: TemporaryDirectory) throws -> Program.Outcome
  {
    try Program.run(["plan", "show", plugin, "--json", "--state-dir", "state"] + options, in: directory)
  }

  @Test("list names every profile that is shipped, and says what it is for")
  func list() throws {
    let outcome = try Program.run(["profile", "list"], in: TemporaryDirectory())
    #expect(outcome.status == 0, "\(outcome.errors)")
    for name in ["ci", "default", "gpu", "installer", "network", "strict"] {
      #expect(outcome.output.contains("\n\(name) ") || outcome.output.hasPrefix("\(name) "), "\(name)")
      #expect(outcome.output.contains("/profiles/\(name).yaml"))
    }
    #expect(outcome.output.contains("inherits ci, default"))
    let json = try JSONValue(
      json: Program.run(["profile", "list", "--output", "json"], in: TemporaryDirectory()).output)
    #expect(json["profiles"]?.arrayValue?.count == 6)
    #expect(json["diagnostics"] == [])
  }

  @Test("show prints the place of each part, and diff what makes the difference")
  func show() throws {
    let directory = try TemporaryDirectory()
    let shown = try Program.run(["profile", "show", "strict"], in: directory)
    #expect(shown.status == 0, "\(shown.errors)")
    #expect(shown.output.contains("profiles/default.yaml:") && shown.output.contains("profiles/strict.yaml:"))
    let json = try JSONValue(
      json: Program.run(["profile", "show", "strict", "--output", "json"], in: directory).output)
    #expect(json["chain"]?.arrayValue?.count == 2)
    #expect(json["settings"]?["RLIMIT_NOFILE"]?["value"] == "256")
    let differing = try Program.run(["profile", "diff", "strict", "default"], in: directory)
    #expect(differing.output.contains("default allows, and strict doesn't"))
    #expect(differing.output.contains("@local-sockets: socket socketpair"))
    #expect(differing.output.contains("RLIMIT_NOFILE: 1024 instead of 256"))
    let same = try Program.run(["profile", "diff", "strict", "strict", "--output", "json"], in: directory)
    #expect(try JSONValue(json: same.output)["leftAllowsMore"] == [])
  }

  @Test("the operator's directories come first, in their order, and a profile may inherit from the one that it hides")
  func precedence() throws {
    let directory = try TemporaryDirectory()
    let config = try configure(directory)
    try directory.write("first/strict.yaml", profile("strict", of: "strict", "  limits: {RLIMIT_NOFILE: 77}"))
    try directory.write("second/strict.yaml", profile("strict", "  limits: {RLIMIT_NOFILE: 88}"))
    let outcome = try Program.run(["profile", "show", "strict", "--output", "json"] + config, in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let json = try JSONValue(json: outcome.output)
    #expect(json["settings"]?["RLIMIT_NOFILE"]?["value"] == "77")
    let files = json["chain"]?.arrayValue?.compactMap { $0["file"]?.stringValue } ?? []
    #expect(files.prefix(2) == [directory.path + "/first/strict.yaml", directory.path + "/second/strict.yaml"])
    #expect(files.count == 3)
    let list = try Program.run(["profile", "list"] + config, in: directory)
    #expect(list.output.contains("(another of this name counts)"))
  }

  @Test("a profile or a directory that others may write to is refused", arguments: ["first", "first/own.yaml"])
  func untrusted(_ path: String) throws {
    let directory = try TemporaryDirectory()
    let config = try configure(directory)
    try directory.write("first/own.yaml", profile("own", "  limits: {RLIMIT_NOFILE: 77}"))
    let arguments = ["profile", "show", "own"] + config
    #expect(try Program.run(arguments, in: directory).status == 0)
    let place = directory.path + "/" + path
    try #require(chmod(place, path == "first" ? 0o777 : 0o666) == 0)
    let outcome = try Program.run(arguments, in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("\(place) can't be trusted"), "\(outcome.errors)")
    #expect(outcome.errors.contains("chmod go-w \(place)"))
  }

  @Test("what is wrong with a profile is told with its lines, all at once")
  func wrong() throws {
    let directory = try TemporaryDirectory()
    try directory.write(
      "bad.yaml",
      profile("bad", "  limits: {RLIMIT_NOFIEL: 1}\n  resources: {memory: 1Ki}\n  permissions: [network.htpp]"))
    let outcome = try Program.run(["profile", "show", "bad.yaml"], in: directory)
    #expect(outcome.status == 2)
    for place in ["bad.yaml:6:12", "bad.yaml:7:23", "bad.yaml:8:17"] {
      #expect(outcome.errors.contains(place), "\(outcome.errors)")
    }
    try directory.write("mount.yaml", profile("open", "  systemCalls: {allow: [{why: no, names: [mount]}]}"))
    let bound = try Program.run(["profile", "show", "mount.yaml"], in: directory)
    #expect(bound.status == 2)
    #expect(
      bound.errors.contains("mount.yaml:6:43") && bound.errors.contains("which no profile may"), "\(bound.errors)")
  }

  @Test("a grant beyond what the plugin's profile allows is refused before anything starts, with the line")
  func ceiling() throws {
    let directory = try TemporaryDirectory()
    try directory.writeWorkflow([Probe.python("n", "result = 1")])
    try directory.write("none.yaml", profile("none", "  permissions: []"))
    let outcome = try Program.run(
      [
        "run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--profile", "probe=none.yaml", "--grant",
        "probe=filesystem.write",
      ], in: directory)
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("none.yaml:6:16"), "\(outcome.errors)")
    #expect(outcome.errors.contains("filesystem.write is more than the profile"))
    #expect(!outcome.output.contains("done"))
  }

  @Test("each plugin has its own profile; what is said of one changes no plan of another")
  func perPlugin() throws {
    let directory = try TemporaryDirectory()
    let before = try plan("files", in: directory)
    let after = try plan(
      "files", "--profile", "text=strict", "--grant", "text=filesystem.write", in: directory)
    #expect(before.status == 0 && before.output == after.output)
    let text = try JSONValue(
      json: plan("text", "--profile", "text=strict", "--profile", "default", in: directory).output)
    #expect(text["profile"]?["name"] == "strict")
    #expect(text["profile"]?["chain"]?.arrayValue?.count == 2)
    #expect(text["limits"]?["RLIMIT_NOFILE"] == 256)
    let shown = try Program.run(
      ["plan", "show", "text", "--profile", "text=strict", "--state-dir", "state"], in: directory)
    #expect(shown.output.contains("\nprofile\n  strict "), "\(shown.output.suffix(400))")
    let twice = try plan("files", "--profile", "strict", "--profile", "default", in: directory)
    #expect(twice.status == 2)
    #expect(twice.errors.contains("twice"))
  }
}
