import PluginModel
import Testing

/// Limits that mean nothing, wherever a person may write one.
@Suite("Limits in files")
struct LimitReadingTests {
  static let absurd = ["0", "-1", "1e30", ".nan", ".inf", "many", "[1]", "true", "\"\"", "99999999999999999999"]
  static let absurdMemory = [
    "0", "0Mi", "-1Mi", "1e30", "1e30Mi", ".nan", "512", "512Mo", "512 Mi", "1Ki", "99999999999Ti", "[1Gi]", "0.5Gi",
  ]

  private func report(_ body: () throws(Diagnostics) -> Void) -> [Diagnostic] {
    do throws(Diagnostics) {
      try body()
      return []
    } catch {
      return error.items
    }
  }

  /// All at that line, and one with the range: where YAML itself refuses a number, that is told too.
  private func expectRefusal(_ problems: [Diagnostic], line: Int, range: String, _ text: String) throws {
    #expect(!problems.isEmpty && problems.allSatisfy { $0.location?.line == line }, "\(text): \(problems)")
    #expect(problems.contains { $0.description.contains(range) }, "\(text): \(problems)")
  }

  private func workflow(_ resources: String) throws(Diagnostics) -> Workflow {
    try Workflow(
      bytes: Array(
        """
        apiVersion: orchestrator/v1
        kind: Workflow
        metadata: {name: w}
        spec:
          nodes:
            a:
              type: demo/source
              resources:
                \(resources)
        """.utf8), file: "w.yaml")
  }

  private func system(_ limits: String) throws(Diagnostics) -> SystemConfiguration {
    try SystemConfiguration(yaml: Array("plugins:\n  limits:\n    \(limits)\n".utf8), file: "s.yaml")
  }

  @Test("of memory in a workflow are refused when absurd", arguments: absurdMemory)
  func workflowMemory(_ text: String) throws {
    let problem = report { () throws(Diagnostics) in _ = try workflow("memory: \(text)") }
    try expectRefusal(problem, line: 9, range: "from 16Mi to 1024Ti", text)
  }

  @Test("of processors in a workflow are refused when absurd", arguments: absurd)
  func workflowProcessors(_ text: String) throws {
    let problem = report { () throws(Diagnostics) in _ = try workflow("cpu: \(text)") }
    try expectRefusal(problem, line: 9, range: "from 0.01 to 4096", text)
  }

  @Test("of memory in plugin_system.yaml are refused when absurd", arguments: absurd + ["0.5", "512Mi", "15"])
  func systemMemory(_ text: String) throws {
    let problem = report { () throws(Diagnostics) in _ = try system("max_memory_mb: \(text)") }
    try expectRefusal(problem, line: 3, range: "from 16 to 1073741824", text)
  }

  @Test("of processors in plugin_system.yaml are refused when absurd", arguments: absurd + ["50%", "0.5"])
  func systemProcessors(_ text: String) throws {
    let problem = report { () throws(Diagnostics) in _ = try system("max_cpu_percent: \(text)") }
    try expectRefusal(problem, line: 3, range: "from 1 to 409600", text)
  }

  @Test("of time in plugin_system.yaml are refused when absurd", arguments: absurd + ["60s"])
  func systemTimeout(_ text: String) throws {
    let problem = report { () throws(Diagnostics) in _ = try system("execution_timeout: \(text)") }
    try expectRefusal(problem, line: 3, range: "from 0.001 to 31622400", text)
  }

  @Test("are read with the place where each is written")
  func places() throws {
    let read = try workflow("memory: 1Gi\n        cpu: 0.5")
    let resources = try #require(read.nodes.first?.resources?.value)
    #expect(resources.memoryMB == 1024 && resources.cpuCores == 0.5)
    #expect(resources.locations[.memory]?.line == 9)
    #expect(resources.locations[.cpu]?.line == 10)
  }
}
