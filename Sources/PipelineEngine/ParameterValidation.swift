import PluginModel

extension GraphValidation {
  /// In the order of the specification, evaluated, with its defaults.
  mutating func parameters(
    of node: Workflow.Node, known: [ParameterSpecification]
  ) -> [(name: ParameterName, value: JSONValue)] {
    var values = [JSONValue?](repeating: nil, count: known.count)
    // Made where the first expression is.
    var scope: ExpressionScope?
    for (name, written) in node.parameters {
      guard let index = known.indices.first(where: { known[$0].name == name }) else {
        report(
          Diagnostic(
            "the node \(node.name.text.quoted) has no parameter \(name.text.quoted)",
            why: known.isEmpty ? "its type takes none" : nil,
            hint: hint(for: name.text, among: known.map(\.name.text)), at: written.location))
        continue
      }
      // Whatever it looks like: nothing is ever put into the text of a command.
      let isText = node.type.value == .command && name.text == "command"
      values[index] = isText ? written.value : value(of: known[index], written, of: node, &scope)
    }
    return known.indices.map { (known[$0].name, values[$0] ?? known[$0].defaultValue) }
  }

  private mutating func value(
    of parameter: ParameterSpecification, _ written: Located<JSONValue>, of node: Workflow.Node,
    _ known: inout ExpressionScope?
  ) -> JSONValue {
    do throws(Template.Problem) {
      // Most values hold no expression.
      guard written.value.mayHoldExpressions else {
        return complain(about: written.value, of: parameter, written, of: node)
      }
      let isPattern = node.type.value == .command && CommandPattern.parameters.contains(parameter.name.text)
      let escape = isPattern ? CommandPattern.escaped : nil
      if case .string(let text) = written.value {
        let template = try template(text)
        guard try canEvaluate(node, reading: { Set(template.names(of: $0)) }) else { return written.value }
        let scope = known ?? scope(of: node)
        known = scope
        return complain(about: try template.evaluate(in: scope, escape: escape), of: parameter, written, of: node)
      }
      let isKnown = try canEvaluate(node) { (root) throws(Template.Problem) in try written.value.namesRead(of: root) }
      guard isKnown else { return written.value }
      let scope = known ?? scope(of: node)
      known = scope
      let value = try written.value.evaluated(in: scope, escape: escape)
      return complain(about: value, of: parameter, written, of: node)
    } catch {
      report(
        Diagnostic(
          "the parameter \(parameter.name.text.quoted) of the node \(node.name.text.quoted): \(error.what)",
          why: error.why, hint: error.hint, at: written.location))
      return written.value
    }
  }

  /// Whether all that a value of the node reads is known.
  /// - Parameter names: what it reads of `inputs`, or of `matrix`.
  private func canEvaluate(
    _ node: Workflow.Node, reading names: (String) throws(Template.Problem) -> Set<String>
  ) throws(Template.Problem) -> Bool {
    let unbound = unbound(for: node)
    if !unbound.isEmpty || node.scope != nil {
      let inputsRead = try names("inputs")
      if let problem = problem(ofInputs: inputsRead, in: node) { throw problem }
      guard unbound.allSatisfy({ !inputsRead.contains($0.text) }) else { return false }
    }
    guard let instance = node.instance, instance.combination == nil else { return true }
    return try names("matrix").isEmpty
  }

  /// - Returns: the value.
  private mutating func complain(
    about value: JSONValue, of parameter: ParameterSpecification, _ written: Located<JSONValue>, of node: Workflow.Node
  ) -> JSONValue {
    if let complaint = parameter.complaint(about: value) {
      report(
        Diagnostic(
          "the parameter \(parameter.name.text.quoted) of the node \(node.name.text.quoted) \(complaint.what)",
          why: "it is \(value.shortText)" + (node.instance?.label.map { " where \($0)" } ?? ""), hint: complaint.hint,
          at: written.location))
    }
    return value
  }
}

extension JSONValue {
  /// False: evaluated, it is what it is.
  fileprivate var mayHoldExpressions: Bool {
    switch self {
    case .null, .bool, .integer, .double: false
    case .string(let text): text.utf8.contains(UInt8(ascii: "$"))
    case .array(let items): items.contains(where: \.mayHoldExpressions)
    case .object(let members): members.contains { $0.value.mayHoldExpressions }
    }
  }
}
