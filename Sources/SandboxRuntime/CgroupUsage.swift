import PluginModel
import SandboxPlanning

/// What a worker's cgroup has used in its life, as its files say: cgroups(7) and the kernel's cgroup-v2 documentation. Nil where
/// the host doesn't count it.
package struct CgroupUsage: Hashable, Sendable {
  /// `memory.peak`, bytes. Linux 5.19.
  package var memoryPeak: UInt64?
  /// The same since the last settlement. Linux 6.12.
  package var memoryPeakSinceSettlement: UInt64?
  /// `memory.max`, bytes; nil: unlimited or unknown.
  package var memoryLimit: UInt64?
  /// `oom_kill` of `memory.events`: processes that the kernel ended because the group had reached its limit.
  package var outOfMemoryKills: UInt64?
  /// `max` of `pids.events`: processes and threads that were refused.
  package var refusedTasks: UInt64?
  /// `usage_usec` of `cpu.stat`, which every group has.
  package var processorMicroseconds: UInt64?
  /// `throttled_usec` of `cpu.stat`: how long it would have run and was not let.
  package var throttledMicroseconds: UInt64?
  /// `rbytes` and `wbytes` of `io.stat`, of all devices.
  package var bytesRead: UInt64?
  package var bytesWritten: UInt64?
  /// `total` of the line `some` of `memory.pressure`, microseconds: something in it waited for memory.
  package var memoryPressureMicroseconds: UInt64?

  /// - Parameters:
  ///   - controllers: those of the group. Without its controller a file isn't there; with it, an empty one says that nothing
  ///     was counted yet.
  ///   - contents: of a file of the group; nil where there is none, or nothing in it.
  package init(controllers: [CgroupPlan.Controller], _ contents: (String) -> String?) {
    let processor = Self.pairs(contents("cpu.stat"))
    processorMicroseconds = processor["usage_usec"]
    memoryPressureMicroseconds = contents("memory.pressure").flatMap {
      Self.sum("total", Self.fields($0.prefix { $0 != "\n" }))
    }
    if controllers.contains(.cpu) { throttledMicroseconds = processor["throttled_usec"] }
    if controllers.contains(.memory) {
      memoryPeak = Self.number(contents("memory.peak"))
      memoryLimit = Self.number(contents("memory.max"))
      outOfMemoryKills = Self.pairs(contents("memory.events"))["oom_kill"]
    }
    if controllers.contains(.pids) { refusedTasks = Self.pairs(contents("pids.events"))["max"] }
    if controllers.contains(.io) {
      let transfers = Self.fields(contents("io.stat") ?? "")
      bytesRead = Self.sum("rbytes", transfers)
      bytesWritten = Self.sum("wbytes", transfers)
    }
  }

  /// What was added since `start`; nil: since the group was made. Counters never go back; where one seems to, nothing was added.
  func spent(since start: CgroupUsage?) -> ResourceUsage {
    func difference(_ counter: (CgroupUsage) -> UInt64?) -> UInt64? {
      guard let now = counter(self) else { return nil }
      let before = start.flatMap(counter) ?? 0
      return now > before ? now - before : 0
    }
    return ResourceUsage(
      processorMicroseconds: difference(\.processorMicroseconds),
      throttledMicroseconds: difference(\.throttledMicroseconds),
      memoryPeak: peak, memoryPressureMicroseconds: difference(\.memoryPressureMicroseconds),
      bytesRead: difference(\.bytesRead), bytesWritten: difference(\.bytesWritten),
      refusedTasks: difference(\.refusedTasks))
  }

  private var peak: ResourceUsage.MemoryPeak? {
    memoryPeakSinceSettlement.map { .init(bytes: $0, scope: .node) }
      ?? memoryPeak.map { .init(bytes: $0, scope: .worker) }
  }

  static func number(_ text: String?) -> UInt64? {
    text.flatMap { UInt64($0.prefix { $0.isNumber }) }
  }

  /// `name number` a line.
  private static func pairs(_ text: String?) -> [Substring: UInt64] {
    var pairs: [Substring: UInt64] = [:]
    for line in (text ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2 { pairs[words[0]] = UInt64(words[1]) }
    }
    return pairs
  }

  /// `name=number` anywhere.
  private static func fields(_ text: some StringProtocol) -> [(name: Substring, value: UInt64)] {
    text.split(whereSeparator: \.isWhitespace).compactMap { word in
      let parts = Substring(word).split(separator: "=")
      guard parts.count == 2, let value = UInt64(parts[1]) else { return nil }
      return (parts[0], value)
    }
  }

  private static func sum(_ name: String, _ fields: [(name: Substring, value: UInt64)]) -> UInt64 {
    fields.reduce(0) { $1.name == name ? $0 &+ $1.value : $0 }
  }
}
