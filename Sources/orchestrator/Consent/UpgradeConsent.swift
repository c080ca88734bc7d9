import PluginModel
import PluginRegistry
import StateStore

/// A new version of a plugin that asks for more than the one that counts takes its place where somebody has allowed that, or wants it
/// without. Otherwise the version before stays the one that counts.
struct UpgradeConsent: Sendable {
  /// Who decides.
  enum Way: Sendable {
    /// Somebody has seen what it asks for already, or wants no version to wait for that.
    case given
    /// Somebody at this terminal.
    case asked
    /// Nobody is there: what isn't allowed by a grant or a policy is refused.
    case demanded
  }

  let bootstrap: Bootstrap
  let state: String
  let policy: GrantPolicy
  let way: Way

  /// - Parameter before: the version that counts.
  /// - Throws: that it must not take its place.
  func check(_ plugin: DiscoveredPlugin, after before: InstalledVersion) async throws(CommandFailure) {
    let added = added(in: plugin, since: before, policy)
    guard !added.isEmpty else { return }
    let (name, version) = (plugin.manifest.name, plugin.manifest.version)
    let list = added.map(\.description).joined(separator: ", ")
    switch way {
    case .given: return
    case .asked:
      await bootstrap.console.printError(
        "\(name) \(version) asks for more than \(before.version) did: \(SafeText.line(list))")
      let (policy, _) = try await ConsentDialogue(bootstrap: bootstrap, state: state).ask(about: [plugin], policy)
      // Also what nobody is asked about, for it is forbidden.
      guard !self.added(in: plugin, since: before, policy).isEmpty else { return }
      throw CommandFailure(
        .invalidInput, "\(name) \(version) is not installed", why: "what it asks for is not allowed: \(list)",
        hint: "\(before.version) stays the version that counts; without asking: --no-consent")
    case .demanded:
      throw CommandFailure(
        .invalidInput, "\(name) \(version) asks for more than \(before.version) did: \(list)",
        why: "nobody has allowed it, so \(before.version) stays the version that counts",
        hint:
          "allow it: \(added.map { ShellText.word("--grant") + " " + ShellText.word("\(name)=\($0)") }.joined(separator: " ")), "
          + "or in a file: --policy FILE; or install it without: --no-consent")
    }
  }

  /// What it asks for, the version before didn't, and nobody has allowed yet.
  private func added(
    in plugin: DiscoveredPlugin, since before: InstalledVersion, _ policy: GrantPolicy
  ) -> [Permission] {
    // What can't be read any more asked for nothing.
    let earlier = (try? PluginManifest(json: before.metadata, engineVersion: engineVersion))?.permissions ?? []
    let allowed = policy.decision(for: plugin).effective
    return Set(plugin.manifest.permissions).sorted()
      .filter { !$0.isCovered(by: earlier) && !$0.isCovered(by: allowed) }
  }
}
