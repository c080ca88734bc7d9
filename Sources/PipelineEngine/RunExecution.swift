import PluginModel
import Scheduling

/// Where a run's time comes from. Milliseconds, from any origin, never going back.
package protocol RunClock: Sendable {
  func now() -> Int64
  func sleep(milliseconds: Int64) async throws
}

/// Performs what ``RunMachine`` decides, one task a node. Makes no choices.
package struct RunExecution: Sendable {
  private let executor: any NodeExecutor
  private let clock: any RunClock
  private let keeping: RunKeeping?
  private let thread: (any TaskExecutor)?
  private let observe: @Sendable ([RunEvent]) -> Void

  /// - Parameters:
  ///   - keeping: where the run is written down; nil: nowhere.
  ///   - thread: where all of it runs, and its nodes' tasks, which wake each other for less there; nil: on Swift's own threads.
  ///   - observe: told what happened, in the order in which it happened to each node; must not block.
  package init(
    executor: any NodeExecutor, clock: any RunClock, keeping: RunKeeping? = nil, thread: (any TaskExecutor)? = nil,
    observe: @escaping @Sendable ([RunEvent]) -> Void
  ) {
    self.thread = thread
    self.executor = executor
    self.clock = clock
    self.keeping = keeping
    self.observe = observe
  }

  /// Runs `graph` to its end. Cancelling the calling task cancels the run; either way this returns only when every node
  /// has ended, nothing of any is left, and all that happened is written down.
  /// - Parameters:
  ///   - places: what the nodes get what they need from.
  ///   - request: what a node needs, with so many bytes of memory instead of its own where an attempt ran out of less.
  ///   - durations: milliseconds that nodes took before, as the workflow has them: of several that could run, that goes first after
  ///     which most is left to do.
  ///   - maximumHeldResults: how many shared values may wait for their readers at one time.
  ///   - mostMemory: bytes that one node can have; nil: unknown.
  ///   - timeoutMilliseconds: for the whole run; nil: none.
  ///   - restored: what of a run that goes on need not be done again.
  package func run(
    _ graph: WorkflowGraph, identifier: String, places: Dispatcher,
    request: @escaping @Sendable (WorkflowGraph.Node, _ raisedMemory: UInt64?) -> ResourceRequest,
    durations: [NodeName: Int64] = [:], maximumHeldResults: Int = .max, mostMemory: UInt64? = nil,
    timeoutMilliseconds: Int64?,
    restored: RestoredRun = [:]
  ) async -> RunReport {
    let (events, sender) = AsyncStream<RunSignal>.makeStream()
    let machine = RunMachine(
      graph: graph, run: identifier, maximumHeldResults: maximumHeldResults, mostMemory: mostMemory,
      reusable: keeping?.cache?.reusable(in: graph) ?? [], restored: restored)
    let pump = JournalPump(keeping?.journal, clock: clock, observe: observe) { _ in
      sender.yield(.event(.cancelRequested(.state)))
    }
    let places = RunPlaces(
      dispatcher: places, run: RunIdentifier(identifier), graph: graph, durations: durations, request: request)
    // In tasks of their own, which are never cancelled: a cancelled one could not wait for the nodes to end.
    let writer = Task(executorPreference: thread) { await pump.run() }
    let driver = Task(executorPreference: thread) {
      await places.open { sender.yield(.answer($0)) }
      var driver = RunDriver(
        machine: machine, executor: executor, clock: clock, keeping: keeping, thread: thread, pump: pump,
        places: places, sender: sender, began: clock.now())
      let report = await driver.drive(events, timeoutMilliseconds: timeoutMilliseconds)
      await places.close()
      return report
    }
    return await withTaskCancellationHandler {
      var report = await driver.value
      await pump.close()
      await writer.value
      await keeping?.cache?.settle()
      report.stateFailure = await pump.failure
      // Its very end may be what couldn't be written down.
      if report.stateFailure != nil { report.outcome = .stateLost }
      return report
    } onCancel: {
      sender.yield(.event(.cancelRequested(.user)))
    }
  }
}

/// The places of one run's nodes.
struct RunPlaces: Sendable {
  let dispatcher: Dispatcher
  let run: RunIdentifier
  private let request: @Sendable (WorkflowGraph.Node, UInt64?) -> ResourceRequest
  /// Milliseconds, by node as the workflow has it.
  private let ranks: [Int64]

  /// Of a node that never ran before.
  private static let duration: Int64 = 1000

  init(
    dispatcher: Dispatcher, run: RunIdentifier, graph: WorkflowGraph, durations: [NodeName: Int64],
    request: @escaping @Sendable (WorkflowGraph.Node, UInt64?) -> ResourceRequest
  ) {
    self.dispatcher = dispatcher
    self.run = run
    self.request = request
    ranks = UpwardRank.ranks(
      durations: graph.nodes.map { durations.entry(of: $0.name) ?? Self.duration },
      dependents: graph.nodes.map(\.dependents))
  }

  func open(_ sink: @escaping @Sendable (Dispatcher.NodeAnswer) -> Void) async {
    await dispatcher.open(run, weight: 1, sink: sink)
  }

  func close() async { await dispatcher.close(run) }

  func request(_ index: Int, _ node: WorkflowGraph.Node, raisedMemory: UInt64?) -> Dispatcher.Change {
    .request(index, request(node, raisedMemory), name: node.name, rank: ranks[node.item?.node ?? index])
  }

  /// - Returns: what is answered at once.
  func apply(_ changes: [Dispatcher.Change]) async -> [Dispatcher.NodeAnswer] {
    changes.isEmpty ? [] : await dispatcher.apply(changes, of: run)
  }
}
