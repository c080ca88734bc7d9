import LinuxSystem
import SandboxPlanning

/// Does for one sandbox what its ``Watchdog`` says, until ``stop()``.
final class SandboxWatch: Sendable {
  /// Between two looks.
  static let interval = Duration.milliseconds(100)

  private let watchdog: Lock<Watchdog>
  private let looking: Task<Void, Never>

  init(
    _ limits: WatchedLimits, _ process: SpawnedProcess, _ control: FileDescriptor, _ cgroup: Cgroup?,
    _ context: LaunchContext
  ) {
    let watchdog = Lock(Watchdog(limits))
    let watched = Watched(process: process, control: control, cgroup: cgroup, context: context)
    self.watchdog = watchdog
    looking = Task.detached {
      let began = ContinuousClock.now
      while (try? await Task.sleep(for: Self.interval)) != nil {
        // /proc may keep whoever reads it waiting for the process that it tells of.
        await context.accountant.run { watched.look(watchdog, since: began) }
      }
    }
  }

  /// For the limits of another call.
  func change(to limits: WatchedLimits) { watchdog.withLock { $0.limits = limits } }

  /// What was seen. Nothing is looked at, held or ended any more when this returns.
  func stop() async -> WatchReport {
    looking.cancel()
    await looking.value
    return watchdog.withLock { $0.report }
  }
}

/// A sandbox whose first process isn't reaped yet, so that its number is its own.
private struct Watched: Sendable {
  var process: SpawnedProcess
  var control: FileDescriptor
  var cgroup: Cgroup?
  var context: LaunchContext

  func look(_ watchdog: Lock<Watchdog>, since began: ContinuousClock.Instant) {
    let processes = descendants(of: process.identifier)
    let use = use(of: processes)
    let now = ContinuousClock.now - began
    var action = watchdog.withLock { $0.look(at: now, use) }
    if action == .countShares {
      let shares = processes.reduce(0) { $0 &+ (ProcessUse.share(of: $1) ?? 0) }
      action = watchdog.withLock { $0.look(at: now, use, shares: shares) }
    }
    if let action { perform(action) }
  }

  private func use(of processes: [Int32]) -> GroupUse {
    var use = GroupUse(memory: 0, processorTime: .zero, tasks: 0)
    for process in processes.compactMap({ ProcessUse($0) }) {
      use.memory &+= process.memory
      use.processorTime += process.processorTime
      use.tasks &+= process.threads
    }
    // Those who left nothing behind are in it too: every cgroup has this, whatever its controllers.
    if let microseconds = cgroup.flatMap({ context.cgroups.processorMicroseconds(of: $0) }) {
      use.processorTime = .microseconds(microseconds)
    } else if let first = ProcessUse(process.identifier) {
      use.processorTime += first.processorTime
    }
    return use
  }

  /// What fails has no one left to be done to.
  private func perform(_ action: Watchdog.Action) {
    do throws(SystemError) {
      switch action {
      case .hold: try context.kernel.send(.hold, on: control)
      case .resume: try context.kernel.send(.resume, on: control)
      case .end: context.kill(process, cgroup)
      case .countShares: return
      }
    } catch { return }
  }
}
