/// What may stand between `${{` and `}}`.
package enum Expression: Hashable, Sendable, CustomStringConvertible {
  /// `inputs.NAME`: an input of the workflow.
  case input(ParameterName)

  package var description: String {
    switch self {
    case .input(let name): "inputs.\(name)"
    }
  }

  package init(_ text: String) throws(Template.Problem) {
    let words = text.split(separator: " ", omittingEmptySubsequences: true)
    guard words.count == 1, let word = words.first else {
      throw Template.Problem(
        words.isEmpty ? "the expression is empty" : "\(text.quoted) is not an expression", hint: Self.grammar)
    }
    let parts = word.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, parts[0] == "inputs", let name = ParameterName(parts[1]) else {
      throw Template.Problem("\(String(word).quoted) is not an expression", hint: Self.grammar)
    }
    self = .input(name)
  }

  private static let grammar = "write '${{ inputs.NAME }}', or '$${{' for the characters themselves"
}

/// A string of a workflow's `with:` that may hold expressions.
///
/// It is taken apart after the file was parsed, so a value can never become structure; and what an expression yields
/// is never looked at again, so a value can never become an expression.
package struct Template: Hashable, Sendable {
  package enum Part: Hashable, Sendable {
    case text(String)
    case expression(Expression)
  }

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

  /// The longest text that an evaluation may yield: small templates can't ask for much memory.
  package static let maximumBytes = 4 << 20

  package let parts: [Part]

  /// `$${{` stands for the characters `${{`.
  package init(_ text: String) throws(Problem) {
    let bytes = Array(text.utf8)
    let open = Array("${{".utf8)
    let close = Array("}}".utf8)
    var parts: [Part] = []
    var literal: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == open[0], bytes[index...].dropFirst().starts(with: open) {
        literal += open
        index += 1 + open.count
      } else if bytes[index] == open[0], bytes[index...].starts(with: open) {
        let start = index + open.count
        guard let end = bytes[start...].indices.first(where: { bytes[$0...].starts(with: close) }) else {
          throw Problem("'${{' is not closed", hint: "add '}}', or write '$${{' for the characters themselves")
        }
        if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
        literal = []
        parts.append(.expression(try Expression(String(decoding: bytes[start..<end], as: UTF8.self))))
        index = end + close.count
      } else {
        literal.append(bytes[index])
        index += 1
      }
    }
    if !literal.isEmpty || parts.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
    self.parts = parts
  }

  /// The workflow inputs that the template reads.
  package var inputs: [ParameterName] {
    parts.compactMap { part in
      if case .expression(.input(let name)) = part { name } else { nil }
    }
  }

  /// One expression alone keeps the type of its value; among other text it must be a string, a number or a boolean, and
  /// becomes text.
  package func evaluate(inputs: [ParameterName: JSONValue]) throws(Problem) -> JSONValue {
    if parts.count == 1, case .expression(let expression) = parts[0] { return try value(of: expression, inputs) }
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .expression(let expression): text += try Self.text(of: value(of: expression, inputs), expression)
      }
      guard text.utf8.count <= Self.maximumBytes else {
        throw Problem("the text becomes longer than \(Self.maximumBytes) bytes")
      }
    }
    return .string(text)
  }

  private func value(of expression: Expression, _ inputs: [ParameterName: JSONValue]) throws(Problem) -> JSONValue {
    switch expression {
    case .input(let name):
      guard let value = inputs[name] else {
        throw Problem(
          "the workflow has no input \(name.text.quoted)",
          hint: Suggestion.hint(for: name.text, among: inputs.keys.map(\.text).sorted()))
      }
      return value
    }
  }

  private static func text(of value: JSONValue, _ expression: Expression) throws(Problem) -> String {
    switch value {
    case .string(let text): return text
    case .bool, .integer, .double: return value.text()
    case .null, .array, .object:
      throw Problem(
        "\(expression.description.quoted) can't stand within text", why: "its value is a \(value.typeName)",
        hint: "let the expression be the whole string")
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
        for name in try Template(text).inputs where !inputs.contains(name) {
          report.error(
            "the workflow has no input \(name.text.quoted)",
            hint: Suggestion.hint(for: name.text, among: inputs.map(\.text)) ?? "declare it under 'spec.inputs'",
            at: node.location)
        }
      } catch {
        report.error(error.what, why: error.why, hint: error.hint, at: node.location)
      }
    }
  }
}
