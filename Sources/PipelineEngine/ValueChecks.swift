import PluginModel

extension ParameterSpecification {
  struct Complaint {
    var what: String
    var hint: String?
  }

  /// Why `value` can't be this parameter's, or nil when it can.
  ///
  /// Types and `enum`, `min` and `max` are checked here. `pattern` is a regular expression of the plugin's: matching it could
  /// take exponential time, so only the plugin's own worker, under its deadline, ever does: `pipeline/_patterns.py`.
  func complaint(about value: JSONValue) -> Complaint? {
    if let type = ValueType(rawValue: type), !type.accepts(value) {
      // A parameter whose default is null may be null: that is how a plugin says "not set".
      if !(value == .null && defaultValue == .null) { return Complaint(what: "must be \(type.phrase)") }
    }
    if let choices = constraints?["enum"]?.arrayValue, !choices.contains(where: { $0.isEqualNumberOrValue(to: value) })
    {
      let words = choices.map(\.shortText)
      return Complaint(
        what: "must be one of \(words.joined(separator: ", "))",
        hint: value.stringValue.flatMap { Suggestion.hint(for: $0, among: choices.compactMap(\.stringValue)) })
    }
    guard let number = value.numberValue else { return nil }
    if let least = constraints?["min"]?.numberValue, number < least {
      return Complaint(what: "must be at least \(constraints?["min"]?.shortText ?? "")")
    }
    if let most = constraints?["max"]?.numberValue, number > most {
      return Complaint(what: "must be at most \(constraints?["max"]?.shortText ?? "")")
    }
    return nil
  }
}

extension JSONValue {
  var numberValue: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .double(let number): number
    case .null, .bool, .string, .array, .object: nil
    }
  }

  fileprivate func isEqualNumberOrValue(to other: JSONValue) -> Bool {
    switch (self, other) {
    // As doubles, large integers that differ could look the same.
    case (.integer(let left), .integer(let right)): left == right
    default: if let left = numberValue, let right = other.numberValue { left == right } else { self == other }
    }
  }

  /// For a message: at most 60 characters.
  var shortText: String {
    let text = text()
    return text.count <= 60 ? text : text.prefix(59) + "…"
  }
}
