import LinuxSystem
import PluginModel
import PluginRegistry

/// plugin_system.yaml, and what the environment says in place of it.
struct ConfigurationSource: Sendable {
  let path: String
  /// Nil where there is no file.
  let bytes: [UInt8]?
  let overrides: [SettingOverride]

  /// For the excerpts of diagnostics.
  private var sources: [(file: String, bytes: [UInt8])] {
    (bytes.map { [(path, $0)] } ?? []) + overrides.map { ($0.variable, Array($0.text.utf8)) }
  }

  func configuration() throws(CommandFailure) -> SystemConfiguration {
    do throws(Diagnostics) {
      return try SystemConfiguration(yaml: bytes, file: path, overrides: overrides)
    } catch {
      throw failure(error)
    }
  }

  func settings() throws(CommandFailure) -> [EffectiveSetting] {
    do throws(Diagnostics) {
      return try EffectiveSetting.all(yaml: bytes, file: path, overrides: overrides)
    } catch {
      throw failure(error)
    }
  }

  func failure(_ diagnostics: Diagnostics) -> CommandFailure {
    CommandFailure(.invalidInput, diagnostics.items, sources: sources)
  }
}

/// What plugins are told at their start, by plugin.
struct PluginConfigurations: Sendable {
  private var configurations: [PluginName: PluginConfiguration] = [:]
  /// Those of each plugin's own.
  private var secrets: [PluginName: [Secret]] = [:]
  /// What nothing that is written may show.
  var all: [Secret] { secrets.values.flatMap(\.self) }

  /// For plugins that only tell what node types they have: their defaults where what the operator wrote is wrong, or may be meant for
  /// another plugin of the name.
  init(describing plugins: [DiscoveredPlugin], of catalog: PluginCatalog, by system: SystemConfiguration) {
    for plugin in plugins {
      let manifest = plugin.manifest
      let settings = catalog.rivals[manifest.name] == nil ? system.pluginSettings[manifest.name] : nil
      configurations[manifest.name] = (try? manifest.configured(by: settings)) ?? manifest.defaults
    }
  }

  fileprivate mutating func set(_ configuration: PluginConfiguration, _ secrets: [Secret], of plugin: PluginName) {
    configurations[plugin] = configuration
    self.secrets[plugin] = secrets
  }

  /// What the plugin gets.
  func config(of plugin: PluginName) -> JSONValue {
    object(plugin) { name in secrets[plugin]?.first { $0.name == name }.map { .string($0.value) } }
  }

  /// The same for a plugin that only tells its node types: empty texts are in place of secrets.
  func description(of plugin: PluginName) -> JSONValue { object(plugin) { _ in "" } }

  /// What of it may be kept: that there are secrets, and not what they are.
  func kept(of plugin: PluginName) -> JSONValue { object(plugin) { _ in ["secret": true] } }

  private func object(_ plugin: PluginName, _ secret: (SecretName) -> JSONValue?) -> JSONValue {
    configurations[plugin]?.object(secret) ?? .object([])
  }
}

extension Bootstrap {
  /// Checked, and for plugins that are to run with their secrets.
  /// - Throws: all that is wrong with any of them. No excerpt of a file goes with it: what is wrong may be a secret.
  func configurations(
    of plugins: [DiscoveredPlugin], of catalog: PluginCatalog, _ system: SystemConfiguration, readsSecrets: Bool
  ) async throws(CommandFailure) -> PluginConfigurations {
    var result = PluginConfigurations(describing: plugins, of: catalog, by: system)
    var problems: [Diagnostic] = []
    for plugin in plugins {
      let manifest = plugin.manifest
      do throws(Diagnostics) {
        let configuration = try manifest.configured(
          by: system.pluginSettings[manifest.name])
        let secrets = readsSecrets ? try await secrets(of: configuration, plugin: manifest.name) : []
        result.set(configuration, secrets, of: manifest.name)
      } catch {
        problems += error.items
      }
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return result
  }

  func secrets(of configuration: PluginConfiguration, plugin: PluginName) async throws(Diagnostics) -> [Secret] {
    var secrets: [Secret] = []
    var problems: [Diagnostic] = []
    for wanted in configuration.secrets {
      do throws(Diagnostic) {
        secrets.append(try Secret(wanted.name, try await value(of: wanted.source)))
      } catch {
        problems.append(
          Diagnostic(
            "the secret \(wanted.name.text.quoted) of the plugin \(plugin) can't be had from \(wanted.source)",
            why: error.why, hint: error.hint, at: wanted.location))
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return secrets
  }

  private func value(of source: SecretSource) async throws(Diagnostic) -> String {
    let text: String?
    switch source {
    case .environment(let name):
      guard let value = ProcessEnvironment.variable(name.text) else {
        throw Diagnostic("", why: "it isn't set, or is empty", hint: "set it for this command")
      }
      text = ProcessEnvironment.isWhole(value) ? value : nil
    case .file(let path):
      do throws(FileError) {
        text = try await Secret.text(ofFile: bytes(of: path.text, limit: Secret.maximumBytes + 2))
      } catch {
        throw Diagnostic("", why: error.description, hint: "let this user read it, or name another file")
      }
    }
    guard let text else { throw Diagnostic("", why: "it isn't UTF-8", hint: "encode it, with base64 for example") }
    return text
  }
}

extension PluginManifest {
  fileprivate var defaults: PluginConfiguration {
    PluginConfiguration(
      entries: configuration.compactMap { key in
        key.defaultValue.map { PluginConfiguration.Entry(key: key.name, content: .value($0), origin: nil) }
      })
  }
}
