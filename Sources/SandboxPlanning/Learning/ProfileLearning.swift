import PluginModel

/// A security profile that is the base without what wasn't seen: every list, limit and permission of it is at most the base's.
package struct LearnedProfile: Hashable, Sendable {
  package var name: String
  /// What the file says, each line with its evidence.
  package var yaml: String
  /// Of the base's calls, those that it leaves out.
  package var removed: [String]
  /// Of the base's calls, those that it keeps though nobody was seen to make them.
  package var unseen: [String]
}

extension LearnedProfile {
  /// Least values, below which an ordinary Python program doesn't come up, whatever was seen.
  private static let (leastOpenFiles, leastTasks, leastMemory, leastScratch): (UInt64, UInt64, UInt64, UInt64) =
    (64, 32, 64 << 20, 8 << 20)

  init(_ evidence: LearningEvidence, permissions: [LearnedPermission]) {
    let base = evidence.base
    name = Self.name(of: evidence.plugin)
    let seen = evidence.observation
    let made = seen.calls
    let allowed = base.systemCalls.allow + base.systemCalls.exec
    let isKept = { (call: String) in made[call] != nil || WorkerCalls.needed.contains(call) }
    // Whoever may start programs, and wasn't seen to by this one, may do without it too.
    removed = allowed.filter { !isKept($0) }.sorted()
    unseen = allowed.filter { made[$0] == nil && WorkerCalls.needed.contains($0) }.sorted()
    var lines = [
      "# Learned from \(evidence.nodes.count == 1 ? "one node" : "\(evidence.nodes.count) nodes") of \(evidence.plugin): "
        + evidence.nodes.map(\.name).joined(separator: ", ") + ".",
      "# What was not seen is left out: another input may take another way. Read it, and run your tests under it.",
      "apiVersion: orchestrator/v1", "kind: SecurityProfile", "metadata:", "  name: \(name)",
      "  description: What \(evidence.plugin) was seen to need, over \(base.name)", "spec:", "  inherits: \(base.name)",
      "",
      "  # The most that may be granted under it.",
    ]
    let others = evidence.unavoidable.filter { !$0.isCovered(by: permissions.map(\.permission)) }
    lines.append(permissions.isEmpty && others.isEmpty ? "  permissions: []" : "  permissions:")
    for permission in permissions {
      lines += permission.evidence.map { "    # \($0)" }
      lines.append("    - \(Self.quoted(permission.permission.description))")
    }
    for permission in others {
      lines.append("    # Not seen to be used; default_permissions gives it to every plugin that asks for it.")
      lines.append("    - \(Self.quoted(permission.description))")
    }
    lines += Self.callLines(made, base, removed, unseen)
    lines += Self.limitLines(evidence, seen)
    yaml = lines.joined(separator: "\n") + "\n"
  }

  /// `learned-` and the plugin's: no shipped profile is called so.
  package static func name(of plugin: PluginName) -> String {
    let name = "learned-\(plugin)"
    return PluginName.accepts(name) ? name : "learned"
  }

  private static func callLines(
    _ made: [String: UInt64], _ base: SecurityProfile, _ removed: [String], _ unseen: [String]
  ) -> [String] {
    let kept = made.filter { (base.systemCalls.allow + base.systemCalls.exec).contains($0.key) }
    var lines = ["", "  # Kept, because they were made, and how often:"]
    let counted = kept.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
    lines += wrapped(counted, separator: ", ").map { "  #   \($0)" }
    lines.append("  # Kept, because any worker may need them to start, report, be cancelled and end:")
    lines += wrapped(unseen, separator: " ").map { "  #   \($0)" }
    guard !removed.isEmpty else { return lines }
    lines += ["  # Removed: answered with ENOSYS, as on a kernel without them.", "  systemCalls:", "    remove:"]
    for (group, names) in base.groups(of: removed).map({ ($0.title, $0.names) }) {
      lines.append("      # None of these was made.")
      lines.append("      - why: \(quoted("not seen, of \(UntrustedBytes(group).text)"))")
      let list = wrapped(names, separator: ", ")
      for (index, part) in list.enumerated() {
        let isLast = index == list.count - 1
        lines.append((index == 0 ? "        names: [" : "                ") + part + (isLast ? "]" : ","))
      }
    }
    return lines
  }

  private static func limitLines(_ evidence: LearningEvidence, _ seen: Observation) -> [String] {
    let base = evidence.base
    var lines: [String] = []
    func limit(_ kind: ResourceLimit.Kind, _ number: UInt64, _ least: UInt64, _ what: String) {
      guard let most = base.limits.first(where: { $0.kind == kind })?.value, number > 0 else { return }
      let value = min(most, max(least, doubled(number)))
      lines.append("    # \(what): \(number) at most; twice that, at least \(least), at most the base's \(most).")
      lines.append("    \(kind.rawValue): \(value)")
    }
    let tasks = seen.tasks
    limit(.openFiles, seen.openFiles, leastOpenFiles, "The number above the highest descriptor")
    limit(.processes, tasks, leastTasks, "Processes and threads at one time")
    if !lines.isEmpty { lines = ["", "  limits:"] + lines }
    var resources: [String] = []
    let most = base.resources.memory.value
    if let peak = evidence.memoryPeak, peak <= most {
      let wanted = max(leastMemory, peak.addingReportingOverflow(peak / 2).partialValue)
      // In whole 16 MiB.
      let value = min(most, ((wanted + (16 << 20) - 1) >> 24) << 24)
      resources.append(
        "    # Peak: \(ByteCount(peak)); half as much again, at least \(ByteCount(leastMemory)), at most the base's \(ByteCount(most))."
      )
      resources.append("    memory: \(ByteCount(value))")
    }
    if tasks > 0 {
      let value = min(base.resources.tasks, max(leastTasks, doubled(tasks)))
      resources.append(
        "    # \(tasks) at one time; twice that, at least \(leastTasks), at most the base's \(base.resources.tasks).")
      resources.append("    tasks: \(value)")
    }
    if !resources.isEmpty { lines += ["", "  resources:"] + resources }
    let scratch = seen.scratchBytes
    let value = min(base.scratchBytes, max(leastScratch, doubled(scratch)) + (1 << 20) - 1) >> 20
    lines += [
      "", "  scratch:",
      "    # \(ByteCount(scratch)) in /tmp or /dev/shm; twice that, at least \(ByteCount(leastScratch)), at most the base's "
        + "\(ByteCount(base.scratchBytes)).",
      "    mebibytes: \(max(1, value))",
    ]
    return lines
  }

  private static func doubled(_ number: UInt64) -> UInt64 {
    let (result, isTooLarge) = number.multipliedReportingOverflow(by: 2)
    return isTooLarge ? .max : result
  }

  /// A scalar that is data, whatever is in it: between single quotes, YAML 1.2 §7.3.2.
  private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

  private static func wrapped(_ words: [String], separator: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in words {
      if !line.isEmpty, line.utf8.count + word.utf8.count > 90 {
        lines.append(line)
        line = word
      } else {
        line += line.isEmpty ? word : separator + word
      }
    }
    return line.isEmpty ? lines : lines + [line]
  }
}

extension LearningEvidence {
  /// Of all nodes together.
  var observation: Observation { nodes.reduce(Observation()) { $0.followed(by: $1.observation) } }
  var memoryPeak: UInt64? { nodes.compactMap(\.memoryPeak).max() }
}
