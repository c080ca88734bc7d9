import PluginModel

extension GraphValidation {
  /// In the order of the specification; an optional input that nothing feeds is left out.
  mutating func bindings(of node: Workflow.Node, known: [PortSpecification]) -> [WorkflowGraph.Input] {
    for index in node.inputs.indices where !known.indices.contains(where: { known[$0].name == node.inputs[index].port })
    {
      let port = node.inputs[index].port
      report(
        Diagnostic(
          "the node \(node.name.text.quoted) has no input \(port.text.quoted)",
          why: known.isEmpty ? "its type takes none" : nil,
          hint: hint(for: port.text, among: known.map(\.name.text)), at: node.inputs[index].location))
    }
    var bindings: [WorkflowGraph.Input] = []
    bindings.reserveCapacity(node.inputs.count)
    for index in known.indices {
      if let binding = binding(of: known[index], node) { bindings.append(binding) }
    }
    return bindings
  }

  private mutating func binding(of port: PortSpecification, _ node: Workflow.Node) -> WorkflowGraph.Input? {
    // A text for each input of a large workflow would take longer than all that is checked.
    // It holds the two names alone: whoever is given it is given a copy of what it holds.
    let (portName, nodeName) = (port.name.text, node.name.text)
    var title: String { "the input \(portName.quoted) of the node \(nodeName.quoted)" }
    guard let written = node.inputs.indices.first(where: { node.inputs[$0].port == port.name }),
      !node.inputs[written].sources.isEmpty
    else {
      return unconnected(port, title, node)
    }
    let (sources, location) = (node.inputs[written].sources, node.inputs[written].location)
    let isEach = node.foreach?.value == port.name
    if isEach {
      // Whatever comes, each instance gets one of it.
    } else if !port.multiple, hasMatrices,
      let matrix = sources.compactMap({ self.matrix(of: $0.value.node, readBy: node) }).first
    {
      report(
        Diagnostic(
          "\(title) has \(sources.count) \(sources.count == 1 ? "source" : "sources")",
          why: "it takes one value, and \(matrix.text.quoted) has a matrix: its outputs are always many",
          hint: "connect an input that takes several values", at: location))
    } else if sources.count > 1, !port.multiple {
      report(
        Diagnostic(
          "\(title) has \(sources.count) sources", why: "it takes one value", hint: "connect one of them",
          at: location))
    }
    var connections: [WorkflowGraph.Connection] = []
    connections.reserveCapacity(sources.count)
    for index in sources.indices {
      if let found = connection(sources[index], into: port, isEach: isEach, title) { connections.append(found) }
    }
    if connections.count < sources.count, sources.contains(where: { $0.value.node == .inputs }) {
      return constant(sources, at: port, of: node, title)
    }
    return WorkflowGraph.Input(port: port.name, multiple: port.multiple, source: .connections(connections))
  }

  private mutating func unconnected(
    _ port: PortSpecification, _ title: @autoclosure () -> String, _ node: Workflow.Node
  ) -> WorkflowGraph.Input? {
    if let value = port.defaultValue {
      return WorkflowGraph.Input(port: port.name, multiple: port.multiple, source: .defaultValue(value))
    }
    if port.required {
      report(
        Diagnostic(
          "\(title()) is not connected", why: "it is required and has no default",
          hint: "add to the node:  in: {\(port.name): NODE.PORT}", at: node.location))
    }
    return nil
  }

  private mutating func connection(
    _ source: Located<PortReference>, into port: PortSpecification, isEach: Bool, _ title: @autoclosure () -> String
  ) -> WorkflowGraph.Connection? {
    guard let found = connection(source, of: title()) else { return nil }
    if !isEach, isPlain(found, port.type) { return found }
    guard let output = output(of: found), let type = arriving(output, of: found, at: port, isEach, source, title())
    else {
      return found
    }
    if !port.type.accepts(type) {
      let text = source.value.description.quoted
      report(
        Diagnostic(
          "\(title()) takes \(port.type.description.quoted)",
          why: isEach
            ? "it gets one item each of \(text), and these are of type \(type.description.quoted)"
            : "it is connected to \(text), which is of type \(type.description.quoted)",
          hint: "connect an output of the right type, or put a node between that converts", at: source.location))
    }
    return found
  }

  /// Whether what comes from there is one value of just that type, as most is.
  private func isPlain(_ connection: WorkflowGraph.Connection, _ type: PortType) -> Bool {
    specifications[connection.node]?.yields(type, connection.port) ?? false && !runsForEach(connection.node)
  }

  func output(of connection: WorkflowGraph.Connection) -> PortSpecification? {
    specifications[connection.node]?.output(connection.port)
  }

  /// Where `source` leads. Nil, with a problem, where that is nowhere; nil without one where its node has one already.
  mutating func connection(
    _ source: Located<PortReference>, of title: @autoclosure () -> String
  ) -> WorkflowGraph.Connection? {
    let reference = source.value
    guard let index = indices[reference.node] else {
      // A value, and no connection.
      if reference.node == .inputs { return nil }
      report(
        Diagnostic(
          "\(title()) is connected to \(reference.node.text.quoted), which there is no node of",
          hint: hint(forNode: reference.node), at: source.location))
      return nil
    }
    guard let specification = specifications[index] else { return nil }
    let found = WorkflowGraph.Connection(node: index, port: reference.port)
    guard specification.hasOutput(reference.port) else {
      let outputs = specification.value.outputs.map(\.name.text)
      report(
        Diagnostic(
          "\(title()) is connected to \(reference.description.quoted), but \(reference.node.text.quoted) has no such output",
          why: outputs.isEmpty ? "its type has none" : "it has \(outputs.joined(separator: ", "))",
          hint: hint(for: reference.port.text, among: outputs), at: source.location))
      return nil
    }
    return found
  }
}

// By index: an element taken out of a list is a copy of all that a port consists of, for each connection of a large workflow.
extension SharedType {
  fileprivate func hasOutput(_ port: PortName) -> Bool {
    let outputs = value.outputs
    return outputs.indices.contains { outputs[$0].name == port }
  }

  fileprivate func output(_ port: PortName) -> PortSpecification? {
    let outputs = value.outputs
    return outputs.indices.first { outputs[$0].name == port }.map { outputs[$0] }
  }

  /// Whether the output is one value of the type.
  fileprivate func yields(_ type: PortType, _ port: PortName) -> Bool {
    let outputs = value.outputs
    return outputs.indices.contains { outputs[$0].name == port && !outputs[$0].multiple && outputs[$0].type == type }
  }

  /// Whether the output has as many values as its node returns.
  func isMultiple(_ port: PortName) -> Bool {
    let outputs = value.outputs
    return outputs.indices.contains { outputs[$0].multiple && outputs[$0].name == port }
  }
}
