import LinuxSystem
import SandboxPlanning

/// Does for one sandbox what its ``Watchdog`` says, until ``stop()``.
final class SandboxWatch: Sendable {
  /// Between two looks.
  static let interval = Duration.milliseconds(100)

  private let watchdog: Lock<Watchdog>
  private let looking: Task<Void, Never>
  /// Inodes of memfds that others made, of whose memory it has no part.
  private let lent: Lock<Set<UInt64>>

  init(
    _ limits: WatchedLimits, _ process: SpawnedProcess, _ control: FileDescriptor, _ cgroup: Cgroup?,
    _ context: LaunchContext
  ) {
    let watchdog = Lock(Watchdog(limits))
    let lent = Lock(Set<UInt64>())
    self.lent = lent
    let watched = Watched(
      process: process, control: control, cgroup: cgroup, context: context,
      processorFile: cgroup.flatMap { context.cgroups.processorFile(of: $0) }, lent: lent)
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

  /// These aren't the worker's, though it will have them open.
  func lend(_ descriptors: [FileDescriptor]) {
    let inodes = descriptors.compactMap { MemoryFiles.memfd($0)?.inode }
    lent.withLock { $0 = Set(inodes) }
  }

  /// Bytes, at the last look; nil before the first.
  var memoryInUse: UInt64? { watchdog.withLock { $0.memory } }

  /// Bytes; the most that was seen since this was asked last. Nil: it wasn't looked at meanwhile.
  func settlePeak() -> UInt64? { watchdog.withLock { $0.settlePeak() } }

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
  var processorFile: FileDescriptor?
  var lent: Lock<Set<UInt64>>
  /// Descriptors that one look goes through, of all processes together. A worker that has more is counted short.
  private static let descriptors = 4096

  func look(_ watchdog: Lock<Watchdog>, since began: ContinuousClock.Instant) {
    let processes = descendants(of: process.identifier)
    let use = use(of: processes)
    let now = ContinuousClock.now - began
    var action = watchdog.withLock { $0.look(at: now, use) }
    if action == .countShares {
      var (shares, mapped): (UInt64, UInt64) = (0, 0)
      for share in processes.compactMap(ProcessUse.share) {
        shares &+= share.memory
        mapped &+= share.mappedFiles
      }
      shares = GroupUse.memory(shares, mapped: mapped, files: fileMemory(of: processes))
      action = watchdog.withLock { $0.look(at: now, use, shares: shares) }
    }
    if let action { perform(action) }
  }

  private func use(of processes: [Int32]) -> GroupUse {
    var use = GroupUse(memory: 0, processorTime: .zero, tasks: 0)
    var mapped: UInt64 = 0
    for process in processes.compactMap({ ProcessUse($0) }) {
      use.memory &+= process.memory
      mapped &+= process.mappedFiles
      use.processorTime += process.processorTime
      use.tasks &+= process.threads
    }
    use.memory = GroupUse.memory(use.memory, mapped: mapped, files: fileMemory(of: processes))
    // Those who left nothing behind are in it too: every cgroup has this, whatever its controllers.
    if let microseconds = processorFile.flatMap(context.cgroups.processorMicroseconds) {
      use.processorTime = .microseconds(microseconds)
    } else if let first = ProcessUse(process.identifier) {
      use.processorTime += first.processorTime
    }
    return use
  }

  /// Bytes in the worker's memfds and its temporary filesystems, mapped or not.
  private func fileMemory(of processes: [Int32]) -> UInt64 {
    let lent = lent.withLock { $0 }
    var memfds: [UInt64: UInt64] = [:]
    var left = Self.descriptors
    for process in processes where left > 0 {
      let (found, looked) = MemoryFiles.memfds(of: process, limit: left)
      left -= looked
      for memfd in found where !lent.contains(memfd.inode) { memfds[memfd.inode] = memfd.bytes }
    }
    let scratch = [Inside.scratch, Inside.sharedMemory].map {
      MemoryFiles.bytesUsed(ofTemporaryFilesystem: "/proc/\(process.identifier)/root\($0)")
    }
    return (Array(memfds.values) + scratch).reduce(0, &+)
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
