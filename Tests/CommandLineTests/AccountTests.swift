import Foundation
import PluginModel
import Testing

/// Runs of small workflows in real sandboxes. What takes controllers is in `GuestRuns`.
@Suite("The report of a run says", .serialized)
struct AccountTests {
  /// Whether workers have cgroups here, with or without controllers.
  private static let counts = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].contains {
    access($0 + "/cgroup.procs", W_OK) == 0
  }

  private func run(_ nodes: String..., options: [String] = []) throws -> Program.Outcome {
    let directory = try TemporaryDirectory()
    try directory.writeWorkflow(nodes)
    return try Program.run(
      ["run", "w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state", "--output", "json"] + options,
      in: directory)
  }

  private func node(_ name: String, _ outcome: Program.Outcome) throws -> JSONValue {
    let nodes = try JSONValue(json: outcome.output)["nodes"]?.arrayValue
    return try #require(nodes?.first { $0["node"]?.stringValue == name }, "\(outcome.output)\(outcome.errors)")
  }

  private static let busy = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"

  @Test("what each node used, though one worker served them all, and whether it succeeded or not")
  func shares() throws {
    let outcome = try run(
      Probe.python("busy", Self.busy), Probe.python("quiet", "result = 1", ", needs: [busy]"),
      Probe.python("fails", Self.busy + "\nraise ValueError('late')", ", needs: [quiet]"),
      "dies: {type: probe/probe, with: {do: exit, value: 3}, needs: [quiet]}",
      "never: {type: probe/probe, needs: [dies]}", options: ["--jobs", "1"])
    let names = ["busy", "quiet", "fails", "dies", "never"]
    let usage = try names.map { try node($0, outcome)["usage"] }
    #expect(usage[4] == .null, "a node that never ran used nothing")
    guard Self.counts else {
      // But for the memory that the supervisor sees.
      #expect(usage.allSatisfy { ($0?["cpu_us"] ?? .null) == .null }, "what isn't counted is absent")
      return
    }
    let times = try usage.prefix(4).map { try #require($0?["cpu_us"]?.integerValue, "\(outcome.output)") }
    #expect(times[0] >= 500_000 && times[2] >= 500_000, "\(times)")
    #expect(times[1] < 250_000, "what the node before used isn't this one's: \(times)")
    #expect(times[3] < 250_000, "\(times)")
  }

  @Test("that scratch was full: which, how large, and that the plugin says so")
  func scratch() throws {
    let code = "with open('/dev/shm/f', 'wb') as file:\n  while True: file.write(bytes(1 << 20))"
    let full = try node("full", try run(Probe.python("full", code)))
    #expect(full["error"]?["class"] == "error")
    #expect(full["error"]?["hint"]?.stringValue?.hasPrefix("/dev/shm is full: it holds 256Mi") == true, "\(full)")
    #expect(
      full["limits_reached"] == [
        ["limit": "scratch", "told_by": "plugin", "path": "/dev/shm", "limit_bytes": 268_435_456]
      ])
  }

  @Test("that a node may open no more files, with the limit")
  func openFiles() throws {
    let leaks = try node("leaks", try run(Probe.python("leaks", "while True: os.open('/dev/null', 0)")))
    #expect(leaks["error"]?["cause"]?.stringValue?.contains("Too many open files") == true, "\(leaks)")
    #expect(leaks["error"]?["hint"]?.stringValue?.hasPrefix("a worker may have 1024 files open") == true)
    #expect(leaks["limits_reached"] == [["limit": "open_files", "told_by": "plugin", "limit_count": 1024]])
  }

  @Test("that a node can start no more threads, with the limit")
  func threads() throws {
    let code = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
    let many = try node("many", try run(Probe.python("many", code)))
    #expect(many["error"]?["hint"]?.stringValue?.contains("may have 512 of them at once") == true, "\(many)")
    #expect(many["limits_reached"]?.arrayValue?.first?["limit"] == "tasks")
  }

  @Test("that a node's deadline passed, and what it had used until then")
  func deadline() throws {
    let late = try node("late", try run("late: {type: probe/probe, with: {do: hang}, timeout: 300ms}"))
    #expect(late["error"]?["class"] == "timeout")
    #expect(late["limits_reached"] == [["limit": "deadline", "told_by": "supervisor", "limit_ms": 300]])
    if Self.counts {
      #expect(late["error"]?["cause"]?.stringValue?.hasSuffix("of processor time until then") == true, "\(late)")
    }
  }
}
