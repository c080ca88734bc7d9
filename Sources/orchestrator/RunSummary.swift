import PipelineEngine
import PluginModel
import SandboxPlanning

/// What is said of a run when it has ended.
struct RunSummary: Sendable {
  let report: RunReport
  /// Where results lie; nil where nothing was written.
  let workspace: AbsolutePath?
  /// Limits that the supervisor watched, for want of the kernel's.
  let watched: [CgroupPlan.Controller]
  /// What keeps workers from devices that they weren't given.
  let deviceGuard: DeviceGuard
  /// Instances of one node that are told of besides the first.
  private static let furtherInstances = 7
  /// Values of one output that are shown.
  private static let longestList = 256
  /// The state directory, where it isn't the usual one.
  var state: String?

  /// For standard error: every failure, once. What was cancelled or skipped because of it is no news.
  func failures(style: Style) -> [String] {
    let instances = failedInstances
    return report.nodes.flatMap { node -> [String] in
      guard var failure = node.failure, node.state == .failed else { return [] }
      // Told with its node.
      if let foreach = node.name.matrixNode, instances[foreach] != nil { return [] }
      var shown = node
      var notes: [String] = []
      if let failed = instances[node.name], let first = failed.first {
        shown = first
        failure.traceback = first.failure?.traceback
        failure.lastOutput = first.failure?.lastOutput ?? []
        notes = furtherInstances(failed.dropFirst(), style: style)
      }
      if let denials = shown.account.denials {
        notes += DenialText(style: style).hints(denials, command: "\(explanation) \(shown.name)")
      }
      let plugin = node.version.map { "\(node.type.plugin) \($0), node type \(node.type.nodeType)" }
      return FailureText(style: style).lines(node: node.name, plugin: plugin, failure, notes: notes)
    }
  }

  /// Of nodes with `foreach` that failed: the instances that did, in their order.
  private var failedInstances: [NodeName: [RunReport.Node]] {
    let failed = Set(report.nodes.lazy.filter { $0.state == .failed }.map(\.name))
    return Dictionary(
      grouping: report.nodes.filter { node in
        node.state == .failed && node.name.matrixNode.map(failed.contains) == true
      }, by: { $0.name.matrixNode ?? $0.name })
  }

  /// What the others say, a line each.
  private func furtherInstances(_ failed: some Collection<RunReport.Node>, style: Style) -> [String] {
    let printer = DiagnosticPrinter(style: style)
    let lines = failed.prefix(Self.furtherInstances).flatMap { instance in
      let failure = instance.failure
      let words = [failure?.message, failure?.cause].compactMap(\.self).joined(separator: ": ")
      return printer.labelled("also", "\(instance.name): \(words)")
    }
    let left = failed.count - min(failed.count, Self.furtherInstances)
    return lines + (left > 0 ? printer.labelled("also", "\(left) more: \(command("runs show"))") : [])
  }

  /// What tells all about a run's denials.
  private var explanation: String { command("explain") }

  private func command(_ name: String) -> String {
    "orchestrator \(name) \(state.map { "--state-dir \($0.quoted) " } ?? "")\(report.run)"
  }

  /// For standard output: outputs, what held nodes back, the workspace, the result in one line.
  func lines(style: Style) -> [String] {
    var lines = report.outputs.map { output in
      let values = output.values.prefix(Self.longestList).map { ValuePreview(value: $0).line }
      let further = output.values.count - values.count
      let more = further > 0 ? ", … \(further) more" : ""
      return "\(style("\(output.name):", .strong)) \(values.joined(separator: ", "))\(more)"
    }
    lines += report.nodes.flatMap { node in
      // With a failure the denials are told anyway.
      (AccountText.notes(node.account) + (node.state == .succeeded ? AccountText.notes(node.account.egress) : [])).map {
        "\(style("\(node.name)", .strong)) \($0)"
      }
    }
    if let workspace { lines.append("\(style("workspace:", .strong)) \(SafeText.line(workspace.text))") }
    lines.append(verdict(style: style))
    return lines
  }

  private func verdict(style: Style) -> String {
    let counts: [(RunMachine.NodeState, String)] = [
      (.succeeded, "succeeded"), (.failed, "failed"), (.skipped, "skipped"), (.cancelled, "cancelled"),
    ]
    let parts = counts.compactMap { state, word in
      let count = report.nodes.count { $0.state == state }
      let cached = state == .succeeded ? report.nodes.count(where: \.isCached) : 0
      return count > 0 ? "\(count) \(word)" + (cached > 0 ? " (\(cached) from the cache)" : "") : nil
    }
    let time = DurationText.short(milliseconds: report.milliseconds)
    let detail = "\(parts.joined(separator: ", ")) in \(time)"
    return switch report.outcome {
    case .succeeded: "\(style("✓ done", .good)): \(detail)"
    case .failed: "\(style("✗ failed", .bad)): \(detail)"
    case .sandboxUnavailable: "\(style("✗ no sandbox", .bad)): \(detail)"
    case .deadlineExceeded: "\(style("✗ the deadline passed", .bad)): \(detail)"
    case .interrupted: "\(style("■ interrupted", .warning)): \(detail)"
    case .stateLost: "\(style("✗ the run can't be kept", .bad)): \(detail)"
    }
  }

  /// For standard error.
  var notes: [String] {
    var notes: [String] = []
    if !watched.isEmpty {
      let names = watched.map(\.words).joined(separator: ", ")
      notes.append("limits of \(names): watched by the supervisor, not held by this kernel (see: orchestrator doctor)")
    }
    if report.outcome != .succeeded {
      let state = state.map { "--state-dir \($0.quoted) " } ?? ""
      notes.append("go on with it, once that is mended: orchestrator runs resume \(state)\(report.run)")
    }
    return notes
  }

  var json: JSONValue {
    guard case .object(var members) = report.jsonValue else { return report.jsonValue }
    members.append(JSONValue.Member("workspace", workspace.map { .string($0.text) } ?? .null))
    members.append(
      JSONValue.Member(
        "limits",
        .object(
          [CgroupPlan.Controller.memory, .cpu, .pids].map {
            JSONValue.Member($0.rawValue, watched.contains($0) ? "watched" : "kernel")
          } + [JSONValue.Member("devices", .string(deviceGuard.name))])))
    return .object(members)
  }

  /// The last line of `--output jsonl`.
  var jsonLine: JSONValue {
    .object([
      JSONValue.Member("time_ms", .integer(report.milliseconds)), JSONValue.Member("event", "report"),
      JSONValue.Member("report", json),
    ])
  }
}
