/// `if:` of a node: one expression that says, once everything that the node waits for has ended, whether it runs. The page Matrices and
/// conditions has its grammar.
package struct Condition: Hashable, Sendable {
  /// How a node has ended, as a condition reads it.
  package enum State: String, CaseIterable, Sendable {
    case succeeded
    case failed
    case skipped
    case cancelled
  }

  /// What it reads of a node that the node waits for.
  package enum Reading: Hashable, Sendable {
    case state
    case output(String)
  }

  package static let roots: Set<String> = ["inputs", "matrix", "needs"]
  package static let maximumBytes = ExpressionParser.maximumLength

  /// As it is written, or `success() && (…)` around it where it asks for no status.
  package let expression: Expression
  /// By the name of the node, each once, in the order of the text.
  package let needs: [(node: String, reading: Reading)]

  /// - Parameter text: with `${{` and `}}` around all of it, or without.
  package init(_ text: String) throws(Expression.Problem) {
    let written = try Self.parse(Array(text.utf8))
    var needs: [(node: String, reading: Reading)] = []
    try Self.collect(from: written, &needs)
    self.needs = needs
    expression = written.asksForStatus ? written : .binary(.and, .status(.success), written)
  }

  private static func parse(_ bytes: [UInt8]) throws(Expression.Problem) -> Expression {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    let open = Array("${{".utf8)
    let text = bytes.drop(while: isSpace)
    guard text.starts(with: open) else {
      return try ExpressionParser.parse(text, isBraced: false, roots: roots, allowsStatus: true).expression
    }
    let parsed = try ExpressionParser.parse(
      text.dropFirst(open.count), isBraced: true, roots: roots, allowsStatus: true)
    guard bytes[parsed.end...].allSatisfy(isSpace) else {
      throw Expression.Problem(
        "the condition goes on behind '}}'", why: "the text around an expression would always be true",
        hint: "put all of it between '${{' and '}}', or leave these out")
    }
    return parsed.expression
  }

  /// Which outputs are read is known before anything runs, so that they are kept until then.
  private static func collect(
    from expression: Expression, _ needs: inout [(node: String, reading: Reading)]
  ) throws(Expression.Problem) {
    if let found = expression.reading {
      if !needs.contains(where: { $0 == found }) { needs.append(found) }
      return
    }
    if case .member(.root("needs"), let node) = expression {
      throw Expression.Problem(
        "'needs.\(node)' can't be used whole",
        hint: "write needs.\(node).state or needs.\(node).outputs.PORT")
    }
    if let (base, name) = expression.step, case .member(.root("needs"), let node) = base {
      throw Expression.Problem(
        name == "outputs"
          ? "the name of an output of 'needs.\(node)' is missing or computed" : "'needs.\(node)' has no \(name.quoted)",
        why: name == "outputs" ? "what a condition reads is known before anything runs" : nil,
        hint: name == "result"
          ? "write needs.\(node).state" : "write needs.\(node).state or needs.\(node).outputs.PORT")
    }
    try checkState(in: expression)
    for part in expression.parts { try collect(from: part, &needs) }
  }

  /// `needs.x.state == 'success'` would always be false.
  private static func checkState(in expression: Expression) throws(Expression.Problem) {
    guard case .binary(let operation, let left, let right) = expression, operation == .equal || operation == .unequal
    else { return }
    for (side, other) in [(left, right), (right, left)] {
      guard case .literal(.string(let word)) = other, side.reading?.reading == .state, State(rawValue: word) == nil
      else { continue }
      throw Expression.Problem(
        "no node ends as \(word.quoted)", hint: Suggestion.hint(for: word, among: State.allCases.map(\.rawValue)))
    }
  }

  package static func == (left: Self, right: Self) -> Bool { left.expression == right.expression }
  package func hash(into hasher: inout Hasher) { hasher.combine(expression) }
}

extension Expression {
  /// `base.name`, or `base['name']`.
  fileprivate var step: (base: Expression, name: String)? {
    switch self {
    case .member(let base, let name): (base, name)
    case .element(let base, at: .literal(.string(let name))): (base, name)
    default: nil
    }
  }

  /// `needs.NODE.state`, or `needs.NODE.outputs.PORT`.
  fileprivate var reading: (node: String, reading: Condition.Reading)? {
    guard let (base, name) = step else { return nil }
    if case .member(.root("needs"), let node) = base, name == "state" { return (node, .state) }
    guard let (inner, word) = base.step, word == "outputs", case .member(.root("needs"), let node) = inner else {
      return nil
    }
    return (node, .output(name))
  }

  fileprivate var asksForStatus: Bool {
    if case .status = self { return true }
    return parts.contains(where: \.asksForStatus)
  }
}

extension ValueReader {
  /// Reports what is wrong with a condition whatever the other nodes are.
  func checkCondition(_ text: String, _ names: ReadableNames) {
    do throws(Expression.Problem) {
      let expression = try Condition(text).expression
      report(
        names.problems(inputs: expression.names(of: "inputs"), matrix: expression.names(of: "matrix")), at: node)
    } catch {
      report([error], at: node)
    }
  }
}
