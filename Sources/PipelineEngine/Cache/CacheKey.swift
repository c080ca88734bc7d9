import Crypto
import PluginModel

extension ContentDigest {
  package init(of bytes: some Sequence<UInt8>) {
    var hash = SHA256()
    if bytes.withContiguousStorageIfAvailable({ hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
      hash.update(data: Array(bytes))
    }
    self.init(hash.finalize())
  }

  package init(_ digest: SHA256.Digest) {
    self = digest.withUnsafeBytes { ContentDigest(unchecked: $0) }
  }
}

/// By what the result of a node is found again: SHA-256 over everything that it can depend on. Two nodes with one key are the same
/// code with the same permissions, parameters and inputs, whatever their names and wherever their inputs came from: a node whose inputs
/// come out as before isn't run again, though what made them was (early cut-off).
///
/// It holds what it was made of, so that it can be said which part of it has changed. Values are there only as digests.
package struct CacheKey: Hashable, Sendable {
  package struct Ingredient: Hashable, Sendable {
    /// What stands before ``label`` in the name. Apart, because every node has several of them.
    fileprivate enum Kind: String {
      case plain = ""
      case parameter = "parameter "
      case input = "input "
    }

    fileprivate var kind: Kind
    fileprivate var label: String
    package var digest: ContentDigest

    fileprivate init(_ kind: Kind, _ label: String, _ digest: ContentDigest) {
      self.kind = kind
      self.label = label
      self.digest = digest
    }

    fileprivate init(_ name: String, _ digest: ContentDigest) { self.init(.plain, name, digest) }

    /// `plugin`, `environment`, `type`, `permissions`, `parameter count`, `input items`, …
    package var name: String { kind.rawValue + label }
  }

  package let digest: ContentDigest
  /// Those that the keys of many calls have in common; they come first.
  private let common: [Ingredient]
  private let own: [Ingredient]
  package var ingredients: [Ingredient] { common + own }

  fileprivate init(_ base: CacheBase, _ own: [Ingredient]) {
    common = base.ingredients
    self.own = own
    var hash = base.hash
    Self.add(own, to: &hash)
    digest = ContentDigest(hash.finalize())
  }

  /// Names can't hold a line break, and digests have one length: no two lists read the same.
  fileprivate static func add(_ ingredients: [Ingredient], to hash: inout SHA256) {
    var text: [UInt8] = []
    text.reserveCapacity(96 * ingredients.count)
    for ingredient in ingredients {
      text += ingredient.kind.rawValue.utf8
      text += ingredient.label.utf8
      text.append(.lineBreak)
      ingredient.digest.write(to: &text)
      text.append(.lineBreak)
    }
    text.withUnsafeBytes { hash.update(bufferPointer: $0) }
  }

  package static func == (left: Self, right: Self) -> Bool { left.digest == right.digest }
  package func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

extension UInt8 {
  fileprivate static let space = UInt8(ascii: " ")
  fileprivate static let lineBreak = UInt8(ascii: "\n")
}

/// What the results of a node depend on beside its parameters and inputs. A node has none unless its sandbox shows it nothing else.
package struct CacheIdentity: Hashable, Sendable {
  /// Of the plugin's files.
  package var plugin: String
  package var type: NodeTypeReference
  /// Of the interpreter and the libraries that it runs with.
  package var environment: ContentDigest
  /// Of the Python packages that it has for itself; nil: none.
  package var packages: ContentDigest?
  /// What it may do, each as it is written.
  package var permissions: [String]
  /// The operator's values for it.
  package var configuration: JSONValue
  /// What it is told that it has: processors, memory, GPUs.
  package var resources: JSONValue
  /// The models, drivers and memory of the GPUs that it may get; nil: it gets none.
  package var gpu: JSONValue?
  /// The security profile that it runs under, by its name.
  package var profile: String

  package init(
    plugin: String, type: NodeTypeReference, environment: ContentDigest, permissions: [String],
    configuration: JSONValue, resources: JSONValue = .object([]), gpu: JSONValue? = nil, profile: String = "",
    packages: ContentDigest? = nil
  ) {
    self.packages = packages
    self.gpu = gpu
    self.resources = resources
    self.profile = profile
    self.plugin = plugin
    self.type = type
    self.environment = environment
    self.permissions = permissions
    self.configuration = configuration
  }
}

extension CacheIdentity {
  /// Whether all keys are: texts of the same characters can be other bytes. What is equal so is equal as the hash takes it.
  package static func == (left: Self, right: Self) -> Bool {
    left.plugin.hasSameBytes(as: right.plugin) && left.type == right.type && left.environment == right.environment
      && left.packages == right.packages
      && left.permissions.elementsEqual(right.permissions) { $0.hasSameBytes(as: $1) }
      && left.configuration.isWritten(as: right.configuration) && left.resources.isWritten(as: right.resources)
      && (left.gpu ?? .null).isWritten(as: right.gpu ?? .null) && (left.gpu == nil) == (right.gpu == nil)
      && left.profile.hasSameBytes(as: right.profile)
  }
}

extension CacheKey.Ingredient {
  fileprivate init(_ name: String, of text: String) { self.init(name, ContentDigest(of: text.utf8)) }
}

/// What an identity gives to the keys of all calls: it is hashed once for all of them.
struct CacheBase: Sendable {
  fileprivate let ingredients: [CacheKey.Ingredient]
  /// Of the text that begins with them.
  fileprivate let hash: SHA256

  fileprivate init(_ ingredients: [CacheKey.Ingredient]) {
    self.ingredients = ingredients
    var hash = SHA256()
    hash.update(data: Array("orchestrator cache key 1\n".utf8))
    CacheKey.add(ingredients, to: &hash)
    self.hash = hash
  }

  init(_ identity: CacheIdentity) {
    var ingredients: [CacheKey.Ingredient] = [
      .init("plugin", of: identity.plugin), .init("environment", identity.environment),
      .init("type", of: identity.type.description),
      .init("permissions", of: JSONValue.array(identity.permissions.map(JSONValue.string)).text()),
      .init("configuration", of: identity.configuration.text()), .init("resources", of: identity.resources.text()),
      .init("profile", of: identity.profile),
    ]
    // Keys of nodes without them are those that they were before there were these ingredients.
    if let packages = identity.packages { ingredients.append(.init("packages", packages)) }
    if let gpu = identity.gpu { ingredients.append(.init("GPU", of: gpu.text())) }
    self.init(ingredients)
  }
}

extension CacheKey {
  /// Nil where an input isn't known by its content.
  package init?(_ identity: CacheIdentity, _ call: NodeCall) { self.init(CacheBase(identity), call) }

  /// Nil where an input isn't known by its content.
  init?(_ base: CacheBase, _ call: NodeCall) {
    var own: [Ingredient] = []
    own.reserveCapacity(call.parameters.count + call.inputs.count)
    var content: [UInt8] = []
    content.reserveCapacity(128)
    // A whole number and an equal one with a point don't read the same, and a plugin can tell them apart.
    for (index, (name, value)) in call.parameters.enumerated() {
      if let known = call.usual?.digest(of: value, parameter: index) {
        own.append(Ingredient(.parameter, name.text, known))
        continue
      }
      content.removeAll(keepingCapacity: true)
      value.write(to: &content)
      own.append(Ingredient(.parameter, name.text, ContentDigest(of: content)))
    }
    for input in call.inputs {
      content.removeAll(keepingCapacity: true)
      content += (input.multiple ? "list\n" : "value\n").utf8
      for value in input.values {
        guard let digest = value.knownDigest else { return nil }
        content += String(value.codec.rawValue).utf8
        content.append(.space)
        digest.write(to: &content)
        content.append(.space)
        JSONValue.string(value.label).write(to: &content)
        content.append(.lineBreak)
      }
      own.append(Ingredient(.input, input.port.text, ContentDigest(of: content)))
    }
    self.init(base, own)
  }

  /// The key by what the plugin itself says: among nodes of its type, with the same code and the same surroundings.
  init(_ base: CacheBase, own: String) { self.init(base, [Ingredient("own key", of: own)]) }

  /// The ingredients that differ, by name: in one of the two only, or with another content.
  package func differences(from earlier: CacheKey) -> [String] {
    let before = Dictionary(earlier.ingredients.map { ($0.name, $0.digest) }) { first, _ in first }
    let now = Dictionary(ingredients.map { ($0.name, $0.digest) }) { first, _ in first }
    let names = ingredients.map(\.name) + earlier.ingredients.map(\.name).filter { now[$0] == nil }
    return names.filter { before[$0] != now[$0] }
  }
}

extension CacheKey {
  package var jsonValue: JSONValue {
    [
      "key": .string(digest.hexadecimal),
      "ingredients": .object(ingredients.map { .init($0.name, .string($0.digest.hexadecimal)) }),
    ]
  }

  /// Nil where it isn't what ``jsonValue`` says.
  package init?(_ value: JSONValue) {
    guard case .object(let members)? = value["ingredients"] else { return nil }
    let ingredients = members.compactMap { member in
      member.value.stringValue.flatMap { ContentDigest($0) }.map { Ingredient(member.key, $0) }
    }
    self.init(CacheBase([]), ingredients)
    guard ingredients.count == members.count, value["key"]?.stringValue == digest.hexadecimal else { return nil }
  }
}

extension NodeValue {
  /// Of its bytes: known of what was kept, and soon told of what is short.
  package var knownDigest: ContentDigest? {
    if let digest { return digest }
    guard case .inline(let bytes) = content else { return nil }
    return ContentDigest(of: bytes)
  }
}
