/// One permission that somebody allowed one plugin, for exactly the files that it had then.
package struct GrantRecord: Hashable, Sendable {
  /// How it was allowed.
  package enum Way: String, CaseIterable, Sendable {
    /// `orchestrator plugin grant`
    case command
    /// An answer to the question that `orchestrator run` asks.
    case consent
  }

  package var plugin: PluginName
  /// Of the plugin's files: `sha256:…`.
  package var digest: String
  package var permission: Permission
  /// What the manifest asked for then.
  package var asked: [Permission]
  /// `2026-01-31T23:59:59Z`
  package var time: String
  package var way: Way
  /// The effective user id of the program, geteuid(2).
  package var user: UInt32

  package init(
    plugin: PluginName, digest: String, permission: Permission, asked: [Permission], time: String, way: Way,
    user: UInt32
  ) {
    self.plugin = plugin
    self.digest = digest
    self.permission = permission
    self.asked = asked
    self.time = time
    self.way = way
    self.user = user
  }
}
