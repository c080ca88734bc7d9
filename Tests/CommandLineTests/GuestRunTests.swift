import Foundation
import PluginModel
import Testing

/// Whole runs on a kernel with all of cgroup v2: `deploy/guest` boots one. On other hosts these tests fail, and aren't run.
@Suite("A run on a kernel with all of cgroup v2 tells", .serialized)
struct GuestRuns {
  /// A process under root's tree may stay where it is. Any other needs a group in which it is alone.
  private static let alone =
    geteuid() == 0
    ? []
    : [
      "/bin/sh", "-c",
      "group=/sys/fs/cgroup/delegated/run-$$; mkdir $group && echo $$ >$group/cgroup.procs && exec \"$@\"", "sh",
    ]

  /// A group whose children get processors and tasks to limit, and no memory.
  private static let withoutMemory = [
    "/bin/sh", "-c",
    """
    top=/sys/fs/cgroup; test -d $top/delegated && test -w $top/delegated/cgroup.procs && test $(id -u) != 0 && top=$top/delegated
    echo '+cpu +pids' >$top/cgroup.subtree_control 2>/dev/null
    mkdir $top/few-$$ && echo '+cpu +pids' >$top/few-$$/cgroup.subtree_control && mkdir $top/few-$$/run &&
      echo $$ >$top/few-$$/run/cgroup.procs && exec "$@"
    """, "sh",
  ]

  private func run(
    _ nodes: String..., options: [String] = [], through wrapper: [String] = alone, system: String? = nil
  ) throws -> Program.Outcome {
    let directory = try TemporaryDirectory()
    if let system { try directory.write("system.yaml", system) }
    let profile = try String(contentsOfFile: Program.package + "/profiles/default.yaml", encoding: .utf8)
    try directory.write("few.yaml", profile.replacing("    tasks: 512", with: "    tasks: 24"))
    try directory.writeWorkflow(nodes)
    return try Program.run(
      ["run", "w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state"] + options
        + (system == nil ? [] : ["--config", "system.yaml"]), in: directory, through: wrapper)
  }

  private func node(_ name: String, _ outcome: Program.Outcome) throws -> JSONValue {
    let report = try JSONValue(json: outcome.output)
    let node = report["nodes"]?.arrayValue?.first { $0["node"]?.stringValue == name }
    return try #require(node, "\(outcome.output)\(outcome.errors)")
  }

