import PluginModel
import PluginRegistry

/// What somebody may say to a plugin's wishes.
enum ConsentAnswer: Hashable, Sendable {
  /// For as long as the plugin's files stay as they are.
  case remember
  case onlyThisRun
  case runWithout

  /// Nil for what is no answer. Nothing but a clear yes allows anything: an empty line is no.
  init?(_ line: String) {
    switch line.lowercased().filter({ $0 != " " && $0 != "\t" && $0 != "\r" }) {
    case "y", "yes": self = .remember
    case "o", "once": self = .onlyThisRun
    case "", "n", "no": self = .runWithout
    default: return nil
    }
  }
}

/// The question whether a plugin may do what it asks for, in words. All that comes from the plugin is made safe.
struct ConsentQuestion: Sendable {
  let plugin: DiscoveredPlugin
  let decision: GrantDecision

  static let prompt =
    "Allow it? [y] yes, as long as its files stay the same  [o] only this run  [n] no, run without (n): "

  func lines(style: Style) -> [String] {
    let manifest = plugin.manifest
    let name = style("\(manifest.name) \(manifest.version)", .strong)
    var lines = [""]
    if let change = decision.change {
      let granted = change.permissions.map(\.description).joined(separator: ", ")
      let before = DigestText.short(change.earlier.last?.digest ?? "")
      lines.append(
        "The files of the plugin \(name) \(style("have changed", .warning)) since it was granted \(SafeText.line(granted))."
      )
      lines.append(
        "  then: \(before), granted on \(change.earlier.last?.time ?? ""); now: \(DigestText.short(decision.digest))")
      lines.append("It asks for:")
    } else {
      lines.append("The plugin \(name) asks for what it isn't granted:")
    }
    lines += Self.lines(decision, style: style) { note($0, style: style) }
    lines.append("  \(style("its files: \(SafeText.line(plugin.directory.text))", .faint))")
    return lines + [summary(style: style)]
  }

  /// What is asked for, one permission a line with what it means, and what can't be allowed or is allowed already.
  static func lines(_ decision: GrantDecision, style: Style, note: (Permission) -> String) -> [String] {
    var lines: [String] = []
    for permission in decision.offered {
      lines.append("  \(style(SafeText.line(permission.description), .accent))\(note(permission))")
      lines += PermissionLines.meaning(of: permission)
    }
    lines += decision.forbidden.map { request in
      let rule = SafeText.line(request.rule.location.description)
      return
        "  \(SafeText.line(request.permission.description))  \(style("forbidden in \(rule): it can't be allowed", .faint))"
    }
    if !decision.effective.isEmpty {
      let effective = decision.effective.map(\.description).joined(separator: ", ")
      lines.append("  \(style("it has already: \(SafeText.line(effective))", .faint))")
    }
    return lines
  }

  /// However long the list is, what it comes down to stands where the answer is typed.
  private func summary(style: Style) -> String {
    let names = Set(decision.offered.map(\.name.rawValue)).sorted().joined(separator: ", ")
    return "In all \(style(names, .strong)), for \"\(decision.plugin)\"."
  }

  private func note(_ permission: Permission, style: Style) -> String {
    guard let change = decision.change else { return "" }
    if change.permissions.contains(permission) { return "  " + style("granted before", .faint) }
    return change.askedBefore.contains(permission)
      ? "  " + style("not granted before either", .warning) : "  " + style("new: it didn't ask for it before", .warning)
  }
}
