import Foundation
import Testing

@Suite("A misbehaving worker harms nobody but its own node")
struct MisbehaviourTests {
  /// What a manner must end in: the class of the node's failure, or `success`.
  static let expected: [String: String] = [
    "garbage": "crash", "closes-channel": "crash", "half-closes-channel": "crash", "huge-frame": "crash",
    "truncated-frame": "crash", "unknown-kind": "crash", "reserved-flags": "crash", "ready-again": "crash",
    "foreign-result": "crash", "lying-count": "crash", "lying-length": "crash", "hostile-names": "crash",
    "missing-descriptor": "crash", "unsealed-descriptor": "crash", "half-sealed-descriptor": "crash",
    "short-descriptor": "crash", "file-descriptor": "crash", "unclaimed-descriptors": "crash", "flood-log": "crash",
    "exits": "crash", "exits-cleanly": "crash", "segfaults": "crash", "kills-itself": "crash",
    "stops-itself": "timeout", "ignores-cancel": "timeout", "spins": "timeout",
    "recursion": "error", "not-plain": "error", "not-a-number": "error", "not-a-mapping": "error",
    "nothing": "error", "deep-result": "error", "raises": "error", "terminal-codes": "error", "fills-scratch": "error",
    "flood-output": "success", "leaves-daemons": "success", "huge-result": "success", "well-behaved": "success",
  ]

  /// Those that only a deadline ends.
  static let hanging: Set = ["stops-itself", "ignores-cancel", "spins"]

  @Test("one clear error, the right exit code, the others' results kept", arguments: HostilePlugin.manners)
  func contained(_ manner: Manner) async throws {
    let scratch = try Scratch()
    var workflow = WorkflowText()
    workflow.add(
      "bad", type: "hostile/misbehave", with: ["manner": manner.name],
      timeout: "\((Self.hanging.contains(manner.name) ? 4 : 60) * Program.patience)s")
    workflow.add(
      "good", type: "hostile/misbehave", with: ["manner": "well-behaved"], timeout: "\(60 * Program.patience)s")
    let report = try await Report.run(workflow, in: scratch)

    #expect(report.value("good") as? String == "well", "the other node's result is kept")
    #expect(report.finished.peakKilobytes < 200_000, "the supervisor's memory stays bounded")
    let failure = report.failure("bad")
    if let failure {
      #expect(!failure.text.isEmpty)
      #expect(!failure.text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" && $0 != "\t" }, "no control codes")
      #expect(report.finished.status == 1)
    } else {
      #expect(report.finished.status == 0)
    }
    if let expected = Self.expected[manner.name] {
      #expect((failure?.kind ?? "success") == expected, "\(failure?.text ?? "it succeeded")")
    }
  }

  @Test("nothing of a worker is left behind", arguments: ["leaves-daemons", "ignores-cancel", "closes-channel"])
  func leavesNothing(_ manner: String) async throws {
    let scratch = try Scratch()
    // A copy of the plugin at a path of its own tells this run's workers from those of the tests beside it.
    let plugins = scratch.url.appendingPathComponent("plugins")
    let copy = plugins.appendingPathComponent("hostile")
    try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
    let original = Program.fixtures.appendingPathComponent("hostile")
    // File by file: copyItem would keep the owner, which an ordinary user may not.
    for name in try FileManager.default.contentsOfDirectory(atPath: original.path) where name.contains(".") {
      try Data(contentsOf: original.appendingPathComponent(name)).write(to: copy.appendingPathComponent(name))
    }
    var workflow = WorkflowText()
    workflow.add("bad", type: "hostile/misbehave", with: ["manner": manner], timeout: "\(3 * Program.patience)s")
    let run = Task { [workflow] in try await Report.run(workflow, plugins: plugins, in: scratch).finished.status }
    var seen = 0
    for _ in 0..<1500 where seen == 0 {
      seen = try workers(of: plugins).count
      if seen == 0 { try await Task.sleep(for: .milliseconds(20)) }
    }
    #expect(seen > 0, "the worker was seen while it lived")
    _ = try await run.value
    #expect(try workers(of: plugins) == [])
  }

  /// The processes in whose mount namespace `plugins` is mounted.
  private func workers(of plugins: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
      guard Int(name) != nil, let table = try? String(contentsOfFile: "/proc/\(name)/mountinfo", encoding: .utf8)
      else { return false }
      return table.contains(plugins.path)
    }
  }
}

@Suite("A plugin that can't be loaded says why")
struct BrokenPluginTests {
  static let plugins = [
    "exits-at-import", "hangs-at-import", "hangs-in-initialize", "missing-entry-point", "not-a-plugin", "not-python",
    "offers-another", "offers-nothing", "offers-rubbish", "offers-twice", "raises-at-import", "raises-in-create",
    "raises-in-describe", "raises-in-initialize", "speaks-first",
  ]
  static let harmless = ["hangs-in-shutdown", "prints-at-import"]

  @Test("one clear error that names the plugin", arguments: plugins)
  func refused(_ plugin: String) async throws {
    let scratch = try Scratch()
    var workflow = WorkflowText()
    workflow.add("work", type: "\(plugin)/work", timeout: "\(60 * Program.patience)s")
    let finished = try await run(workflow, in: scratch)
    #expect([1, 2].contains(finished.status), "\(finished.errors)")
    let said = String(decoding: finished.output, as: UTF8.self) + finished.errors
    #expect(said.contains(plugin))
    #expect(!said.contains("Fatal error"))
  }

  @Test("what only looks broken runs", arguments: harmless)
  func accepted(_ plugin: String) async throws {
    let scratch = try Scratch()
    var workflow = WorkflowText()
    workflow.add("work", type: "\(plugin)/work", timeout: "\(60 * Program.patience)s")
    let finished = try await run(workflow, in: scratch)
    #expect(finished.status == 0, "\(finished.errors)")
  }

  @Test("every broken plugin is tested")
  func complete() throws {
    let directory = Program.fixtures.appendingPathComponent("broken").path
    let found = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(Set(found) == Set(Self.plugins + Self.harmless))
  }

  private func run(_ workflow: WorkflowText, in scratch: Scratch) async throws -> Finished {
    try await Program.run(
      Program.orchestrator,
      [
        "run", try workflow.write(to: scratch), "--plugins", Program.fixtures.appendingPathComponent("broken").path,
        "--output", "json", "--state-dir", scratch.url.appendingPathComponent("state").path,
      ], in: scratch.url)
  }
}
