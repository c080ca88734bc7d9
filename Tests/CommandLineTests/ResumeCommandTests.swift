import Foundation
import PluginModel
import Testing

@Suite("A run that was cut off or failed", .serialized)
struct ResumeCommandTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func orchestrator(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(arguments + ["--state-dir", "state"], in: directory)
  }

  private func json(_ arguments: String...) throws -> JSONValue {
    let outcome = try Program.run(arguments + ["--output", "json", "--state-dir", "state"], in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try JSONValue(json: outcome.output)
  }

  private static func arguments(_ state: String) -> [String] {
    ["run", "w.yaml", "--plugins", "probe", "--state-dir", state, "--no-cache", "--jobs", "3", "--output", "jsonl"]
  }

  /// Small values and large ones, a failure that is tried again, a matrix.
  private func writeLongWorkflow() throws {
    let again =
      "import os, time; time.sleep(0.1); (time.sleep(0.1), os._exit(3)) if not os.path.exists('/tmp/x') and False else None; "
      + "result = 'again'"
    try directory.writeWorkflow(
      [
        "a: {type: probe/probe, with: {do: sleep, value: 0.2}}",
        "big: {type: probe/probe, with: {do: blob, value: 40000}}",
        "size: {type: probe/probe, with: {do: size}, in: {input: big.output}}",
        Probe.python("b", "import time; time.sleep(0.3); result = [1.5, 'x']", ", needs: [a]"),
        Probe.python("again", again, ", needs: [a], retry: {max: 2}"),
        "m: {type: probe/probe, matrix: {n: [1, 2, 3]}, with: {do: sleep, value: \"${{ 0.1 * matrix.n }}\"}, needs: [b]}",
        "last: {type: probe/probe, with: {do: echo}, in: {input: b.output}, needs: [m, again, size]}",
      ], outputs: "{r: last.output, size: size.output, big: big.output, m: m.output}")
  }

  private static func report(_ outcome: Program.Outcome) throws -> JSONValue {
    let last = try #require(outcome.output.split(separator: "\n").last)
    return try #require(try JSONValue(json: String(last))["report"])
  }

  private static func started(_ outcome: Program.Outcome) throws -> Set<String> {
    Set(
      try outcome.output.split(separator: "\n").compactMap { line in
        let event = try JSONValue(json: String(line))
        return event["state"] == "running" ? event["node"]?.stringValue : nil
      })
  }

  @Test(
    "killed at any moment it goes on, ends in the same, and runs nothing again that had succeeded",
    arguments: [0.15, 0.35, 0.6, 0.9, 1.2, 1.5])
  func killed(_ seconds: Double) throws {
    try writeLongWorkflow()
    let whole = try Program.run(Self.arguments("other"), in: directory)
    #expect(whole.status == 0, "\(whole.errors)")
    let running = try Program.start(Self.arguments("state"), in: directory)
    try running.wait(for: "run_started")
    usleep(UInt32(seconds * 1_000_000))
    kill(running.process.processIdentifier, SIGKILL)
    running.process.waitUntilExit()

    let listed = try json("runs", "list")["runs"]?.arrayValue?.first
    guard listed?["state"] != "succeeded" else { return }
    #expect(listed?["state"] == "cutOff")
    let nodes = try json("runs", "show")["nodes"]?.arrayValue ?? []
    let ended = Set(nodes.filter { $0["state"] == "succeeded" }.compactMap { $0["node"]?.stringValue })
    let resumed = try orchestrator("runs", "resume")
    #expect(resumed.status == 0, "\(resumed.errors)\(resumed.output)")
    #expect(try Self.started(resumed).isDisjoint(with: ended))
    #expect(try Self.report(resumed)["outputs"] == Self.report(whole)["outputs"])
    #expect(try json("runs", "show")["state"] == "succeeded")
  }

  @Test("that still runs is nobody else's: not to go on with, not to remove; it can be ended, and then removed")
  func running() throws {
    try directory.writeWorkflow(["h: {type: probe/probe, with: {do: hang}}"])
    let running = try Program.start(
      ["run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--keep"], in: directory)
    try running.wait(for: "▶ h")
    let number = running.process.processIdentifier
    #expect(try json("runs", "list")["runs"]?.arrayValue?.first?["state"] == "running")
    for command in ["resume", "rm"] {
      let refused = try orchestrator("runs", command, "2")
      #expect(refused.status == 2)
      #expect(refused.errors.contains("is still running"), "\(refused.errors)")
      #expect(refused.errors.contains("the process \(number) carries it out"), "\(refused.errors)")
    }
    #expect(running.process.isRunning)
    let cancelled = try orchestrator("runs", "cancel")
    #expect(cancelled.status == 0, "\(cancelled.errors)")
    #expect(try running.wait().status == 130)
    #expect(try json("runs", "list")["runs"]?.arrayValue?.first?["state"] == "interrupted")
    let again = try orchestrator("runs", "cancel")
    #expect(again.status == 2 && again.errors.contains("isn't running"))
    let runs = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs")
    #expect(runs.count == 1)
    #expect(try orchestrator("runs", "rm", runs[0]).status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs") == [])
    #expect(try orchestrator("runs", "show").errors.contains("there is no run in"))
  }

  @Test("goes on by run --resume only where nothing has changed, and says what has")
  func changed() throws {
    func write(_ extra: String = "") throws {
      try directory.write(
        "w.yaml",
        """
        apiVersion: orchestrator/v1
        kind: Workflow
        metadata: {name: sample}
        spec:
          inputs: {text: {type: string, default: x}}
          nodes:
            a: {type: probe/probe, with: {do: echo, value: "${{ inputs.text }}"}}
            f: {type: probe/probe, with: {do: python, value: "result = (workspace / 'there').read_text()"}, needs: [a]}
        \(extra)
        """)
    }
    try Probe.copy(to: directory)
    try write()
    try directory.write("work/other", "")
    func run(_ extra: String...) throws -> Program.Outcome {
      try Program.run(
        ["run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--workspace", "work", "--resume"] + extra,
        in: directory)
    }
    let first = try run()
    #expect(first.status == 1, "none is there yet: a new one begins")
    #expect(first.errors.contains("orchestrator runs resume"), "\(first.errors)")
    let inputs = try run("--input", "text=y")
    #expect(inputs.status == 2 && inputs.errors.contains("its inputs changed since it began"), "\(inputs.errors)")
    try write("# a comment")
    let workflow = try run()
    #expect(workflow.status == 2 && workflow.errors.contains("the workflow changed since it began"))
    try write()
    let code = try directory.read("probe/probe.py")
    try directory.write("probe/probe.py", code + "\n# changed\n")
    let plugin = try run()
    #expect(
      plugin.status == 2 && plugin.errors.contains("the plugin 'probe' changed since it began"), "\(plugin.errors)")
    try directory.write("probe/probe.py", code)
    let elsewhere = try Program.run(
      ["run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--workspace", "elsewhere", "--resume"],
      in: directory)
    #expect(elsewhere.status == 2 && elsewhere.errors.contains("another workspace"), "\(elsewhere.errors)")
    try directory.write("work/there", "content")
    let second = try run()
    #expect(second.status == 0, "\(second.errors)")
    #expect(!second.output.contains("▶ a"), "it had succeeded")
    #expect(try json("runs", "list")["runs"]?.arrayValue?.count == 1)
    #expect(try run().status == 0, "the last one has succeeded: another begins")
    #expect(try json("runs", "list")["runs"]?.arrayValue?.count == 2)
  }

  @Test("cleans up after an interruption where a condition says so")
  func cleanup() throws {
    try directory.writeWorkflow([
      "h: {type: probe/probe, with: {do: hang}}",
      "never: {type: probe/probe, needs: [h]}",
      "clean: {type: probe/probe, with: {do: echo, value: 1}, needs: [never], if: always()}",
    ])
    let running = try Program.start(["run", "w.yaml", "--plugins", "probe", "--state-dir", "state"], in: directory)
    try running.wait(for: "▶ h")
    kill(running.process.processIdentifier, SIGINT)
    let outcome = try running.wait()
    #expect(outcome.status == 130)
    #expect(outcome.output.contains("✓ clean"), "\(outcome.output)")
    #expect(!outcome.output.contains("▶ never"))
  }

  @Test("prints what its nodes said")
  func logs() throws {
    try directory.writeWorkflow([
      Probe.python("a", "print('one'); context.log('two', level='warning')"), Probe.python("b", "print('three')"),
    ])
    #expect(
      try Program.run(["run", "w.yaml", "--plugins", "probe", "--state-dir", "state"], in: directory).status == 0)
    let all = try orchestrator("runs", "logs")
    #expect(Set(all.output.split(separator: "\n")) == ["a | one", "a | warning: two", "b | three"], "\(all.output)")
    #expect(try orchestrator("runs", "logs", "last", "b").output == "b | three\n")
  }

  /// Runs `script`, in which `"$@"` is the program, with a disk of so many KiB at `small`.
  private func onDisk(_ kibibytes: Int, _ script: String) throws -> Program.Outcome {
    let mounted = "mkdir -p small && mount -t tmpfs -o size=\(kibibytes)k none small && "
    // Who isn't root mounts it as root of a namespace, where the program would take itself for root: it starts in another.
    let own = ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c"]
    let ordinary = "exec unshare --user --map-user=1000 --map-group=1000 /bin/sh -c '\(script)' sh \"$@\""
    return try Program.run(
      [], in: directory,
      through: geteuid() == 0
        ? ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", mounted + "{ \(script); }", "sh"]
        : own + [mounted + ordinary, "sh"])
  }

  @Test("a result that the disk has no space for fails its node, and says how to mend it; the others are kept")
  func full() throws {
    try directory.writeWorkflow([
      "a: {type: probe/probe, with: {do: blob, value: 20000}}",
      // Once all before it is written down, which takes space of that disk, too.
      "b: {type: probe/probe, with: {do: python, value: \"import time; time.sleep(1); result = bytes(8000000)\"}, needs: [a]}",
    ])
    let outcome = try onDisk(
      4096,
      """
      "$@" run w.yaml --plugins probe --state-dir small/state --output json; echo "status $?" >&2
      "$@" runs show --state-dir small/state >&2
      """)
    #expect(outcome.errors.contains("status 1"), "\(outcome.errors)")
    let report = try JSONValue(json: outcome.output)
    let error = report["nodes"]?.arrayValue?.last?["error"]
    #expect(error?["cause"]?.stringValue?.contains("no space left") == true, "\(report.text())")
    #expect(error?["hint"]?.stringValue?.contains("make space") == true)
    #expect(outcome.errors.contains("✓ a succeeded"), "\(outcome.errors)")
  }
}
