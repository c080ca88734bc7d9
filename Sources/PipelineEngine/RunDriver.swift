import PluginModel
import Scheduling

/// What reaches the loop of a run. Large, and handed on several times.
indirect enum RunSignal: Sendable {
  case event(RunMachine.Event)
  case answer(Dispatcher.NodeAnswer)
  /// Nodes that were looked up together.
  case lookedUp([(node: Int, answer: ResultCache.Answer)])
  /// A node that has succeeded waits for the answer before that takes effect.
  case offer(node: Int, NodeSuccess, CheckedContinuation<NodeFailure?, Never>)
}

/// The loop of one run: one event at a time, in the order of their coming.
struct RunDriver {
  var machine: RunMachine
  let executor: any NodeExecutor
  let clock: any RunClock
  let keeping: RunKeeping?
  let thread: (any TaskExecutor)?
  let pump: JournalPump
  let places: RunPlaces
  let sender: AsyncStream<RunSignal>.Continuation
  let began: Int64
  private var started: [Int: Int64] = [:]
  private var ended: [Int: Int64] = [:]
  private var inputBytes: [Int: Int] = [:]
  private var fallbacks: Set<Int> = []
  private var cached: Set<Int> = []
  private var accounts: [Int: NodeAccount] = [:]
  /// Of nodes that have just succeeded.
  private var results: [Int: StoredResult] = [:]
  /// Of nodes that are looked up, until they have ended.
  private var keys: [Int: CacheKey] = [:]
  /// Nodes that others with the same key wait for.
  private var running: Set<Int> = []
  /// What is to be told to the dispatcher together, and to the cache: what is to be looked up, and which keys others may have.
  private var changes: [Dispatcher.Change] = []
  private var lookups: [ResultCache.Lookup] = []
  private var released: [ContentDigest] = []
  /// Of nodes that run or are looked up, and of retries that wait.
  private var tasks: [Int: Task<Void, Never>] = [:]

  init(
    machine: RunMachine, executor: any NodeExecutor, clock: any RunClock, keeping: RunKeeping?,
    thread: (any TaskExecutor)?, pump: JournalPump, places: RunPlaces, sender: AsyncStream<RunSignal>.Continuation,
    began: Int64
  ) {
    self.thread = thread
    self.places = places
    self.machine = machine
    self.executor = executor
    self.clock = clock
    self.keeping = keeping
    self.pump = pump
    self.sender = sender
    self.began = began
  }

  mutating func drive(_ signals: AsyncStream<RunSignal>, timeoutMilliseconds: Int64?) async -> RunReport {
    let started = RunEvent.Content.runStarted(
      run: machine.run, workflow: machine.graph.name, nodes: machine.graph.nodes.map(\.name))
    tell(nil, started, record: .began)
    let deadline = timeoutMilliseconds.map { milliseconds in
      Task { [clock, sender] in
        guard (try? await clock.sleep(milliseconds: milliseconds)) != nil else { return }
        sender.yield(.event(.cancelRequested(.deadline)))
      }
    }
    sender.yield(.event(.begin))
    for await signal in signals { if await handle(signal) { break } }
    deadline?.cancel()
    for task in tasks.values { task.cancel() }
    for task in tasks.values { await task.value }
    sender.finish()
    let report = report()
    tell(nil, .runFinished(report.outcome), record: .finished(report.outcome))
    return report
  }

  /// - Returns: true when the run has ended.
  private mutating func handle(_ signal: RunSignal) async -> Bool {
    var actions: [RunMachine.Action] = []
    switch signal {
    case .offer(let node, let success, let continuation):
      continuation.resume(returning: machine.offer(node, success))
      return false
    case .answer(let answer): take(answer, &actions)
    case .event(let event): take(event, &actions)
    case .lookedUp(let answers): for (node, answer) in answers { take(answer, of: node, &actions) }
    }
    return await perform(actions)
  }

