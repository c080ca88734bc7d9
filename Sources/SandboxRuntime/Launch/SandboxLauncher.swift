import CLinux
import LinuxSystem
import PluginModel
import SandboxPlanning
import Synchronization

/// Starts sandboxes: carries out plans, step by step, and undoes in reverse what a failed launch has made.
///
/// A launch is one job on one thread of ours, from its first effect to the worker's execve: nothing blocks a cooperative
/// thread, and no launch pays for more than one hand-over. Sandboxes end when their thread does, so they keep it alive.
package final class SandboxLauncher: SandboxLaunching {
  /// How many launches may be under way at once. The kernel makes network namespaces one after the other anyway.
  private static let width = 4

  private let context: LaunchContext
  private let spawners: [Spawner]
  private let next = Atomic<Int>(0)

  /// - Parameters:
  ///   - initProgram: the `sandbox-init` executable of this build.
  ///   - loop: where the ends of sandboxes are waited for; it must outlive them all.
  ///   - resolver: for the names that workers with a network permission connect to.
  ///   - staging: a directory of the supervisor's own for the writes of workers; nil: no plan may stage any.
  package init(
    initProgram: AbsolutePath, cgroups: CgroupManager, loop: EventLoop, staging: AbsolutePath? = nil,
    kernel: any SandboxKernel = LinuxKernel(), resolver: any HostResolver = SystemResolver()
  ) throws(SystemError) {
    let isRoot = effectiveUserIdentifier() == 0
    var area: StagingArea?
    if let staging { area = try StagingArea(root: staging, isRoot: isRoot, kernel: kernel) }
    context = LaunchContext(
      kernel: kernel,
      program: try kernel.openPath(initProgram.text),
      cgroups: cgroups,
      cleaner: try DedicatedThread(name: "sandbox-clean"),
      accountant: try DedicatedThread(name: "sandbox-count"),
      loop: loop,
      ownerMaps: OwnerMaps(),
      networks: NetworkReserve(kernel),
      staging: area,
      isRoot: isRoot, resolver: resolver,
      relayBudget: RelayBudget(openFileLimit: ProcessEnvironment.raiseOpenFileLimit()))
    var spawners: [Spawner] = []
    for number in 0..<Self.width {
      spawners.append(
        Spawner(thread: try DedicatedThread(name: "sandbox-spawn-\(number)"), stack: try SpawnStack()))
    }
    self.spawners = spawners
  }

  package func launch(_ plan: SandboxPlan) async throws(LaunchError) -> any Sandbox {
    let context = self.context
    let spawner = spawners[next.add(1, ordering: .relaxed).oldValue % spawners.count]
    let started = try await spawner.thread.run { () throws(LaunchError) in
      try StartedLaunch.start(plan, context, spawner.stack)
    } afterwards: {
      context.networks.refill()
    }
    return LaunchedSandbox(started, plan, context, spawner.thread)
  }
}

/// A thread that launches, with the stack that its children run on until they execute a program.
private struct Spawner: Sendable {
  var thread: DedicatedThread
  var stack: SpawnStack
}

/// What the launches of one supervisor share.
struct LaunchContext: Sendable {
  var kernel: any SandboxKernel
  /// `sandbox-init`, opened once: what runs as pid 1 can't be exchanged while the supervisor lives.
  var program: FileDescriptor
  var cgroups: CgroupManager
  var cleaner: DedicatedThread
  /// Reads what workers have used, and watches it where the kernel has no limit.
  var accountant: DedicatedThread
  var loop: EventLoop
  var ownerMaps: OwnerMaps
  var networks: NetworkReserve
  var staging: StagingArea?
  var isRoot: Bool
  var resolver: any HostResolver
  var relayBudget: RelayBudget

  /// Ends all of a sandbox. Either is enough: pid 1 takes its whole namespace with it. A cgroup that can't be written any
  /// more is gone.
  func kill(_ process: SpawnedProcess, _ cgroup: Cgroup?) {
    do throws(SystemError) {
      if let cgroup { try cgroups.kill(cgroup) }
    } catch {}
    do throws(SystemError) { try kernel.kill(process) } catch {}
  }
}

/// A launch whose worker runs its own program.
struct StartedLaunch: Sendable {
  /// How long the way from clone3(2) to the worker's execve may take before the launch is given up.
  private static let startTimeout: UInt32 = 30_000

