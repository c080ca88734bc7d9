import PluginModel

// Nodes of workflows that other nodes stood for: what they wait for, and what they know.

extension GraphValidation {
  /// The inputs that the expressions of `node` read, as far as they have values.
  func values(for node: Workflow.Node) -> [ParameterName: JSONValue] { node.scope?.values ?? inputs }
  func unbound(for node: Workflow.Node) -> Set<ParameterName> { node.scope?.unbound ?? unboundInputs }

  /// Of the workflow that `node` is written in.
  func declared(for node: Workflow.Node) -> [Workflow.Input] { node.scope?.declared ?? workflow.inputs }

  /// What is wrong with an expression that reads an input which is connected to another node.
  func problem(ofInputs names: Set<String>, in node: Workflow.Node) -> Expression.Problem? {
    guard let scope = node.scope, !scope.connected.isEmpty else { return nil }
    for name in names.sorted() {
      guard let parameter = ParameterName(name), let source = scope.connected[parameter]?.first else { continue }
      return Expression.Problem(
        "it reads the input \(name.quoted)",
        why: "that is connected to \(source.value.description.quoted), and has no value before the run",
        hint:
          "read it at a port, in: {PORT: inputs.\(name)}, or give it a value with 'with' where the workflow is named")
    }
    return nil
  }

  // MARK: Inputs at ports

  /// The value at `port` of an input of the workflow, which `sources` name. Nil, with a problem, where it can't have one.
  mutating func constant(
    _ sources: [Located<PortReference>], at port: PortSpecification, of node: Workflow.Node, _ title: String
  ) -> WorkflowGraph.Input? {
    let isEach = node.foreach?.value == port.name
    var values: [JSONValue] = []
    var isKnown = true
    for source in sources {
      guard source.value.node == .inputs else {
        report(
          Diagnostic(
            "\(title) gets both values and outputs of nodes",
            why: "an input of the workflow is a value, known before the run",
            hint: "connect either inputs or outputs of nodes", at: source.location))
        return nil
      }
      let name = source.value.port.text
      guard let input = declared(for: node).first(where: { $0.name.text == name }) else {
        report(
          Diagnostic(
            "\(title) is connected to \(source.value.description.quoted), and the workflow has no input \(name.quoted)",
            hint: hint(for: name, among: declared(for: node).map(\.name.text)) ?? "declare it under 'spec.inputs'",
            at: source.location))
        return nil
      }
      guard let value = self.values(for: node)[input.name], !unbound(for: node).contains(input.name) else {
        isKnown = false
        continue
      }
      if isEach {
        checkItems(of: value, at: port, source, title)
      } else {
        checkConstant(value, at: port, source, title)
      }
      values.append(value)
    }
    if isEach {
      return WorkflowGraph.Input(
        port: port.name, multiple: port.multiple, source: .defaultValue(values.first ?? .array([])))
    }
    guard !port.multiple else {
      return WorkflowGraph.Input(port: port.name, multiple: true, source: .defaultValue(.array(values)))
    }
    guard values.count == 1 || !isKnown else { return nil }
    return WorkflowGraph.Input(port: port.name, multiple: false, source: .defaultValue(values.first ?? .null))
  }

  /// Each instance gets an item. One that doesn't fit says enough of all that don't.
  private mutating func checkItems(
    of value: JSONValue, at port: PortSpecification, _ source: Located<PortReference>, _ title: String
  ) {
    guard case .array(let items) = value else {
      report(
        Diagnostic(
          "\(title) has 'foreach' over a non-list",
          why: "\(source.value.description.quoted) is \(value.shortText)",
          hint: "give the input a list, or remove 'foreach'", at: source.location))
      return
    }
    let count = problems.count
    for item in items where problems.count == count { checkConstant(item, at: port, source, title) }
  }

  private mutating func checkConstant(
    _ value: JSONValue, at port: PortSpecification, _ source: Located<PortReference>, _ title: String
  ) {
    switch port.type {
    case .bytes, .file, .ndarray, .table, .image:
      report(
        Diagnostic(
          "\(title) takes \(port.type.description.quoted)", why: "\(source.value.description.quoted) is a value",
          hint: "connect an output of a node that yields it", at: source.location))
    case .any, .string, .number, .integer, .boolean, .mapping, .list, .named:
      guard !port.type.accepts(value) else { return }
      report(
        Diagnostic(
          "\(title) takes \(port.type.description.quoted)",
          why: "\(source.value.description.quoted) is \(value.shortText)",
          hint: "give the input a value of the right type", at: source.location))
    }
  }

  /// The node with a matrix, or with `workflow` and a matrix, that makes many of what `node` reads of `source`. Nil: it is one.
  func matrix(of source: NodeName, readBy node: Workflow.Node) -> NodeName? {
    guard let index = indices[source] else { return nil }
    if let node = workflow.nodes[index].instance?.node { return node }
    var scope = workflow.nodes[index].scope
    while let current = scope, !current.holds(node.scope) {
      if let name = current.node.instance?.node { return name }
      scope = current.parent
    }
    return nil
  }

  // MARK: What they wait for

  /// What `node` waits for within its own workflow, and what that is written as.
  private func entry(of node: Workflow.Node, needs: [Int], connections: [Int]) -> WorkflowGraph.Entry {
    var entry = WorkflowGraph.Entry(depth: node.scope?.chain.count ?? 0)
    // What an input of the workflow is connected to lies outside: the workflow has waited for that.
    let inside = connections.filter { index in node.scope?.holds(workflow.nodes[index].scope) ?? true }
    entry.nodes = Set(needs + inside).sorted()
    entry.sources = Set(inside)
    for group in node.groups {
      guard let part = workflow.inlined?[group.value] else { continue }
      entry.groups.append(.init(name: group.value, nodes: Set(part.nodes.compactMap { indices[$0] })))
    }
    return entry
  }

