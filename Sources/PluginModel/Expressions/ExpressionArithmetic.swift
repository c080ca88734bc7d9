/// Numbers of expressions: integers stay exact as long as both are, and never wrap around.
enum ExpressionArithmetic {
  enum Order: Hashable {
    case ascending
    case same
    case descending

    init(_ isAscending: Bool, _ isDescending: Bool) {
      self = isAscending ? .ascending : isDescending ? .descending : .same
    }
  }

  /// Nil where one isn't a number.
  static func order(_ left: JSONValue, _ right: JSONValue) -> Order? {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): return Order(left < right, left > right)
    case (.integer(let left), .double(let right)): return mixed(left, right)
    case (.double(let left), .integer(let right)):
      return switch mixed(right, left) {
      case .ascending: .descending
      case .same: .same
      case .descending: .ascending
      }
    case (.double(let left), .double(let right)): return Order(left < right, left > right)
    default: return nil
    }
  }

  /// Exact, where a conversion of the integer would round it.
  private static func mixed(_ left: Int64, _ right: Double) -> Order {
    guard let truncated = Int64(exactly: right.rounded(.towardZero)) else { return Order(right > 0, right < 0) }
    if left != truncated { return Order(left < truncated, left > truncated) }
    let rest = right - right.rounded(.towardZero)
    return Order(rest > 0, rest < 0)
  }

  static func apply(
    _ operation: Expression.BinaryOperator, _ left: JSONValue, _ right: JSONValue, _ expression: Expression
  ) throws(Expression.Problem) -> JSONValue {
    switch (left, right) {
    case (.integer(let first), .integer(let second)):
      return try apply(operation, first, second, expression)
    case (.integer, .double), (.double, .integer), (.double, .double):
      guard let first = left.asDouble, let second = right.asDouble else { break }
      return try apply(operation, first, second, expression)
    default: break
    }
    throw Expression.Problem(
      "\(expression.description.quoted) has no value",
      why: "\(operation.rawValue.quoted) takes numbers, and here are a \(left.typeName) and a \(right.typeName)",
      hint: operation == .plus ? "two strings or two lists can be added as well; string(x) makes a string" : nil)
  }

  private static func apply(
    _ operation: Expression.BinaryOperator, _ left: Int64, _ right: Int64, _ expression: Expression
  ) throws(Expression.Problem) -> JSONValue {
    let result: (partialValue: Int64, overflow: Bool)
    switch operation {
    case .plus: result = left.addingReportingOverflow(right)
    case .minus: result = left.subtractingReportingOverflow(right)
    case .times: result = left.multipliedReportingOverflow(by: right)
    case .modulo:
      guard right != 0 else { throw byZero(expression) }
      // The sign of the divisor, as in Python: a remainder of 7 is never negative. -1 alone could overflow.
      let rest = right == -1 ? 0 : left % right
      result = (rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest, false)
    case .divided: return try apply(operation, Double(left), Double(right), expression)
    case .or, .and, .equal, .unequal, .less, .atMost, .greater, .atLeast: result = (0, true)
    }
    guard !result.overflow else {
      throw Expression.Problem(
        "\(expression.description.quoted) has no value", why: "the result is not an integer of 64 bits",
        hint: "use numbers with a fraction, for example 1.0, where rounding does no harm")
    }
    return .integer(result.partialValue)
  }

  private static func apply(
    _ operation: Expression.BinaryOperator, _ left: Double, _ right: Double, _ expression: Expression
  ) throws(Expression.Problem) -> JSONValue {
    let result: Double
    switch operation {
    case .plus: result = left + right
    case .minus: result = left - right
    case .times: result = left * right
    case .divided:
      guard right != 0 else { throw byZero(expression) }
      result = left / right
    case .modulo:
      guard right != 0 else { throw byZero(expression) }
      let rest = left.truncatingRemainder(dividingBy: right)
      result = rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
    case .or, .and, .equal, .unequal, .less, .atMost, .greater, .atLeast: result = .nan
    }
    return try finite(result, expression)
  }

  /// JSON has no infinity and nothing that is not a number.
  static func finite(_ number: Double, _ expression: Expression) throws(Expression.Problem) -> JSONValue {
    guard number.isFinite else {
      throw Expression.Problem("\(expression.description.quoted) has no value", why: "the result is no finite number")
    }
    return .double(number)
  }

  private static func byZero(_ expression: Expression) -> Expression.Problem {
    Expression.Problem("\(expression.description.quoted) has no value", why: "it divides by zero")
  }
}

extension JSONValue {
  /// Rounded where an integer has more digits; nil for what isn't a number.
  var asDouble: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .double(let number): number
    case .null, .bool, .string, .array, .object: nil
    }
  }
}
