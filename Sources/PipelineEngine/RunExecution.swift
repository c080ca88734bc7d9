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
  private let observe: @Sendable (RunEvent) -> Void

  /// - Parameter observe: called from many tasks, in the order in which things happen to each node; must not block.
  package init(executor: any NodeExecutor, clock: any RunClock, observe: @escaping @Sendable (RunEvent) -> Void) {
    self.executor = executor
    self.clock = clock
    self.observe = observe
  }

  /// Runs `graph` to its end. Cancelling the calling task cancels the run; either way this returns only when every node
  /// has ended and nothing of any is left.
  /// - Parameters:
  ///   - maximumHeldResults: how many shared values may wait for their readers at one time.
  ///   - mostMemory: bytes that one node can have; nil: unknown.
  ///   - timeoutMilliseconds: for the whole run; nil: none.
  package func run(
    _ graph: WorkflowGraph, identifier: String, maximumParallel: Int, maximumHeldResults: Int = .max,
    mostMemory: UInt64? = nil, timeoutMilliseconds: Int64?
  ) async -> RunReport {
    let (events, sender) = AsyncStream<RunSignal>.makeStream()
    let machine = RunMachine(
      graph: graph, run: identifier, maximumParallel: maximumParallel, maximumHeldResults: maximumHeldResults,
      mostMemory: mostMemory)
    // In a task of its own, which is never cancelled: a cancelled one could not wait for the nodes to end.
    let driver = Task {
      var driver = RunDriver(
        machine: machine, executor: executor, clock: clock, observe: observe, sender: sender, began: clock.now())
      return await driver.drive(events, timeoutMilliseconds: timeoutMilliseconds)
    }
    return await withTaskCancellationHandler {
      await driver.value
    } onCancel: {
      sender.yield(.event(.cancelRequested(.user)))
    }
  }
}

/// What reaches the loop of a run.
private enum RunSignal: Sendable {
  case event(RunMachine.Event)
  /// A node that has succeeded waits for the answer before that takes effect.
  case offer(node: Int, NodeSuccess, CheckedContinuation<NodeFailure?, Never>)
}

/// The loop of one run: one event at a time, in the order of their coming.
private struct RunDriver {
  var machine: RunMachine
  let executor: any NodeExecutor
  let clock: any RunClock
  let observe: @Sendable (RunEvent) -> Void
  let sender: AsyncStream<RunSignal>.Continuation
  let began: Int64
  var started: [Int: Int64] = [:]
  var ended: [Int: Int64] = [:]
  var fallbacks: Set<Int> = []
  var accounts: [Int: NodeAccount] = [:]

  mutating func drive(_ signals: AsyncStream<RunSignal>, timeoutMilliseconds: Int64?) async -> RunReport {
    let graph = machine.graph
    tell(nil, .runStarted(run: machine.run, workflow: graph.name, nodes: graph.nodes.map(\.name)))
    await withDiscardingTaskGroup { group in
      if let timeoutMilliseconds {
        group.addTask { [clock, sender] in
          guard (try? await clock.sleep(milliseconds: timeoutMilliseconds)) != nil else { return }
          sender.yield(.event(.cancelRequested(.deadline)))
        }
      }
      sender.yield(.event(.begin))
      loop: for await signal in signals {
        switch signal {
        case .offer(let node, let success, let continuation):
          continuation.resume(returning: machine.offer(node, success))
        case .event(let event):
          note(event)
          if perform(machine.handle(event), &group) { break loop }
        }
      }
      group.cancelAll()
    }
    sender.finish()
    let report = report()
    tell(nil, .runFinished(report.outcome))
    return report
  }

  private mutating func note(_ event: RunMachine.Event) {
    switch event {
    case .succeeded(let node, let success):
      ended[node] = clock.now()
      if success.isFallback { fallbacks.insert(node) }
      accounts[node] = account(of: node).followed(by: success.account)
    case .failed(let node, let failure):
      ended[node] = clock.now()
      accounts[node] = account(of: node).followed(by: failure.account)
    case .begin, .retryDelayPassed, .cancelRequested: break
    }
  }

  private func account(of node: Int) -> NodeAccount { accounts[node] ?? NodeAccount() }

  /// - Returns: true when the run has ended.
  private mutating func perform(_ actions: [RunMachine.Action], _ group: inout DiscardingTaskGroup) -> Bool {
    var hasFinished = false
    for action in actions {
      switch action {
      case .start(let node, let call): start(node, call, &group)
      case .scheduleRetry(let node, let delay, let failure, let memory):
        tell(node, .nodeRetry(failure, afterMilliseconds: delay, memory: memory))
        group.addTask { [clock, sender] in
          // Woken early by a cancellation: the machine has ended the node already and ignores the event.
          try? await clock.sleep(milliseconds: delay)
          sender.yield(.event(.retryDelayPassed(node: node)))
        }
      case .cancelRunning: group.cancelAll()
      case .announce(let node, let state):
        if state == .failed, let failure = machine.failures[node] { tell(node, .nodeFailed(failure)) }
        tell(
          node, .nodeState(state, attempt: machine.attempts[node]),
          duration: state.isTerminal ? duration(of: node) : nil, skip: machine.skips[node],
          account: state.isTerminal ? account(of: node) : NodeAccount())
      case .finish: hasFinished = true
      }
    }
    return hasFinished
  }

  private mutating func start(_ node: Int, _ call: NodeCall, _ group: inout DiscardingTaskGroup) {
    if started[node] == nil { started[node] = clock.now() }
    group.addTask { [executor, sender, clock, observe, began] in
      do throws(NodeFailure) {
        let success = try await executor.execute(call) { report in
          observe(RunEvent(milliseconds: clock.now() - began, node: call.node, content: .nodeReport(report)))
        } accept: { success in
          await withCheckedContinuation { sender.yield(.offer(node: node, success, $0)) }
        }
        sender.yield(.event(.succeeded(node: node, success)))
      } catch {
        sender.yield(.event(.failed(node: node, error)))
      }
    }
  }

  private func tell(
    _ node: Int?, _ content: RunEvent.Content, duration: Int64? = nil, skip: SkipReason? = nil,
    account: NodeAccount = NodeAccount()
  ) {
    observe(
      RunEvent(
        milliseconds: clock.now() - began, node: node.map { machine.graph.nodes[$0].name }, content: content,
        duration: duration, skip: skip, account: account))
  }

  private func duration(of node: Int) -> Int64? {
    started[node].flatMap { start in ended[node].map { $0 - start } }
  }

  private func report() -> RunReport {
    let nodes = machine.graph.nodes.enumerated().map { index, node in
      RunReport.Node(
        name: node.name, type: node.type, state: machine.states[index], attempts: machine.attempts[index],
        milliseconds: duration(of: index),
        isFallback: fallbacks.contains(index), failure: machine.failures[index],
        skip: machine.skips[index], account: account(of: index))
    }
    return RunReport(
      run: machine.run, workflow: machine.graph.name, outcome: machine.outcome,
      milliseconds: clock.now() - began, nodes: nodes,
      outputs: machine.graph.outputs.compactMap { output in
        machine.values[output.source].map { (output.name, $0) }
      })
  }
}
