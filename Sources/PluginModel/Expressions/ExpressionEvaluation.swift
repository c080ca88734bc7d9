/// What an expression may read: the values beneath each root.
package struct ExpressionScope: Sendable {
  package var roots: [String: [String: JSONValue]]
  /// What the status functions say; empty outside of conditions.
  package var status: [StatusFunction: Bool]

  package init(_ roots: [String: [String: JSONValue]], status: [StatusFunction: Bool] = [:]) {
    self.roots = roots
    self.status = status
  }

  /// - Parameter matrix: nil where the node has none.
  package init(inputs: [ParameterName: JSONValue], matrix: [String: JSONValue]? = nil) {
    self.init(["inputs": Dictionary(inputs.map { ($0.key.text, $0.value) }) { first, _ in first }])
    roots["matrix"] = matrix
  }
}

extension Expression {
  /// Of all texts and lists that one evaluation may make, in bytes and items together.
  package static let maximumWork = 4 << 20

  /// - Throws: the first part, from the left, that has no value.
  package func evaluate(in scope: ExpressionScope) throws(Problem) -> JSONValue {
    var evaluation = ExpressionEvaluation(scope: scope)
    return try evaluation.value(of: self)
  }
}

/// One evaluation, and how much it has made so far.
struct ExpressionEvaluation {
  let scope: ExpressionScope
  private var work = 0

  init(scope: ExpressionScope) { self.scope = scope }

  mutating func value(of expression: Expression) throws(Expression.Problem) -> JSONValue {
    switch expression {
    case .literal(let value): return value
    case .list(let items):
      var values: [JSONValue] = []
      for item in items { values.append(try value(of: item)) }
      return .array(values)
    case .root(let name): throw Expression.Problem("\(name.quoted) can't be used whole", hint: "write \(name).NAME")
    case .member(.root(let root), let name): return try read(name, of: root)
    case .member(let base, let name): return try member(name, of: value(of: base), expression)
    case .element(let base, let index):
      let container = try value(of: base)
      return try element(of: container, at: value(of: index), expression)
    case .not(let operand): return .bool(try !boolean(operand))
    case .negated(let operand): return try negated(value(of: operand), expression)
    // The right side is only looked at where it decides.
    case .binary(.and, let left, let right): return .bool(try boolean(left) ? boolean(right) : false)
    case .binary(.or, let left, let right): return .bool(try boolean(left) ? true : boolean(right))
    case .binary(let operation, let left, let right):
      let first = try value(of: left)
      return try apply(operation, first, value(of: right), expression)
    case .conditional(let condition, let then, let otherwise):
      return try value(of: boolean(condition) ? then : otherwise)
    case .call(let function, let arguments):
      var values: [JSONValue] = []
      for argument in arguments { values.append(try value(of: argument)) }
      return try call(function, values)
    case .status(let function):
      guard let answer = scope.status[function] else { throw function.isOutOfPlace }
      return .bool(answer)
    }
  }

  /// Before something of this size is made.
  mutating func spend(_ amount: Int) throws(Expression.Problem) {
    let (sum, isTooMuch) = work.addingReportingOverflow(Swift.max(0, amount))
    guard !isTooMuch, sum <= Expression.maximumWork else {
      throw Expression.Problem(
        "the expression makes more than \(Expression.maximumWork) bytes of text and items of lists",
        hint: "let a node compute it")
    }
    work = sum
  }

  private mutating func boolean(_ expression: Expression) throws(Expression.Problem) -> Bool {
    let value = try value(of: expression)
    guard case .bool(let bool) = value else {
      throw Expression.Problem(
        "\(expression.description.quoted) must be true or false", why: "it is a \(value.typeName)",
        hint: "compare it with something, for example with != ''")
    }
    return bool
  }

  // MARK: Reading

  private func read(_ name: String, of root: String) throws(Expression.Problem) -> JSONValue {
    guard let values = scope.roots[root] else {
      throw Expression.Problem(
        "\(root.quoted) is nothing here", hint: root == "matrix" ? "give the node a 'matrix'" : nil)
    }
    guard let value = values[name] else {
      let what =
        root == "inputs" ? "the workflow has no input \(name.quoted)" : "the \(root) has no \(name.quoted)"
      throw Expression.Problem(what, hint: Suggestion.hint(for: name, among: values.keys.sorted()))
    }
    return value
  }

