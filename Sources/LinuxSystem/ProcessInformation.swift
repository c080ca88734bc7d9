import CLinux
import Glibc

/// Up to `limit` bytes of a file of /proc, /sys or /etc; nil when it can't be read.
package func readSmallFile(_ path: String, limit: Int = 64 << 10) -> String? {
  let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
    let result = buffer.withMemoryRebound(to: CChar.self) { sandbox_read_file(path, $0.baseAddress, limit) }
    count = max(0, Int(result))
    if result < 0 { count = 0 }
  }
  // An empty file and one that can't be read differ in the result of access(2), which no caller asks for.
  return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
}

package func currentProcessIdentifier() -> Int32 { getpid() }

/// Another process, held by a pidfd: when it ends, its number may become that of another, and this doesn't (pidfd_open(2)).
package struct ProcessHandle: Sendable {
  private let descriptor: FileDescriptor

  /// - Throws: ESRCH where there is no such process.
  package init(_ identifier: Int32) throws(SystemError) {
    descriptor = FileDescriptor(
      owning: try systemCall("pidfd_open", on: "\(identifier)", sandbox_open_process(identifier)))
  }

  package func signal(_ signal: Signal) throws(SystemError) {
    try systemCall("pidfd_send_signal", sandbox_signal_process(descriptor.number, signal.number))
  }
}
package func effectiveUserIdentifier() -> UInt32 { geteuid() }
package func effectiveGroupIdentifier() -> UInt32 { getegid() }

/// When a process started, in clock ticks since boot: field 22 of proc_pid_stat(5). Nil when there is no such process.
package func processStartTime(_ process: Int32) -> UInt64? {
  guard let line = readSmallFile("/proc/\(process)/stat", limit: 4096), let fields = statFields(line) else {
    return nil
  }
  return fields.count > 19 ? UInt64(fields[19]) : nil
}

/// Those of proc_pid_stat(5) from the third on; nil where the line is cut before that.
func statFields(_ line: String) -> [Substring]? {
  // The name in field 2 may itself have blanks and parentheses; field 3 follows the last of them.
  line.lastIndex(of: ")").map { line[line.index(after: $0)...].split(separator: " ") }
}

/// The names in a directory, but for `.` and `..`; empty when it can't be read.
package func directoryEntries(_ path: String) -> [String] { names(in: path) { _ in true } }

/// Those of them that are directories themselves, as far as readdir(3) tells the type: cgroupfs and /proc do.
package func subdirectories(_ path: String) -> [String] {
  names(in: path) { $0 == UInt8(DT_DIR) }
}

private func names(in path: String, where isWanted: (_ type: UInt8) -> Bool) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != "..", isWanted(entry.pointee.d_type) { names.append(name) }
  }
  return names
}
