import LinuxSystem
import PluginModel

/// What plugins said about their node types, kept by the digest of the plugin: an answer is used for the very files that
/// gave it. So that nothing of a plugin runs when plugins are listed or workflows checked a second time.
package struct SpecificationStore: Sendable {
  /// Bytes of one stored answer; a worker's answer is smaller.
  package static let limit = 24 << 20

  private enum Key: String {
    case digest
    case plugin
    case nodeTypes = "node_types"
  }

  private let path: String

  /// - Parameter state: the state directory; it is made when something is first stored.
  package init(state: String) { path = state + "/specifications" }

  /// What is stored for a plugin.
  package enum Reading: Sendable {
    case found([NodeSpecification])
    /// Nothing; or, with a note for the log, something that can't be used.
    case absent(note: Diagnostic?)
  }

  /// What is read is checked like a worker's answer: whoever can write the state directory is trusted, a disk isn't.
  package func read(_ plugin: DiscoveredPlugin) -> Reading {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try Directory(opening: path).contents(Self.name(plugin), limit: Self.limit).bytes
    } catch {
      return .absent(note: error.isAbsence ? nil : Self.note(plugin, error.description))
    }
    do {
      let stored = try JSONValue(json: bytes)
      guard stored[Key.digest.rawValue]?.stringValue == plugin.digest.description,
        stored[Key.plugin.rawValue]?.stringValue == plugin.manifest.name.text
      else { return .absent(note: Self.note(plugin, "it is about another plugin")) }
      let description: JSONValue = .object([
        JSONValue.Member(Key.nodeTypes.rawValue, stored[Key.nodeTypes.rawValue] ?? .null)
      ])
      return .found(try NodeSpecification.read(description: description, source: "\(path)/\(Self.name(plugin))"))
    } catch {
      return .absent(note: Self.note(plugin, "\(error)"))
    }
  }

  /// Replaces what is stored, whole or not at all.
  package func write(_ specifications: [NodeSpecification], for plugin: DiscoveredPlugin) throws(FileError) {
    let value: JSONValue = .object([
      JSONValue.Member(Key.digest.rawValue, .string(plugin.digest.description)),
      JSONValue.Member(Key.plugin.rawValue, .string(plugin.manifest.name.text)),
      JSONValue.Member(Key.nodeTypes.rawValue, .array(specifications.map(\.jsonValue))),
    ])
    try Directory(making: path, permissions: 0o700).replace(Self.name(plugin), with: value.utf8(.pretty))
  }

  private static func name(_ plugin: DiscoveredPlugin) -> String { plugin.digest.hexadecimal + ".json" }

  private static func note(_ plugin: DiscoveredPlugin, _ why: String) -> Diagnostic {
    Diagnostic(
      "what is stored about the plugin \"\(plugin.manifest.name)\" can't be used", why: why,
      hint: "it is read from the plugin again", severity: .warning)
  }
}
