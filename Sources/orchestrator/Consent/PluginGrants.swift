import PluginModel
import PluginRegistry
import StateStore

/// Grants plugins what they ask for, lastingly, and takes it back.
struct PluginGrants: Sendable {
  let bootstrap: Bootstrap
  let system: SystemConfiguration
  let catalog: PluginCatalog
  let state: String

  /// - Parameter permissions: at most what the plugin asks for.
  /// - Returns: what was granted, for the files that it has now.
  func grant(_ permissions: [Permission], to found: DiscoveredPlugin) async throws(CommandFailure) {
    try await check(permissions, of: found, catalog, try await bootstrap.grantPolicy(system, state: state))
    _ = try await bootstrap.grantedFiles(permissions)
    try await bootstrap.remember(permissions, for: found, way: .command, state: state)
  }

  /// - Returns: what was taken back.
  func revoke(
    _ permissions: [String], all: Bool, of plugin: String
  ) async throws(CommandFailure) -> (name: PluginName, permissions: [Permission]) {
    let stored = try await bootstrap.storedGrants(state: state)
    let name = try known(plugin, stored)
    let own = Set(stored.filter { $0.plugin == name }.map(\.permission)).sorted()
    let revoked = try chosen(own, name, permissions, all: all)
    do throws(StateStoreError) {
      try await StateDatabase(existing: state, on: bootstrap.files)?.revoke(all ? nil : Set(revoked), of: name)
    } catch {
      throw CommandFailure(error)
    }
    return (name, revoked)
  }

  /// - Parameter all: everything that it asks for.
  static func requested(
    _ permissions: [String], all: Bool, of found: DiscoveredPlugin
  ) throws(CommandFailure) -> [Permission] {
    let name = found.manifest.name
    let asked = Set(found.manifest.permissions).sorted()
    guard !asked.isEmpty else {
      throw CommandFailure(
        .invalidInput, "there is nothing to grant to \"\(name)\"", why: "its manifest asks for nothing")
    }
    let list = "it asks for: \(asked.map(\.description).joined(separator: ", "))"
    if all { return asked }
    guard !permissions.isEmpty else {
      throw CommandFailure(
        .invalidInput, "nothing to grant to \"\(name)\" is named", why: list, hint: "name permissions, or --all")
    }
    let parsed = try Permission.parse(permissions)
    let problems = parsed.filter { permission in !asked.contains { $0.meet(permission) == permission } }.map {
      Diagnostic("\"\(name)\" doesn't ask for \($0)", why: list, hint: "grant what it asks for, or a part of that")
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return Set(parsed).sorted()
  }

  /// What is refused when it is to be run is refused now.
  private func check(
    _ granted: [Permission], of found: DiscoveredPlugin, _ catalog: PluginCatalog, _ policy: GrantPolicy
  ) async throws(CommandFailure) {
    var policy = policy
    policy.consent(to: granted, for: found.manifest.name)
    let decision = policy.decision(for: found)
    let refusals = decision.refusals + [catalog.ambiguity(of: decision)].compactMap(\.self)
    guard refusals.isEmpty else { throw CommandFailure(.invalidInput, refusals) }
  }

  /// A plugin that is gone may have left its grants.
  private func known(_ plugin: String, _ stored: [GrantRecord]) throws(CommandFailure) -> PluginName {
    let names = Set(catalog.plugins.map(\.manifest.name) + stored.map(\.plugin)).sorted()
    if let name = names.first(where: { $0.text == plugin }) { return name }
    throw CommandFailure(
      .invalidInput, "there is no plugin \"\(plugin)\", and nothing was granted to one",
      hint: Suggestion.hint(for: plugin, among: names.map(\.text)))
  }

  private func chosen(
    _ own: [Permission], _ name: PluginName, _ permissions: [String], all: Bool
  ) throws(CommandFailure) -> [Permission] {
    guard !own.isEmpty else {
      throw CommandFailure(
        .invalidInput, "\"\(name)\" was granted nothing that could be taken back",
        why: "what files of the operator grant is in those files", hint: "see: orchestrator plugin permissions \(name)")
    }
    if all { return own }
    let list = "it was granted: \(own.map(\.description).joined(separator: ", "))"
    guard !permissions.isEmpty else {
      throw CommandFailure(
        .invalidInput, "nothing to take back from \"\(name)\" is named", why: list, hint: "name permissions, or --all")
    }
    var chosen: Set<Permission> = []
    var problems: [Diagnostic] = []
    for permission in try Permission.parse(permissions) {
      let matches = own.filter { $0 == permission || permission.scope == nil && $0.name == permission.name }
      chosen.formUnion(matches)
      if matches.isEmpty { problems.append(Diagnostic("\"\(name)\" was not granted \(permission)", why: list)) }
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return chosen.sorted()
  }
}
