import HTTPAPI
import PluginModel

/// What somebody asks to be installed from the registry.
struct RegistryInstallationRequest: Sendable {
  let wish: RegistryWish
  let grants: [PluginName: [Permission]]
  let withoutConsent: Bool
  let choice: RegistryChoice
  /// Of the package; nil: any.
  let checksum: String?

  private enum Key: String, CaseIterable {
    case range, grants, checksum
    case withoutConsent = "without_consent"
    case allowYanked = "allow_yanked"
    case allowDowngrade = "allow_downgrade"
  }

  static let keys = Set(Key.allCases.map(\.rawValue))

  init(_ plugin: String, _ body: JSONValue) throws(APIProblem) {
    func given(_ key: Key) -> JSONValue? { body[key.rawValue].flatMap { $0 == .null ? nil : $0 } }
    func wrong(_ key: Key, _ must: String) -> APIProblem { .unusable(key.rawValue, must) }
    func flag(_ key: Key) throws(APIProblem) -> Bool {
      switch given(key) {
      case nil, .bool(false): false
      case .bool(true): true
      default: throw wrong(key, "true or false")
      }
    }
    guard let name = PluginName(plugin) else {
      throw APIProblem(
        422, "\(String(plugin.prefix(64)).quoted) is not the name of a plugin", hint: "use \(PluginName.grammar)")
    }
    var range: VersionRange?
    if let value = given(.range) {
      guard let read = value.stringValue.flatMap({ VersionRange($0) }) else {
        throw wrong(.range, VersionRange.grammar)
      }
      range = read
    }
    wish = RegistryWish(name: name, range: range)
    switch given(.checksum) {
    case nil: checksum = nil
    case .string(let text) where ContentDigest(described: text) != nil: checksum = text
    default: throw wrong(.checksum, "sha256: and 64 hexadecimal digits")
    }
    withoutConsent = try flag(.withoutConsent)
    choice = RegistryChoice(
      engine: engineVersion, allowsYanked: try flag(.allowYanked), allowsDowngrade: try flag(.allowDowngrade))
    grants = try Self.grants(given(.grants)) ?? [:]
  }

  private static func grants(_ value: JSONValue?) throws(APIProblem) -> [PluginName: [Permission]]? {
    guard let value else { return nil }
    let wrong = APIProblem.unusable(Key.grants.rawValue, "an object: for names of plugins lists of permissions")
    guard case .object(let members) = value, members.count <= 64 else { throw wrong }
    var grants: [PluginName: [Permission]] = [:]
    for member in members {
      guard let name = PluginName(member.key), let list = member.value.arrayValue, list.count <= 64 else { throw wrong }
      let texts = list.compactMap(\.stringValue)
      guard texts.count == list.count else { throw wrong }
      do throws(CommandFailure) { grants[name] = try Permission.parse(texts) } catch { throw APIProblem(error) }
    }
    return grants
  }
}
