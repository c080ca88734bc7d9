import ArgumentParser
import LinuxSystem
import PluginModel

/// `orchestrator validate`
struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Checks a workflow without running it.",
    discussion: """
      Every problem is told at once, with its line. A plugin that was never seen before is asked for its node types, \
      in a sandbox in which it is granted nothing.
      """)

  @OptionGroup var options: WorkflowOptions
  @Option(help: "How to write the result: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    do throws(CommandFailure) {
      let session = try await WorkflowSession(options, jobs: ProcessEnvironment.processorCount, bootstrap)
      let checked = try await session.run { () async throws(CommandFailure) in try await session.check() }
      try await tell(checked, bootstrap, session.catalog.diagnostics + checked.warnings)
    } catch {
      guard output == .json, !error.diagnostics.isEmpty else { throw error }
      await bootstrap.console.print(Self.json(isValid: false, error.diagnostics).text(.pretty))
      throw CommandFailure(error.status)
    }
  }

  private func tell(
    _ checked: CheckedWorkflow, _ bootstrap: Bootstrap, _ warnings: [Diagnostic]
  ) async throws(CommandFailure) {
    switch output {
    case .json: await bootstrap.console.print(Self.json(isValid: true, warnings).text(.pretty))
    case .text:
      await bootstrap.report(warnings, sources: [(checked.file.path, checked.file.bytes)])
      let count = checked.graph.nodes.count
      let nodes = count == 1 ? "1 node" : "\(count) nodes"
      let path = SafeText.line(checked.file.path)
      await bootstrap.console.print("\(bootstrap.console.outputStyle("✓", .good)) \(path) is valid: \(nodes)")
    }
  }

  private static func json(isValid: Bool, _ diagnostics: [Diagnostic]) -> JSONValue {
    .object([
      JSONValue.Member("valid", .bool(isValid)), JSONValue.Member("diagnostics", .array(diagnostics.map(\.json))),
    ])
  }
}
