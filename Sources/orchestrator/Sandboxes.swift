import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import SandboxRuntime
import WorkerHost

/// Everything that lives while workers do. Whoever makes it must ``close()`` it: then no worker, cgroup or thread of it
/// is left.
struct Sandboxes: Sendable {
  let setup: SandboxSetup
  let pool: WorkerPool
  private let loop: EventLoop
  private let cgroups: CgroupManager

  /// - Parameter jobs: workers at one time.
  init(setup: SandboxSetup, jobs: Int) throws(CommandFailure) {
    self.setup = setup
    do throws(SystemError) {
      loop = try EventLoop()
      cgroups = try CgroupManager(root: setup.host.cgroupRoot)
      let launcher = try SandboxLauncher(initProgram: setup.installation.sandboxInit, cgroups: cgroups)
      pool = WorkerPool(launcher: launcher, loop: loop, maximumWorkers: jobs)
    } catch {
      throw CommandFailure(
        .sandboxUnavailable, "sandboxes can't be made here", why: error.description, hint: "see: orchestrator doctor")
    }
  }

  func close() async {
    await pool.shutdown()
    try? cgroups.close()
    loop.stop()
  }
}
