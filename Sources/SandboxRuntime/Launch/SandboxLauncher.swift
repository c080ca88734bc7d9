import CLinux
import LinuxSystem
import PluginModel
import SandboxPlanning

/// Starts sandboxes: carries out plans, step by step, and undoes in reverse what a failed launch has made.
///
/// All that may block, and everything that the kernel ties to the calling thread, happens on one thread of its own; a
/// task that launches or waits blocks nothing. Sandboxes end when that thread does, so they keep it alive.
package final class SandboxLauncher: SandboxLaunching {
  /// How long the way from clone3(2) to the worker's execve may take before the launch is given up.
  private static let startTimeout = Duration.seconds(30)

  private let context: LaunchContext

  /// - Parameter initProgram: the `sandbox-init` executable of this build.
  package init(
    initProgram: AbsolutePath, cgroups: CgroupManager, kernel: any SandboxKernel = LinuxKernel()
  ) throws(SystemError) {
    context = LaunchContext(
      kernel: kernel,
      program: try kernel.openPath(initProgram.text),
      stack: try SpawnStack(),
      cgroups: cgroups,
      spawner: try DedicatedThread(name: "sandbox-spawn"),
      cleaner: try DedicatedThread(name: "sandbox-clean"),
      monitor: try ReadinessMonitor(name: "sandbox-watch"),
      ownerMaps: OwnerMaps(),
      isRoot: effectiveUserIdentifier() == 0)
  }

  package func launch(_ plan: SandboxPlan) async throws(LaunchError) -> any Sandbox {
    let context = self.context
    let started = await context.spawner.run {
      Result { () throws(LaunchError) in try StartedLaunch.start(plan, context) }
    }
    return try await finish(try started.get(), plan)
  }

  /// Waits for the worker's program to run.
  private func finish(_ launch: StartedLaunch, _ plan: SandboxPlan) async throws(LaunchError) -> any Sandbox {
    let answer: Result<SandboxReport?, SystemError> = await firstReport(launch)
    switch answer {
    case .success(.ready(let report)):
      return LaunchedSandbox(launch, report, plan, context)
    case .success(.failed(let report)):
      throw await unwound(launch) { transaction in transaction.failure(report, plan) }
    case .success(.ended), .success(nil):
      let cause = SystemError("recv", "the first process ended without a report", .badMessage)
      throw await unwound(launch) { transaction in transaction.failure(.awaitReady, cause) }
    case .failure(let error):
      throw await unwound(launch) { transaction in transaction.failure(.awaitReady, error) }
    }
  }

  private func firstReport(_ launch: StartedLaunch) async -> Result<SandboxReport?, SystemError> {
    do throws(SystemError) {
      guard try await context.monitor.readable(launch.control, timeout: Self.startTimeout) else {
        return .failure(SystemError("poll", "the control socket", .timedOut))
      }
      switch try context.kernel.receive(on: launch.control) {
      case .report(let report): return .success(SandboxReport(report))
      case .end, nil: return .success(nil)
      }
    } catch {
      return .failure(error)
    }
  }

  /// Undoing reaps and removes, which may block: on the cleaner's thread.
  private func unwound(
    _ launch: StartedLaunch, _ failure: @escaping @Sendable (inout LaunchTransaction) -> LaunchError
  ) async -> LaunchError {
    await context.cleaner.run {
      var transaction = launch.transaction
      return failure(&transaction)
    }
  }
}

/// What the launches of one supervisor share.
struct LaunchContext: Sendable {
  var kernel: any SandboxKernel
  /// `sandbox-init`, opened once: what runs as pid 1 can't be exchanged while the supervisor lives.
  var program: FileDescriptor
  var stack: SpawnStack
  var cgroups: CgroupManager
  var spawner: DedicatedThread
  var cleaner: DedicatedThread
  var monitor: ReadinessMonitor
  var ownerMaps: OwnerMaps
  var isRoot: Bool
}

