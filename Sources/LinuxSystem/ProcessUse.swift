/// What one process uses: proc_pid_stat(5), proc_pid_status(5).
package struct ProcessUse: Hashable, Sendable {
  /// Bytes, resident and swapped out; what it shares with others counts whole.
  package var memory: UInt64
  /// Bytes of that which are pages of files that live in memory, or shared anonymous ones.
  package var mappedFiles: UInt64
  /// In user mode and in the kernel, with that of the children that it has waited for.
  package var processorTime: Duration
  package var threads: UInt64

  /// Nil when there is no such process.
  package init?(_ process: Int32) {
    guard let stat = readSmallFile("/proc/\(process)/stat", limit: 4096),
      let status = readSmallFile("/proc/\(process)/status", limit: 8192)
    else { return nil }
    self.init(stat: stat, status: status)
  }

  init?(stat: String, status: String) {
    guard let fields = statFields(stat) else { return nil }
    // Fields 14 to 17 and 20: utime, stime, cutime, cstime, num_threads.
    let ticks = fields.dropFirst(11).prefix(4).compactMap { UInt64($0) }
    guard ticks.count == 4, fields.count > 17, let threads = UInt64(fields[17]) else { return nil }
    // What a zombie had is gone, and these lines with it.
    memory = 1024 * (kibibytes("VmRSS:", in: status) + kibibytes("VmSwap:", in: status))
    // USER_HZ, which is 100 for every program: time(7).
    mappedFiles = 1024 * kibibytes("RssShmem:", in: status)
    processorTime = .milliseconds(10) * Int(ticks.reduce(0, &+))
    self.threads = threads
  }

  /// Bytes of memory, each page divided by the number of processes that have it: proc_pid_smaps(5). Takes the longer, the
  /// more is mapped. Nil when there is no such process, or it may not be looked at.
  package static func share(of process: Int32) -> (memory: UInt64, mappedFiles: UInt64)? {
    guard let rollup = readSmallFile("/proc/\(process)/smaps_rollup", limit: 4096) else { return nil }
    return (
      1024 * (kibibytes("Pss:", in: rollup) + kibibytes("SwapPss:", in: rollup)),
      1024 * kibibytes("Pss_Shmem:", in: rollup)
    )
  }
}

/// The number of the line that begins with `key`; 0 where there is none.
private func kibibytes(_ key: String, in text: String) -> UInt64 {
  for line in text.split(separator: "\n") where line.hasPrefix(key) {
    return line.dropFirst(key.count).split(whereSeparator: \.isWhitespace).first.flatMap { UInt64($0) } ?? 0
  }
  return 0
}

/// All that `process` and its descendants have started and that still is there, but for itself: oldest first. Two looks at a
/// moving target may each miss what moves: `children` of proc_pid_task(5).
package func descendants(of process: Int32, limit: Int = 1 << 16) -> [Int32] {
  var found: [Int32] = []
  var next = [process]
  while let parent = next.popLast(), found.count < limit {
    for thread in directoryEntries("/proc/\(parent)/task") {
      let children = (readSmallFile("/proc/\(parent)/task/\(thread)/children") ?? "").split(separator: " ").compactMap {
        Int32($0)
      }
      found += children
      next += children
    }
  }
  return found
}
