/// What an expression may call. Each is total but for values of other types than it takes, and bounded by what it is given.
package enum ExpressionFunction: String, CaseIterable, Sendable {
  case length
  case contains
  case startsWith
  case endsWith
  case lower
  case upper
  case trim
  case replace
  case split
  case join
  case string
  case number
  case json
  case parseJSON
  case min
  case max
  case floor
  case ceil
  case round
  case abs
  case keys
  case range

  var argumentCount: ClosedRange<Int> {
    switch self {
    case .length, .lower, .upper, .trim, .string, .number, .json, .parseJSON, .floor, .ceil, .round, .abs, .keys,
      .range:
      1...1
    case .contains, .startsWith, .endsWith, .split, .join: 2...2
    case .replace: 3...3
    case .min, .max: 1...64
    }
  }

  /// How it is written.
  package var signature: String {
    switch self {
    case .length: "length(string, list or mapping)"
    case .contains: "contains(string, string), contains(list, value) or contains(mapping, key)"
    case .startsWith: "startsWith(string, prefix)"
    case .endsWith: "endsWith(string, suffix)"
    case .lower: "lower(string)"
    case .upper: "upper(string)"
    case .trim: "trim(string)"
    case .replace: "replace(string, what, by)"
    case .split: "split(string, separator)"
    case .join: "join(list, separator)"
    case .string: "string(value)"
    case .number: "number(string or number)"
    case .json: "json(value)"
    case .parseJSON: "parseJSON(string)"
    case .min: "min(number, …) or min(list)"
    case .max: "max(number, …) or max(list)"
    case .floor: "floor(number)"
    case .ceil: "ceil(number)"
    case .round: "round(number)"
    case .abs: "abs(number)"
    case .keys: "keys(mapping)"
    case .range: "range(count)"
    }
  }
}

/// What a node's `if:` may ask about everything that the node waits for. ``Condition`` says what each means.
package enum StatusFunction: String, CaseIterable, Sendable {
  case success
  case failure
  case always
  case cancelled
}
