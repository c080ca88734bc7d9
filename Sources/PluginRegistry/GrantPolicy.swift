import PluginModel

/// What the operator allows each plugin. Pure: a plugin has what its manifest asks for *and* the operator granted, and
/// nothing else; what is forbidden, nobody has. What one plugin is granted is no matter of another's.
package struct GrantPolicy: Sendable {
  /// What every plugin that asks for it gets: the run's workspace, to read (`security.default_permissions`).
  package static let defaultPermissions: [Permission] = [.filesystemRead(nil)]

  private let defaults: [Permission]
  private var options: [PluginName: [Permission]]
  private let policies: [SecurityPolicy]
  private let stored: [GrantRecord]
  private var consents: [PluginName: [Permission]] = [:]

  /// - Parameters:
  ///   - grants: of this run, by the option `--grant`.
  ///   - policies: of the operator's files, the one that counts more first.
  ///   - stored: what was allowed before, in the order in which it was.
  package init(
    defaults: [Permission] = Self.defaultPermissions, grants: [PluginName: [Permission]] = [:],
    policies: [SecurityPolicy] = [], stored: [GrantRecord] = []
  ) {
    self.defaults = defaults
    options = grants
    self.policies = policies
    self.stored = stored
  }

  /// The plugins that options named.
  package var plugins: [PluginName] { options.keys.sorted() }

  /// Adds what somebody who was asked allowed for this run.
  package mutating func consent(to permissions: [Permission], for plugin: PluginName) {
    consents[plugin, default: []] += permissions
  }

  /// - Parameter digest: of the plugin's files, to which what is stored is tied.
  package func decision(for manifest: PluginManifest, digest: String) -> GrantDecision {
    let grants = grants(to: manifest.name, digest: digest)
    let asked = Set(manifest.permissions).sorted()
    var decision = GrantDecision(plugin: manifest.name, digest: digest, asked: asked, grants: grants)
    let pairs = grants.flatMap { grant in asked.compactMap { $0.meet(grant.permission) } }
    decision.effective = Set(pairs.filter { rule(forbidding: $0) == nil }).sorted()
    decision.missing = asked.filter { request in
      !grants.contains { grant in
        request.meet(grant.permission).map { rule(forbidding: $0) == nil } ?? false
      }
    }
    decision.forbidden = decision.missing.compactMap { request in
      rule(forbidding: request).map { ForbiddenRequest(permission: request, rule: $0) }
    }
    decision.useless = grants.filter { grant in
      grant.isForPlugin && asked.allSatisfy { $0.meet(grant.permission) == nil }
    }
    decision.roots = Set(grants.compactMap(\.permission.path)).sorted()
    decision.profile = sections(of: manifest.name).compactMap(\.profile).first
    decision.change = change(of: decision)
    decision.refusals =
      grants.compactMap { refusal(of: $0, asked: asked, plugin: manifest.name) }
      + outside(decision) + foreign(decision)
    return decision
  }

  package func decision(for plugin: DiscoveredPlugin) -> GrantDecision {
    decision(for: plugin.manifest, digest: plugin.digest.description)
  }

  /// Why `permission` can't be granted to any plugin; nil where it can.
  package func rule(forbidding permission: Permission) -> Located<Permission>? {
    policies.lazy.flatMap(\.forbidden).first { $0.value.forbids(permission) }
  }

  private func sections(of plugin: PluginName) -> [PluginPolicy] {
    policies.flatMap(\.plugins).filter { $0.plugin == plugin }
  }

  private func grants(to plugin: PluginName, digest: String) -> [Grant] {
    var result = (options[plugin] ?? []).map { Grant(permission: $0, source: .option) }
    result += (consents[plugin] ?? []).map { Grant(permission: $0, source: .consent) }
    result += sections(of: plugin).flatMap(\.permissions).map {
      Grant(permission: $0.value, source: .policy($0.location))
    }
    result += stored.filter { $0.plugin == plugin && $0.digest == digest }.map {
      Grant(permission: $0.permission, source: .stored($0))
    }
    return result + defaults.map { Grant(permission: $0, source: .defaults) }
  }

  /// What the files that the plugin had before were allowed, as far as it is asked for still and isn't allowed otherwise. Nothing
  /// where somebody has already decided about the present files.
  private func change(of decision: GrantDecision) -> GrantChange? {
    let own = stored.filter { $0.plugin == decision.plugin }
    guard let latest = own.last, !own.contains(where: { $0.digest == decision.digest }) else { return nil }
    let earlier = own.filter { $0.digest == latest.digest }
    let permissions = Set(earlier.flatMap { record in decision.asked.compactMap { $0.meet(record.permission) } })
    let lost = permissions.filter { permission in
      rule(forbidding: permission) == nil && !decision.effective.contains { permission.meet($0) == permission }
    }
    return lost.isEmpty ? nil : GrantChange(earlier: earlier, permissions: lost.sorted())
  }

  /// What is granted to everybody gives way to what is forbidden; a grant by name is a contradiction that somebody has to mend.
  private func refusal(of grant: Grant, asked: [Permission], plugin: PluginName) -> Diagnostic? {
    guard grant.isForPlugin else { return nil }
    let given = asked.compactMap { $0.meet(grant.permission) }
    guard let rule = (given.isEmpty ? [grant.permission] : given).lazy.compactMap({ self.rule(forbidding: $0) }).first
    else { return nil }
    let hint =
      switch grant.source {
      case .option: "leave out --grant \(ShellText.word("\(plugin)=\(grant.permission)"))"
      case .policy(let location): "take it out of \(location), or out of forbidden_permissions"
      case .stored: "take it back: orchestrator plugin revoke \(plugin) \(ShellText.word(grant.permission.description))"
      case .consent, .defaults: "whoever may change that file decides"
      }
    return Diagnostic(
      "\"\(plugin)\" is granted \(grant.permission), which is forbidden",
      why: "forbidden_permissions has \(rule.value), for every plugin", hint: hint, at: rule.location)
  }

  /// The roots of every file that names some hold.
  private func outside(_ decision: GrantDecision) -> [Diagnostic] {
    policies.compactMap(\.filesystemRoots).flatMap { roots -> [Diagnostic] in
      let reaching = decision.effective.filter { permission in
        guard let path = permission.path else { return false }
        return !roots.value.contains { path.isEqualToOrBeneath($0) }
      }
      return reaching.map { permission in
        let names = roots.value.map(\.text).joined(separator: ", ")
        return Diagnostic(
          "\"\(decision.plugin)\" is granted \(permission), which reaches outside of filesystem_roots",
          why: names.isEmpty ? "filesystem_roots is empty: no path may be granted" : "filesystem_roots has \(names)",
          hint: "grant a path beneath one of them, or add \(permission.path ?? .root) to filesystem_roots",
          at: roots.location)
      }
    }
  }

  private func foreign(_ decision: GrantDecision) -> [Diagnostic] {
    sections(of: decision.plugin).compactMap(\.digest).filter { $0.value != decision.digest }.map { pin in
      Diagnostic(
        "the plugin \"\(decision.plugin)\" has other files than the operator allows",
        why: "it is \(decision.digest), and 'digest' names \(pin.value)",
        hint: "install the plugin that was meant; or, once the change was reviewed, write the new digest",
        at: pin.location)
    }
  }
}

