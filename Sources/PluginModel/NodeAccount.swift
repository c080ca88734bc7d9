/// What a node used and which limits it came up against, whether it succeeded or not.
package struct NodeAccount: Hashable, Sendable {
  /// Nil where nothing was counted: no worker was started, or the host has neither cgroup v2 for it nor a limit to watch.
  package var usage: ResourceUsage?
  /// Each once, in the order of ``LimitReached/Kind``.
  package var limits: [LimitReached]
  /// Nil: no worker was started.
  package var denials: NodeDenials?
  /// Nil where it has no network permission.
  package var egress: EgressUse?
  /// What each attempt could have, in their order; none of an attempt that had no worker.
  package var held: [HeldLimits]

  package init(
    usage: ResourceUsage? = nil, limits: [LimitReached] = [], denials: NodeDenials? = nil, egress: EgressUse? = nil,
    held: [HeldLimits] = []
  ) {
    self.usage = usage
    self.limits = limits
    self.denials = denials
    self.egress = egress
    self.held = held
  }

  /// Of two attempts at one node. Of two words about one limit the later counts.
  package func followed(by next: NodeAccount) -> NodeAccount {
    let earlier = limits.filter { old in !next.limits.contains { $0.kind == old.kind } }
    return NodeAccount(
      usage: joined(usage, next.usage) { $0.followed(by: $1) },
      limits: (earlier + next.limits).sorted { $0.kind < $1.kind },
      denials: joined(denials, next.denials) { $0.followed(by: $1) },
      egress: joined(egress, next.egress) { $0.followed(by: $1) }, held: held + next.held)
  }
}

/// Of two counts one after the other: what there is of them, put together where there are both.
package func joined<Count>(_ first: Count?, _ next: Count?, _ join: (Count, Count) -> Count) -> Count? {
  guard let first, let next else { return first ?? next }
  return join(first, next)
}

/// What the kernel counted for the worker of a node until its answer, since it was ready or since its answer before: cgroups(7) and
/// the kernel's cgroup-v2 documentation. Nil: this host doesn't count it.
package struct ResourceUsage: Hashable, Sendable {
  /// Of all processes and threads together, `usage_usec` of `cpu.stat`.
  package var processorMicroseconds: UInt64?
  /// How long it would have run and was not let, `throttled_usec` of `cpu.stat`.
  package var throttledMicroseconds: UInt64?
  package var memoryPeak: MemoryPeak?
  /// How long something in it waited for memory, the line `some` of `memory.pressure`.
  package var memoryPressureMicroseconds: UInt64?
  /// From and to block devices: what the page cache answers isn't among it. `io.stat`, of all devices.
  package var bytesRead: UInt64?
  package var bytesWritten: UInt64?
  /// Processes and threads that were refused, `max` of `pids.events`.
  package var refusedTasks: UInt64?

  package struct MemoryPeak: Hashable, Sendable {
    package enum Scope: String, CaseIterable, Sendable {
      /// As everything else here.
      case node
      /// Of the worker since its start, with its imports and the nodes that it served before: before Linux 6.12 a peak can't be
      /// reset.
      case worker
    }
    package var bytes: UInt64
    package var scope: Scope
    /// The supervisor looked ten times a second, because no kernel counted: what came and went between two looks isn't in it.
    package var isSampled: Bool

    package init(bytes: UInt64, scope: Scope, isSampled: Bool = false) {
      self.bytes = bytes
      self.scope = scope
      self.isSampled = isSampled
    }
  }

  package init(
    processorMicroseconds: UInt64? = nil, throttledMicroseconds: UInt64? = nil, memoryPeak: MemoryPeak? = nil,
    memoryPressureMicroseconds: UInt64? = nil, bytesRead: UInt64? = nil, bytesWritten: UInt64? = nil,
    refusedTasks: UInt64? = nil
  ) {
    self.processorMicroseconds = processorMicroseconds
    self.throttledMicroseconds = throttledMicroseconds
    self.memoryPeak = memoryPeak
    self.memoryPressureMicroseconds = memoryPressureMicroseconds
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.refusedTasks = refusedTasks
  }

  /// The part of the time in which it wanted to run that it was held back, from 0 to 1. Not of the time that passed: several
  /// processors can hold back several threads at once.
  package var throttledShare: Double? {
    guard let used = processorMicroseconds, let throttled = throttledMicroseconds else { return nil }
    let wanted = Double(used) + Double(throttled)
    return wanted > 0 ? Double(throttled) / wanted : 0
  }

  func followed(by next: ResourceUsage) -> ResourceUsage {
    func sum(_ counter: (ResourceUsage) -> UInt64?) -> UInt64? {
      switch (counter(self), counter(next)) {
      case (let first?, let second?): first.addingReportingOverflow(second).partialValue
      case (let one, let other): one ?? other
      }
    }
    let peaks = [memoryPeak, next.memoryPeak].compactMap(\.self)
    return ResourceUsage(
      processorMicroseconds: sum(\.processorMicroseconds), throttledMicroseconds: sum(\.throttledMicroseconds),
      memoryPeak: peaks.max { $0.bytes < $1.bytes },
      memoryPressureMicroseconds: sum(\.memoryPressureMicroseconds), bytesRead: sum(\.bytesRead),
      bytesWritten: sum(\.bytesWritten), refusedTasks: sum(\.refusedTasks))
  }
}

/// A limit that a node came up against. Not always an error: who is held back, or starts no further thread, may well succeed.
package enum LimitReached: Hashable, Sendable {
  /// Something of the worker was ended at its limit of memory, by the kernel or, where that has no such limit, by the supervisor.
  /// Bytes; nil: not known.
  case memory(limit: UInt64?, peak: UInt64?, by: Witness = .kernel)
  /// It was held back for this share of the time in which it wanted to run.
  case processors(limit: Double, heldBack: Double)
  /// Processes and threads were refused; nil: the plugin says that some were.
  case tasks(limit: UInt64?, refused: UInt64?)
  /// The plugin says that it may open no more files.
  case openFiles(limit: UInt64?)
  /// The plugin says that no space is left there. Bytes.
  case scratch(path: AbsolutePath, size: UInt64)
  /// Milliseconds, from the call.
  case deadline(Int64)

  package enum Kind: String, CaseIterable, Comparable, Sendable {
    case memory
    case processors
    case tasks
    case openFiles = "open_files"
    case scratch
    case deadline
    package static func < (left: Self, right: Self) -> Bool { left.position < right.position }
    private var position: Int { Self.allCases.firstIndex(of: self) ?? Self.allCases.endIndex }
  }

  package var kind: Kind {
    switch self {
    case .memory: .memory
    case .processors: .processors
    case .tasks: .tasks
    case .openFiles: .openFiles
    case .scratch: .scratch
    case .deadline: .deadline
    }
  }

  /// Whose word it is. A plugin's is worth a hint, and no more.
  package enum Witness: String, CaseIterable, Sendable {
    case kernel
    case supervisor
    case plugin
  }

  package var witness: Witness {
    switch self {
    case .memory(_, _, let witness): witness
    case .processors, .tasks(_, refused: .some): .kernel
    case .tasks(_, refused: nil), .openFiles, .scratch: .plugin
    case .deadline: .supervisor
    }
  }
}
