import PluginModel

/// Where a run's time comes from. Milliseconds, from any origin, never going back.
package protocol RunClock: Sendable {
  func now() -> Int64
  func sleep(milliseconds: Int64) async throws
}

/// Performs what ``RunMachine`` decides, one child task a node. Makes no choices.
package struct RunExecution: Sendable {
  private let executor: any NodeExecutor
  private let clock: any RunClock
  private let keeping: RunKeeping?
  private let observe: @Sendable (RunEvent) -> Void

  /// - Parameters:
  ///   - keeping: where the run is written down; nil: nowhere.
  ///   - observe: called from many tasks, in the order in which things happen to each node; must not block.
  package init(
    executor: any NodeExecutor, clock: any RunClock, keeping: RunKeeping? = nil,
    observe: @escaping @Sendable (RunEvent) -> Void
  ) {
    self.executor = executor
    self.clock = clock
    self.keeping = keeping
    self.observe = observe
  }

  /// Runs `graph` to its end. Cancelling the calling task cancels the run; either way this returns only when every node
  /// has ended, nothing of any is left, and all that happened is written down.
  /// - Parameters:
  ///   - maximumHeldResults: how many shared values may wait for their readers at one time.
  ///   - mostMemory: bytes that one node can have; nil: unknown.
  ///   - timeoutMilliseconds: for the whole run; nil: none.
  ///   - restored: what of a run that goes on need not be done again.
  package func run(
    _ graph: WorkflowGraph, identifier: String, maximumParallel: Int, maximumHeldResults: Int = .max,
    mostMemory: UInt64? = nil, timeoutMilliseconds: Int64?, restored: [Int: RunMachine.Restored] = [:]
  ) async -> RunReport {
    let (events, sender) = AsyncStream<RunSignal>.makeStream()
    let machine = RunMachine(
      graph: graph, run: identifier, maximumParallel: maximumParallel, maximumHeldResults: maximumHeldResults,
      mostMemory: mostMemory, reusable: keeping?.cache?.reusable(in: graph) ?? [], restored: restored)
    let pump = JournalPump(keeping?.journal, observe: observe) { _ in
      sender.yield(.event(.cancelRequested(.state)))
    }
    // In tasks of their own, which are never cancelled: a cancelled one could not wait for the nodes to end.
    let writer = Task { await pump.run() }
    let driver = Task {
      var driver = RunDriver(
        machine: machine, executor: executor, clock: clock, keeping: keeping, pump: pump, sender: sender,
        began: clock.now(), restored: restored)
      return await driver.drive(events, timeoutMilliseconds: timeoutMilliseconds)
    }
    return await withTaskCancellationHandler {
      var report = await driver.value
      pump.close()
      await writer.value
      report.stateFailure = await pump.failure
      return report
    } onCancel: {
      sender.yield(.event(.cancelRequested(.user)))
    }
  }
}