  /// Completes a node of a workflow that is made of several files.
  mutating func place(_ result: inout WorkflowGraph.Node, _ node: Workflow.Node, needs: [Int]) {
    let connections = result.sources.map(\.node)
    var entry = entry(of: node, needs: needs, connections: connections)
    let own = entry.all
    result.condition = condition(of: node, waitingFor: own)
    entry.condition = result.condition
    var all = own.union(connections)
    var nested = WorkflowGraph.Nested(
      part: node.scope.flatMap { workflow.inlined?.indices[$0.name] }, entry: entry,
      continuesOnError: node.continuesOnError)
    // Whoever waits for another node of its workflow begins after it anyway.
    var part = nested.part
    if own.isEmpty {
      while let current = part {
        let around = parts[current].entry
        all.formUnion(around.all)
        nested.reads += around.condition?.reads ?? []
        part = around.all.isEmpty ? parts[current].parent : nil
      }
    }
    result.dependencies = all.sorted()
    add(waitingOf: node, result.dependencies)
    let chain = node.scope?.chain ?? []
    result.continuesOnError = node.continuesOnError || chain.contains { $0.node.continuesOnError }
    result.outerLabel = node.scope?.label
    if nested.part != nil || !entry.groups.isEmpty || own.contains(where: { workflow.nodes[$0].scope != nil }) {
      result.nested = nested
    }
  }

  /// Before the nodes: they ask what the workflows around them wait for.
  mutating func makeParts() {
    for part in workflow.inlined?.parts ?? [] {
      let node = part.scope.node
      let needs = needs(of: node)
      let title = "the node \(node.name.text.quoted)"
      var connections: [Int] = []
      for input in part.scope.node.inputs {
        for source in input.sources where source.value.node != .inputs {
          guard let found = connection(source, of: "the input \(input.port.text.quoted) of \(title)") else { continue }
          connections.append(found.node)
          checkType(of: input.port, source, found, part.scope)
        }
      }
      var entry = entry(of: node, needs: needs, connections: connections)
      entry.condition = condition(of: node, waitingFor: entry.all)
      add(
        WorkflowGraph.Part(
          name: node.name, parent: node.scope.flatMap { workflow.inlined?.indices[$0.name] }, entry: entry,
          continuesOnError: node.continuesOnError))
    }
  }

  /// That an output fits what the input of the workflow is declared as.
  private mutating func checkType(
    of port: PortName, _ source: Located<PortReference>, _ connection: WorkflowGraph.Connection, _ scope: Workflow.Scope
  ) {
    guard let input = scope.declared.first(where: { $0.name.text == port.text }),
      let type = ValueType(rawValue: input.type), let output = output(of: connection)
    else { return }
    let isList =
      runsForEach(connection.node) || output.multiple || matrix(of: source.value.node, readBy: scope.node) != nil
    guard !type.portType.accepts(isList ? .list(output.type) : output.type),
      !(isList && type.portType.accepts(output.type))
    else { return }
    report(
      Diagnostic(
        "the node \(scope.node.name.text.quoted) must connect \(type.phrase) to the input \(port.text.quoted) of the workflow \(scope.file.quoted)",
        why: "\(source.value.description.quoted) is of type \(output.type.description.quoted)",
        hint: "connect an output of the right type, or declare the input as 'any'", at: source.location))
  }

  // MARK: Conditions

  /// A workflow that a node stood for, as conditions read it. Nil: `name` is none.
  func partSource(_ name: String, readBy node: Workflow.Node) -> NodeCondition.Source? {
    guard let written = NodeName(name), let inlined = workflow.inlined,
      let found = inlined.instances[NodeName(written, in: node.scope?.name)]
    else { return nil }
    let names = found.flatMap { inlined.parts[$0].nodes }
    return NodeCondition.Source(
      name: name, nodes: names.compactMap { indices[$0] }, instances: names,
      isList: inlined.parts[found[0]].scope.node.instance != nil, ports: [], parts: found)
  }

  /// Resolves `needs.NAME.outputs.TEXT` of a workflow that a node stood for.
  mutating func addOutput(
    _ text: String, to source: inout NodeCondition.Source, _ parts: [Int]
  ) throws(Expression.Problem) {
    let found = parts.compactMap { workflow.inlined?.parts[$0] }
    let known = found.first?.outputs.keys.map(\.text).sorted() ?? []
    guard let name = ParameterName(text), known.contains(text) else {
      throw Expression.Problem(
        "it reads 'needs.\(source.name).outputs.\(text)', but \(source.name.quoted) has no such output",
        why: known.isEmpty ? "its workflow has none" : nil, hint: hint(for: text, among: known))
    }
    var cells = NodeCondition.Cells(isList: source.isList)
    for part in found {
      guard let output = part.outputs[name] else { continue }
      cells.isList = cells.isList || output.isList
      for reference in output.sources {
        guard let index = indices[reference.node] else { continue }
        cells.names.append(reference.node)
        cells.connections.append(WorkflowGraph.Connection(node: index, port: reference.port))
      }
    }
    let port = PortName(unchecked: text)
    source.ports.append(port)
    source.cells[port] = cells
  }

  // MARK: Files

  /// The versions that the other files ask for.
  mutating func checkVersionsOfParts() {
    for (_, other) in (workflow.library?.files ?? [:]).sorted(by: { $0.key < $1.key }) { checkVersions(other.plugins) }
  }
}

extension ValueType {
  fileprivate var portType: PortType {
    switch self {
    case .any: .any
    case .string: .string
    case .number: .number
    case .integer: .integer
    case .boolean: .boolean
    case .list: .list(.any)
    case .mapping: .mapping
    }
  }
}
