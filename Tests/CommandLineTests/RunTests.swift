import Foundation
import PluginModel
import Testing

/// Runs of small workflows over the `probe` plugin, each in real sandboxes.
@Suite("run", .serialized)
struct RunTests {
  /// `nodes` are lines of the workflow's `nodes` mapping.
  private func workflow(_ nodes: String..., outputs: String = "{}", in directory: TemporaryDirectory) throws {
    try Probe.copy(to: directory)
    let lines = nodes.map { "    \($0)\n" }.joined()
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: sample}
      spec:
        inputs: {word: {type: string, default: hello}, count: {type: integer, default: 3}}
        outputs: \(outputs)
        nodes:
      \(lines)
      """)
  }

  private func run(_ arguments: String..., in directory: TemporaryDirectory) throws -> Program.Outcome {
    try Program.run(self.arguments(with: arguments, in: directory), in: directory)
  }

  private func start(_ arguments: String..., in directory: TemporaryDirectory) throws -> Running {
    try Program.start(self.arguments(with: arguments, in: directory), in: directory)
  }

  private func arguments(with extra: [String], in directory: TemporaryDirectory) -> [String] {
    ["run", "w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state"] + extra
  }

  @Test("prints each node once, the outputs, and a summary, without escape sequences when it is piped")
  func plain() throws {
    let directory = try TemporaryDirectory()
    try workflow(
      "a: {type: probe/probe, with: {value: \"${{ inputs.word }}\"}}", "b: {type: probe/probe, in: {input: a.output}}",
      outputs: "{said: b.output}", in: directory)
    let outcome = try run("--input", "word=hi there", in: directory)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("✓ a"))
    #expect(outcome.output.contains("✓ b"))
    #expect(outcome.output.contains("said: hi there"))
    #expect(!outcome.output.contains("\u{1B}"))
    #expect(!outcome.errors.contains("\u{1B}"))
  }

  @Test("writes one JSON object at the end with --output json")
  func json() throws {
    let directory = try TemporaryDirectory()
    try workflow(
      "a: {type: probe/probe, with: {value: [1, 2]}}", outputs: "{list: a.output}", in: directory)
    let outcome = try run("--output", "json", in: directory)
    let value = try JSONValue(json: outcome.output)
    #expect(value["outcome"] == "succeeded")
    #expect(value["outputs"]?["list"]?["value"] == [1, 2])
    #expect(value["nodes"]?.arrayValue?.first?["node"] == "a")
  }

  @Test("writes one JSON object an event with --output jsonl")
  func jsonLines() throws {
    let directory = try TemporaryDirectory()
    try workflow("a: {type: probe/probe, with: {do: noise}}", in: directory)
    let outcome = try run("--output", "jsonl", in: directory)
    #expect(outcome.status == 0)
    let events = try outcome.output.split(separator: "\n").map { try JSONValue(json: String($0)) }
    let kinds = events.compactMap { $0["event"]?.stringValue }
    #expect(kinds.first == "run_started")
    #expect(kinds.contains("node_started"))
    #expect(kinds.contains("progress"))
    #expect(kinds.suffix(2) == ["run_finished", "report"])
    #expect(events.last?["report"]?["outcome"] == "succeeded")
    #expect(!outcome.output.unicodeScalars.contains("\u{1B}"))
  }

  @Test("shows nothing that a plugin says in a form that a terminal obeys")
  func noise() throws {
    let directory = try TemporaryDirectory()
    try workflow("a: {type: probe/probe, with: {do: noise}}", outputs: "{o: a.output}", in: directory)
    let outcome = try run(in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("result"))
    for scalar in (outcome.output + outcome.errors).unicodeScalars where scalar != "\n" {
      let category = scalar.properties.generalCategory
      #expect(category != .control && category != .format)
    }
  }

  @Test("tells a failure once, with its cause, traceback and last output, keeps other nodes' results and ends with 1")
  func failure() throws {
    let directory = try TemporaryDirectory()
    try workflow(
      "bad: {type: probe/probe, with: {do: fail, value: the reason}}",
      "after: {type: probe/probe, in: {input: bad.output}}", "last: {type: probe/probe, in: {input: after.output}}",
      "good: {type: probe/probe, with: {value: kept}}",
      outputs: "{kept: good.output}", in: directory)
    let outcome = try run(in: directory)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("ValueError: the reason"))
    #expect(outcome.errors.contains("probe.py"))
    #expect(outcome.errors.contains("about to fail"))
    #expect(outcome.errors.components(separatedBy: "cause:").count == 2)
    #expect(outcome.output.contains("✗ bad"))
    #expect(outcome.output.contains("– after  skipped: needs bad, which failed\n"))
    #expect(outcome.output.contains("– last  skipped: needs after, which was skipped because bad failed\n"))
    #expect(outcome.output.contains("kept: kept"))
  }

  @Test(
    "names node and cause when a worker dies",
    arguments: [("crash", "null", "SIGSEGV"), ("exit", "7", "status 7")])
  func deadWorker(action: String, value: String, words: String) throws {
    let directory = try TemporaryDirectory()
    try workflow("bad: {type: probe/probe, with: {do: \(action), value: \(value)}}", in: directory)
    let outcome = try run(in: directory)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("bad:"))
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test("ends with 124 when the deadline of the run passes, and leaves nothing behind")
  func deadline() throws {
    let directory = try TemporaryDirectory()
    try workflow("slow: {type: probe/probe, with: {do: hang}}", in: directory)
    let outcome = try run("--timeout", "2s", in: directory)
    #expect(outcome.status == 124, "\(outcome.output)\(outcome.errors)")
    #expect(try leftovers(of: directory) == [])
  }

  @Test("ends with 130 on SIGINT and SIGTERM, and leaves nothing behind", arguments: [SIGINT, SIGTERM])
  func signals(_ signal: Int32) throws {
    let directory = try TemporaryDirectory()
    try workflow("slow: {type: probe/probe, with: {do: sleep, value: 60}}", in: directory)
    let running = try start("--output", "jsonl", in: directory)
    try running.wait(for: "\"event\":\"progress\"")
    kill(running.process.processIdentifier, signal)
    let outcome = try running.wait(seconds: 20)
    #expect(outcome.status == 130, "\(outcome.output)\(outcome.errors)")
    #expect(try leftovers(of: directory) == [])
  }

  @Test("ends at once on a second SIGINT, even when a node doesn't listen")
  func secondSignal() throws {
    let directory = try TemporaryDirectory()
    try workflow("slow: {type: probe/probe, with: {do: hang}}", in: directory)
    let running = try start("--output", "jsonl", in: directory)
    try running.wait(for: "\"event\":\"progress\"")
    kill(running.process.processIdentifier, SIGINT)
    usleep(300_000)
    let asked = Date()
    kill(running.process.processIdentifier, SIGINT)
    let outcome = try running.wait(seconds: 20)
    #expect(Date().timeIntervalSince(asked) < 1.5)
    #expect(outcome.status == 130)
    #expect(try leftovers(of: directory) == [])
  }

  @Test("takes its workers along when it is killed")
  func killed() throws {
    let directory = try TemporaryDirectory()
    try workflow("slow: {type: probe/probe, with: {do: hang}}", in: directory)
    let running = try start("--output", "jsonl", in: directory)
    try running.wait(for: "\"event\":\"progress\"")
    #expect(try leftovers(of: directory) != [], "the worker is seen while it lives")
    kill(running.process.processIdentifier, SIGKILL)
    running.process.waitUntilExit()
    usleep(1_000_000)
    #expect(try leftovers(of: directory) == [])
  }

  @Test("lets a plugin write the workspace only when that is granted")
  func workspace() throws {
    let directory = try TemporaryDirectory()
    try workflow("w: {type: probe/probe, with: {do: write, value: content}}", in: directory)
    let refused = try run("--workspace", directory.path + "/out", in: directory)
    #expect(refused.status == 1)
    #expect(refused.errors.contains("--grant probe=filesystem.write"))
    #expect(!directory.exists("out/result.txt"))
    let granted = try run(
      "--workspace", directory.path + "/out", "--grant", "probe=filesystem.write", in: directory)
    #expect(granted.status == 0, "\(granted.errors)")
    #expect(try directory.read("out/result.txt") == "content")
  }

  @Test("refuses a state directory that others may write to: what is in it is believed")
  func foreignState() throws {
    let directory = try TemporaryDirectory()
    try workflow("a: {type: probe/probe, with: {do: noise}}", in: directory)
    try directory.write("shared/note", "")
    #expect(chmod(directory.path + "/shared", 0o777) == 0)
    let outcome = try run("--state-dir", directory.path + "/shared", in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("can't be trusted") && outcome.errors.contains("chmod go-w"))
  }

  @Test("shows a plugin a path only when that is granted")
  func scopedRead() throws {
    let directory = try TemporaryDirectory()
    try directory.write("data/secret.txt", "the content")
    try workflow(
      "r: {type: probe/probe, with: {do: read, value: \(directory.path)/data/secret.txt}}", outputs: "{o: r.output}",
      in: directory)
    #expect(try run(in: directory).status == 1)
    let granted = try run("--grant", "probe=filesystem.read:\(directory.path)/data", in: directory)
    #expect(granted.status == 0, "\(granted.errors)")
    #expect(granted.output.contains("o: the content"))
  }

  @Test("ends with 2, not as if there were no sandbox, for a grant that no host would honour")
  func refusedGrant() throws {
    let directory = try TemporaryDirectory()
    try workflow("a: {type: probe/probe}", in: directory)
    let outcome = try run("--grant", "probe=filesystem.read:/etc", in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("filesystem.read:/etc can't be granted"), "\(outcome.errors)")
  }

  @Test("refuses to grant anything to a plugin of which there are two, until the operator says which")
  func ambiguousPlugin() throws {
    let directory = try TemporaryDirectory()
    try workflow("a: {type: probe/probe, with: {value: chosen}}", outputs: "{o: a.output}", in: directory)
    for name in ["plugin.yaml", "probe.py"] {
      try directory.write("plugins/probe/\(name)", directory.read("probe/\(name)"))
    }
    try directory.write(".pipeline/plugins/probe/plugin.yaml", directory.read("plugins/probe/plugin.yaml"))
    try directory.write(".pipeline/plugins/probe/probe.py", "# other code")
    let arguments = ["run", "w.yaml", "--state-dir", directory.path + "/state"]
    for extra in [["--grant", "probe=filesystem.write"], []] {
      let refused = try Program.run(arguments + extra, in: directory)
      #expect(refused.status == 2)
      #expect(refused.errors.contains("\"probe\" is found in more than one place"), "\(refused.errors)")
      #expect(refused.errors.contains("--plugins \(directory.path)/plugins/probe"), "\(refused.errors)")
    }
    let chosen = try Program.run(arguments + ["--plugins", directory.path + "/plugins/probe"], in: directory)
    #expect(chosen.status == 0, "\(chosen.errors)")
    #expect(chosen.output.contains("o: chosen"))
    #expect(!chosen.errors.contains("is not used"))
    let shown = try Program.run(["plan", "show", "probe", "--state-dir", directory.path + "/state"], in: directory)
    #expect(shown.status == 2)
  }

  @Test("checks a plugin's own pattern in its sandbox, where one that takes for ever only costs that node")
  func patterns() throws {
    let directory = try TemporaryDirectory()
    try workflow(
      "bad: {type: probe/probe, with: {word: \"1\"}}",
      "slow: {type: probe/probe, timeout: 2s, with: {word: \"\(String(repeating: "a", count: 60))1\"}}",
      "good: {type: probe/probe, with: {word: fine, value: kept}}", outputs: "{o: good.output}", in: directory)
    let outcome = try run(in: directory)
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.contains("cause: the parameter 'word' must match ^([a-z]*)*$: it is '1'"), "\(outcome.errors)")
    #expect(outcome.errors.contains("slow:"))
    #expect(outcome.output.contains("o: kept"))
    #expect(try leftovers(of: directory) == [])
  }

  @Test("makes a workspace of its own, says where results lie, and removes it when there are none")
  func ownWorkspace() throws {
    let directory = try TemporaryDirectory()
    try workflow("w: {type: probe/probe, with: {do: write, value: content}}", in: directory)
    let granted = try run("--grant", "probe=filesystem.write", in: directory)
    #expect(granted.status == 0, "\(granted.errors)")
    let runs = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs")
    #expect(runs.count == 1)
    let path = "state/runs/\(runs.first ?? "")/workspace"
    #expect(granted.output.contains(directory.path + "/" + path))
    #expect(try directory.read(path + "/result.txt") == "content")
    try workflow("e: {type: probe/probe}", in: directory)
    #expect(try run(in: directory).status == 0)
    let both = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs")
    let second = try #require(both.first { !runs.contains($0) })
    let kept = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs/" + second)
    #expect(Set(kept) == ["lock", "report.json"])
  }

  /// Nodes whose large results all wait for the end of the run.
  private func blobs(_ count: Int, in directory: TemporaryDirectory) throws {
    let names = (0..<count).map { "b\($0)" }
    try workflow(
      names.map { "\($0): {type: probe/probe, with: {do: blob, value: 100000}}" }.joined(separator: "\n    "),
      outputs: "{" + names.map { "\($0): \($0).output" }.joined(separator: ", ") + "}", in: directory)
  }

  private func run(_ limits: String, in directory: TemporaryDirectory) throws -> Program.Outcome {
    try Program.run(
      arguments(with: ["--jobs", "2"], in: directory), in: directory,
      through: ["/bin/sh", "-c", "\(limits); exec \"$@\"", "sh"])
  }

  @Test("raises its own limit of open files, for results that wait, and not a worker's")
  func raisedLimit() throws {
    let directory = try TemporaryDirectory()
    try blobs(60, in: directory)
    let outcome = try run("ulimit -S -n 64", in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    try workflow("l: {type: probe/probe, with: {do: limit}}", outputs: "{l: l.output}", in: directory)
    #expect(try run("ulimit -S -n 64", in: directory).output.contains("l: [1024,1024]"))
  }

  @Test("tells what to do when more results wait than it may hold, and loses none of the others")
  func tooManyResults() throws {
    let directory = try TemporaryDirectory()
    try blobs(40, in: directory)
    let outcome = try run("ulimit -n 128", in: directory)
    #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.errors.contains("the results of the node 'b"))
    #expect(outcome.errors.contains("large results for nodes that come later"))
    #expect(outcome.errors.contains("ulimit -n"))
    #expect(!outcome.errors.contains("EMFILE"), "\(outcome.errors)")
    #expect(outcome.output.components(separatedBy: "✓ b").count > 15, "\(outcome.output)")
  }

  @Test("says so when the limit of open files is too low for any sandbox")
  func tooFewDescriptors() throws {
    let directory = try TemporaryDirectory()
    try workflow("a: {type: probe/probe}", in: directory)
    let outcome = try run("ulimit -n 64", in: directory)
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("raise the limit of open files to 128 or more"), "\(outcome.errors)")
  }

  @Test("lets a result go when its last reader has ended: a long chain of them needs few descriptors")
  func releasedResults() throws {
    let directory = try TemporaryDirectory()
    let nodes = (0..<40).flatMap { index in
      [
        "b\(index): {type: probe/probe, with: {do: blob, value: 100000}"
          + (index > 0 ? ", needs: [s\(index - 1)]}" : "}"),
        "s\(index): {type: probe/probe, with: {do: size}, in: {input: b\(index).output}}",
      ]
    }
    try workflow(nodes.joined(separator: "\n    "), outputs: "{last: s39.output}", in: directory)
    let outcome = try run("ulimit -n 128", in: directory)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("last: 100000"))
  }

  @Test("runs nodes at the same time, up to --jobs")
  func parallel() throws {
    let directory = try TemporaryDirectory()
    try workflow(
      "a: {type: probe/probe, with: {do: sleep, value: 1.5}}", "b: {type: probe/probe, with: {do: sleep, value: 1.5}}",
      "c: {type: probe/probe, with: {do: sleep, value: 1.5}}", in: directory)
    #expect(try run(in: directory).status == 0)
    func seconds(_ jobs: String) throws -> Double {
      let start = Date()
      #expect(try run("--jobs", jobs, in: directory).status == 0)
      return Date().timeIntervalSince(start)
    }
    #expect(try seconds("3") < 4.4)
    #expect(try seconds("1") >= 4.5)
  }

  @Test("asks a plugin for its node types once, and runs nothing of it to validate afterwards")
  func storedSpecifications() throws {
    let directory = try TemporaryDirectory()
    try workflow("a: {type: probe/probe}", in: directory)
    let arguments = ["validate", "w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state"]
    #expect(try Program.run(arguments, in: directory).status == 0)
    // Without a Python nothing of a plugin can run.
    let second = try Program.run(arguments + ["--python", "/usr/bin/true"], in: directory)
    #expect(second.status == 0, "\(second.errors)")
  }
}

/// What sandboxes of one test left on the host: processes in whose mounts the test's directory appears, and mounts of it.
func leftovers(of directory: TemporaryDirectory) throws -> [String] {
  let name = (directory.path as NSString).lastPathComponent
  let entries = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil } + ["self"]
  return entries.filter { entry in
    let mounts = try? String(contentsOfFile: "/proc/\(entry)/mountinfo", encoding: .utf8)
    return mounts?.contains(name) == true
  }
}
