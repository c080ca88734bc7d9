import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel

/// `orchestrator validate`
struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Checks a workflow without running it.",
    discussion: """
      Every problem is told at once, with its line. A plugin that was never seen before is asked for its node types, \
      in a sandbox in which it is granted nothing. Inputs without a default need not be given; those that are given are \
      checked.
      """)

  @OptionGroup var options: WorkflowOptions
  @Option(help: "How to write the result: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    do throws(CommandFailure) {
      let session = try await WorkflowSession(options, jobs: ProcessEnvironment.processorCount, bootstrap)
      let checked = try await session.run { () async throws(CommandFailure) in try await session.outline() }
      try await tell(checked, bootstrap, session.catalog.diagnostics + checked.warnings)
    } catch {
      guard output == .json, !error.diagnostics.isEmpty else { throw error }
      await bootstrap.console.print(Self.json(isValid: false, error.diagnostics, unbound: []).text(.pretty))
      throw CommandFailure(error.status)
    }
  }

  private func tell(
    _ checked: CheckedWorkflow<WorkflowOutline>, _ bootstrap: Bootstrap, _ warnings: [Diagnostic]
  ) async throws(CommandFailure) {
    switch output {
    case .json:
      let unbound = checked.content.unboundInputs
      await bootstrap.console.print(Self.json(isValid: true, warnings, unbound: unbound).text(.pretty))
    case .text:
      await bootstrap.report(warnings, sources: checked.file.sources)
      let count = checked.content.nodeCount
      var result = SafeText.nodes(count)
      let unbound = checked.content.unboundInputs.map(\.text)
      if !unbound.isEmpty { result += "; a run must be given: \(unbound.joined(separator: ", "))" }
      let path = SafeText.line(checked.file.path)
      await bootstrap.console.print("\(bootstrap.console.outputStyle("✓", .good)) \(path) is valid: \(result)")
    }
  }

  private static func json(isValid: Bool, _ diagnostics: [Diagnostic], unbound: [ParameterName]) -> JSONValue {
    .object([
      JSONValue.Member("valid", .bool(isValid)), JSONValue.Member("diagnostics", .array(diagnostics.map(\.json))),
      JSONValue.Member("unbound_inputs", .array(unbound.map { .string($0.text) })),
    ])
  }
}
