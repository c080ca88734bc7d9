import PluginModel

// What becomes of a node, and of those that wait for it.

extension RunMachine {
  mutating func enqueue(_ node: Int, _ actions: inout [Action]) {
    move(node, to: .queued, &actions)
    if attempts[node] == 0, reusable.contains(written(node)), cancellation == nil {
      actions.append(.lookUp(node: node, call(of: node)))
    } else {
      actions.append(.enqueue(node: node))
    }
  }

  // MARK: Whether it runs

  /// Whether `dependent` can't run without a condition, now that `node` has ended.
  func blocks(_ node: Int, _ dependent: Int) -> Bool {
    if let nested = graph.nodes[dependent].nested { return blocks(node, nested) }
    return switch states[node] {
    case .succeeded: false
    case .failed: !graph.nodes[node].continuesOnError || graph.nodes[dependent].sources.contains { $0.node == node }
    case .waiting, .queued, .running, .retrying, .skipped, .cancelled: true
    }
  }

  /// Decides on a node that waits for nothing more, or whose end nothing more can change.
  mutating func settle(_ node: Int, _ actions: inout [Action]) {
    if let nested = graph.nodes[node].nested { return settle(node, nested, &actions) }
    guard let condition = graph.nodes[node].condition else {
      guard cancellation == nil else { return move(node, to: .cancelled, &actions) }
      if let blocker = graph.nodes[node].dependencies.first(where: { states[$0].isTerminal && blocks($0, node) }) {
        skip(node, because(of: blocker), &actions)
      } else {
        proceed(node, &actions)
      }
      return
    }
    do throws(Expression.Problem) {
      guard try condition.decide(needs: needs(of: node), status: status(of: node)) else {
        return skip(node, .condition, &actions)
      }
    } catch {
      return failForGood(node, NodeFailure(ofCondition: error, of: graph.nodes[node].name), &actions)
    }
    // Whatever its condition says, it can't run without its inputs.
    if let source = graph.nodes[node].sources.first(where: { states[$0.node] != .succeeded }) {
      return skip(node, because(of: source.node), &actions)
    }
    if cancellation != nil { cleanups.insert(node) }
    proceed(node, &actions)
  }

  /// What conditions see of the nodes that a node waits for.
  private func needs(of node: Int) -> [NodeName: NodeCondition.Need] {
    var needs: [NodeName: NodeCondition.Need] = [:]
    for index in graph.nodes[node].dependencies {
      needs[graph.nodes[index].name] = Condition.State(states[index]).map { NodeCondition.Need($0) }
    }
    for connection in graph.nodes[node].condition?.reads ?? [] {
      needs[graph.nodes[connection.node].name]?.outputs[connection.port] =
        values[connection].map {
          NodeCondition.value(of: $0, isList: graph.nodes[connection.node].foreach != nil)
        }
    }
    return needs
  }

  private func status(of node: Int) -> NodeCondition.Status {
    let dependencies = graph.nodes[node].dependencies
    return NodeCondition.Status(
      isSuccess: cancellation == nil
        && dependencies.allSatisfy {
          states[$0] == .succeeded || states[$0] == .failed && graph.nodes[$0].continuesOnError
        },
      isFailure: dependencies.contains { index in
        switch states[index] {
        case .failed: !graph.nodes[index].continuesOnError
        case .skipped: if case .dependency(_, _, true)? = skips[index] { true } else { false }
        case .waiting, .queued, .running, .retrying, .succeeded, .cancelled: false
        }
      }, isCancelled: cancellation != nil || dependencies.contains { states[$0] == .cancelled })
  }

  private func because(of blocker: Int) -> SkipReason {
    let name = graph.nodes[blocker].name
    switch skips[blocker] {
    case .dependency(_, let root, let hasFailed): return .dependency(needs: name, root: root, hasFailed: hasFailed)
    case .condition, .workflowCondition: return .dependency(needs: name, root: name, hasFailed: false)
    case nil:
      let isError = states[blocker] == .failed && !graph.nodes[blocker].continuesOnError
      return .dependency(needs: name, root: name, hasFailed: isError)
    }
  }

  mutating func skip(_ node: Int, _ reason: SkipReason, _ actions: inout [Action]) {
    guard cancellation == nil else { return move(node, to: .cancelled, &actions) }
    skips[node] = reason
    move(node, to: .skipped, &actions)
  }

  // MARK: What came of it

