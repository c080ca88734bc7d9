import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// Starts a program with these descriptors as 1, 2 and 3, and no others: what another test has open must not live on in it.
func spawn(_ command: [String], output: Int32, error: Int32, socket: Int32? = nil) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_adddup2(&actions, output, 1)
  posix_spawn_file_actions_adddup2(&actions, error, 2)
  if let socket { posix_spawn_file_actions_adddup2(&actions, socket, 3) }
  // Closing what is not open is no error here.
  for number in (socket == nil ? 3 : 4)..<Int32(512) { posix_spawn_file_actions_addclose(&actions, number) }
  var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
  defer { for argument in arguments { free(argument) } }
  var pid: pid_t = 0
  let code = posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
  guard code == 0 else { throw SystemError("posix_spawn", command[0], ErrorCode(rawValue: code)) }
  return pid
}

/// Waits for a process that ``spawn(_:output:error:socket:)`` started.
func reap(_ pid: pid_t) -> SandboxExit.Status {
  var status: Int32 = 0
  while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
  let signal = status & 0x7F
  return signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(number: signal)
}

/// A worker as an ordinary child process: real pipes, a real socket, no isolation. What is tested here is the conversation.
final class PlainSandbox: Sandbox {
  let connection: FileDescriptor
  let standardOutput: FileDescriptor
  let standardError: FileDescriptor
  let enforcement = Enforcement(
    namespaces: [], landlockABI: 0, landlockFilesystem: 0, landlockNetwork: 0, landlockScoped: 0,
    seccompInstructions: 0, cgroup: nil, deviceGuard: .mounts(why: "there are none"))
  let stagedWrites: StagedWrites? = nil
  let processIdentifier: Int32
  private let state = Lock(State())

  private struct State {
    var status: SandboxExit?
    var waiters: [CheckedContinuation<SandboxExit, Never>] = []
  }

  init(_ command: [String]) throws {
    let (ours, theirs) = try UnixSocket.pair()
    let output = try FileDescriptor.pipe()
    let error = try FileDescriptor.pipe()
    for descriptor in [ours.descriptor, output.reading, error.reading] { try descriptor.setNonblocking() }
    connection = ours.descriptor
    standardOutput = output.reading
    standardError = error.reading

    let pid = try spawn(
      command, output: output.writing.number, error: error.writing.number, socket: theirs.descriptor.number)
    withExtendedLifetime((theirs, output.writing, error.writing)) {}
    processIdentifier = pid
    Thread.detachNewThread { [self] in finish(reap(pid)) }
  }

  private func finish(_ status: SandboxExit.Status) {
    let waiters = state.withLock { state in
      state.status = SandboxExit(status: status)
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: SandboxExit(status: status)) }
  }

  // The process is signalled only while it is not reaped: its pid can't be another's.
  private func signal(_ number: Int32) {
    state.withLock { state in
      if state.status == nil { _ = Foundation.kill(processIdentifier, number) }
    }
  }
  /// It has no cgroup.
  func settleAccount() -> ResourceUsage? { nil }
  /// It has no limits; what it was given is kept.
  func change(to limits: CgroupPlan) async throws(SystemError) {
    let refused = self.limits.withLock { given in
      given.changes.append(limits)
      return given.refuses
    }
    if refused { throw SystemError("write", "memory.max", .accessDenied) }
  }
  func lend(_ descriptors: [FileDescriptor]) {}
  func memoryInUse() async -> UInt64? { limits.withLock(\.memory) }
  struct Limits {
    var changes: [CgroupPlan] = []
    var memory: UInt64?
    var refuses = false
  }
  let limits = Lock(Limits())
  /// Nothing denies it anything.
  func collectDenials() async {}
  func takeDenials() -> DenialRecord { DenialRecord() }
  func terminate() { signal(SIGTERM) }
  func kill() { signal(SIGKILL) }

  func exit() async -> SandboxExit {
    await withCheckedContinuation { continuation in
      let known = state.withLock { state in
        if state.status == nil { state.waiters.append(continuation) }
        return state.status
      }
      if let known { continuation.resume(returning: known) }
    }
  }
}

/// Starts what the plan's command says, and counts.
final class PlainLauncher: SandboxLaunching {
  private let started = Lock<[PlainSandbox]>([])
  /// What the next ones have and refuse from their start on.
  let limits = Lock(PlainSandbox.Limits())
  var launches: Int { started.withLock(\.count) }
  /// Oldest first.
  var sandboxes: [PlainSandbox] { started.withLock { $0 } }

  func launch(_ plan: SandboxPlan) async throws(LaunchError) -> any Sandbox {
    do {
      let sandbox = try PlainSandbox(plan.command)
      let limits = limits.withLock { $0 }
      sandbox.limits.withLock { $0 = limits }
      started.withLock { $0.append(sandbox) }
      return sandbox
    } catch {
      throw LaunchError(
        step: "start the program", cause: error as? SystemError ?? SystemError("launch", nil, .invalid), remedy: nil)
    }
  }

  /// Processes that were started and not yet reaped.
  func living() -> [Int32] {
    started.withLock { sandboxes in
      sandboxes.map(\.processIdentifier).filter { Foundation.kill($0, 0) == 0 }
    }
  }
}
