import PluginModel
import PluginRegistry

/// A plugin of a registry that was fetched and verified, in the words by which somebody decides whether it is installed.
struct RegistryOffer: Sendable {
  let manifest: PluginManifest
  let step: RegistryResolution.Step
  /// The ids of the trusted keys that have signed it.
  let signers: [String]
  let decision: GrantDecision
  /// The version that counts.
  let before: InstalledVersion?

  /// One permission a line: none hides behind others.
  func lines(_ style: Style) -> [String] {
    let reason = step.neededBy.map { "  (\($0) needs it)" } ?? ""
    let list = signers.joined(separator: ", ")
    var lines = [
      "\(style("\(manifest.name) \(manifest.version)", .strong))\(reason)  \(style(SafeText.line(manifest.description), .faint))",
      "  signed by    \(list.isEmpty ? style("no key that is trusted: nobody vouches for it", .warning) : list)",
    ]
    if let reason = step.version.yanked {
      lines.append("  \(style("yanked", .warning))       \(SafeText.line(reason))")
    }
    guard !manifest.permissions.isEmpty else { return lines + ["  asks for     nothing"] }
    lines.append("  asks for:")
    let earlier = before.map {
      (try? PluginManifest(json: $0.metadata, engineVersion: engineVersion))?.permissions ?? []
    }
    return lines
      + ConsentQuestion.lines(decision, style: style) { permission in
        guard let before, let earlier, !permission.isCovered(by: earlier) else { return "" }
        return "  " + style("new: \(before.version) didn't ask for it", .warning)
      }
  }
}
