extension Workflow {
  /// The values of the workflow's inputs for one run: what was given, else the defaults.
  /// - Parameter areAllNeeded: false: an input with neither is left out of the result instead of being a problem.
  /// - Throws: every input that is unknown, missing, or of another type than it declares.
  package func bind(
    _ given: [(name: String, value: JSONValue)], areAllNeeded: Bool = true
  ) throws(Diagnostics) -> [ParameterName: JSONValue] {
    var problems: [Diagnostic] = []
    var values: [ParameterName: JSONValue] = [:]
    for (name, value) in given {
      guard let input = inputs.first(where: { $0.name.text == name }) else {
        problems.append(
          Diagnostic(
            "the workflow has no input \(name.quoted)", hint: Suggestion.hint(for: name, among: inputs.map(\.name.text))
          ))
        continue
      }
      if let type = ValueType(rawValue: input.type), !type.accepts(value) {
        problems.append(
          Diagnostic(
            "the input \(name.quoted) must be \(type.phrase)", why: "it is given as \(value.text().quoted)",
            at: input.location))
      }
      guard values.updateValue(value, forKey: input.name) == nil else {
        problems.append(Diagnostic("the input \(name.quoted) is given twice"))
        continue
      }
    }
    for input in inputs where values[input.name] == nil {
      guard let value = input.defaultValue else {
        guard areAllNeeded else { continue }
        problems.append(
          Diagnostic(
            "the input \(input.name.text.quoted) has no value", why: "it has no default",
            hint: "give it with the run, or add 'default' here", at: input.location))
        continue
      }
      values[input.name] = value
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return values
  }

  /// The value that a command line argument stands for, by the type that the input declares: text as it is, everything
  /// else as JSON. Text that isn't JSON stays text, so that ``bind(_:)`` can say what is wrong with it.
  package func value(ofArgument text: String, for name: String) -> JSONValue {
    let type = inputs.first { $0.name.text == name }.flatMap { ValueType(rawValue: $0.type) }
    switch type {
    case .string, nil: return .string(text)
    case .any, .number, .integer, .boolean, .list, .mapping: return (try? JSONValue(json: text)) ?? .string(text)
    }
  }
}

extension Workflow.Node {
  /// The node's parameters with every expression evaluated.
  /// - Throws: every expression that has no value here, at its parameter's place.
  package func parameters(
    evaluatedWith inputs: [ParameterName: JSONValue]
  ) throws(Diagnostics) -> [(name: ParameterName, value: JSONValue)] {
    var problems: [Diagnostic] = []
    var values: [(name: ParameterName, value: JSONValue)] = []
    let scope = ExpressionScope(inputs: inputs, matrix: instance?.scope)
    for (name, value) in parameters {
      do throws(Template.Problem) {
        values.append((name, try value.value.evaluated(in: scope)))
      } catch {
        problems.append(Diagnostic(error.what, why: error.why, hint: error.hint, at: value.location))
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return values
  }
}
