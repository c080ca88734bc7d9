/// Recursive descent, with a bound on how deep it goes.
struct ExpressionParser {
  static let grammar =
    "write '${{ inputs.NAME }}', operators (+ - * / % == != < <= > >= && || ! ?:) or a function such as length(x); "
    + "'$${{' stands for the characters themselves"
  /// Of nesting: what follows it by recursion has a stack that is big enough.
  private static let maximumDepth = 64
  /// Of one expression, in bytes.
  static let maximumLength = 8192

  private var tokens: ExpressionTokens
  private var token = ExpressionToken.end
  private let roots: Set<String>
  private let allowsStatus: Bool
  private var depth = 0

  private init(_ tokens: ExpressionTokens, roots: Set<String>, allowsStatus: Bool) throws(Expression.Problem) {
    self.tokens = tokens
    self.roots = roots
    self.allowsStatus = allowsStatus
    try advance()
  }

  /// - Parameters:
  ///   - bytes: from behind `${{` on, or all of an expression.
  ///   - isBraced: `}}` ends it; otherwise the text does.
  ///   - roots: names that it may begin with.
  ///   - allowsStatus: whether it may call a ``StatusFunction``.
  /// - Returns: the expression, and where it has ended.
  static func parse(
    _ bytes: ArraySlice<UInt8>, isBraced: Bool, roots: Set<String>, allowsStatus: Bool = false
  ) throws(Expression.Problem) -> (expression: Expression, end: Int) {
    var parser = try ExpressionParser(
      ExpressionTokens(bytes, isBraced: isBraced), roots: roots, allowsStatus: allowsStatus)
    if parser.token == .end { throw Expression.Problem("the expression is empty", hint: grammar) }
    let expression = try parser.conditional()
    guard parser.token == .end else {
      throw Expression.Problem("the expression goes on with \(parser.token.words), which it may not", hint: grammar)
    }
    guard parser.tokens.position - bytes.startIndex <= maximumLength else {
      throw Expression.Problem("the expression is longer than \(maximumLength) bytes", hint: "let a node compute it")
    }
    return (expression, parser.tokens.position)
  }

  private mutating func advance() throws(Expression.Problem) { token = try tokens.next() }

  private mutating func take(_ symbol: ExpressionToken.Symbol) throws(Expression.Problem) -> Bool {
    guard token == .symbol(symbol) else { return false }
    try advance()
    return true
  }

  private mutating func demand(_ symbol: ExpressionToken.Symbol) throws(Expression.Problem) {
    guard try take(symbol) else {
      throw Expression.Problem(
        "the expression lacks a \(symbol.rawValue.quoted)", why: "there is \(token.words) instead", hint: Self.grammar)
    }
  }

