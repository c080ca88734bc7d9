/// A workflow and those that its nodes stand for, as a tree: matrices are expanded and inputs have their values, and the names are still
/// those of each file. What the tree's nodes are called among all, and what they are connected to, `SubworkflowInlining` says.
struct SubworkflowTree {
  final class Level {
    /// With its matrices expanded.
    let workflow: Workflow
    /// Among the files of the run.
    let file: String
    let parent: Level?
    /// Of its parent, with the name that it has there; nil: the run's own workflow.
    let node: Workflow.Node?
    var values: [ParameterName: JSONValue]
    var unbound: Set<ParameterName>
    /// By what the parent names.
    let connected: [ParameterName: [Located<PortReference>]]
    var children: [NodeName: Level] = [:]

    init(
      _ workflow: Workflow, file: String, parent: Level?, node: Workflow.Node?, given: Given
    ) {
      self.workflow = workflow
      self.file = file
      self.parent = parent
      self.node = node
      values = given.values
      unbound = given.unbound
      connected = given.connected
    }

    /// What its expressions read.
    func scope(of node: Workflow.Node) -> ExpressionScope {
      ExpressionScope(inputs: values, matrix: node.instance?.scope)
    }
  }

  /// What a node with `workflow` gives to the inputs of the other file.
  struct Given {
    var values: [ParameterName: JSONValue] = [:]
    var unbound: Set<ParameterName> = []
    var connected: [ParameterName: [Located<PortReference>]] = [:]
  }

  private let library: WorkflowLibrary
  private(set) var problems: [Diagnostic] = []
  /// What is wrong with one instance of a matrix isn't told of the next.
  private var told: Set<Diagnostic> = []
  private var count = 0
  /// The first node of the run's own workflow that stands for another.
  private var place: SourceLocation?
  private var isTooLarge = false

  init(library: WorkflowLibrary) { self.library = library }

  /// - Parameter inputs: of the run.
  mutating func grow(_ workflow: Workflow, inputs: [ParameterName: JSONValue]) -> Level {
    place = workflow.nodes.lazy.compactMap { $0.subworkflow?.location }.first
    checkSize(of: workflow)
    let unbound = Set(workflow.inputs.map(\.name).filter { inputs[$0] == nil })
    return level(
      workflow, file: library.root, parent: nil, node: nil, given: Given(values: inputs, unbound: unbound))
  }

  private mutating func report(_ problem: Diagnostic) {
    var general = problem
    general.why = nil
    if told.insert(general).inserted { problems.append(problem) }
  }

  private mutating func level(
    _ written: Workflow, file: String, parent: Level?, node: Workflow.Node?, given: Given
  ) -> Level {
    var level = Level(written, file: file, parent: parent, node: node, given: given)
    checkAxes(of: written, given)
    guard problems.isEmpty else { return level }
    var single = written
    single.library = nil
    let (expanded, found) = single.expanded(inputs: given.values)
    for problem in found { report(problem) }
    level = Level(expanded, file: file, parent: parent, node: node, given: given)
    count += expanded.nodes.count { $0.subworkflow == nil }
    guard count <= Workflow.maximumNodes else {
      refuseSize("the workflow has more than \(Workflow.maximumNodes) nodes")
      return level
    }
    for node in expanded.nodes where !isTooLarge {
      guard let named = node.subworkflow,
        let path = try? WorkflowPath.resolve(named, from: file, root: library.path), let other = library.files[path]
      else { continue }
      let given = inputs(of: node, other, path, at: level)
      level.children[node.name] = self.level(other, file: path, parent: level, node: node, given: given)
    }
    return level
  }

