import Foundation
import PluginModel
import Testing

@Suite("Semaphores")
struct SemaphoreTests {
  private func run(_ semaphores: String, declared: String) throws -> Program.Outcome {
    let directory = try TemporaryDirectory()
    try directory.writeWorkflow(
      (0..<3).map {
        "n\($0): {type: probe/probe, with: {do: sleep, value: 0.3}, resources: {semaphores: \(semaphores)}}"
      })
    try directory.write("system.yaml", "plugins: {scheduler: {semaphores: \(declared)}}\n")
    return try Program.run(
      [
        "run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--config", "system.yaml", "--jobs", "3",
        "--no-cache", "--output", "jsonl",
      ], in: directory)
  }

  /// The most nodes that ran at one time.
  private func most(_ outcome: Program.Outcome) throws -> Int {
    var running = 0
    var most = 0
    for line in outcome.output.split(separator: "\n") {
      let event = try JSONValue(json: String(line))
      guard event["event"] == "node_state", let state = event["state"]?.stringValue else { continue }
      if state == "running" { running += 1 }
      if state == "succeeded" { running -= 1 }
      most = max(most, running)
    }
    return most
  }

  @Test("never more nodes hold units of one than the operator says that there are")
  func counted() throws {
    let outcome = try run("{license:matlab: 1}", declared: "{license:matlab: 1}")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try most(outcome) == 1)
    let two = try run("{license:matlab: 1}", declared: "{license:matlab: 2}")
    #expect(try most(two) == 2)
  }

  @Test(
    "what there isn't is refused at its place, before anything starts",
    arguments: [
      (
        "{license:matlab: 3}", "{license:matlab: 2}",
        "why: this host has 2"
      ),
      ("{license:mathlab: 1}", "{license:matlab: 2}", "did you mean 'license:matlab'?"),
      ("{other: 1}", "{}", "declare it in plugin_system.yaml: plugins: {scheduler: {semaphores: {other: 1}}}"),
      ("{license:matlab: 0}", "{license:matlab: 2}", "from 1 to"),
      ("{Bad name: 1}", "{license:matlab: 2}", "is not a semaphore name"),
      ("[a]", "{license:matlab: 2}", "must be a mapping"),
    ])
  func refused(_ asked: String, _ declared: String, _ expected: String) throws {
    let outcome = try run(asked, declared: declared)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(expected), "\(outcome.errors)")
    #expect(outcome.errors.contains("w.yaml:"))
  }
}
