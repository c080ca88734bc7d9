import PluginModel

/// What the operator allows each plugin. Pure: a plugin has what its manifest asks for *and* the operator granted, and
/// nothing else.
package struct GrantPolicy: Sendable {
  /// What every plugin that asks for it gets: the run's workspace, to read (`security.default_permissions`).
  package static let defaultPermissions: [Permission] = [.filesystemRead(nil)]

  private let defaults: [Permission]
  private let grants: [PluginName: [Permission]]

  package init(defaults: [Permission] = Self.defaultPermissions, grants: [PluginName: [Permission]]) {
    self.defaults = defaults
    self.grants = grants
  }

  /// The plugins that the operator named.
  package var plugins: [PluginName] { grants.keys.sorted() }

  /// The paths that the operator named for any plugin or for all: a scoped grant is the operator's own word, so it is a root.
  package var filesystemRoots: [AbsolutePath] {
    let paths = (defaults + grants.values.joined()).compactMap { permission -> AbsolutePath? in
      switch permission {
      case .filesystemRead(let path), .filesystemWrite(let path): path
      case .networkHTTP, .networkSocket, .systemExec, .gpuAccess, .memoryUnlimited: nil
      }
    }
    return Set(paths).sorted()
  }

  /// True where some plugin may be given a GPU.
  package var grantsGPUs: Bool { (defaults + grants.values.joined()).contains { $0.name == .gpuAccess } }

  package func decision(for manifest: PluginManifest) -> GrantDecision {
    let named = grants[manifest.name] ?? []
    let asked = Set(manifest.permissions).sorted()
    let pairs = asked.flatMap { request in (defaults + named).compactMap { request.meet($0) } }
    return GrantDecision(
      plugin: manifest.name, effective: Set(pairs).sorted(),
      missing: asked.filter { request in (defaults + named).allSatisfy { request.meet($0) == nil } },
      useless: Set(named).sorted().filter { grant in asked.allSatisfy { $0.meet(grant) == nil } })
  }
}

/// What one plugin may do, and where that differs from what was asked for or granted.
package struct GrantDecision: Hashable, Sendable {
  package var plugin: PluginName
  /// What the sandbox will allow.
  package var effective: [Permission]
  /// Asked for by the manifest, and not granted at all.
  package var missing: [Permission]
  /// Granted by the operator, and not asked for: without effect.
  package var useless: [Permission]

  package init(plugin: PluginName, effective: [Permission], missing: [Permission], useless: [Permission]) {
    self.plugin = plugin
    self.effective = effective
    self.missing = missing
    self.useless = useless
  }

  /// The options that would grant what is missing, as they would be typed.
  package var missingOptions: [String] { missing.map { "--grant \(plugin)=\($0)" } }

  /// Warnings, for before the run.
  package var diagnostics: [Diagnostic] {
    var result: [Diagnostic] = []
    if !missing.isEmpty {
      result.append(
        Diagnostic(
          "the plugin \"\(plugin)\" asks for \(missing.map(\.description).joined(separator: ", ")), not granted",
          why: "it runs without", hint: "to allow it: \(missingOptions.joined(separator: " "))", severity: .warning))
    }
    if !useless.isEmpty {
      result.append(
        Diagnostic(
          "granting \(useless.map(\.description).joined(separator: ", ")) to \"\(plugin)\" changes nothing",
          why: "its manifest doesn't ask for it", severity: .warning))
    }
    return result
  }
}

extension Permission {
  /// What both a request (`self`) and a grant allow; nil where they have nothing in common.
  ///
  /// A bare request of any kind asks for every scope of it. A bare grant of a filesystem permission is the workspace
  /// and no path; any other bare grant is every scope.
  func meet(_ grant: Permission) -> Permission? {
    switch (self, grant) {
    case (.filesystemRead(let request), .filesystemRead(let grant)):
      Self.meet(request, grant).map(Permission.filesystemRead)
    case (.filesystemWrite(let request), .filesystemWrite(let grant)):
      Self.meet(request, grant).map(Permission.filesystemWrite)
    case (.networkHTTP(let request), .networkHTTP(let grant)):
      Self.meet(request, grant).map(Permission.networkHTTP(hosts:))
    case (.networkSocket(let request), .networkSocket(let grant)):
      Self.meet(request, grant).map(Permission.networkSocket(endpoints:))
    case (.systemExec(let request), .systemExec(let grant)):
      Self.meet(request, grant).map(Permission.systemExec(programs:))
    case (.gpuAccess(let request), .gpuAccess(let grant)):
      .gpuAccess(count: [request, grant].compactMap(\.self).min())
    case (.memoryUnlimited, .memoryUnlimited): .memoryUnlimited
    case (.filesystemRead, _), (.filesystemWrite, _), (.networkHTTP, _), (.networkSocket, _), (.systemExec, _),
      (.gpuAccess, _), (.memoryUnlimited, _):
      nil
    }
  }

  /// The deeper of two paths where one lies beneath the other.
  private static func meet(_ request: AbsolutePath?, _ grant: AbsolutePath?) -> AbsolutePath?? {
    guard let request else { return .some(grant) }
    guard let grant else { return nil }
    if request.isEqualToOrBeneath(grant) { return .some(request) }
    return grant.isEqualToOrBeneath(request) ? .some(grant) : nil
  }

  /// What two lists share; an empty one stands for everything.
  private static func meet(_ request: [String], _ grant: [String]) -> [String]? {
    if request.isEmpty { return grant }
    if grant.isEmpty { return request }
    let shared = request.filter(grant.contains)
    return shared.isEmpty ? nil : shared
  }
}
