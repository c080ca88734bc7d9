import LinuxSystem
import PluginModel

/// `orchestrator-<pid>-<start time>-<instance>`: the start time, since a pid comes again.
struct CgroupName: Hashable, Sendable {
  static let prefix = "orchestrator-"
  var process: Int32
  var startTime: UInt64
  var instance: UInt64
  var text: String { "\(Self.prefix)\(process)-\(startTime)-\(instance)" }

  init(process: Int32, startTime: UInt64, instance: UInt64) {
    self.process = process
    self.startTime = startTime
    self.instance = instance
  }

  /// Nil for anything that isn't such a name.
  init?(_ text: String) {
    guard text.hasPrefix(Self.prefix) else { return nil }
    let parts = text.dropFirst(Self.prefix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, let process = Int32(parts[0]), let startTime = UInt64(parts[1]),
      let instance = UInt64(parts[2]), process > 0
    else { return nil }
    self.init(process: process, startTime: startTime, instance: instance)
  }

  static func own() -> CgroupName {
    let process = currentProcessIdentifier()
    return CgroupName(process: process, startTime: processStartTime(process) ?? 0, instance: 0)
  }

  /// The process that made it lives.
  var isAlive: Bool { processStartTime(process) == startTime }
}

/// The group of one supervisor, locked as long as the supervisor lives: one from another pid namespace doesn't see its process.
struct SupervisorGroup: Sendable {
  var root: AbsolutePath
  var name: String
  var lock: FileDescriptor
  var path: String { "\(root)/\(name)" }

  /// One process may have several: the first free number is taken.
  static func make(under root: AbsolutePath, _ kernel: any SandboxKernel) throws(SystemError) -> SupervisorGroup {
    var name = CgroupName.own()
    while true {
      do throws(SystemError) {
        let lock = try kernel.makeLockedDirectory("\(root)/\(name.text)")
        return SupervisorGroup(root: root, name: name.text, lock: lock)
      } catch {
        let isTaken = [.exists, .tryAgain, .stale].contains(error.code)
        guard isTaken, name.instance < 1000 else { throw error }
        name.instance += 1
      }
    }
  }
}
