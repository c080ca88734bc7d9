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
      guard try written.value.inputsRead().isDisjoint(with: unboundInputs) else { return written.value }
      let value = try written.value.evaluated(inputs: inputs)
      if let complaint = parameter.complaint(about: value) {
        report(
          Diagnostic(
            "the parameter \(parameter.name.text.quoted) of the node \(node.name.text.quoted) \(complaint.what)",
            why: "it is \(value.shortText)", hint: complaint.hint, at: written.location))
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
  /// The workflow inputs that the templates of the value read.
  fileprivate func inputsRead() throws(Template.Problem) -> Set<ParameterName> {
    switch self {
    case .null, .bool, .integer, .double: return []
    case .string(let text): return Set(try Template(text).inputs)
    case .array(let items):
      var names: Set<ParameterName> = []
      for item in items { names.formUnion(try item.inputsRead()) }
      return names
    case .object(let members):
      var names: Set<ParameterName> = []
      for member in members { names.formUnion(try member.value.inputsRead()) }
      return names
    }
  }
}