  mutating func succeed(_ node: Int, _ success: NodeSuccess, _ actions: inout [Action]) {
    // Readers may have ended since.
    if let added = reserved.removeValue(forKey: node) {
      heldResults -= added
    } else if let failure = refusal(of: node, success) {
      return fail(node, failure, &actions)
    }
    heldResults += hold(success, of: node)
    failures[node] = nil
    move(node, to: .succeeded, &actions)
  }

  mutating func fail(_ node: Int, _ failure: NodeFailure, _ actions: inout [Action]) {
    let policy = graph.nodes[node].policy
    heldResults -= reserved.removeValue(forKey: node) ?? 0
    failures[node] = failure
    if cancellation == nil, let delay = policy.delay(after: failure.kind, retries: retries[node] ?? [:]),
      retry(node, failure, afterMilliseconds: delay, &actions)
    {
      return
    }
    move(node, to: failure.kind == .cancelled ? .cancelled : .failed, &actions)
  }

  mutating func failForGood(_ node: Int, _ failure: NodeFailure, _ actions: inout [Action]) {
    failures[node] = failure
    move(node, to: .failed, &actions)
  }

  /// - Returns: false where another attempt would only end as this one did.
  private mutating func retry(
    _ node: Int, _ failure: NodeFailure, afterMilliseconds delay: Int64, _ actions: inout [Action]
  ) -> Bool {
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
    retries[node, default: [:]][failure.kind, default: 0] += 1
    actions.append(.scheduleRetry(node: node, afterMilliseconds: delay, failure, memory: memory))
    return true
  }

  /// - Parameter isCleanedUp: nodes whose condition says so still run.
  mutating func cancel(_ reason: CancellationReason, isCleanedUp: Bool, _ actions: inout [Action]) {
    cancellation = reason
    actions.append(.cancelRunning)
    for node in graph.nodes.indices {
      switch states[node] {
      case .waiting:
        // Whatever waits for it is there to clean up, perhaps: it waits for what still runs.
        // An instance waits for its turn, and has none any more.
        if !isCleanedUp || graph.nodes[node].item.map({ !cleanups.contains($0.node) }) ?? false {
          move(node, to: .cancelled, &actions)
        }
      case .queued:
        actions.append(.withdraw(node: node))
        move(node, to: .cancelled, &actions)
      case .retrying: move(node, to: .cancelled, &actions)
      // A running node is answered for by its own end.
      case .running, .succeeded, .failed, .skipped, .cancelled: break
      }
    }
  }

  /// What is known of one node: it has ended, or has been tried. A result that lacks what somebody reads now is none.
  mutating func restore(_ node: Int, _ known: Restored) {
    switch known {
    case .tried(let count, let tried, let memory):
      attempts[node] = count
      retries[node] = tried
      raisedMemory[node] = memory
    case .succeeded(let success, let count, _):
      guard missingOutput(of: node, success) == nil else { return }
      hasBegun(partsOf: node)
      attempts[node] = count
      heldResults += hold(success, of: node)
      states[node] = .succeeded
    case .failed(let failure, let count):
      hasBegun(partsOf: node)
      attempts[node] = count
      failures[node] = failure
      states[node] = .failed
    }
  }

  /// What is known from before.
  mutating func restore(_ actions: inout [Action]) {
    for (node, known) in restored.nodes.sorted(by: { $0.key < $1.key }) {
      restore(node, known)
      if states[node] == .succeeded { unchanged.insert(node) }
    }
    // Not before all is known: what one has read another may still have to read.
    for node in graph.nodes.indices where states[node].isTerminal {
      actions.append(.announceRestored(node: node, states[node]))
      hasEnded(node)
    }
  }
}

extension NodeFailure {
  /// Of a condition that has no value.
  init(ofCondition problem: Expression.Problem, of node: NodeName) {
    self.init(
      .error, "the condition of the node \(node.text.quoted) has no value",
      cause: problem.why.map { "\(problem.what): \($0)" } ?? problem.what, hint: problem.hint)
  }
}

extension Condition.State {
  /// Nil for a node that hasn't ended.
  init?(_ state: RunMachine.NodeState) {
    switch state {
    case .waiting, .queued, .running, .retrying: return nil
    case .succeeded: self = .succeeded
    case .failed: self = .failed
    case .skipped: self = .skipped
    case .cancelled: self = .cancelled
    }
  }
}
