import Foundation
import PluginModel
import Testing

/// The same wherever the kernel holds limits and where the supervisor watches them: only who did it is told otherwise.
@Suite("Limits, whoever holds them,", .serialized)
struct WatchedLimitTests {
  private static let hog = "a = bytearray(200 << 20); a[::4096] = b'x' * len(a[::4096]); import time; time.sleep(20)"

  private func directory(_ security: String = "{}") throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try directory.write("system.yaml", "plugins: {directories: [probe], security: \(security)}")
    try directory.writeWorkflow([
      Probe.python("hog", Self.hog, ", resources: {memory: 64Mi}"),
      "well: {type: probe/probe, with: {do: sleep, value: 1}}",
    ])
    return directory
  }

  private func orchestrator(_ arguments: String..., in directory: TemporaryDirectory) throws -> Program.Outcome {
    try Program.run(
      arguments + ["--config", "system.yaml", "--state-dir", directory.path + "/state"], in: directory)
  }

  /// What doctor says of this host.
  private func isEnforced(in directory: TemporaryDirectory) throws -> Bool {
    let doctor = try JSONValue(json: try Program.run(["doctor", "--output", "json"], in: directory).output)
    let features = try #require(doctor["features"]?.arrayValue)
    let cgroup = try #require(features.first { $0["feature"] == "cgroup v2" })
    let isEnforced = cgroup["status"] == "ok"
    #expect(isEnforced || cgroup["detail"]?.text().contains("the supervisor watches the limits of") == true)
    return isEnforced
  }

  @Test("end the node that takes more memory than it may, and no other; the report says who watched")
  func memory() throws {
    let directory = try directory()
    let outcome = try orchestrator("run", "w.yaml", "--output", "json", in: directory)
    #expect(outcome.status == 1, "\(outcome.errors)")
    let report = try JSONValue(json: outcome.output)
    let nodes = try #require(report["nodes"]?.arrayValue)
    let hog = nodes.first { $0["node"] == "hog" }
    #expect(hog?["error"]?["class"] == "oom", "\(outcome.output)")
    #expect(hog?["error"]?["cause"]?.text().contains("its limit is 64Mi") == true, "\(outcome.output)")
    #expect(nodes.first { $0["node"] == "well" }?["state"] == "succeeded")
    let isEnforced = try isEnforced(in: directory)
    if isEnforced {
      for name in ["memory", "cpu", "pids"] { #expect(report["limits"]?[name] == "kernel", "\(outcome.output)") }
    } else {
      #expect(report["limits"]?["memory"] == "watched", "\(outcome.output)")
    }
    let reached = hog?["limits_reached"]?.arrayValue?.first
    #expect(reached?["told_by"] == (isEnforced ? "kernel" : "supervisor") && reached?["limit_bytes"] == 67_108_864)
    #expect(hog?["usage"]?["memory_peak_by"] == (isEnforced ? "kernel" : "supervisor"), "\(outcome.output)")
    #expect(try #require(hog?["usage"]?["memory_peak_bytes"]?.integerValue) > 48 << 20)
    let devices = try #require(report["limits"]?["devices"]?.stringValue)
    let plan = try JSONValue(json: try orchestrator("plan", "show", "probe", "--json", in: directory).output)
    #expect(plan["devices"]?["enforcement"]?.stringValue == devices, "what keeps devices out is what the plan said")
    let text = try orchestrator("run", "w.yaml", in: directory)
    #expect(text.errors.contains("watched by the supervisor, not held by this kernel") == !isEnforced, "\(text.errors)")
  }

  @Test("are the kernel's, or nothing starts, where the operator demands it", arguments: ["run", "plan"])
  func required(command: String) throws {
    let directory = try directory("{require: [cgroup]}")
    let arguments = command == "run" ? ["run", "w.yaml"] : ["plan", "show", "probe"]
    let outcome = try Program.run(
      arguments + ["--config", "system.yaml", "--state-dir", directory.path + "/state"], in: directory)
    if try isEnforced(in: directory) {
      #expect(outcome.status == (command == "run" ? 1 : 0), "\(outcome.errors)")
    } else {
      #expect(outcome.status == 3, "\(outcome.errors)")
      #expect(
        outcome.errors.contains("system.yaml:1:54: error: this host's kernel holds no limit of"), "\(outcome.errors)")
      #expect(outcome.errors.contains("Delegate=yes"))
      #expect(!outcome.output.contains("hog"))
    }
  }
}
