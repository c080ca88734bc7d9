import PluginModel

extension GraphValidation {
  /// In the order of the specification, evaluated, with its defaults.
  mutating func parameters(
    of node: Workflow.Node, known type: SharedType
  ) -> [(name: ParameterName, value: JSONValue)] {
    let known = type.value.parameters
    var values = known.indices.map { (name: known[$0].name, value: known[$0].defaultValue) }
    // Made where the first expression is.
    var scope: ExpressionScope?
    for given in node.parameters.indices {
      let (name, written) = node.parameters[given]
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
      values[index].value = isText ? written.value : value(of: index, type, written, of: node, &scope)
    }
    return values
  }

  private mutating func value(
    of parameter: Int, _ type: SharedType, _ written: Located<JSONValue>, of node: Workflow.Node,
    _ known: inout ExpressionScope?
  ) -> JSONValue {
    let name = type.value.parameters[parameter].name
    let rule = type.rules[parameter]
    do throws(Template.Problem) {
      // Most values hold no expression.
      guard written.value.mayHoldExpressions else {
        return complain(about: written.value, by: rule, of: name, written, of: node)
      }
      let isPattern = node.type.value == .command && CommandPattern.parameters.contains(name.text)
      let escape = isPattern ? CommandPattern.escaped : nil
      if case .string(let text) = written.value {
        let template = try template(text)
        guard try canEvaluate(node, reading: { Set(template.names(of: $0)) }) else { return written.value }
        let scope = known ?? scope(of: node)
        known = scope
        let value = try template.evaluate(in: scope, escape: escape)
        return complain(about: value, by: rule, of: name, written, of: node)
      }
      let isKnown = try canEvaluate(node) { (root) throws(Template.Problem) in try written.value.namesRead(of: root) }
      guard isKnown else { return written.value }
      let scope = known ?? scope(of: node)
      known = scope
      let value = try written.value.evaluated(in: scope, escape: escape)
      return complain(about: value, by: rule, of: name, written, of: node)
    } catch {
      report(
        Diagnostic(
          "the parameter \(name.text.quoted) of the node \(node.name.text.quoted): \(error.what)",
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
    about value: JSONValue, by rule: ParameterRule, of parameter: ParameterName, _ written: Located<JSONValue>,
    of node: Workflow.Node
  ) -> JSONValue {
    if let complaint = rule.complaint(about: value) {
      report(
        Diagnostic(
          "the parameter \(parameter.text.quoted) of the node \(node.name.text.quoted) \(complaint.what)",
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
