import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

extension WorkflowSession {
  /// - Parameter option: the workspace that the operator named; nil: one of the run's own.
  func makeDirectory(workspace option: String?) async throws(CommandFailure) -> RunDirectory {
    let state = statePath
    do throws(Diagnostic) {
      return try await bootstrap.files.run { () throws(Diagnostic) in
        try RunDirectory(state: state, workspaceOption: option)
      }
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
  }

  /// The directories of a run that is gone on with.
  func directory(resuming run: String, workspace: AbsolutePath) async throws(CommandFailure) -> RunDirectory {
    let state = statePath
    do throws(Diagnostic) {
      return try await bootstrap.files.run { () throws(Diagnostic) in
        try RunDirectory(resuming: run, state: state, workspace: workspace)
      }
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
  }

  /// Runs a workflow that was checked, to its end.
  /// - Parameter kept: where the run is written down; nil: nowhere.
  /// - Parameter usesCache: results of earlier runs are used.
  /// - Parameter secrets: all that its nodes name.
  /// - Parameter observed: told what each attempt at a node was seen to do, where its worker is observed.
  func execute(
    _ checked: CheckedWorkflow<WorkflowGraph>, in directory: RunDirectory, jobs: Int, timeoutMilliseconds: Int64?,
    observer: any RunObserver, kept: KeptRun? = nil, usesCache: Bool = false,
    secrets: RunSecrets, quota: RunQuota = RunQuota(),
    observed: @escaping @Sendable (NodeName, Observation) -> Void = { _, _ in }
  ) async throws(CommandFailure) -> RunReport {
    let configurations: [NodeName: WorkerConfiguration]
    do throws(PlanRefusal) {
      configurations = try await sandboxes.setup.configurations(
        for: checked.content.nodes, plugins: checked.plugins, decisions: checked.decisions,
        workspace: directory.workspace)
    } catch {
      await bootstrap.files.run { directory.removeIfEmpty() }
      throw checked.file.failure(error)
    }
    let gpus = sandboxes.setup.gpuNodes(
      among: checked.content.nodes, plugins: checked.plugins, decisions: checked.decisions,
      workspace: directory.workspace)
    let explainer: DenialExplainer
    do throws(SystemError) {
      explainer = try DenialExplainer(checked.plugins)
    } catch {
      throw CommandFailure(.sandboxUnavailable, "the program can't go on", why: error.description)
    }
    let clock: any RunClock = bootstrap.standing?.clock ?? MonotonicClock()
    let dispatcher: Dispatcher
    if let standing = bootstrap.standing {
      dispatcher = standing.dispatcher
    } else {
      let holding = gpus.nodes.isEmpty ? nil : try await sandboxes.setup.leasedDevices(with: sandboxes.pool)
      dispatcher = NodePlaces.dispatcher(sandboxes.setup, jobs: jobs, holding: holding, clock: clock)
    }
    let (events, sender) = AsyncStream.makeStream(of: [RunEvent].self)
    let watching = Task {
      for await batch in events { await observer.handle(batch) }
      await observer.finish()
    }
    let places = NodePlaces(
      sandboxes.setup, for: checked.content.nodes, decisions: checked.decisions, of: dispatcher, quota: quota)
    let execution = RunExecution(
      executor: WorkerNodeExecutor(
        pool: sandboxes.pool, configurations: configurations, gpus: gpus,
        limits: sandboxes.setup.limits(of: checked.content.nodes, decisions: checked.decisions),
        explainer: explainer, secrets: secrets, observed: observed),
      clock: clock,
      keeping: kept?.keeping(usesCache ? await identities(checked, configurations) : nil, clock: clock),
      thread: sandboxes.loop, observe: { sender.yield($0) })
    let notes = kept.map { kept in
      let notes = WaitingNotes(
        places: places.dispatcher, run: directory.identifier,
        directory: kept.store.directory(of: kept.identifier), files: bootstrap.files, clock: clock)
      return Task { await notes.write() }
    }
    let open = await bootstrap.files.run { ProcessEnvironment.openFileCount }
    let report = await execution.run(
      checked.content, identifier: directory.identifier, places: places.dispatcher, request: places.request,
      durations: await kept?.durations(of: checked.content.name) ?? [:],
      maximumHeldResults: DescriptorBudget.heldResults(
        limit: bootstrap.openFileLimit, open: open, jobs: jobs,
        relays: configurations.values.contains { $0.plan.relay != nil }) / (bootstrap.standing?.mostRuns ?? 1),
      mostMemory: sandboxes.setup.mostMemory, timeoutMilliseconds: timeoutMilliseconds,
      restored: await kept?.restored(checked.content) ?? [:])
    // Before the leases end with this run: idle workers still have the devices.
    if bootstrap.standing == nil { await places.dispatcher.letGoOfDevices() }
    sender.finish()
    notes?.cancel()
    await notes?.value
    await watching.value
    return report
  }
}

extension WorkflowSession {
  /// Of the nodes whose results depend on nothing but what is known of them: those whose sandboxes show them neither files of others
  /// nor the network nor other programs.
  private func identities(
    _ checked: CheckedWorkflow<WorkflowGraph>, _ configurations: [NodeName: WorkerConfiguration]
  ) async -> [NodeName: CacheIdentity] {
    let environment = await bootstrap.files.run { [setup = sandboxes.setup] in
      EnvironmentFingerprint(setup.interpreter, sdk: setup.installation.sdk).digest
    }
    var identities: [NodeName: CacheIdentity] = [:]
    identities.reserveCapacity(checked.content.nodes.count)
    for node in checked.content.nodes where node.isReusable {
      guard let configuration = configurations[node.name],
        let permissions = checked.decisions[node.type.plugin]?.effective,
        permissions.allSatisfy(\.leavesResultsReusable)
      else { continue }
      let demand = GPUDemand(node.resources)
      let gpu = demand.flatMap { sandboxes.setup.gpus?.identity(for: $0) }
      // Nobody knows on what its results depend.
      guard demand == nil || gpu != nil else { continue }
      identities[node.name] = CacheIdentity(
        plugin: configuration.digest, type: node.type, environment: environment,
        permissions: permissions.map(\.description).sorted(),
        configuration: sandboxes.setup.configurations.kept(of: node.type.plugin),
        resources: [
          "cpu": .double(configuration.availableCPU), "memory_mb": .integer(Int64(configuration.availableMemoryMB)),
          "gpus": .integer(Int64(configuration.plan.devices.count)),
        ], gpu: gpu, profile: sandboxes.setup.profiles[node.type.plugin].name, packages: configuration.packages)
    }
    return identities
  }
}

extension Permission {
  /// It shows a worker nothing that a result could depend on.
  fileprivate var leavesResultsReusable: Bool {
    switch name {
    case .gpuAccess, .memoryUnlimited: true
    case .filesystemRead, .filesystemWrite, .networkHTTP, .networkSocket, .systemExec: false
    }
  }
}

/// Real time.
struct MonotonicClock: RunClock {
  private let clock = ContinuousClock()
  private let origin = ContinuousClock.now
  func now() -> Int64 { (clock.now - origin).wholeMilliseconds }
  func sleep(milliseconds: Int64) async throws { try await clock.sleep(for: .milliseconds(milliseconds)) }
}
