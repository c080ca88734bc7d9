import LinuxSystem
import PluginModel
import SandboxPlanning

/// What one worker's cgroup has used: read while the worker lives, and kept when its group is removed.
///
/// A settlement is read where it is asked for: a few microseconds of pread(2) from files that are open and that the kernel has in
/// memory, while another thread to do it would have to be woken, and would have to wake who waits, for every call. The end of a group,
/// for which files are opened, has a thread of the supervisor's own. No reading meets the removal of the group.
final class CgroupAccount: Sendable {
  private struct State: Sendable {
    /// What is read at every settlement stays open, so that each costs one pread(2). Nil: it isn't there.
    var files: [String: FileDescriptor?] = [:]
    /// `memory.peak`, which forgets for this descriptor alone what came before the last write to it. Nil: not tried yet, or not to
    /// be had.
    var peak: FileDescriptor?
    var isPeakTried = false
    var settled: CgroupUsage?
    /// Of the group that is gone.
    var last: CgroupUsage?
  }
  private let cgroup: Cgroup
  private let controllers: [CgroupPlan.Controller]
  private let kernel: any SandboxKernel
  private let thread: DedicatedThread
  private let state = Lock(State())

  init(
    _ cgroup: Cgroup, controllers: [CgroupPlan.Controller], kernel: any SandboxKernel, thread: DedicatedThread
  ) {
    self.cgroup = cgroup
    self.controllers = controllers
    self.kernel = kernel
    self.thread = thread
  }

  /// What was used since the last settlement, or since the group was made. What follows belongs to the next one: the peak of memory
  /// too, where the kernel can do that.
  func settle() -> ResourceUsage {
    state.withLock { state in
      let now = state.last ?? counters(&state)
      let spent = now.spent(since: state.settled)
      state.settled = now
      if state.last == nil { resetPeak(&state) }
      return spent
    }
  }

  /// The last reading: the group is about to be removed.
  func close() async -> CgroupUsage {
    await thread.run { [self] in
      state.withLock { state in
        let last = state.last ?? everything(state)
        state.last = last
        state.peak = nil
        state.files = [:]
        return last
      }
    }
  }

  /// What a call's account is made of: neither limits nor what only the end of a worker is explained with.
  private func counters(_ state: inout State) -> CgroupUsage {
    let settled = state.peak.flatMap { CgroupUsage.number(kernel.contents(of: $0)) }
    var usage = CgroupUsage(controllers: controllers) { name in
      switch name {
      case "memory.max", "memory.events": nil
      case "memory.peak" where settled != nil: nil
      default: contents(name, &state)
      }
    }
    usage.memoryPeakSinceSettlement = settled
    return usage
  }

  private func contents(_ name: String, _ state: inout State) -> String? {
    if let known = state.files[name] { return known.flatMap(kernel.contents) }
    let file: FileDescriptor?
    do throws(SystemError) { file = try kernel.openFile("\(cgroup.path)/\(name)") } catch { file = nil }
    state.files[name] = .some(file)
    return file.flatMap(kernel.contents)
  }

  private func everything(_ state: State) -> CgroupUsage {
    var usage = CgroupUsage(controllers: controllers) { kernel.read("\(cgroup.path)/\($0)") }
    usage.memoryPeakSinceSettlement = state.peak.flatMap { CgroupUsage.number(kernel.contents(of: $0)) }
    return usage
  }

  /// "A write of any non-empty string to this file resets it to the current memory usage for subsequent reads through the same file
  /// descriptor": memory.peak in the kernel's cgroup-v2 documentation. Before Linux 6.12 it can't be written.
  private func resetPeak(_ state: inout State) {
    guard controllers.contains(.memory) else { return }
    do throws(SystemError) {
      if !state.isPeakTried {
        state.isPeakTried = true
        state.peak = try kernel.openControl("\(cgroup.path)/memory.peak")
      }
      _ = try state.peak?.write(Array("reset".utf8))
      // Its own descriptor tells it from now on.
      if state.peak != nil { state.files["memory.peak"] = nil }
    } catch {
      state.peak = nil
    }
  }
}
