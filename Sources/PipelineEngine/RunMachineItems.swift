import PluginModel

// A node with `foreach`: how one node becomes many once its list is there, and one result again.

extension RunMachine {
  /// The instances of one node, until all have ended.
  struct Expansion: Sendable {
    let items: [NodeValue]
    /// The first instance; the others follow.
    let first: Int
    /// By item: the outputs that are read. Nil: it hasn't succeeded.
    var results: [[(port: PortName, values: [NodeValue])]?]
    /// Instances that haven't ended.
    var open: Int
    /// The first item that hasn't had its turn.
    var next = 0
    /// Instances that have had their turn and haven't ended.
    var underWay = 0
    /// Nothing of it is new.
    var isUnchanged: Bool

    var instances: Range<Int> { first..<(first + items.count) }
  }

  /// Instances of one node that are looked up, queued or running at one time: what waits for its turn costs no task and no place in a queue.
  static let instancesUnderWay = 1024

  /// What `node` waits for is there, and it is to run.
  mutating func proceed(_ node: Int, _ actions: inout [Action]) {
    do throws(NodeFailure) {
      try joinInputs(of: node)
      guard let foreach = graph.nodes[node].foreach else { return enqueue(node, &actions) }
      expand(node, foreach, try items(of: node, foreach), &actions)
    } catch {
      failForGood(node, error, &actions)
    }
  }

  // MARK: Items

  private func items(of node: Int, _ foreach: WorkflowGraph.Foreach) throws(NodeFailure) -> [NodeValue] {
    let found: [NodeValue]
    let source: String
    switch graph.nodes[node].inputs.first(where: { $0.port == foreach.port })?.source {
    case .connections(let connections)?:
      found = connections.flatMap { values[$0] ?? [] }
      source = connections.first.map { "\(graph.nodes[$0.node].name).\($0.port)".quoted } ?? "nothing"
    case .defaultValue(let list)?:
      found = [NodeValue(json: list)]
      source = "its list"
    case .item?, nil: return []
    }
    func refusal(_ cause: String, _ hint: String) -> NodeFailure {
      NodeFailure(
        .error,
        "the node \(graph.nodes[node].name.text.quoted) can't run for each item of its input \(foreach.port.text.quoted)",
        cause: cause, hint: hint)
    }
    var items = found
    var count = found.count
    if !foreach.isSpread, let list = found.first, found.count == 1 {
      do throws(ListProblem) { (items, count) = try list.listItems() } catch {
        throw refusal("\(source) \(error.what)", error.hint)
      }
    }
    guard count <= Workflow.maximumForeachItems else {
      throw refusal(
        "\(source) has \(count) items, and there may be \(Workflow.maximumForeachItems)",
        "let an item stand for several: a list of lists")
    }
    guard count <= Workflow.maximumRunItems - instanceCount else {
      throw refusal(
        "\(source) has \(count) items, the run had \(instanceCount) before, and there may be \(Workflow.maximumRunItems)",
        "let an item stand for several, or make several runs of it")
    }
    return items
  }

  // MARK: Instances

  private mutating func expand(
    _ node: Int, _ foreach: WorkflowGraph.Foreach, _ items: [NodeValue], _ actions: inout [Action]
  ) {
    let first = graph.nodes.count
    addInstances(of: node, foreach, count: items.count)
    let isBefore = graph.nodes[node].sources.allSatisfy { unchanged.contains($0.node) }
    expansions[node] = Expansion(
      items: items, first: first, results: Array(repeating: nil, count: items.count), open: items.count,
      isUnchanged: isBefore)
    move(node, to: .running, &actions)
    actions.append(.expanded(node: node, instances: first..<graph.nodes.count))
    // Of another list the same number would be another item.
    if isBefore { for instance in first..<graph.nodes.count { restore(instance, of: node, &actions) } }
    goOn(with: node, &actions)
  }

  private mutating func addInstances(of node: Int, _ foreach: WorkflowGraph.Foreach, count: Int) {
    var instance = graph.nodes[node]
    let name = instance.name
    instance.foreach = nil
    instance.condition = nil
    instance.nested = nil
    instance.dependencies = []
    instance.dependents = []
    for index in instance.inputs.indices where instance.inputs[index].port == foreach.port {
      instance.inputs[index].source = .item
    }
    for index in 0..<count {
      instance.name = NodeName(instance: index, of: name)
      instance.item = WorkflowGraph.Item(node: node, index: index)
      graph.nodes.append(instance)
    }
    states += repeatElement(.waiting, count: count)
    attempts += repeatElement(0, count: count)
    openCount += count
    instanceCount += count
  }