  /// An axis that reads what isn't known before the run.
  private mutating func checkAxes(of workflow: Workflow, _ given: Given) {
    guard !given.connected.isEmpty else { return }
    for node in workflow.nodes {
      for axis in node.matrix?.axes ?? [] {
        guard case .expression(let expression) = axis.values.value else { continue }
        for name in Set(expression.names(of: "inputs")).sorted() {
          guard let name = ParameterName(name), let sources = given.connected[name] else { continue }
          report(
            Diagnostic(
              "the axis \(axis.name.text.quoted) of the node \(node.name.text.quoted) reads the input \(name.text.quoted)",
              why: "it is connected to \(sources.text), and has no value before the run",
              hint: "use 'foreach' over \("inputs.\(name)".quoted), or give the input a value with 'with'",
              at: axis.values.location))
        }
      }
    }
  }

  // MARK: Inputs

  /// Of the workflow `other`, which `node` stands for.
  private mutating func inputs(of node: Workflow.Node, _ other: Workflow, _ file: String, at level: Level) -> Given {
    let name = node.instance?.node ?? node.name
    let declared = Dictionary(other.inputs.map { ($0.name, $0) }) { first, _ in first }
    var given = Given()
    for (parameter, written) in node.parameters {
      guard let input = declared[parameter] else {
        refuseUnknown(parameter.text, other, file, at: written.location)
        continue
      }
      guard let value = value(of: written, for: input, node, name, at: level) else {
        given.unbound.insert(parameter)
        continue
      }
      check(value, is: input, of: name, file, at: written.location)
      given.values[parameter] = value
    }
    for (port, sources, location) in node.inputs {
      guard let parameter = ParameterName(port.text), let input = declared[parameter] else {
        refuseUnknown(port.text, other, file, at: location)
        continue
      }
      guard given.values[parameter] == nil, !given.unbound.contains(parameter) else {
        report(
          Diagnostic(
            "the node \(name.text.quoted) gives the input \(port.text.quoted) with both 'with' and 'in'",
            hint: "remove one", at: location))
        continue
      }
      connect(sources, to: input, of: name, file, at: level, &given)
    }
    for input in other.inputs
    where given.values[input.name] == nil && given.connected[input.name] == nil && !given.unbound.contains(input.name) {
      if let value = input.defaultValue {
        given.values[input.name] = value
      } else {
        report(
          Diagnostic(
            "the node \(name.text.quoted) gives no value to the input \(input.name.text.quoted) of the workflow \(file.quoted)",
            why: "it has no default",
            hint: "add to the node:  with: {\(input.name): VALUE}  or  in: {\(input.name): NODE.PORT}",
            at: node.location))
        given.unbound.insert(input.name)
      }
    }
    return given
  }

  private mutating func refuseUnknown(_ name: String, _ other: Workflow, _ file: String, at location: SourceLocation) {
    report(
      Diagnostic(
        "the workflow \(file.quoted) has no input \(name.quoted)", why: other.inputs.isEmpty ? "it has none" : nil,
        hint: Suggestion.hint(for: name, among: other.inputs.map(\.name.text)), at: location))
  }

  private mutating func check(
    _ value: JSONValue, is input: Workflow.Input, of node: NodeName, _ file: String, at location: SourceLocation
  ) {
    guard let type = ValueType(rawValue: input.type), !type.accepts(value) else { return }
    report(
      Diagnostic(
        "the node \(node.text.quoted) must give \(type.phrase) to the input \(input.name.text.quoted) of the workflow \(file.quoted)",
        why: "it is \(value.text().quoted)", at: location))
  }

  /// Nil: it isn't known yet, or there is a problem.
  private mutating func value(
    of written: Located<JSONValue>, for input: Workflow.Input, _ node: Workflow.Node, _ name: NodeName, at level: Level
  ) -> JSONValue? {
    do throws(Template.Problem) {
      let names = try written.value.namesRead(of: "inputs")
      for read in names.sorted() {
        guard let parameter = ParameterName(read), let sources = level.connected[parameter] else { continue }
        throw Template.Problem(
          "it reads the input \(read.quoted)",
          why: "that is connected to \(sources.text), and has no value before the run",
          hint: "connect it:  in: {\(input.name): inputs.\(read)}")
      }
      guard level.unbound.allSatisfy({ !names.contains($0.text) }) else { return nil }
      if let instance = node.instance, instance.combination == nil {
        guard try written.value.namesRead(of: "matrix").isEmpty else { return nil }
      }
      return try written.value.evaluated(in: level.scope(of: node))
    } catch {
      report(
        Diagnostic(
          "the input \(input.name.text.quoted) of the node \(name.text.quoted): \(error.what)", why: error.why,
          hint: error.hint, at: written.location))
      return nil
    }
  }

