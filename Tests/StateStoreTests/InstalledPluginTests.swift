import GRDB
import LinuxSystem
import PluginModel
import StateStore
import Testing

@Suite("Which plugins are installed")
struct InstalledPluginTests {
  private let directory: TemporaryDirectory
  private let database: StateDatabase

  init() async throws {
    directory = try TemporaryDirectory()
    database = try await StateDatabase(making: directory.path + "/state", on: DedicatedThread(name: "files"))
  }

  private func version(_ text: String, name: String = "shop", digest: Character = "a") throws -> InstalledVersion {
    let version = try #require(SemanticVersion(text))
    return InstalledVersion(
      name: PluginName(unchecked: name), version: version, author: "A", metadata: #"{"name":"\#(name)"}"#,
      digest: "sha256:" + String(repeating: digest, count: 64), checksum: nil, contents: "sha256:c",
      signers: ["one", "two"],
      place: "\(name)/\(version)-\(digest)", files: 3, bytes: 100, installed: 1)
  }

  private func standings(_ name: String = "shop") async throws -> [String] {
    try await database.installedPlugins().filter { $0.name.text == name }.map { "\($0.version) \($0.standing)" }
  }

  private let shop = PluginName(unchecked: "shop")

  @Test("a version takes no higher one's place where that isn't allowed, whenever that one came")
  func downgrade() async throws {
    try await database.install(version("2.0.0"))
    let higher = try await database.install(version("1.0.0", digest: "b"), allowsDowngrade: false)
    #expect(higher == SemanticVersion(2, 0, 0))
    #expect(try await database.installedPlugins().map(\.version) == [SemanticVersion(2, 0, 0)])
    #expect(try await database.install(version("2.1.0", digest: "c"), allowsDowngrade: false) == nil)
    #expect(try await database.install(version("1.0.0", digest: "b")) == nil)
  }

  @Test("the last installed counts, and is read as it was written")
  func order() async throws {
    try await database.install(version("1.0.0"))
    try await database.install(version("2.0.0", digest: "b"))
    try await database.install(version("1.0.0", name: "other"))
    #expect(try await standings() == ["2.0.0 current", "1.0.0 previous"])
    var expected = try version("2.0.0", digest: "b")
    expected.standing = .current
    #expect(try await database.installedPlugins().first { $0.name == shop } == expected)
    #expect(try await standings("other") == ["1.0.0 current"])
    // Again: nothing but the one that counts changes.
    try await database.install(version("2.0.0", digest: "b"))
    #expect(try await standings() == ["2.0.0 current", "1.0.0 previous"])
    // The same version with other files is another.
    try await database.install(version("2.0.0", digest: "c"))
    #expect(try await standings() == ["2.0.0 current", "2.0.0 previous", "1.0.0 other"])
  }

  @Test("a rollback goes back and forth, or to a version that is named, and to nothing else")
  func rollback() async throws {
    try await database.install(version("1.0.0"))
    #expect(try await database.rollBack(shop) == nil)
    try await database.install(version("2.0.0", digest: "b"))
    try await database.install(version("3.0.0", digest: "c"))
    let pair = try #require(try await database.rollBack(shop))
    #expect(pair.now.version == SemanticVersion(2, 0, 0) && pair.before.version == SemanticVersion(3, 0, 0))
    #expect(try await standings() == ["2.0.0 current", "3.0.0 previous", "1.0.0 other"])
    _ = try await database.rollBack(shop)
    #expect(try await standings() == ["3.0.0 current", "2.0.0 previous", "1.0.0 other"])
    _ = try await database.rollBack(shop, to: SemanticVersion(1, 0, 0))
    #expect(try await standings() == ["1.0.0 current", "3.0.0 previous", "2.0.0 other"])
    #expect(try await database.rollBack(shop, to: SemanticVersion(9, 0, 0)) == nil)
    #expect(try await database.rollBack(shop, to: SemanticVersion(1, 0, 0)) == nil)
  }

  @Test(
    "of a plugin that loses the version that counts another counts; one that goes whole leaves nothing, grants neither")
  func uninstalled() async throws {
    try await database.install(version("1.0.0"))
    try await database.install(version("2.0.0", digest: "b"))
    try await database.install(version("1.0.0", name: "other"))
    try await database.add([
      GrantRecord(
        plugin: shop, digest: "d", permission: .filesystemRead(nil), asked: [], time: "t", way: .command, user: 0),
      GrantRecord(
        plugin: PluginName(unchecked: "other"), digest: "d", permission: .filesystemRead(nil), asked: [], time: "t",
        way: .command, user: 0),
    ])
    #expect(try await database.uninstall(shop, SemanticVersion(2, 0, 0)) == 1)
    #expect(try await standings() == ["1.0.0 current"])
    #expect(try await database.grants().count == 2)
    #expect(try await database.uninstall(shop) == 1)
    #expect(try await standings().isEmpty)
    #expect(try await database.grants().map(\.plugin.text) == ["other"])
    #expect(try await standings("other") == ["1.0.0 current"])
  }

  @Test("versions that neither count nor did so last are forgotten, and no other of the same number")
  func forgotten() async throws {
    for digest: Character in ["a", "b", "c"] { try await database.install(version("1.0.0", digest: digest)) }
    try await database.forgetOldVersions()
    #expect(try await database.installedPlugins().map { String($0.place.suffix(1)) } == ["c", "b"])
    #expect(try await standings() == ["1.0.0 current", "1.0.0 previous"])
  }

  @Test("of a version that is removed the one before it counts, not one that was turned away from")
  func backToPrevious() async throws {
    try await database.install(version("1.0.0"))
    try await database.install(version("2.0.0", digest: "b"))
    _ = try await database.rollBack(shop)
    try await database.install(version("1.1.0", digest: "c"))
    try await database.uninstall(shop, SemanticVersion(1, 1, 0))
    #expect(try await standings() == ["1.0.0 current", "2.0.0 other"])
  }

  @Test("has the specification's columns for whoever reads the file")
  func view() async throws {
    try await database.install(version("1.0.0"))
    try await database.install(version("2.0.0", digest: "b"))
    let queue = try DatabaseQueue(path: directory.path + "/state/state.sqlite")
    let rows = try queue.read { try Row.fetchAll($0, sql: "SELECT name, version, author, metadata FROM plugins") }
    #expect(rows.map { $0["version"] as String } == ["2.0.0"])
  }
}