  private func member(
    _ name: String, of value: JSONValue, _ expression: Expression
  ) throws(Expression.Problem) -> JSONValue {
    guard case .object(let members) = value else {
      throw Expression.Problem(
        "\(expression.description.quoted) has no value", why: "what is before '.\(name)' is a \(value.typeName)")
    }
    guard let found = value[name] else {
      throw Expression.Problem(
        "\(expression.description.quoted) has no value", why: "the mapping has no \(name.quoted)",
        hint: Suggestion.hint(for: name, among: members.map(\.key)))
    }
    return found
  }

  private func element(
    of container: JSONValue, at index: JSONValue, _ expression: Expression
  ) throws(Expression.Problem) -> JSONValue {
    switch (container, index) {
    case (.array(let items), .integer(let position)):
      guard let position = Int(exactly: position), items.indices.contains(position) else {
        throw Expression.Problem(
          "\(expression.description.quoted) has no value",
          why:
            "the list has \(items.count) \(items.count == 1 ? "item" : "items"), counted from 0, and the index is \(index.text())"
        )
      }
      return items[position]
    case (.object, .string(let name)): return try member(name, of: container, expression)
    case (.array, _), (.object, _):
      throw Expression.Problem(
        "\(expression.description.quoted) has no value",
        why: "a \(container.typeName) can't be asked for a \(index.typeName)",
        hint: "a list is asked for an integer from 0 on, a mapping for a string")
    case (.null, _), (.bool, _), (.integer, _), (.double, _), (.string, _):
      throw Expression.Problem(
        "\(expression.description.quoted) has no value", why: "what is before '[' is a \(container.typeName)")
    }
  }

  // MARK: Operators

  private mutating func apply(
    _ operation: Expression.BinaryOperator, _ left: JSONValue, _ right: JSONValue, _ expression: Expression
  ) throws(Expression.Problem) -> JSONValue {
    switch operation {
    case .equal: return .bool(left.isSame(as: right))
    case .unequal: return .bool(!left.isSame(as: right))
    case .less, .atMost, .greater, .atLeast: return .bool(try compare(operation, left, right, expression))
    case .plus:
      if case (.string(let first), .string(let second)) = (left, right) {
        try spend(first.utf8.count + second.utf8.count)
        return .string(first + second)
      }
      if case (.array(let first), .array(let second)) = (left, right) {
        try spend(first.count + second.count)
        return .array(first + second)
      }
      return try ExpressionArithmetic.apply(operation, left, right, expression)
    case .minus, .times, .divided, .modulo, .and, .or:
      return try ExpressionArithmetic.apply(operation, left, right, expression)
    }
  }

  private func negated(_ value: JSONValue, _ expression: Expression) throws(Expression.Problem) -> JSONValue {
    try ExpressionArithmetic.apply(.minus, .integer(0), value, expression)
  }

  private func compare(
    _ operation: Expression.BinaryOperator, _ left: JSONValue, _ right: JSONValue, _ expression: Expression
  ) throws(Expression.Problem) -> Bool {
    let order: ExpressionArithmetic.Order
    if case (.string(let first), .string(let second)) = (left, right) {
      order = .init(
        first.utf8.lexicographicallyPrecedes(second.utf8), second.utf8.lexicographicallyPrecedes(first.utf8))
    } else if let known = ExpressionArithmetic.order(left, right) {
      order = known
    } else {
      throw Expression.Problem(
        "\(expression.description.quoted) has no value",
        why: "a \(left.typeName) and a \(right.typeName) have no order",
        hint: "numbers are compared with numbers, strings with strings")
    }
    return switch operation {
    case .less: order == .ascending
    case .atMost: order != .descending
    case .greater: order == .descending
    default: order != .ascending
    }
  }
}

extension JSONValue {
  /// Numbers by what they are worth, mappings whatever the order of their keys; values of two types are never the same.
  func isSame(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.integer, .double), (.double, .integer), (.double, .double):
      return ExpressionArithmetic.order(self, other) == .same
    case (.array(let left), .array(let right)):
      return left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
    case (.object(let left), .object(let right)):
      guard left.count == right.count else { return false }
      let values = Dictionary(right.map { ($0.key, $0.value) }) { first, _ in first }
      return left.allSatisfy { member in values[member.key].map { member.value.isSame(as: $0) } ?? false }
    default: return self == other
    }
  }
}
