import PluginModel

extension WorkflowGraph {
  /// Checks `workflow` against what the plugins of `catalog` offer, for a run with `inputs`.
  /// - Parameter inputs: every declared input with its value: `Workflow.bind(_:)`.
  /// - Throws: everything that is wrong, each with its node, its port and its line.
  package static func validate(
    _ workflow: Workflow, catalog: NodeCatalog, inputs: [ParameterName: JSONValue]
  ) throws(Diagnostics) -> WorkflowGraph {
    var validation = GraphValidation(workflow: workflow, catalog: catalog, inputs: inputs)
    return try validation.run()
  }
}

/// One pass over a workflow, collecting problems.
private struct GraphValidation {
  let workflow: Workflow
  let catalog: NodeCatalog
  let inputs: [ParameterName: JSONValue]
  var problems: [Diagnostic] = []
  var indices: [NodeName: Int] = [:]
  var specifications: [Int: NodeSpecification] = [:]

  init(workflow: Workflow, catalog: NodeCatalog, inputs: [ParameterName: JSONValue]) {
    self.workflow = workflow
    self.catalog = catalog
    self.inputs = inputs
    indices = Dictionary(workflow.nodes.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
  }

  mutating func run() throws(Diagnostics) -> WorkflowGraph {
    checkPluginVersions()
    for (index, node) in workflow.nodes.enumerated() { specifications[index] = specification(of: node) }
    var nodes = workflow.nodes.enumerated().compactMap { index, node in check(node, index) }
    let outputs = workflow.outputs.compactMap { output in
      connection(output.source, of: "the workflow output \(output.name.text.quoted)").map {
        WorkflowGraph.Output(name: output.name, source: $0)
      }
    }
    checkCycles()
    guard problems.isEmpty else {
      throw Diagnostics(
        problems.sorted { left, right in
          guard let first = left.location, let second = right.location else { return left.location != nil }
          return first < second
        })
    }
    for index in nodes.indices {
      for dependency in nodes[index].dependencies { nodes[dependency].dependents.append(index) }
    }
    return WorkflowGraph(name: workflow.name, nodes: nodes, outputs: outputs)
  }

  private mutating func checkPluginVersions() {
    for (name, range) in workflow.plugins.sorted(by: { $0.key < $1.key }) {
      guard let plugin = catalog.plugins[name] else {
        reportUnknown(plugin: name, at: range.location)
        continue
      }
      guard !range.value.contains(plugin.version) else { continue }
      problems.append(
        Diagnostic(
          "the plugin \(name.text.quoted) has version \(plugin.version)",
          why: "the workflow asks for \(range.value)",
          hint: "install a version in this range, or change the range", at: range.location))
    }
  }

  private mutating func reportUnknown(plugin name: PluginName, at location: SourceLocation) {
    problems.append(
      Diagnostic(
        "there is no plugin \(name.text.quoted)",
        hint: Suggestion.hint(for: name.text, among: catalog.plugins.keys.map(\.text).sorted())
          ?? "see which there are: orchestrator plugin list", at: location))
  }

  /// What the node's type offers; nil, with a problem, where that can't be said.
  private mutating func specification(of node: Workflow.Node) -> NodeSpecification? {
    switch node.action.value {
    case .command:
      problems.append(
        Diagnostic(
          "the node \(node.name.text.quoted) has 'run'", why: "command steps are not available in this version",
          hint: "use a node type of a plugin that has system.exec", at: node.action.location))
      return nil
    case .plugin(let reference):
      guard let plugin = catalog.plugins[reference.plugin] else {
        reportUnknown(plugin: reference.plugin, at: node.action.location)
        return nil
      }
      guard let specification = plugin.nodeTypes[reference.nodeType] else {
        problems.append(
          Diagnostic(
            "the plugin \(reference.plugin.text.quoted) has no node type \(reference.nodeType.text.quoted)",
            hint: Suggestion.hint(for: reference.nodeType.text, among: plugin.nodeTypes.keys.map(\.text).sorted()),
            at: node.action.location))
        return nil
      }
      return specification
    }
  }

  private mutating func check(_ node: Workflow.Node, _ index: Int) -> WorkflowGraph.Node? {
    refuseWhatIsNotAvailable(node)
    let needs = needs(of: node)
    guard let specification = specifications[index], case .plugin(let type) = node.action.value else {
      // Nothing is known of its ports, but its connections still name other nodes.
      for (_, sources, _) in node.inputs {
        for source in sources { _ = connection(source, of: "the node \(node.name.text.quoted)") }
      }
      return nil
    }
    let parameters = parameters(of: node, specification)
    let bindings = bindings(of: node, specification)
    let connected = bindings.flatMap { binding -> [Int] in
      if case .connections(let list) = binding.source { list.map(\.node) } else { [] }
    }
    return WorkflowGraph.Node(
      name: node.name, type: type, specification: specification, parameters: parameters, inputs: bindings,
      dependencies: Set(connected + needs).sorted(), dependents: [],
      policy: node.policy.inheriting(workflow.defaults),
      resources: node.resources?.value ?? specification.resourceRequirements, location: node.location)
  }

  private mutating func refuseWhatIsNotAvailable(_ node: Workflow.Node) {
    if let condition = node.condition {
      problems.append(
        Diagnostic(
          "the node \(node.name.text.quoted) has 'if'", why: "conditions are not available in this version",
          hint: "remove it: a node whose inputs failed is skipped anyway", at: condition.location))
    }
  }

  private mutating func needs(of node: Workflow.Node) -> [Int] {
    node.needs.compactMap { need in
      guard let index = indices[need.value] else {
        problems.append(
          Diagnostic(
            "the node \(node.name.text.quoted) needs \(need.value.text.quoted), which there is none of",
            hint: Suggestion.hint(for: need.value.text, among: indices.keys.map(\.text).sorted()),
            at: need.location))
        return nil
      }
      return index
    }
  }

  // MARK: Parameters

  private mutating func parameters(
    of node: Workflow.Node, _ specification: NodeSpecification
  ) -> [(name: ParameterName, value: JSONValue)] {
    var given: [ParameterName: JSONValue] = [:]
    let places = Dictionary(node.parameters.map { ($0.name, $0.value.location) }) { first, _ in first }
    do throws(Diagnostics) {
      for (name, value) in try node.parameters(evaluatedWith: inputs) { given[name] = value }
    } catch {
      problems += error.items
      return []
    }
    let known = specification.parameters.map(\.name)
    for (name, value) in node.parameters where !known.contains(name) {
      problems.append(
        Diagnostic(
          "the node \(node.name.text.quoted) has no parameter \(name.text.quoted)",
          why: known.isEmpty ? "its type takes none" : nil,
          hint: Suggestion.hint(for: name.text, among: known.map(\.text)), at: value.location))
    }
    return specification.parameters.map { parameter in
      guard let value = given[parameter.name] else { return (parameter.name, parameter.defaultValue) }
      if let complaint = parameter.complaint(about: value) {
        problems.append(
          Diagnostic(
            "the parameter \(parameter.name.text.quoted) of the node \(node.name.text.quoted) \(complaint.what)",
            why: "it is \(value.shortText)", hint: complaint.hint, at: places[parameter.name] ?? node.location))
      }
      return (parameter.name, value)
    }
  }

  // MARK: Ports

  private mutating func bindings(
    of node: Workflow.Node, _ specification: NodeSpecification
  ) -> [WorkflowGraph.Input] {
    let known = specification.inputs.map(\.name)
    for (port, _, location) in node.inputs where !known.contains(port) {
      problems.append(
        Diagnostic(
          "the node \(node.name.text.quoted) has no input \(port.text.quoted)",
          why: known.isEmpty ? "its type takes none" : nil,
          hint: Suggestion.hint(for: port.text, among: known.map(\.text)), at: location))
    }
    return specification.inputs.compactMap { port in binding(of: port, node) }
  }

  private mutating func binding(of port: PortSpecification, _ node: Workflow.Node) -> WorkflowGraph.Input? {
    let title = "the input \(port.name.text.quoted) of the node \(node.name.text.quoted)"
    guard let written = node.inputs.first(where: { $0.port == port.name }), !written.sources.isEmpty else {
      if let value = port.defaultValue {
        return WorkflowGraph.Input(port: port.name, multiple: port.multiple, source: .defaultValue(value))
      }
      if port.required {
        problems.append(
          Diagnostic(
            "\(title) is not connected", why: "it is required and has no default",
            hint: "add to the node:  in: {\(port.name): NODE.PORT}", at: node.location))
      }
      return nil
    }
    if written.sources.count > 1, !port.multiple {
      problems.append(
        Diagnostic(
          "\(title) has \(written.sources.count) sources", why: "it takes one value", hint: "connect one of them",
          at: written.location))
    }
    let connections = written.sources.compactMap { source in
      let found = connection(source, of: title)
      if let found { checkTypes(found, into: port, title, at: source.location) }
      return found
    }
    return WorkflowGraph.Input(port: port.name, multiple: port.multiple, source: .connections(connections))
  }

  private mutating func connection(
    _ source: Located<PortReference>, of title: String
  ) -> WorkflowGraph.Connection? {
    let reference = source.value
    guard let index = indices[reference.node] else {
      problems.append(
        Diagnostic(
          "\(title) is connected to \(reference.node.text.quoted), which there is no node of",
          hint: Suggestion.hint(for: reference.node.text, among: indices.keys.map(\.text).sorted()),
          at: source.location))
      return nil
    }
    guard let specification = specifications[index] else { return nil }
    guard specification.outputs.contains(where: { $0.name == reference.port }) else {
      let outputs = specification.outputs.map(\.name.text)
      problems.append(
        Diagnostic(
          "\(title) is connected to \(reference.description.quoted), but \(reference.node.text.quoted) has no such output",
          why: outputs.isEmpty ? "its type has none" : "it has \(outputs.joined(separator: ", "))",
          hint: Suggestion.hint(for: reference.port.text, among: outputs), at: source.location))
      return nil
    }
    return WorkflowGraph.Connection(node: index, port: reference.port)
  }

  private mutating func checkTypes(
    _ connection: WorkflowGraph.Connection, into port: PortSpecification, _ title: String, at location: SourceLocation
  ) {
    guard let output = specifications[connection.node]?.outputs.first(where: { $0.name == connection.port }),
      !PortType.accepts(port.type, from: output.type)
    else { return }
    problems.append(
      Diagnostic(
        "\(title) takes \(port.type.quoted)",
        why: "it is connected to an output of type \(output.type.quoted)",
        hint: "connect an output of the right type, or put a node between that converts", at: location))
  }

  // MARK: Cycles

  private mutating func checkCycles() {
    let edges = workflow.nodes.map { node in
      let sources = node.inputs.flatMap { $0.sources.map(\.value.node) } + node.needs.map(\.value)
      return Set(sources.compactMap { indices[$0] }).sorted()
    }
    guard let cycle = CycleSearch.cycle(in: edges), let first = cycle.min() else { return }
    // The edges go from a node to what it waits for: reversed, they read in the order in which data would flow.
    let flow = Array(cycle.reversed())
    let start = flow.firstIndex(of: first) ?? 0
    let path = (flow[start...] + flow[..<start] + [first]).map { workflow.nodes[$0].name.text }
    problems.append(
      Diagnostic(
        "the nodes wait for each other: \(path.joined(separator: " → "))", why: "none of them could ever start",
        hint: "remove one of these connections", at: workflow.nodes[first].location))
  }
}

extension NodePolicy {
  /// What this leaves open is taken from `defaults`.
  func inheriting(_ defaults: NodePolicy) -> NodePolicy {
    NodePolicy(
      timeoutMilliseconds: timeoutMilliseconds ?? defaults.timeoutMilliseconds,
      maximumRetries: maximumRetries ?? defaults.maximumRetries,
      retryOn: maximumRetries == nil && retryOn.isEmpty ? defaults.retryOn : retryOn)
  }
}
