extension Diagnostic {
  /// - Parameters:
  ///   - why: where they come from, if that is known.
  ///   - parts: what a node that joins would help between.
  package static func tooManyConnections(
    _ why: String? = nil, between parts: String, at location: SourceLocation?
  ) -> Diagnostic {
    Diagnostic(
      "the workflow has more than \(Workflow.maximumConnections) connections between its nodes", why: why,
      hint: "put a node that joins between \(parts)", at: location)
  }
}

extension Workflow {
  /// Of a workflow with its matrices expanded: what its nodes need and read, counted once for each of both instances.
  package static let maximumConnections = 262_144

  /// The workflow with each node that has a matrix replaced by its instances, `test[0]`, `test[1]`, …, and each that stands for another
  /// workflow by the nodes of that, `test[0]/build`, … Who needs such a node, or reads an output of it, then needs or reads all its
  /// instances, in their order. The same workflow and inputs give the same result.
  ///
  /// A node stays one where an axis of it reads an input that `inputs` lacks, or where something is wrong with its matrix.
  /// - Returns: the workflow, and everything that is wrong with its matrices.
  package func expanded(inputs: [ParameterName: JSONValue]) -> (workflow: Workflow, problems: [Diagnostic]) {
    if let library { return inlined(library, inputs: inputs) }
    // By index: a node taken out of the list is a copy of all that it consists of.
    guard nodes.indices.contains(where: { nodes[$0].matrix != nil }) else { return (self, []) }
    var expansion = MatrixExpansion(workflow: self, inputs: inputs)
    let workflow = expansion.run()
    return (workflow, expansion.problems)
  }
}

private struct MatrixExpansion {
  private typealias Axis = (name: ParameterName, values: [JSONValue])

  let workflow: Workflow
  let scope: ExpressionScope
  /// Declared inputs without a value.
  let unbound: Set<String>
  private(set) var problems: [Diagnostic] = []
  /// By the index of the node; none where it stays one.
  private var combinations: [Int: [Workflow.Matrix.Combination]] = [:]
  /// By the node's name, where it has a matrix.
  private var instances: [NodeName: [NodeName]] = [:]

  init(workflow: Workflow, inputs: [ParameterName: JSONValue]) {
    self.workflow = workflow
    scope = ExpressionScope(inputs: inputs)
    unbound = Set(workflow.inputs.map(\.name).filter { inputs[$0] == nil }.map(\.text))
  }

  mutating func run() -> Workflow {
    combine()
    for (index, node) in workflow.nodes.enumerated() where node.matrix != nil {
      let names = combinations[index].map { $0.indices.map { NodeName(instance: $0, of: node.name) } }
      instances[node.name] = names ?? [node.name]
    }
    checkConnections()
    var result = workflow
    result.nodes = []
    result.nodes.reserveCapacity(workflow.nodes.count + combinations.values.reduce(0) { $0 + $1.count })
    for (index, node) in workflow.nodes.enumerated() { append(node, combinations[index], to: &result.nodes) }
    for index in result.outputs.indices {
      result.outputs[index].instances = instances[result.outputs[index].source.value.node]
    }
    return result
  }

  // MARK: Counting

  /// Fills in ``combinations``. Those of all nodes are counted even where there are too many to keep.
  private mutating func combine() {
    var count = 0
    for (index, node) in workflow.nodes.enumerated() {
      guard let matrix = node.matrix else {
        count += 1
        continue
      }
      // Of a workflow that is too large already only the size matters.
      let isKept = count < Workflow.maximumNodes
      guard let axes = axes(of: matrix, node) else {
        count += 1
        continue
      }
      if !isKept, matrix.include.isEmpty, matrix.exclude.isEmpty {
        count += Self.product(axes.map(\.values.count)) ?? 0
        continue
      }
      let found = combinations(of: matrix, axes, node)
      count += found?.count ?? 1
      if isKept { combinations[index] = found }
    }
    guard count > Workflow.maximumNodes else { return }
    combinations = [:]
    problems.append(
      Diagnostic(
        "the matrices make \(count) nodes of the workflow", why: "a workflow may have \(Workflow.maximumNodes)",
        hint: "take values away, or make several workflows of it", at: firstMatrix))
  }

