extension JSONValue {
  package enum Layout: Sendable {
    /// On one line, without spaces.
    case compact
    /// Indented by two spaces, one member or item a line; empty lists and mappings stay on theirs.
    case pretty
  }

  /// The value as JSON text (RFC 8259): the same value always gives the same text. Control characters, `<`, `>`, `&` and the
  /// line separators U+2028 and U+2029 are escaped, so that the text can stand in a terminal or within HTML. A double that isn't finite, which no
  /// parser here produces, becomes `null`.
  package func text(_ layout: Layout = .compact) -> String {
    String(decoding: utf8(layout), as: UTF8.self)
  }

  /// ``text(_:)`` as bytes, for a frame or a file.
  package func utf8(_ layout: Layout = .compact) -> [UInt8] {
    var writer = JSONWriter(layout: layout)
    writer.write(self)
    return writer.bytes
  }
}

private struct JSONWriter {
  let layout: JSONValue.Layout
  var bytes: [UInt8] = []
  private var depth = 0

  init(layout: JSONValue.Layout) { self.layout = layout }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: write("null")
    case .bool(let flag): write(flag ? "true" : "false")
    case .integer(let number): write(String(number))
    case .double(let number): write(number.isFinite ? number.description : "null")
    case .string(let text): write(quoting: text)
    case .array(let items):
      list("[", "]", items) { writer, item in writer.write(item) }
    case .object(let members):
      list("{", "}", members) { writer, member in
        writer.write(quoting: member.key)
        writer.write(writer.layout == .pretty ? ": " : ":")
        writer.write(member.value)
      }
    }
  }

  private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func list<Item>(
    _ open: String, _ close: String, _ items: [Item], _ each: (inout JSONWriter, Item) -> Void
  ) {
    write(open)
    depth += 1
    for (position, item) in items.enumerated() {
      if position > 0 { write(",") }
      newLine()
      each(&self, item)
    }
    depth -= 1
    if !items.isEmpty { newLine() }
    write(close)
  }

  private mutating func newLine() {
    guard layout == .pretty else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: 2 * depth))
  }

  private mutating func write(quoting text: String) {
    bytes.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C:
        bytes.append(0x5C)
        bytes.append(byte)
      case 0x0A: write("\\n")
      case 0x0D: write("\\r")
      case 0x09: write("\\t")
      case 0..<0x20, 0x7F, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
        write("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))")
      case 0xA8, 0xA9:
        bytes.append(byte)
        escapeLineSeparator()
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
  }

  /// U+2028 and U+2029 are E2 80 A8 and E2 80 A9; JavaScript before ES2019 takes them for line ends.
  private mutating func escapeLineSeparator() {
    guard bytes.count >= 3, bytes[bytes.count - 3] == 0xE2, bytes[bytes.count - 2] == 0x80 else { return }
    let isParagraph = bytes[bytes.count - 1] == 0xA9
    bytes.removeLast(3)
    write(isParagraph ? "\\u2029" : "\\u2028")
  }
}
