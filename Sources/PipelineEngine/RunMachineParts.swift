import PluginModel

// Workflows that nodes stood for. Such a part of the graph begins once, when everything that its node waits for has ended; each of its nodes
// then runs as what it waits for within that workflow says.

extension RunMachine {
  enum PartState: Sendable {
    /// - isCleanup: the run was cancelled before, and the part is there to clean up.
    case begun(isCleanup: Bool)
    case skipped(SkipReason)
    case failed(NodeFailure)
  }

  /// As `settle(_:_:)`, of a node where workflows lie in each other.
  mutating func settle(_ node: Int, _ nested: WorkflowGraph.Nested, _ actions: inout [Action]) {
    var isCleanup = false
    for part in graph.chain(of: nested.part) {
      switch state(of: part, isCleanup: isCleanup) {
      case .begun(let cleans): isCleanup = cleans
      case .skipped(let reason): return skip(node, reason, &actions)
      case .failed(let failure):
        // Told once, by the nodes that would have been the first.
        if let first = nested.entry.all.min() {
          return skip(node, because(of: first, at: nested.entry.depth), &actions)
        }
        return failForGood(node, failure, &actions)
      }
    }
    switch decide(nested.entry, isCancelled: cancellation != nil && !isCleanup, graph.nodes[node].name) {
    case .begun: break
    case .skipped(let reason): return skip(node, reason, &actions)
    case .failed(let failure): return failForGood(node, failure, &actions)
    }
    // Whatever conditions say, it can't run without its inputs.
    if let source = graph.nodes[node].sources.first(where: { states[$0.node] != .succeeded }) {
      return skip(node, because(of: source.node, at: nested.entry.depth), &actions)
    }
    if cancellation != nil { cleanups.insert(node) }
    proceed(node, &actions)
  }

  /// Asked when the first of its nodes has nothing more to wait for, and the same ever after.
  private mutating func state(of part: Int, isCleanup: Bool) -> PartState {
    if let known = parts[part] { return known }
    let entry = graph.parts[part].entry
    var state = decide(entry, isCancelled: cancellation != nil && !isCleanup, graph.parts[part].name)
    if case .skipped(.condition) = state, let condition = entry.condition {
      state = .skipped(.workflowCondition(of: graph.parts[part].name, condition: condition.written))
    }
    parts[part] = state
    return state
  }

  /// What has succeeded or failed before had begun: it isn't asked again.
  mutating func hasBegun(partsOf node: Int) {
    for part in graph.chain(of: graph.nodes[node].nested?.part) { parts[part] = .begun(isCleanup: false) }
  }

  private func decide(_ entry: WorkflowGraph.Entry, isCancelled: Bool, _ name: NodeName) -> PartState {
    guard let condition = entry.condition else {
      // Where the run is cancelled the reason isn't told.
      guard !isCancelled else { return .skipped(.condition) }
      guard let blocker = blocker(of: entry) else { return .begun(isCleanup: cancellation != nil) }
      return .skipped(because(of: blocker, at: entry.depth))
    }
    do throws(Expression.Problem) {
      let isTrue = try condition.decide(needs: needs(of: entry, condition), status: status(of: entry, isCancelled))
      return isTrue ? .begun(isCleanup: cancellation != nil) : .skipped(.condition)
    } catch {
      return .failed(NodeFailure(ofCondition: error, of: name))
    }
  }

  // MARK: What is waited for

  /// Whether a node can't run, now that `node` has ended.
  func blocks(_ node: Int, _ nested: WorkflowGraph.Nested) -> Bool {
    if nested.entry.condition == nil, blocks(node, nested.entry) { return true }
    return graph.chain(of: nested.part).contains { part in
      parts[part] == nil && graph.parts[part].entry.condition == nil && blocks(node, graph.parts[part].entry)
    }
  }

  private func blocks(_ node: Int, _ entry: WorkflowGraph.Entry) -> Bool {
    if entry.members.contains(node), blocksAlone(node, entry) { return true }
    return entry.groups.contains { $0.nodes.contains(node) && blocks(node, $0, entry) }
  }

  private func blocksAlone(_ node: Int, _ entry: WorkflowGraph.Entry) -> Bool {
    switch states[node] {
    case .succeeded: false
    case .failed: entry.sources.contains(node) || !graph.isForgiven(node, at: entry.depth)
    case .waiting, .queued, .running, .retrying, .skipped, .cancelled: true
    }
  }

