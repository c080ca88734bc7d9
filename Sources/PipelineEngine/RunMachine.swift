import PluginModel

/// The state of one run, and the only place where it changes. Pure: events come in, actions come out; no clock, no
/// task, no socket. `RunExecution` performs the actions.
package struct RunMachine: Sendable {
  package enum NodeState: String, Sendable {
    /// Something that it depends on has not succeeded yet.
    case waiting
    /// Everything is there; a place to run is not.
    case queued
    case running
    /// Between two attempts.
    case retrying
    case succeeded
    case failed
    /// Something that it depends on didn't succeed.
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
    case tried(attempts: Int, raisedMemory: UInt64?)
  }

  package enum Event: Sendable {
    case begin
    case succeeded(node: Int, NodeSuccess)
    case failed(node: Int, NodeFailure)
    case retryDelayPassed(node: Int)
    /// An answer to ``Action/lookUp(node:_:)``.
    case found(node: Int, NodeSuccess)
    case notFound(node: Int)
    case cancelRequested(CancellationReason)
  }

  package enum Action: Sendable {
    case start(node: Int, NodeCall)
    /// Whether its result is there already is to be found out; until it is, the node takes nobody's place.
    case lookUp(node: Int, NodeCall)
    /// `memory`: bytes that it will have instead of what it ran out of; nil: nothing changes.
    case scheduleRetry(node: Int, afterMilliseconds: Int64, NodeFailure, memory: UInt64?)
    /// Cancel every node that runs and every retry that waits.
    case cancelRunning
    /// For observers: the node is now in this state.
    case announce(node: Int, NodeState)
    /// For observers: the node is in this state since before; it isn't written down again.
    case announceRestored(node: Int, NodeState)
    case finish
  }

  package let graph: WorkflowGraph
  package let run: String
  package private(set) var states: [NodeState]
  package private(set) var attempts: [Int]
  /// Of nodes that failed, and of those that were cancelled before they could be tried again.
  package private(set) var failures: [Int: NodeFailure] = [:]
  /// Of nodes that were skipped.
  package private(set) var skips: [Int: SkipReason] = [:]
  /// The values of workflow outputs, and those that some node still waits for.
  package private(set) var values: [WorkflowGraph.Connection: [NodeValue]] = [:]
  package private(set) var cancellation: CancellationReason?

  private let maximumParallel: Int
  private let maximumHeldResults: Int
  /// Bytes that one node can have; nil: unknown.
  private let mostMemory: UInt64?
  /// Bytes, of nodes that ran out of memory before.
  private var raisedMemory: [Int: UInt64] = [:]
  /// Of `values`, those that lie in memory of their own: each is a descriptor of this process.
  private var heldResults = 0
  /// Of `heldResults`, those of nodes that were accepted and haven't ended yet.
  private var reserved: [Int: Int] = [:]
  private var missingDependencies: [Int]
  /// For each output that anything reads: the nodes that still may read it, and the workflow's outputs.
  private var remainingReaders: [WorkflowGraph.Connection: Int] = [:]
  /// The output ports that anything reads.
  private let wantedPorts: [Set<PortName>]
  /// Nodes whose results may be there already.
  private let reusable: Set<Int>
  private let restored: [Int: Restored]
  private var queue = Queue()
  private var activeCount = 0
  private var openCount: Int
  private var hasBegun = false
  private var hasFinished = false

  /// - Parameters:
  ///   - maximumParallel: how many nodes run at once, at least 1.
  ///   - maximumHeldResults: how many shared values may wait for their readers at one time.
  ///   - mostMemory: bytes that one node can have; nil: unknown.
  ///   - reusable: nodes that are looked up before they are run.
  ///   - restored: what need not be done again.
  package init(
    graph: WorkflowGraph, run: String, maximumParallel: Int, maximumHeldResults: Int = .max, mostMemory: UInt64? = nil,
    reusable: Set<Int> = [], restored: [Int: Restored] = [:]
  ) {
    self.mostMemory = mostMemory
    self.reusable = reusable
    self.restored = restored
    self.graph = graph
    self.run = run
    self.maximumParallel = max(1, maximumParallel)
    self.maximumHeldResults = maximumHeldResults
    states = Array(repeating: .waiting, count: graph.nodes.count)
    attempts = Array(repeating: 0, count: graph.nodes.count)
    missingDependencies = graph.nodes.map(\.dependencies.count)
    openCount = graph.nodes.count
    var wanted = [Set<PortName>](repeating: [], count: graph.nodes.count)
    for connection in graph.outputs.flatMap(\.sources) + graph.nodes.flatMap(\.sources) {
      remainingReaders[connection, default: 0] += 1
      wanted[connection.node].insert(connection.port)
    }
    wantedPorts = wanted
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
    return states.allSatisfy { $0 == .succeeded } ? .succeeded : .failed
  }

  /// Applies `event`. One that no longer matters (a result after a cancellation was answered, say) changes nothing.
  package mutating func handle(_ event: Event) -> [Action] {
    var actions: [Action] = []
    switch event {
    case .begin:
      guard !hasBegun else { return [] }
      hasBegun = true
      // A cancellation may have come first.
      if cancellation == nil { restore(&actions) }
      for index in graph.nodes.indices where missingDependencies[index] == 0 && states[index] == .waiting {
        enqueue(index, &actions)
      }
    case .succeeded(let node, let success):
      guard states[node] == .running else { return [] }
      activeCount -= 1
      succeed(node, success, &actions)
    case .failed(let node, let failure):
      guard states[node] == .running else { return [] }
      activeCount -= 1
      fail(node, failure, &actions)
    case .retryDelayPassed(let node):
      guard states[node] == .retrying else { return [] }
      enqueue(node, &actions)
    case .found(let node, let success):
      guard states[node] == .queued else { return [] }
      // What was kept may be of a version of the plugin that had fewer outputs.
      if missingOutput(of: node, success) == nil { succeed(node, success, &actions) } else { queue.append(node) }
    case .notFound(let node):
      guard states[node] == .queued else { return [] }
      queue.append(node)
    case .cancelRequested(let reason):
      cancel(reason, &actions)
    }
    startQueued(&actions)
    if hasBegun, openCount == 0, !hasFinished {
      hasFinished = true
      actions.append(.finish)
    }
    return actions
  }

  private mutating func move(_ node: Int, to state: NodeState, _ actions: inout [Action]) {
    states[node] = state
    if state.isTerminal { openCount -= 1 }
    actions.append(.announce(node: node, state))
  }

  private mutating func enqueue(_ node: Int, _ actions: inout [Action]) {
    move(node, to: .queued, &actions)
    if attempts[node] == 0, reusable.contains(node) {
      actions.append(.lookUp(node: node, call(of: node)))
    } else {
      queue.append(node)
    }
  }

  private mutating func restore(_ actions: inout [Action]) {
    for (node, known) in restored.sorted(by: { $0.key < $1.key }) {
      switch known {
      case .tried(let count, let memory):
        attempts[node] = count
        raisedMemory[node] = memory
      case .succeeded(let success, let count, _):
        guard missingOutput(of: node, success) == nil else { continue }
        attempts[node] = count
        for (port, outputs) in wanted(of: node, success) {
          values[WorkflowGraph.Connection(node: node, port: port)] = outputs
          heldResults += outputs.sharedCount
        }
        states[node] = .succeeded
      case .failed(let failure, let count):
        attempts[node] = count
        failures[node] = failure
        states[node] = .failed
      }
    }
    // Not before all is known: what one has read another may still have to read.
    for node in graph.nodes.indices where states[node].isTerminal {
      openCount -= 1
      releaseInputs(of: node)
      actions.append(.announceRestored(node: node, states[node]))
      guard states[node] == .succeeded else { continue }
      for dependent in graph.nodes[node].dependents { missingDependencies[dependent] -= 1 }
    }
    for node in graph.nodes.indices where states[node] == .failed { skipDependents(of: node, &actions) }
  }

  private mutating func startQueued(_ actions: inout [Action]) {
    guard cancellation == nil else { return }
    while activeCount < maximumParallel, let node = queue.popFirst() {
      activeCount += 1
      attempts[node] += 1
      let call = call(of: node)
      move(node, to: .running, &actions)
      actions.append(.start(node: node, call))
    }
  }

  /// Asked before a node's success takes effect outside: nil, and what it returned has its place; or why the node has failed.
  package mutating func offer(_ node: Int, _ success: NodeSuccess) -> NodeFailure? {
    guard cancellation == nil else { return NodeFailure(.cancelled, "the node was cancelled") }
    return reserve(node, success)
  }

  private mutating func reserve(_ node: Int, _ success: NodeSuccess) -> NodeFailure? {
    if let missing = missingOutput(of: node, success) {
      // The worker's word is not enough: a reader of this output could never start.
      return NodeFailure(
        .error, "the node \(graph.nodes[node].name.text.quoted) returned no output \(missing.text.quoted)",
        cause: "another node or the workflow's outputs read it",
        hint: "the plugin's execute() must return a value for each of its outputs")
    }
    let added = wanted(of: node, success).reduce(0) { $0 + $1.values.sharedCount }
    guard added <= maximumHeldResults - heldResults else { return tooManyResults(of: node, adding: added) }
    heldResults += added
    reserved[node] = added
    return nil
  }

  /// Those that somebody reads.
  private func wanted(of node: Int, _ success: NodeSuccess) -> [(port: PortName, values: [NodeValue])] {
    success.outputs.filter { remainingReaders[WorkflowGraph.Connection(node: node, port: $0.port)] != nil }
  }

  private mutating func succeed(_ node: Int, _ success: NodeSuccess, _ actions: inout [Action]) {
    if reserved[node] == nil, let failure = reserve(node, success) { return fail(node, failure, &actions) }
    reserved[node] = nil
    for (port, outputs) in wanted(of: node, success) {
      values[WorkflowGraph.Connection(node: node, port: port)] = outputs
    }
    failures[node] = nil
    move(node, to: .succeeded, &actions)
    releaseInputs(of: node)
    for dependent in graph.nodes[node].dependents {
      missingDependencies[dependent] -= 1
      if missingDependencies[dependent] == 0, states[dependent] == .waiting { enqueue(dependent, &actions) }
    }
  }

  private mutating func fail(_ node: Int, _ failure: NodeFailure, _ actions: inout [Action]) {
    let policy = graph.nodes[node].policy
    heldResults -= reserved.removeValue(forKey: node) ?? 0
    failures[node] = failure
    if cancellation == nil, policy.retries(failure.kind), attempts[node] <= policy.maximumRetries ?? 0,
      retry(node, failure, &actions)
    {
      return
    }
    move(node, to: failure.kind == .cancelled ? .cancelled : .failed, &actions)
    releaseInputs(of: node)
    skipDependents(of: node, &actions)
  }

  /// - Returns: false where another attempt would only end as this one did.
  private mutating func retry(_ node: Int, _ failure: NodeFailure, _ actions: inout [Action]) -> Bool {
    var memory: UInt64?
    if failure.kind == .oom {
      switch MemoryRetry(after: failure.memoryLimit, most: mostMemory) {
      case .raised(let bytes): memory = bytes
      case .unchanged: break
      case .exhausted(let limit):
        failures[node] = failure.exhausted(at: limit)
        return false
      }
    }
    if let memory { raisedMemory[node] = memory }
    move(node, to: .retrying, &actions)
    actions.append(
      .scheduleRetry(
        node: node, afterMilliseconds: NodePolicy.backoff(afterAttempt: attempts[node]), failure, memory: memory))
    return true
  }

  /// Everything downstream can't run any more; what doesn't depend on `node` goes on.
  private mutating func skipDependents(of node: Int, _ actions: inout [Action]) {
    var pending = graph.nodes[node].dependents.map { (next: $0, needs: node) }
    while let (next, needs) = pending.popLast() {
      guard states[next] == .waiting else { continue }
      if cancellation == nil {
        skips[next] = SkipReason(needs: graph.nodes[needs].name, failed: graph.nodes[node].name)
        move(next, to: .skipped, &actions)
      } else {
        move(next, to: .cancelled, &actions)
      }
      releaseInputs(of: next)
      pending += graph.nodes[next].dependents.map { ($0, next) }
    }
  }

  private mutating func cancel(_ reason: CancellationReason, _ actions: inout [Action]) {
    guard cancellation == nil, !hasFinished else { return }
    cancellation = reason
    queue = Queue()
    actions.append(.cancelRunning)
    for node in graph.nodes.indices {
      switch states[node] {
      case .waiting, .queued, .retrying:
        move(node, to: .cancelled, &actions)
        releaseInputs(of: node)
      // A running node is answered for by its own end.
      case .running, .succeeded, .failed, .skipped, .cancelled: break
      }
    }
  }

  // MARK: Values

  /// `node` reads nothing any more: values that nobody else waits for are let go, so that a long run holds no more than
  /// what is still needed.
  private mutating func releaseInputs(of node: Int) {
    for connection in graph.nodes[node].sources {
      guard let readers = remainingReaders[connection] else { continue }
      remainingReaders[connection] = readers > 1 ? readers - 1 : nil
      if readers == 1, let released = values.removeValue(forKey: connection) { heldResults -= released.sharedCount }
    }
  }

  private func tooManyResults(of node: Int, adding count: Int) -> NodeFailure {
    NodeFailure(
      .error, "the results of the node \(graph.nodes[node].name.text.quoted) can't be kept",
      cause:
        "the run holds \(heldResults) large results for nodes that come later, \(count) more came, and this process may "
        + "keep \(maximumHeldResults)",
      hint:
        "raise the limit of open files (ulimit -n, LimitNOFILE= of systemd), run fewer nodes at once (--jobs), or let "
        + "nodes return several results in one")
  }

  /// An output that somebody reads and that `success` lacks.
  private func missingOutput(of node: Int, _ success: NodeSuccess) -> PortName? {
    let present = Set(success.outputs.lazy.filter { !$0.values.isEmpty }.map(\.port))
    return wantedPorts[node].subtracting(present).min()
  }

  private func call(of index: Int) -> NodeCall {
    let node = graph.nodes[index]
    return NodeCall(
      run: run, node: node.name, type: node.type, parameters: node.parameters,
      inputs: node.inputs.map { ($0.port, values(of: $0), $0.multiple) }, attempt: attempts[index],
      timeoutMilliseconds: node.policy.timeoutMilliseconds, raisedMemory: raisedMemory[index])
  }

  private func values(of input: WorkflowGraph.Input) -> [NodeValue] {
    switch input.source {
    case .connections(let connections): return connections.flatMap { values[$0] ?? [] }
    case .defaultValue(let value):
      if input.multiple, case .array(let items) = value { return items.map(NodeValue.init(json:)) }
      return [NodeValue(json: value)]
    }
  }
}

/// First in, first out, without moving what remains.
private struct Queue: Sendable {
  private var items: [Int] = []
  private var head = 0

  mutating func append(_ item: Int) { items.append(item) }
  mutating func popFirst() -> Int? {
    guard head < items.count else { return nil }
    defer { head += 1 }
    return items[head]
  }
}

extension [NodeValue] {
  fileprivate var sharedCount: Int {
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

extension NodePolicy {
  /// Whether a failure of this kind is worth another attempt. Nothing that a repetition can't change is repeated.
  func retries(_ kind: NodeFailure.Class) -> Bool {
    switch kind {
    case .error: retryOn.contains(.error)
    case .crash: retryOn.contains(.crash)
    case .timeout: retryOn.contains(.timeout)
    case .oom: retryOn.contains(.oom)
    case .cancelled, .sandbox: false
    }
  }

  /// 0.2 s, doubled with each attempt, at most 30 s.
  static func backoff(afterAttempt attempt: Int) -> Int64 {
    min(30_000, 200 << Int64(min(max(attempt - 1, 0), 16)))
  }
}