  private func reached(_ name: String, by node: JSONValue) throws -> JSONValue {
    try #require(
      node["limits_reached"]?.arrayValue?.first { $0["limit"]?.stringValue == name }, "\(node.text(.pretty))")
  }

  @Test("of a node that ran out of memory its limit, its peak and what to write, and lets its neighbour live")
  func memory() throws {
    let outcome = try run(
      Probe.python("hog", "a = bytearray(200 << 20)\nresult = len(a)", ", resources: {memory: 64Mi}"),
      Probe.python("well", "result = 1", ", resources: {memory: 80Mi}"), options: ["--output", "json"])
    #expect(outcome.status == 1, "\(outcome.errors)")
    let hog = try node("hog", outcome)
    #expect(hog["error"]?["class"] == "oom")
    #expect(
      hog["error"]?["cause"]?.stringValue?.hasSuffix("Mi, its limit is 64Mi, asked for by the node") == true, "\(hog)")
    #expect(hog["error"]?["hint"]?.stringValue?.contains("resources: {memory: 128Mi}") == true, "\(hog)")
    let reached = try reached("memory", by: hog)
    #expect(reached["told_by"] == "kernel" && reached["limit_bytes"] == 67_108_864)
    let peak = try #require(reached["memory_peak_bytes"]?.integerValue)
    #expect(peak > 48 << 20 && peak <= 64 << 20)
    #expect(try #require(hog["usage"]?["memory_peak_bytes"]?.integerValue) > 48 << 20, "a failed node's usage is told")
    #expect(try node("well", outcome)["state"] == "succeeded")
  }

  @Test("that a node took more than its plugin estimated, and holds it to that; another attempt has twice as much")
  func estimate() throws {
    let outcome = try run(EstimateTests.greedy("hog", ""), options: ["--output", "json"])
    let hog = try node("hog", outcome)
    #expect(hog["error"]?["class"] == "oom", "\(outcome.output)\(outcome.errors)")
    #expect(hog["error"]?["cause"]?.stringValue?.hasSuffix("Mi, its limit is 256Mi, by its estimate") == true, "\(hog)")
    let reached = try reached("memory", by: hog)
    #expect(reached["told_by"] == "kernel" && reached["limit_bytes"] == 268_435_456, "\(reached)")
    #expect(EstimateTests.attempts(hog) == ["1: 256 estimate"])
    let again = try run(
      EstimateTests.greedy("hog", ", retry: {max: 1, on: [oom]}"),
      EstimateTests.node("next", "result = 1", estimate: "needs(memory_mb=96, cpu_cores=0.5)", ", needs: [hog]"),
      options: ["--output", "json", "--jobs", "1"])
    #expect(again.status == 0, "\(again.output)\(again.errors)")
    #expect(EstimateTests.attempts(try node("hog", again)) == ["1: 256 estimate", "2: 512 retry"])
    #expect(EstimateTests.attempts(try node("next", again)) == ["1: 96 estimate"])
  }

  @Test("nothing of what an operator demands of the kernel and it holds; a run without it doesn't start")
  func required() throws {
    let demands = "plugins: {security: {require: [cgroup, memory, cpu, pids]}}"
    let held = try run(Probe.python("well", "result = 1"), options: ["--output", "json"], system: demands)
    #expect(held.status == 0, "\(held.output)\(held.errors)")
    let limits = try JSONValue(json: held.output)["limits"]
    #expect(
      limits?["memory"] == "kernel" && limits?["cpu"] == "kernel" && limits?["pids"] == "kernel", "\(held.output)")
    let refused = try run(Probe.python("well", "result = 1"), through: Self.withoutMemory, system: demands)
    #expect(refused.status == 3, "\(refused.output)\(refused.errors)")
    #expect(refused.errors.contains("this host's kernel holds no limit of memory, and 'require' demands it"))
    #expect(refused.errors.contains("its cgroup has no controller memory"), "\(refused.errors)")
    #expect(!refused.output.contains("well"))
    let other = try run(
      Probe.python("well", "result = 1"), options: ["--output", "json"], through: Self.withoutMemory,
      system: "plugins: {security: {require: [cpu, pids]}}")
    #expect(other.status == 0, "\(other.output)\(other.errors)")
    let watched = try JSONValue(json: other.output)["limits"]
    #expect(watched?["memory"] == "watched" && watched?["cpu"] == "kernel", "\(other.output)")
  }

  private static let busy = """
    import time
    end = time.monotonic() + 3
    while time.monotonic() < end: pass
    """

  @Test("how much of the time a node was held back by its processors")
  func throttled() throws {
    let nodes = [
      Probe.python("spin", Self.busy, ", resources: {cpu: 0.25}"), Probe.python("idle", "import time; time.sleep(3)"),
    ]
    let outcome = try run(nodes[0], nodes[1], options: ["--output", "json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let spin = try node("spin", outcome)
    guard case .double(let share)? = spin["usage"]?["cpu_throttled_share"] else {
      Issue.record("no share: \(spin)")
      return
    }
    #expect(share > 0.5 && share < 0.9, "\(spin)")
    let reached = try reached("processors", by: spin)
    #expect(reached["told_by"] == "kernel" && reached["limit_processors"] == .double(0.25))
    #expect(reached["cpu_throttled_share"] == .double(share))
    let idle = try node("idle", outcome)
    #expect(idle["limits_reached"] == [])
    #expect(try #require(idle["usage"]?["cpu_us"]?.integerValue) < 1_000_000, "\(idle)")
    let text = try run(nodes[0])
    #expect(text.output.contains("% of the time by its limit of 0.25 processors"), "\(text.output)")
    #expect(text.output.contains(#/✓ spin  \d+\.\d s  peak \d+Mi( of its worker)?  cpu \d\.\d s/#), "\(text.output)")
  }

  @Test("that the kernel refused processes, with the limit")
  func tasks() throws {
    let code = """
      import os, time
      for number in range(100):
        if os.fork() == 0: time.sleep(60); os._exit(0)
      """
    let outcome = try run(Probe.python("bomb", code), options: ["--output", "json", "--profile", "few.yaml"])
    #expect(outcome.status == 1, "\(outcome.errors)")
    let bomb = try node("bomb", outcome)
    #expect(bomb["error"]?["class"] == "error")
    #expect(bomb["error"]?["cause"]?.stringValue?.contains("BlockingIOError") == true)
    #expect(bomb["error"]?["hint"]?.stringValue?.contains("may have 24 of them at once") == true, "\(bomb)")
    let reached = try reached("tasks", by: bomb)
    #expect(reached["told_by"] == "kernel" && reached["limit_count"] == 24, "\(reached)")
    #expect(reached["tasks_refused_count"] == 1, "\(reached)")
  }

  /// The first node's memory is the worker's, and the second one's only where its kernel can't tell them apart.
  @Test("each node's own peak where the kernel can reset it, and otherwise that it is the worker's")
  func peak() throws {
    let outcome = try run(
      Probe.python("first", "a = bytearray(120 << 20)\ndel a"),
      Probe.python("second", "result = 1", ", needs: [first]"),
      options: ["--output", "json", "--jobs", "1"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let first = try node("first", outcome)["usage"]
    let second = try node("second", outcome)["usage"]
    #expect(try #require(first?["memory_peak_bytes"]?.integerValue) > 120 << 20, "\(outcome.output)")
    let peak = try #require(second?["memory_peak_bytes"]?.integerValue)
    if try Self.resetsPeaks() {
      #expect(second?["memory_peak_of"] == "node" && peak < 60 << 20, "\(outcome.output)")
    } else {
      #expect(second?["memory_peak_of"] == "worker" && peak > 120 << 20, "\(outcome.output)")
    }
    #expect(second?["read_bytes"]?.integerValue != nil && second?["memory_pressure_us"]?.integerValue != nil)
  }

  /// Linux 6.12 and later.
  private static func resetsPeaks() throws -> Bool {
    let release = try String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    let parts = release.split(separator: ".").prefix(2).compactMap { Int($0) }
    try #require(parts.count == 2)
    return (parts[0], parts[1]) >= (6, 12)
  }
}
