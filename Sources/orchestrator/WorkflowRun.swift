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

  /// Runs a workflow that was checked, to its end.
  /// - Parameter observed: told what each attempt at a node was seen to do, where its worker is observed.
  func execute(
    _ checked: CheckedWorkflow<WorkflowGraph>, in directory: RunDirectory, jobs: Int, timeoutMilliseconds: Int64?,
    observer: any RunObserver, observed: @escaping @Sendable (NodeName, Observation) -> Void = { _, _ in }
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
    let gpus = try await sandboxes.setup.gpuNodes(
      among: checked.content.nodes, plugins: checked.plugins, decisions: checked.decisions,
      workspace: directory.workspace, pool: sandboxes.pool)
    let explainer: DenialExplainer
    do throws(SystemError) {
      explainer = try DenialExplainer(checked.plugins)
    } catch {
      throw CommandFailure(.sandboxUnavailable, "the program can't go on", why: error.description)
    }
    let (events, sender) = AsyncStream.makeStream(of: RunEvent.self)
    let watching = Task {
      for await event in events { await observer.handle(event) }
      await observer.finish()
    }
    let execution = RunExecution(
      executor: WorkerNodeExecutor(
        pool: sandboxes.pool, configurations: configurations, gpus: gpus,
        limits: sandboxes.setup.limits(of: checked.content.nodes, decisions: checked.decisions),
        explainer: explainer, observed: observed),
      clock: MonotonicClock(),
      observe: { sender.yield($0) })
    let open = await bootstrap.files.run { ProcessEnvironment.openFileCount }
    let report = await execution.run(
      checked.content, identifier: directory.identifier, maximumParallel: jobs,
      maximumHeldResults: DescriptorBudget.heldResults(
        limit: bootstrap.openFileLimit, open: open, jobs: jobs,
        relays: configurations.values.contains { $0.plan.relay != nil }),
      mostMemory: sandboxes.setup.mostMemory, timeoutMilliseconds: timeoutMilliseconds)
    sender.finish()
    await watching.value
    return report
  }
}

/// Real time.
struct MonotonicClock: RunClock {
  private let clock = ContinuousClock()
  private let origin = ContinuousClock.now
  func now() -> Int64 { (clock.now - origin).wholeMilliseconds }
  func sleep(milliseconds: Int64) async throws { try await clock.sleep(for: .milliseconds(milliseconds)) }
}
