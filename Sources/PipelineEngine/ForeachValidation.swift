import PluginModel

extension GraphValidation {
  mutating func foreach(of node: Workflow.Node, _ inputs: [WorkflowGraph.Input]) -> WorkflowGraph.Foreach? {
    guard let port = node.foreach else { return nil }
    guard node.instance == nil else {
      report(
        Diagnostic(
          "the node \(node.name.text.quoted) has both 'foreach' and 'matrix'",
          why: "its instances would have two numbers", hint: "make two nodes of it, one after the other",
          at: port.location))
      return nil
    }
    let input = inputs.first { $0.port == port.value }
    // The list is an input of the workflow, and not what the type takes where nothing is connected.
    if case .defaultValue? = input?.source, node.inputs.contains(where: { $0.port == port.value }) {
      return WorkflowGraph.Foreach(port: port.value, isSpread: false)
    }
    guard case .connections(let connections)? = input?.source, !connections.isEmpty else {
      // An input that the type doesn't have, or that leads nowhere, was told of where it is written.
      guard !node.inputs.contains(where: { $0.port == port.value }) else { return nil }
      report(
        Diagnostic(
          "'foreach' of the node \(node.name.text.quoted) names the input \(port.value.text.quoted), which is not connected",
          hint: "add to the node:  in: {\(port.value): NODE.PORT}", at: port.location))
      return nil
    }
    let isSpread = connections.count > 1 || connections.contains { yieldsSeveral($0) }
    return WorkflowGraph.Foreach(port: port.value, isSpread: isSpread)
  }

  /// Whether what `connection` yields are the items themselves, each a value of its own.
  private func yieldsSeveral(_ connection: WorkflowGraph.Connection) -> Bool {
    runsForEach(connection.node) || workflow.nodes[connection.node].instance != nil
      || output(of: connection)?.multiple == true
  }

  /// The type of what reaches `port` from an output: of one item, where the node runs for each of them.
  /// - Returns: nil, with a problem, where nothing can.
  mutating func arriving(
    _ output: PortSpecification, of connection: WorkflowGraph.Connection, at port: PortSpecification, _ isEach: Bool,
    _ source: Located<PortReference>, _ title: @autoclosure () -> String
  ) -> PortType? {
    if isEach {
      if yieldsSeveral(connection) { return output.type }
      switch output.type {
      case .list(let item): return item
      case .any: return .any
      case .string, .number, .integer, .boolean, .mapping, .bytes, .file, .ndarray, .table, .image, .named:
        report(
          Diagnostic(
            "\(title()) has 'foreach' over a non-list",
            why: "\(source.value.description.quoted) is of type \(output.type.description.quoted)",
            hint: "connect an output of type \("list<\(port.type)>".quoted), or remove 'foreach'", at: source.location))
        return nil
      }
    }
    guard runsForEach(connection.node) || output.multiple, !port.multiple else { return output.type }
    switch output.type {
    case .bytes, .file, .ndarray, .table, .image:
      report(
        Diagnostic(
          "\(title()) takes one value, and \(source.value.description.quoted) has several",
          why: "values of type \(output.type.description.quoted) can't be put together into a list",
          hint: "connect an input that takes several values", at: source.location))
      return nil
    case .any, .string, .number, .integer, .boolean, .mapping, .list, .named: return .list(output.type)
    }
  }
}
