import ArgumentParser
import LinuxSystem
import PluginModel

/// `orchestrator convert`
struct ConvertCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Makes React Flow's JSON of a workflow, or a workflow of React Flow's JSON.",
    discussion: """
      Nothing is lost on the way there and back: what the one form has no place for travels in a place of its own in the other. \
      Comments of a YAML file do, and so does how it was laid out. A workflow is written as YAML into a file that ends in .yaml or \
      .yml, otherwise as JSON, which is YAML too. Neither plugins nor a sandbox are needed; whether the workflow can be run is what \
      orchestrator validate says.

      Examples:
        orchestrator convert pipeline.yaml --to react-flow --out flow.json
        orchestrator convert flow.json --to workflow --out pipeline.yaml
      """)

  enum Form: String, CaseIterable, ExpressibleByArgument, Sendable {
    case reactFlow = "react-flow"
    case workflow
  }

  @Argument(help: "The file to read: a workflow as YAML or JSON, or React Flow's JSON.") var file: String
  @Option(help: "What to make of it: react-flow or workflow.") var to: Form
  @Option(help: ArgumentHelp("The file to write. Default: standard output.", valueName: "file")) var out: String?
  @Flag(help: "Let --out replace a file.") var force = false

  func validate() throws {
    if force, out == nil { throw ValidationError("--force goes with --out.") }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    let target: NewFile? =
      if let out { try await NewFile(out, option: "--out", replaces: force, bootstrap) } else { nil }
    let bytes = try await bootstrap.contents(file, limit: DocumentLimits.file.maximumBytes)
    let made: JSONValue
    var warnings: [Diagnostic] = []
    do throws(Diagnostics) {
      switch to {
      case .reactFlow: made = try ReactFlow.flow(of: document(bytes))
      case .workflow:
        let imported = try ReactFlow.workflow(from: bytes, file: file, name: Self.workflowName(ofFile: file))
        (made, warnings) = (imported.document, imported.warnings)
      }
    } catch {
      throw CommandFailure(.invalidInput, error.items, sources: [(file: file, bytes: bytes)])
    }
    await bootstrap.report(warnings)
    let isYAML = to == .workflow && out.map { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") } == true
    let text = isYAML ? made.yaml() : made.text(.pretty) + "\n"
    guard let target else { return await bootstrap.console.printRaw(text) }
    try await target.write(text)
  }

  private func document(_ bytes: [UInt8]) throws(Diagnostics) -> JSONValue {
    switch DocumentSyntax(file: file) {
    case .json: try DocumentNode(json: bytes, file: file).jsonValue
    case .yaml: try DocumentNode(yaml: bytes, file: file).jsonValue
    }
  }

  /// Of a flow that brings none: what its file is called, as far as a workflow may be called so.
  static func workflowName(ofFile path: String) -> String {
    let name = path.directoryAndName.name.prefix { $0 != "." }
    let bytes = name.utf8.prefix(64).map {
      $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "-") ? $0 : UInt8(ascii: "_")
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return NodeName.accepts(text) ? text : "imported"
  }
}
