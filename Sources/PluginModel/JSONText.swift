extension JSONValue {
  package enum Layout: Sendable {
    /// On one line, without spaces.
    case compact
    /// Indented by two spaces, one member or item a line; empty lists and mappings stay on theirs.
    case pretty
  }

  /// The value as JSON text (RFC 8259): the same value always gives the same text. Control characters (C0, DEL and
  /// C1), those that turn the direction of text, `<`, `>`, `&` and the line separators are escaped, so that the text can
  /// stand in a terminal or within HTML. A double that isn't finite, which no
  /// parser here produces, becomes `null`.
  package func text(_ layout: Layout = .compact) -> String {
    String(decoding: utf8(layout), as: UTF8.self)
  }

  /// ``text(_:)`` as bytes, for a frame or a file.
  package func utf8(_ layout: Layout = .compact) -> [UInt8] {
    var bytes: [UInt8] = []
    write(to: &bytes, layout)
    return bytes
  }

  /// The same, behind what is there.
  package func write(to bytes: inout [UInt8], _ layout: Layout = .compact) {
    var writer = JSONWriter(layout: layout, bytes: exchange(&bytes, with: []))
    writer.write(self)
    bytes = writer.bytes
  }
}

private struct JSONWriter {
  let layout: JSONValue.Layout
  var bytes: [UInt8]
  private var depth = 0

  init(layout: JSONValue.Layout, bytes: consuming [UInt8]) {
    self.layout = layout
    self.bytes = bytes
  }

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
    var text = text
    text.withUTF8 { characters in
      bytes.append(0x22)
      var rest = characters[...]
      while let index = rest.firstIndex(where: { !Self.isPlain($0) }) {
        bytes.append(contentsOf: rest[..<index])
        writeEscaping(rest[index])
        rest = rest[(index + 1)...]
      }
      bytes.append(contentsOf: rest)
      bytes.append(0x22)
    }
  }

  /// Whether the byte stands for itself, and no character that needs another word ends with it.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x22, 0x5C, 0..<0x20, 0x7F...0xBF, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
    default: true
    }
  }

  private mutating func writeEscaping(_ byte: UInt8) {
    switch byte {
    case 0x22, 0x5C:
      bytes.append(0x5C)
      bytes.append(byte)
    case 0x0A: write("\\n")
    case 0x0D: write("\\r")
    case 0x09: write("\\t")
    case 0x80...0xBF:
      bytes.append(byte)
      escapeWhatIsObeyed()
    default: write("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))")
    }
  }

  /// The scalar that ends here, where something would obey it: a terminal the C1 controls U+0080 to U+009F (C2 80 to
  /// C2 9F), a reader's eye the controls of direction (CVE-2021-42574), JavaScript before ES2019 the line separators.
  private mutating func escapeWhatIsObeyed() {
    let end = bytes.count
    let last = UInt32(bytes[end - 1] & 0x3F)
    if bytes[end - 2] == 0xC2, last < 0x20 { return replaceLast(2, by: 0x80 | last) }
    guard end >= 3, bytes[end - 3] == 0xE2 else { return }
    let scalar = 0x2000 | UInt32(bytes[end - 2] & 0x3F) << 6 | last
    switch scalar {
    case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: replaceLast(3, by: scalar)
    default: return
    }
  }

  private mutating func replaceLast(_ count: Int, by scalar: UInt32) {
    bytes.removeLast(count)
    write("\\u\(scalar < 0x1000 ? "00" : "")\(String(scalar, radix: 16))")
  }
}
