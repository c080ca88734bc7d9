import Foundation
import Testing

/// One thing that the hostile plugin tries, and the claim that it tries to break.
struct Attempt: Hashable, Sendable, CustomTestStringConvertible {
  let name: String
  let claim: String
  var testDescription: String { "\(name): \(claim)" }

  /// Starts another program, and so may succeed where `system.exec` is granted.
  var isExecution: Bool { name.hasPrefix("exec-") || name == "run-set-user-id-program" }
}

/// One way for a worker to misbehave.
struct Manner: Hashable, Sendable, CustomTestStringConvertible {
  let name: String
  let description: String
  var testDescription: String { "\(name): \(description)" }
}

/// What the fixtures offer, asked from themselves: an attempt that is added is tested.
enum HostilePlugin {
  static let attempts: [Attempt] = listing("attempts").map { Attempt(name: $0, claim: $1) }
  static let manners: [Manner] = listing("manners").map { Manner(name: $0, description: $1) }

  private static func listing(_ key: String) -> [(String, String)] {
    (listing[key] ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private static let listing: [String: [String: String]] = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [Program.fixtures.appendingPathComponent("hostile/listing.py").path]
    let pipe = Pipe()
    process.standardOutput = pipe
    guard (try? process.run()) != nil else { return [:] }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (try? JSONDecoder().decode([String: [String: String]].self, from: data)) ?? [:]
  }()
}

/// A workflow as JSON, the way a person would write it.
struct WorkflowText {
  var nodes: [String: [String: Any]] = [:]
  var outputs: [String: String] = [:]

  mutating func add(_ name: String, type: String, with parameters: [String: Any] = [:], timeout: String? = nil) {
    var node: [String: Any] = ["type": type, "with": parameters]
    if let timeout { node["timeout"] = timeout }
    nodes[name] = node
    outputs[name] = "\(name).result"
  }

  func write(to scratch: Scratch) throws -> String {
    let object: [String: Any] = [
      "apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": ["name": "hostile"],
      "spec": ["nodes": nodes, "outputs": outputs],
    ]
    let data = try JSONSerialization.data(withJSONObject: object, options: .sortedKeys)
    return try scratch.write(String(decoding: data, as: UTF8.self), to: "workflow.json")
  }
}

/// The result of `orchestrator run --output json`, as far as these tests look.
struct Report {
  let finished: Finished
  let object: [String: Any]

  /// Runs a workflow with the hostile plugin; `grants` are the words after `hostile=`.
  static func run(
    _ workflow: WorkflowText, plugins: URL = Program.fixtures, grants: [String] = [],
    environment: [String: String] = [:], in scratch: Scratch
  ) async throws -> Report {
    let arguments =
      [
        "run", try workflow.write(to: scratch), "--plugins", plugins.path, "--output", "json", "--state-dir",
        scratch.url.appendingPathComponent("state").path,
      ] + grants.flatMap { ["--grant", "hostile=\($0)"] }
    let finished = try await Program.run(
      Program.orchestrator, arguments, environment: environment, in: scratch.url)
    do {
      return Report(finished: finished, object: try finished.json())
    } catch {
      throw Broken("\(error); status \(finished.status); \(finished.errors.prefix(4000))")
    }
  }

  func value(_ output: String) -> Any? {
    let outputs = object["outputs"] as? [String: Any]
    return (outputs?[output] as? [String: Any])?["value"]
  }

  func node(_ name: String) -> [String: Any]? {
    (object["nodes"] as? [[String: Any]])?.first { $0["node"] as? String == name }
  }

  func state(_ name: String) -> String? { node(name)?["state"] as? String }

  /// Class, message and cause of a node's failure.
  func failure(_ name: String) -> (kind: String, text: String)? {
    guard let error = node(name)?["error"] as? [String: Any], let kind = error["class"] as? String else { return nil }
    return (kind, [error["message"], error["cause"]].compactMap { $0 as? String }.joined(separator: ": "))
  }
}
