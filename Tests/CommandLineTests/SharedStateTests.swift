import Foundation
import PluginModel
import Testing

@Suite("A state directory that others use, or that breaks", .serialized)
struct SharedStateTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let arguments = [
    "run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--no-cache", "--output", "json",
  ]

  private func runs() throws -> [JSONValue] {
    let listed = try Program.run(["runs", "list", "--state-dir", "state", "--output", "json"], in: directory)
    #expect(listed.status == 0, "\(listed)")
    return try JSONValue(json: listed.output)["runs"]?.arrayValue ?? []
  }

  @Test("several runs at one time in one state directory don't disturb each other")
  func together() throws {
    try directory.writeWorkflow(
      (0..<6).map { "n\($0): {type: probe/probe, with: {do: blob, value: \(20_000 + $0)}}" }
        + ["size: {type: probe/probe, with: {do: size}, in: {input: n5.output}}"], outputs: "{size: size.output}")
    let running = try (0..<4).map { _ in try Program.start(Self.arguments, in: directory) }
    for one in running {
      let outcome = try one.wait()
      #expect(outcome.status == 0, "\(outcome)")
      let size = try JSONValue(json: outcome.output)["outputs"]?["size"]?.text()
      #expect(size?.contains("20005") == true, "\(outcome.output)")
    }
    let states = try runs().map { $0["state"]?.stringValue }
    #expect(states == Array(repeating: "succeeded", count: 4), "\(states)")
  }

  @Test("a database that is destroyed while a run goes on ends it with an error that names it, and crashes nothing")
  func destroyed() throws {
    try directory.writeWorkflow([
      "first: {type: probe/probe, with: {do: sleep, value: 0.2}}",
      "last: {type: probe/probe, with: {do: sleep, value: 1}, needs: [first]}",
    ])
    let running = try Program.start(
      Self.arguments.map { $0 == "json" ? "jsonl" : $0 }, in: directory)
    try running.wait(for: "\"node\":\"first\"")
    let state = directory.path + "/state"
    for name in try FileManager.default.contentsOfDirectory(atPath: state) where name.hasPrefix("state.sqlite") {
      guard !name.hasSuffix(".lock"), let file = FileHandle(forUpdatingAtPath: "\(state)/\(name)") else { continue }
      let size = try file.seekToEnd()
      try file.seek(toOffset: 0)
      file.write(Data(repeating: 0x5A, count: Int(min(size, 1 << 20))))
      try file.close()
    }
    let outcome = try running.wait()
    #expect(running.process.terminationReason == .exit, "it crashed")
    #expect([0, 2].contains(outcome.status), "\(outcome)")
    if outcome.status == 2 { #expect(outcome.errors.contains("state.sqlite"), "\(outcome)") }
    let after = try Program.run(["runs", "list", "--state-dir", "state"], in: directory)
    #expect(after.status == 2 && after.errors.contains("state.sqlite"), "\(after)")
    #expect(after.errors.contains("hint:"), "\(after)")
  }

  @Test("a second interruption kills what cleans up, and leaves no process")
  func secondInterruption() throws {
    try directory.writeWorkflow([
      "h: {type: probe/probe, with: {do: hang}}",
      "clean: {type: probe/probe, with: {do: hang}, needs: [h], if: always()}",
    ])
    let running = try Program.start(["run", "w.yaml", "--plugins", "probe", "--state-dir", "state"], in: directory)
    try running.wait(for: "▶ h")
    kill(running.process.processIdentifier, SIGINT)
    try running.wait(for: "▶ clean")
    let children = Self.descendants(of: running.process.processIdentifier)
    #expect(!children.isEmpty)
    kill(running.process.processIdentifier, SIGINT)
    let outcome = try running.wait(seconds: 20)
    #expect(outcome.status == 130, "\(outcome)")
    usleep(200_000)
    #expect(children.allSatisfy { kill($0, 0) != 0 }, "something is left")
  }

  private static func descendants(of process: Int32) -> [Int32] {
    let path = "/proc/\(process)/task"
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let children = tasks.flatMap { task -> [Int32] in
      let text = (try? String(contentsOfFile: "\(path)/\(task)/children", encoding: .utf8)) ?? ""
      return text.split(separator: " ").compactMap { Int32($0) }
    }
    return children + children.flatMap(descendants)
  }

  @Test("nodes that each ask for all processors never run beside each other")
  func processors() throws {
    let count = ProcessInfo.processInfo.activeProcessorCount
    try directory.writeWorkflow(
      (0..<3).map {
        "n\($0): {type: probe/probe, with: {do: sleep, value: 0.3}, resources: {cpu: \(count)}}"
      })
    let outcome = try Program.run(
      Self.arguments.map { $0 == "json" ? "jsonl" : $0 } + ["--jobs", "3"], in: directory)
    #expect(outcome.status == 0, "\(outcome)")
    var running = 0
    for line in outcome.output.split(separator: "\n") {
      let event = try JSONValue(json: String(line))
      guard event["event"] == "node_state", let state = event["state"]?.stringValue else { continue }
      if state == "running" { running += 1 }
      if state == "succeeded" { running -= 1 }
      #expect(running <= 1)
    }
  }
}
