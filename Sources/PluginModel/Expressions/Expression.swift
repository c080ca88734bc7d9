/// What stands between `${{` and `}}`: a small total language over JSON values. There are no loops, no definitions and no effects,
/// so that every evaluation ends, and the same scope gives the same value. The page Expressions has the grammar.
package indirect enum Expression: Hashable, Sendable {
  case literal(JSONValue)
  case list([Expression])
  /// A root, such as `inputs`.
  case root(String)
  case member(Expression, String)
  case element(Expression, at: Expression)
  case not(Expression)
  case negated(Expression)
  case binary(BinaryOperator, Expression, Expression)
  case conditional(Expression, then: Expression, otherwise: Expression)
  case call(ExpressionFunction, [Expression])
  /// Only of a condition.
  case status(StatusFunction)

  /// From the loosest to the tightest, those of one precedence beside each other.
  package enum BinaryOperator: String, CaseIterable, Sendable {
    case or = "||"
    case and = "&&"
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case atMost = "<="
    case greater = ">"
    case atLeast = ">="
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divided = "/"
    case modulo = "%"

    var precedence: Int {
      switch self {
      case .or: 1
      case .and: 2
      case .equal, .unequal: 3
      case .less, .atMost, .greater, .atLeast: 4
      case .plus, .minus: 5
      case .times, .divided, .modulo: 6
      }
    }
  }

  /// Why a text is no expression, or one has no value.
  package struct Problem: Error, Hashable, Sendable {
    package var what: String
    package var why: String?
    package var hint: String?

    package init(_ what: String, why: String? = nil, hint: String? = nil) {
      self.what = what
      self.why = why
      self.hint = hint
    }
  }
}

extension Expression {
  /// The parts that it is made of, in their order.
  var parts: [Expression] {
    switch self {
    case .literal, .root, .status: []
    case .list(let items): items
    case .member(let base, _): [base]
    case .element(let base, let index): [base, index]
    case .not(let operand), .negated(let operand): [operand]
    case .binary(_, let left, let right): [left, right]
    case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
    case .call(_, let arguments): arguments
    }
  }

  /// The names that it reads of a root, each as often as it stands there. Which ones is known without evaluating: the parser lets
  /// no root be used whole, nor by a name that is computed.
  package func names(of root: String) -> [String] {
    if case .member(.root(root), let name) = self { return [name] }
    return parts.flatMap { $0.names(of: root) }
  }
}

extension Expression: CustomStringConvertible {
  /// Such that it is read again as the same expression.
  package var description: String {
    switch self {
    case .literal(.string(let text)): "'\(text.replacing("'", with: "''"))'"
    case .literal(let value): value.text()
    case .list(let items): "[\(items.map(\.description).joined(separator: ", "))]"
    case .root(let name): name
    case .member(let base, let name): "\(base.base).\(name)"
    case .element(let base, let index): "\(base.base)[\(index)]"
    case .not(let operand): "!\(operand.operand)"
    case .negated(let operand): "-\(operand.operand)"
    case .binary(let operation, let left, let right): "\(left.operand) \(operation.rawValue) \(right.operand)"
    case .conditional(let condition, let then, let otherwise):
      "\(condition.operand) ? \(then.operand) : \(otherwise.operand)"
    case .call(let function, let arguments):
      "\(function.rawValue)(\(arguments.map(\.description).joined(separator: ", ")))"
    case .status(let function): "\(function.rawValue)()"
    }
  }

  /// A number would take the dot that follows it.
  private var base: String {
    switch self {
    case .literal(.integer), .literal(.double): "(\(self))"
    default: operand
    }
  }

  /// In parentheses where it could be read otherwise beside an operator.
  private var operand: String {
    switch self {
    case .literal(.integer(let number)) where number < 0: "(\(self))"
    case .literal(.double(let number)) where number.sign == .minus: "(\(self))"
    case .literal, .list, .root, .member, .element, .call, .status: description
    case .not, .negated, .binary, .conditional: "(\(self))"
    }
  }
}
