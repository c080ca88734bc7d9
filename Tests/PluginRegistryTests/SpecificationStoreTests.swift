import Foundation
import LinuxSystem
import PluginModel
import PluginRegistry
import Testing

@Suite("Stored node specifications")
struct SpecificationStoreTests {
  private let directory: TemporaryDirectory
  private let plugin: DiscoveredPlugin
  private let store: SpecificationStore

  init() throws {
    directory = try TemporaryDirectory()
    try directory.plugin("plugins/a", name: "sample")
    let discovery = PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0))
    plugin = try #require(discovery.scan([SearchDirectory(directory.path + "/plugins")]).plugins.first)
    store = SpecificationStore(state: directory.path + "/state")
  }

  private var specification: NodeSpecification {
    NodeSpecification(
      nodeType: NodeTypeName(unchecked: "work"), displayName: "Work", category: "Test", description: "Does it",
      icon: "⚙", color: "#123456",
      inputs: [
        PortSpecification(
          name: PortName(unchecked: "in"), type: .any, displayName: "In", description: "", required: false,
          defaultValue: .null, multiple: true)
      ],
      parameters: [
        ParameterSpecification(
          name: ParameterName(unchecked: "mode"), type: "string", displayName: "Mode", description: "",
          defaultValue: "a", constraints: ["enum": ["a", "b"]], component: .select)
      ],
      resourceRequirements: ResourceRequirement(cpuCores: 0.5, memoryMB: 64))
  }

  private func stored() throws -> String {
    let folder = directory.path + "/state/specifications"
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first)
    return folder + "/" + name
  }

  private func found() -> [NodeSpecification]? {
    if case .found(let specifications) = store.read(plugin) { specifications } else { nil }
  }

  private func note() -> Diagnostic? {
    if case .absent(let note) = store.read(plugin) { note } else { nil }
  }

  @Test("are absent without a note before anything was stored")
  func empty() {
    #expect(found() == nil)
    #expect(note() == nil)
  }

  @Test("come back as they were stored")
  func roundTrip() throws {
    try store.write([specification], for: plugin)
    #expect(found() == [specification])
    try store.write([], for: plugin)
    #expect(found() == [])
  }

  @Test("are not used for a plugin whose files have changed")
  func changedPlugin() throws {
    try store.write([specification], for: plugin)
    try directory.write("plugins/a/helper.py", "x = 1\n")
    let discovery = PluginDiscovery(engineVersion: SemanticVersion(1, 0, 0))
    let changed = try #require(discovery.scan([SearchDirectory(directory.path + "/plugins")]).plugins.first)
    guard case .absent(nil) = store.read(changed) else {
      Issue.record("the old answer was used")
      return
    }
  }

  @Test(
    "are absent with a note when the file is damaged",
    arguments: ["", "{", "[]", "{\"digest\": \"sha256:00\"}", "\u{0}", "null"])
  func damaged(_ content: String) throws {
    try store.write([specification], for: plugin)
    try Data(content.utf8).write(to: URL(fileURLWithPath: stored()))
    #expect(note()?.severity == .warning)
  }

  @Test("are checked like a worker's answer when they are read", arguments: ["\"work\"", "\"Does it\"", "\"#123456\""])
  func tampered(_ text: String) throws {
    try store.write([specification], for: plugin)
    let path = try stored()
    let content = try String(contentsOfFile: path, encoding: .utf8)
    #expect(content.contains(text))
    let tampered = content.replacingOccurrences(of: text, with: "\"../\\u001b[2J\"")
    try Data(tampered.utf8).write(to: URL(fileURLWithPath: path))
    #expect(note() != nil)
  }

  @Test("are not read through a link")
  func link() throws {
    try store.write([specification], for: plugin)
    let path = try stored()
    try FileManager.default.moveItem(atPath: path, toPath: directory.path + "/moved")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: directory.path + "/moved")
    #expect(note() != nil)
  }
}
