extension Workflow {
  /// What the nodes of another workflow know once they stand in the place of a node with `workflow`: the inputs of their own file.
  package final class Scope: Sendable {
    /// The node with `workflow`, or one of its instances: its name among all nodes, what it waits for and its condition. What it names is
    /// what the scope around it knows.
    package let node: Node
    /// Its file, for people.
    package let file: String
    /// Inputs with a value.
    package let values: [ParameterName: JSONValue]
    /// Inputs that have none yet, where not all inputs of the run are known.
    package let unbound: Set<ParameterName>
    /// Inputs that are connected to outputs of nodes outside, by their names among all nodes.
    package let connected: [ParameterName: [Located<PortReference>]]
    package let declared: [Input]

    package init(
      node: Node, file: String, values: [ParameterName: JSONValue], unbound: Set<ParameterName>,
      connected: [ParameterName: [Located<PortReference>]], declared: [Input]
    ) {
      self.node = node
      self.file = file
      self.values = values
      self.unbound = unbound
      self.connected = connected
      self.declared = declared
    }

    package var name: NodeName { node.name }
    /// That of the workflow around it; nil: the run's own.
    package var parent: Scope? { node.scope }

    /// From the outermost to itself.
    package var chain: [Scope] { (parent?.chain ?? []) + [self] }

    /// Whether a node of `other` is one of its own, or of a workflow within it.
    package func holds(_ other: Scope?) -> Bool {
      var scope = other
      while let current = scope {
        if current === self { return true }
        scope = current.parent
      }
      return false
    }

    /// The values of the matrices around its nodes, for people.
    package var label: String? {
      let labels = chain.compactMap { $0.node.instance?.label }
      return labels.isEmpty ? nil : labels.joined(separator: ", ")
    }
  }

  /// What the nodes with `workflow` have become.
  package struct Inlined: Sendable {
    /// One node with `workflow`, or one of its instances.
    package struct Part: Sendable {
      package var scope: Scope
      /// All its nodes, those of workflows within it too.
      package var nodes: [NodeName]
      package var outputs: [ParameterName: Resolved]
    }

    /// Where an output of a node leads.
    package struct Resolved: Sendable {
      package var sources: [PortReference]
      /// Whether it is a list, however many sources there are: a matrix lies in between.
      package var isList: Bool
    }

    /// By the name among all nodes. Those further out come first.
    package var parts: [Part] = []
    package var indices: [NodeName: Int] = [:]
    /// The parts of a node as it is written, one for each instance of its matrix.
    package var instances: [NodeName: [Int]] = [:]

    package subscript(name: NodeName) -> Part? { indices[name].map { parts[$0] } }
  }
}

extension NodeName {
  /// Of a node `node` of the workflow that the node `scope` stands for.
  package init(_ node: NodeName, in scope: NodeName?) {
    self.init(unchecked: scope.map { "\($0.text)/\(node.text)" } ?? node.text)
  }
}