  private mutating func take(_ event: RunMachine.Event, _ actions: inout [RunMachine.Action]) {
    note(event)
    machine.handle(event, &actions)
  }

  private mutating func take(_ answer: Dispatcher.NodeAnswer, _ actions: inout [RunMachine.Action]) {
    switch answer.answer {
    case .assigned(let gpus): take(.assigned(node: answer.node, gpus: gpus), &actions)
    case .failed(let failure): take(.refused(node: answer.node, failure), &actions)
    case .heldElsewhere(let devices):
      if machine.states[answer.node] == .queued {
        tell(answer.node, .nodeReport(.log(level: .info, message: HeldDevice.words(devices))))
      }
    case .refused(let refusal):
      take(.refused(node: answer.node, NodeFailure(refusal, of: name(of: answer.node))), &actions)
    }
  }

  private mutating func take(_ answer: ResultCache.Answer, of node: Int, _ actions: inout [RunMachine.Action]) {
    switch answer {
    case .missing: take(.notFound(node: node), &actions)
    case .found(let found): take(.found(node: node, NodeSuccess(found, key: keys[node])), &actions)
    // The machine has cancelled the node already.
    case .cancelled: break
    }
  }

  private mutating func note(_ event: RunMachine.Event) {
    switch event {
    case .succeeded(let node, let success):
      hasEnded(node)
      ended[node] = clock.now()
      if success.isCached { cached.insert(node) }
      if success.isFallback { fallbacks.insert(node) }
      results[node] = success.kept
      accounts[node] = account(of: node).followed(by: success.account)
    case .failed(let node, let failure):
      hasEnded(node)
      ended[node] = clock.now()
      accounts[node] = account(of: node).followed(by: failure.account)
    case .found(let node, let success):
      tasks[node] = nil
      cached.insert(node)
      results[node] = success.kept
    case .notFound(let node):
      tasks[node] = nil
      if keys[node] != nil { running.insert(node) }
      // It was cancelled meanwhile, and will not end again.
      if machine.states[node].isTerminal { release(node) }
    case .begin, .assigned, .refused, .retryDelayPassed, .cancelRequested: break
    }
  }

  /// Of an attempt nothing is left.
  private mutating func hasEnded(_ node: Int) {
    tasks[node] = nil
    changes.append(.giveBack(node))
  }

  private func account(of node: Int) -> NodeAccount { accounts[node] ?? NodeAccount() }

  /// - Returns: true when the run has ended.
  private mutating func perform(_ actions: [RunMachine.Action]) async -> Bool {
    var actions = actions
    var hasFinished = false
    while true {
      for action in actions { if perform(action) { hasFinished = true } }
      startLookingUp()
      if !released.isEmpty { await keeping?.cache?.release(released) }
      released = []
      let answers = await places.apply(changes)
      changes = []
      if answers.isEmpty { return hasFinished }
      actions.removeAll(keepingCapacity: true)
      for answer in answers { take(answer, &actions) }
    }
  }

  /// - Returns: true when the run has ended.
  private mutating func perform(_ action: RunMachine.Action) -> Bool {
    switch action {
    case .enqueue(let node):
      changes.append(places.request(node, machine.graph.nodes[node], raisedMemory: machine.raisedMemory[node]))
    case .withdraw(let node): changes.append(.withdraw(node))
    case .giveBack(let node): changes.append(.giveBack(node))
    case .start(let node, let call): start(node, call)
    case .lookUp(let node, let call): lookUp(node, call)
    case .scheduleRetry(let node, let delay, let failure, let memory):
      tell(
        node, .nodeRetry(failure, afterMilliseconds: delay, memory: memory),
        record: .retried(name(of: node), attempt: machine.attempts[node], failure, memory: memory))
      tasks[node] = Task { [clock, sender] in
        // Woken early by a cancellation: the machine has ended the node already and ignores the event.
        try? await clock.sleep(milliseconds: delay)
        sender.yield(.event(.retryDelayPassed(node: node)))
      }
    case .cancelRunning: for task in tasks.values { task.cancel() }
    case .announce(let node, let state):
      if state.isTerminal { release(node) }
      // It was never started: its time is that of its instances.
      if state.isTerminal, started[node] != nil, isForeach(node) { ended[node] = clock.now() }
      if state == .failed, let failure = machine.failures[node] { tell(node, .nodeFailed(failure)) }
      announce(node, state, record: record(of: node, state))
    case .announceRestored(let node, let state): announce(node, state)
    case .expanded(let node, let instances):
      started[node] = clock.now()
      tell(node, .nodesAdded(count: instances.count))
    case .finish: return true
    }
    return false
  }