  var process: SpawnedProcess
  var control: FileDescriptor
  var connection: FileDescriptor
  var output: FileDescriptor
  var error: FileDescriptor
  var cgroup: Cgroup?
  var stagedWrites: StagedWrites?
  var relay: EgressRelay?
  var openNetwork: NetworkProgram?
  /// Where pid 1 records what the worker does; nil: it doesn't.
  var observations: FileDescriptor?
  /// What was enforced, as pid 1 reports it.
  var report: sandbox_report

  /// All steps. On the spawner's thread only.
  static func start(
    _ plan: SandboxPlan, _ context: LaunchContext, _ stack: SpawnStack
  ) throws(LaunchError) -> StartedLaunch {
    let kernel = context.kernel
    var transaction = LaunchTransaction()
    func closing(_ pair: DescriptorPair) -> @Sendable () throws(SystemError) -> Void {
      {
        pair.ours.close()
        pair.theirs.close()
      }
    }

    var stagedWrites: StagedWrites?
    if let bind = plan.stagedWorkspace, let area = context.staging {
      stagedWrites = try area.make(for: bind, plan.identity, &transaction)
    }
    let trees = try PreparedTrees.make(plan, context, stack, &transaction)
    let flat = try transaction.perform(.encodePlan) { () throws(SystemError) in
      do throws(FlatPlan.Refusal) {
        // setgroups(2) must be forbidden before an unprivileged process may map its group: user_namespaces(7).
        return try FlatPlan(
          plan, clearsGroups: context.isRoot, preparedTrees: trees.indices,
          staging: stagedWrites?.path)
      } catch {
        throw SystemError("encode", "\(error)", .invalidArgument)
      }
    }
    let memory = try transaction.perform(.sealPlan) { () throws(SystemError) in
      try kernel.makeSealedMemory(name: "sandbox-plan", flat.bytes)
    } undo: { memory in
      { memory.close() }
    }
    let observations =
      try plan.seccomp.watch.isEmpty
      ? nil
      : transaction.perform(.sealPlan) { () throws(SystemError) in
        try kernel.makeObservations()
      } undo: { memory in
        { memory.close() }
      }
    let control = try transaction.perform(.openControl, kernel.makeMessagePair, undo: closing)
    let connection = try transaction.perform(.openConnection, kernel.makeStreamPair, undo: closing)
    let output = try transaction.perform(.openOutput, kernel.makeOutputPipe, undo: closing)
    let error = try transaction.perform(.openError, kernel.makeOutputPipe, undo: closing)
    let cgroup = try context.cgroups.makeLeaf(plan, &transaction)

    let network = try context.networks.take(for: plan, &transaction)
    let cloned = plan.namespaces.filter { $0 != .network || network == nil }
    let request = SpawnRequest(
      namespaces: cloned.reduce(0) { $0 | $1.cloneFlag }, cgroup: cgroup?.directory, network: network,
      program: context.program,
      descriptors: [output.theirs, error.theirs, connection.theirs, control.theirs, memory] + trees.descriptors
        + [observations].compactMap(\.self),
      configuresNetwork: plan.configuresNetwork)
    let process = try transaction.perform(.spawn) { () throws(SystemError) in
      try kernel.spawn(request, on: stack)
    } undo: { process in
      { () throws(SystemError) in
        defer { process.descriptor.close() }
        try kernel.kill(process)
        try kernel.awaitEnd(process)
      }
    }
    let first = FirstProcess(process: process, control: control.ours)
    try mapIdentity(plan, first, context, &transaction)
    try transaction.perform(.release, with: first, plan, kernel) { () throws(SystemError) in
      try kernel.send(.go, on: control.ours)
    }
    for descriptor in request.descriptors where descriptor.number != observations?.number { descriptor.close() }
    network?.new.close()
    let relay = try startRelay(plan, control.ours, context, &transaction)
    let openNetwork = try NetworkProgram.connect(plan, process, control.ours, context, stack, &transaction)
    let report = try awaitReady(plan, control.ours, kernel, &transaction)
    // The next launch uses the same stack.
    stack.awaitVacancy()
    return StartedLaunch(
      process: process, control: control.ours, connection: connection.ours, output: output.ours,
      error: error.ours,
      cgroup: cgroup, stagedWrites: stagedWrites, relay: relay, openNetwork: openNetwork, observations: observations,
      report: report)
  }

