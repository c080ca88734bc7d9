import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin list`. Reads manifests and files; nothing of a plugin runs.
struct PluginListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the plugins that can be found.",
    discussion: """
      Nothing of a plugin runs: only its manifest is read. With --describe, a plugin that was never asked is asked for \
      its node types, in a sandbox in which it is granted nothing. Broken plugins are listed with what is wrong.
      """)

  @Flag(help: "Show the ports and parameters of every node type.") var describe = false
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions
  @Option(help: "How to write the list: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system)
    let catalog = try await bootstrap.catalog(plugins, system, state: self.state)
    let loaded =
      describe
      ? try await bootstrap.specifications(of: catalog, sandbox, system, state: try bootstrap.state(state)) : nil
    let report = PluginListReport(catalog, specifications: loaded?.specifications ?? [:])
    switch output {
    case .json: await bootstrap.console.print(report.json.text(.pretty))
    case .text:
      await bootstrap.console.print(report.lines(style: bootstrap.console.outputStyle).joined(separator: "\n"))
    }
    let broken = output == .text ? catalog.diagnostics + catalog.broken.flatMap(\.diagnostics) : []
    await bootstrap.report((output == .text ? system.warnings : []) + broken + (loaded?.diagnostics ?? []))
    if loaded?.isSandboxMissing == true { throw CommandFailure(.sandboxUnavailable) }
  }
}

/// The catalog as text and as JSON.
struct PluginListReport: Sendable {
  let catalog: PluginCatalog
  /// Of those that were asked.
  let specifications: [PluginName: [NodeSpecification]]

  init(_ catalog: PluginCatalog, specifications: [PluginName: [NodeSpecification]]) {
    self.catalog = catalog
    self.specifications = specifications
  }

  func lines(style: Style) -> [String] {
    guard !catalog.plugins.isEmpty else { return ["no plugins were found"] }
    return catalog.plugins.flatMap { plugin -> [String] in
      let manifest = plugin.manifest
      var lines = [
        "\(style(manifest.name.text, .strong)) \(manifest.version)  \(style(SafeText.line(manifest.description), .faint))"
      ]
      if let described = specifications[manifest.name] {
        lines += described.flatMap { Self.lines($0, of: manifest.name, style: style) }
      }
      let types = manifest.nodeTypes.map { "\(manifest.name)/\($0)" }.joined(separator: ", ")
      if !types.isEmpty, specifications[manifest.name] == nil { lines.append("  nodes        \(types)") }
      let permissions = manifest.permissions.map(\.description).joined(separator: ", ")
      lines.append("  asks for     \(permissions.isEmpty ? "nothing" : SafeText.line(permissions))")
      lines.append("  lies in      \(SafeText.line(plugin.directory.text))")
      return lines
    }
  }

  /// A node type with its ports and parameters; all texts are the plugin's.
  private static func lines(_ node: NodeSpecification, of plugin: PluginName, style: Style) -> [String] {
    var lines = ["  \(style("\(plugin)/\(node.nodeType)", .accent))  \(SafeText.line(node.description))"]
    let groups: [(String, [(name: String, type: String, note: String)])] = [
      ("in", node.inputs.map { ($0.name.text, $0.type.description, note($0)) }),
      ("out", node.outputs.map { ($0.name.text, $0.type.description, $0.description) }),
      (
        "with", node.parameters.map { ($0.name.text, $0.type, "\($0.description) (default \($0.defaultValue.text()))") }
      ),
    ]
    for (title, items) in groups {
      for item in items {
        let head = "    \(SafeText.pad(title, columns: 5))\(SafeText.pad(SafeText.line(item.name), columns: 14))"
        let type = SafeText.pad(SafeText.line(item.type, limit: 40), columns: 9)
        lines.append("\(head)\(style(type, .faint)) \(SafeText.line(item.note, limit: 200))")
      }
    }
    return lines
  }

  private static func note(_ port: PortSpecification) -> String {
    port.description + (port.multiple ? " (several)" : "") + (port.required ? "" : " (optional)")
  }

  var json: JSONValue {
    .object([
      JSONValue.Member("plugins", .array(catalog.plugins.map(json))),
      JSONValue.Member(
        "broken",
        .array(
          catalog.broken.map {
            .object([
              JSONValue.Member("directory", .string($0.directory)),
              JSONValue.Member("diagnostics", .array($0.diagnostics.map(\.json))),
            ])
          })),
      JSONValue.Member("diagnostics", .array(catalog.diagnostics.map(\.json))),
    ])
  }

  private func json(_ plugin: DiscoveredPlugin) -> JSONValue {
    let manifest = plugin.manifest
    let described = specifications[manifest.name].map { nodes in
      JSONValue.Member("specifications", .array(nodes.map(\.jsonValue)))
    }
    let members = [
      JSONValue.Member("name", .string(manifest.name.text)),
      JSONValue.Member("version", .string(manifest.version.description)),
      JSONValue.Member("author", .string(manifest.author)),
      JSONValue.Member("description", .string(manifest.description)),
      JSONValue.Member("license", .string(manifest.license)),
      JSONValue.Member("node_types", .array(manifest.nodeTypes.map { .string($0.text) })),
      JSONValue.Member("permissions", .array(manifest.permissions.map { .string($0.description) })),
      JSONValue.Member("directory", .string(plugin.directory.text)),
      JSONValue.Member("digest", .string(plugin.digest.description)),
    ]
    return .object(members + (described.map { [$0] } ?? []))
  }
}

extension Diagnostic {
  /// For `--output json`.
  var json: JSONValue { json(nil) }

  /// - Parameter subjects: of the workflow that it is about.
  func json(_ subjects: WorkflowSubjects?) -> JSONValue {
    var members = [
      JSONValue.Member("severity", .string(severity.rawValue)), JSONValue.Member("what", .string(what)),
    ]
    if let why { members.append(JSONValue.Member("why", .string(why))) }
    if let hint { members.append(JSONValue.Member("hint", .string(hint))) }
    if let location {
      members.append(JSONValue.Member("file", .string(location.file)))
      members.append(JSONValue.Member("line", .integer(Int64(location.line))))
      members.append(JSONValue.Member("column", .integer(Int64(location.column))))
      if let subject = subjects?[location] {
        members.append(JSONValue.Member("node", .string(subject.node.text)))
        if let port = subject.port { members.append(JSONValue.Member("port", .string(port.text))) }
        if let parameter = subject.parameter {
          members.append(JSONValue.Member("parameter", .string(parameter.text)))
        }
      }
    }
    return .object(members)
  }
}