  private func isForeach(_ node: Int) -> Bool { machine.graph.nodes[node].foreach != nil }
  private func name(of node: Int) -> NodeName { machine.graph.nodes[node].name }

  private func announce(_ node: Int, _ state: RunMachine.NodeState, record: JournalRecord.Content? = nil) {
    tell(
      node, .nodeState(state, attempt: machine.attempts[node]),
      duration: state.isTerminal ? duration(of: node) : nil, skip: machine.skips[node],
      account: state.isTerminal ? account(of: node) : NodeAccount(), isCached: isCached(node), record: record)
  }

  private mutating func record(of node: Int, _ state: RunMachine.NodeState) -> JournalRecord.Content? {
    let name = name(of: node)
    switch state {
    case .waiting, .queued, .retrying: return nil
    case .running: return .started(name, attempt: machine.attempts[node])
    case .succeeded:
      // The results are with its instances.
      let none = isForeach(node) ? StoredResult(outputs: []) : nil
      guard var result = results.removeValue(forKey: node) ?? none else { return nil }
      result.attempts = machine.attempts[node]
      result.milliseconds = duration(of: node)
      return .succeeded(name, result)
    case .failed:
      return machine.failures[node].map { .failed(name, attempts: machine.attempts[node], $0) }
    case .skipped: return machine.skips[node].map { .skipped(name, $0) }
    case .cancelled: return .cancelled(name)
    }
  }

  // MARK: Nodes

  private mutating func start(_ node: Int, _ call: NodeCall) {
    if started[node] == nil { started[node] = clock.now() }
    inputBytes[node] = call.inputs.reduce(0) { sum, input in input.values.reduce(sum) { $0 + $1.byteCount } }
    let key = keys[node]
    let own = key != nil && machine.graph.nodes[node].specification.makesCacheKeys ? keeping?.cache : nil
    tasks[node] = Task(executorPreference: thread) { [executor, sender, clock, pump, keeping, began] in
      @Sendable func execute(_ keys: [CacheKey]) async throws(NodeFailure) -> NodeSuccess {
        try await executor.execute(call) { report in
          pump.add(RunEvent(milliseconds: clock.now() - began, node: call.node, content: .nodeReport(report)))
        } accept: { (success) throws(NodeFailure) in
          let refusal = await withCheckedContinuation { sender.yield(.offer(node: node, success, $0)) }
          if let refusal { throw refusal }
          return try await keeping.keep(success, of: call, keys)
        }
      }
      do throws(NodeFailure) {
        let keys = [key].compactMap(\.self)
        let success =
          if let own { try await own.result(of: call, keys, executor, otherwise: execute) } else {
            try await execute(keys)
          }
        sender.yield(.event(.succeeded(node: node, success)))
      } catch {
        sender.yield(.event(.failed(node: node, error)))
      }
    }
  }

  private mutating func lookUp(_ node: Int, _ call: NodeCall) {
    guard let key = keeping?.cache?.key(of: call) else {
      sender.yield(.event(.notFound(node: node)))
      return
    }
    keys[node] = key
    lookups.append(ResultCache.Lookup(node: node, key: key.digest))
  }

  private mutating func startLookingUp() {
    guard !lookups.isEmpty, let cache = keeping?.cache else { return }
    let task = Task(executorPreference: thread) { [lookups, sender] in
      await cache.find(lookups) { sender.yield(.lookedUp($0)) }
    }
    for lookup in lookups { tasks[lookup.node] = task }
    lookups = []
  }

