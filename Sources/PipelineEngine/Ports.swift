import PluginModel
import Scheduling

/// Runs one node. The engine neither knows nor asks how: in the product it is a worker in a sandbox.
package protocol NodeExecutor: Sendable {
  /// Runs to a result, or throws. Cancelling the calling task cancels the node, and this returns only when everything
  /// the node used is gone.
  /// - Parameter accept: to be asked once, before the node's success has an effect outside of the run. What it answers is to be
  ///   returned; when it throws, nothing of the node may take effect, and that failure is to be thrown.
  func execute(
    _ call: NodeCall, report: @escaping @Sendable (NodeReport) -> Void,
    accept: @escaping NodeAcceptance
  ) async throws(NodeFailure) -> NodeSuccess

  /// What the node's plugin says that the result depends on, beside its own code: of two calls with one answer the results are the
  /// same. Asked only where its type says that it answers.
  /// - Returns: nil where it says nothing.
  func ownKey(of call: NodeCall) async throws(NodeFailure) -> String?
}

extension NodeExecutor {
  package func ownKey(of call: NodeCall) async throws(NodeFailure) -> String? { nil }
}

/// Takes what a node returned into the run: its place among the results that are held, and where it is kept.
package typealias NodeAcceptance = @Sendable (NodeSuccess) async throws(NodeFailure) -> NodeSuccess

/// One attempt at one node.
package struct NodeCall: Sendable {
  package var run: String
  package var node: NodeName
  /// The node that the workflow has: `node`, or that of whose items it is one. What was made ready for it goes by this name.
  package var prepared: NodeName
  package var type: NodeTypeReference
  /// After interpolation and with defaults filled in.
  package var parameters: [(name: ParameterName, value: JSONValue)]
  /// Digests of values that its parameters may have.
  var usual: UsualValues?
  /// In the order of the ports; several values only where the port is `multiple`.
  package var inputs: [(port: PortName, values: [NodeValue], multiple: Bool)]
  /// From 1.
  package var attempt: Int
  /// From the call to its result; nil: none.
  package var timeoutMilliseconds: Int64?
  /// Bytes of memory that it is to have at least, because the attempt before ran out of less; nil: nothing of the kind.
  package var raisedMemory: UInt64?
  /// The devices that it was assigned: it is to have these, and no others.
  package var gpus: [GPUGrant] = []

  package init(
    run: String, node: NodeName, prepared: NodeName? = nil, type: NodeTypeReference,
    parameters: [(name: ParameterName, value: JSONValue)],
    inputs: [(port: PortName, values: [NodeValue], multiple: Bool)], attempt: Int, timeoutMilliseconds: Int64?,
    raisedMemory: UInt64? = nil
  ) {
    self.run = run
    self.node = node
    self.prepared = prepared ?? node
    self.type = type
    self.parameters = parameters
    self.inputs = inputs
    self.attempt = attempt
    self.timeoutMilliseconds = timeoutMilliseconds
    self.raisedMemory = raisedMemory
  }
}

/// What a node tells while it runs.
package enum NodeReport: Sendable {
  /// The call has reached the worker.
  case started
  case progress(fraction: Double?, message: String)
  case log(level: LogLevel, message: String)
  /// A line of the worker's standard output or standard error.
  case output(line: String, isError: Bool)
  /// What the tests said that it ran: once, before it ends.
  case tests(TestReport)

  package enum LogLevel: String, CaseIterable, Sendable {
    case debug
    case info
    case warning
    case error
  }
}

/// The outputs of a node, by port.
package struct NodeSuccess: Sendable {
  package var outputs: [(port: PortName, values: [NodeValue])]
  /// The plugin's `on_error` supplied them.
  package var isFallback: Bool
  /// It was there already: nothing ran.
  package var isCached: Bool
  /// What the attempt used.
  package var account: NodeAccount
  /// What it was kept as; nil: it isn't.
  package var kept: StoredResult?

  package init(
    outputs: [(port: PortName, values: [NodeValue])], isFallback: Bool = false, isCached: Bool = false,
    account: NodeAccount = NodeAccount(), kept: StoredResult? = nil
  ) {
    self.kept = kept
    self.outputs = outputs
    self.isFallback = isFallback
    self.isCached = isCached
    self.account = account
  }
}

/// Why a node has no result. The class decides retries and the exit code; the words are for people.
package struct NodeFailure: Error, Sendable {
  package enum Class: String, CaseIterable, Sendable {
    /// The plugin's code raised, or refused its inputs.
    case error
    /// The worker died, or broke the protocol.
    case crash
    case timeout
    /// The kernel ended it at its limit of memory.
    case oom
    case cancelled
    /// The sandbox could not be built: nothing of the plugin ran.
    case sandbox
  }
  package var kind: Class
  /// One sentence: what failed.
  package var message: String
  /// What lies behind it: the exception, the signal, the refused step.
  package var cause: String?
  package var hint: String?
  /// The plugin's own traceback, where there is one.
  package var traceback: String?
  /// The last lines the worker wrote, oldest first, bounded.
  package var lastOutput: [String]
  /// What the attempt used.
  package var account: NodeAccount

  package init(
    _ kind: Class, _ message: String, cause: String? = nil, hint: String? = nil, traceback: String? = nil,
    lastOutput: [String] = [], account: NodeAccount = NodeAccount()
  ) {
    self.account = account
    self.kind = kind
    self.message = message
    self.cause = cause
    self.hint = hint
    self.traceback = traceback
    self.lastOutput = lastOutput
  }
}