/// One thing that a plugin was allowed, and by what.
package struct Grant: Hashable, Sendable {
  package enum Source: Hashable, Sendable {
    /// `--grant`
    case option
    /// A question that was answered for this run only.
    case consent
    /// An operator's file.
    case policy(SourceLocation)
    case stored(GrantRecord)
    /// `default_permissions`
    case defaults
  }

  package var permission: Permission
  package var source: Source

  package init(permission: Permission, source: Source) {
    self.permission = permission
    self.source = source
  }

  /// It was meant for the plugin, rather than for every plugin that asks.
  var isForPlugin: Bool { source != .defaults }
}

extension Permission {
  /// The scope of a filesystem permission.
  package var path: AbsolutePath? {
    switch self {
    case .filesystemRead(let path), .filesystemWrite(let path): path
    case .networkHTTP, .networkSocket, .systemExec, .gpuAccess, .memoryUnlimited: nil
    }
  }

  /// What both a request (`self`) and a grant allow; nil where they have nothing in common.
  ///
  /// A bare request of any kind asks for every scope of it. A bare grant of a filesystem permission is the workspace
  /// and no path; any other bare grant is every scope.
  package func meet(_ grant: Permission) -> Permission? {
    switch (self, grant) {
    case (.filesystemRead(let request), .filesystemRead(let grant)):
      Self.meet(request, grant).map(Permission.filesystemRead)
    case (.filesystemWrite(let request), .filesystemWrite(let grant)):
      Self.meet(request, grant).map(Permission.filesystemWrite)
    case (.networkHTTP(let request), .networkHTTP(let grant)):
      Self.meetHosts(request, grant).map(Permission.networkHTTP(hosts:))
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

  /// As above, where `*.example.org` of one list covers `api.example.org` of the other: the narrower of both.
  private static func meetHosts(_ request: [String], _ grant: [String]) -> [String]? {
    if request.isEmpty { return grant }
    if grant.isEmpty { return request }
    func covers(_ patterns: [String], _ host: String) -> Bool { patterns.contains { HostPattern.covers($0, host) } }
    let asked = request.filter { covers(grant, $0) }
    let shared = asked + grant.filter { !asked.contains($0) && covers(request, $0) }
    return shared.isEmpty ? nil : shared
  }
}
