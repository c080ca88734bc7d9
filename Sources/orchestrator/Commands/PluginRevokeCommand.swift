import ArgumentParser
import PluginModel
import PluginRegistry

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
    let grants = PluginGrants(bootstrap: bootstrap, system: system, catalog: catalog, state: state)
    let (name, revoked) = try await grants.revoke(permissions, all: all, of: plugin)
    let list = SafeText.line(revoked.map(\.description).joined(separator: ", "))
    await bootstrap.console.print("\(bootstrap.console.outputStyle("✓", .good)) \(name) is no longer granted \(list)")
    guard let found = catalog[name] else { return }
    let left = try await bootstrap.grantPolicy(system, state: state).decision(for: found)
    for line in PermissionsReport.remaining(left) { await bootstrap.console.print(line) }
  }
}
