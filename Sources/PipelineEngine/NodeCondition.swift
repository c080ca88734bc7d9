import PluginModel

/// `if:` of a node of a graph: what it reads is resolved, and the workflow's inputs and the matrix are bound. Pure; whoever runs the graph
/// asks it once, when everything that the node waits for has ended.
package struct NodeCondition: Sendable {
  package typealias State = Condition.State

  /// How a node that is waited for has ended.
  package struct Need: Sendable {
    package var state: State
    /// Those of ``NodeCondition/reads`` that it has, each by ``NodeCondition/value(of:)``.
    package var outputs: [PortName: JSONValue]
    package init(_ state: State, outputs: [PortName: JSONValue] = [:]) {
      self.state = state
      self.outputs = outputs
    }
  }

  /// What the status functions say. Counted by whoever runs the graph, which has the counts anyway.
  package struct Status: Hashable, Sendable {
    /// `success()`: everything that the node waits for has succeeded.
    package var isSuccess: Bool
    /// `failure()`: something of it has failed, or was skipped because something failed.
    package var isFailure: Bool
    /// `cancelled()`: something of it was cancelled, or the run is.
    package var isCancelled: Bool

    package init(isSuccess: Bool, isFailure: Bool = false, isCancelled: Bool = false) {
      self.isSuccess = isSuccess
      self.isFailure = isFailure
      self.isCancelled = isCancelled
    }

    /// Every one that there can be.
    static let all: [Status] = [(true, false), (false, true), (false, false)].flatMap { success, failure in
      [false, true].map { Status(isSuccess: success, isFailure: failure, isCancelled: $0) }
    }

    fileprivate var answers: [StatusFunction: Bool] {
      [.success: isSuccess, .failure: isFailure, .cancelled: isCancelled, .always: true]
    }
  }

  /// What it reads of a node as it is written.
  struct Source: Sendable {
    var name: String
    /// The node, or all its instances.
    var nodes: [Int]
    var instances: [NodeName]
    /// Whether the node has a matrix.
    var isList: Bool
    var ports: [PortName]
    /// Where it stood for a workflow: which, one for each instance of its matrix.
    var parts: [Int]?
    /// Then where its outputs come from.
    var cells: [PortName: Cells] = [:]
  }

  /// Where an output of a workflow comes from: outputs of its nodes.
  struct Cells: Sendable {
    var isList: Bool
    var names: [NodeName] = []
    var connections: [WorkflowGraph.Connection] = []
  }

  /// The longest text of a value that a condition sees.
  package static let longestValue = 64 << 10

  /// As the workflow has it.
  let written: String
  let expression: Expression
  /// The values of `inputs` and `matrix` that it reads.
  let bound: [String: [String: JSONValue]]
  let sources: [Source]

  /// The outputs that must be kept until it was asked.
  package var reads: [WorkflowGraph.Connection] {
    sources.flatMap { source in
      guard source.parts == nil else { return source.cells.values.flatMap(\.connections) }
      return source.nodes.flatMap { node in source.ports.map { WorkflowGraph.Connection(node: node, port: $0) } }
    }
  }

  /// Whether the node runs.
  /// - Parameters:
  ///   - needs: by the name in the graph, at least those that it reads: what isn't there is null.
  ///   - status: of everything that the node waits for.
  /// - Throws: the part of the condition that has no value: the node can neither run nor be skipped, and has failed.
  package func decide(needs: [NodeName: Need], status: Status) throws(Expression.Problem) -> Bool {
    var scope = ExpressionScope(bound, status: status.answers)
    scope.roots["needs"] = Dictionary(sources.map { ($0.name, $0.value(needs)) }) { first, _ in first }
    let value = try expression.evaluate(in: scope)
    guard case .bool(let answer) = value else {
      throw Expression.Problem(
        "the condition must be true or false", why: "it is a \(value.typeName)",
        hint: "compare it with something, for example with != ''")
    }
    return answer
  }

  /// An output as conditions see it: null for what isn't there, isn't JSON, or is longer than ``longestValue``.
  /// - Parameter isList: it is a list, however many values there are.
  package static func value(of values: [NodeValue], isList: Bool = false) -> JSONValue {
    guard values.count != 1 || isList else { return value(of: values[0]) }
    guard isList || !values.isEmpty, values.reduce(0, { $0 + min($1.byteCount, longestValue + 1) }) <= longestValue
    else {
      return .null
    }
    return .array(values.map { value(of: $0) })
  }

  private static func value(of value: NodeValue) -> JSONValue {
    guard value.codec == .json, value.byteCount <= longestValue else { return .null }
    let bytes: [UInt8]?
    switch value.content {
    case .inline(let content): bytes = content
    case .shared(let shared): bytes = try? shared.prefix(longestValue)
    }
    return bytes.flatMap { try? JSONValue(json: $0) } ?? .null
  }
}

extension NodeCondition.Source {
  fileprivate func value(_ needs: [NodeName: NodeCondition.Need]) -> JSONValue {
    let found = instances.map { needs[$0] }
    let outputs = ports.map { port in
      if let cells = cells[port] {
        let values = zip(cells.names, cells.connections).map { needs[$0]?.outputs[$1.port] ?? .null }
        return JSONValue.Member(port.text, cells.isList ? .array(values) : values.first ?? .null)
      }
      let values = found.map { $0?.outputs[port] ?? .null }
      return JSONValue.Member(port.text, isList ? .array(values) : values.first ?? .null)
    }
    let state = NodeCondition.State(of: found.compactMap { $0?.state })
    return .object([
      .init("state", state.map { .string($0.rawValue) } ?? .null), .init("outputs", .object(outputs)),
    ])
  }
}

extension Condition.State {
  /// That of a node with a matrix: the worst of its instances, but skipped only where all are. Nil for none.
  package init?(of instances: [Condition.State]) {
    guard !instances.isEmpty else { return nil }
    if let worst = [Self.failed, .cancelled].first(where: instances.contains) {
      self = worst
    } else {
      self = instances.contains(.succeeded) ? .succeeded : .skipped
    }
  }
}
