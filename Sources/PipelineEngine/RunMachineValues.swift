import PluginModel

// The values that are on their way from one node to another.

extension RunMachine {
  /// Asked before a node's success takes effect outside: nil, and what it returned has its place; or why the node has failed.
  package mutating func offer(_ node: Int, _ success: NodeSuccess) -> NodeFailure? {
    guard cancellation == nil || cleanups.contains(node) else {
      return NodeFailure(.cancelled, "the node was cancelled")
    }
    return reserve(node, success)
  }

  private mutating func reserve(_ node: Int, _ success: NodeSuccess) -> NodeFailure? {
    if let failure = refusal(of: node, success) { return failure }
    let added = heldCount(of: node, success)
    heldResults += added
    reserved[node] = added
    return nil
  }

  /// Why a result can't be taken in; nil: it can.
  func refusal(of node: Int, _ success: NodeSuccess) -> NodeFailure? {
    if let missing = missingOutput(of: node, success) {
      // The worker's word is not enough: a reader of this output could never start.
      return NodeFailure(
        .error, "the node \(graph.nodes[node].name.text.quoted) returned no output \(missing.text.quoted)",
        cause: "another node or the workflow's outputs read it",
        hint: "the plugin's execute() must return a value for each of its outputs")
    }
    let added = heldCount(of: node, success)
    return added <= maximumHeldResults - heldResults ? nil : tooManyResults(of: node, adding: added)
  }

  /// How many of those that somebody reads take a descriptor of this process.
  private func heldCount(of node: Int, _ success: NodeSuccess) -> Int {
    // Of most results none takes one, whoever reads them.
    guard success.outputs.contains(where: { $0.values.sharedCount > 0 }) else { return 0 }
    return wanted(of: node, success).reduce(0) { $0 + $1.values.sharedCount }
  }

  /// Those that somebody reads.
  func wanted(of node: Int, _ success: NodeSuccess) -> [(port: PortName, values: [NodeValue])] {
    let node = written(node)
    return success.outputs.filter { remainingReaders.contains(WorkflowGraph.Connection(node: node, port: $0.port)) }
  }

  /// - Returns: how many of them take a descriptor of this process.
  mutating func hold(_ success: NodeSuccess, of node: Int) -> Int {
    if let item = graph.nodes[node].item {
      let wanted = wanted(of: node, success)
      expansions[item.node]?.results[item.index] = wanted
      return wanted.reduce(0) { $0 + $1.values.sharedCount }
    }
    var count = 0
    for (port, outputs) in success.outputs {
      let connection = WorkflowGraph.Connection(node: node, port: port)
      guard remainingReaders.contains(connection) else { continue }
      values[connection] = outputs
      count += outputs.sharedCount
    }
    return count
  }

  /// `node` reads nothing any more: values that nobody else waits for are let go, so that a long run holds no more than
  /// what is still needed.
  mutating func releaseInputs(of node: Int) {
    // What an instance reads, its node reads until all of them have ended.
    guard graph.nodes[node].item == nil else { return }
    for (_, connection) in wholeLists[node] ?? [] {
      joinedReaders[connection, default: 0] -= 1
      if joinedReaders[connection] == 0 { joined[connection] = nil }
    }
    for input in graph.nodes[node].inputs {
      for connection in input.source.connections { release(connection) }
    }
    for connection in graph.readByConditions(of: node) { release(connection) }
  }

  /// One less reads it.
  private mutating func release(_ connection: WorkflowGraph.Connection) {
    guard remainingReaders.remove(connection) else { return }
    if let released = values.removeValue(forKey: connection) { heldResults -= released.sharedCount }
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
  func missingOutput(of node: Int, _ success: NodeSuccess) -> PortName? {
    wantedPorts[written(node)].filter { wanted in
      !success.outputs.contains { $0.port == wanted && !$0.values.isEmpty }
    }.min()
  }

  /// The node that the workflow has: the node itself, or that of whose items it is one.
  func written(_ node: Int) -> Int { graph.nodes[node].item?.node ?? node }

  func call(of index: Int) -> NodeCall {
    let item = graph.nodes[index].item
    var call = NodeCall(
      run: run, node: graph.nodes[index].name, prepared: graph.nodes[written(index)].name,
      type: graph.nodes[index].type, parameters: graph.nodes[index].parameters,
      inputs: graph.nodes[index].inputs.map { ($0.port, values(of: $0, item), $0.multiple) },
      attempt: attempts[index], timeoutMilliseconds: graph.nodes[index].policy.timeoutMilliseconds,
      raisedMemory: raisedMemory[index])
    call.usual = graph.nodes[index].shared.usual
    return call
  }

  private func values(of input: WorkflowGraph.Input, _ item: WorkflowGraph.Item?) -> [NodeValue] {
    switch input.source {
    case .connections(let connections):
      if !input.multiple, let list = connections.first.flatMap({ joined[$0] }) { return [list] }
      // Of most inputs: the list as it is held, and no copy.
      if connections.count == 1 { return values[connections[0]] ?? [] }
      return connections.flatMap { values[$0] ?? [] }
    case .item: return item.flatMap { expansions[$0.node]?.items[$0.index] }.map { [$0] } ?? []
    case .defaultValue(let value):
      if input.multiple, case .array(let items) = value { return items.map(NodeValue.init(json:)) }
      return [NodeValue(json: value)]
    }
  }
}

extension WorkflowGraph {
  /// What is kept until a node has ended because its own condition reads it, or that of a workflow around it. Not of the node itself: it
  /// would be copied.
  func readByConditions(of node: Index) -> [Connection] {
    (nodes[node].condition?.reads ?? []) + (nodes[node].nested?.reads ?? [])
  }
}
