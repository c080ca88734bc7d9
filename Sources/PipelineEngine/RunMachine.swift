import PluginModel
import Scheduling

/// The state of one run, and the only place where it changes. Pure: events come in, actions come out; no clock, no
/// task, no socket. `RunExecution` performs the actions.
package struct RunMachine: Sendable {
  package enum NodeState: String, Sendable {
    /// Something that it depends on has not succeeded yet.
    case waiting
    /// Everything that it waits for is there; what it needs to run is not.
    case queued
    case running
    /// Between two attempts.
    case retrying
    case succeeded
    case failed
    /// Something that it depends on didn't succeed, or its condition is false.
    case skipped
    case cancelled

    package var isTerminal: Bool {
      switch self {
      case .waiting, .queued, .running, .retrying: false
      case .succeeded, .failed, .skipped, .cancelled: true
      }
    }
  }

  package enum CancellationReason: String, Sendable {
    case user
    case deadline
    /// What happens can't be written down any more.
    case state
  }

  /// What is known of a node from before: the run goes on.
  package enum Restored: Sendable {
    /// - milliseconds: from its first start to its end; nil: nothing ran.
    case succeeded(NodeSuccess, attempts: Int, milliseconds: Int64?)
    /// For good.
    case failed(NodeFailure, attempts: Int)
    /// So many attempts have failed, and another was to follow, with so many bytes of memory.
    /// - retries: how often it was tried again, by the kind of the failure.
    case tried(attempts: Int, retries: [NodeFailure.Class: Int], raisedMemory: UInt64?)
  }

  package enum Event: Sendable {
    case begin
    /// A node that was enqueued has what it needs, and of devices these.
    case assigned(node: Int, gpus: [GPUGrant] = [])
    /// A node that was enqueued can never have what it needs.
    case refused(node: Int, NodeFailure)
    case succeeded(node: Int, NodeSuccess)
    case failed(node: Int, NodeFailure)
    case retryDelayPassed(node: Int)
    /// An answer to ``Action/lookUp(node:_:)``.
    case found(node: Int, NodeSuccess)
    case notFound(node: Int)
    case cancelRequested(CancellationReason)
  }

  package enum Action: Sendable {
    /// The node is ready, and asks for what it needs: to be answered by ``Event/assigned(node:gpus:)`` or ``Event/refused(node:_:)``, unless it
    /// is withdrawn.
    case enqueue(node: Int)
    case withdraw(node: Int)
    /// What was assigned isn't wanted any more.
    case giveBack(node: Int)
    case start(node: Int, NodeCall)
    /// Whether its result is there already is to be found out; until it is, the node takes nobody's place.
    case lookUp(node: Int, NodeCall)
    /// `memory`: bytes that it will have instead of what it ran out of; nil: nothing changes.
    /// Apart from the others: it is three times as long, and rare.
    indirect case scheduleRetry(node: Int, afterMilliseconds: Int64, NodeFailure, memory: UInt64?)
    /// Cancel every node that runs and every retry that waits.
    case cancelRunning
    /// For observers: the node is now in this state.
    case announce(node: Int, NodeState)
    /// For observers: the node is in this state since before; it isn't written down again.
    case announceRestored(node: Int, NodeState)
    /// A node with `foreach` stands for these nodes now, the instances of its items, in their order.
    case expanded(node: Int, instances: Range<Int>)
    case finish
  }

  /// Grows: the instances of nodes with `foreach` come behind those that the workflow names.
  package internal(set) var graph: WorkflowGraph
  package let run: String
  package internal(set) var states: [NodeState]
  package internal(set) var attempts: [Int]
  /// Of nodes that were tried again: how often, by the kind of the failure.
  var retries: [Int: [NodeFailure.Class: Int]] = [:]
  /// Of nodes that failed, and of those that were cancelled before they could be tried again.
  package internal(set) var failures: [Int: NodeFailure] = [:]
  /// Of nodes that were skipped.
  package internal(set) var skips: [Int: SkipReason] = [:]
  /// The values of workflow outputs, and those that some node still waits for.
  package internal(set) var values: [WorkflowGraph.Connection: [NodeValue]] = [:]
  package internal(set) var cancellation: CancellationReason?
  /// Bytes, of nodes that ran out of memory before.
  package internal(set) var raisedMemory: [Int: UInt64] = [:]

  let maximumHeldResults: Int
  /// Bytes that one node can have; nil: unknown.
  let mostMemory: UInt64?
  /// Nodes whose results may be there already.
  let reusable: Set<Int>
  package internal(set) var restored: RestoredRun
  /// The output ports that must be there: inputs and the workflow's outputs read them. By node as the workflow has it.
  let wantedPorts: [[PortName]]
  /// Of each node what ``WorkflowGraph/wholeLists(of:)`` says; most have none. By node as the workflow has it.
  let wholeLists: [Int: [(port: PortName, connection: WorkflowGraph.Connection)]]
  /// Of `values`, those that take a descriptor of this process.
  var heldResults = 0
  /// Of all nodes with `foreach` together.
  var instanceCount = 0
  /// Of `heldResults`, those of nodes that were accepted and haven't ended yet.
  var reserved: [Int: Int] = [:]
  /// For each output that anything reads: the nodes that still may read it, and the workflow's outputs.
  var remainingReaders: ReaderCounts
  /// Of nodes with `foreach` whose instances haven't all ended.
  var expansions: [Int: Expansion] = [:]
  /// Lists put together of what nodes with `foreach` have yielded, for inputs that take one value.
  var joined: [WorkflowGraph.Connection: NodeValue] = [:]
  /// How many nodes may still take a list of ``joined``.
  var joinedReaders: [WorkflowGraph.Connection: Int] = [:]
  /// Nodes whose results are those of before, all of them.
  var unchanged: Set<Int> = []
  /// How many of those that a node waits for haven't ended. By node as the workflow has it: an instance waits for nothing.
  var openDependencies: [Int]
  /// Nodes that run although the run was cancelled, because their condition says so.
  var cleanups: Set<Int> = []
  /// Of the graph's parts: which have begun, and which won't.
  var parts: [Int: PartState] = [:]
  /// Nodes that have ended and whose dependents haven't been told.
  private var justEnded: [Int] = []
  var openCount: Int
  private var hasBegun = false
  private var hasRestored = false
  private var hasFinished = false

  /// - Parameters:
  ///   - maximumHeldResults: how many shared values may wait for their readers at one time.
  ///   - mostMemory: bytes that one node can have; nil: unknown.
  ///   - reusable: nodes that are looked up before they are run.
  ///   - restored: what need not be done again.
  package init(
    graph: WorkflowGraph, run: String, maximumHeldResults: Int = .max, mostMemory: UInt64? = nil,
    reusable: Set<Int> = [], restored: RestoredRun = [:]
  ) {
    self.graph = graph
    self.run = run
    self.maximumHeldResults = maximumHeldResults
    self.mostMemory = mostMemory
    self.reusable = reusable
    self.restored = restored
    states = Array(repeating: .waiting, count: graph.nodes.count)
    attempts = Array(repeating: 0, count: graph.nodes.count)
    openDependencies = graph.nodes.indices.map { graph.nodes[$0].dependencies.count }
    openCount = graph.nodes.count
    var wanted = [[PortName]](repeating: [], count: graph.nodes.count)
    var readers = ReaderCounts(nodes: graph.nodes.count)
    func count(_ connection: WorkflowGraph.Connection, isNeeded: Bool) {
      readers.add(connection)
      guard isNeeded, !wanted[connection.node].contains(connection.port), !graph.isMultiple(connection) else { return }
      wanted[connection.node].append(connection.port)
    }
    for output in graph.outputs {
      for connection in output.sources { count(connection, isNeeded: true) }
    }
    // By index, here and below: a node taken out of the graph is a copy of all that it consists of.
    for node in graph.nodes.indices {
      for input in graph.nodes[node].inputs {
        for connection in input.source.connections { count(connection, isNeeded: true) }
      }
      for connection in graph.readByConditions(of: node) { count(connection, isNeeded: false) }
    }
    wantedPorts = wanted
    remainingReaders = readers
    var wholeLists: [Int: [(port: PortName, connection: WorkflowGraph.Connection)]] = [:]
    for node in graph.nodes.indices {
      let lists = graph.wholeLists(of: node)
      if !lists.isEmpty { wholeLists[node] = lists }
    }
    self.wholeLists = wholeLists
    for lists in wholeLists.values {
      for list in lists { joinedReaders[list.connection, default: 0] += 1 }
    }
  }

  /// How the run ended, once ``Action/finish`` was returned.
  package var outcome: RunOutcome {
    switch cancellation {
    case .user: return .interrupted
    case .deadline: return .deadlineExceeded
    case .state: return .stateLost
    case nil: break
    }
    if failures.values.contains(where: { $0.kind == .sandbox }) { return .sandboxUnavailable }
    let isFailed = graph.nodes.indices.contains { states[$0] == .failed && !graph.nodes[$0].continuesOnError }
    return isFailed ? .failed : .succeeded
  }

  /// Applies `event`. One that no longer matters (a result after a cancellation was answered, say) changes nothing.
  package mutating func handle(_ event: Event) -> [Action] {
    var actions: [Action] = []
    handle(event, &actions)
    return actions
  }

  /// The same; what comes out is put behind what is there.
  package mutating func handle(_ event: Event, _ actions: inout [Action]) {
    switch event {
    case .begin:
      guard !hasBegun else { return }
      begin(&actions)
    case .assigned(let node, let gpus):
      guard states[node] == .queued else { return actions.append(.giveBack(node: node)) }
      attempts[node] += 1
      var call = call(of: node)
      call.gpus = gpus
      move(node, to: .running, &actions)
      actions.append(.start(node: node, call))
    case .refused(let node, let failure):
      guard states[node] == .queued else { return }
      failForGood(node, failure, &actions)
    case .succeeded(let node, let success):
      guard states[node] == .running else { return }
      succeed(node, success, &actions)
    case .failed(let node, let failure):
      guard states[node] == .running else { return }
      fail(node, failure, &actions)
    case .retryDelayPassed(let node):
      guard states[node] == .retrying else { return }
      enqueue(node, &actions)
    case .found(let node, let success):
      guard states[node] == .queued else { return }
      // What was kept may be of a version of the plugin that had fewer outputs.
      if missingOutput(of: node, success) == nil {
        succeed(node, success, &actions)
      } else {
        actions.append(.enqueue(node: node))
      }
    case .notFound(let node):
      guard states[node] == .queued else { return }
      actions.append(.enqueue(node: node))
    case .cancelRequested(let reason):
      guard !hasFinished else { return }
      requestCancellation(reason, &actions)
    }
    tellDependents(&actions)
    if hasBegun, openCount == 0, !hasFinished {
      hasFinished = true
      actions.append(.finish)
    }
  }

  private mutating func begin(_ actions: inout [Action]) {
    hasBegun = true
    restoreOnce(&actions)
    tellDependents(&actions)
    // Those that the workflow names: instances have their turn by their node.
    for node in openDependencies.indices where openDependencies[node] == 0 && states[node] == .waiting {
      settle(node, &actions)
    }
  }

  /// A cancellation may come before the run begins: what had succeeded before has succeeded all the same.
  private mutating func restoreOnce(_ actions: inout [Action]) {
    guard !hasRestored else { return }
    hasRestored = true
    restore(&actions)
  }

  private mutating func requestCancellation(_ reason: CancellationReason, _ actions: inout [Action]) {
    guard let earlier = cancellation else {
      restoreOnce(&actions)
      return cancel(reason, isCleanedUp: hasBegun && reason != .state, &actions)
    }
    // Whoever has waited for a deadline doesn't have to wait for what cleans up after it; and what can't be written down isn't begun.
    guard earlier == .deadline && reason == .user || reason == .state && earlier != .state else { return }
    cancel(reason == .state ? .state : earlier, isCleanedUp: false, &actions)
  }

  mutating func move(_ node: Int, to state: NodeState, _ actions: inout [Action]) {
    states[node] = state
    actions.append(.announce(node: node, state))
    if state.isTerminal { hasEnded(node) }
  }

  /// It reads nothing any more, and whoever waits for it is told.
  mutating func hasEnded(_ node: Int) {
    openCount -= 1
    releaseInputs(of: node)
    justEnded.append(node)
  }

  /// A list instead of recursion: a chain may be as long as a workflow.
  private mutating func tellDependents(_ actions: inout [Action]) {
    while let node = justEnded.popLast() {
      if let item = graph.nodes[node].item {
        instanceHasEnded(of: item.node, &actions)
        continue
      }
      for dependent in graph.nodes[node].dependents {
        openDependencies[dependent] -= 1
        guard states[dependent] == .waiting else { continue }
        // After a cancellation in order: what cleans up comes after all that it waits for.
        let isDecided = cancellation == nil && graph.nodes[dependent].condition == nil && blocks(node, dependent)
        if openDependencies[dependent] == 0 || isDecided {
          settle(dependent, &actions)
        }
      }
    }
  }
}

