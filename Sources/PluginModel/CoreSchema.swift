/// The core schema of YAML 1.2.2 §10.3: what a scalar without quotes means.
enum CoreSchema {
  /// A scalar that has a meaning in YAML but none in JSON.
  struct Refusal: Error {
    var what: String
    var hint: String
  }

  /// The tags of the core schema, by the part after `tag:yaml.org,2002:`.
  enum Tag: String, CaseIterable {
    case string = "str"
    case integer = "int"
    case number = "float"
    case boolean = "bool"
    case null
    case mapping = "map"
    case sequence = "seq"

    init?(uri: String) {
      let prefix = "tag:yaml.org,2002:"
      guard uri.hasPrefix(prefix) else { return nil }
      self.init(rawValue: String(uri.dropFirst(prefix.count)))
    }
  }

  /// Whether a scalar can't mean anything but its text. False: it is to be looked at.
  /// - Parameter first: its first byte; nil: it has none.
  static func isText(beginningWith first: UInt8?) -> Bool {
    guard let first else { return false }
    return switch first {
    case 0x2B...0x39, UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "t"),
      UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"):
      false
    default: true
    }
  }

  static func resolve(_ text: String) throws(Refusal) -> JSONValue {
    guard let first = text.utf8.first else { return .null }
    switch first {
    case 0x2B...0x39:
      // Most numbers.
      if text.utf8.count <= 18, text.isEachByte(isDigit), let value = Int64(text) { return .integer(value) }
      return try number(text) ?? .string(text)
    // By the first letter: nearly all text is none of these.
    case UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"):
      return ["~", "null", "Null", "NULL"].contains(text) ? .null : .string(text)
    case UInt8(ascii: "t"), UInt8(ascii: "T"):
      return ["true", "True", "TRUE"].contains(text) ? .bool(true) : .string(text)
    case UInt8(ascii: "f"), UInt8(ascii: "F"):
      return ["false", "False", "FALSE"].contains(text) ? .bool(false) : .string(text)
    default: return .string(text)
    }
  }

  private static func number(_ text: String) throws(Refusal) -> JSONValue? {
    let bytes = Array(text.utf8)
    if bytes.starts(with: [0x30, 0x78]) { return try integer(text, bytes.dropFirst(2), radix: 16) }
    if bytes.starts(with: [0x30, 0x6F]) { return try integer(text, bytes.dropFirst(2), radix: 8) }
    var rest = bytes[...]
    let isNegative = rest.first == 0x2D
    if isNegative || rest.first == 0x2B { rest = rest.dropFirst() }
    switch String(decoding: rest, as: UTF8.self) {
    case ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN":
      throw Refusal(
        what: "\(text.quoted) is not a number that can be passed on", hint: "write a finite number, or quotes for text")
    default: break
    }
    let whole = rest.prefix { isDigit($0) }
    if !whole.isEmpty, whole.count == rest.count { return try integer(text, rest, radix: 10, isNegative: isNegative) }
    rest = rest.dropFirst(whole.count)
    var fraction = rest.prefix(0)
    if rest.first == 0x2E {
      fraction = rest.dropFirst().prefix { isDigit($0) }
      rest = rest.dropFirst(1 + fraction.count)
    }
    guard !(whole.isEmpty && fraction.isEmpty) else { return nil }
    var exponent = ""
    if let mark = rest.first, mark | 0x20 == 0x65 {
      rest = rest.dropFirst()
      if let sign = rest.first, sign == 0x2B || sign == 0x2D {
        exponent = sign == 0x2D ? "-" : ""
        rest = rest.dropFirst()
      }
      let digits = rest.prefix { isDigit($0) }
      guard !digits.isEmpty else { return nil }
      exponent += String(decoding: digits, as: UTF8.self)
      rest = rest.dropFirst(digits.count)
    }
    guard rest.isEmpty else { return nil }
    let canonical =
      (isNegative ? "-" : "") + (whole.isEmpty ? "0" : String(decoding: whole, as: UTF8.self)) + "."
      + (fraction.isEmpty ? "0" : String(decoding: fraction, as: UTF8.self)) + (exponent.isEmpty ? "" : "e" + exponent)
    guard let value = Double(canonical), value.isFinite else { throw tooLarge(text) }
    return .double(value)
  }

  /// Nil where a byte is no digit of the radix: then the scalar is text.
  private static func integer(
    _ text: String, _ digits: ArraySlice<UInt8>, radix: Int, isNegative: Bool = false
  ) throws(Refusal) -> JSONValue? {
    let characters = String(decoding: digits, as: UTF8.self)
    guard !digits.isEmpty, digits.allSatisfy({ isDigit($0) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66) }) else {
      return nil
    }
    if radix == 8, !digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x37 }) { return nil }
    guard let value = Int64((isNegative ? "-" : "") + characters, radix: radix) else { throw tooLarge(text) }
    return .integer(value)
  }

  private static func tooLarge(_ text: String) -> Refusal {
    Refusal(what: "the number \(text.quoted) is too large", hint: "put it between quotes if it is meant as text")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}
