import LinuxSystem
import PluginModel
import SandboxPlanning
import Synchronization

/// The cgroup of one worker.
package struct Cgroup: Sendable {
  /// Relative to the cgroup root: `orchestrator-4711-99-0/files/12`.
  package var name: String
  var path: String
  var directory: FileDescriptor
}

/// The only writer of cgroups: one group a supervisor, under it one a plugin, under that one a worker. Where there is no root,
/// there are none.
///
/// A limit needs its controller in every group above the worker's, and a group that has controllers may hold no processes
/// (cgroups(7), the "no internal processes" rule). So a supervisor that is alone in its group moves into a group of its own
/// beside the workers', and back when it closes.
package final class CgroupManager: Sendable {
  /// The supervisor's group.
  private struct Group: Sendable {
    var supervisor: SupervisorGroup
    /// Those that the workers' groups have.
    var controllers: [CgroupPlan.Controller] = []
    /// Those that the root had not, and has because of us.
    var enabled: [CgroupPlan.Controller] = []
    var hasMoved = false
    var root: AbsolutePath { supervisor.root }
    var path: String { supervisor.path }
    /// No plugin has a name that begins like this.
    var own: String { "\(path)/_supervisor" }
  }
  private struct State: Sendable {
    /// Those that have a group.
    var plugins: Set<PluginName> = []
    var isClosed = false
  }
  private let kernel: any SandboxKernel
  private let group: Group?
  private let state = Lock(State())
  private let devicePrograms = DevicePrograms()
  private let next = Atomic<UInt64>(1)

  /// Makes the supervisor's group under `root`, a directory of a cgroup v2 mount that this process may write. ``close()``
  /// removes it.
  package init(root: AbsolutePath?, kernel: any SandboxKernel = LinuxKernel()) throws(SystemError) {
    self.kernel = kernel
    guard let root else {
      group = nil
      return
    }
    var group = Group(supervisor: try SupervisorGroup.make(under: root, kernel))
    Self.enableControllers(&group, kernel)
    self.group = group
  }

  deinit {
    // After close() there is nothing to remove; before it, a group that still has workers stays for the next start.
    do throws(SystemError) { try close() } catch {}
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

  /// A new group for one worker with the limits of its plan, as far as the host has the controllers, and with its device
  /// program; nil where there are no groups.
  func makeLeaf(_ plan: SandboxPlan, _ transaction: inout LaunchTransaction) throws(LaunchError) -> Cgroup? {
    guard let group else {
      guard plan.deviceProgram == nil else {
        throw transaction.failure(.attachDevices, SystemError("bpf", "there is no cgroup", .notSupported))
      }
      return nil
    }
    let number = next.add(1, ordering: .relaxed).oldValue
    let name = "\(plan.plugin)/\(number)"
    let path = "\(group.path)/\(name)"
    let kernel = self.kernel
    try transaction.perform(.makeCgroup) { () throws(SystemError) in try makeGroup(of: plan.plugin, in: group) }
    try transaction.perform(.makeCgroup) { () throws(SystemError) in
      try kernel.makeDirectory(path)
    } undo: { _ in
      { () throws(SystemError) in try removeEmptied(path, kernel) }
    }
    for setting in plan.cgroup.settings where group.controllers.contains(setting.file.controller) {
      try transaction.perform(.limitCgroup) { () throws(SystemError) in
        try kernel.write(setting.value, to: "\(path)/\(setting.file.rawValue)")
      }
    }
    let directory = try transaction.perform(.openCgroup) { () throws(SystemError) in
      try kernel.openDirectory(path)
    } undo: { directory in
      { directory.close() }
    }
    if let program = plan.deviceProgram {
      let loaded = try transaction.perform(.loadDevices) { () throws(SystemError) in
        try devicePrograms.loaded(program, kernel)
      }
      try transaction.perform(.attachDevices) { () throws(SystemError) in
        try kernel.attachDeviceProgram(loaded, to: directory)
      }
    }
    return Cgroup(name: "\(group.supervisor.name)/\(name)", path: path, directory: directory)
  }

  /// Once a plugin: it stays until ``close()``, for the plugin's next worker.
  private func makeGroup(of plugin: PluginName, in group: Group) throws(SystemError) {
    try state.withLock { state throws(SystemError) in
      guard !state.plugins.contains(plugin) else { return }
      let path = "\(group.path)/\(plugin)"
      try kernel.makeDirectory(path)
      do throws(SystemError) {
        if !group.controllers.isEmpty {
          let words = group.controllers.map { "+\($0.rawValue)" }.joined(separator: " ")
          try kernel.write(words, to: "\(path)/cgroup.subtree_control")
        }
      } catch {
        do throws(SystemError) { try kernel.removeDirectory(path) } catch {}
        throw error
      }
      state.plugins.insert(plugin)
    }
  }

  /// Writes other limits into a worker's group, as far as it has their controllers.
  func change(_ settings: [CgroupPlan.Setting], of cgroup: Cgroup) throws(SystemError) {
    for setting in settings where controllers.contains(setting.file.controller) {
      try kernel.write(setting.value, to: "\(cgroup.path)/\(setting.file.rawValue)")
    }
  }

  /// Bytes, `memory.current`.
  func memoryInUse(of cgroup: Cgroup) -> UInt64? {
    CgroupUsage.number(kernel.read("\(cgroup.path)/memory.current"))
  }

  /// What the group uses, read on `thread`.
  func account(of cgroup: Cgroup, on thread: DedicatedThread) -> CgroupAccount {
    CgroupAccount(cgroup, controllers: controllers, kernel: kernel, thread: thread)
  }

  /// `cpu.stat`, which every group has, whatever its controllers; nil where it can't be read.
  func processorFile(of cgroup: Cgroup) -> FileDescriptor? {
    do throws(SystemError) { return try kernel.openFile("\(cgroup.path)/cpu.stat") } catch { return nil }
  }

  func processorMicroseconds(_ file: FileDescriptor) -> UInt64? {
    CgroupUsage(controllers: []) { $0 == "cpu.stat" ? kernel.contents(of: file) : nil }.processorMicroseconds
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
    // Another manager may have its name by the time this one is asked again.
    let plugins: Set<PluginName>? = state.withLock { state in
      defer { state.isClosed = true }
      return state.isClosed ? nil : state.plugins
    }
    guard let plugins else { return }
    for plugin in plugins { try kernel.removeDirectory("\(group.path)/\(plugin)") }
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
    group.supervisor.lock.close()
  }
}

/// rmdir(2), again while the kernel still counts a process that has ended: EBUSY.
func removeEmptied(_ path: String, _ kernel: any SandboxKernel) throws(SystemError) {
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
