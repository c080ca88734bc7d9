/// A word of an expression.
enum ExpressionToken: Hashable {
  case value(JSONValue)
  case name(String)
  case operation(Expression.BinaryOperator)
  case symbol(Symbol)
  /// `}}`, or the end of the text where that is the expression's own.
  case end

  /// What isn't an operator between two values.
  enum Symbol: String, CaseIterable {
    case open = "("
    case close = ")"
    case openBracket = "["
    case closeBracket = "]"
    case comma = ","
    case dot = "."
    case question = "?"
    case colon = ":"
    case not = "!"
  }

  /// Longer ones first, so that none is read as the beginning of another.
  static let marks: [(text: String, token: ExpressionToken)] =
    (Expression.BinaryOperator.allCases.map { ($0.rawValue, .operation($0)) }
    + Symbol.allCases.map { ($0.rawValue, .symbol($0)) }).sorted { $0.0.utf8.count > $1.0.utf8.count }

  /// For "found …".
  var words: String {
    switch self {
    case .value(let value): value.text().quoted
    case .name(let name): name.quoted
    case .operation(let operation): operation.rawValue.quoted
    case .symbol(let symbol): symbol.rawValue.quoted
    case .end: "the end"
    }
  }
}

/// Takes an expression apart into words, from a place in a text on.
struct ExpressionTokens {
  private let bytes: ArraySlice<UInt8>
  /// Whether `}}` ends it. A string may hold one.
  private let isBraced: Bool
  /// Of the next word that is read.
  private(set) var position: Int

  init(_ bytes: ArraySlice<UInt8>, isBraced: Bool) {
    self.bytes = bytes
    self.isBraced = isBraced
    position = bytes.startIndex
  }

  mutating func next() throws(Expression.Problem) -> ExpressionToken {
    while let byte = peek(), byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte) { position += 1 }
    guard let byte = peek() else {
      guard isBraced else { return .end }
      throw Expression.Problem("'${{' is not closed", hint: "add '}}', or write '$${{' for the characters themselves")
    }
    if isBraced, startsWith("}}") {
      position += 2
      return .end
    }
    if byte == UInt8(ascii: "'") { return .value(.string(try string())) }
    if Self.isDigit(byte) { return .value(try number()) }
    if Self.startsName(byte) { return word() }
    for mark in ExpressionToken.marks where startsWith(mark.text) {
      position += mark.text.utf8.count
      return mark.token
    }
    throw unexpected()
  }

  private func unexpected() -> Expression.Problem {
    let rest = String(decoding: bytes[position...].prefix(8), as: UTF8.self)
    let character = rest.first.map { String($0) } ?? ""
    return Expression.Problem(
      "the expression has a \(character.quoted), which means nothing there",
      hint: character == "\"" ? "write strings in single quotes: 'text'" : ExpressionParser.grammar)
  }

  private func peek(_ distance: Int = 0) -> UInt8? {
    bytes.indices.contains(position + distance) ? bytes[position + distance] : nil
  }
  private func startsWith(_ text: String) -> Bool { bytes[position...].starts(with: text.utf8) }
  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  private static func startsName(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
  }

  private mutating func word() -> ExpressionToken {
    let start = position
    while let byte = peek(), Self.startsName(byte) || Self.isDigit(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    return switch text {
    case "true": .value(true)
    case "false": .value(false)
    case "null": .value(.null)
    default: .name(text)
    }
  }

  /// In single quotes; two of them stand for one.
  private mutating func string() throws(Expression.Problem) -> String {
    position += 1
    var text: [UInt8] = []
    while let byte = peek() {
      position += 1
      guard byte == UInt8(ascii: "'") else {
        text.append(byte)
        continue
      }
      guard peek() == UInt8(ascii: "'") else { return String(decoding: text, as: UTF8.self) }
      text.append(byte)
      position += 1
    }
    throw Expression.Problem("a string in the expression is not closed", hint: "add the single quote that ends it")
  }

  /// As JSON has it, without a sign.
  private mutating func number() throws(Expression.Problem) -> JSONValue {
    let start = position
    while let byte = peek() {
      let isExponentSign =
        (byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")) && (bytes[position - 1] | 0x20) == UInt8(ascii: "e")
        && position > start
      guard Self.isDigit(byte) || byte == UInt8(ascii: ".") || Self.startsName(byte) || isExponentSign else { break }
      position += 1
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    do throws(JSONError) {
      return try JSONValue(json: text)
    } catch {
      throw Expression.Problem("\(text.quoted) is not a number", hint: "write it as JSON does: 12, 0.5, 1e6")
    }
  }
}
