import LinuxSystem
import PluginModel
import Synchronization

/// Removes the groups that supervisors left which ended without removing them, on a thread of its own: nobody waits for it to
/// start, however many there are.
package final class LeftoverCgroups: Sendable {
  private let isStopped: Lock<Bool>
  private let removal: Task<Void, Never>

  /// Begins. `root` as for ``CgroupManager``.
  package init(under root: AbsolutePath?, kernel: any SandboxKernel = LinuxKernel()) throws(SystemError) {
    let isStopped = Lock(false)
    self.isStopped = isStopped
    guard let root else {
      removal = Task {}
      return
    }
    let thread = try DedicatedThread(name: "old-cgroups")
    removal = Task.detached {
      await thread.run { Self.remove(under: root, kernel) { isStopped.withLock { $0 } } }
    }
  }

  /// Waits until everything is removed, or that long. What is left then stays for the next start.
  package func finish(within time: Duration) async {
    let timer = Task { [isStopped] in
      do { try await Task.sleep(for: time) } catch { return }
      isStopped.withLock { $0 = true }
    }
    await removal.value
    timer.cancel()
  }

  /// What can't be removed stays for the next start. Blocks.
  static func remove(
    under root: AbsolutePath, _ kernel: any SandboxKernel, isStopped: () -> Bool = { false }
  ) {
    for entry in subdirectories(root.text) where !isStopped() {
      guard let name = CgroupName(entry), !name.isAlive else { continue }
      let path = "\(root)/\(name.text)"
      do throws(SystemError) {
        // The proof that it is left over: the process may live in a pid namespace that isn't seen from here.
        let directory = try kernel.lockDirectory(path)
        defer { directory.close() }
        // Of all groups beneath it too.
        try kernel.write("1", to: "\(path)/cgroup.kill")
        try removeTree(path, kernel, isStopped)
      } catch { continue }
    }
  }

  /// Mostly there is nothing in a group any more, and one call removes it.
  private static func removeTree(
    _ path: String, _ kernel: any SandboxKernel, _ isStopped: () -> Bool
  ) throws(SystemError) {
    do throws(SystemError) { return try kernel.removeDirectory(path) } catch {
      guard error.code == .deviceBusy else { throw error }
    }
    for entry in subdirectories(path) {
      if isStopped() { return }
      try removeTree("\(path)/\(entry)", kernel, isStopped)
    }
    try removeEmptied(path, kernel)
  }
}
