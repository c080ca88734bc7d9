import PluginModel
import PluginRegistry
import Testing

@Suite("What plugins need of other plugins")
struct PluginDependencyTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func unmet(_ dependencies: [String: String]) throws -> [String] {
    for (name, needs) in dependencies {
      try directory.plugin(name, name: name, extra: "dependencies: \(needs)")
    }
    let catalog = PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0)).scan([SearchDirectory(directory.path)])
    #expect(catalog.broken.isEmpty, "\(catalog.broken)")
    return catalog.unmetDependencies(of: catalog.plugins.filter { $0.manifest.name.text == "a" }).map(\.description)
  }

  @Test("is found in the right version, through others, and in a circle too")
  func met() throws {
    #expect(
      try unmet(["a": "['plugin:b>=1.0,<2', numpy>=1.20]", "b": "['plugin:c ^1.2']", "c": "['plugin:a']"]).isEmpty)
  }

  @Test("what is missing or of another version is told of each, also of those that are needed")
  func missing() throws {
    let found = try unmet(["a": "['plugin:b', 'plugin:d>=2']", "b": "['plugin:c']", "d": "[]"])
    #expect(found.count == 2, "\(found)")
    #expect(
      found.contains {
        $0.contains("\"a\" needs the plugin") || $0.contains("'a' needs the plugin 'd' >=2.0.0: what is found is 1.2.3")
      })
    #expect(found.contains { $0.contains("'b' needs the plugin 'c': no such plugin is found") })
  }

  @Test(
    "is refused where it is none",
    arguments: ["plugin:B", "plugin:b>=one", "-r other.txt", "--index-url=http://x", "", "../x", "plugin:"])
  func wrong(text: String) {
    #expect(throws: Diagnostic.self) { try PluginDependency(text) }
  }

  @Test("is a plugin with a range, or a Python requirement as it stands")
  func read() throws {
    #expect(try PluginDependency("plugin:b >=1.0, <2") == .plugin(PluginName(unchecked: "b"), VersionRange(">=1.0,<2")))
    #expect(try PluginDependency("plugin:b-c") == .plugin(PluginName(unchecked: "b-c"), nil))
    #expect(
      try PluginDependency("numpy[extra]>=1.20; python_version<'3.13'")
        == .python("numpy[extra]>=1.20; python_version<'3.13'"))
  }
}