/// How many still read each output. By the index of its node, and then among the few ports that are read: to hash each connection of a
/// large run takes longer than all else of it.
struct ReaderCounts: Sendable {
  private var ports: [[(port: PortName, count: Int)]]

  init(nodes count: Int) { ports = Array(repeating: [], count: count) }

  private func index(_ connection: WorkflowGraph.Connection) -> Int? {
    ports[connection.node].indices.first { ports[connection.node][$0].port == connection.port }
  }

  func contains(_ connection: WorkflowGraph.Connection) -> Bool { index(connection) != nil }

  mutating func add(_ connection: WorkflowGraph.Connection) {
    if let index = index(connection) {
      ports[connection.node][index].count += 1
    } else {
      ports[connection.node].append((connection.port, 1))
    }
  }

  /// One less reads it.
  /// - Returns: whether it was the last.
  mutating func remove(_ connection: WorkflowGraph.Connection) -> Bool {
    guard let index = index(connection) else { return false }
    ports[connection.node][index].count -= 1
    guard ports[connection.node][index].count == 0 else { return false }
    ports[connection.node].remove(at: index)
    return true
  }
}

/// What of a run that goes on need not be done again.
package struct RestoredRun: Sendable, ExpressibleByDictionaryLiteral {
  /// By their place in the graph.
  package var nodes: [Int: RunMachine.Restored]
  /// The instances of nodes with `foreach`, which have no place yet.
  package var instances: [NodeName: RunMachine.Restored] = [:]

  package init(dictionaryLiteral elements: (Int, RunMachine.Restored)...) {
    nodes = Dictionary(elements) { first, _ in first }
  }
}

