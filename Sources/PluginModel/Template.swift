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
  package static let roots: Set<String> = ["inputs"]

  /// `$${{` stands for the characters `${{`.
  package init(_ text: String) throws(Problem) {
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
        let parsed = try ExpressionParser.parse(bytes[(index + open.count)...], isBraced: true, roots: Self.roots)
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
  package var inputs: [ParameterName] { inputNames.compactMap { ParameterName($0) } }

  /// As they are written: not all need be names that an input can have.
  var inputNames: [String] {
    parts.flatMap { part in
      if case .expression(let expression) = part { expression.names(of: "inputs") } else { [String]() }
    }
  }

  /// One expression alone keeps the type of its value; among other text it must be a string, a number or a boolean, and
  /// becomes text.
  package func evaluate(inputs: [ParameterName: JSONValue]) throws(Problem) -> JSONValue {
    let values = Dictionary(inputs.map { ($0.key.text, $0.value) }) { first, _ in first }
    let scope = ExpressionScope(["inputs": values])
    if parts.count == 1, case .expression(let expression) = parts[0] { return try expression.evaluate(in: scope) }
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .expression(let expression): text += try Self.text(of: expression.evaluate(in: scope), expression)
      }
      guard text.utf8.count <= Self.maximumBytes else {
        throw Problem("the text becomes longer than \(Self.maximumBytes) bytes")
      }
    }
    return .string(text)
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
  /// Every string of the value, at any depth, as a ``Template`` evaluated with `inputs`. Keys stay as they are.
  package func evaluated(inputs: [ParameterName: JSONValue]) throws(Template.Problem) -> JSONValue {
    switch self {
    case .null, .bool, .integer, .double: return self
    case .string(let text): return try Template(text).evaluate(inputs: inputs)
    case .array(let items):
      return .array(try items.map { item throws(Template.Problem) in try item.evaluated(inputs: inputs) })
    case .object(let members):
      return .object(
        try members.map { member throws(Template.Problem) in
          Member(member.key, try member.value.evaluated(inputs: inputs))
        })
    }
  }
}

extension ValueReader {
  /// Reports every string of the value that isn't a template, or that reads an input which `inputs` lacks.
  func checkTemplates(inputs: [ParameterName]) { checkTemplates(node, inputs: inputs) }

  private func checkTemplates(_ node: DocumentNode, inputs: [ParameterName]) {
    switch node.content {
    case .sequence(let items):
      for item in items { checkTemplates(item, inputs: inputs) }
    case .mapping(let entries):
      for entry in entries { checkTemplates(entry.value, inputs: inputs) }
    case .scalar(let scalar):
      guard case .string(let text) = scalar.value else { return }
      do throws(Template.Problem) {
        for name in try Template(text).inputNames where !inputs.contains(where: { $0.text == name }) {
          report.error(
            "the workflow has no input \(name.quoted)",
            hint: Suggestion.hint(for: name, among: inputs.map(\.text)) ?? "declare it under 'spec.inputs'",
            at: node.location)
        }
      } catch {
        report.error(error.what, why: error.why, hint: error.hint, at: node.location)
      }
    }
  }
}
