import LinuxSystem
import PluginModel
import SandboxPlanning

/// Starts sandboxes. The one implementation that matters is ``SandboxLauncher``.
package protocol SandboxLaunching: Sendable {
  /// Carries out `plan` whole, or throws and leaves nothing behind.
  func launch(_ plan: SandboxPlan) async throws(LaunchError) -> any Sandbox
}

/// A running worker in its sandbox. All of it is gone after ``kill()`` and ``exit()``: processes, mounts, cgroup.
package protocol Sandbox: AnyObject, Sendable {
  /// The supervisor's end of the worker protocol's socket. Non-blocking.
  var connection: FileDescriptor { get }
  /// What the worker writes to 1 and 2. Non-blocking.
  var standardOutput: FileDescriptor { get }
  var standardError: FileDescriptor { get }
  /// What the kernel was found to enforce.
  var enforcement: Enforcement { get }
  /// What it writes over the workspace, where the plan keeps that apart. To be discarded once the sandbox is gone.
  var stagedWrites: StagedWrites? { get }
  /// The worker's pid on the host, for people; never used to signal.
  var processIdentifier: Int32 { get }
  /// SIGTERM to the worker. Does nothing when it is gone.
  func terminate()
  /// Ends every process of the sandbox, by `cgroup.kill` where there is a cgroup and through its pid 1 otherwise.
  func kill()
  /// What it has used since this was asked last, or since its start; it may be gone by now. Nil where nobody counts.
  func settleAccount() -> ResourceUsage?
  /// What its relay has counted since this was asked last, or since its start; it may be gone by now. Nil where it has no network.
  func settleEgress() async -> EgressUse?
  /// Gives it other limits while it lives, the kernel's and those that the supervisor watches. One that has more memory than it may
  /// have from now on is ended. Does nothing when it is gone.
  /// - Throws: when a limit can't be had; some may have changed. It must not be used any more then.
  func change(to limits: CgroupPlan) async throws(SystemError)
  /// Memory in these that it will have open isn't its own.
  func lend(_ descriptors: [FileDescriptor])
  /// Bytes of memory that it has now, or had a moment ago; nil where nobody counts.
  func memoryInUse() async -> UInt64?
  /// Asks how often what was denied was tried, so that ``takeDenials()`` knows all of it also if the sandbox is killed next. Returns
  /// soon, whatever the sandbox does; at once where nothing was denied.
  func collectDenials() async
  /// What it was denied since this was asked last, or since its start. All that it tried before it gave its last answer is in it.
  func takeDenials() -> DenialRecord
  /// What it did since this was asked last, or since its start; it may be gone by now. Nil where its plan doesn't observe.
  func takeObservation() async -> Observation?
  /// How the worker ended. Returns when every process is gone and the cgroup is removed; may be called repeatedly.
  func exit() async -> SandboxExit
}

extension Sandbox {
  package func settleEgress() async -> EgressUse? { nil }
  package func takeObservation() async -> Observation? { nil }
}

/// How a worker ended.
package struct SandboxExit: Hashable, Sendable {
  package enum Status: Hashable, Sendable {
    case exited(code: Int32)
    case signalled(number: Int32)
    /// The sandbox was killed from outside before the worker's own end was known.
    case killed
  }
  package var status: Status
  /// Execs that `ExecutionRule.workerOnly` answered with EACCES.
  package var deniedExecutions: UInt32
  /// What the cgroup has used; nil where there was none.
  package var usage: CgroupUsage?
  /// What the supervisor saw itself; nil where the kernel held every limit.
  package var watch: WatchReport?
  /// What could not be cleaned up, for the log; never hides how the worker ended.
  package var cleanupErrors: [SystemError]

  package init(
    status: Status, deniedExecutions: UInt32 = 0, usage: CgroupUsage? = nil, watch: WatchReport? = nil,
    cleanupErrors: [SystemError] = []
  ) {
    self.watch = watch
    self.status = status
    self.deniedExecutions = deniedExecutions
    self.usage = usage
    self.cleanupErrors = cleanupErrors
  }
}

/// What was enforced on a worker, as reported by the calls that enforced it.
package struct Enforcement: Hashable, Sendable {
  package var namespaces: [Namespace]
  package var landlockABI: Int
  package var landlockFilesystem: UInt64
  package var landlockNetwork: UInt64
  package var landlockScoped: UInt64
  package var seccompInstructions: Int
  /// The cgroup of the worker, relative to the cgroup root, or nil where none could be made.
  package var cgroup: String?
  /// What keeps out the devices that it wasn't given.
  package var deviceGuard: DeviceGuard

  package init(
    namespaces: [Namespace], landlockABI: Int, landlockFilesystem: UInt64, landlockNetwork: UInt64,
    landlockScoped: UInt64, seccompInstructions: Int, cgroup: String?, deviceGuard: DeviceGuard
  ) {
    self.deviceGuard = deviceGuard
    self.namespaces = namespaces
    self.landlockABI = landlockABI
    self.landlockFilesystem = landlockFilesystem
    self.landlockNetwork = landlockNetwork
    self.landlockScoped = landlockScoped
    self.seccompInstructions = seccompInstructions
    self.cgroup = cgroup
  }
}

/// A launch that was refused: the step, what it was about, why, and how to mend it.
package struct LaunchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// In words, for example `mount the plugin's files read-only`.
  package var step: String
  package var cause: SystemError
  package var remedy: String?
  /// What could not be undone; never hides `cause`.
  package var cleanupErrors: [SystemError]

  package init(step: String, cause: SystemError, remedy: String?, cleanupErrors: [SystemError] = []) {
    self.step = step
    self.cause = cause
    self.remedy = remedy
    self.cleanupErrors = cleanupErrors
  }

  package var description: String {
    "the sandbox was refused at the step \"\(step)\": \(cause)" + (remedy.map { "\n  hint: \($0)" } ?? "")
  }
}
