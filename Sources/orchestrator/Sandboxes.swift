import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import SandboxRuntime
import WorkerHost

/// The workers of this process, and what they live on. Whoever makes it must ``close()`` it: after that no worker, cgroup or thread of it
/// is left.
struct WorkerFleet: Sendable {
  let pool: WorkerPool
  /// The thread of the workers' connections.
  let loop: EventLoop
  private let cgroups: CgroupManager
  private let leftovers: LeftoverCgroups

  /// - Parameters:
  ///   - jobs: workers at one time.
  ///   - crashes: when a plugin's workers aren't started any more; nil: they always are.
  ///   - stopped: told when that is so.
  init(
    setup: SandboxSetup, jobs: Int, limits: WorkerLimits = WorkerLimits(), crashes: WorkerSettings.CrashRule? = nil,
    stopped: @escaping @Sendable (CrashRule.Stop) -> Void = { _ in }
  ) throws(CommandFailure) {
    do throws(SystemError) {
      loop = try EventLoop()
      cgroups = try CgroupManager(root: setup.host.cgroupRoot)
      leftovers = try LeftoverCgroups(under: setup.host.cgroupRoot)
      let launcher = try SandboxLauncher(
        initProgram: setup.installation.sandboxInit, cgroups: cgroups, loop: loop, staging: setup.staging)
      pool = WorkerPool(
        launcher: launcher, loop: loop, limits: limits, maximumWorkers: jobs, crashes: crashes,
        stopped: stopped)
    } catch {
      throw CommandFailure(
        .sandboxUnavailable, "sandboxes can't be made here", why: error.description, hint: "see: orchestrator doctor")
    }
  }

  func close() async {
    await pool.shutdown()
    try? cgroups.close()
    await leftovers.finish(within: .seconds(2))
  }
}

/// From what sandboxes are made, and the workers in them. Whoever makes it must ``use(onStop:_:)`` it, once.
struct Sandboxes: Sendable {
  let setup: SandboxSetup
  private let fleet: WorkerFleet
  /// Others use them too, and whoever made them closes them.
  private let isShared: Bool

  var pool: WorkerPool { fleet.pool }
  var loop: EventLoop { fleet.loop }

  /// - Parameters:
  ///   - jobs: workers at one time.
  ///   - shared: workers that others use too; nil: own ones.
  init(setup: SandboxSetup, jobs: Int, shared: WorkerFleet? = nil) throws(CommandFailure) {
    self.setup = setup
    isShared = shared != nil
    if let shared { fleet = shared } else { fleet = try WorkerFleet(setup: setup, jobs: jobs) }
  }

  func loader(state: String, files: DedicatedThread) -> SpecificationLoader {
    SpecificationLoader(store: SpecificationStore(state: state), files: files, pool: pool, setup: setup)
  }

  /// Runs `work` until it ends or a signal ends it, and closes everything whatever comes. Shared workers are left as they are.
  func use<Success: Sendable>(
    onStop: @escaping @Sendable () async -> Void = {},
    _ work: @escaping @Sendable () async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> Success {
    guard !setup.isAmongOthers else { return try await useAmongOthers(work) }
    let result: Result<Success, CommandFailure>
    let signal: ProgramSignal?
    do throws(CommandFailure) {
      (result, signal) = try await Interruption.listening(onStop: onStop, kill: { await pool.shutdown() }, work)
    } catch {
      await close()
      throw error
    }
    await close()
    // What fails because it was interrupted is no failure of its own.
    if signal != nil, case .failure = result { throw CommandFailure(.interrupted) }
    return try result.get()
  }

  /// Runs `work` to its end, and closes everything whatever comes. For who listens to signals itself, and cancels this task.
  func useAmongOthers<Success: Sendable>(
    _ work: () async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> Success {
    let result: Result<Success, CommandFailure>
    do throws(CommandFailure) { result = .success(try await work()) } catch { result = .failure(error) }
    await close()
    return try result.get()
  }

  private func close() async {
    if !isShared { await fleet.close() }
  }
}
