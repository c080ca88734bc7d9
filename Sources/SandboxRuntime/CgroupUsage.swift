/// What a worker's cgroup has used in its life, as its files say: cgroups(7) and the kernel's cgroup-v2 documentation. Nil where
/// the host has no such controller.
package struct CgroupUsage: Hashable, Sendable {
  /// `memory.peak`, bytes. Linux 5.19.
  package var memoryPeak: UInt64?
  /// `memory.max`, bytes; nil: unlimited or unknown.
  package var memoryLimit: UInt64?
  /// `oom_kill` of `memory.events`: processes that the kernel ended because the group had reached its limit.
  package var outOfMemoryKills: UInt64
  /// `max` of `pids.events`: processes and threads that were refused.
  package var refusedTasks: UInt64
  /// `usage_usec` of `cpu.stat`.
  package var processorMicroseconds: UInt64?
  /// `throttled_usec` of `cpu.stat`: how long it would have run and was not let.
  package var throttledMicroseconds: UInt64
  /// `rbytes` and `wbytes` of `io.stat`, of all devices.
  package var bytesRead: UInt64
  package var bytesWritten: UInt64
  /// `total` of the line `some` of `memory.pressure`, microseconds: something in it waited for memory.
  package var memoryPressureMicroseconds: UInt64

  /// - Parameter contents: of a file of the group; nil where there is none.
  package init(_ contents: (String) -> String?) {
    let memory = Self.pairs(contents("memory.events"))
    let processor = Self.pairs(contents("cpu.stat"))
    memoryPeak = Self.number(contents("memory.peak"))
    memoryLimit = Self.number(contents("memory.max"))
    outOfMemoryKills = memory["oom_kill"] ?? 0
    refusedTasks = Self.pairs(contents("pids.events"))["max"] ?? 0
    processorMicroseconds = processor["usage_usec"]
    throttledMicroseconds = processor["throttled_usec"] ?? 0
    let transfers = Self.fields(contents("io.stat"))
    bytesRead = Self.sum("rbytes", transfers)
    bytesWritten = Self.sum("wbytes", transfers)
    memoryPressureMicroseconds = Self.sum(
      "total", Self.fields(contents("memory.pressure")?.split(separator: "\n").first.map(String.init)))
  }

  private static func number(_ text: String?) -> UInt64? {
    text.flatMap { UInt64($0.prefix { $0.isNumber }) }
  }

  /// `name number` a line.
  private static func pairs(_ text: String?) -> [String: UInt64] {
    var pairs: [String: UInt64] = [:]
    for line in (text ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2 { pairs[String(words[0])] = UInt64(words[1]) }
    }
    return pairs
  }

  /// `name=number` anywhere.
  private static func fields(_ text: String?) -> [(name: Substring, value: UInt64)] {
    (text ?? "").split(whereSeparator: \.isWhitespace).compactMap { word in
      let parts = word.split(separator: "=")
      guard parts.count == 2, let value = UInt64(parts[1]) else { return nil }
      return (parts[0], value)
    }
  }

  private static func sum(_ name: String, _ fields: [(name: Substring, value: UInt64)]) -> UInt64 {
    fields.reduce(0) { $1.name == name ? $0 &+ $1.value : $0 }
  }
}
