import LinuxSystem
import SandboxPlanning

/// The limits of one worker's cgroup while the worker lives: what changes is written, and nothing else.
///
/// All of it happens on the thread that reads and closes accounts: a limit that is lowered makes the kernel reclaim memory before
/// write(2) returns, and nothing is written to a group that is being removed.
final class LiveLimits: Sendable {
  private let cgroup: Cgroup
  private let context: LaunchContext
  private let held: Lock<CgroupPlan>

  init(_ cgroup: Cgroup, _ limits: CgroupPlan, _ context: LaunchContext) {
    self.cgroup = cgroup
    self.context = context
    held = Lock(limits)
  }

  /// - Throws: when the kernel takes one of them not.
  func change(to limits: CgroupPlan) async throws(SystemError) {
    let (cgroup, context, held) = (cgroup, context, held)
    guard held.withLock({ $0 != limits }) else { return }
    try await context.accountant.run { () throws(SystemError) in
      let changes = limits.changes(from: held.withLock { $0 })
      do throws(SystemError) {
        try context.cgroups.change(changes, of: cgroup)
      } catch {
        // The worker has ended meanwhile: whoever waits for it learns that from its end.
        guard error.code == .notFound || error.code == .noDevice else { throw error }
      }
      held.withLock { $0 = limits }
    }
  }

  /// `memory.current`, in which the page cache is too; nil without the controller.
  func memoryInUse() async -> UInt64? {
    let (cgroup, context) = (cgroup, context)
    guard context.cgroups.controllers.contains(.memory) else { return nil }
    return await context.accountant.run { context.cgroups.memoryInUse(of: cgroup) }
  }
}
