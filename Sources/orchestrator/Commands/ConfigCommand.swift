import ArgumentParser
import PluginModel
import PluginRegistry

/// `orchestrator config …`
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Shows and checks what the operator of this host decided.",
    discussion: """
      That is plugin_system.yaml, and the environment: \(SettingOverride.prefix)LIMITS__MAX_MEMORY_MB=256 takes the place of \
      plugins.limits.max_memory_mb. The text of a variable is YAML.
      """,
    subcommands: [ConfigShowCommand.self, ConfigCheckCommand.self])
}

/// `orchestrator config show`
struct ConfigShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints every setting, its value, and where that comes from.",
    discussion: """
      Also the configuration of each plugin that can be found and has one. Secrets are not read: only where they lie is shown.
      """)

  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions
  @Option(help: "How to write it: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let source = try await bootstrap.configurationSource(system)
    let settings = try source.settings()
    let configuration = try source.configuration()
      .adding(try await bootstrap.storedSettings(state: try bootstrap.state(state)))
    let catalog = try await bootstrap.catalog(plugins, configuration, state: state)
    let listing = ConfigurationListing(
      settings: settings, plugins: catalog.plugins, system: configuration)
    switch output {
    case .json: await bootstrap.console.print(listing.json.text(.pretty))
    case .text:
      for line in listing.lines(style: bootstrap.console.outputStyle) { await bootstrap.console.print(line) }
    }
    if output == .text { await bootstrap.report(configuration.warnings + listing.problems) }
  }
}

/// `orchestrator config check`
struct ConfigCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Says everything that is wrong with the configuration.",
    discussion: """
      The settings, the configuration of each plugin that can be found against its manifest, and whether its secrets can be \
      had. Nothing of a plugin runs. Status 2 where something is wrong.
      """)

  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let source = try await bootstrap.configurationSource(system)
    let configuration = try source.configuration()
      .adding(try await bootstrap.storedSettings(state: try bootstrap.state(state)))
    let catalog = try await bootstrap.catalog(plugins, configuration, state: state)
    let unknown = configuration.pluginSettings.sorted { $0.key < $1.key }.filter { catalog[$0.key] == nil }.map {
      Diagnostic(
        "there is no plugin \($0.key.text.quoted) whose configuration could be set",
        hint: Suggestion.hint(for: $0.key.text, among: catalog.plugins.map(\.manifest.name.text)),
        at: $0.value.location, severity: .warning)
    }
    var problems: [Diagnostic] = []
    for plugin in catalog.plugins {
      do throws(CommandFailure) {
        _ = try await bootstrap.configurations(of: [plugin], of: catalog, configuration, readsSecrets: true)
      } catch {
        problems += error.diagnostics
      }
    }
    // A plugin that nobody has set anything for may well be one that nobody uses.
    let isSet: (Diagnostic) -> Bool = { $0.location != nil }
    let unused = problems.filter { !isSet($0) }.map(\.asWarning)
    let wrong = problems.filter(isSet)
    await bootstrap.report(configuration.warnings + unknown + unused)
    guard wrong.isEmpty else { throw CommandFailure(.invalidInput, wrong) }
    let place = source.bytes == nil ? "there is no \(source.path): the defaults hold" : "\(source.path) is right"
    await bootstrap.console.print("\(bootstrap.console.outputStyle("✓", .good)) \(SafeText.line(place))")
  }
}

/// Settings with their values and origins, as text and as JSON.
struct ConfigurationListing: Sendable {
  private struct Row {
    var name: String
    var value: JSONValue
    var shown: String
    var origin: String
  }

  private var rows: [Row] = []
  /// Of plugins whose configuration is wrong, which is not listed.
  private(set) var problems: [Diagnostic] = []

  init(settings: [EffectiveSetting], plugins: [DiscoveredPlugin], system: SystemConfiguration) {
    for setting in settings where setting.setting.path.first != SystemConfiguration.PluginsKey.configuration.rawValue {
      rows.append(
        Row(
          name: setting.setting.name, value: setting.value, shown: setting.value == .null ? "-" : setting.value.text(),
          origin: setting.origin.map(Self.words) ?? "default"))
    }
    for manifest in plugins.map(\.manifest) where !manifest.configuration.isEmpty {
      do throws(Diagnostics) {
        let configuration = try manifest.configured(by: system.pluginSettings[manifest.name])
        rows += configuration.entries.map { Self.row($0, of: manifest.name) }
      } catch {
        problems += error.items.map(\.asWarning)
      }
    }
  }

  private static func row(_ entry: PluginConfiguration.Entry, of plugin: PluginName) -> Row {
    let name = "\(SystemConfiguration.PluginsKey.configuration.rawValue).\(plugin).\(entry.key)"
    let origin = entry.origin.map(words) ?? "default of its manifest"
    switch entry.content {
    case .value(let value): return Row(name: name, value: value, shown: value.text(), origin: origin)
    case .secret(let source):
      return Row(name: name, value: .null, shown: "(a secret, from \(source))", origin: origin)
    }
  }

  /// A variable has one line.
  private static func words(_ location: PluginModel.SourceLocation) -> String {
    location.file.hasPrefix(SettingOverride.prefix) ? location.file : "\(location.file):\(location.line)"
  }

  func lines(style: Style) -> [String] {
    let widths = (
      rows.map { SafeText.width($0.name) }.max() ?? 0,
      min(60, rows.map { SafeText.width(SafeText.line($0.shown)) }.max() ?? 0)
    )
    return rows.map { row in
      let shown = SafeText.line(row.shown)
      let value = SafeText.width(shown) > widths.1 ? shown : SafeText.pad(shown, columns: widths.1)
      return "\(SafeText.pad(row.name, columns: widths.0))  \(value)  \(style(SafeText.line(row.origin), .faint))"
    }
  }

  var json: JSONValue {
    .array(
      rows.map {
        ["setting": .string($0.name), "value": $0.value, "origin": .string($0.origin), "shown": .string($0.shown)]
      })
  }
}
