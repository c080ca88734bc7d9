import PluginModel

/// What a parameter says of its values, taken apart once for all nodes of its type.
struct ParameterRule: Sendable {
  struct Complaint {
    var what: String
    var hint: String?
  }

  private let type: ValueType?
  /// Its default is null.
  private let mayBeNull: Bool
  private let choices: [JSONValue]?
  private let least: JSONValue?
  private let most: JSONValue?

  init(_ parameter: ParameterSpecification) {
    type = ValueType(rawValue: parameter.type)
    mayBeNull = parameter.defaultValue == .null
    choices = parameter.constraints?["enum"]?.arrayValue
    least = parameter.constraints?["min"]
    most = parameter.constraints?["max"]
  }

  /// Why `value` can't be this parameter's, or nil when it can.
  ///
  /// Types and `enum`, `min` and `max` are checked here. `pattern` is a regular expression of the plugin's: matching it could
  /// take exponential time, so only the plugin's own worker, under its deadline, ever does: `pipeline/_patterns.py`.
  func complaint(about value: JSONValue) -> Complaint? {
    if let type, !type.accepts(value) {
      // A parameter whose default is null may be null: that is how a plugin says "not set".
      if !(value == .null && mayBeNull) { return Complaint(what: "must be \(type.phrase)") }
    }
    if let choices, !choices.contains(where: { $0.isEqualNumberOrValue(to: value) }) {
      let words = choices.map(\.shortText)
      return Complaint(
        what: "must be one of \(words.joined(separator: ", "))",
        hint: value.stringValue.flatMap { Suggestion.hint(for: $0, among: choices.compactMap(\.stringValue)) })
    }
    guard let number = value.numberValue else { return nil }
    if let least, let limit = least.numberValue, number < limit {
      return Complaint(what: "must be at least \(least.shortText)")
    }
    if let most, let limit = most.numberValue, number > limit {
      return Complaint(what: "must be at most \(most.shortText)")
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
