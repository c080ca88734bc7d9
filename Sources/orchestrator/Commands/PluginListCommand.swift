import ArgumentParser
import PluginModel
import PluginRegistry

/// `orchestrator plugin list`. Reads manifests and files; nothing of a plugin runs.
struct PluginListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the plugins that can be found.",
    discussion: "Nothing of a plugin runs: only its manifest is read. Broken plugins are listed with what is wrong.")

  @OptionGroup var plugins: PluginOptions
  @Option(help: "How to write the list: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let catalog = try await bootstrap.catalog(plugins)
    switch output {
    case .json: await bootstrap.console.print(PluginListReport(catalog).json.text(.pretty))
    case .text:
      for line in PluginListReport(catalog).lines(style: bootstrap.console.outputStyle) {
        await bootstrap.console.print(line)
      }
      await bootstrap.report(catalog.diagnostics + catalog.broken.flatMap(\.diagnostics))
    }
  }
}

/// The catalog as text and as JSON.
struct PluginListReport: Sendable {
  let catalog: PluginCatalog

  init(_ catalog: PluginCatalog) { self.catalog = catalog }

  func lines(style: Style) -> [String] {
    guard !catalog.plugins.isEmpty else { return ["no plugins were found"] }
    return catalog.plugins.flatMap { plugin -> [String] in
      let manifest = plugin.manifest
      var lines = [
        "\(style(manifest.name.text, .strong)) \(manifest.version)  \(style(SafeText.line(manifest.description), .faint))"
      ]
      let types = manifest.nodeTypes.map { "\(manifest.name)/\($0)" }.joined(separator: ", ")
      if !types.isEmpty { lines.append("  nodes        \(types)") }
      let permissions = manifest.permissions.map(\.description).joined(separator: ", ")
      lines.append("  asks for     \(permissions.isEmpty ? "nothing" : SafeText.line(permissions))")
      lines.append("  lies in      \(SafeText.line(plugin.directory.text))")
      return lines
    }
  }

  var json: JSONValue {
    .object([
      JSONValue.Member("plugins", .array(catalog.plugins.map(Self.json))),
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

  private static func json(_ plugin: DiscoveredPlugin) -> JSONValue {
    let manifest = plugin.manifest
    return .object([
      JSONValue.Member("name", .string(manifest.name.text)),
      JSONValue.Member("version", .string(manifest.version.description)),
      JSONValue.Member("author", .string(manifest.author)),
      JSONValue.Member("description", .string(manifest.description)),
      JSONValue.Member("license", .string(manifest.license)),
      JSONValue.Member("node_types", .array(manifest.nodeTypes.map { .string($0.text) })),
      JSONValue.Member("permissions", .array(manifest.permissions.map { .string($0.description) })),
      JSONValue.Member("directory", .string(plugin.directory.text)),
      JSONValue.Member("digest", .string(plugin.digest.description)),
    ])
  }
}

extension Diagnostic {
  /// For `--output json`.
  var json: JSONValue {
    var members = [
      JSONValue.Member("severity", .string(severity.rawValue)), JSONValue.Member("what", .string(what)),
    ]
    if let why { members.append(JSONValue.Member("why", .string(why))) }
    if let hint { members.append(JSONValue.Member("hint", .string(hint))) }
    if let location {
      members.append(JSONValue.Member("file", .string(location.file)))
      members.append(JSONValue.Member("line", .integer(Int64(location.line))))
      members.append(JSONValue.Member("column", .integer(Int64(location.column))))
    }
    return .object(members)
  }
}