  /// Whoever waits for what comes of the node goes on.
  private mutating func release(_ node: Int) {
    let key = keys.removeValue(forKey: node)
    if running.remove(node) != nil, let key { released.append(key.digest) }
  }

  // MARK: What is told

  private func tell(
    _ node: Int?, _ content: RunEvent.Content, duration: Int64? = nil, skip: SkipReason? = nil,
    account: NodeAccount = NodeAccount(), isCached: Bool = false, record: JournalRecord.Content? = nil
  ) {
    let event = RunEvent(
      milliseconds: clock.now() - began, node: node.map(name(of:)), content: content, duration: duration, skip: skip,
      account: account, isCached: isCached)
    pump.add(
      event, record: keeping.flatMap { keeping in record.map { JournalRecord(time: keeping.clock.now(), $0) } })
  }

  private func isCached(_ node: Int) -> Bool {
    if case .succeeded(let success, _, _)? = machine.restored.nodes[node] { return success.isCached }
    return cached.contains(node) && machine.states[node] == .succeeded
  }

  private func isFallback(_ node: Int) -> Bool {
    if case .succeeded(let success, _, _)? = machine.restored.nodes[node] { return success.isFallback }
    return fallbacks.contains(node)
  }

  private func duration(of node: Int) -> Int64? {
    if case .succeeded(_, _, let milliseconds)? = machine.restored.nodes[node] { return milliseconds }
    return started[node].flatMap { start in ended[node].map { $0 - start } }
  }

  private func report() -> RunReport {
    let nodes = machine.graph.nodes.enumerated().map { index, node in
      RunReport.Node(
        name: node.name, type: node.type, version: node.version, state: machine.states[index],
        attempts: machine.attempts[index],
        milliseconds: duration(of: index), isFallback: isFallback(index), isCached: isCached(index),
        failure: machine.failures[index],
        continuesOnError: node.continuesOnError, skip: machine.skips[index], account: account(of: index),
        inputBytes: inputBytes[index])
    }
    return RunReport(
      run: machine.run, workflow: machine.graph.name, outcome: machine.outcome,
      milliseconds: clock.now() - began, nodes: nodes,
      outputs: machine.graph.outputs.compactMap { output in
        output.values(in: machine.values).map { (output.name, $0) }
      }, lists: Set(machine.graph.outputs.filter(\.isList).map(\.name)))
  }
}

extension NodeFailure {
  fileprivate init(_ refusal: Refusal, of node: NodeName) {
    self.init(
      .error, "the node \(node.text.quoted) can never run here", cause: refusal.text,
      hint: "ask for less in its 'resources'")
  }
}

extension RunKeeping? {
  /// Puts what a node returned where it survives, and where others find it.
  /// - Parameter keys: by which it is to be found; the first is the engine's own.
  /// - Returns: the same, with what is known of the content, and what it was kept as.
  fileprivate func keep(
    _ success: NodeSuccess, of call: NodeCall, _ keys: [CacheKey]
  ) async throws(NodeFailure) -> NodeSuccess {
    guard let keeping = self else { return success }
    let outputs: [StoredResult.Output]
    do throws(StateFailure) {
      outputs = try await keeping.results.keep(success.outputs)
    } catch {
      throw NodeFailure(.error, error.message, cause: error.cause, hint: error.hint, account: success.account)
    }
    var kept = success
    for (index, output) in outputs.enumerated() {
      for (position, value) in output.values.enumerated() {
        kept.outputs[index].values[position].digest = value.digest
      }
    }
    kept.kept = StoredResult(outputs: outputs, isFallback: success.isFallback, cacheKey: keys.first)
    // What a plugin supplied instead of a result is none.
    if !success.isFallback { for key in keys { await keeping.cache?.keep(key, type: call.type, outputs) } }
    return kept
  }
}
