import LinuxSystem
import PluginModel
import SandboxPlanning

/// What this process may really do in its cgroup, found out by doing it to a group that is then removed.
struct CgroupProbe: Sendable {
  /// Where groups can be made and ended.
  var root: AbsolutePath
  var deviceGuard: DeviceGuard

  /// Nil where none can be made. Blocks.
  init?(_ kernel: any SandboxKernel) {
    guard let mounts = readSmallFile("/proc/self/mountinfo", limit: 4 << 20),
      let own = readSmallFile("/proc/self/cgroup"),
      let location = CgroupLocation(mountInformation: mounts, ownCgroups: own)
    else { return nil }
    root = location.directory
    do throws(SystemError) {
      let group = try SupervisorGroup.make(under: root, kernel)
      defer { group.lock.close() }
      let canKill = HostProbes.isWritable("\(group.path)/cgroup.kill")
      deviceGuard = Self.deviceGuard(of: group, kernel)
      try kernel.removeDirectory(group.path)
      guard canKill else { return nil }
    } catch {
      return nil
    }
  }

  private static func deviceGuard(of group: SupervisorGroup, _ kernel: any SandboxKernel) -> DeviceGuard {
    do throws(SystemError) {
      let program = try kernel.loadDeviceProgram(DeviceProgram(rules: []).bytes)
      defer { program.close() }
      try kernel.attachDeviceProgram(program, to: group.lock)
      return .program
    } catch {
      return .mounts(why: "\(error)")
    }
  }
}
