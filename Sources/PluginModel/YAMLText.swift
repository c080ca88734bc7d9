extension JSONValue {
  /// The value as a YAML 1.2 document that reads as the same value (``DocumentNode/init(yaml:file:limits:)``), the way that a person would
  /// write it: block style, short lists and mappings of simple values on one line, texts of several lines as literal blocks, and no quotes
  /// where none are needed. Texts that an older YAML would take for something else (`yes`, `1:30`) are quoted as well, and whatever turns
  /// the direction of text is escaped.
  package func yaml() -> String {
    var writer = YAMLWriter()
    writer.write(self, indent: 0, place: .root)
    return writer.text
  }
}

/// Of values as YAML. Kept by hand, for libyaml's emitter knows nothing of what a plain scalar means.
private struct YAMLWriter {
  enum Place {
    case root
    /// Behind `key:`.
    case member
    /// Behind `-`.
    case item
  }

  var text = ""
  /// Of what stands on one line within brackets.
  private static let flowWidth = 72
  /// YAML 1.2.2 §7.4: a key that stands before its colon on one line has at most 1,024 characters.
  private static let keyWidth = 256

  mutating func write(_ value: JSONValue, indent: Int, place: Place) {
    switch value {
    case .object(let members) where !members.isEmpty:
      if place != .root, let flow = Self.flow(value) { return end(" \(flow)") }
      write(members, indent: indent, place)
    case .array(let items) where !items.isEmpty:
      if place != .root, let flow = Self.flow(value) { return end(" \(flow)") }
      if place != .root { text += "\n" }
      for item in items {
        write(indent: indent)
        text += "-"
        write(item, indent: indent + 2, place: .item)
      }
    case .string(let string):
      if place == .root || !Self.isLiteral(string) { return end((place == .root ? "" : " ") + Self.scalar(string)) }
      writeLiteral(string, indent: indent)
    default: end((place == .root ? "" : " ") + Self.simple(value))
    }
  }

  private mutating func write(_ members: [JSONValue.Member], indent: Int, _ place: Place) {
    for (position, member) in members.enumerated() {
      switch (place, position) {
      case (.item, 0): text += " "
      case (.member, 0):
        text += "\n"
        write(indent: indent)
      default: write(indent: indent)
      }
      let key = Self.scalar(member.key)
      if key.utf8.count > Self.keyWidth {
        text += "? \(key)\n"
        write(indent: indent)
        text += ":"
      } else {
        text += "\(key):"
      }
      write(member.value, indent: indent + 2, place: .member)
    }
  }

  private mutating func write(indent: Int) { text += String(repeating: " ", count: indent) }

  private mutating func end(_ rest: String) { text += rest + "\n" }

  private mutating func writeLiteral(_ string: String, indent: Int) {
    text += string.hasSuffix("\n") ? " |\n" : " |-\n"
    for line in (string.hasSuffix("\n") ? string.dropLast() : string[...]).split(
      separator: "\n", omittingEmptySubsequences: false)
    {
      if !line.isEmpty {
        write(indent: max(indent, 2))
        text += line
      }
      text += "\n"
    }
  }

  /// Whether a text can be a literal block, as which it reads the same: several lines of what can be seen, the first of which says how far
  /// they are indented, and at most one line break at the end.
  private static func isLiteral(_ string: String) -> Bool {
    let bytes = string.utf8
    guard bytes.contains(0x0A), bytes.first != 0x0A, bytes.first != 0x20, !string.hasSuffix("\n\n") else {
      return false
    }
    return string.unicodeScalars.allSatisfy { $0 == "\n" || isPrintable($0) }
      && !string.split(separator: "\n").contains { $0.last == " " }
  }

  /// That stands for itself and can be seen: no control character, nothing that turns text, no line break but `\n`.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }

  /// On one line; nil: it is too long for that, or holds more than simple values and lists of them.
  private static func flow(_ value: JSONValue) -> String? {
    var parts: [String] = []
    var width = 0
    func add(_ part: String?) -> Bool {
      guard let part else { return false }
      width += part.utf8.count + 2
      parts.append(part)
      return width <= flowWidth
    }
    switch value {
    case .object(let members):
      for member in members {
        guard add(flowItem(member.value).map { "\(scalar(member.key, isInFlow: true)): \($0)" }) else { return nil }
      }
      return "{\(parts.joined(separator: ", "))}"
    case .array(let items):
      for item in items { guard add(flowItem(item)) else { return nil } }
      return "[\(parts.joined(separator: ", "))]"
    default: return nil
    }
  }

  private static func flowItem(_ value: JSONValue) -> String? {
    switch value {
    case .object(let members) where !members.isEmpty: return nil
    case .array(let items) where !items.isEmpty:
      for case .array(let inner) in items where !inner.isEmpty { return nil }
      return flow(value)
    case .string(let text): return text.utf8.contains(0x0A) ? nil : scalar(text, isInFlow: true)
    default: return simple(value)
    }
  }

  /// What has nothing in it.
  private static func simple(_ value: JSONValue) -> String {
    switch value {
    case .object: "{}"
    case .array: "[]"
    default: value.text()
    }
  }

  private static func scalar(_ text: String, isInFlow: Bool = false) -> String {
    isPlain(text, isInFlow: isInFlow) ? text : quoted(text)
  }

  private static func quoted(_ text: String) -> String {
    let isSeen = text.unicodeScalars.allSatisfy(isPrintable)
    if isSeen, text.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C }) {
      return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case let scalar where isPrintable(scalar): result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16)
        let (letter, count) = scalar.value > 0xFFFF ? ("U", 8) : ("u", 4)
        result += "\\\(letter)" + String(repeating: "0", count: count - digits.utf8.count) + digits
      }
    }
    return result + "\""
  }

  private static let mistaken: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]

  /// Whether a text means itself without quotes, to this reader and to those of YAML 1.1.
  private static func isPlain(_ text: String, isInFlow: Bool) -> Bool {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last, last != ":", last != " " else {
      return false
    }
    switch first {
    case "a"..."z", "A"..."Z", "_", "/", "$", "(": break
    case "0"..."9":
      // 60s and 512Mi; no time, no date, no number of any kind.
      guard !("0"..."9").contains(last), text.utf8.allSatisfy(isAlphanumeric) else { return false }
    case let other where other.value > 0x7F && other.properties.isAlphabetic: break
    default: return false
    }
    guard !mistaken.contains(text.lowercased()) else { return false }
    guard case .string? = try? CoreSchema.resolve(text) else { return false }
    var before: Unicode.Scalar = first
    for scalar in text.unicodeScalars {
      switch scalar {
      case ":" where isInFlow, ",", "[", "]", "{", "}":
        if isInFlow { return false }
      case " " where before == ":", "#" where before == " ", "\n", "\"", "\\": return false
      default:
        guard isPrintable(scalar) else { return false }
      }
      before = scalar
    }
    return true
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
  }
}
