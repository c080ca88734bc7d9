import PluginModel

/// The most that may be granted to a plugin under a profile: `permissions` of the file that says it.
package struct PermissionCeiling: Hashable, Sendable {
  /// Of the file in which it stands.
  package var profile: String
  package var permissions: [Permission]
  package var location: SourceLocation

  package init(profile: String, permissions: [Permission], location: SourceLocation) {
    self.profile = profile
    self.permissions = permissions
    self.location = location
  }

  /// `filesystem.read, network.http:example.org`, or `nothing`.
  package var words: String {
    permissions.isEmpty ? "nothing" : permissions.map(\.description).joined(separator: ", ")
  }

  /// A grant is never cut: what was consented to is what a plugin has, or it isn't started.
  func refusals(of granted: [Permission], to plugin: PluginName) -> [Diagnostic] {
    Set(granted).sorted().filter { !$0.isCovered(by: permissions) }.map { permission in
      Diagnostic(
        "\(permission) is more than the profile \(profile.quoted) lets a plugin have",
        why: "under it, \(plugin) may be granted at most: \(words)",
        hint: "revoke the grant, or attach another profile: --profile \(plugin)=NAME; see: orchestrator profile list",
        at: location)
    }
  }
}
