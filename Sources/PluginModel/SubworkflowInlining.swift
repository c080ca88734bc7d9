extension Workflow {
  /// The workflow with each node that stands for another replaced by the nodes of that.
  func inlined(
    _ library: WorkflowLibrary, inputs: [ParameterName: JSONValue]
  ) -> (workflow: Workflow, problems: [Diagnostic]) {
    var tree = SubworkflowTree(library: library)
    let top = tree.grow(self, inputs: inputs)
    guard tree.problems.isEmpty else { return (self, tree.problems) }
    var inlining = SubworkflowInlining(top: top, library: library)
    let workflow = inlining.run()
    return (inlining.problems.isEmpty ? workflow : self, inlining.problems)
  }
}

/// Makes one workflow of a tree of them: names become those among all nodes, and connections lead from node to node.
private struct SubworkflowInlining {
  typealias Level = SubworkflowTree.Level

  let top: Level
  let library: WorkflowLibrary
  private(set) var problems: [Diagnostic] = []
  private var told: Set<Diagnostic> = []
  private var nodes: [Workflow.Node] = []
  private var inlined = Workflow.Inlined()
  private var connectionCount = 0
  private var isTooLarge = false

  init(top: Level, library: WorkflowLibrary) {
    self.top = top
    self.library = library
  }

  mutating func run() -> Workflow {
    add(top, in: nil)
    var result = top.workflow
    result.nodes = nodes
    result.library = library
    for index in result.outputs.indices {
      let output = result.outputs[index]
      guard let found = self.output(of: output.source, output.instances, of: top, in: nil) else { continue }
      result.outputs[index].source.value = found.sources[0]
      result.outputs[index].instances = found.isList ? found.sources.map(\.node) : nil
    }
    result.inlined = inlined
    return result
  }

  private mutating func report(_ problem: Diagnostic) {
    if told.insert(problem).inserted { problems.append(problem) }
  }

  /// All nodes of `level`, in the order of the file.
  private mutating func add(_ level: Level, in scope: Workflow.Scope?) {
    for node in level.workflow.nodes where !isTooLarge {
      let placed = place(node, of: level, in: scope)
      guard let child = level.children[node.name] else {
        nodes.append(placed)
        continue
      }
      add(child, as: placed, of: level, in: scope)
    }
  }

  private mutating func add(_ child: Level, as node: Workflow.Node, of level: Level, in scope: Workflow.Scope?) {
    let connected = child.connected.mapValues { sources in sources.flatMap { resolve($0, of: level, in: scope) } }
    let inner = Workflow.Scope(
      node: node, file: child.file, values: child.values, unbound: child.unbound, connected: connected,
      declared: child.workflow.inputs)
    let part = inlined.parts.count
    inlined.parts.append(.init(scope: inner, nodes: [], outputs: [:]))
    inlined.indices[node.name] = part
    inlined.instances[node.instance?.node ?? node.name, default: []].append(part)
    let first = nodes.count
    add(child, in: inner)
    inlined.parts[part].nodes = nodes[first...].map(\.name)
    for output in child.workflow.outputs {
      inlined.parts[part].outputs[output.name] = self.output(
        of: output.source, output.instances, of: child, in: inner.name)
    }
  }

  // MARK: One node

  private mutating func place(_ node: Workflow.Node, of level: Level, in scope: Workflow.Scope?) -> Workflow.Node {
    var result = node
    result.name = NodeName(node.name, in: scope?.name)
    result.scope = scope
    if let instance = node.instance { result.instance?.node = NodeName(instance.node, in: scope?.name) }
    result.needs = []
    for need in node.needs {
      let name = Located(NodeName(need.value, in: scope?.name), at: need.location)
      if level.children[need.value] == nil { result.needs.append(name) } else { result.groups.append(name) }
    }
    result.inputs = node.inputs.map { input in
      (input.port, input.sources.flatMap { resolve($0, of: level, in: scope) }, input.location)
    }
    connectionCount += result.inputs.reduce(result.needs.count) { $0 + $1.sources.count }
    if connectionCount > Workflow.maximumConnections, !isTooLarge {
      isTooLarge = true
      report(.tooManyConnections(between: "two that have a matrix", at: node.location))
    }
    guard let scope else { return result }
    result.policy = node.policy.filled(from: level.workflow.defaults).filled(from: scope.node.policy)
    if scope.node.cache == Workflow.CacheMode.never.rawValue { result.cache = scope.node.cache }
    return result
  }

  // MARK: Connections

  /// Where what `source` names comes from: the node itself; nodes of the workflow that it stands for; or what the input of the workflow is
  /// connected to outside. What has a value stays as it is written.
  private mutating func resolve(
    _ source: Located<PortReference>, of level: Level, in scope: Workflow.Scope?
  ) -> [Located<PortReference>] {
    let reference = source.value
    if reference.node == .inputs {
      guard let scope, let name = ParameterName(reference.port.text), let connected = scope.connected[name] else {
        return [source]
      }
      return connected.map { Located($0.value, at: source.location) }
    }
    guard level.children[reference.node] != nil else {
      let name = NodeName(reference.node, in: scope?.name)
      return [Located(PortReference(node: name, port: reference.port), at: source.location)]
    }
    return (output(of: source, nil, of: level, in: scope?.name)?.sources ?? []).map { Located($0, at: source.location) }
  }

  /// Where an output of a workflow leads. Nil, with a problem, where that is nowhere.
  /// - Parameter instances: as in `Workflow.Output`.
  private mutating func output(
    of source: Located<PortReference>, _ instances: [NodeName]?, of level: Level, in scope: NodeName?
  ) -> Workflow.Inlined.Resolved? {
    let names = instances ?? [source.value.node]
    var result = Workflow.Inlined.Resolved(sources: [], isList: instances != nil)
    for name in names {
      guard let child = level.children[name] else {
        result.sources.append(PortReference(node: NodeName(name, in: scope), port: source.value.port))
        continue
      }
      guard let output = child.workflow.outputs.first(where: { $0.name.text == source.value.port.text }) else {
        refuseUnknown(source, child)
        return nil
      }
      let inner = NodeName(name, in: scope)
      guard let found = self.output(of: output.source, output.instances, of: child, in: inner) else { return nil }
      result.sources += found.sources
      result.isList = result.isList || found.isList
    }
    return result
  }

  private mutating func refuseUnknown(_ source: Located<PortReference>, _ child: Level) {
    let known = child.workflow.outputs.map(\.name.text)
    let node = child.node.map { $0.instance?.node ?? $0.name }?.text ?? ""
    report(
      Diagnostic(
        "the node \(node.quoted) has no output \(source.value.port.text.quoted)",
        why: known.isEmpty
          ? "the workflow \(child.file.quoted) has no 'outputs'"
          : "the workflow \(child.file.quoted) has \(known.joined(separator: ", "))",
        hint: Suggestion.hint(for: source.value.port.text, among: known), at: source.location))
  }
}