/// A launch whose first process runs and was released.
struct StartedLaunch: Sendable {
  var process: SpawnedProcess
  var control: FileDescriptor
  var connection: FileDescriptor
  var output: FileDescriptor
  var error: FileDescriptor
  var cgroup: Cgroup?
  var transaction: LaunchTransaction

  /// The steps up to the release of the first process. On the spawner's thread only.
  static func start(_ plan: SandboxPlan, _ context: LaunchContext) throws(LaunchError) -> StartedLaunch {
    let kernel = context.kernel
    var transaction = LaunchTransaction()
    func closing(_ pair: DescriptorPair) -> @Sendable () throws(SystemError) -> Void {
      {
        pair.ours.close()
        pair.theirs.close()
      }
    }

    let trees = try PreparedTrees.make(plan, context, &transaction)
    let flat = try transaction.perform(.encodePlan) { () throws(SystemError) in
      do throws(FlatPlan.Refusal) {
        // setgroups(2) must be forbidden before an unprivileged process may map its group: user_namespaces(7).
        return try FlatPlan(plan, clearsGroups: context.isRoot, preparedTrees: trees.indices)
      } catch {
        throw SystemError("encode", "\(error)", .invalidArgument)
      }
    }
    let memory = try transaction.perform(.sealPlan) { () throws(SystemError) in
      try kernel.makeSealedMemory(name: "sandbox-plan", flat.bytes)
    } undo: { memory in { memory.close() } }
    let control = try transaction.perform(.openControl, kernel.makeMessagePair, undo: closing)
    let connection = try transaction.perform(.openConnection, kernel.makeStreamPair, undo: closing)
    let output = try transaction.perform(.openOutput, kernel.makeOutputPipe, undo: closing)
    let error = try transaction.perform(.openError, kernel.makeOutputPipe, undo: closing)
    let cgroup = try context.cgroups.makeLeaf(&transaction)

    let request = SpawnRequest(
      namespaces: plan.namespaces.reduce(0) { $0 | $1.cloneFlag }, cgroup: cgroup?.directory,
      program: context.program,
      descriptors: [output.theirs, error.theirs, connection.theirs, control.theirs, memory] + trees.descriptors)
    let process = try transaction.perform(.spawn) { () throws(SystemError) in
      try kernel.spawn(request, on: context.stack)
    } undo: { process in
      { () throws(SystemError) in
        defer { process.descriptor.close() }
        try kernel.kill(process)
        try kernel.awaitEnd(process)
      }
    }
    try mapIdentity(plan.identity, process, context, &transaction)
    try transaction.perform(.release) { () throws(SystemError) in try kernel.send(.go, on: control.ours) }
    // The next launch uses the same stack.
    context.stack.awaitVacancy()

    for descriptor in request.descriptors { descriptor.close() }
    return StartedLaunch(
      process: process, control: control.ours, connection: connection.ours, output: output.ours, error: error.ours,
      cgroup: cgroup, transaction: transaction)
  }

  /// One id each: user_namespaces(7). The child waits for them before it executes anything.
  private static func mapIdentity(
    _ identity: Identity, _ process: SpawnedProcess, _ context: LaunchContext,
    _ transaction: inout LaunchTransaction
  ) throws(LaunchError) {
    let kernel = context.kernel
    let directory = "/proc/\(process.identifier)"
    if !context.isRoot {
      try transaction.perform(.denyGroups) { () throws(SystemError) in
        try kernel.write("deny", to: "\(directory)/setgroups")
      }
    }
    try transaction.perform(.mapGroup) { () throws(SystemError) in
      try kernel.write("\(identity.groupInside) \(identity.groupOnHost) 1\n", to: "\(directory)/gid_map")
    }
    try transaction.perform(.mapUser) { () throws(SystemError) in
      try kernel.write("\(identity.userInside) \(identity.userOnHost) 1\n", to: "\(directory)/uid_map")
    }
  }
}
