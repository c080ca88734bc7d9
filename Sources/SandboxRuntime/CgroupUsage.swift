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
    let processor = contents("cpu.stat")
    processorMicroseconds = Self.value("usage_usec", processor)
    // The first line is that of what some waited for.
    memoryPressureMicroseconds = contents("memory.pressure").flatMap { Self.lines($0).first }
      .map { Self.sum("total", $0) }
    if controllers.contains(.cpu) { throttledMicroseconds = Self.value("throttled_usec", processor) }
    if controllers.contains(.memory) {
      memoryPeak = Self.number(contents("memory.peak"))
      memoryLimit = Self.number(contents("memory.max"))
      outOfMemoryKills = Self.value("oom_kill", contents("memory.events"))
    }
    if controllers.contains(.pids) { refusedTasks = Self.value("max", contents("pids.events")) }
    if controllers.contains(.io) {
      let transfers = Substring(contents("io.stat") ?? "").utf8
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

  /// `name number` a line: the number.
  private static func value(_ name: String, _ text: String?) -> UInt64? {
    lines(text).lazy.compactMap { number(after: name, " ", in: $0) }.first
  }

  /// `name=number`, once or more among other words: the sum.
  private static func sum(_ name: String, _ text: Substring.UTF8View) -> UInt64 {
    text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
      .reduce(0) { $0 &+ (number(after: name, "=", in: $1) ?? 0) }
  }

  private static func lines(_ text: String?) -> [Substring.UTF8View] {
    Substring(text ?? "").utf8.split(separator: UInt8(ascii: "\n"))
  }

  /// By bytes: it is done after every call, and characters take ten times as long.
  private static func number(
    after name: String, _ separator: Unicode.Scalar, in text: Substring.UTF8View
  ) -> UInt64? {
    guard text.starts(with: name.utf8) else { return nil }
    let rest = text.dropFirst(name.utf8.count)
    guard rest.first == UInt8(ascii: separator) else { return nil }
    return UInt64(Substring(rest.dropFirst()))
  }
}
