import PluginModel

/// The smallest list of permissions and the narrowest profile with which what was seen works. Pure; harmless to a terminal, a file and a
/// log, whatever the plugin named.
package struct LearningProposal: Hashable, Sendable {
  package var plugin: PluginName
  package var permissions: [LearnedPermission]
  package var unneeded: [UnneededPermission]
  package var profile: LearnedProfile
  /// What to know before it is believed.
  package var warnings: [String]

  private static let hiddenShown = 16

  package init(_ evidence: LearningEvidence) {
    let learning = PermissionLearning(evidence)
    plugin = evidence.plugin
    permissions = learning.needed
    unneeded = learning.unneeded
    profile = LearnedProfile(evidence, permissions: learning.needed)
    warnings = evidence.nodes.flatMap { node -> [String] in
      var lines: [String] = []
      let (further, unread) = (node.observation.furtherPaths, node.observation.unreadPaths)
      if further > 0 {
        lines.append(
          "\(node.name) named more different paths than are kept: \(further == 1 ? "one call" : "\(further) calls") more than what is told here"
        )
      }
      if unread > 0 {
        lines.append(
          "of \(node.name), the paths of \(unread == 1 ? "one call" : "\(unread) calls") could not be read")
      }
      lines += node.hidden.prefix(Self.hiddenShown).map { path in
        "\(node.name) tried \(path.text), which its sandbox doesn't show: it is not proposed"
      }
      let more = node.hidden.count - Self.hiddenShown
      if more > 0 { lines.append("\(node.name) tried \(more) more paths that its sandbox doesn't show") }
      if node.egress?.furtherReached ?? 0 > 0 { lines.append("\(node.name) reached more hosts than are kept") }
      return lines
    }
  }

  /// What is to be granted.
  package var granted: [Permission] { permissions.map(\.permission).sorted() }

  /// - Parameter grantCommand: nil: there is nothing to grant.
  package func text(grantCommand: String?) -> String {
    var lines = ["\(plugin) needs"]
    if permissions.isEmpty { lines.append("  no permission") }
    for learned in permissions {
      lines.append("  \(UntrustedBytes(learned.permission.description).text)")
      lines += learned.evidence.map { "    \($0)" }
    }
    if !unneeded.isEmpty {
      lines += ["", "not needed"]
      for item in unneeded { lines += ["  \(UntrustedBytes(item.permission.description).text)", "    \(item.why)"] }
    }
    if !warnings.isEmpty { lines += [""] + warnings.map { "note: \($0)" } }
    if let grantCommand { lines += ["", "to grant it: \(grantCommand)"] }
    return lines.joined(separator: "\n") + "\n\n" + profile.yaml
  }

  package func jsonMembers(grantCommand: String?) -> [JSONValue.Member] {
    [
      .init("plugin", .string(plugin.text)),
      .init(
        "permissions",
        .array(
          permissions.map { learned in
            [
              "permission": .string(learned.permission.description), "part_of": .string(learned.granted.description),
              "evidence": .strings(learned.evidence),
            ]
          })),
      .init(
        "not_needed",
        .array(unneeded.map { ["permission": .string($0.permission.description), "why": .string($0.why)] })),
      .init(
        "profile",
        [
          "name": .string(profile.name), "yaml": .string(profile.yaml), "removed_calls": .strings(profile.removed),
          "unseen_calls": .strings(profile.unseen),
        ]), .init("grant", grantCommand.map(JSONValue.string) ?? .null),
      .init("notes", .strings(warnings)),
    ]
  }
}
