/// Which limits of a worker the supervisor itself has to hold, since the host's kernel has no controller for them. Nil:
/// the kernel does it, or there is no such limit.
package struct WatchedLimits: Hashable, Sendable {
  /// Bytes.
  package var memory: UInt64?
  /// Logical processors.
  package var processors: Double?
  /// Processes and threads.
  package var tasks: UInt64?

  package init(memory: UInt64? = nil, processors: Double? = nil, tasks: UInt64? = nil) {
    self.memory = memory
    self.processors = processors
    self.tasks = tasks
  }

  /// - Parameter controllers: what the workers' groups really have.
  package init(_ limits: CgroupPlan, controllers: Set<CgroupPlan.Controller>) {
    func watched<Value>(_ controller: CgroupPlan.Controller, _ value: Value?) -> Value? {
      controllers.contains(controller) ? nil : value
    }
    self.init(
      memory: watched(.memory, limits.memoryMax), processors: watched(.cpu, limits.cpu?.cores),
      tasks: watched(.pids, limits.tasksMax))
  }

  package var isEmpty: Bool { self == WatchedLimits() }
}

/// Holds the limits of one worker that nobody else does: a machine that is shown what the worker uses, ten times a second,
/// and says what is to be done.
///
/// Processor time works as in `cpu.max`: each moment earns as much as the limit allows, what is used is paid from that, and who
/// has nothing left waits, stopped, until he has. Memory and tasks can't be given back: a worker that has too much is ended.
///
/// This is less than what a cgroup does. Between two looks a worker may take much, and what lies in pipes and sockets, or in
/// memfds that nobody has open or mapped but such a socket, isn't seen. Where that isn't enough, `security.require` refuses such a
/// host.
package struct Watchdog: Hashable, Sendable {
  /// What may be saved up, so that work that comes in bursts isn't stopped for what it left unused just before.
  static let savings = Duration.milliseconds(200)

  /// May change while the worker lives.
  package var limits: WatchedLimits
  package private(set) var report = WatchReport()
  /// When it was last looked at, and what had been used by then.
  private var lastLook = Duration.zero
  private var lastUsed = Duration.zero
  private var credit = Self.savings
  private var isHolding = false
  /// Bytes, at the last look.
  package private(set) var memory: UInt64?
  private var peakSinceSettlement: UInt64?

  package init(_ limits: WatchedLimits) { self.limits = limits }

  package enum Action: Hashable, Sendable {
    /// SIGSTOP, and SIGCONT, to all of it.
    case hold
    case resume
    /// More than the limit lies in its processes if nothing of that is shared: count it as it is shared.
    case countShares
    case end
  }

  /// - Parameters:
  ///   - now: since the worker's start.
  ///   - use: all of it. Its memory counts twice what two processes share.
  /// - Returns: nil: nothing is to be done.
  package mutating func look(at now: Duration, _ use: GroupUse) -> Action? {
    guard report.excess == nil else { return nil }
    if let limit = limits.tasks, use.tasks > limit {
      report.excess = .tasks(limit: limit, seen: use.tasks)
      return .end
    }
    guard let limit = limits.memory, use.memory > limit else {
      note(use.memory)
      return pace(at: now, use.processorTime)
    }
    return .countShares
  }

  /// After ``Action/countShares``: the same look once more.
  /// - Parameter shares: bytes, each page divided by the number of processes that have it.
  package mutating func look(at now: Duration, _ use: GroupUse, shares: UInt64) -> Action? {
    guard report.excess == nil else { return nil }
    note(shares)
    if let limit = limits.memory, shares > limit {
      report.excess = .memory(limit: limit, seen: shares)
      return .end
    }
    return pace(at: now, use.processorTime)
  }

  /// Bytes; the most that was seen since this was asked last. Nil: there was no look meanwhile.
  package mutating func settlePeak() -> UInt64? {
    defer { peakSinceSettlement = nil }
    return peakSinceSettlement
  }

  private mutating func note(_ bytes: UInt64) {
    memory = bytes
    report.memoryPeak = max(report.memoryPeak, bytes)
    peakSinceSettlement = max(peakSinceSettlement ?? 0, bytes)
  }

  private mutating func pace(at now: Duration, _ used: Duration) -> Action? {
    let passed = max(.zero, now - lastLook)
    // Less than before where a process has ended whose time nobody inherits: what is there now counts from here on.
    let spent = max(.zero, used - lastUsed)
    lastLook = max(now, lastLook)
    lastUsed = used
    if isHolding { report.held += passed }
    guard let processors = limits.processors else {
      return change(to: false)
    }
    credit = min(Self.savings, credit + passed * processors - spent)
    return change(to: credit < .zero)
  }

  /// Held again at every look: one process may have woken another before it was stopped itself.
  private mutating func change(to holds: Bool) -> Action? {
    defer { isHolding = holds }
    return holds ? .hold : isHolding ? .resume : nil
  }
}

/// What all processes of a worker use together.
package struct GroupUse: Hashable, Sendable {
  /// Bytes, resident and swapped out.
  package var memory: UInt64
  /// In user mode and in the kernel, since the worker's start.
  package var processorTime: Duration
  /// Processes and threads, but for pid 1.
  package var tasks: UInt64

  package init(memory: UInt64, processorTime: Duration, tasks: UInt64) {
    self.memory = memory
    self.processorTime = processorTime
    self.tasks = tasks
  }
}

extension GroupUse {
  /// Bytes. Files that live in memory count once, whether they are mapped, open, or both: which of the mapped pages are theirs isn't
  /// known, so that the larger of the two counts.
  /// - Parameters:
  ///   - memory: of all processes.
  ///   - mapped: of that, pages of such files.
  ///   - files: what they have pages for.
  package static func memory(_ memory: UInt64, mapped: UInt64, files: UInt64) -> UInt64 {
    let own = memory > mapped ? memory - mapped : 0
    let sum = own.addingReportingOverflow(max(mapped, files))
    return sum.overflow ? .max : sum.partialValue
  }
}

/// What a watchdog has seen and done by the end of its worker.
package struct WatchReport: Hashable, Sendable {
  /// Bytes; the most that was seen.
  package var memoryPeak: UInt64 = 0
  /// How long it was stopped, because it had used the processor time that it may.
  package var held = Duration.zero
  /// Why it was ended; nil: it wasn't.
  package var excess: Excess?

  package enum Excess: Hashable, Sendable {
    case memory(limit: UInt64, seen: UInt64)
    case tasks(limit: UInt64, seen: UInt64)
  }
}
