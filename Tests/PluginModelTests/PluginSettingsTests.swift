import PluginModel
import Testing

@Suite("A plugin's configuration")
struct PluginSettingsTests {
  private static let manifest = """
    name: shop
    version: 1.0.0
    author: A
    entry_point: plugin.py
    configuration:
      currency: {type: string, default: EUR}
      rounds: {type: integer}
      token: {type: string, required: true, secret: true, description: Of the shop}
    """

  private func manifest(_ text: String = Self.manifest) throws(Diagnostics) -> PluginManifest {
    try PluginManifest(yaml: Array(text.utf8), file: "plugin.yaml", engineVersion: SemanticVersion(1, 0, 0))
  }

  private func configured(_ settings: String) throws(Diagnostics) -> PluginConfiguration {
    let system = try SystemConfiguration(
      yaml: Array("plugins:\n  configuration:\n    shop: \(settings)\n".utf8), file: "s.yaml")
    return try manifest().configured(by: system.pluginSettings[PluginName(unchecked: "shop")])
  }

  @Test("is what the operator wrote, and the defaults of the manifest")
  func values() throws {
    let configuration = try configured("{rounds: 3, token: {file: /run/token}}")
    #expect(configuration.object { _ in "x" }.text() == #"{"currency":"EUR","rounds":3,"token":"x"}"#)
    #expect(configuration.object { _ in nil }.text() == #"{"currency":"EUR","rounds":3}"#)
    #expect(configuration.secrets.map(\.source.description) == ["the file /run/token"])
    let other = try configured("{currency: null, token: {environment: SHOP_TOKEN}}")
    #expect(other.secrets.map(\.source.description) == ["the environment variable SHOP_TOKEN"])
    #expect(other.entries.map(\.key.text) == ["currency", "token"])
  }

  @Test(
    "is refused with the line of what is wrong",
    arguments: [
      ("{round: 3, token: {environment: T}}", "s.yaml:3:19: error: the plugin 'shop' has no configuration key 'round'"),
      (
        "{rounds: three, token: {environment: T}}", "s.yaml:3:20: error: the configuration key 'rounds' of shop must be"
      ),
      ("{rounds: 3}", "s.yaml:3:5: error: the plugin 'shop' needs its configuration key 'token'"),
      ("{token: {file: token}}", "s.yaml:3:19: error: the configuration key 'token' of shop is a secret"),
      ("{token: {environment: A, file: /x}}", "s.yaml:3:19: error: the configuration key 'token' of shop is a secret"),
    ])
  func wrong(settings: String, expected: String) {
    let found = problems { () throws(Diagnostics) in _ = try configured(settings) }
    #expect(found.count == 1 && found[0].hasPrefix(expected), "\(found)")
  }

  @Test("a secret that stands in the file is refused without being told")
  func literalSecret() {
    do throws(Diagnostics) {
      _ = try configured("{token: hunter2hunter2}")
      Issue.record("it was accepted")
    } catch {
      #expect(!error.description.contains("hunter2"), "\(error)")
      #expect(error.items.first?.hint == SecretSource.grammar)
    }
  }

  @Test(
    "a manifest can't ask for a secret that is no text, has a default or can't be named",
    arguments: [
      ("type: string, required: true, secret", "type: integer, secret"),
      ("required: true, secret", "default: abcd, secret"), ("token:", "to-ken:"),
    ])
  func secretKeys(original: String, replacement: String) {
    let text = Self.manifest.replacing(original, with: replacement)
    #expect(text != Self.manifest)
    #expect(problems { () throws(Diagnostics) in _ = try manifest(text) }.count == 1)
  }

  @Test("what was set at run time holds where the file says nothing, and is never a secret")
  func stored() throws {
    let manifest = try manifest()
    let system = try SystemConfiguration(
      yaml: Array("plugins: {configuration: {shop: {rounds: 3, token: {file: /run/token}}}}".utf8), file: "s.yaml")
    let shop = PluginName(unchecked: "shop")
    func setting(_ key: String, _ value: JSONValue) throws -> StoredPluginSetting {
      StoredPluginSetting(
        plugin: shop, key: try #require(ParameterName(key)), value: value, author: "a", time: 1)
    }
    let stored = [
      try setting("currency", "CHF"), try setting("rounds", 9), try setting("token", "x"), try setting("gone", 1),
    ]
    let both = system.adding(stored)
    let configuration = try manifest.configured(by: both.pluginSettings[shop])
    #expect(configuration.object { _ in "s" }.text() == #"{"currency":"CHF","rounds":3,"token":"s"}"#)
    #expect(both.withoutStoredSettings == system)
    #expect(SystemConfiguration().adding(stored).withoutStoredSettings == SystemConfiguration())

    let shown = manifest.settingsJSON(both.pluginSettings[shop])
    #expect(shown["settings"]?.text() == #"{"currency":"CHF","rounds":3}"#)
    #expect(shown["configured"]?.text() == #"{"currency":"server","rounds":"file","token":"file"}"#)
    func refused(_ key: String, _ value: JSONValue) -> Bool {
      !manifest.problems(ofSetting: [.init(key, value)], besides: both.pluginSettings[shop]).isEmpty
    }
    #expect(!refused("currency", "USD") && !refused("currency", .null))
    #expect(refused("currency", 1) && refused("rounds", 4) && refused("token", "x") && refused("token", .null))
    // Not even where it lies, which would have the server read any of its files.
    #expect(!manifest.problems(ofSetting: [.init("token", ["file": "/run/other"])], besides: nil).isEmpty)
    #expect(refused("token", ["file": "/run/other"]) && refused("nothing", 1) && refused("gone", .null))
  }
}
