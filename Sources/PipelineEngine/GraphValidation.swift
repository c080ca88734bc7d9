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
/// `PortValidation.swift`, conditions in `ConditionValidation.swift`.
struct GraphValidation {
  /// As it was given; ``workflow`` has its matrices expanded.
  private let written: Workflow
  private(set) var workflow: Workflow
  let catalog: NodeCatalog
  /// Of the run, with the workflow's defaults.
  private(set) var inputs: [ParameterName: JSONValue]
  /// Declared inputs without a usable value: what reads them can't be checked.
  private(set) var unboundInputs: Set<ParameterName> = []
  private(set) var problems: [Diagnostic] = []
  private(set) var indices: [NodeName: Int] = [:]
  /// The instances of each node that has some, and nodes of one name.
  private var groups: [NodeName: [Int]] = [:]
  /// By the index of the node; nil where its type is unknown.
  private(set) var specifications: [SharedType?] = []
  /// Those of them that were looked up.
  private var known: [NodeTypeReference: SharedType] = [:]
  /// The one that was looked up last: most nodes follow others of their type.
  private var latest: (type: NodeTypeReference, found: SharedType)?
  /// By their text: the instances of a matrix have theirs in common, and other nodes often.
  private var templates: [ByteText: Template] = [:]
  /// What every node's expressions may read.
  private lazy var commonScope = ExpressionScope(inputs: inputs)
  /// What was told of an instance isn't told again of the others.
  private var told: Set<InstanceProblem> = []
  /// Asked for only where a name is wrong.
  private lazy var nodeNames = written.nodes.map(\.name.text)
  /// The nodes that run for each item of a list.
  private var foreachNodes: Set<Int> = []
  /// Of workflows that nodes stood for.
  private(set) var parts: [WorkflowGraph.Part] = []
  /// What nodes wait for, those of workflows that nodes stood for and all beside them.
  private var waiting: [NodeName: [Int]] = [:]
  private var connectionCount = 0
  /// How many more names may be compared: a suggestion is a kindness, and must not cost a large file minutes.
  private var suggestionBudget = 100_000

  init(workflow: Workflow, catalog: NodeCatalog, inputs: [ParameterName: JSONValue]) {
    written = workflow
    self.workflow = workflow
    self.catalog = catalog
    self.inputs = inputs
  }

  mutating func run() throws(Diagnostics) -> WorkflowGraph {
    expandMatrices()
    // What follows would be told of names that there are none of.
    if written.library != nil, !problems.isEmpty { throw Diagnostics(sortedProblems) }
    checkVersions(workflow.plugins)
    checkVersionsOfParts()
    checkDuplicates()
    specifications.reserveCapacity(workflow.nodes.count)
    // By index, here and below: a node taken out of a list is a copy of all that it consists of.
    let written = workflow.nodes
    for index in written.indices {
      let first = written[index].instance.flatMap { groups[$0.node]?.first } ?? index
      specifications.append(first == index ? shared(of: written[index].type) : specifications[first])
      if written[index].foreach != nil { foreachNodes.insert(index) }
    }
    let count = problems.count
    makeParts()
    guard problems.count == count else { throw Diagnostics(sortedProblems) }
    var nodes: [WorkflowGraph.Node] = []
    nodes.reserveCapacity(workflow.nodes.count)
    let expanded = workflow.nodes
    for index in expanded.indices {
      check(index, expanded[index], into: &nodes)
    }
    let outputs = workflow.outputs.compactMap { self.output($0) }
    guard problems.isEmpty else {
      checkCycles(in: readersAsWritten())
      throw Diagnostics(sortedProblems)
    }
    var counts = [Int](repeating: 0, count: nodes.count)
    for index in nodes.indices {
      for dependency in nodes[index].dependencies { counts[dependency] += 1 }
    }
    var readers = [[Int]](repeating: [], count: nodes.count)
    for index in nodes.indices { readers[index].reserveCapacity(counts[index]) }
    for index in nodes.indices {
      for dependency in nodes[index].dependencies { readers[dependency].append(index) }
    }
    checkCycles(in: readers)
    guard problems.isEmpty else { throw Diagnostics(sortedProblems) }
    for index in nodes.indices { nodes[index].dependents = readers[index] }
    return WorkflowGraph(name: workflow.name, nodes: nodes, outputs: outputs, parts: parts)
  }

