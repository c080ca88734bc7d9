import ArgumentParser
import PluginModel
import PluginRegistry
import StateStore

/// `orchestrator plugin revoke`
struct PluginRevokeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Takes back what a plugin was granted.",
    discussion: """
      Whichever of its files it was granted for: what is revoked doesn't come back with an older version. A permission \
      without a scope stands for every scope of it. A run that has begun goes on with what it has.
      """)

  @Argument(help: "The plugin's name.") var plugin: String
  @Argument(help: ArgumentHelp("What to take back.", valueName: "permission")) var permissions: [String] = []
  @Flag(help: "Take back everything that it was granted.") var all = false
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions

  func validate() throws {
    if all, !permissions.isEmpty { throw ValidationError("Name permissions, or --all.") }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system, policy)
    let catalog = try await bootstrap.catalog(plugins, system, state: self.state)
    let state = try bootstrap.state(self.state)
    let stored = try await bootstrap.storedGrants(state: state)
    let name = try known(catalog, stored)
    let own = Set(stored.filter { $0.plugin == name }.map(\.permission)).sorted()
    let revoked = try chosen(own, name)
    do throws(StateStoreError) {
      try await StateDatabase(existing: state, on: bootstrap.files)?.revoke(all ? nil : Set(revoked), of: name)
    } catch {
      throw CommandFailure(error)
    }
    let list = SafeText.line(revoked.map(\.description).joined(separator: ", "))
    await bootstrap.console.print("\(bootstrap.console.outputStyle("✓", .good)) \(name) is no longer granted \(list)")
    guard let found = catalog[name] else { return }
    let left = try await bootstrap.grantPolicy(system, state: state).decision(for: found)
    for line in PermissionsReport.remaining(left) { await bootstrap.console.print(line) }
  }

  /// A plugin that is gone may have left its grants.
  private func known(_ catalog: PluginCatalog, _ stored: [GrantRecord]) throws(CommandFailure) -> PluginName {
    let names = Set(catalog.plugins.map(\.manifest.name) + stored.map(\.plugin)).sorted()
    if let name = names.first(where: { $0.text == plugin }) { return name }
    throw CommandFailure(
      .invalidInput, "there is no plugin \"\(plugin)\", and nothing was granted to one",
      hint: Suggestion.hint(for: plugin, among: names.map(\.text)))
  }

  private func chosen(_ own: [Permission], _ name: PluginName) throws(CommandFailure) -> [Permission] {
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
