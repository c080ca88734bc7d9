import PluginModel

/// What happens in a run, for observers. Times are milliseconds since the run began.
package struct RunEvent: Sendable {
  package enum Content: Sendable {
    case runStarted(run: String, workflow: String, nodes: [NodeName])
    /// A node with `foreach` stands for so many instances now, `NODE[0]` and so on.
    case nodesAdded(count: Int)
    case nodeState(RunMachine.NodeState, attempt: Int)
    /// The attempt failed, and another follows: with so many bytes of memory, where the one before ran out of it.
    case nodeRetry(NodeFailure, afterMilliseconds: Int64, memory: UInt64?)
    case nodeReport(NodeReport)
    case nodeFailed(NodeFailure)
    case runFinished(RunOutcome)
  }

  package var milliseconds: Int64
  package var node: NodeName?
  package var content: Content
  /// Of a node that has ended: from its first start; nil where it never started, and for every other event.
  package var duration: Int64?
  /// Of a node that was skipped.
  package var skip: SkipReason?
  /// Of a node that has ended, all its attempts together; nothing for every other event.
  package var account: NodeAccount
  /// Of a node that has succeeded: its result was there already.
  package var isCached: Bool

  package init(
    milliseconds: Int64, node: NodeName?, content: Content, duration: Int64? = nil, skip: SkipReason? = nil,
    account: NodeAccount = NodeAccount(), isCached: Bool = false
  ) {
    self.account = account
    self.isCached = isCached
    self.milliseconds = milliseconds
    self.node = node
    self.content = content
    self.duration = duration
    self.skip = skip
  }
}

/// Why a node was not run.
package enum SkipReason: Hashable, Sendable, CustomStringConvertible {
  /// Its own `if` said no.
  case condition
  /// The `if` of a node with `workflow` said no, which this node is one of the nodes of.
  /// - condition: as it is written.
  case workflowCondition(of: NodeName, condition: String)
  /// - needs: what it waited for.
  /// - root: what that didn't come of: `needs` itself, or a node before it.
  /// - hasFailed: `root` has failed; false: it was skipped by its `if`, or has no output though its failure is no error.
  case dependency(needs: NodeName, root: NodeName, hasFailed: Bool)

  package init(needs: NodeName, failed: NodeName) {
    self = .dependency(needs: needs, root: failed, hasFailed: true)
  }

  package var description: String {
    switch self {
    case .condition: "its condition is false"
    case .workflowCondition(let node, let condition): "the condition of \(node) is false: \(condition.quoted)"
    case .dependency(let needs, let root, true):
      needs == root ? "needs \(needs), which failed" : "needs \(needs), which was skipped because \(root) failed"
    case .dependency(let needs, let root, false):
      needs == root
        ? "needs \(needs), which has no result" : "needs \(needs), which was skipped because \(root) has no result"
    }
  }
}

/// How a run ended.
package enum RunOutcome: String, CaseIterable, Sendable {
  case succeeded
  case failed
  /// At least one node could not get its sandbox.
  case sandboxUnavailable
  case deadlineExceeded
  case interrupted
  /// What happened could not be written down any more.
  case stateLost

  /// Of `orchestrator run`: 124 as timeout(1), 130 as a shell says for SIGINT.
  package var exitCode: Int32 {
    switch self {
    case .succeeded: 0
    case .failed: 1
    case .sandboxUnavailable: 3
    case .deadlineExceeded: 124
    case .interrupted: 130
    case .stateLost: 2
    }
  }
}

/// Everything there is to say of a run that has ended.
package struct RunReport: Sendable {
  package struct Node: Sendable {
    package var name: NodeName
    package var type: NodeTypeReference
    /// Of its plugin; nil: not known.
    package var version: SemanticVersion? = nil
    package var state: RunMachine.NodeState
    package var attempts: Int
    /// From the first start to the end; nil where it never started.
    package var milliseconds: Int64?
    package var isFallback: Bool
    /// Its result was there already: nothing ran.
    package var isCached = false
    package var failure: NodeFailure?
    /// Its failure isn't the run's.
    package var continuesOnError = false
    /// Of a node that was skipped.
    package var skip: SkipReason?
    /// Of all its attempts together.
    package var account = NodeAccount()
    /// The size of all that it was given; nil where it never started.
    package var inputBytes: Int? = nil
  }

  package var run: String
  package var workflow: String
  package var outcome: RunOutcome
  package var milliseconds: Int64
  /// In the order of the file; then the instances of nodes with `foreach`, as they came to be.
  package var nodes: [Node]
  /// Why the run could not be kept: it is known here alone.
  package var stateFailure: StateFailure?
  /// Those whose node succeeded.
  package var outputs: [(name: ParameterName, values: [NodeValue])]
  /// Those that are lists even where they have one value.
  package var lists: Set<ParameterName> = []
}
