/// What can be asked of a registry, and where: below its address. Both sides speak by it.
package enum RegistryRoute: Hashable, Sendable {
  case search(RegistryQuery)
  case plugin(PluginName)
  case package(PluginName, SemanticVersion)
  /// With what the publisher says the plugin is for.
  case publish(PluginName, SemanticVersion, [PluginCategory])
  case yank(PluginName, SemanticVersion, reason: String)
  case undoYank(PluginName, SemanticVersion)

  /// Of paths and queries.
  package enum Word {
    package static let plugins = "plugins"
    package static let package = "package"
    package static let yank = "yank"
    package static let query = "query"
    package static let category = "category"
    package static let after = "after"
    package static let limit = "limit"
    package static let reason = "reason"
  }

  package func address(in registry: RegistryAddress) -> RegistryAddress {
    switch self {
    case .search(let query): registry.appending([Word.plugins], query: query.items)
    case .plugin(let name): registry.appending([Word.plugins, name.text])
    case .package(let name, let version):
      registry.appending([Word.plugins, name.text, version.description, Word.package])
    case .publish(let name, let version, let categories):
      registry.appending(
        [Word.plugins, name.text, version.description, Word.package],
        query: categories.map { (Word.category, $0.text) })
    case .yank(let name, let version, let reason):
      registry.appending(
        [Word.plugins, name.text, version.description, Word.yank], query: [(Word.reason, reason)])
    case .undoYank(let name, let version):
      registry.appending([Word.plugins, name.text, version.description, Word.yank])
    }
  }

  /// Only then it needs a token.
  package var changesRegistry: Bool {
    switch self {
    case .search, .plugin, .package: false
    case .publish, .yank, .undoYank: true
    }
  }
}

/// What a plugin is for, in its publisher's word.
package struct PluginCategory: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "category"
  package static let grammar = PluginName.grammar
  package static func accepts(_ text: String) -> Bool { PluginName.accepts(text) }
  /// Of one version.
  package static let maximumCount = 8
}

/// Who publishes, by the token that was given to them.
package struct PublisherName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "publisher name"
  package static let grammar = PluginName.grammar
  package static func accepts(_ text: String) -> Bool { PluginName.accepts(text) }
}

/// Which plugins a registry is to list. All of the words must occur in a plugin's name, description, author or node types.
package struct RegistryQuery: Hashable, Sendable {
  package static let maximumBytes = 256
  package static let maximumWords = 8
  package static let limits = 1...100
  package static let usualLimit = 50

  /// In lower case.
  package var words: [String]
  package var category: PluginCategory?
  /// The page begins with the first name that comes after this one.
  package var after: PluginName?
  package var limit: Int

  package init(
    words: [String] = [], category: PluginCategory? = nil, after: PluginName? = nil, limit: Int = usualLimit
  ) {
    self.words = words
    self.category = category
    self.after = after
    self.limit = limit
  }

  /// - Throws: which of them can't be used.
  package init(text: String, category: String?, after: String?, limit: String?) throws(Diagnostic) {
    self.init(words: text.lowercased().split(separator: " ").map(String.init))
    guard text.utf8.count <= Self.maximumBytes, words.count <= Self.maximumWords else {
      throw Diagnostic(
        "the words to search for are too many", hint: "use at most \(Self.maximumWords), of \(Self.maximumBytes) bytes")
    }
    if let category {
      guard let category = PluginCategory(category) else {
        throw Diagnostic("\(category.quoted) is not a category", hint: "use \(PluginCategory.grammar)")
      }
      self.category = category
    }
    if let after {
      guard let after = PluginName(after) else {
        throw Diagnostic("\(after.quoted) is not a plugin name", hint: "use \(PluginName.grammar)")
      }
      self.after = after
    }
    if let limit {
      guard let limit = StrictDecimal.value(limit.utf8, maximum: Self.limits.upperBound), Self.limits.contains(limit)
      else {
        throw Diagnostic(
          "\(limit.quoted) is not a number of plugins",
          hint: "use \(Self.limits.lowerBound) to \(Self.limits.upperBound)")
      }
      self.limit = limit
    }
  }

  fileprivate var items: [(String, String)] {
    var items: [(String, String)] = []
    if !words.isEmpty { items.append((RegistryRoute.Word.query, words.joined(separator: " "))) }
    if let category { items.append((RegistryRoute.Word.category, category.text)) }
    if let after { items.append((RegistryRoute.Word.after, after.text)) }
    items.append((RegistryRoute.Word.limit, String(limit)))
    return items
  }
}

/// Bounds of what a registry sends and takes.
package struct RegistryLimits: Hashable, Sendable {
  /// Bytes of one JSON document.
  package var documentBytes = 8 << 20
  /// Of one plugin.
  package var versions = 1000
  /// Bytes of a package.
  package var packageBytes = PackageLimits().packageSize
  /// Of one that a registry takes, unless it is told otherwise.
  package static let usualPackageBytes = 128 << 20
  /// Bytes of a reason to yank.
  package var reasonBytes = 512
  /// Signatures that are listed of one version.
  package var signers = PackageSignatures.maximumCount

  package init() {}

  var document: DocumentLimits {
    DocumentLimits(maximumBytes: documentBytes, maximumDepth: 16, maximumNodes: 1_000_000)
  }
}