  /// Taken apart once for all who have it.
  mutating func template(_ text: String) throws(Template.Problem) -> Template {
    if let known = templates[ByteText(text)] { return known }
    let template = try Template(text)
    templates[ByteText(text)] = template
    return template
  }

  mutating func scope(of node: Workflow.Node) -> ExpressionScope {
    var scope = node.scope == nil ? commonScope : ExpressionScope(inputs: values(for: node))
    scope.roots["matrix"] = node.instance?.scope
    return scope
  }

  private mutating func expandMatrices() {
    let expanded = written.expanded(inputs: inputs.filter { !unboundInputs.contains($0.key) })
    workflow = expanded.workflow
    problems += expanded.problems
    indices.reserveCapacity(workflow.nodes.count)
    let nodes = workflow.nodes
    for index in nodes.indices {
      let name = nodes[index].name
      let first = indices[name]
      if first == nil { indices[name] = index }
      if let written = nodes[index].instance?.node {
        groups[written, default: indices[written].map { [$0] } ?? []].append(index)
      } else if first != nil || !groups.isEmpty && groups[name] != nil {
        groups[name, default: first.map { [$0] } ?? []].append(index)
      }
      if nodes[index].subworkflow != nil, written.library == nil { refuseWithoutFiles(nodes[index]) }
    }
    if let inlined = workflow.inlined {
      nodeNames = (workflow.nodes.map(\.name) + inlined.parts.map(\.scope.name)).map { ($0.matrixNode ?? $0).text }
    }
  }

  /// A workflow that was made by hand.
  private mutating func refuseWithoutFiles(_ node: Workflow.Node) {
    report(
      Diagnostic(
        "the node \(node.name.text.quoted) stands for another workflow, which wasn't read",
        hint: "read a workflow together with its files", at: node.location))
  }

  mutating func add(_ part: WorkflowGraph.Part) { parts.append(part) }

  mutating func add(waitingOf node: Workflow.Node, _ dependencies: [Int]) {
    let connections = dependencies.count
    waiting[node.name] = dependencies
    guard connectionCount <= Workflow.maximumConnections else { return }
    connectionCount += connections
    guard connectionCount > Workflow.maximumConnections else { return }
    report(.tooManyConnections(between: "workflows that wait for each other", at: node.location))
  }

  /// Whether the node runs for each item of a list: its outputs are then lists.
  func runsForEach(_ index: Int) -> Bool { !foreachNodes.isEmpty && foreachNodes.contains(index) }

  /// Whether some node is an instance of another.
  var hasMatrices: Bool { !groups.isEmpty || workflow.inlined != nil }

  /// Whether each node of ``workflow`` is found by its name.
  private var isEachNameUnique: Bool { indices.count == workflow.nodes.count }

  /// The instances of a node as it is written; of most the node alone.
  func group(of name: NodeName) -> [Int]? { groups[name] ?? indices[name].map { [$0] } }

  mutating func report(_ problem: Diagnostic) {
    if let found = InstanceProblem(problem), !told.insert(found).inserted { return }
    problems.append(problem)
  }

  private mutating func output(_ output: Workflow.Output) -> WorkflowGraph.Output? {
    let title = "the workflow output \(output.name.text.quoted)"
    guard let instances = output.instances else {
      return connection(output.source, of: title).map {
        WorkflowGraph.Output(name: output.name, sources: [$0], isList: runsForEach($0.node))
      }
    }
    let sources = instances.compactMap { instance in
      let reference = PortReference(node: instance, port: output.source.value.port)
      return connection(Located(reference, at: output.source.location), of: title)
    }
    return sources.isEmpty ? nil : WorkflowGraph.Output(name: output.name, sources: sources, isList: true)
  }

  mutating func hint(for text: String, among candidates: [String]) -> String? {
    guard suggestionBudget > 0 else { return nil }
    suggestionBudget -= candidates.count
    return Suggestion.hint(for: text, among: candidates)
  }

  mutating func hint(forNode name: NodeName) -> String? { hint(forText: name.text) }
  mutating func hint(forText name: String) -> String? { hint(for: name, among: nodeNames) }

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