  /// For the listeners that pid 1 hands over, where the plan has egress. Nothing of the plugin runs yet.
  private static func startRelay(
    _ plan: SandboxPlan, _ control: FileDescriptor, _ context: LaunchContext, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> EgressRelay? {
    guard let relay = plan.relay else { return nil }
    let listeners = try awaitListeners(relay, plan, control, context.kernel, &transaction)
    return try transaction.perform(.startRelay) { () throws(SystemError) in
      try EgressRelay(relay, listeners: listeners, resolver: context.resolver, budget: context.relayBudget)
    } undo: { relay in
      { relay.stop() }
    }
  }

  /// What pid 1 says before it is ready.
  private static func awaitListeners(
    _ relay: EgressPlan, _ plan: SandboxPlan, _ control: FileDescriptor, _ kernel: any SandboxKernel,
    _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> [FileDescriptor] {
    let answer = try Self.answer(to: .awaitListeners, control, kernel, &transaction)
    switch answer {
    case .listening(let descriptors):
      return try transaction.perform(.awaitListeners) { () throws(SystemError) in
        guard descriptors.count == relay.listeners.count else {
          for descriptor in descriptors { descriptor.close() }
          throw SystemError("recv", "\(descriptors.count) listeners of \(relay.listeners.count)", .badMessage)
        }
        return descriptors
      } undo: { descriptors in
        { for descriptor in descriptors { descriptor.close() } }
      }
    case .failed(let failure): throw transaction.failure(failure, plan)
    case .network, .ready, .ended:
      throw transaction.failure(.awaitListeners, SystemError("recv", "it has no listeners", .badMessage))
    }
  }

  private static func awaitReady(
    _ plan: SandboxPlan, _ control: FileDescriptor, _ kernel: any SandboxKernel,
    _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> sandbox_report {
    switch try answer(to: .awaitReady, control, kernel, &transaction) {
    case .ready(let report): return report
    case .failed(let failure): throw transaction.failure(failure, plan)
    case .ended, .listening, .network:
      throw transaction.failure(.awaitReady, SystemError("recv", "the worker ended before it ran", .badMessage))
    }
  }

  static func answer(
    to step: LaunchStep, _ control: FileDescriptor, _ kernel: any SandboxKernel, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> SandboxReport {
    try transaction.perform(step) { () throws(SystemError) -> SandboxReport in
      guard try kernel.awaitReadable(control, milliseconds: startTimeout) else {
        throw SystemError("poll", "the control socket", .timedOut)
      }
      guard case .report(let report, let descriptors) = try kernel.receive(on: control),
        let answer = SandboxReport(report, descriptors)
      else { throw SystemError("recv", "the first process ended without a report", .badMessage) }
      return answer
    }
  }

  /// One id each: user_namespaces(7). The child waits for them before it executes anything.
  private static func mapIdentity(
    _ plan: SandboxPlan, _ first: FirstProcess, _ context: LaunchContext, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) {
    let kernel = context.kernel
    let identity = plan.identity
    let directory = "/proc/\(first.process.identifier)"
    if !context.isRoot {
      try transaction.perform(.denyGroups, with: first, plan, kernel) { () throws(SystemError) in
        try kernel.write("deny", to: "\(directory)/setgroups")
      }
    }
    try transaction.perform(.mapGroup, with: first, plan, kernel) { () throws(SystemError) in
      try kernel.write("\(identity.groupInside) \(identity.groupOnHost) 1\n", to: "\(directory)/gid_map")
    }
    try transaction.perform(.mapUser, with: first, plan, kernel) { () throws(SystemError) in
      try kernel.write("\(identity.userInside) \(identity.userOnHost) 1\n", to: "\(directory)/uid_map")
    }
  }
}

/// What has been cloned and has executed nothing yet.
private struct FirstProcess {
  var process: SpawnedProcess
  var control: FileDescriptor
}

extension LaunchTransaction {
  /// A step that takes the first process alive. When it fails because that one has ended, what it said before it did is
  /// the reason: the step would only tell that the files of a dead process belong to root.
  fileprivate mutating func perform(
    _ step: LaunchStep, with first: FirstProcess, _ plan: SandboxPlan, _ kernel: any SandboxKernel,
    _ body: () throws(SystemError) -> Void
  ) throws(LaunchError) {
    do throws(SystemError) { try body() } catch {
      if case .report(let message, _)? = try? kernel.receive(on: first.control),
        case .failed(let reason)? = SandboxReport(message)
      {
        throw failure(reason, plan)
      }
      throw failure(step, error)
    }
  }
}
