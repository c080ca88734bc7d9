import LinuxSystem
import PluginModel
import SandboxPlanning
import Synchronization

/// The cgroup of one worker.
package struct Cgroup: Sendable {
  /// Relative to the cgroup root: `orchestrator-4711-99-0/12`.
  package var name: String
  var path: String
  var directory: FileDescriptor
}

/// The only writer of cgroups: one group a supervisor, under it one a worker. Where there is no root, there are none.
///
/// A limit needs its controller in every group above the worker's, and a group that has controllers may hold no processes
/// (cgroups(7), the "no internal processes" rule). So a supervisor that is alone in its group moves into a group of its own
/// beside the workers', and back when it closes.
package final class CgroupManager: Sendable {
  /// The supervisor's group, and where it lies.
  private struct Group: Sendable {
    var root: AbsolutePath
    var name: String
    /// Those that the workers' groups have.
    var controllers: [CgroupPlan.Controller] = []
    /// Those that the root had not, and has because of us.
    var enabled: [CgroupPlan.Controller] = []
    var hasMoved = false
    var path: String { "\(root.text)/\(name)" }
    var own: String { "\(path)/supervisor" }
  }
  private let kernel: any SandboxKernel
  private let group: Group?
  private let next = Atomic<UInt64>(1)

  /// Makes the supervisor's group under `root`, a directory of a cgroup v2 mount that this process may write, and removes
  /// those of supervisors that are gone. ``close()`` removes it.
  package init(root: AbsolutePath?, kernel: any SandboxKernel = LinuxKernel()) throws(SystemError) {
    self.kernel = kernel
    guard let root else {
      group = nil
      return
    }
    StaleCgroups.remove(under: root, kernel)
    var group = try Self.makeGroup(root, kernel)
    Self.enableControllers(&group, kernel)
    self.group = group
  }

  deinit {
    // After close() there is nothing to remove; before it, a group that still has workers stays for the next start.
    do throws(SystemError) { try close() } catch {}
  }

  /// One process may have several managers: the first free number is taken.
  private static func makeGroup(_ root: AbsolutePath, _ kernel: any SandboxKernel) throws(SystemError) -> Group {
    var name = CgroupName.own()
    while true {
      let group = Group(root: root, name: name.text)
      do throws(SystemError) {
        try kernel.makeDirectory(group.path)
        return group
      } catch {
        guard error.code == .exists, name.instance < 1000 else { throw error }
        name.instance += 1
      }
    }
  }

  /// Whatever can be had: what can't is missing in ``controllers``, and the plans say so.
  private static func enableControllers(_ group: inout Group, _ kernel: any SandboxKernel) {
    let offered = names(in: "\(group.root)/cgroup.controllers", kernel)
    let before = names(in: "\(group.root)/cgroup.subtree_control", kernel)
    let wanted = CgroupPlan.Controller.allCases.filter { offered.contains($0.rawValue) }
    let missing = wanted.filter { !before.contains($0.rawValue) }
    // Only the tree's own root, which has no type, may have both. Elsewhere the kernel would take a threaded controller all the
    // same and then let no process into the workers' groups (EOPNOTSUPP).
    let mayHoldProcesses = kernel.read("\(group.root)/cgroup.type") == nil
    if !missing.isEmpty, mayHoldProcesses || moveAway(&group, kernel) {
      group.enabled = missing.filter { enable($0, in: group.root.text, kernel) }
    }
    group.controllers = wanted.filter { controller in
      (before.contains(controller.rawValue) || group.enabled.contains(controller))
        && enable(controller, in: group.path, kernel)
    }
  }

  private static func names(in path: String, _ kernel: any SandboxKernel) -> [String] {
    (kernel.read(path) ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
  }

  private static func enable(
    _ controller: CgroupPlan.Controller, in path: String, _ kernel: any SandboxKernel
  ) -> Bool {
    do throws(SystemError) {
      try kernel.write("+\(controller.rawValue)", to: "\(path)/cgroup.subtree_control")
      return true
    } catch {
      return false
    }
  }

  /// Out of the root, if this process is the only one in it: others are not ours to move. False when it stayed.
  private static func moveAway(_ group: inout Group, _ kernel: any SandboxKernel) -> Bool {
    let own = "\(currentProcessIdentifier())"
    guard !group.hasMoved, names(in: "\(group.root)/cgroup.procs", kernel) == [own] else { return false }
    do throws(SystemError) {
      try kernel.makeDirectory(group.own)
      try kernel.write(own, to: "\(group.own)/cgroup.procs")
      group.hasMoved = true
      return true
    } catch {
      return false
    }
  }

  /// True when every worker gets a cgroup.
  package var isAvailable: Bool { group != nil }
  /// Those whose limits the kernel enforces on workers.
  package var controllers: [CgroupPlan.Controller] { group?.controllers ?? [] }

  /// A new group for one worker with the limits of its plan, as far as the host has the controllers; nil where there are none.
  func makeLeaf(
    _ limits: CgroupPlan, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> Cgroup? {
    guard let group else { return nil }
    let number = next.add(1, ordering: .relaxed).oldValue
    let name = "\(group.name)/\(number)"
    let path = "\(group.path)/\(number)"
    let kernel = self.kernel
    try transaction.perform(.makeCgroup) { () throws(SystemError) in
      try kernel.makeDirectory(path)
    } undo: { _ in
      { () throws(SystemError) in try removeEmptied(path, kernel) }
    }
    for setting in limits.settings where group.controllers.contains(setting.file.controller) {
      try transaction.perform(.limitCgroup) { () throws(SystemError) in
        try kernel.write(setting.value, to: "\(path)/\(setting.file.rawValue)")
      }
    }
    let directory = try transaction.perform(.openCgroup) { () throws(SystemError) in
      try kernel.openDirectory(path)
    } undo: { directory in
      { directory.close() }
    }
    return Cgroup(name: name, path: path, directory: directory)
  }

  /// What the group uses, read on `thread`.
  func account(of cgroup: Cgroup, on thread: DedicatedThread) -> CgroupAccount {
    CgroupAccount(cgroup, controllers: controllers, kernel: kernel, thread: thread)
  }

  /// SIGKILL to every process of the group: cgroup.kill of cgroups(7).
  func kill(_ cgroup: Cgroup) throws(SystemError) {
    try kernel.write("1", to: "\(cgroup.path)/cgroup.kill")
  }

  /// Removes a group whose processes were ended; false when the kernel isn't done with them yet.
  func removeAtOnce(_ cgroup: Cgroup) throws(SystemError) -> Bool {
    cgroup.directory.close()
    do throws(SystemError) {
      try kernel.removeDirectory(cgroup.path)
      return true
    } catch {
      guard error.code == .deviceBusy else { throw error }
      return false
    }
  }

  /// Removes a group whose processes were ended. Blocks for a moment where the kernel isn't done with them yet.
  func remove(_ cgroup: Cgroup) throws(SystemError) {
    try removeEmptied(cgroup.path, kernel)
  }

  /// Removes the supervisor's group and goes back to where it was; the workers' must be gone.
  package func close() throws(SystemError) {
    guard let group else { return }
    if group.hasMoved {
      // A group with controllers takes no process back.
      for controller in group.controllers {
        try kernel.write("-\(controller.rawValue)", to: "\(group.path)/cgroup.subtree_control")
      }
      for controller in group.enabled {
        try kernel.write("-\(controller.rawValue)", to: "\(group.root)/cgroup.subtree_control")
      }
      try kernel.write("\(currentProcessIdentifier())", to: "\(group.root)/cgroup.procs")
      try kernel.removeDirectory(group.own)
    }
    try kernel.removeDirectory(group.path)
  }
}

/// rmdir(2), again while the kernel still counts a process that has ended: EBUSY.
private func removeEmptied(_ path: String, _ kernel: any SandboxKernel) throws(SystemError) {
  let attempts = 200
  for attempt in 1...attempts {
    do throws(SystemError) {
      return try kernel.removeDirectory(path)
    } catch {
      guard error.code == .deviceBusy, attempt < attempts else { throw error }
      kernel.pause(milliseconds: 5)
    }
  }
}

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

/// The groups that supervisors left which ended without removing them.
enum StaleCgroups {
  /// What can't be removed stays for the next start.
  static func remove(under root: AbsolutePath, _ kernel: any SandboxKernel) {
    for entry in directoryEntries(root.text) {
      guard let name = CgroupName(entry), !name.isAlive else { continue }
      let group = "\(root.text)/\(name.text)"
      for leaf in directoryEntries(group) where UInt64(leaf) != nil || leaf == "supervisor" {
        let path = "\(group)/\(leaf)"
        // Mostly nothing is in it any more.
        do throws(SystemError) { try kernel.removeDirectory(path) } catch {
          do throws(SystemError) {
            try kernel.write("1", to: "\(path)/cgroup.kill")
            try removeEmptied(path, kernel)
          } catch { continue }
        }
      }
      do throws(SystemError) { try kernel.removeDirectory(group) } catch { continue }
    }
  }
}