  private mutating func restore(_ instance: Int, of node: Int, _ actions: inout [Action]) {
    guard let known = restored.instances.removeValue(forKey: graph.nodes[instance].name) else { return }
    restore(instance, known)
    guard states[instance].isTerminal else { return }
    restored.nodes[instance] = known
    actions.append(.announceRestored(node: instance, states[instance]))
    openCount -= 1
    expansions[node]?.open -= 1
  }

  mutating func instanceHasEnded(of node: Int, _ actions: inout [Action]) {
    expansions[node]?.open -= 1
    expansions[node]?.underWay -= 1
    goOn(with: node, &actions)
  }

  /// Those whose turn it is begin; the node ends with the last of them.
  private mutating func goOn(with node: Int, _ actions: inout [Action]) {
    while let expansion = expansions[node], expansion.next < expansion.items.count,
      expansion.underWay < Self.instancesUnderWay
    {
      let instance = expansion.first + expansion.next
      expansions[node]?.next += 1
      guard states[instance] == .waiting else { continue }
      expansions[node]?.underWay += 1
      expansions[node]?.isUnchanged = false
      if cleanups.contains(node) { cleanups.insert(instance) }
      enqueue(instance, &actions)
    }
    if expansions[node]?.open == 0 { end(node, &actions) }
  }

  // MARK: What came of them

  private mutating func end(_ node: Int, _ actions: inout [Action]) {
    guard let expansion = expansions.removeValue(forKey: node) else { return }
    let failed = expansion.instances.filter { states[$0] == .failed }
    let isCancelled = expansion.instances.contains { states[$0] == .cancelled }
    if isCancelled, cancellation != nil || failed.isEmpty {
      drop(expansion)
      return move(node, to: .cancelled, &actions)
    }
    if let first = failed.first, !graph.nodes[node].continuesItself {
      drop(expansion)
      return failForGood(node, failure(of: node, failed.count, of: expansion.items.count, first), &actions)
    }
    if expansion.isUnchanged { unchanged.insert(node) }
    var released = 0
    for port in graph.outputs(of: node).map(\.name) {
      let results = expansion.results.lazy.map { $0?.first { $0.port == port }?.values }
      let connection = WorkflowGraph.Connection(node: node, port: port)
      if remainingReaders.contains(connection) {
        // In the place of an item that has failed there is null, so that the others keep theirs.
        values[connection] = results.flatMap { $0 ?? [NodeValue(json: .null)] }
      } else {
        // Its readers have ended meanwhile.
        released += results.reduce(0) { $0 + ($1?.sharedCount ?? 0) }
      }
    }
    heldResults -= released
    move(node, to: .succeeded, &actions)
  }

  /// Nobody will read what its instances have yielded.
  private mutating func drop(_ expansion: Expansion) {
    for case let result? in expansion.results { heldResults -= result.reduce(0) { $0 + $1.values.sharedCount } }
  }

  private func failure(of node: Int, _ count: Int, of all: Int, _ first: Int) -> NodeFailure {
    let name = graph.nodes[node].name.text.quoted
    guard let failure = failures[first] else {
      return NodeFailure(.error, "the node \(name) has failed for \(count) of \(all) items")
    }
    return NodeFailure(
      failure.kind, "the node \(name) has failed for \(count) of \(all) items",
      cause: "\(graph.nodes[first].name): \(failure.message)" + (failure.cause.map { ": \($0)" } ?? ""),
      hint: failure.hint)
  }

  // MARK: Lists for inputs that take one value

  private mutating func joinInputs(of node: Int) throws(NodeFailure) {
    for (port, connection) in wholeLists[node] ?? [] where joined[connection] == nil {
      do throws(ListProblem) { joined[connection] = try NodeValue(listOf: values[connection] ?? []) } catch {
        throw NodeFailure(
          .error,
          "the input \(port.text.quoted) of the node \(graph.nodes[node].name.text.quoted) takes one value, "
            + "and there is none for all items",
          cause: "\("\(graph.nodes[connection.node].name).\(connection.port)".quoted) \(error.what)", hint: error.hint)
      }
    }
  }
}

extension WorkflowGraph {
  /// Of a node, the inputs that take one value and get all that an output of several values has yielded, as one list.
  func wholeLists(of node: Index) -> [(port: PortName, connection: Connection)] {
    nodes[node].inputs.compactMap { input in
      guard !input.multiple, input.port != nodes[node].foreach?.port,
        case .connections(let connections) = input.source, let connection = connections.first,
        nodes[connection.node].foreach != nil || isMultiple(connection)
      else { return nil }
      return (input.port, connection)
    }
  }

  /// Whether the output has as many values as its node returns, and none may be.
  func isMultiple(_ connection: Connection) -> Bool {
    nodes[connection.node].shared.isMultiple(connection.port)
  }
}