  private mutating func checkConnections() {
    var count = 0
    for (index, node) in workflow.nodes.enumerated() {
      let sources = node.needs.map(\.value) + node.inputs.flatMap { $0.sources.map(\.value.node) }
      count += (combinations[index]?.count ?? 1) * sources.reduce(0) { $0 + (instances[$1]?.count ?? 1) }
    }
    guard count > Workflow.maximumConnections, !combinations.isEmpty else { return }
    combinations = [:]
    for name in instances.keys { instances[name] = [name] }
    problems.append(
      .tooManyConnections("the matrices make \(count)", between: "two that have a matrix", at: firstMatrix))
  }

  private var firstMatrix: SourceLocation? { workflow.nodes.lazy.compactMap { $0.matrix?.location }.first }

  // MARK: Combinations

  /// Nil where they aren't known, or where there is a problem.
  private mutating func axes(of matrix: Workflow.Matrix, _ node: Workflow.Node) -> [Axis]? {
    let lists = matrix.axes.map { values(of: $0, node) }
    let axes = zip(matrix.axes, lists).compactMap { axis, values in values.map { (name: axis.name, values: $0) } }
    guard axes.count == matrix.axes.count else { return nil }
    let counts = axes.map(\.values.count)
    guard let count = Self.product(counts), count <= Workflow.Matrix.maximumInstances else {
      refuse(matrix, node, axes: counts)
      return nil
    }
    return axes
  }

  /// Nil where there is a problem.
  private mutating func combinations(
    of matrix: Workflow.Matrix, _ axes: [Axis], _ node: Workflow.Node
  ) -> [Workflow.Matrix.Combination]? {
    var product: [Workflow.Matrix.Combination] = axes.isEmpty ? [] : [[]]
    for (name, values) in axes {
      product = product.flatMap { start in values.map { start + [Workflow.Matrix.Value(name, $0)] } }
    }
    product.removeAll { combination in matrix.exclude.contains { combination.holds($0.value) } }
    let result = Self.including(matrix.include.map(\.value), in: product)
    guard !result.isEmpty else {
      problems.append(
        Diagnostic(
          "the matrix of the node \(node.name.text.quoted) has no combinations left",
          why: matrix.axes.isEmpty
            ? "it has neither axes nor 'include'"
            : "'exclude' takes all \(Self.product(axes.map(\.values.count)) ?? 0) away",
          hint: "a node that never runs is better removed", at: matrix.location))
      return nil
    }
    guard result.count <= Workflow.Matrix.maximumInstances else {
      problems.append(
        Diagnostic(
          "the matrix of the node \(node.name.text.quoted) makes \(result.count) nodes with 'include'",
          why: "at most \(Workflow.Matrix.maximumInstances) are possible", hint: "take values away",
          at: matrix.location))
      return nil
    }
    return result
  }

  private mutating func refuse(_ matrix: Workflow.Matrix, _ node: Workflow.Node, axes counts: [Int]) {
    let words = counts.map(String.init)
    let axes =
      words.count == 1
      ? "1 axis of \(words[0])"
      : "\(words.count) axes of \(words.dropLast().joined(separator: ", ")) and \(words.last ?? "")"
    let made = Self.product(counts).map { "\($0) nodes" } ?? "more nodes than can be counted"
    problems.append(
      Diagnostic(
        "the matrix of the node \(node.name.text.quoted) is too large",
        why: "\(axes) values make \(made); at most \(Workflow.Matrix.maximumInstances)",
        hint: "take values away before 'exclude', or name the combinations in 'include'", at: matrix.location))
  }