  /// A workflow is skipped only where all its nodes are.
  private func blocks(_ node: Int, _ group: WorkflowGraph.Group, _ entry: WorkflowGraph.Entry) -> Bool {
    switch states[node] {
    case .succeeded: false
    case .failed: !graph.isForgiven(node, at: entry.depth)
    case .skipped: group.nodes.allSatisfy { states[$0] == .skipped }
    case .waiting, .queued, .running, .retrying, .cancelled: true
    }
  }

  /// The first that has ended and without which nothing begins.
  private func blocker(of entry: WorkflowGraph.Entry) -> Int? {
    if let found = entry.nodes.first(where: { states[$0].isTerminal && blocksAlone($0, entry) }) { return found }
    for group in entry.groups {
      let found = group.nodes.filter { states[$0].isTerminal && states[$0] != .succeeded && blocks($0, group, entry) }
      // What failed says more than what was skipped because of it.
      if let failed = found.filter({ states[$0] == .failed }).min() ?? found.min() { return failed }
    }
    return nil
  }

  private func because(of blocker: Int, at depth: Int) -> SkipReason {
    let name = graph.nodes[blocker].name
    switch skips[blocker] {
    case .dependency(_, let root, let hasFailed):
      return .dependency(needs: name, root: root, hasFailed: hasFailed && !isForgivenAround(blocker, at: depth))
    case .condition, .workflowCondition: return .dependency(needs: name, root: name, hasFailed: false)
    case nil:
      let isError = states[blocker] == .failed && !graph.isForgiven(blocker, at: depth)
      return .dependency(needs: name, root: name, hasFailed: isError)
    }
  }

  /// Whether a workflow around `node` takes no failure of its nodes for one.
  private func isForgivenAround(_ node: Int, at depth: Int) -> Bool {
    graph.chain(of: graph.nodes[node].nested?.part).contains {
      graph.parts[$0].depth >= depth && graph.parts[$0].continuesOnError
    }
  }

  // MARK: What conditions read

  private func status(of entry: WorkflowGraph.Entry, _ isCancelled: Bool) -> NodeCondition.Status {
    let all = entry.all
    func hasEndedWell(_ node: Int) -> Bool {
      states[node] == .succeeded || states[node] == .failed && graph.isForgiven(node, at: entry.depth)
    }
    func hasFailed(_ node: Int) -> Bool {
      switch states[node] {
      case .failed: return !graph.isForgiven(node, at: entry.depth)
      case .skipped:
        guard case .dependency(_, _, true)? = skips[node] else { return false }
        return !isForgivenAround(node, at: entry.depth)
      case .waiting, .queued, .running, .retrying, .succeeded, .cancelled: return false
      }
    }
    let areGroupsWell = entry.groups.allSatisfy { group in
      group.nodes.allSatisfy { hasEndedWell($0) || states[$0] == .skipped }
        && !group.nodes.allSatisfy { states[$0] == .skipped }
    }
    return NodeCondition.Status(
      isSuccess: !isCancelled && entry.nodes.allSatisfy(hasEndedWell) && areGroupsWell,
      isFailure: all.contains(where: hasFailed), isCancelled: isCancelled || all.contains { states[$0] == .cancelled })
  }

  private func needs(
    of entry: WorkflowGraph.Entry, _ condition: NodeCondition
  ) -> [NodeName: NodeCondition.Need] {
    var needs: [NodeName: NodeCondition.Need] = [:]
    for index in entry.all {
      guard var state = Condition.State(states[index]) else { continue }
      // Of a workflow as a whole, what it doesn't take for a failure itself is none.
      if state == .failed, graph.isWithin(index, at: entry.depth), graph.isForgiven(index, at: entry.depth + 1) {
        state = .succeeded
      }
      needs[graph.nodes[index].name] = NodeCondition.Need(state)
    }
    for connection in condition.reads {
      needs[graph.nodes[connection.node].name]?.outputs[connection.port] =
        values[connection].map {
          NodeCondition.value(of: $0, isList: graph.nodes[connection.node].foreach != nil)
        }
    }
    return needs
  }
}
