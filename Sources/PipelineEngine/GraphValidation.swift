import PluginModel

extension WorkflowGraph {
  /// Checks `workflow` against what the plugins of `catalog` offer, for a run with `inputs`.
  /// - Parameter inputs: as for `Workflow.bind(_:)`; the workflow's defaults fill in what is missing.
  /// - Throws: everything that is wrong, each with its node, its port and its line.
  package static func validate(
    _ workflow: Workflow, catalog: NodeCatalog, inputs: [ParameterName: JSONValue]
  ) throws(Diagnostics) -> WorkflowGraph {
    var validation = GraphValidation(workflow: workflow, catalog: catalog, inputs: inputs)
    validation.checkInputs(areAllNeeded: true)
    return try validation.run()
  }
}

extension WorkflowOutline {
  /// Checks `workflow` as far as that goes without all the inputs of a run.
  /// - Parameter inputs: those that are known.
  /// - Throws: everything that is wrong whatever the other inputs will be.
  package init(
    checking workflow: Workflow, catalog: NodeCatalog, inputs: [ParameterName: JSONValue] = [:]
  ) throws(Diagnostics) {
    var validation = GraphValidation(workflow: workflow, catalog: catalog, inputs: inputs)
    validation.checkInputs(areAllNeeded: false)
    self.init(graph: try validation.run(), unboundInputs: validation.unboundInputs.sorted())
  }
}

/// One pass over a workflow, collecting problems. Parameters are checked in `ParameterValidation.swift`, ports in
/// `PortValidation.swift`.
struct GraphValidation {
  let workflow: Workflow
  let catalog: NodeCatalog
  /// Of the run, with the workflow's defaults.
  private(set) var inputs: [ParameterName: JSONValue]
  /// Declared inputs without a usable value: what reads them can't be checked.
  private(set) var unboundInputs: Set<ParameterName> = []
  private(set) var problems: [Diagnostic] = []
  private(set) var indices: [NodeName: Int] = [:]
  private(set) var specifications: [Int: NodeSpecification] = [:]
  private let nodeNames: [String]
  /// How many more names may be compared: a suggestion is a kindness, and must not cost a large file minutes.
  private var suggestionBudget = 100_000

