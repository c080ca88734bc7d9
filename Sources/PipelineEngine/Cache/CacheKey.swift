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
    self.init(unchecked: digest.withUnsafeBytes { String(hexadecimalOf: $0) })
  }
}

/// By what the result of a node is found again: SHA-256 over everything that it can depend on. Two nodes with one key are the same
/// code with the same permissions, parameters and inputs, whatever their names and wherever their inputs came from: a node whose inputs
/// come out as before isn't run again, though what made them was (early cut-off).
///
/// It holds what it was made of, so that it can be said which part of it has changed. Values are there only as digests.
package struct CacheKey: Hashable, Sendable {
  package struct Ingredient: Hashable, Sendable {
    /// `plugin`, `environment`, `type`, `permissions`, `parameter count`, `input items`, …
    package var name: String
    package var digest: ContentDigest

    package init(_ name: String, _ digest: ContentDigest) {
      self.name = name
      self.digest = digest
    }
  }

  private static let space = UInt8(ascii: " ")
  private static let lineBreak = UInt8(ascii: "\n")

  package let digest: ContentDigest
  package let ingredients: [Ingredient]

  package init(_ ingredients: [Ingredient]) {
    self.ingredients = ingredients
    // Names can't hold a line break, and digests have one length: no two lists read the same.
    var text: [UInt8] = []
    text.reserveCapacity(96 * (ingredients.count + 1))
    text += "orchestrator cache key 1\n".utf8
    for ingredient in ingredients {
      text += ingredient.name.utf8
      text.append(Self.lineBreak)
      text += ingredient.digest.hexadecimal.utf8
      text.append(Self.lineBreak)
    }
    digest = ContentDigest(of: text)
  }
}

/// What the results of a node depend on beside its parameters and inputs. A node has none unless its sandbox shows it nothing else.
package struct CacheIdentity: Hashable, Sendable {
  /// Of the plugin's files.
  package var plugin: String
  /// Of the interpreter and the libraries that it runs with.
  package var environment: ContentDigest
  /// What it may do, each as it is written.
  package var permissions: [String]
  /// The operator's values for it.
  package var configuration: JSONValue
  /// What it is told that it has: processors, memory, GPUs.
  package var resources: JSONValue
  /// The security profile that it runs under, by its name.
  package var profile: String

  package init(
    plugin: String, environment: ContentDigest, permissions: [String], configuration: JSONValue,
    resources: JSONValue = .object([]), profile: String = ""
  ) {
    self.resources = resources
    self.profile = profile
    self.plugin = plugin
    self.environment = environment
    self.permissions = permissions
    self.configuration = configuration
  }
}

extension CacheKey.Ingredient {
  fileprivate init(_ name: String, of text: String) { self.init(name, ContentDigest(of: text.utf8)) }
}

/// What an identity gives to the keys of all calls.
struct CacheBase: Sendable {
  fileprivate let code: [CacheKey.Ingredient]
  fileprivate let surroundings: [CacheKey.Ingredient]

  init(_ identity: CacheIdentity) {
    code = [.init("plugin", of: identity.plugin), .init("environment", identity.environment)]
    surroundings = [
      .init("permissions", of: JSONValue.array(identity.permissions.map(JSONValue.string)).text()),
      .init("configuration", of: identity.configuration.text()), .init("resources", of: identity.resources.text()),
      .init("profile", of: identity.profile),
    ]
  }
}

extension CacheKey {
  /// Nil where an input isn't known by its content.
  package init?(_ identity: CacheIdentity, _ call: NodeCall) { self.init(CacheBase(identity), call) }

  /// Nil where an input isn't known by its content.
  init?(_ base: CacheBase, _ call: NodeCall) {
    var ingredients: [Ingredient] = []
    ingredients.reserveCapacity(7 + call.parameters.count + call.inputs.count)
    ingredients += base.code
    ingredients.append(Ingredient("type", of: call.type.description))
    ingredients += base.surroundings
    // A whole number and an equal one with a point don't read the same, and a plugin can tell them apart.
    for (name, value) in call.parameters {
      ingredients.append(Ingredient("parameter " + name.text, ContentDigest(of: value.utf8())))
    }
    for input in call.inputs {
      var content: [UInt8] = []
      content.reserveCapacity(8 + 80 * input.values.count)
      content += (input.multiple ? "list\n" : "value\n").utf8
      for value in input.values {
        guard let digest = value.knownDigest else { return nil }
        content += String(value.codec.rawValue).utf8
        content.append(Self.space)
        content += digest.hexadecimal.utf8
        content.append(Self.space)
        content += JSONValue.string(value.label).utf8()
        content.append(Self.lineBreak)
      }
      ingredients.append(Ingredient("input " + input.port.text, ContentDigest(of: content)))
    }
    self.init(ingredients)
  }

  /// The key by what the plugin itself says: among nodes of its type, with the same code and the same surroundings.
  init(_ base: CacheBase, type: NodeTypeReference, own: String) {
    self.init(
      base.code + [Ingredient("type", of: type.description)] + base.surroundings + [Ingredient("own key", of: own)])
  }

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
    self.init(ingredients)
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
