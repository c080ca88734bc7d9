extension ExpressionEvaluation {
  /// The most items that `range` makes.
  private static let maximumRange: Int64 = 100_000

  mutating func call(_ function: ExpressionFunction, _ arguments: [JSONValue]) throws(Expression.Problem) -> JSONValue {
    guard let first = arguments.first else { throw mismatch(function, arguments) }
    switch function {
    case .length: return try length(first)
    case .contains: return try contains(arguments)
    case .startsWith:
      let (text, prefix) = try strings(function, arguments)
      return .bool(text.utf8.starts(with: prefix.utf8))
    case .endsWith:
      let (text, suffix) = try strings(function, arguments)
      return .bool(text.utf8.reversed().starts(with: suffix.utf8.reversed()))
    case .lower: return try mapped(function, first) { $0.lowercased() }
    case .upper: return try mapped(function, first) { $0.uppercased() }
    case .trim: return try mapped(function, first) { Self.trimmed($0) }
    case .replace: return try replaced(arguments)
    case .split: return try split(arguments)
    case .join: return try joined(arguments)
    case .string:
      if case .string = first { return first }
      return try text(of: first)
    case .json: return try text(of: first)
    case .number: return try number(first)
    case .parseJSON: return try parsed(first)
    case .min: return try extreme(function, arguments, .descending)
    case .max: return try extreme(function, arguments, .ascending)
    case .floor: return try rounded(function, first, .down)
    case .ceil: return try rounded(function, first, .up)
    case .round: return try rounded(function, first, .toNearestOrAwayFromZero)
    case .abs: return try absolute(first)
    case .keys:
      guard case .object(let members) = first else { throw mismatch(function, arguments) }
      try spend(members.count)
      return .array(members.map { .string($0.key) })
    case .range:
      guard case .integer(let count) = first, (0...Self.maximumRange).contains(count) else {
        throw Expression.Problem(
          "'range' takes an integer from 0 to \(Self.maximumRange)", why: "it is given \(first.text().quoted)")
      }
      try spend(Int(count))
      return .array((0..<count).map { .integer($0) })
    }
  }

  private func mismatch(_ function: ExpressionFunction, _ arguments: [JSONValue]) -> Expression.Problem {
    let given = arguments.map { "a \($0.typeName)" }.joined(separator: ", ")
    return Expression.Problem(
      "\(function.rawValue.quoted) has no value here", why: "it is given \(given)", hint: "write \(function.signature)")
  }

  private func strings(
    _ function: ExpressionFunction, _ arguments: [JSONValue]
  ) throws(Expression.Problem) -> (String, String) {
    guard arguments.count == 2, case .string(let first) = arguments[0], case .string(let second) = arguments[1] else {
      throw mismatch(function, arguments)
    }
    return (first, second)
  }

  private mutating func mapped(
    _ function: ExpressionFunction, _ value: JSONValue, _ body: (String) -> String
  ) throws(Expression.Problem) -> JSONValue {
    guard case .string(let text) = value else { throw mismatch(function, [value]) }
    // A letter may become three.
    try spend(3 * text.utf8.count)
    return .string(body(text))
  }

  private static func trimmed(_ text: String) -> String {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    let bytes = Array(text.utf8)
    guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(decoding: bytes[first...last], as: UTF8.self)
  }

  private func length(_ value: JSONValue) throws(Expression.Problem) -> JSONValue {
    switch value {
    case .string(let text): return .integer(Int64(text.unicodeScalars.count))
    case .array(let items): return .integer(Int64(items.count))
    case .object(let members): return .integer(Int64(members.count))
    case .null, .bool, .integer, .double: throw mismatch(.length, [value])
    }
  }

  private func contains(_ arguments: [JSONValue]) throws(Expression.Problem) -> JSONValue {
    switch (arguments[0], arguments[1]) {
    case (.string(let text), .string(let part)):
      return .bool(Self.occurrences(of: part, in: text, atMost: 1).count == 1)
    case (.array(let items), let item): return .bool(items.contains { $0.isSame(as: item) })
    case (.object(let members), .string(let key)): return .bool(members.contains { $0.key == key })
    default: throw mismatch(.contains, arguments)
    }
  }

  /// Where `part` begins, in bytes, without overlaps. Nowhere twice for an empty one: once, at the beginning.
  private static func occurrences(of part: String, in text: String, atMost limit: Int) -> [Int] {
    let (wanted, bytes) = (Array(part.utf8), Array(text.utf8))
    guard !wanted.isEmpty else { return [0] }
    var found: [Int] = []
    var position = 0
    while position + wanted.count <= bytes.count, found.count < limit {
      // memchr(3) would be faster; a text has at most some megabytes, and mostly a few letters.
      if bytes[position] == wanted[0], bytes[position..<(position + wanted.count)].elementsEqual(wanted) {
        found.append(position)
        position += wanted.count
      } else {
        position += 1
      }
    }
    return found
  }

  private mutating func replaced(_ arguments: [JSONValue]) throws(Expression.Problem) -> JSONValue {
    guard case .string(let text) = arguments[0], case .string(let what) = arguments[1],
      case .string(let replacement) = arguments[2]
    else { throw mismatch(.replace, arguments) }
    guard !what.isEmpty else { return .string(text) }
    let found = Self.occurrences(of: what, in: text, atMost: .max)
    let (growth, isTooMuch) = found.count.multipliedReportingOverflow(by: replacement.utf8.count)
    try spend(isTooMuch ? .max : text.utf8.count)
    try spend(growth)
    var bytes: [UInt8] = []
    var position = 0
    let source = Array(text.utf8)
    for start in found {
      bytes += source[position..<start]
      bytes += replacement.utf8
      position = start + what.utf8.count
    }
    bytes += source[position...]
    return .string(String(decoding: bytes, as: UTF8.self))
  }

  private mutating func split(_ arguments: [JSONValue]) throws(Expression.Problem) -> JSONValue {
    let (text, separator) = try strings(.split, arguments)
    guard !separator.isEmpty else {
      throw Expression.Problem("'split' takes a separator that isn't empty")
    }
    let found = Self.occurrences(of: separator, in: text, atMost: .max)
    try spend(text.utf8.count + found.count + 1)
    let bytes = Array(text.utf8)
    var parts: [JSONValue] = []
    var position = 0
    for start in found {
      parts.append(.string(String(decoding: bytes[position..<start], as: UTF8.self)))
      position = start + separator.utf8.count
    }
    parts.append(.string(String(decoding: bytes[position...], as: UTF8.self)))
    return .array(parts)
  }

  private mutating func joined(_ arguments: [JSONValue]) throws(Expression.Problem) -> JSONValue {
    guard case .array(let items) = arguments[0], case .string(let separator) = arguments[1] else {
      throw mismatch(.join, arguments)
    }
    var texts: [String] = []
    for item in items {
      switch item {
      case .string(let text): texts.append(text)
      case .bool, .integer, .double: texts.append(item.text())
      case .null, .array, .object:
        throw Expression.Problem(
          "'join' takes a list of strings, numbers and booleans", why: "there is a \(item.typeName) in it",
          hint: "json(x) makes one string of anything")
      }
    }
    let (separators, isTooMuch) = separator.utf8.count.multipliedReportingOverflow(by: texts.count)
    try spend(isTooMuch ? .max : separators)
    try spend(texts.reduce(0) { $0 + $1.utf8.count })
    return .string(texts.joined(separator: separator))
  }

  /// As JSON.
  private mutating func text(of value: JSONValue) throws(Expression.Problem) -> JSONValue {
    let text = value.text()
    try spend(text.utf8.count)
    return .string(text)
  }

  private func number(_ value: JSONValue) throws(Expression.Problem) -> JSONValue {
    switch value {
    case .integer, .double: return value
    case .string(let text):
      do throws(JSONError) {
        let number = try JSONValue(json: Self.trimmed(text))
        if number.asDouble != nil { return number }
      } catch {}
      throw Expression.Problem("\(text.quoted) is not a number", hint: "write it as JSON does: 12, -0.5, 1e6")
    case .null, .bool, .array, .object: throw mismatch(.number, [value])
    }
  }

  private mutating func parsed(_ value: JSONValue) throws(Expression.Problem) -> JSONValue {
    guard case .string(let text) = value else { throw mismatch(.parseJSON, [value]) }
    try spend(text.utf8.count)
    do throws(JSONError) {
      return try JSONValue(json: text)
    } catch {
      throw Expression.Problem("\(text.quoted) is not JSON", why: "\(error)")
    }
  }

  /// The number that no other one stands to in `order`.
  private func extreme(
    _ function: ExpressionFunction, _ arguments: [JSONValue], _ order: ExpressionArithmetic.Order
  ) throws(Expression.Problem) -> JSONValue {
    var numbers = arguments
    if arguments.count == 1, case .array(let items) = arguments[0] { numbers = items }
    guard var best = numbers.first, numbers.allSatisfy({ $0.asDouble != nil }) else {
      throw numbers.isEmpty
        ? Expression.Problem("\(function.rawValue.quoted) of an empty list has no value")
        : mismatch(function, arguments)
    }
    for number in numbers.dropFirst() where ExpressionArithmetic.order(best, number) == order { best = number }
    return best
  }

  /// An integer, where there is one.
  private func rounded(
    _ function: ExpressionFunction, _ value: JSONValue, _ rule: FloatingPointRoundingRule
  ) throws(Expression.Problem) -> JSONValue {
    switch value {
    case .integer: return value
    case .double(let number):
      let whole = number.rounded(rule)
      return Int64(exactly: whole).map { .integer($0) } ?? .double(whole)
    case .null, .bool, .string, .array, .object: throw mismatch(function, [value])
    }
  }

  private func absolute(_ value: JSONValue) throws(Expression.Problem) -> JSONValue {
    switch value {
    case .integer(let number):
      // Int64.min has no counterpart.
      return number == .min ? .double(-Double(number)) : .integer(number < 0 ? -number : number)
    case .double(let number): return .double(Swift.abs(number))
    case .null, .bool, .string, .array, .object: throw mismatch(.abs, [value])
    }
  }
}