  init(workflow: Workflow, catalog: NodeCatalog, inputs: [ParameterName: JSONValue]) {
    self.workflow = workflow
    self.catalog = catalog
    self.inputs = inputs
    indices = Dictionary(workflow.nodes.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
    nodeNames = workflow.nodes.map(\.name.text)
  }

  mutating func run() throws(Diagnostics) -> WorkflowGraph {
    checkPluginVersions()
    checkDuplicates()
    for (index, node) in workflow.nodes.enumerated() { specifications[index] = specification(of: node) }
    var nodes = workflow.nodes.compactMap { check($0) }
    let outputs = workflow.outputs.compactMap { output in
      connection(output.source, of: "the workflow output \(output.name.text.quoted)").map {
        WorkflowGraph.Output(name: output.name, source: $0)
      }
    }
    checkCycles()
    guard problems.isEmpty else { throw Diagnostics(sortedProblems) }
    for index in nodes.indices {
      for dependency in nodes[index].dependencies { nodes[dependency].dependents.append(index) }
    }
    return WorkflowGraph(name: workflow.name, nodes: nodes, outputs: outputs)
  }

  mutating func report(_ problem: Diagnostic) { problems.append(problem) }

  mutating func hint(for text: String, among candidates: [String]) -> String? {
    guard suggestionBudget > 0 else { return nil }
    suggestionBudget -= candidates.count
    return Suggestion.hint(for: text, among: candidates)
  }

  mutating func hint(forNode name: NodeName) -> String? { hint(for: name.text, among: nodeNames) }

  /// In the order of the file; what has no place in it comes last.
  private var sortedProblems: [Diagnostic] {
    problems.sorted { left, right in
      guard let first = left.location, let second = right.location else {
        return left.location != nil && right.location == nil
      }
      return first < second
    }
  }

  // MARK: Inputs of the run

  mutating func checkInputs(areAllNeeded: Bool) {
    let given = inputs.sorted { $0.key < $1.key }.map { (name: $0.key.text, value: $0.value) }
    for input in workflow.inputs where inputs[input.name] == nil { inputs[input.name] = input.defaultValue }
    unboundInputs = Set(workflow.inputs.map(\.name).filter { inputs[$0] == nil })
    do throws(Diagnostics) {
      inputs = try workflow.bind(given, areAllNeeded: areAllNeeded)
    } catch {
      problems += error.items
      // A value of the wrong type is one mistake, not one for each of its readers.
      for input in workflow.inputs {
        guard let type = ValueType(rawValue: input.type), let value = inputs[input.name] else { continue }
        if !type.accepts(value) { unboundInputs.insert(input.name) }
      }
    }
  }

  // MARK: Names

  private mutating func checkPluginVersions() {
    for (name, range) in workflow.plugins.sorted(by: { $0.key < $1.key }) {
      guard let plugin = catalog.plugins[name] else {
        reportUnknown(plugin: name, at: range.location)
        continue
      }
      guard !range.value.contains(plugin.version) else { continue }
      report(
        Diagnostic(
          "the plugin \(name.text.quoted) has version \(plugin.version)",
          why: "the workflow asks for \(range.value)",
          hint: "install a version in this range, or change the range", at: range.location))
    }
  }

  private mutating func reportUnknown(plugin name: PluginName, at location: SourceLocation) {
    report(
      Diagnostic(
        "there is no plugin \(name.text.quoted)",
        hint: hint(for: name.text, among: catalog.plugins.keys.map(\.text).sorted())
          ?? "see which there are: orchestrator plugin list", at: location))
  }

  /// Files can't hold a name twice; a workflow from elsewhere can, and one of the two would be ignored.
  private mutating func checkDuplicates() {
    for (index, node) in workflow.nodes.enumerated() {
      if indices[node.name] != index {
        report(
          Diagnostic(
            "there are two nodes \(node.name.text.quoted)", hint: "give one of them another name", at: node.location))
      }
      for (name, value) in Self.repeated(node.parameters, by: \.name) {
        report(
          Diagnostic(
            "the parameter \(name.text.quoted) of the node \(node.name.text.quoted) is given twice",
            hint: "remove one", at: value.location))
      }
      for (port, _, location) in Self.repeated(node.inputs, by: \.port) {
        report(
          Diagnostic(
            "the input \(port.text.quoted) of the node \(node.name.text.quoted) is given twice",
            hint: "name all its sources in one list", at: location))
      }
    }
    for output in Self.repeated(workflow.outputs, by: \.name) {
      report(
        Diagnostic(
          "there are two workflow outputs \(output.name.text.quoted)", hint: "give one of them another name",
          at: output.source.location))
    }
  }

  private static func repeated<Item, Name: Hashable>(_ items: [Item], by name: (Item) -> Name) -> [Item] {
    var seen: Set<Name> = []
    return items.filter { !seen.insert(name($0)).inserted }
  }

  // MARK: Nodes

  /// What the node's type offers; nil, with a problem, where that can't be said.
  private mutating func specification(of node: Workflow.Node) -> NodeSpecification? {
    switch node.action.value {
    case .command:
      report(
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
        report(
          Diagnostic(
            "the plugin \(reference.plugin.text.quoted) has no node type \(reference.nodeType.text.quoted)",
            hint: hint(for: reference.nodeType.text, among: plugin.nodeTypes.keys.map(\.text).sorted()),
            at: node.action.location))
        return nil
      }
      return specification
    }
  }

  private mutating func check(_ node: Workflow.Node) -> WorkflowGraph.Node? {
    refuseWhatIsNotAvailable(node)
    let needs = needs(of: node)
    guard let index = indices[node.name], let specification = specifications[index],
      case .plugin(let type) = node.action.value
    else {
      // Nothing is known of its ports, but its connections still name other nodes.
      for source in node.inputs.flatMap(\.sources) {
        _ = connection(source, of: "the node \(node.name.text.quoted)")
      }
      return nil
    }
    let parameters = parameters(of: node, specification)
    let bindings = bindings(of: node, specification)
    var result = WorkflowGraph.Node(
      name: node.name, type: type, specification: specification, parameters: parameters, inputs: bindings,
      dependencies: [], dependents: [], policy: node.policy.inheriting(workflow.defaults),
      resources: node.resources?.value.completed(by: specification.resourceRequirements)
        ?? specification.resourceRequirements,
      resourceLocations: node.resources?.value.locations ?? [:], location: node.location)
    result.isReusable = node.cache.flatMap(Workflow.CacheMode.init) != .never
    result.dependencies = Set(result.sources.map(\.node) + needs).sorted()
    return result
  }

  /// What this version can't do is refused, never ignored.
  private mutating func refuseWhatIsNotAvailable(_ node: Workflow.Node) {
    if let condition = node.condition {
      report(
        Diagnostic(
          "the node \(node.name.text.quoted) has 'if'", why: "conditions are not available in this version",
          hint: "remove it: a node whose inputs failed is skipped anyway", at: condition.location))
    }
    if let cache = node.cache, Workflow.CacheMode(rawValue: cache) == nil {
      report(
        Diagnostic(
          "the node \(node.name.text.quoted) has 'cache: \(cache)'",
          why: "this kind of caching is not available in this version",
          hint: "known: \(Workflow.CacheMode.allCases.map(\.rawValue).joined(separator: ", "))", at: node.location))
    }
  }

  private mutating func needs(of node: Workflow.Node) -> [Int] {
    node.needs.compactMap { need in
      guard let index = indices[need.value] else {
        report(
          Diagnostic(
            "the node \(node.name.text.quoted) needs \(need.value.text.quoted), which there is none of",
            hint: hint(forNode: need.value), at: need.location))
        return nil
      }
      return index
    }
  }

  // MARK: Cycles

  private mutating func checkCycles() {
    var readers = [[Int]](repeating: [], count: workflow.nodes.count)
    for (index, node) in workflow.nodes.enumerated() {
      let sources = node.inputs.flatMap { $0.sources.map(\.value.node) } + node.needs.map(\.value)
      for source in Set(sources.compactMap { indices[$0] }).sorted() { readers[source].append(index) }
    }
    for cycle in CycleSearch.cycles(in: readers) {
      let names = (cycle + cycle.prefix(1)).map { workflow.nodes[$0].name.text }
      let shown = names.count <= 12 ? names : names.prefix(8) + ["… \(names.count - 9) more …"] + names.suffix(1)
      report(
        Diagnostic(
          "the nodes wait for each other: \(shown.joined(separator: " → "))", why: "none of them could ever start",
          hint: "remove one of these connections", at: workflow.nodes[cycle[0]].location))
    }
  }
}

extension NodePolicy {
  /// What this leaves open is taken from `defaults`.
  func inheriting(_ defaults: NodePolicy) -> NodePolicy {
    let named = retryOn.isEmpty ? defaults.retryOn : retryOn
    return NodePolicy(
      timeoutMilliseconds: timeoutMilliseconds ?? defaults.timeoutMilliseconds,
      maximumRetries: maximumRetries ?? defaults.maximumRetries,
      retryOn: named.isEmpty ? Self.defaultRetryClasses : named)
  }
}
