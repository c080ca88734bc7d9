import Foundation
import PluginModel
import Testing

/// Questions on a real terminal, and the runs behind them.
@Suite("Consent", .serialized)
struct ConsentTests {
  private static let question = "(n): "
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.writeWorkflow(["w: {type: probe/probe, with: {do: write, value: x}}"])
  }

  private func arguments(_ extra: [String]) -> [String] {
    ["run", "w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state"] + extra
  }

  private func run(_ extra: String..., environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(arguments(extra), in: directory, environment: environment)
  }

  private func onTerminal(
    _ extra: String..., typing: [String], before: String = "", environment: [String: String] = [:]
  ) throws -> Program.Outcome {
    // What is said is looked at, not its colours.
    try Program.run(
      arguments(extra), in: directory,
      environment: environment.merging(["NO_COLOR": "1"]) { own, _ in own }, typingBefore: before,
      typing: typing.map { (Self.question, $0) })
  }

  private func change() throws {
    let code = try directory.read("probe/probe.py")
    try directory.write("probe/probe.py", code + "\n# changed\n")
  }

  @Test("is asked for once, with what could happen, and remembered after y")
  func remembered() throws {
    let first = try onTerminal(typing: ["y\\n"])
    #expect(first.status == 0, "\(first.output)\(first.errors)")
    #expect(first.output.contains("The plugin probe 1.0.0 asks for what it isn't granted:\n  filesystem.write\n"))
    #expect(first.output.contains("it could   read, change and delete every file of the run's workspace"))
    #expect(first.output.contains("the risk   "))
    #expect(!first.output.contains("warning:"), "\(first.output)")
    let second = try onTerminal(typing: [])
    #expect(second.status == 0 && !second.output.contains(Self.question), "\(second.output)")
    #expect(try run().status == 0, "it holds without a terminal too")
  }

  /// Whether a later run would be allowed it.
  private func isGranted() throws -> Bool {
    let outcome = try Program.run(
      ["plugin", "permissions", "probe", "--output", "json", "--plugins", "probe", "--state-dir", "state"],
      in: directory)
    let plugin = try #require(try JSONValue(json: outcome.output)["plugins"]?.arrayValue?.first)
    return try #require(plugin["effective"]?.arrayValue).contains("filesystem.write")
  }

  @Test("for one run is forgotten after it")
  func once() throws {
    #expect(try onTerminal(typing: ["o\\n"]).status == 0)
    #expect(try !isGranted())
    #expect(try run().status == 1)
  }

  @Test(
    "is not given by an empty line, no, the end of input, or three answers that are none",
    arguments: [
      ["\\n"], ["n\\n"], ["\\x04"], ["maybe\\n", "yy\\n", "ja\\n"],
    ])
  func refused(keys: [String]) throws {
    let outcome = try onTerminal(typing: keys)
    #expect(outcome.status == 1, "\(outcome.output)")
    #expect(try !isGranted())
    #expect(
      !outcome.output.contains("asks for filesystem.write, not granted"), "it was just refused: \(outcome.output)")
    #expect(outcome.errors.isEmpty)
  }

  @Test("is not given by what was typed before the question was asked")
  func typedAhead() throws {
    let outcome = try onTerminal(typing: ["n\\n"], before: "y\\n")
    #expect(outcome.status == 1, "\(outcome.output)")
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
  }

  @Test("ends with the program on Ctrl-C, and nothing has run or is left")
  func interrupted() throws {
    let outcome = try onTerminal(typing: ["\\x03"])
    #expect(outcome.status == 130, "\(outcome.output)")
    #expect(!outcome.output.contains("✓") && !outcome.output.contains("✗"))
    #expect(!directory.exists("state/runs") && !directory.exists("state/state.sqlite"))
  }

  @Test(
    "isn't asked for where nobody would answer",
    arguments: [
      (["--no-consent"], [:]), (["--output", "json"], [:]), (["--output", "jsonl"], [:]), ([], ["CI": "true"]),
    ] as [([String], [String: String])])
  func nobody(extra: [String], environment: [String: String]) throws {
    let outcome = try Program.run(arguments(extra), in: directory, environment: environment, typing: [])
    #expect(outcome.status == 1)
    #expect(!outcome.output.contains(Self.question))
    #expect(outcome.output.contains("asks for filesystem.write, not granted"), "\(outcome.output)")
    #expect(outcome.output.contains("orchestrator plugin grant probe filesystem.write"))
  }

  @Test("ends when the plugin's files change: a machine stops with the command, a person is asked again")
  func changed() throws {
    #expect(try onTerminal(typing: ["y\\n"]).status == 0)
    try change()
    let stopped = try run()
    #expect(stopped.status == 2)
    #expect(
      stopped.errors.contains("the files of the plugin \"probe\" have changed since it was granted filesystem.write"))
    let place = " --plugins probe --state-dir \(directory.path)/state"
    #expect(stopped.errors.contains("orchestrator plugin grant probe filesystem.write\(place)"), "\(stopped.errors)")
    let refused = try onTerminal(typing: ["n\\n"])
    #expect(refused.status == 1, "it runs without: \(refused.output)")
    let again = try onTerminal(typing: ["y\\n"])
    #expect(again.status == 0, "\(again.output)")
    #expect(again.output.contains("have changed since it was granted filesystem.write"))
    #expect(again.output.contains("filesystem.write  granted before"))
    #expect(try run().status == 0)
  }

  @Test("shows what an upgrade asks for that wasn't asked for before")
  func difference() throws {
    #expect(try onTerminal(typing: ["y\\n"]).status == 0)
    let manifest = try directory.read("probe/plugin.yaml")
    try directory.write(
      "probe/plugin.yaml", manifest.replacing("filesystem.write]", with: "filesystem.write, memory.unlimited]"))
    let asked = try onTerminal(typing: ["o\\n"])
    #expect(asked.output.contains("filesystem.write  granted before"))
    #expect(asked.output.contains("memory.unlimited  new: it didn't ask for it before"), "\(asked.output)")
    #expect(asked.output.contains("In all filesystem.write, memory.unlimited, for \"probe\"."))
  }

  @Test("is asked for in words that no manifest can steer a terminal with")
  func steering() throws {
    let manifest = try directory.read("probe/plugin.yaml")
    try directory.write(
      "probe/plugin.yaml",
      manifest.replacing(
        "filesystem.write]", with: "filesystem.write, \"filesystem.read:/srv/\\u202Egpj.\\u200Bx\"]"))
    let outcome = try onTerminal(typing: ["n\\n"])
    #expect(outcome.output.contains("filesystem.read:/srv/"), "\(outcome.output)")
    let scalars = outcome.output.unicodeScalars
    #expect(!scalars.contains("\u{1B}") && !scalars.contains("\u{202E}") && !scalars.contains("\u{200B}"))
    #expect(outcome.status == 1 || outcome.status == 2, "\(outcome.output)")
  }

  @Test("isn't asked for what the operator forbids")
  func forbidden() throws {
    try directory.write("policy.yaml", "security:\n  forbidden_permissions: [filesystem.write]\n")
    let outcome = try onTerminal("--policy", "policy.yaml", typing: [])
    #expect(outcome.status == 1)
    #expect(!outcome.output.contains(Self.question))
    #expect(
      outcome.output.contains(
        "policy.yaml:2:27: warning: the plugin \"probe\" asks for filesystem.write, which is forbidden"),
      "\(outcome.output)")
  }
}
