import Foundation
import PluginModel
import Testing

/// Whoever holds limits here: the kernel, or the supervisor.
@Suite("What a plugin estimates", .serialized)
struct EstimateTests {
  static let hog = """
    a = bytearray(400 << 20)
    for i in range(0, len(a), 4096): a[i] = 1
    import time
    time.sleep(1.5)
    result = len(a)
    """

  /// A node that estimates 256 MB and takes 400.
  static func greedy(_ name: String, _ rest: String) -> String {
    node(name, Self.hog, estimate: "needs(memory_mb=256)", rest)
  }

  /// A node that runs `code` and whose estimate is an expression.
  static func node(_ name: String, _ code: String, estimate: String, _ rest: String = "") -> String {
    let quoted = code.replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
    return "\(name): {type: probe/probe, with: {do: python, value: \"\(quoted)\", estimate: \"\(estimate)\"}\(rest)}"
  }

  private func run(
    _ nodes: String..., system: String = "plugins: {directories: [probe]}", options: [String] = ["--output", "json"]
  ) throws -> Program.Outcome {
    let directory = try TemporaryDirectory()
    try directory.write("system.yaml", system)
    try directory.writeWorkflow(nodes)
    return try Program.run(
      ["run", "w.yaml", "--config", "system.yaml", "--state-dir", directory.path + "/state"] + options, in: directory)
  }

  private func node(_ name: String, _ outcome: Program.Outcome) throws -> JSONValue {
    let nodes = try JSONValue(json: outcome.output)["nodes"]?.arrayValue
    return try #require(nodes?.first { $0["node"]?.stringValue == name }, "\(outcome.output)\(outcome.errors)")
  }

  /// Mebibytes and who decided, of each attempt.
  static func attempts(_ node: JSONValue) -> [String] {
    (node["limits"]?.arrayValue ?? []).map { limits in
      let memory = limits["memory_bytes"]?.integerValue.map { "\($0 >> 20)" } ?? "none"
      return "\(limits["attempt"]?.text() ?? "?"): \(memory) \(limits["memory_by"]?.stringValue ?? "nobody")"
    }
  }

  @Test("is the limit: a node that takes more is stopped, and told whose word that was")
  func enforced() throws {
    let hog = try node("hog", try run(Self.greedy("hog", ", retry: {max: 2, on: [crash]}")))
    #expect(hog["state"] == "failed" && hog["attempts"] == 1, "\(hog)")
    #expect(hog["error"]?["class"] == "oom")
    #expect(hog["error"]?["cause"]?.text().contains("its limit is 256Mi") == true, "\(hog)")
    #expect(hog["error"]?["cause"]?.text().contains("by its estimate") == true, "\(hog)")
    #expect(hog["error"]?["hint"]?.text().contains("retry: {max: 1, on: [oom]}") == true, "\(hog)")
    #expect(Self.attempts(hog) == ["1: 256 estimate"])
  }

