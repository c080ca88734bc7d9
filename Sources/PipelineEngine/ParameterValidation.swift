import PluginModel

extension GraphValidation {
  /// In the order of the specification, evaluated, with its defaults.
  mutating func parameters(
    of node: Workflow.Node, _ specification: NodeSpecification
  ) -> [(name: ParameterName, value: JSONValue)] {
    let known = Dictionary(specification.parameters.map { ($0.name, $0) }) { first, _ in first }
    var values: [ParameterName: JSONValue] = [:]
    for (name, written) in node.parameters {
      guard let parameter = known[name] else {
        report(
          Diagnostic(
            "the node \(node.name.text.quoted) has no parameter \(name.text.quoted)",
            why: known.isEmpty ? "its type takes none" : nil,
            hint: hint(for: name.text, among: specification.parameters.map(\.name.text)), at: written.location))
        continue
      }
      values[name] = value(of: parameter, written, of: node)
    }
    return specification.parameters.map { ($0.name, values[$0.name] ?? $0.defaultValue) }
  }

  private mutating func value(
    of parameter: ParameterSpecification, _ written: Located<JSONValue>, of node: Workflow.Node
  ) -> JSONValue {
    do throws(Template.Problem) {
      let inputsRead = try written.value.namesRead(of: "inputs")
      guard unboundInputs.allSatisfy({ !inputsRead.contains($0.text) }) else { return written.value }
      if let instance = node.instance, instance.combination == nil {
        guard try written.value.namesRead(of: "matrix").isEmpty else { return written.value }
      }
      let value = try written.value.evaluated(in: ExpressionScope(inputs: inputs, matrix: node.instance?.scope))
      if let complaint = parameter.complaint(about: value) {
        report(
          Diagnostic(
            "the parameter \(parameter.name.text.quoted) of the node \(node.name.text.quoted) \(complaint.what)",
            why: "it is \(value.shortText)" + (node.instance?.label.map { " where \($0)" } ?? ""), hint: complaint.hint,
            at: written.location))
      }
      return value
    } catch {
      report(
        Diagnostic(
          "the parameter \(parameter.name.text.quoted) of the node \(node.name.text.quoted): \(error.what)",
          why: error.why, hint: error.hint, at: written.location))
      return written.value
    }
  }
}

extension JSONValue {
  /// What the templates of the value read of a root.
  fileprivate func namesRead(of root: String) throws(Template.Problem) -> Set<String> {
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