  /// `in:`: outputs of other nodes, or an input of the workflow around, whatever that is.
  private mutating func connect(
    _ sources: [Located<PortReference>], to input: Workflow.Input, of name: NodeName, _ file: String, at level: Level,
    _ given: inout Given
  ) {
    var connected: [Located<PortReference>] = []
    for source in sources {
      guard source.value.node == .inputs else {
        connected.append(source)
        continue
      }
      guard let outer = level.workflow.inputs.first(where: { $0.name.text == source.value.port.text })?.name else {
        report(
          Diagnostic(
            "the workflow has no input \(source.value.port.text.quoted)",
            hint: Suggestion.hint(for: source.value.port.text, among: level.workflow.inputs.map(\.name.text))
              ?? "declare it under 'spec.inputs'", at: source.location))
        given.unbound.insert(input.name)
        return
      }
      guard level.connected[outer] == nil else {
        connected.append(source)
        continue
      }
      guard sources.count == 1 else {
        report(
          Diagnostic(
            "the input \(input.name.text.quoted) of the node \(name.text.quoted) gets both values and outputs of nodes",
            why: "\(source.value.description.quoted) is a value, known before the run",
            hint: "connect either one value or outputs of nodes", at: source.location))
        given.unbound.insert(input.name)
        return
      }
      guard let value = level.values[outer] else {
        given.unbound.insert(input.name)
        return
      }
      check(value, is: input, of: name, file, at: source.location)
      given.values[input.name] = value
      return
    }
    if !connected.isEmpty { given.connected[input.name] = connected }
  }

  // MARK: Counting

  /// Before anything is made: what every value of the inputs comes to.
  private mutating func checkSize(of workflow: Workflow) {
    var counts: [String: Int] = [:]
    let total = size(of: workflow, library.root, &counts)
    guard total > Workflow.maximumNodes else { return }
    refuseSize("the workflow has \(total == .max ? "more nodes than can be counted" : "\(total) nodes")")
  }

  private mutating func refuseSize(_ what: String) {
    guard !isTooLarge else { return }
    isTooLarge = true
    problems.append(
      Diagnostic(
        "\(what), with those of the workflows that its nodes stand for",
        why: "a workflow may have \(Workflow.maximumNodes)", hint: "take values away, or make several workflows of it",
        at: place))
  }

  /// A node whose matrix isn't known without the inputs counts once.
  private func size(of workflow: Workflow, _ file: String, _ counts: inout [String: Int]) -> Int {
    if let known = counts[file] { return known }
    var single = workflow
    single.library = nil
    var total = 0
    for node in single.expanded(inputs: [:]).workflow.nodes {
      var size = 1
      if let named = node.subworkflow, let path = try? WorkflowPath.resolve(named, from: file, root: library.path),
        let other = library.files[path]
      {
        size = self.size(of: other, path, &counts)
      }
      let (sum, overflow) = total.addingReportingOverflow(size)
      total = overflow ? .max : sum
    }
    counts[file] = total
    return total
  }
}

extension [Located<PortReference>] {
  /// What is connected, for people.
  var text: String { first.map { $0.value.description.quoted } ?? "nothing" }
}

extension JSONValue {
  /// What the templates of the value read of a root.
  package func namesRead(of root: String) throws(Template.Problem) -> Set<String> {
    switch self {
    case .null, .bool, .integer, .double: return []
    case .string(let text): return Set(try Template(text).names(of: root))
    case .array(let items):
      var names: Set<String> = []
      for item in items { names.formUnion(try item.namesRead(of: root)) }
      return names
    case .object(let members):
      var names: Set<String> = []
      for member in members { names.formUnion(try member.value.namesRead(of: root)) }
      return names
    }
  }
}
