import CLinux
import LinuxSystem
import PluginModel
import SandboxPlanning

/// A sandbox of ``SandboxLauncher``.
package final class LaunchedSandbox: Sandbox {
  package let connection: FileDescriptor
  package let standardOutput: FileDescriptor
  package let standardError: FileDescriptor
  package let enforcement: Enforcement
  package let stagedWrites: StagedWrites?
  private let process: SpawnedProcess
  private let control: ControlChannel
  private let cgroup: Cgroup?
  private let account: CgroupAccount?
  private let context: LaunchContext
  private let watch: SandboxWatch?
  private let relay: EgressRelay?
  private let live: LiveLimits?
  private let observer: SandboxObserver?
  private let ending: Task<SandboxExit, Never>

  init(_ launch: StartedLaunch, _ plan: SandboxPlan, _ context: LaunchContext, _ spawner: DedicatedThread) {
    let report = launch.report
    connection = launch.connection
    standardOutput = launch.output
    standardError = launch.error
    process = launch.process
    let control = ControlChannel(launch.control, plan.seccomp, context)
    self.control = control
    cgroup = launch.cgroup
    stagedWrites = launch.stagedWrites
    self.context = context
    enforcement = Enforcement(
      namespaces: plan.namespaces, landlockABI: plan.landlock.abi, landlockFilesystem: report.landlock_filesystem,
      landlockNetwork: report.landlock_network, landlockScoped: report.landlock_scoped,
      seccompInstructions: Int(report.seccomp_instructions), cgroup: launch.cgroup?.name,
      deviceGuard: plan.deviceGuard)
    account = cgroup.map { context.cgroups.account(of: $0, on: context.accountant) }
    live = cgroup.map { LiveLimits($0, plan.cgroup, context) }
    let limits = WatchedLimits(plan.cgroup, controllers: Set(context.cgroups.controllers))
    watch = limits.isEmpty ? nil : SandboxWatch(limits, process, launch.control, cgroup, context)
    relay = launch.relay
    observer = launch.observations.map { SandboxObserver($0, plan.seccomp, launch.process, context) }
    let end = SandboxEnd(
      process: process, control: control, cgroup: cgroup, account: account, context: context, spawner: spawner,
      watch: watch, relay: relay, openNetwork: launch.openNetwork, observer: observer)
    ending = Task.detached { await end.run() }
  }

  /// A sandbox that nobody holds any more has no one to talk to.
  deinit { kill() }

  package var processIdentifier: Int32 {
    workerIdentifier(of: process.identifier) ?? process.identifier
  }

  package func terminate() {
    // Fails when pid 1 is gone, and then so is the worker.
    do throws(SystemError) { try control.send(.terminate) } catch { return }
  }

  package func kill() { context.kill(process, cgroup) }

  package func settleAccount() -> ResourceUsage? {
    let counted = account?.settle()
    guard counted?.memoryPeak == nil, let seen = watch?.settlePeak() else { return counted }
    var usage = counted ?? ResourceUsage()
    usage.memoryPeak = ResourceUsage.MemoryPeak(bytes: seen, scope: .node, isSampled: true)
    return usage
  }

  package func change(to limits: CgroupPlan) async throws(SystemError) {
    let watched = WatchedLimits(limits, controllers: Set(context.cgroups.controllers))
    if let watch {
      watch.change(to: watched)
    } else if !watched.isEmpty {
      throw SystemError("limit", "a worker that isn't watched", .notSupported)
    }
    try await live?.change(to: limits)
  }

  package func lend(_ descriptors: [FileDescriptor]) { watch?.lend(descriptors) }

  package func memoryInUse() async -> UInt64? {
    if let counted = await live?.memoryInUse() { return counted }
    return watch?.memoryInUse
  }

  package func settleEgress() async -> EgressUse? { await relay?.settle() }

  package func collectDenials() async { await control.collectDenials() }

  package func takeDenials() -> DenialRecord { control.takeDenials() }

  package func takeObservation() async -> Observation? { await observer?.take() }

  package func exit() async -> SandboxExit { await ending.value }
}

/// Waits for the end of a sandbox and removes what is left of it. Runs whether or not anyone asks for the result.
private struct SandboxEnd: Sendable {
  var process: SpawnedProcess
  var control: ControlChannel
  var cgroup: Cgroup?
  var account: CgroupAccount?
  var context: LaunchContext
  /// Kept for as long as the sandbox lives, which ends when this thread does.
  var spawner: DedicatedThread
  var watch: SandboxWatch?
  var relay: EgressRelay?
  var openNetwork: NetworkProgram?
  var observer: SandboxObserver?

  func run() async -> SandboxExit {
    // pid 1's end: the kernel has by then ended and reaped every process of its namespace, pid_namespaces(7).
    let waited: Result<Void, SystemError>
    do throws(SystemError) {
      waited = .success(try await context.loop.wait(until: .readable, process.descriptor))
    } catch {
      waited = .failure(error)
    }
    // Before the processes' numbers may become others'.
    let watched = await watch?.stop()
    await observer?.stop()
    var exit = control.lastWords()
    exit.watch = watched
    do throws(SystemError) {
      _ = try waited.get()
      _ = try context.kernel.reap(process)
    } catch { exit.cleanupErrors.append(error) }
    exit.usage = await account?.close()
    // Nobody is left on the worker's side.
    await relay?.close()
    if let openNetwork {
      let context = self.context
      do throws(SystemError) {
        try await context.cleaner.run { () throws(SystemError) in try openNetwork.stop(context.kernel) }
      } catch { exit.cleanupErrors.append(error) }
    }
    if let cgroup {
      do throws(SystemError) { try await remove(cgroup) } catch { exit.cleanupErrors.append(error) }
    }
    // The pidfd stays open as long as someone may kill: its number must not name another process meanwhile.
    return exit
  }

  /// Mostly at once; where the kernel isn't done with the processes yet, on the thread that may wait.
  private func remove(_ cgroup: Cgroup) async throws(SystemError) {
    if try context.cgroups.removeAtOnce(cgroup) { return }
    let context = self.context
    try await context.cleaner.run { () throws(SystemError) in try context.cgroups.remove(cgroup) }
  }
}

/// The worker is pid 1's only child at the start; only for people, since the number may be reused.
private func workerIdentifier(of first: Int32) -> Int32? {
  readSmallFile("/proc/\(first)/task/\(first)/children", limit: 256)?
    .split(separator: " ").first.flatMap { Int32($0) }
}
