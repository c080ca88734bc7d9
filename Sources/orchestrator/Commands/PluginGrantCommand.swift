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
    let granted = try requested(of: found)
    let state = try bootstrap.state(self.state)
    try await check(granted, of: found, catalog, try await bootstrap.grantPolicy(system, state: state))
    _ = try await bootstrap.grantedFiles(granted)
    let console = bootstrap.console
    for line in PermissionLines.explained(granted, style: console.outputStyle) { await console.print(line) }
    try await bootstrap.remember(granted, for: found, way: .command, state: state)
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

  private func requested(of found: DiscoveredPlugin) throws(CommandFailure) -> [Permission] {
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
