import ArgumentParser
import PluginModel
import PluginRegistry

/// `orchestrator plugin grant`
struct PluginGrantCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant", abstract: "Allows a plugin what its manifest asks for.",
    discussion: """
      What is granted holds for the files that the plugin has now: once they change, it has to be granted again. See \
      what a plugin asks for with: orchestrator plugin permissions PLUGIN

      Examples:
        orchestrator plugin grant greeter filesystem.write
        orchestrator plugin grant greeter filesystem.read:/srv/data system.exec:git
      """)

  @Argument(help: "The plugin's name.") var plugin: String
  @Argument(help: ArgumentHelp("What to allow it, at most what it asks for.", valueName: "permission"))
  var permissions: [String] = []
  @Flag(help: "Allow everything that it asks for, and say what that is.") var all = false
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
    let found = try catalog.plugin(named: plugin)
    let granted = try PluginGrants.requested(permissions, all: all, of: found)
    let grants = PluginGrants(
      bootstrap: bootstrap, system: system, catalog: catalog, state: try bootstrap.state(self.state))
    try await grants.grant(granted, to: found)
    let console = bootstrap.console
    for line in PermissionLines.explained(granted, style: console.outputStyle) { await console.print(line) }
    let list = ShellText.words(granted.map(\.description))
    for line in [
      "\(console.outputStyle("✓", .good)) granted to \(found.manifest.name) \(found.manifest.version), for the files that it has now: "
        + DigestText.short(found.digest.description),
      "  its files      \(SafeText.line(found.directory.text))",
      "  take it back   orchestrator plugin revoke \(found.manifest.name) \(SafeText.line(list))\(self.state.text)",
    ] {
      await console.print(line)
    }
  }
}

extension Permission {
  /// All that is wrong with them at once.
  static func parse(_ texts: [String]) throws(CommandFailure) -> [Permission] {
    var result: [Permission] = []
    var problems: [Diagnostic] = []
    for text in texts {
      do throws(Problem) {
        result.append(try Permission(text))
      } catch {
        problems.append(Diagnostic(error.what, why: error.why, hint: error.hint))
      }
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return result
  }
}

/// Permissions for people.
enum PermissionLines {
  static func explained(_ permissions: [Permission], style: Style) -> [String] {
    permissions.flatMap { permission in
      ["  " + style(SafeText.line(permission.description), .accent)] + meaning(of: permission)
    }
  }

  static func meaning(of permission: Permission) -> [String] {
    [
      "      it could   \(SafeText.line(permission.meaning))", "      the risk   \(SafeText.line(permission.risk))",
    ]
  }
}
