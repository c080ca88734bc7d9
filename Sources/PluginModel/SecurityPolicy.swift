/// What one file of the operator's says about permissions: the `security` section of plugin_system.yaml, or of a policy file.
package struct SecurityPolicy: Hashable, Sendable {
  /// No scoped filesystem permission reaches outside of these. Nil: wherever a grant says.
  package var filesystemRoots: Located<[AbsolutePath]>?
  /// What no plugin may have, whoever grants it.
  package var forbidden: [Located<Permission>]
  package var plugins: [PluginPolicy]

  package init(
    filesystemRoots: Located<[AbsolutePath]>? = nil, forbidden: [Located<Permission>] = [], plugins: [PluginPolicy] = []
  ) {
    self.filesystemRoots = filesystemRoots
    self.forbidden = forbidden
    self.plugins = plugins
  }

  package var isEmpty: Bool { filesystemRoots == nil && forbidden.isEmpty && plugins.isEmpty }
}

/// What a file of the operator's says about one plugin.
package struct PluginPolicy: Hashable, Sendable {
  package var plugin: PluginName
  /// Granted, without anybody being asked.
  package var permissions: [Located<Permission>]
  /// The name of a security profile.
  package var profile: Located<PluginName>?
  /// The only files that may go by this name: `sha256:` and 64 hexadecimal digits.
  package var digest: Located<String>?

  package init(
    plugin: PluginName, permissions: [Located<Permission>] = [], profile: Located<PluginName>? = nil,
    digest: Located<String>? = nil
  ) {
    self.plugin = plugin
    self.permissions = permissions
    self.profile = profile
    self.digest = digest
  }
}

extension SecurityPolicy {
  package enum PluginKey: String, CaseIterable { case permissions, profile, digest }
  package enum FileKey: String, CaseIterable { case security }

  init(_ security: MappingReader<SystemConfiguration.SecurityKey>) {
    if let roots = security.optional(.filesystemRoots), let items = roots.list(maximumCount: 256) {
      filesystemRoots = Located(items.compactMap { $0.absoluteDirectory() }, at: roots.location)
    }
    forbidden = Self.permissions(security.optional(.forbiddenPermissions))
    plugins =
      security.optional(.plugins)?.entries(named: PluginName.self)?.compactMap { name, _, value in
        value.mapping(PluginKey.self).map { PluginPolicy(name, $0) }
      } ?? []
  }

  fileprivate static func permissions(_ reader: ValueReader?) -> [Located<Permission>] {
    var places: [Permission: SourceLocation] = [:]
    let permissions: [Permission] =
      reader?.list(maximumCount: 256)?.unique { item -> Permission? in
        guard let permission = item.permission() else { return nil }
        if places[permission] == nil { places[permission] = item.location }
        return permission
      } ?? []
    return permissions.compactMap { permission in places[permission].map { Located(permission, at: $0) } }
  }
}

extension PluginPolicy {
  fileprivate init(_ name: PluginName, _ mapping: MappingReader<SecurityPolicy.PluginKey>) {
    let (profile, digest) = (mapping.optional(.profile), mapping.optional(.digest))
    self.init(
      plugin: name, permissions: SecurityPolicy.permissions(mapping.optional(.permissions)),
      profile: profile.flatMap { item in item.name(PluginName.self).map { Located($0, at: item.location) } },
      digest: digest.flatMap { item in item.digest().map { Located($0, at: item.location) } })
  }
}

extension ValueReader {
  /// As `plugin list --output json` writes it.
  fileprivate func digest() -> String? {
    guard let text = string() else { return nil }
    guard ContentDigest(described: text) != nil else {
      error(
        "\(text.quoted) is not the digest of a plugin",
        hint: "copy it from 'orchestrator plugin permissions': sha256: and 64 hexadecimal digits")
      return nil
    }
    return text
  }
}

extension SystemConfiguration {
  /// Reads a policy file: the section `security` of plugin_system.yaml, for one run.
  /// - Throws: everything that is wrong with it.
  package init(policy bytes: [UInt8], file: String) throws(Diagnostics) {
    let report = DocumentReport(file: file)
    let root = report.read(bytes, syntax: .yaml)?.mapping(SecurityPolicy.FileKey.self)
    var result = SystemConfiguration()
    if let security = root?.required(.security)?.mapping(SecurityKey.self) { result.read(security) }
    try report.check()
    self = result
  }

  /// Both hold: what either demands or forbids, and what either grants.
  package func adding(_ policy: SystemConfiguration) -> SystemConfiguration {
    var result = self
    if let permissions = policy.defaultPermissions {
      let known = defaultPermissions ?? []
      result.defaultPermissions = known + permissions.filter { !known.contains($0) }
    }
    result.required += policy.required
    result.network = network.adding(policy.network)
    result.trust = trust.adding(policy.trust)
    // Those of the policy come first: what is said for one run is nearer.
    let directories = (policy.profileDirectories ?? []) + (profileDirectories ?? [])
    result.profileDirectories = directories.isEmpty ? nil : directories
    result.policies = policy.policies + policies
    return result
  }
}
