import CLinux
import Glibc

/// What this process was given: paths, user, clock. Asked for once, by the composition root.
package enum ProcessEnvironment {
  /// realpath(3): absolute, without links. Nil where it leads nowhere.
  package static func resolve(_ path: String) -> String? {
    string { linux_path_resolve(path, $0, $1) }
  }

  /// The program that runs, through /proc/self/exe.
  package static var executable: String? { resolve("/proc/self/exe") }

  package static var workingDirectory: String? {
    string { linux_working_directory($0, $1) }
  }

  /// geteuid(2).
  package static var effectiveUser: UInt32 { linux_effective_user() }

  /// The processors that this process may use.
  package static var processorCount: Int { Int(linux_processor_count()) }

  /// Of the machine.
  package static var memoryMebibytes: Int { Int(linux_memory_size() >> 20) }

  /// Lets this process open as many files as it may: the soft RLIMIT_NOFILE becomes the hard one. Workers have the limit of
  /// their plan.
  /// - Returns: the limit that holds now.
  package static func raiseOpenFileLimit() -> UInt64 { linux_raise_open_files() }

  /// The descriptors that are open now. Blocks for a moment.
  package static var openFileCount: Int { directoryEntries("/proc/self/fd").count }

  /// Whether a variable's value is what stands in the environment: what can't be read as UTF-8 comes with a mark.
  package static func isWhole(_ value: String) -> Bool { !value.unicodeScalars.contains("\u{FFFD}") }

  /// The value of an environment variable; nil when absent or empty.
  package static func variable(_ name: String) -> String? {
    guard let value = linux_environment_variable(name).map(String.init(cString:)), !value.isEmpty else { return nil }
    return value
  }

  /// The variables whose names begin so, sorted by name. Those that are empty count as absent.
  package static func variables(prefix: String) -> [(name: String, value: String)] {
    var found: [(name: String, value: String)] = []
    var index: Int32 = 0
    while let entry = linux_environment_entry(index).map(String.init(cString:)) {
      index += 1
      let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0].hasPrefix(prefix), !parts[1].isEmpty else { continue }
      found.append((String(parts[0]), String(parts[1])))
    }
    return found.sorted { $0.name < $1.name }
  }

  /// `20260131T235959Z`, UTC: sorts by time and is a file name.
  package static func timestamp() -> String {
    var time = linux_civil_time()
    linux_civil_time_now(&time)
    let date = padded(time.year, 4) + padded(time.month, 2) + padded(time.day, 2)
    return date + "T" + padded(time.hour, 2) + padded(time.minute, 2) + padded(time.second, 2) + "Z"
  }

  /// `2026-01-31T23:59:59Z`, UTC: ISO 8601.
  package static func readableTime() -> String {
    var time = linux_civil_time()
    linux_civil_time_now(&time)
    let date = [padded(time.year, 4), padded(time.month, 2), padded(time.day, 2)].joined(separator: "-")
    let clock = [padded(time.hour, 2), padded(time.minute, 2), padded(time.second, 2)].joined(separator: ":")
    return "\(date)T\(clock)Z"
  }

  /// Of the whole process: for its start, before anything else looks at paths.
  package static func changeDirectory(_ path: String) throws(SystemError) {
    try systemCall("chdir", on: path, chdir(path).orErrorNumber)
  }

  package static func millisecondsSince1970() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  package static func nanosecondsSince1970() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(clamping: time.tv_sec) * 1_000_000_000 + UInt64(clamping: time.tv_nsec)
  }

  /// Of CLOCK_MONOTONIC, which stands still while the machine sleeps.
  package static func monotonicMicroseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
  }

  /// `2026-01-31 23:59:59`, UTC. Milliseconds since 1970.
  package static func readableTime(_ milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1000)
    var time = tm()
    guard gmtime_r(&seconds, &time) != nil else { return "\(milliseconds)" }
    let date = [padded(time.tm_year + 1900, 4), padded(time.tm_mon + 1, 2), padded(time.tm_mday, 2)].joined(
      separator: "-")
    let clock = [time.tm_hour, time.tm_min, time.tm_sec].map { padded($0, 2) }.joined(separator: ":")
    return "\(date) \(clock)"
  }

  private static func padded(_ number: Int32, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  private static func string(_ fill: (UnsafeMutablePointer<CChar>?, Int) -> Int32) -> String? {
    var buffer = [CChar](repeating: 0, count: 4097)
    guard fill(&buffer, buffer.count) == 0 else { return nil }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(validating: bytes, as: UTF8.self)
  }
}
