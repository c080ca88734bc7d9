/// What a registry says of a plugin: `GET plugins/NAME`. Nothing of it is believed; it says what to ask for, and is compared with what
/// comes.
package struct RegistryPlugin: Hashable, Sendable {
  package var name: PluginName
  /// Who may publish it.
  package var owner: PublisherName
  /// From the highest to the lowest.
  package var versions: [RegistryVersion]

  package init(name: PluginName, owner: PublisherName, versions: [RegistryVersion]) {
    self.name = name
    self.owner = owner
    self.versions = versions.sorted { $0.version > $1.version }
  }

  package func adding(_ version: RegistryVersion) -> RegistryPlugin {
    RegistryPlugin(name: name, owner: owner, versions: versions + [version])
  }

  /// Why a publisher can't add a version; nil: it can.
  package func refusal(
    of version: RegistryVersion, by publisher: PublisherName, _ limits: RegistryLimits
  ) -> RegistryPublication? {
    guard owner == publisher else { return .foreign(owner) }
    if let there = self[version.version] {
      return there.checksum == version.checksum ? .same : .taken(there.checksum)
    }
    return adding(version).isWithin(limits) ? nil : .full
  }

  /// Readers take so many versions, and so long a description.
  private func isWithin(_ limits: RegistryLimits) -> Bool {
    versions.count <= limits.versions && jsonValue.utf8().count <= limits.documentBytes
  }

  package subscript(version: SemanticVersion) -> RegistryVersion? { versions.first { $0.version == version } }
}

/// What became of a version that was to be published.
package enum RegistryPublication: Hashable, Sendable {
  case created
  /// These very bytes were there already.
  case same
  /// The version is there with other bytes.
  case taken(ContentDigest)
  /// The name is another's.
  case foreign(PublisherName)
  /// Nobody has the name, and it differs from this one's only in `-` and `_`.
  case confusable(PluginName)
  /// The plugin has as many versions, or as long a description of them, as readers take.
  case full
}

/// One version of a plugin, as a registry describes it.
package struct RegistryVersion: Hashable, Sendable {
  package var version: SemanticVersion
  /// SHA-256 of the package.
  package var checksum: ContentDigest
  /// SHA-256 of its index.
  package var contents: ContentDigest
  /// Bytes of the package.
  package var size: Int
  package var author: String
  package var description: String
  package var license: String
  package var categories: [PluginCategory]
  package var nodeTypes: [NodeTypeName]
  package var permissions: [Permission]
  /// As the manifest has them: Python requirements, and `plugin:NAME RANGE`.
  package var dependencies: [String]
  package var minimumEngineVersion: SemanticVersion?
  package var maximumEngineVersion: SemanticVersion?
  /// Names of the keys whose signatures it carries. Whether they are right only the package shows.
  package var signers: [KeyIdentifier]
  /// RFC 3339, UTC.
  package var published: String
  /// Why it is not to be used any more; nil: it may be.
  package var yanked: String?

  package init(
    _ manifest: PluginManifest, checksum: ContentDigest, contents: ContentDigest, size: Int,
    categories: [PluginCategory] = [], signers: [KeyIdentifier] = [], published: String, yanked: String? = nil
  ) {
    version = manifest.version
    self.checksum = checksum
    self.contents = contents
    self.size = size
    author = manifest.author
    description = manifest.description
    license = manifest.license
    self.categories = categories
    nodeTypes = manifest.nodeTypes
    permissions = manifest.permissions
    dependencies = manifest.dependencies
    minimumEngineVersion = manifest.minimumEngineVersion
    maximumEngineVersion = manifest.maximumEngineVersion
    self.signers = signers
    self.published = published
    self.yanked = yanked
  }

  /// The other plugins that it needs.
  package var requiredPlugins: [(name: PluginName, range: VersionRange?)] { PluginDependency.plugins(in: dependencies) }

  package func fits(_ engine: SemanticVersion) -> Bool {
    (minimumEngineVersion.map { $0 <= engine } ?? true) && (maximumEngineVersion.map { engine <= $0 } ?? true)
  }

  /// In what the package's own manifest says otherwise, in words; nil: in nothing.
  package func difference(from manifest: PluginManifest) -> String? {
    if Set(permissions) != Set(manifest.permissions) { return "the permissions that it asks for" }
    if dependencies != manifest.dependencies { return "what it needs of others" }
    let engines = minimumEngineVersion == manifest.minimumEngineVersion
    return engines && maximumEngineVersion == manifest.maximumEngineVersion ? nil : "the versions of this program"
  }
}

/// A plugin in a list.
package struct RegistrySummary: Hashable, Sendable {
  package var name: PluginName
  /// The highest one that isn't yanked, pre-releases last.
  package var version: SemanticVersion
  package var author: String
  package var description: String
  package var categories: [PluginCategory]

  package init(
    name: PluginName, version: SemanticVersion, author: String, description: String, categories: [PluginCategory]
  ) {
    self.name = name
    self.version = version
    self.author = author
    self.description = description
    self.categories = categories
  }
}

extension RegistryPlugin {
  /// Nil where every version was yanked.
  package var summary: RegistrySummary? {
    let usable = versions.filter { $0.yanked == nil }
    guard let shown = usable.first(where: \.version.prerelease.isEmpty) ?? usable.first else { return nil }
    return RegistrySummary(
      name: name, version: shown.version, author: shown.author, description: shown.description,
      categories: shown.categories)
  }
}

/// One page of a list.
package struct RegistryPage: Hashable, Sendable {
  package var plugins: [RegistrySummary]
  /// The next page is asked for with it; nil: this is the last.
  package var next: PluginName?

  package init(plugins: [RegistrySummary], next: PluginName?) {
    self.plugins = plugins
    self.next = next
  }

  /// Whether it is what was asked for: names that ascend from where it was to begin, and no more than there were to be; and where there are
  /// more, the last of them to go on from. Only so asking for page after page ends.
  package func answers(_ query: RegistryQuery) -> Bool {
    let names = (query.after.map { [$0] } ?? []) + plugins.map(\.name)
    guard plugins.count <= query.limit, zip(names, names.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
    return next == nil || next == plugins.last?.name
  }
}
