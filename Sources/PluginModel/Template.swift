/// A string of a workflow's `with:` that may hold expressions.
///
/// It is taken apart after the file was parsed, so a value can never become structure; and what an expression yields
/// is never looked at again, so a value can never become an expression.
package struct Template: Hashable, Sendable {
  package enum Part: Hashable, Sendable {
    case text(String)
    case expression(Expression)
  }

  package typealias Problem = Expression.Problem

  /// The longest text that an evaluation may yield: small templates can't ask for much memory.
  package static let maximumBytes = 4 << 20

  package let parts: [Part]

  /// What expressions of a node's `with:` begin with.
  package static let roots: Set<String> = ["inputs", "matrix"]

  /// `$${{` stands for the characters `${{`.
  package init(_ text: String) throws(Problem) { try self.init(text, roots: Self.roots) }

  init(_ text: String, roots: Set<String>) throws(Problem) {
    guard text.utf8.contains(UInt8(ascii: "$")) else {
      parts = [.text(text)]
      return
    }
    let bytes = Array(text.utf8)
    let open = Array("${{".utf8)
    var parts: [Part] = []
    var literal: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == open[0], bytes[index...].dropFirst().starts(with: open) {
        literal += open
        index += 1 + open.count
      } else if bytes[index] == open[0], bytes[index...].starts(with: open) {
        if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
        literal = []
        let parsed = try ExpressionParser.parse(bytes[(index + open.count)...], isBraced: true, roots: roots)
        parts.append(.expression(parsed.expression))
        index = parsed.end
      } else {
        literal.append(bytes[index])
        index += 1
      }
    }
    if !literal.isEmpty || parts.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
    self.parts = parts
  }

  /// The workflow inputs that the template reads.
  package var inputs: [ParameterName] { names(of: "inputs").compactMap { ParameterName($0) } }

  /// As they are written: not all need be names that there can be.
  package func names(of root: String) -> [String] {
    parts.flatMap { part in
      if case .expression(let expression) = part { expression.names(of: root) } else { [String]() }
    }
  }

  /// One expression alone keeps the type of its value; among other text it must be a string, a number or a boolean, and
  /// becomes text.
  /// - Parameter escape: what an expression yields as text is written so; nil: as it is.
  package func evaluate(
    in scope: ExpressionScope, escape: ((String) -> String)? = nil
  ) throws(Problem) -> JSONValue {
    if parts.count == 1, case .expression(let expression) = parts[0] {
      let value = try expression.evaluate(in: scope)
      return escape.map(value.mapTexts) ?? value
    }
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .expression(let expression):
        let value = try Self.text(of: expression.evaluate(in: scope), expression)
        text += escape?(value) ?? value
      }
      guard text.utf8.count <= Self.maximumBytes else {
        throw Problem("the text becomes longer than \(Self.maximumBytes) bytes")
      }
    }
    return .string(text)
  }

  package func evaluate(inputs: [ParameterName: JSONValue]) throws(Problem) -> JSONValue {
    try evaluate(in: ExpressionScope(inputs: inputs))
  }

  private static func text(of value: JSONValue, _ expression: Expression) throws(Problem) -> String {
    switch value {
    case .string(let text): return text
    case .bool, .integer, .double: return value.text()
    case .null, .array, .object:
      throw Problem(
        "\(expression.description.quoted) can't stand within text", why: "its value is a \(value.typeName)",
        hint: "let the expression be the whole string, or write json(…) around it")
    }
  }
}

extension JSONValue {
  /// Every string of the value, at any depth, as `body` writes it. Keys stay as they are.
  fileprivate func mapTexts(_ body: (String) -> String) -> JSONValue {
    switch self {
    case .null, .bool, .integer, .double: self
    case .string(let text): .string(body(text))
    case .array(let items): .array(items.map { $0.mapTexts(body) })
    case .object(let members): .object(members.map { Member($0.key, $0.value.mapTexts(body)) })
    }
  }

  /// Every string of the value, at any depth, as a ``Template`` evaluated in `scope`. Keys stay as they are.
  /// - Parameter escape: what an expression yields as text is written so; nil: as it is.
  package func evaluated(
    in scope: ExpressionScope, escape: ((String) -> String)? = nil
  ) throws(Template.Problem) -> JSONValue {
    switch self {
    case .null, .bool, .integer, .double: return self
    case .string(let text): return try Template(text).evaluate(in: scope, escape: escape)
    case .array(let items):
      return .array(try items.map { item throws(Template.Problem) in try item.evaluated(in: scope, escape: escape) })
    case .object(let members):
      return .object(
        try members.map { member throws(Template.Problem) in
          Member(member.key, try member.value.evaluated(in: scope, escape: escape))
        })
    }
  }

  package func evaluated(inputs: [ParameterName: JSONValue]) throws(Template.Problem) -> JSONValue {
    try evaluated(in: ExpressionScope(inputs: inputs))
  }
}

/// What the expressions of a node may name.
package struct ReadableNames {
  package enum Matrix {
    /// The node has none.
    case absent
    /// It can't be read, which is a problem of its own.
    case unknown
    case names([String])
  }

  package var inputs: [ParameterName]
  package var matrix: Matrix

  package init(inputs: [ParameterName], matrix: Matrix) {
    self.inputs = inputs
    self.matrix = matrix
  }

  /// What is wrong with each name that is read and that there is none of.
  package func problems(inputs read: [String], matrix names: [String]) -> [Expression.Problem] {
    let unknown = read.filter { name in !inputs.contains { $0.text == name } }
    return unknown.map { name in
      Expression.Problem(
        "the workflow has no input \(name.quoted)",
        hint: Suggestion.hint(for: name, among: inputs.map(\.text)) ?? "declare it under 'spec.inputs'")
    } + names.compactMap { problem(ofMatrix: $0) }
  }

  private func problem(ofMatrix name: String) -> Expression.Problem? {
    switch matrix {
    case .unknown: return nil
    case .absent:
      return Expression.Problem(
        "'matrix.\(name)' is nothing here", why: "the node has no 'matrix'",
        hint: "add to the node:  matrix: {\(name): [VALUE, VALUE]}")
    case .names(let known):
      guard !known.contains(name) else { return nil }
      return Expression.Problem(
        "the matrix has no \(name.quoted)", hint: Suggestion.hint(for: name, among: known))
    }
  }
}

extension ValueReader {
  /// Reports every string of the value that isn't a template, or that reads what there is none of.
  func checkTemplates(_ names: ReadableNames) { checkTemplates(node, names) }

  private func checkTemplates(_ node: DocumentNode, _ names: ReadableNames) {
    switch node.row.kind {
    case .null, .bool, .integer, .double: return
    case .sequence, .mapping:
      for child in node.children { checkTemplates(child, names) }
    case .string:
      // Without a mark it is text, and reads nothing.
      guard node.tree.contains(UInt8(ascii: "$"), in: node.row.text) else { return }
      do throws(Template.Problem) {
        let read = try report.namesRead(byTemplate: node.tree.string(node.row.text))
        report(names.problems(inputs: read.inputs, matrix: read.matrix), at: node)
      } catch {
        report([error], at: node)
      }
    }
  }

  func report(_ problems: [Expression.Problem], at node: DocumentNode) {
    for problem in problems { report.error(problem.what, why: problem.why, hint: problem.hint, at: node.place) }
  }
}
