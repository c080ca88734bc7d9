import Foundation
import Testing

@Suite("Help and usage")
struct HelpTests {
  private static let golden = (#filePath as NSString).deletingLastPathComponent + "/Golden"

  /// Set UPDATE_GOLDEN=1 to write the files anew, and read the difference before it is committed.
  @Test(
    "help says what each command does",
    arguments: [
      "", "run", "validate", "graph", "convert", "plan", "plan show", "plan bundle", "explain", "doctor", "plugin",
      "plugin list",
      "plugin nodes", "plugin new", "plugin lint", "plugin test", "plugin dev", "plugin permissions", "plugin grant",
      "plugin revoke", "plugin pack", "plugin keygen", "plugin sign", "plugin verify", "plugin install",
      "plugin rollback", "plugin remove", "plugin prune", "plugin search", "plugin info", "plugin publish",
      "plugin yank", "registry", "registry serve", "registry token", "config", "config show", "config check",
      "profile", "profile list", "profile show",
      "profile diff", "profile learn", "runs", "runs list", "runs show", "runs logs", "runs cancel", "runs resume",
      "runs why-waiting",
      "runs rm", "cache", "cache why", "cache prune", "token", "token create", "token list", "token revoke",
    ])
  func help(_ command: String) throws {
    let directory = try TemporaryDirectory()
    let words = command.split(separator: " ").map(String.init)
    let outcome = try Program.run(words + ["--help"], in: directory)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    let name = (["help"] + words).joined(separator: "-") + ".txt"
    let path = "\(Self.golden)/\(name)"
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
      try Data(outcome.output.utf8).write(to: URL(fileURLWithPath: path))
    }
    let expected = try String(contentsOfFile: path, encoding: .utf8)
    #expect(outcome.output == expected, "\(name) differs")
  }

  @Test("prints its version")
  func version() throws {
    let outcome = try Program.run(["--version"], in: TemporaryDirectory())
    #expect(outcome.output == "orchestrator 1.0.0\n")
    #expect(outcome.status == 0)
  }

  @Test(
    "ends with status 2 and one message on standard error when it is called wrongly",
    arguments: [
      ["bogus"], ["run"], ["run", "a.yaml", "--bogus"], ["run", "a.yaml", "--output", "xml"],
      ["run", "a.yaml", "--timeout", "soon"], ["run", "a.yaml", "--timeout", "0s"],
      ["run", "a.yaml", "--input", "novalue"], ["run", "a.yaml", "--grant", "files"],
      ["run", "a.yaml", "--grant", "files=filesystem.reed"], ["run", "a.yaml", "--grant", "../x=filesystem.read"],
      ["run", "a.yaml", "--jobs", "0"], ["run", "missing.yaml"], ["validate", "missing.yaml"],
      ["graph", "missing.yaml"], ["explain", "--state-dir", "nothing"], ["explain", "20260101T000000Z-00000000"],
      ["plan", "show", "nothing_of_this_name"],
      ["plan", "show", "files", "--json", "--oci"], ["plugin", "list", "--plugins", "/nonexistent"],
      ["plugin", "grant"], ["plugin", "revoke", "../x", "--all"], ["plugin", "permissions", "nothing_of_this_name"],
      ["run", "a.yaml", "--policy", "missing.yaml"], ["plugin", "new", "../escape"], ["plugin", "new", "Upper"],
    ])
  func usage(_ arguments: [String]) throws {
    let outcome = try Program.run(arguments, in: TemporaryDirectory())
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(!outcome.errors.isEmpty)
    #expect(!outcome.errors.contains("\u{1B}"))
  }
}
