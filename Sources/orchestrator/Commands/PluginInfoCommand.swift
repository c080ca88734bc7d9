import ArgumentParser
import PluginModel
import PluginRegistry
import RegistryClient

/// `orchestrator plugin info`
struct PluginInfoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Tells what is known of a plugin, here and in the registry.",
    discussion: """
      Which versions are installed, and which the registry has, what they ask for and need, and which were yanked. What the registry \
      says nobody has verified.
      """)

  @Argument(help: "The plugin's name.") var plugin: String
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions
  @Option(help: "How to write it: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let name = try PluginName(argument: plugin)
    let system = try await bootstrap.systemConfiguration(self.system)
    let installed = try await bootstrap.installedPlugins(state: bootstrap.state(state)).filter { $0.name == name }
    var found: RegistryPlugin?
    if system.registry.address != nil || installed.isEmpty {
      do throws(CommandFailure) {
        found = try await bootstrap.withRegistry(system) { registry throws(CommandFailure) in
          try await asking { () throws(Diagnostic) in try await registry.plugin(name) }
        }
      } catch {
        // What is installed is known without it.
        guard !installed.isEmpty else { throw error }
        await bootstrap.report(error.diagnostics.map(\.asWarning))
      }
    }
    let console = bootstrap.console
    switch output {
    case .json: await console.print(json(name, installed, found).text(.pretty))
    case .text: for line in lines(name, installed, found, console.outputStyle) { await console.print(line) }
    }
  }

  private func json(_ name: PluginName, _ installed: [InstalledVersion], _ found: RegistryPlugin?) -> JSONValue {
    let rows = installed.map { version -> JSONValue in
      [
        "version": .string(version.version.description), "standing": .string(version.standing.rawValue),
        "digest": .string(version.digest), "checksum": version.checksum.map { .string($0) } ?? .null,
        "signers": .array(version.signers.map { .string($0) }),
      ]
    }
    return ["name": .string(name.text), "installed": .array(rows), "registry": found?.jsonValue ?? .null]
  }

  private func lines(
    _ name: PluginName, _ installed: [InstalledVersion], _ found: RegistryPlugin?, _ style: Style
  ) -> [String] {
    let counts = installed.map { "\($0.version)\($0.standing == .current ? " (counts)" : "")" }
    var lines = [
      style(name.text, .strong), "  installed    \(counts.isEmpty ? "no" : counts.joined(separator: ", "))",
    ]
    guard let found else { return lines }
    lines.append("  publisher    \(found.owner)")
    if let latest = found.summary.flatMap({ found[$0.version] }) {
      let asks = latest.permissions.map(\.description).joined(separator: ", ")
      lines.append("  latest       \(latest.version)  \(SafeText.line(latest.description, limit: 200))")
      lines.append("  by           \(SafeText.line(latest.author))")
      lines.append("  asks for     \(asks.isEmpty ? "nothing" : SafeText.line(asks))")
      if !latest.dependencies.isEmpty {
        lines.append("  needs        \(SafeText.line(latest.dependencies.joined(separator: ", ")))")
      }
      let types = latest.nodeTypes.map { "\(name)/\($0)" }.joined(separator: ", ")
      if !types.isEmpty { lines.append("  nodes        \(types)") }
    }
    lines.append("  versions in the registry:")
    for version in found.versions {
      var notes = ["\(version.size) bytes", String(version.published.prefix(10)), version.checksum.description]
      if version.signers.isEmpty { notes.append("unsigned") }
      if !version.fits(engineVersion) { notes.append("not for version \(engineVersion) of this program") }
      if let reason = version.yanked {
        notes.append(style("yanked\(reason.isEmpty ? "" : ": \(SafeText.line(reason))")", .warning))
      }
      lines.append("    \(version.version)  \(notes.joined(separator: "  "))")
    }
    return lines
  }
}
