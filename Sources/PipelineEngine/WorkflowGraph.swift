import PluginModel

/// A workflow that may run: every name resolved, every rule checked, every parameter evaluated. Made only by
/// ``validate(_:catalog:inputs:)``.
package struct WorkflowGraph: Sendable {
  package typealias Index = Int

  package struct Node: Sendable {
    package var name: NodeName
    package var type: NodeTypeReference
    /// Of its type.
    package var specification: NodeSpecification {
      get { shared.value }
      set { shared = SharedType(newValue, version: shared.version) }
    }
    /// The nodes of one type have it in common: it consists of more than all else of a node, and nodes are copied often.
    private(set) var shared: SharedType
    /// In the order of the specification, defaults filled in.
    package var parameters: [(name: ParameterName, value: JSONValue)]
    package var inputs: [Input]
    /// Nodes that must succeed first, ascending: those connected to an input, and `needs`.
    package var dependencies: [Index]
    /// The reverse.
    package var dependents: [Index]
    package var policy: NodePolicy
    /// Its result may be one of an earlier run, as far as the workflow says.
    package var isReusable = true
    package var resources: ResourceRequirement
    /// Units that it holds while it runs.
    package var semaphores: [SemaphoreLabel: Int] = [:]
    /// What it is told and nobody else.
    package var secrets: [SecretName] = []
    /// Of its plugin.
    package var version: SemanticVersion? { shared.version }
    /// Where the workflow names them; what isn't there is the plugin's word.
    package var resourceLocations: [Workflow.ResourcesKey: SourceLocation]
    package var location: SourceLocation
    /// Whether it runs, asked when everything that it waits for has ended; nil: when all of that has succeeded.
    package var condition: NodeCondition?
    /// Its failure isn't the run's, and who only `needs` it sees that it has ended.
    package var continuesOnError = false
    /// Of an instance of a matrix: its values, for people. Put together when it is asked for.
    package var label: String? {
      let labels = [outerLabel, instance?.label].compactMap(\.self)
      return labels.isEmpty ? nil : labels.joined(separator: ", ")
    }
    private let instance: Workflow.Instance?
    /// The label of the workflow that it lies in.
    var outerLabel: String?
    /// Runs once for each item of a list, and is itself never started.
    package var foreach: Foreach?
    /// Of an instance of a node with `foreach`: which it is. Such nodes come to be while the graph runs.
    package var item: Item?

    /// Where workflows lie in each other: what it waits for in its own.
    var nested: Nested?

    init(
      name: NodeName, type: NodeTypeReference, specification: SharedType,
      parameters: [(name: ParameterName, value: JSONValue)], inputs: [Input], dependencies: [Index],
      dependents: [Index], policy: NodePolicy, resources: ResourceRequirement,
      resourceLocations: [Workflow.ResourcesKey: SourceLocation], location: SourceLocation,
      continuesOnError: Bool = false, instance: Workflow.Instance? = nil
    ) {
      self.name = name
      self.type = type
      shared = specification
      self.parameters = parameters
      self.inputs = inputs
      self.dependencies = dependencies
      self.dependents = dependents
      self.policy = policy
      self.resources = resources
      self.resourceLocations = resourceLocations
      self.location = location
      self.continuesOnError = continuesOnError
      self.instance = instance
    }

    /// Whether its worker is to be asked what a call will need: not where the workflow has said it all.
    package var isEstimated: Bool {
      specification.estimates && !(resourceLocations[.memory] != nil && resourceLocations[.cpu] != nil)
    }

    /// Every output that an input is connected to, once for each connection.
    package var sources: [Connection] {
      var sources: [Connection] = []
      sources.reserveCapacity(inputs.count)
      for input in inputs { sources += input.source.connections }
      return sources
    }
  }

  package struct Input: Sendable {
    package enum Source: Sendable {
      case connections([Connection])
      case defaultValue(JSONValue)
      /// The node's own item, which whoever runs the graph holds.
      case item

      var connections: [Connection] {
        switch self {
        case .connections(let connections): connections
        case .defaultValue, .item: []
        }
      }
    }
    package var port: PortName
    package var multiple: Bool
    package var source: Source
  }

  package struct Foreach: Hashable, Sendable {
    /// The input that gets one item.
    package var port: PortName
    /// What it is connected to yields the items as values of their own, and not as one list.
    package var isSpread: Bool
  }

  /// One of the nodes that a node with `foreach` stands for.
  package struct Item: Hashable, Sendable {
    package var node: Index
    /// From 0.
    package var index: Int
  }

  /// An output port of another node.
  package struct Connection: Hashable, Sendable {
    package var node: Index
    package var port: PortName

    /// By the node alone, which has few ports: a run looks each connection up many times, and to hash a text takes longer than all else
    /// of that.
    package func hash(into hasher: inout Hasher) { hasher.combine(node) }
  }

  package struct Output: Sendable {
    package var name: ParameterName
    /// One, or those of all instances of a node with a matrix, in their order. Of a node with `foreach` the node itself.
    package var sources: [Connection]
    /// Whether it is a list, however many sources there are.
    package var isList: Bool

    /// What it is once the run has ended: of a list, null stands for what an instance hasn't yielded.
    /// - Returns: nil where there is nothing.
    func values(in held: [Connection: [NodeValue]]) -> [NodeValue]? {
      guard sources.contains(where: { held[$0] != nil }) else { return nil }
      return sources.flatMap { held[$0] ?? [NodeValue(json: .null)] }
    }
  }

  package let name: String
  /// In the order of the file; while it runs, the instances of nodes with `foreach` come behind.
  package internal(set) var nodes: [Node]
  package let outputs: [Output]
  /// The workflows that nodes stood for; those further out come first.
  var parts: [Part] = []

  /// Those of a node's type. Not asked of the node: it would be copied.
  package func outputs(of node: Index) -> [PortSpecification] { nodes[node].shared.value.outputs }
}

/// A workflow whose names, connections and types fit, checked without all the inputs of a run: good for a picture and
/// for `validate`, and no way leads from it to a run. Made only by ``init(checking:catalog:inputs:)``.
package struct WorkflowOutline: Sendable {
  let graph: WorkflowGraph
  /// Declared inputs that a run must still be given.
  package let unboundInputs: [ParameterName]
  package var nodeCount: Int { graph.nodes.count }
  /// Their parameters are without the missing inputs.
  package var nodes: [WorkflowGraph.Node] { graph.nodes }
}