  mutating func checkVersions(_ plugins: [PluginName: Located<VersionRange>]) {
    for (name, range) in plugins.sorted(by: { $0.key < $1.key }) {
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
    var names: Set<NodeName> = []
    let nodes = written.nodes
    let isUnique = !hasMatrices && isEachNameUnique
    for index in nodes.indices {
      let isFirst = isUnique || names.insert(nodes[index].name).inserted
      if !isFirst || nodes[index].name.isMade { refuse(name: nodes[index]) }
      for (name, value) in Self.repeated(nodes[index].parameters, by: \.name) {
        report(
          Diagnostic(
            "the parameter \(name.text.quoted) of the node \(nodes[index].name.text.quoted) is given twice",
            hint: "remove one", at: value.location))
      }
      for (port, _, location) in Self.repeated(nodes[index].inputs, by: \.port) {
        report(
          Diagnostic(
            "the input \(port.text.quoted) of the node \(nodes[index].name.text.quoted) is given twice",
            hint: "name all its sources in one list", at: location))
      }
    }
    for output in Self.repeated(written.outputs, by: \.name) {
      report(
        Diagnostic(
          "there are two workflow outputs \(output.name.text.quoted)", hint: "give one of them another name",
          at: output.source.location))
    }
  }

  private mutating func refuse(name node: Workflow.Node) {
    report(
      Diagnostic(
        node.name.isMade
          ? "\(node.name.text.quoted) is the name of an instance of a matrix, or of a node within another workflow"
          : "there are two nodes \(node.name.text.quoted)",
        hint: "give one of them another name", at: node.location))
  }

  private static func repeated<Item, Name: Hashable>(_ items: [Item], by name: (Item) -> Name) -> [Item] {
    guard items.count > 1 else { return [] }
    // Nearly all are few: those are compared without hashing.
    if items.count <= 8 {
      let isUnique = items.indices.allSatisfy { index in
        !items[..<index].contains { name($0) == name(items[index]) }
      }
      if isUnique { return [] }
    }
    var seen: Set<Name> = []
    return items.filter { !seen.insert(name($0)).inserted }
  }

  // MARK: Nodes

  /// What the type offers; nil, with a problem, where that can't be said.
  private mutating func specification(of type: Located<NodeTypeReference>) -> NodeSpecification? {
    let reference = type.value
    guard let plugin = catalog.plugins[reference.plugin] else {
      reportUnknown(plugin: reference.plugin, at: type.location)
      return nil
    }
    guard let specification = plugin.nodeTypes[reference.nodeType] else {
      report(
        Diagnostic(
          "the plugin \(reference.plugin.text.quoted) has no node type \(reference.nodeType.text.quoted)",
          hint: hint(for: reference.nodeType.text, among: plugin.nodeTypes.keys.map(\.text).sorted()),
          at: type.location))
      return nil
    }
    return specification
  }

  private mutating func shared(of type: Located<NodeTypeReference>) -> SharedType? {
    if let latest, latest.type == type.value { return latest.found }
    let found =
      known[type.value]
      ?? specification(of: type).map { SharedType($0, version: catalog.plugins[type.value.plugin]?.version) }
    known[type.value] = found
    latest = found.map { (type.value, $0) }
    return found
  }

  /// - Parameters:
  ///   - position: of `node` in the workflow.
  ///   - nodes: where it is put. It isn't returned: that would be a copy.
  private mutating func check(_ position: Int, _ node: Workflow.Node, into nodes: inout [WorkflowGraph.Node]) {
    refuseWhatIsNotAvailable(node)
    let needs = needs(of: node)
    guard let index = isEachNameUnique ? position : indices[node.name], let shared = specifications[index] else {
      // Nothing is known of its ports, but its connections still name other nodes.
      for source in node.inputs.flatMap(\.sources) {
        _ = connection(source, of: "the node \(node.name.text.quoted)")
      }
      return
    }
    let type = node.type.value
    let parameters = parameters(of: node, known: shared)
    let bindings = bindings(of: node, known: shared.value.inputs)
    let requirements = shared.value.resourceRequirements
    let place = nodes.count
    nodes.append(
      WorkflowGraph.Node(
        name: node.name, type: type, specification: shared, parameters: parameters,
        inputs: bindings, dependencies: [], dependents: [], policy: node.policy.inheriting(workflow.defaults),
        resources: node.resources?.value.completed(by: requirements) ?? requirements,
        resourceLocations: node.resources?.value.locations ?? [:], location: node.location,
        continuesOnError: node.continuesOnError, instance: node.instance))
    if node.foreach != nil { nodes[place].foreach = foreach(of: node, bindings) }
    if let semaphores = node.resources?.value.semaphores { nodes[place].semaphores = semaphores }
    nodes[place].secrets = node.secrets
    // What a secret opens is known to nobody here.
    nodes[place].isReusable = node.cache.flatMap(Workflow.CacheMode.init) != .never && node.secrets.isEmpty
    if workflow.inlined != nil {
      self.place(&nodes[place], node, needs: needs)
      return
    }
    var dependencies = needs
    dependencies.reserveCapacity(needs.count + bindings.count)
    for binding in bindings.indices {
      guard case .connections(let connections) = bindings[binding].source else { continue }
      for index in connections.indices { dependencies.append(connections[index].node) }
    }
    nodes[place].dependencies = Self.ascending(dependencies)
    if node.condition != nil {
      nodes[place].condition = condition(of: node, waitingFor: Set(dependencies))
    }
  }

  /// Each once.
  private static func ascending(_ nodes: consuming [Int]) -> [Int] {
    guard nodes.count > 1 else { return nodes }
    nodes.sort()
    var count = 1
    for index in 1..<nodes.count where nodes[index] != nodes[count - 1] {
      nodes[count] = nodes[index]
      count += 1
    }
    nodes.removeLast(nodes.count - count)
    return nodes
  }

  /// What this version can't do is refused, never ignored.
  private mutating func refuseWhatIsNotAvailable(_ node: Workflow.Node) {
    if let cache = node.cache, Workflow.CacheMode(rawValue: cache) == nil {
      report(
        Diagnostic(
          "the node \(node.name.text.quoted) has 'cache: \(cache)'",
          why: "this kind of caching is not available in this version",
          hint: "known: \(Workflow.CacheMode.allCases.map(\.rawValue).joined(separator: ", "))", at: node.location))
    }
  }

  mutating func needs(of node: Workflow.Node) -> [Int] {
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

  /// By node, who reads or needs it as far as there is such a node, whatever else is wrong.
  private func readersAsWritten() -> [[Int]] {
    var readers = [[Int]](repeating: [], count: workflow.nodes.count)
    for (index, node) in workflow.nodes.enumerated() {
      let sources = node.inputs.flatMap { $0.sources.map(\.value.node) } + node.needs.map(\.value)
      let waited = sources.compactMap { indices[$0] } + (waiting[node.name] ?? [])
      for source in Self.ascending(waited) { readers[source].append(index) }
    }
    return readers
  }

  private mutating func checkCycles(in readers: [[Int]]) {
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

extension NodeName {
  /// Of an instance, or within another workflow: such a name can't be written.
  fileprivate var isMade: Bool { matrixNode != nil || text.utf8.contains(UInt8(ascii: "/")) }
}

extension NodePolicy {
  /// What this leaves open is taken from `defaults`.
  func inheriting(_ defaults: NodePolicy) -> NodePolicy {
    var policy = filled(from: defaults)
    policy.retryRules = policy.retryRules?.map { rule in
      var rule = rule
      if rule.classes.isEmpty { rule.classes = Self.defaultRetryClasses }
      return rule
    }
    return policy
  }
}

/// What is wrong with an instance of a matrix, as it would be told of any other instance.
private struct InstanceProblem: Hashable {
  var what: String
  var location: SourceLocation?

  /// Nil where the problem names no instance.
  init?(_ problem: Diagnostic) {
    let what = Self.general(problem.what)
    guard what != nil || problem.why.flatMap(Self.general) != nil else { return nil }
    self.what = what ?? problem.what
    location = problem.location
  }

  /// Without the numbers of instances; nil where it names none.
  private static func general(_ text: String) -> String? {
    // Names in diagnostics stand between quotes, or before the dot of an output.
    let bytes = Array(text.utf8)
    var general: [UInt8] = []
    var copied = 0
    for open in bytes.indices where bytes[open] == UInt8(ascii: "[") {
      guard let end = bytes[open...].firstIndex(of: UInt8(ascii: "]")), end + 1 < bytes.count,
        [UInt8(ascii: "'"), UInt8(ascii: "."), UInt8(ascii: "/")].contains(bytes[end + 1]),
        let quote = bytes[..<open].lastIndex(of: UInt8(ascii: "'")),
        NodeName(stored: String(decoding: bytes[(quote + 1)...end], as: UTF8.self)) != nil
      else { continue }
      general += bytes[copied..<open]
      copied = end + 1
    }
    guard copied > 0 else { return nil }
    return String(decoding: general + bytes[copied...], as: UTF8.self)
  }
}