  /// Every way down passes through here.
  private mutating func nested(
    _ body: (inout ExpressionParser) throws(Expression.Problem) -> Expression
  ) throws(Expression.Problem) -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else {
      throw Expression.Problem(
        "the expression is nested deeper than \(Self.maximumDepth) levels", hint: "let a node compute it")
    }
    return try body(&self)
  }

  private mutating func conditional() throws(Expression.Problem) -> Expression {
    try nested { parser throws(Expression.Problem) in
      let condition = try parser.binary(above: 0)
      guard try parser.take(.question) else { return condition }
      let then = try parser.conditional()
      try parser.demand(.colon)
      return .conditional(condition, then: then, otherwise: try parser.conditional())
    }
  }

  /// Operators of a higher precedence than `precedence`, from the left.
  private mutating func binary(above precedence: Int) throws(Expression.Problem) -> Expression {
    var left = try unary()
    var count = 0
    while case .operation(let operation) = token, operation.precedence > precedence {
      try advance()
      let right = try nested { parser throws(Expression.Problem) in try parser.binary(above: operation.precedence) }
      if operation.precedence == 4, case .binary(let other, _, _) = left, other.precedence == 4, count > 0 {
        throw Expression.Problem(
          "comparisons can't be chained", hint: "write 'a < b && b < c'")
      }
      left = .binary(operation, left, right)
      count += 1
      guard count + depth <= Self.maximumDepth else {
        throw Expression.Problem(
          "the expression has more than \(Self.maximumDepth) operators in a row", hint: "let a node compute it")
      }
    }
    return left
  }

  private mutating func unary() throws(Expression.Problem) -> Expression {
    try nested { parser throws(Expression.Problem) in
      if try parser.take(.not) { return .not(try parser.unary()) }
      if parser.token == .operation(.minus) {
        try parser.advance()
        return .negated(try parser.unary())
      }
      return try parser.postfix()
    }
  }

  private mutating func postfix() throws(Expression.Problem) -> Expression {
    var base = try primary()
    var count = 0
    while true {
      if try take(.dot) {
        guard case .name(let name) = token else {
          throw Expression.Problem("a name must follow the '.'", why: "there is \(token.words)", hint: Self.grammar)
        }
        try advance()
        base = .member(base, name)
      } else if try take(.openBracket) {
        let index = try conditional()
        try demand(.closeBracket)
        base = try element(of: base, at: index)
      } else {
        if case .root(let name) = base { throw wholeRoot(name) }
        return base
      }
      count += 1
      guard count + depth <= Self.maximumDepth else {
        throw Expression.Problem("a path in the expression has more than \(Self.maximumDepth) steps", hint: nil)
      }
    }
  }

  /// `inputs['name']` is `inputs.name`: which names are read must be known before anything runs.
  private func element(of base: Expression, at index: Expression) throws(Expression.Problem) -> Expression {
    guard case .root(let name) = base else { return .element(base, at: index) }
    guard case .literal(.string(let text)) = index else {
      throw Expression.Problem(
        "a name of \(name.quoted) can't be computed", why: "what an expression reads is known before anything runs",
        hint: "write \(name).NAME or \(name)['NAME']")
    }
    return .member(base, text)
  }

  private func wholeRoot(_ name: String) -> Expression.Problem {
    Expression.Problem("\(name.quoted) can't be used whole", hint: "write \(name).NAME")
  }

  private mutating func primary() throws(Expression.Problem) -> Expression {
    switch token {
    case .value(let value):
      try advance()
      return .literal(value)
    case .name(let name):
      try advance()
      if try take(.open) { return try call(name) }
      guard roots.contains(name) else {
        throw Expression.Problem(
          "the expression begins with \(name.quoted), which is nothing here",
          hint: Suggestion.nearest(to: name, among: roots.sorted()).map { "did you mean \($0.quoted)?" } ?? Self.grammar
        )
      }
      return .root(name)
    case .symbol(.open):
      try advance()
      let inner = try conditional()
      try demand(.close)
      return inner
    case .symbol(.openBracket):
      try advance()
      return .list(try items(until: .closeBracket))
    case .operation, .symbol, .end:
      throw Expression.Problem("a value is missing before \(token.words)", hint: Self.grammar)
    }
  }

  private mutating func call(_ name: String) throws(Expression.Problem) -> Expression {
    if let status = StatusFunction(rawValue: name) {
      guard allowsStatus else { throw status.isOutOfPlace }
      let count = try items(until: .close).count
      guard count == 0 else {
        throw Expression.Problem("\(name.quoted) is given \(Self.values(count))", hint: "write \(name)()")
      }
      return .status(status)
    }
    guard let function = ExpressionFunction(rawValue: name) else {
      let known =
        ExpressionFunction.allCases.map(\.rawValue) + (allowsStatus ? StatusFunction.allCases.map(\.rawValue) : [])
      throw Expression.Problem(
        "there is no function \(name.quoted)",
        hint: Suggestion.nearest(to: name, among: known).map { "did you mean \($0.quoted)?" }
          ?? "known: \(known.joined(separator: ", "))")
    }
    let arguments = try items(until: .close)
    guard function.argumentCount.contains(arguments.count) else {
      throw Expression.Problem(
        "\(name.quoted) is given \(Self.values(arguments.count))", hint: "write \(function.signature)")
    }
    return .call(function, arguments)
  }

  private static func values(_ count: Int) -> String { count == 1 ? "1 value" : "\(count) values" }

  private mutating func items(until end: ExpressionToken.Symbol) throws(Expression.Problem) -> [Expression] {
    var items: [Expression] = []
    if try take(end) { return items }
    while true {
      items.append(try conditional())
      if try take(end) { return items }
      try demand(.comma)
    }
  }
}

extension StatusFunction {
  var isOutOfPlace: Expression.Problem {
    Expression.Problem("'\(rawValue)()' can't stand here", hint: "only the 'if' of a node asks how others have ended")
  }
}
