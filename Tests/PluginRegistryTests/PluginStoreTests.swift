import Foundation
import LinuxSystem
import PluginModel
import PluginRegistry
import Testing

@Suite("The files of installed plugins")
struct PluginStoreTests {
  private struct Cut: Error {}
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.plugin("one", name: "shop")
    try directory.plugin("two", name: "shop", extra: "# other")
  }

  private var state: String { directory.path + "/state" }
  private let shop = PluginName(unchecked: "shop")

  private func names() -> [String] {
    let all = (try? FileManager.default.subpathsOfDirectory(atPath: state + "/plugins")) ?? []
    return all.filter { $0 != ".lock" }.sorted()
  }

  /// As an installation does it, but for what is asked of the plugin.
  private func add(_ source: String, to store: PluginStore) throws -> String {
    let staged = try store.stage()
    for name in ["plugin.yaml", "main.py"] {
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/\(source)/\(name)")))
      try staged.directory.create(name, bytes)
    }
    let digest = try PluginDigest(of: staged.directory)
    return try store.publish(staged, as: shop, SemanticVersion(1, 2, 3), digest)
  }

  @Test("a version lies under its name, version and digest, and is found there without a look at its files")
  func published() throws {
    let store = PluginStore(state: state)
    let place = try add("one", to: store)
    let digest = try PluginDigest(of: Directory(opening: directory.path + "/one"))
    #expect(place == "shop/1.2.3-\(digest.hexadecimal.prefix(16))")
    #expect(try PluginDigest(of: Directory(opening: "\(state)/plugins/\(place)")) == digest)
    let catalog = catalog(store, [installed(place, digest, .current)])
    #expect(catalog.plugins.map(\.digest) == [digest] && catalog.plugins.allSatisfy(\.isInstalled))
    #expect(PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0)).verify(catalog.plugins).isEmpty)
  }

  private func installed(
    _ place: String, _ digest: PluginDigest, _ standing: InstalledVersion.Standing, version: String = "1.2.3"
  ) -> InstalledVersion {
    let metadata = #"{"name":"shop","version":"\#(version)","author":"A","entry_point":"main.py","permissions":[]}"#
    return InstalledVersion(
      name: shop, version: SemanticVersion(version) ?? SemanticVersion(0, 0, 0), author: "A", metadata: metadata,
      digest: digest.description, checksum: nil, signers: [], place: place, files: 2, bytes: 10, installed: 1,
      standing: standing)
  }

  private func catalog(_ store: PluginStore, _ installed: [InstalledVersion]) -> PluginCatalog {
    PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0)).scan([], installed: installed, in: store)
  }

  @Test("a version whose files were changed since isn't used")
  func changed() throws {
    let store = PluginStore(state: state)
    let place = try add("one", to: store)
    let digest = try PluginDigest(of: Directory(opening: directory.path + "/one"))
    let plugins = catalog(store, [installed(place, digest, .current)]).plugins
    try Data("import os".utf8).write(to: URL(fileURLWithPath: "\(state)/plugins/\(place)/main.py"))
    let discovery = PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0))
    #expect(discovery.verify(plugins).map(\.what).first?.contains("are not those that were installed") == true)
    try FileManager.default.removeItem(atPath: "\(state)/plugins/\(place)")
    #expect(discovery.verify(plugins).count == 1)
    // Installed again, they are what they were.
    #expect(try add("one", to: store) == place)
    #expect(discovery.verify(plugins).isEmpty)
  }

  @Test("of two installed versions the one counts that the database says, and a range finds the other")
  func versions() throws {
    let store = PluginStore(state: state)
    let digests = try ["one", "two"].map { try PluginDigest(of: Directory(opening: "\(directory.path)/\($0)")) }
    let places = try ["one", "two"].map { try add($0, to: store) }
    let found = catalog(
      store,
      [
        installed(places[0], digests[0], .current, version: "1.0.0"),
        installed(places[1], digests[1], .previous, version: "1.5.0"),
      ])
    #expect(found.plugins.map(\.manifest.version.description) == ["1.0.0"] && found.rivals.isEmpty)
    func chosen(_ range: String) throws -> [String] {
      let ranges = [shop: try #require(VersionRange(range))]
      return found.choosing(ranges).plugins.map(\.manifest.version.description)
    }
    #expect(try chosen(">=1.0") == ["1.0.0"])
    #expect(try chosen(">1.0") == ["1.5.0"])
    #expect(try chosen(">2") == ["1.0.0"], "nothing fits: the graph's check says so")
  }

  @Test(
    "whatever step the power is cut before, what counted is whole, and the rest goes with the next sweep",
    arguments: PluginStore.Step.allCases)
  func powerCut(at step: PluginStore.Step) throws {
    let kept = try add("one", to: PluginStore(state: state))
    let before = names()
    let failing = PluginStore(state: state) { current throws(FileError) in
      if current == step { throw .notRegular(path: "cut") }
    }
    #expect(throws: FileError.self) { try add("two", to: failing) }
    // As it is after the process is gone: a staging directory may be there, and a version that nothing names.
    try FileManager.default.createDirectory(
      atPath: state + "/plugins/.staging-left/src", withIntermediateDirectories: true)
    try sweep(PluginStore(state: state), keeping: [kept])
    #expect(names() == before)
    #expect(
      try PluginDigest(of: Directory(opening: "\(state)/plugins/\(kept)"))
        == PluginDigest(of: Directory(opening: directory.path + "/one")))
  }

  @discardableResult
  private func sweep(_ store: PluginStore, keeping places: Set<String>) throws -> Int {
    try store.sweep(keeping: places, try #require(try store.alone()))
  }

  @Test("a file that somebody left there stays, and is in nobody's way")
  func foreignFile() throws {
    let store = PluginStore(state: state)
    let place = try add("one", to: store)
    try Data("note".utf8).write(to: URL(fileURLWithPath: state + "/plugins/note.txt"))
    #expect(try sweep(store, keeping: []) == 1)
    #expect(!names().contains(place) && names() == ["note.txt"])
  }

  @Test("workers may read a version whatever the umask is")
  func umask() throws {
    let before = Foundation.umask(0o077)
    defer { _ = Foundation.umask(before) }
    let place = try add("one", to: PluginStore(state: state))
    let attributes = try FileManager.default.attributesOfItem(atPath: "\(state)/plugins/\(place)")
    #expect(attributes[.posixPermissions] as? Int == 0o755)
    let unpacked = try Directory(opening: directory.path).makeDirectory("unpacked")
    try SamplePackage.content(try SamplePackage.bytes(SamplePackage.files)).write(into: unpacked)
    #expect(try unpacked.status("data").permissions == 0o755)
    #expect(try unpacked.find("data/a.txt").permissions == 0o644)
  }

  @Test("an installed version that lost its name to another directory is there for who asks for it; a named one stays")
  func hidden() throws {
    let store = PluginStore(state: state)
    let digest = try PluginDigest(of: Directory(opening: directory.path + "/one"))
    let place = try add("one", to: store)
    try directory.plugin("checkout/shop", name: "shop", extra: "# of a checkout")
    let installed = [
      installed(place, digest, .current, version: "1.5.0"), installed(place, digest, .other, version: "1.0.0"),
    ]
    let ranges = [shop: try #require(VersionRange("^1.4,!=1.2.3"))]
    func chosen(isRequired: Bool) -> [String] {
      let place = SearchDirectory(directory.path + "/checkout", isRequired: isRequired)
      let discovery = PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0))
      return discovery.scan([place], installed: installed, in: store).choosing(ranges).plugins.map {
        $0.manifest.version.description
      }
    }
    #expect(chosen(isRequired: false) == ["1.5.0"])
    #expect(chosen(isRequired: true) == ["1.2.3"])
  }

  @Test("while somebody uses installed versions none is removed")
  func used() throws {
    let store = PluginStore(state: state)
    let place = try add("one", to: store)
    let use = try #require(try store.use())
    #expect(try store.alone() == nil)
    #expect(names().contains(place))
    withExtendedLifetime(use) {}
  }

  @Test("a sweep removes versions, the directories that they leave empty, and what was never finished")
  func sweep() throws {
    let store = PluginStore(state: state)
    let places = try ["one", "two"].map { try add($0, to: store) }
    #expect(try sweep(store, keeping: [places[1]]) == 1)
    #expect(names().contains(places[1]) && !names().contains(places[0]))
    #expect(try sweep(store, keeping: []) == 1)
    #expect(names().isEmpty)
    #expect(try sweep(store, keeping: []) == 0)
  }
}
