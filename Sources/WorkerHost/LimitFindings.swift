import PluginModel
import SandboxPlanning

/// Which limits a node came up against, and what is to be said of them with its failure. Pure.
///
/// The kernel's counters are facts. What a plugin says is its word: it may add a hint, and nothing is decided on it.
package struct LimitFindings: Sendable {
  /// Held back for less than this share of the time in which it wanted to run, or for less than this many microseconds: not worth a
  /// word.
  private static let noticeableShare = 0.25
  private static let noticeableMicroseconds: UInt64 = 100_000

  /// Each once, in the order of ``LimitReached/Kind``.
  package private(set) var reached: [LimitReached] = []
  /// Of the failure, with what is known of the limits.
  package private(set) var cause: String?
  package private(set) var hint: String?

  /// - Parameter failure: nil: the node succeeded.
  package init(of failure: WorkerFailure?, usage: ResourceUsage?, plan: SandboxPlan) {
    var hints = [failure?.hint].compactMap(\.self)
    cause = failure?.cause
    switch failure {
    case .outOfMemory(let end):
      let memory = end.exit.usage
      var limit = memory?.memoryLimit ?? plan.cgroup.memoryMax
      if case .memory(let watched, let seen)? = end.exit.watch?.excess {
        limit = watched
        reached.append(.memory(limit: watched, peak: seen, by: .supervisor))
      } else {
        reached.append(.memory(limit: limit, peak: memory?.memoryPeak))
      }
      if let note = plan.limitNotes[.memoryMax] { cause = "\(end.exit.memoryWords), \(note.origin.words)" }
      hints = [plan.memoryHint(limit)]
    case .timedOut(let limit):
      reached.append(.deadline(max(0, limit.wholeMilliseconds)))
      cause = usage?.processorMicroseconds.map {
        "it used \(Duration.milliseconds(Int64($0 / 1000)).words) of processor time until then"
      }
    case .pluginError(let error, _), .loadFailed(let error, _):
      if let limit = error.limit { note(limit, plan, &hints) }
    case .launchRefused, .startupTimedOut, .protocolViolation, .crashed, .notAcknowledged, .estimateTimedOut,
      .estimateRefused, .cancelled, .resultsLost, .landing, .notAccepted, .inputsTooLarge, .system, .stopped,
      .poolClosed, nil:
      break
    }
    if let usage { note(usage, plan, &hints) }
    reached.sort { $0.kind < $1.kind }
    hint = hints.isEmpty ? nil : hints.joined(separator: "; ")
  }

  /// What the kernel counted.
  private mutating func note(_ usage: ResourceUsage, _ plan: SandboxPlan, _ hints: inout [String]) {
    if let refused = usage.refusedTasks, refused > 0 {
      reached.removeAll { $0.kind == .tasks }
      reached.append(.tasks(limit: plan.cgroup.tasksMax, refused: refused))
      hints.removeAll { $0 == plan.tasksHint }
      hints.append("the kernel refused \(refused) processes or threads: \(plan.tasksHint)")
    }
    if let cpu = plan.cgroup.cpu, let share = usage.throttledShare, share > Self.noticeableShare,
      let throttled = usage.throttledMicroseconds, throttled >= Self.noticeableMicroseconds
    {
      reached.append(.processors(limit: cpu.cores, heldBack: share))
      if reached.contains(where: { $0.kind == .deadline }) { hints.append(plan.processorsHint(share)) }
    }
  }

  /// What the plugin says.
  private mutating func note(_ limit: ClaimedLimit, _ plan: SandboxPlan, _ hints: inout [String]) {
    switch limit {
    case .tasks:
      reached.append(.tasks(limit: plan.cgroup.tasksMax, refused: nil))
      hints.append(plan.tasksHint)
    case .openFiles:
      let most = plan.limits.first { $0.kind == .openFiles }?.value
      reached.append(.openFiles(limit: most))
      hints.append(
        "a worker may have \(most.map(String.init) ?? "only so many") files open, 'RLIMIT_NOFILE' of the profile: "
          + "close what isn't needed any more, or raise it in a profile of your own (--profile)")
    case .space(let full):
      let scratch = plan.scratch
      let named = scratch.filter { full.contains($0.path.text) }
      if let place = named.first {
        reached.append(.scratch(path: place.path, size: place.size))
        hints.append(
          "\(place.path) is full: it holds \(ByteCount(place.size)), by 'scratch' of the profile; remove what isn't "
            + "needed any more, or raise it in a profile of your own (--profile)")
      } else if full.contains(Inside.workspace.text) {
        hints.append("the disk of the workspace is full, or a quota of the host is used up")
      } else {
        let sizes = scratch.map { "\($0.path) holds \(ByteCount($0.size))" }
        hints.append("no space was left where it wrote: \(sizes.joined(separator: ", "))")
      }
    }
  }
}

extension SandboxPlan {
  /// What the worker can fill.
  fileprivate var scratch: [(path: AbsolutePath, size: UInt64)] {
    filesystem.compactMap { operation in
      guard case .temporaryFilesystem(let path, let options) = operation,
        path == Inside.scratch || path == Inside.sharedMemory
      else { return nil }
      return (path, options.sizeBytes)
    }
  }

  /// What to write so that there is more.
  fileprivate func memoryHint(_ limit: UInt64?) -> String {
    let less = "or let the node work on less at once"
    switch limitNotes[.memoryMax]?.origin {
    case .ceiling:
      return "have the operator raise 'max_memory_mb' of plugin_system.yaml, \(less)"
    case .permission:
      return "it has no limit of its own: the host has no more to give, or a group above it has a limit"
    case .estimate:
      let more = limit.map { ByteCount(roundedUp($0) * 2).description } ?? "…"
      return
        "let estimate_resources ask for more, let it run again with twice as much, retry: {max: 1, on: [oom]}, or give the node more, "
        + "for example resources: {memory: \(more)}"
    case .node, .retry, .profile, .always, nil:
      let more = limit.map { ByteCount(roundedUp($0) * 2).description } ?? "…"
      return "give the node more memory, for example resources: {memory: \(more)}, \(less)"
    }
  }

  /// To whole mebibytes.
  private func roundedUp(_ bytes: UInt64) -> UInt64 {
    let mebibytes = bytes >> 20 + (bytes & 0xF_FFFF == 0 ? 0 : 1)
    return min(mebibytes, 1 << 30) << 20
  }

  fileprivate func processorsHint(_ share: Double) -> String {
    let held = "it was held back \(Int((share * 100).rounded())) % of the time"
    switch limitNotes[.cpuMax]?.origin {
    case .ceiling: return "\(held): have the operator raise 'max_cpu_percent' of plugin_system.yaml"
    case .node, .estimate, .retry, .profile, .permission, .always, nil:
      return "\(held): give the node more processors, resources: {cpu: …}"
    }
  }

  fileprivate var tasksHint: String {
    let most = cgroup.tasksMax.map(String.init) ?? "only so many"
    return
      "all of a worker together may have \(most) of them at once, 'tasks' of the profile: start fewer, or raise it "
      + "in a profile of your own (--profile)"
  }
}
