import PluginModel

/// What a journal says of a run: where each of its nodes stands. Pure: a fold over the records, in their order.
///
/// A run that was cut off goes on exactly where it was: an attempt that hadn't ended is made again under its number, and a node that
/// had failed for good has failed. A run that had ended and is gone on with tries all that didn't succeed anew.
package struct RunHistory: Sendable {
  package enum Standing: Sendable {
    /// It hasn't ended, or never began.
    case open
    case succeeded(StoredResult)
    case failed(NodeFailure)
    case skipped(SkipReason)
    case cancelled
  }

  package struct Node: Sendable {
    /// That have ended.
    package var attempts = 0
    /// That were followed by another, by the kind of their failure.
    package var retries: [NodeFailure.Class: Int] = [:]
    /// An attempt was started and hadn't ended.
    package var isRunning = false
    package var standing = Standing.open
    /// Bytes that its next attempt is to have, because one before ran out of less.
    package var raisedMemory: UInt64?
  }

  package private(set) var nodes: [NodeName: Node] = [:]
  /// Nil: it runs, or was cut off.
  package private(set) var outcome: RunOutcome?

  package init() {}

  package init(_ records: some Sequence<JournalRecord>) {
    for record in records { apply(record) }
  }

  package subscript(node: NodeName) -> Node { nodes[node] ?? Node() }

  package mutating func apply(_ record: JournalRecord) {
    switch record.content {
    case .began: goOn()
    case .started(let node, _): nodes[node, default: Node()].isRunning = true
    case .retried(let node, let attempt, let failure, let memory):
      change(node) { node in
        node.attempts = attempt
        node.retries[failure.kind, default: 0] += 1
        if let memory { node.raisedMemory = memory }
      }
    case .succeeded(let node, let result):
      change(node) { node in
        node.attempts = result.attempts
        node.standing = .succeeded(result)
      }
    case .failed(let node, let attempts, let failure):
      change(node) { node in
        node.attempts = attempts
        node.standing = .failed(failure)
      }
    case .skipped(let node, let reason): change(node) { $0.standing = .skipped(reason) }
    case .cancelled(let node): change(node) { $0.standing = .cancelled }
    case .finished(let outcome): self.outcome = outcome
    }
  }

  private mutating func change(_ name: NodeName, _ body: (inout Node) -> Void) {
    nodes[name, default: Node()].isRunning = false
    body(&nodes[name, default: Node()])
  }

  /// The run begins, or is gone on with: what that means for its nodes.
  package mutating func goOn() {
    let wasEnded = outcome != nil
    outcome = nil
    for (name, node) in nodes {
      nodes[name]?.isRunning = false
      switch node.standing {
      case .open: break
      case .succeeded: continue
      // The machine skips again what can't run; a cancellation that was under way when the run was cut off is over.
      case .skipped, .cancelled: nodes[name]?.standing = .open
      case .failed: if wasEnded { nodes[name]?.standing = .open }
      }
      if wasEnded { nodes[name] = Node() }
    }
  }
}

extension RunHistory {
  /// What of a graph need not be done again. A node with `foreach` always begins anew, and finds its instances.
  /// - Parameter result: brings the outputs of a node back; nil where they are no longer there, so that it runs again.
  package func restored(
    _ graph: WorkflowGraph, result: (NodeName, StoredResult) -> [(port: PortName, values: [NodeValue])]?
  ) -> RestoredRun {
    var restored: RestoredRun = [:]
    let foreach = Set(graph.nodes.filter { $0.foreach != nil }.map(\.name))
    for (index, node) in graph.nodes.enumerated() where node.foreach == nil {
      restored.nodes[index] = self.restored(node.name, result)
    }
    guard !foreach.isEmpty else { return restored }
    for name in nodes.keys where name.matrixNode.map(foreach.contains) ?? false {
      restored.instances[name] = self.restored(name, result)
    }
    return restored
  }

  private func restored(
    _ name: NodeName, _ result: (NodeName, StoredResult) -> [(port: PortName, values: [NodeValue])]?
  ) -> RunMachine.Restored? {
    guard let known = nodes[name] else { return nil }
    switch known.standing {
    case .succeeded(let stored):
      return result(name, stored).map { outputs in
        .succeeded(
          NodeSuccess(outputs: outputs, isFallback: stored.isFallback, isCached: stored.isCached),
          attempts: stored.attempts, milliseconds: stored.milliseconds)
      }
    case .failed(let failure): return .failed(failure, attempts: known.attempts)
    case .open, .skipped, .cancelled:
      guard known.attempts > 0 else { return nil }
      return .tried(attempts: known.attempts, retries: known.retries, raisedMemory: known.raisedMemory)
    }
  }
}