extension [NodeValue] {
  var sharedCount: Int {
    count { value in
      switch value.content {
      case .inline: false
      case .shared(let shared): shared.holdsDescriptor
      }
    }
  }
}

extension NodeValue {
  package init(json value: JSONValue) {
    self.init(codec: .json, content: .inline(Array(value.text().utf8)))
  }
}

extension NodePolicy.RetryClass {
  /// Nil for what a repetition can't change.
  init?(_ kind: NodeFailure.Class) {
    switch kind {
    case .error: self = .error
    case .crash: self = .crash
    case .timeout: self = .timeout
    case .oom: self = .oom
    case .cancelled, .sandbox: return nil
    }
  }
}

extension NodePolicy {
  /// Milliseconds to wait before a node is tried again after a failure of this kind; nil: it isn't.
  /// - Parameter retries: how often it was tried again before, by the kind of the failure.
  func delay(after kind: NodeFailure.Class, retries: [NodeFailure.Class: Int]) -> Int64? {
    guard let rule = RetryClass(kind).flatMap(rule) else { return nil }
    let spent = retries.reduce(0) { sum, entry in
      RetryClass(entry.key).map(rule.classes.contains) == true ? sum + entry.value : sum
    }
    return spent < rule.maximumRetries ? rule.delay(beforeRetry: spent + 1) : nil
  }
}
