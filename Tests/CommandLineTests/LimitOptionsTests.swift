import Foundation
import PluginModel
import Testing

/// `--config`, and how its limits meet those of a workflow.
@Suite("The operator's limits", .serialized)
struct LimitOptionsTests {
  private func directory(limits: String, nodes: String, rest: String = "") throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try directory.write("system.yaml", "plugins:\n  directories: [probe]\n  limits: \(limits)\n\(rest)")
    try directory.writeWorkflow(
      nodes.split(separator: "\n").map { String($0.drop { $0 == " " }) }, outputs: "{a: a.output, b: b.output}")
    return directory
  }

  private func orchestrator(_ arguments: String..., in directory: TemporaryDirectory) throws -> Program.Outcome {
    try Program.run(
      arguments + ["--config", "system.yaml", "--state-dir", directory.path + "/state"], in: directory)
  }

  @Test("are in the plan, with their origin")
  func planned() throws {
    let directory = try directory(limits: "{max_memory_mb: 128, max_cpu_percent: 50}", nodes: "")
    let text = try orchestrator("plan", "show", "probe", in: directory)
    #expect(text.status == 0, "\(text.errors)")
    #expect(
      text.output.contains("memory.max        128Mi                      by plugin_system.yaml"), "\(text.output)")
    let plan = try JSONValue(json: try orchestrator("plan", "show", "probe", "--json", in: directory).output)
    let limits = try #require(plan["groupLimits"]?.arrayValue)
    #expect(limits.first { $0["file"] == "cpu.max" }?["value"] == "50000 100000")
    let exported = try JSONValue(json: try orchestrator("plan", "show", "probe", "--oci", in: directory).output)
    #expect(exported["linux"]?["resources"]?["memory"]?["limit"] == 134_217_728)
  }

  @Test("reach the node: each worker is told its own")
  func each() throws {
    let directory = try directory(
      limits: "{max_memory_mb: 400}",
      nodes: """
            a: {type: probe/probe, with: {do: available}, resources: {cpu: 0.25, memory: 100Mi}}
            b: {type: probe/probe, with: {do: available}}
        """)
    let outcome = try orchestrator("run", "w.yaml", "--output", "json", in: directory)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let outputs = try JSONValue(json: outcome.output)["outputs"]
    #expect(outputs?["a"]?["value"] == [.double(0.25), .double(100)], "\(outcome.output)")
    #expect(outputs?["b"]?["value"]?.arrayValue?.last == .double(400), "\(outcome.output)")
  }

  @Test("refuse a node that asks for more before anything runs, with its line", arguments: ["validate", "run"])
  func refused(command: String) throws {
    let directory = try directory(
      limits: "{max_memory_mb: 128, execution_timeout: 60}",
      nodes: """
            a: {type: probe/probe, resources: {memory: 256Mi}}
            b: {type: probe/probe, resources: {memory: 900Ti, cpu: 4000}}
        """)
    let outcome = try orchestrator(command, "w.yaml", in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("w.yaml:7:48: error: the node 'a' asks for 256Mi of memory"), "\(outcome.errors)")
    #expect(outcome.errors.contains("ask for 16Mi to 128Mi"))
    #expect(outcome.errors.contains("w.yaml:8:60: error: the node 'b' asks for 4000 processors"), "\(outcome.errors)")
    #expect(!directory.exists("state/runs"))
  }

  @Test("are a node's deadline where it has none, and the latest that it may have")
  func deadline() throws {
    let slow = try directory(
      limits: "{execution_timeout: 1.5}",
      nodes: """
            a: {type: probe/probe, with: {do: sleep, value: 30}}
            b: {type: probe/probe}
        """)
    let outcome = try orchestrator("run", "w.yaml", "--output", "json", in: slow)
    #expect(outcome.status == 1, "\(outcome.errors)")
    let nodes = try JSONValue(json: outcome.output)["nodes"]?.arrayValue
    #expect(nodes?.first { $0["node"] == "a" }?.text().contains("timeout") == true, "\(outcome.output)")
    let late = try directory(
      limits: "{execution_timeout: 60}",
      nodes: """
            a: {type: probe/probe, timeout: 61s}
            b: {type: probe/probe}
        """)
    let refused = try orchestrator("validate", "w.yaml", in: late)
    #expect(refused.status == 2)
    #expect(
      refused.errors.contains("w.yaml:7:37: error: the node 'a' may not have a timeout of 61s"), "\(refused.errors)")
  }

  @Test("above what the host has are refused in the file where they stand")
  func beyondHost() throws {
    let directory = try directory(limits: "{max_memory_mb: 1073741824, max_cpu_percent: 409600}", nodes: "")
    let outcome = try orchestrator("plan", "show", "probe", in: directory)
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.contains("system.yaml:3:27: error: 'max_memory_mb' is 1048576Gi of memory"), "\(outcome.errors)")
    #expect(
      outcome.errors.contains("system.yaml:3:56: error: 'max_cpu_percent' is 4096 processors"), "\(outcome.errors)")
  }

  @Test("come with the rest of the file: permissions, and what is wrong with it")
  func rest() throws {
    let directory = try directory(
      limits: "{}", nodes: "",
      rest: "  security: {default_permissions: []}\n  registry: {url: \"http://localhost/api\"}\n")
    let outcome = try orchestrator("plan", "show", "probe", in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(!outcome.errors.contains("registry"), "\(outcome.errors)")
    try directory.write("system.yaml", "plugins: {security: {enable_sandboxing: false}}\n")
    let refused = try orchestrator("plan", "show", "probe", in: directory)
    #expect(refused.status == 2)
    #expect(refused.errors.contains("sandboxing can't be turned off"))
    #expect(try Program.run(["plan", "show", "text", "--config", "none.yaml"], in: directory).status == 2)
  }
}
