import Foundation
import PluginModel
import PluginRegistry
import Testing

@Suite("Plugin discovery")
struct PluginDiscoveryTests {
  private let discovery = PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0))

  private func scan(_ paths: String...) -> PluginCatalog { discovery.scan(paths.map { SearchDirectory($0) }) }

  private func names(_ catalog: PluginCatalog) -> [String] { catalog.plugins.map(\.manifest.name.text) }

  @Test("names plugins by their manifests, not by their directories")
  func manifestNames() throws {
    let directory = try TemporaryDirectory()
    try directory.plugin("zebra", name: "apple")
    try directory.plugin("apple", name: "zebra")
    let catalog = scan(directory.path)
    #expect(names(catalog) == ["apple", "zebra"])
    #expect(catalog.plugins.first?.directory.lastComponent == "zebra")
    #expect(catalog.broken.isEmpty)
    #expect(catalog.diagnostics.isEmpty)
  }

  @Test("takes no plugin by a name of the program's own")
  func reserved() throws {
    let directory = try TemporaryDirectory()
    try directory.plugin("a", name: "orchestrator_unpacker")
    let catalog = scan(directory.path)
    #expect(catalog.plugins.isEmpty)
    #expect(catalog.broken.first?.diagnostics.first?.what.contains("can't be called") == true)
  }

  @Test("takes a directory that is a plugin itself")
  func singlePlugin() throws {
    let directory = try TemporaryDirectory()
    try directory.plugin(".", name: "alone")
    #expect(names(scan(directory.path)) == ["alone"])
  }

  @Test("prefers the directory that comes first, and says so")
  func conflict() throws {
    let first = try TemporaryDirectory()
    let second = try TemporaryDirectory()
    try first.plugin("a", name: "twice", extra: "# one")
    try second.plugin("a", name: "twice", extra: "# two")
    try second.plugin("b", name: "other")
    let catalog = scan(first.path, second.path)
    #expect(names(catalog) == ["other", "twice"])
    #expect(catalog.plugins.last?.directory.text.hasPrefix(first.path) == true)
    #expect(catalog.diagnostics.count == 1)
    #expect(catalog.diagnostics.first?.severity == .warning)
    #expect(catalog.diagnostics.first?.what.contains(second.path) == true)
  }

  @Test("lets nothing be granted to a plugin of which there are two, unless the operator's choice settles it")
  func ambiguity() throws {
    let first = try TemporaryDirectory()
    let second = try TemporaryDirectory()
    try first.plugin("a", name: "twice", extra: "# one")
    try second.plugin("a", name: "twice", extra: "# two")
    let name = try #require(PluginName("twice"))
    func decision(_ effective: [Permission]) -> GrantDecision {
      var decision = GrantDecision(plugin: name, digest: "sha256:")
      decision.effective = effective
      return decision
    }
    let catalog = scan(first.path, second.path)
    let refusal = try #require(catalog.ambiguity(of: decision([.filesystemRead(nil)])))
    #expect(refusal.severity == .error)
    #expect(refusal.hint?.contains("--plugins \(first.path)/a, or --plugins \(second.path)/a") == true)
    #expect(catalog.ambiguity(of: decision([])) == nil)
    // Secrets that were meant for the other one.
    #expect(catalog.ambiguity(of: decision([]), isConfigured: true)?.what.contains("its configuration") == true)
    let chosen = SearchDirectory(second.path + "/a", isRequired: true)
    let settled = discovery.scan([chosen, SearchDirectory(first.path), SearchDirectory(second.path)])
    #expect(settled.plugins.map(\.directory.text) == [second.path + "/a"])
    #expect(settled.diagnostics.isEmpty)
    #expect(settled.ambiguity(of: decision([.filesystemRead(nil)])) == nil)
    // Two that the operator named are two all the same.
    let both = discovery.scan([first, second].map { SearchDirectory($0.path, isRequired: true) })
    #expect(both.ambiguity(of: decision([.filesystemRead(nil)])) != nil)
    let exact = discovery.scan([chosen] + [first, second].map { SearchDirectory($0.path, isRequired: true) })
    #expect(exact.ambiguity(of: decision([.filesystemRead(nil)])) == nil)
  }

  @Test("finds no conflict in two copies of the same plugin, nor in one directory named twice")
  func sameTwice() throws {
    let first = try TemporaryDirectory()
    let second = try TemporaryDirectory()
    for directory in [first, second] { try directory.plugin("a", name: "twice") }
    #expect(
      scan(first.path, second.path, first.path + "/../" + (first.path as NSString).lastPathComponent).diagnostics
        .isEmpty)
  }

  @Test(
    "keeps the good plugins beside one that is broken",
    arguments: [
      "not yaml: [", "- a list", "name: ../../etc\nversion: 1.0.0\nauthor: a\nentry_point: main.py", "",
      "name: bad\nversion: 1.0.0\nauthor: a\nentry_point: ../main.py",
      "name: bad\nversion: 1.0.0\nauthor: a\nentry_point: missing.py",
      "name: bad\nversion: 1.0.0\nauthor: a\nentry_point: main.py\nmin_engine_version: 9.0.0", "\u{0}",
    ])
  func broken(_ manifest: String) throws {
    let directory = try TemporaryDirectory()
    try directory.plugin("a", name: "good")
    try directory.write("bad/plugin.yaml", manifest)
    try directory.write("bad/main.py", "")
    try directory.plugin("c", name: "fine")
    let catalog = scan(directory.path)
    #expect(names(catalog) == ["fine", "good"])
    #expect(catalog.broken.map(\.directory) == [directory.path + "/bad"])
    #expect(catalog.broken.first?.diagnostics.isEmpty == false)
  }

  @Test("refuses a manifest that is a FIFO, a link, a directory or too large", .timeLimit(.minutes(1)))
  func hostileManifests() throws {
    let directory = try TemporaryDirectory()
    try directory.plugin("good", name: "good")
    for name in ["fifo", "link", "directory", "huge"] { try directory.write("\(name)/main.py", "") }
    try directory.fifo("fifo/plugin.yaml")
    try directory.link("link/plugin.yaml", to: "../good/plugin.yaml")
    try directory.write("directory/plugin.yaml/x", "")
    try directory.write("huge/plugin.yaml", String(repeating: "#", count: PluginDiscovery.manifestLimit + 1))
    let catalog = scan(directory.path)
    #expect(names(catalog) == ["good"])
    #expect(catalog.broken.count == 4)
  }

  @Test("refuses a plugin whose tree holds a link to the outside, and names it")
  func leavingLink() throws {
    let directory = try TemporaryDirectory()
    try directory.plugin("a", name: "leaky")
    try directory.link("a/secrets", to: "/etc")
    let catalog = scan(directory.path)
    #expect(catalog.plugins.isEmpty)
    #expect(catalog.broken.first?.diagnostics.first?.description.contains("secrets") == true)
  }

  @Test(
    "names the remedy where the link is in what a tool has left there", arguments: [".venv", "venv", "node_modules"])
  func tools(_ name: String) throws {
    let directory = try TemporaryDirectory()
    try directory.plugin("a", name: "a")
    try directory.write("a/\(name)/bin/x", "")
    try directory.link("a/\(name)/bin/python", to: "/usr/bin/python3")
    let diagnostic = try #require(scan(directory.path).broken.first?.diagnostics.first)
    #expect(diagnostic.hint?.hasPrefix("move \(name) out of the plugin's directory") == true)
    #expect(PluginTreeError.link("lib/a", destination: "/etc").hint == nil)
  }

  @Test("refuses an entry point that is a link to the outside")
  func leavingEntryPoint() throws {
    let directory = try TemporaryDirectory()
    try directory.plugin("a", name: "leaky")
    try FileManager.default.removeItem(atPath: directory.path + "/a/main.py")
    try directory.link("a/main.py", to: "/etc/passwd")
    #expect(scan(directory.path).plugins.isEmpty)
  }

  @Test("doesn't follow a link in a plugin directory, and says so")
  func linkedPlugin() throws {
    let directory = try TemporaryDirectory()
    let elsewhere = try TemporaryDirectory()
    try elsewhere.plugin("a", name: "linked")
    try directory.link("a", to: elsewhere.path + "/a")
    let catalog = scan(directory.path)
    #expect(catalog.plugins.isEmpty)
    #expect(catalog.diagnostics.first?.hint?.contains("--plugins") == true)
    #expect(names(scan(directory.path + "/a")) == ["linked"])
  }

  @Test("passes over what is no plugin: files, hidden directories, directories without a manifest")
  func notPlugins() throws {
    let directory = try TemporaryDirectory()
    try directory.plugin(".hidden", name: "hidden")
    try directory.write("file", "")
    try directory.write("empty/readme", "")
    let catalog = scan(directory.path)
    #expect(catalog.plugins.isEmpty && catalog.broken.isEmpty && catalog.diagnostics.isEmpty)
  }

  @Test("may miss the usual places, but not one that the operator named")
  func missing() {
    #expect(discovery.scan([SearchDirectory("/nonexistent")]).diagnostics.isEmpty)
    let diagnostics = discovery.scan([SearchDirectory("/nonexistent", isRequired: true)]).diagnostics
    #expect(diagnostics.map(\.severity) == [.error])
  }
}