  /// Nil where it has more than 64 bits. Without factors 0: `include` alone makes the combinations.
  private static func product(_ counts: [Int]) -> Int? {
    guard !counts.isEmpty else { return 0 }
    return counts.reduce(Optional(1)) { product, count in
      guard let (result, overflow) = product.map({ $0.multipliedReportingOverflow(by: count) }), !overflow else {
        return nil
      }
      return result
    }
  }

  /// The values of an axis. Nil where an input has no value yet, or where there is a problem.
  private mutating func values(of axis: Workflow.Matrix.Axis, _ node: Workflow.Node) -> [JSONValue]? {
    let title = "the axis \(axis.name.text.quoted) of the node \(node.name.text.quoted)"
    switch axis.values.value {
    case .list(let values) where !values.isEmpty: return values
    case .list:
      problems.append(
        Diagnostic("\(title) has no values", hint: "add one, or remove the axis", at: axis.values.location))
      return nil
    case .expression(let expression):
      guard unbound.isDisjoint(with: expression.names(of: "inputs")) else { return nil }
      do throws(Expression.Problem) {
        let value = try expression.evaluate(in: scope)
        guard case .array(let values) = value else {
          throw Expression.Problem("it must be a list", why: "it is a \(value.typeName)")
        }
        guard !values.isEmpty else {
          throw Expression.Problem("the list is empty", why: "the node would never run")
        }
        return values
      } catch {
        problems.append(
          Diagnostic("\(title): \(error.what)", why: error.why, hint: error.hint, at: axis.values.location))
        return nil
      }
    }
  }

  /// Each item is added to every combination of the axes where it changes no value of an axis; it may change what an earlier item has
  /// added. An item that can be added to none becomes a combination of its own, to which nothing is added.
  private static func including(
    _ items: [Workflow.Matrix.Combination], in product: [Workflow.Matrix.Combination]
  ) -> [Workflow.Matrix.Combination] {
    var result = product
    for item in items {
      var isAdded = false
      for (index, original) in product.enumerated() where original.agrees(with: item) {
        result[index].set(item)
        isAdded = true
      }
      if !isAdded { result.append(item) }
    }
    return result
  }

  // MARK: Instances

  private func append(
    _ written: Workflow.Node, _ combinations: [Workflow.Matrix.Combination]?, to nodes: inout [Workflow.Node]
  ) {
    var node = written
    node.needs = written.needs.flatMap { need in
      instances[need.value].map { names in names.map { Located($0, at: need.location) } } ?? [need]
    }
    node.inputs = written.inputs.map { input in
      (
        input.port,
        input.sources.flatMap { source in
          instances[source.value.node].map { names in
            names.map { Located(PortReference(node: $0, port: source.value.port), at: source.location) }
          } ?? [source]
        }, input.location
      )
    }
    guard let matrix = written.matrix else { return nodes.append(node) }
    node.matrix = nil
    let names = matrix.names
    node.instance = Workflow.Instance(node: written.name, combination: nil, names: names)
    guard let combinations else { return nodes.append(node) }
    for (index, combination) in combinations.enumerated() {
      node.name = NodeName(instance: index, of: written.name)
      node.instance?.combination = combination
      nodes.append(node)
    }
  }
}

extension Workflow.Matrix.Combination {
  private func value(of name: ParameterName) -> JSONValue? { first { $0.name == name }?.value }

  /// Whether every value of `other` is here.
  fileprivate func holds(_ other: Self) -> Bool {
    other.allSatisfy { wanted in value(of: wanted.name).map { $0.isSame(as: wanted.value) } ?? false }
  }

  /// Whether nothing here would be changed by `other`.
  fileprivate func agrees(with other: Self) -> Bool {
    other.allSatisfy { added in value(of: added.name).map { $0.isSame(as: added.value) } ?? true }
  }

  fileprivate mutating func set(_ values: Self) {
    for value in values {
      if let index = firstIndex(where: { $0.name == value.name }) {
        self[index] = value
      } else {
        append(value)
      }
    }
  }
}