  @Test("is raised for another attempt where the workflow says so, and the report says to how much")
  func retried() throws {
    let outcome = try run(Self.greedy("hog", ", retry: {max: 1, on: [oom]}"))
    let hog = try node("hog", outcome)
    #expect(hog["state"] == "succeeded" && hog["attempts"] == 2, "\(hog)\(outcome.errors)")
    #expect(Self.attempts(hog) == ["1: 256 estimate", "2: 512 retry"], "\(hog)")
    let text = try run(Self.greedy("hog", ", retry: {max: 1, on: [oom]}"), options: [])
    #expect(text.output.contains("↻ hog: the worker ran out of memory; again in 0.2 s with 512Mi of memory"))
    #expect(
      text.output.contains(
        "hog had memory in its attempts: 256Mi, by its estimate; then 512Mi, raised because the attempt before ran out"),
      "\(text.output)\(text.errors)")
  }

  @Test("is raised to the operator's ceiling and no further: what would be no different isn't run again")
  func exhausted() throws {
    let hog = try node(
      "hog",
      try run(
        Self.greedy("hog", ", retry: {max: 9, on: [oom]}"),
        system: "plugins: {directories: [probe], limits: {max_memory_mb: 300}}"))
    #expect(hog["state"] == "failed" && hog["attempts"] == 2, "\(hog)")
    #expect(Self.attempts(hog) == ["1: 256 estimate", "2: 300 retry"], "\(hog)")
    #expect(
      hog["error"]?["hint"]?.text().contains("it isn't run again: 300Mi is the most memory that a node can have")
        == true,
      "\(hog)")
  }

  @Test("above what the operator allows fails the node before it runs")
  func refused() throws {
    let outcome = try run(
      Self.node("hog", "open(workspace / 'ran', 'w')", estimate: "needs(memory_mb=400)"),
      Self.node("well", "result = 1", estimate: "needs(memory_mb=128)"),
      system: "plugins: {directories: [probe], limits: {max_memory_mb: 300}}")
    #expect(outcome.status == 1, "\(outcome.errors)")
    let hog = try node("hog", outcome)
    #expect(hog["error"]?["message"] == "the node can't have what its plugin estimates that it needs", "\(hog)")
    #expect(
      hog["error"]?["cause"]?.text().contains("estimates that it needs 400Mi of memory: the operator allows 300Mi")
        == true, "\(hog)")
    #expect(try node("well", outcome)["state"] == "succeeded")
  }

  @Test("gives way to the workflow's word, and to the plugin's where it estimates nothing")
  func precedence() throws {
    let outcome = try run(
      Self.node("named", "result = 1", estimate: "needs(memory_mb=256, cpu_cores=0.5)", ", resources: {memory: 96Mi}"),
      Self.node("estimated", "result = 1", estimate: "needs(memory_mb=128, cpu_cores=0.5)"),
      Self.node("silent", "result = 1", estimate: "None"),
      Self.node("whole", "result = 1", estimate: "1/0", ", resources: {memory: 96Mi, cpu: 0.5}"))
    let named = try node("named", outcome)
    #expect(Self.attempts(named) == ["1: 96 node"], "\(outcome.output)")
    #expect(named["limits"]?.arrayValue?.first?["processors_by"] == "estimate")
    let estimated = try node("estimated", outcome)
    #expect(Self.attempts(estimated) == ["1: 128 estimate"])
    #expect(estimated["limits"]?.arrayValue?.first?["processors"] == .double(0.5))
    #expect(Self.attempts(try node("silent", outcome)) == ["1: 512 profile"])
    #expect(try node("whole", outcome)["state"] == "succeeded", "it isn't asked where the workflow says it all")
  }

  @Test("is of one call: the next one of the same worker has its own")
  func nextCall() throws {
    let outcome = try run(
      Self.node("small", "result = os.getpid()", estimate: "needs(memory_mb=64)"),
      Self.node(
        "large", "import time\na = bytearray(b'x') * (300 << 20)\ntime.sleep(0.5)",
        estimate: "needs(memory_mb=400)", ", needs: [small]"),
      Self.node("plain", "result = 1", estimate: "None", ", needs: [large]"),
      options: ["--output", "json", "--jobs", "1"])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(Self.attempts(try node("small", outcome)) == ["1: 64 estimate"])
    #expect(Self.attempts(try node("large", outcome)) == ["1: 400 estimate"])
    #expect(Self.attempts(try node("plain", outcome)) == ["1: 512 profile"])
  }

  @Test(
    "that is no amount is the plugin's error, before the node runs",
    arguments: [
      ("needs(memory_mb=-1)", "memory_mb must be a whole number from 0, not -1"),
      ("needs(memory_mb=1e30)", "memory_mb must be a whole number from 0"),
      ("needs(cpu_cores=float('nan'))", "cpu_cores must be a number from 0, not nan"),
      ("7", "expected a ResourceRequirement"),
      ("1/0", "ZeroDivisionError"), ("needs(memory_mb=2**52)", "'memory_mb' must be from 0 to 1073741824"),
    ])
  func invalid(_ expression: String, why: String) throws {
    let outcome = try run(Self.node("n", "open(workspace / 'ran', 'w')", estimate: expression))
    #expect(outcome.status == 1, "\(outcome.errors)")
    let error = try node("n", outcome)["error"]
    #expect(error?["class"] == "error")
    #expect(error?["cause"]?.text().contains(why) == true, "\(outcome.output)")
  }

  @Test("that doesn't come is not waited for beyond the node's timeout, and ends with its worker where that dies")
  func late() throws {
    let late = try node("n", try run(Self.node("n", "result = 1", estimate: "time.sleep(60)", ", timeout: 500ms")))
    #expect(late["error"]?["class"] == "timeout", "\(late)")
    #expect(late["error"]?["message"]?.text().contains("did not estimate within 500 ms") == true, "\(late)")
    let dead = try node("n", try run(Self.node("n", "result = 1", estimate: "os._exit(3)")))
    #expect(dead["error"]?["class"] == "crash", "\(dead)")
  }

  @Test("what nodes of a type used in earlier runs is a suggestion in the report of a later one, and no limit")
  func earlierRuns() throws {
    let directory = try TemporaryDirectory()
    try directory.write("system.yaml", "plugins: {directories: [probe]}")
    // Long enough to be looked at where no kernel counts.
    try directory.writeWorkflow([
      "a: {type: probe/probe, with: {do: python, value: \"import time; time.sleep(1); result = 1\"}, resources: {memory: 4Gi}}"
    ])
    for run in 1...5 {
      let outcome = try Program.run(
        [
          "run", "w.yaml", "--config", "system.yaml", "--state-dir", "state", "--no-cache", "--report", "r.html",
          "--output", "json",
        ], in: directory)
      #expect(outcome.status == 0, "\(outcome)")
      let page = try directory.read("r.html")
      let told = page.contains("asks for 4096Mi") && page.contains("in 5 runs")
      #expect(told == (run == 5), "after \(run) runs")
      let held = try node("a", outcome)["limits_held"]?.text() ?? outcome.output
      #expect(held.contains("4294967296"))
    }
  }
}
