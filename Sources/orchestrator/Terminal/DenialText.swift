import PipelineEngine
import PluginModel

/// Words what a node was denied: shortly with its failure, and in full for `orchestrator explain`.
struct DenialText: Sendable {
  let style: Style
  /// With a failure; the rest is told by `orchestrator explain`.
  private static let shown = 3

  /// What may have to do with a node's failure: what a grant would allow, each permission once; where there is no such thing, the
  /// first of what nothing allows.
  func hints(_ denials: NodeDenials, command: String) -> [String] {
    let explanations = denials.explanations
    guard let first = explanations.first else { return [] }
    let groups = Self.grouped(explanations)
    var lines = groups.prefix(Self.shown).flatMap { group in
      label(group.first.what + (group.others > 0 ? ", and \(group.others) more like it" : ""))
        + [
          "    \(SafeText.line(group.first.why)); \(SafeText.line(group.first.grantWords))"
            + (group.first.evidence == .inferred ? " (inferred from the plugin's error)" : "")
        ]
    }
    if groups.isEmpty { lines += label("\(first.what): \(first.why)") }
    return lines + ["  \(style("all of it:", .accent)) \(SafeText.line(command))"]
  }

  /// What it was denied and a grant would allow, each permission once.
  func grants(_ denials: NodeDenials) -> [String] {
    Self.grouped(denials.explanations).prefix(Self.shown).map { group in
      "it \(group.first.what), which \(group.first.permission?.description ?? "no permission") would allow"
    }
  }

  private struct Group {
    var first: DenialExplanation
    var others = 0
  }

  /// A host that is known says more than the sockets that were tried for it.
  private static func grouped(_ explanations: [DenialExplanation]) -> [Group] {
    let hasHost = explanations.contains { $0.permission?.name == .networkHTTP && $0.permission?.scope != nil }
    var groups: [Group] = []
    for explanation in explanations {
      guard let permission = explanation.permission else { continue }
      if hasHost, permission == .networkHTTP(hosts: []) { continue }
      if let index = groups.firstIndex(where: { $0.first.permission == permission }) {
        groups[index].others += 1
      } else {
        groups.append(Group(first: explanation))
      }
    }
    return groups
  }

  private func label(_ what: String) -> [String] { ["  \(style("denied:", .accent)) it \(SafeText.line(what))"] }
}

extension DenialExplanation {
  fileprivate var grantWords: String {
    guard isRequested else { return advice ?? "" }
    return "to grant it: \(commands.joined(separator: ", or for one run "))"
  }
}

/// The whole of a stored report, as ``RunReports`` keeps it.
struct StoredReportText: Sendable {
  let style: Style

  func lines(_ report: JSONValue, nodes: [JSONValue]) -> [String] {
    var lines = [
      "run \(style(text(report, "run"), .strong)) of \(text(report, "workflow")): \(text(report, "outcome"))"
    ]
    for node in nodes { lines += [""] + self.lines(node) }
    if let left = report["nodes_left_out_count"]?.integerValue, left > 0 {
      lines += ["", "\(left) nodes are left out: the report would have been too large"]
    }
    return lines
  }

  private func lines(_ node: JSONValue) -> [String] {
    let plugin = node["plugin"].map { ", \(text($0, "name"))@\(text($0, "version"))" } ?? ""
    let attempts = node["attempts"]?.integerValue ?? 0
    var lines = [
      "\(style(text(node, "node"), .strong)) (\(text(node, "type"))\(plugin)): \(text(node, "state"))"
        + (attempts > 1 ? " after \(attempts) attempts" : "")
    ]
    let failure = [node["message"], node["cause"]].compactMap { $0?.stringValue }
    if !failure.isEmpty { lines.append("  \(SafeText.line(failure.joined(separator: ": ")))") }
    guard let denials = node["denials"]?.arrayValue else {
      return lines + ["  no worker was started for it: there was nothing to deny"]
    }
    for (index, denial) in denials.enumerated() { lines += self.lines(denial, number: index + 1) }
    let further = node["denials_further_count"]?.integerValue ?? 0
    if further > 0 { lines.append("  and \(further) further calls, of which only the number is known") }
    if denials.isEmpty, further == 0 { lines.append("  nothing was denied to it") }
    return denials.isEmpty ? lines + watched(node) : lines
  }

  private func lines(_ denial: JSONValue, number: Int) -> [String] {
    let certainty =
      denial["evidence"]?.stringValue == Denial.Evidence.certain.rawValue
      ? "certain: whoever refused it tells it"
      : "inferred: from the error that the plugin raised, and what there is on this host"
    var rows: [(String, String)] = [
      ("times", text(denial, "occurrence")), ("how known", certainty), ("why", text(denial, "why")),
    ]
    if let permission = denial["permission"]?.stringValue {
      rows.append(("would allow it", SafeText.line(permission)))
      let commands = (denial["grant"]?.arrayValue ?? []).compactMap(\.stringValue).map { SafeText.line($0) }
      if let command = commands.first { rows.append(("to grant it", command)) }
      if commands.count > 1 { rows.append(("for one run", commands[1])) }
    } else {
      rows.append(("would allow it", "no permission"))
    }
    if denial["risk"]?.stringValue != nil { rows.append(("think of", text(denial, "risk"))) }
    if denial["advice"]?.stringValue != nil { rows.append(("besides", text(denial, "advice"))) }
    let width = rows.map(\.0.count).max() ?? 0
    return ["  \(number). it \(text(denial, "what"))"]
      + rows.map { "     \(style(SafeText.pad($0.0 + ":", columns: width + 1), .accent)) \($0.1)" }
  }

  /// What would have been noticed: nothing denied says little where nothing was watched.
  func watched(_ node: JSONValue) -> [String] {
    let words = (node["watched"]?.arrayValue ?? []).compactMap { item -> String? in
      switch item.stringValue.flatMap(DenialSubject.Watched.init) {
      case .programs: "programs that it starts"
      case .systemCalls: "system calls and sockets that the profile denies"
      case .network: "connections to what it isn't granted"
      case .errors: "files and hosts in the error that it ends with"
      case nil: nil
      }
    }
    return words.isEmpty ? [] : ["  watched: \(words.joined(separator: "; "))"]
  }

  private func text(_ object: JSONValue, _ key: String) -> String { SafeText.line(object[key]?.stringValue ?? "?") }
}
