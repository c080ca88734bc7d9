import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin nodes`
struct PluginNodesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nodes", abstract: "Lists the node types that workflows can use.",
    discussion: """
      Of the plugins that can be found, those that count. A plugin that was never asked is asked for its node types, in a \
      sandbox in which it is granted nothing.
      """)

  @Option(help: "Only node types of this category.") var category: String?
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions
  @Option(help: "How to write the list: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system)
    let catalog = try await bootstrap.catalog(plugins, system, state: state)
    let loaded = try await bootstrap.specifications(of: catalog, sandbox, system, state: try bootstrap.state(state))
    let all = catalog.availableNodes(loaded.specifications)
    let nodes = catalog.availableNodes(loaded.specifications, category: category)
    switch output {
    case .json:
      let listed: JSONValue = ["nodes": .array(nodes.map(Self.json))]
      await bootstrap.console.print(listed.text(.pretty))
    case .text:
      for line in Self.lines(nodes, style: bootstrap.console.outputStyle) { await bootstrap.console.print(line) }
      if let category, nodes.isEmpty {
        let known = Set(all.map(\.specification.category)).sorted()
        await bootstrap.report([
          Diagnostic(
            "there are no node types of the category \(category.quoted)",
            hint: Suggestion.hint(for: category, among: known), severity: .warning)
        ])
      }
      await bootstrap.report(system.warnings + catalog.diagnostics)
    }
    await bootstrap.report(loaded.diagnostics)
    if loaded.isSandboxMissing { throw CommandFailure(.sandboxUnavailable) }
  }

  private static func lines(_ nodes: [AvailableNode], style: Style) -> [String] {
    let widths = (
      nodes.map { SafeText.width($0.type) }.max() ?? 0,
      min(24, nodes.map { SafeText.width(SafeText.line($0.specification.category)) }.max() ?? 0)
    )
    return nodes.map { node in
      let specification = node.specification
      let category = SafeText.pad(SafeText.line(specification.category), columns: widths.1)
      return "\(style(SafeText.pad(node.type, columns: widths.0), .accent))  \(category)  "
        + SafeText.line(specification.description, limit: 200)
    }
  }

  /// The specification of the node type, and which plugin has it.
  static func json(_ node: AvailableNode) -> JSONValue {
    guard case .object(let members) = node.specification.jsonValue else { return .null }
    return .object(
      [
        JSONValue.Member("type", .string(node.type)), JSONValue.Member("plugin", .string(node.plugin.text)),
        JSONValue.Member("version", .string(node.version.description)),
      ] + members)
  }
}

extension Bootstrap {
  /// What the plugins of a catalog have told, or tell now, each in a sandbox in which it is granted nothing.
  /// - Parameter provides: their Python packages are wanted even where the plugins needn't be asked.
  func specifications(
    of catalog: PluginCatalog, _ sandbox: SandboxOptions, _ system: SystemConfiguration, state: String,
    provides: Bool = false
  ) async throws(CommandFailure) -> SpecificationLoader.Loaded {
    let setup = try await sandboxSetup(sandbox, state: state, system: system, decisions: [], catalog: catalog)
    let sandboxes = try Sandboxes(
      setup: setup, jobs: ProcessEnvironment.processorCount, shared: standing?.fleet)
    return try await sandboxes.use { [files] () async throws(CommandFailure) in
      if provides { try await setup.environments.provide(for: catalog.plugins) }
      return await sandboxes.loader(state: state, files: files).load(catalog.plugins)
    }
  }
}
