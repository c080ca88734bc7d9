/// What a port carries, as its node's specification writes it.
///
/// The types are a small lattice; what is less fits wherever more is asked for:
///
/// - ``any`` is the most. It fits everywhere too: what arrives is then checked by the node itself, as in gradual typing
///   (Siek and Taha, 2006).
/// - `integer` is less than `number`. `string`, `boolean` and `mapping` stand alone.
/// - `list<T>` is less than `list<U>` where T is less than U; `list` is `list<any>`.
/// - `bytes`, `file`, `ndarray`, `table` and `image` stand alone, and so does every other word: a plugin's own name, which fits itself.
package indirect enum PortType: Hashable, Sendable, CustomStringConvertible {
  case any
  case string
  case number
  case integer
  case boolean
  case mapping
  case bytes
  /// A file of the workspace, by its path.
  case file
  case ndarray
  case table
  case image
  case list(PortType)
  /// A plugin's own word.
  case named(String)

  /// Bytes of a type as it is written, and lists within lists.
  package static let maximumBytes = 64
  package static let maximumDepth = 8

  private static let words: [(word: String, type: PortType)] = [
    ("any", .any), ("string", .string), ("number", .number), ("integer", .integer), ("boolean", .boolean),
    ("mapping", .mapping), ("bytes", .bytes), ("file", .file), ("ndarray", .ndarray), ("table", .table),
    ("image", .image), ("list", .list(.any)),
  ]
  /// Those that have a meaning of their own.
  package static let knownWords = words.map(\.word)

  /// Nil for what isn't `word` or `list<type>`, of visible ASCII without quotes, spaces and further angle brackets.
  package init?(_ text: String) {
    guard text.utf8.count <= Self.maximumBytes else { return nil }
    self.init(text[...], depth: 0)
  }

  private init?(_ text: Substring, depth: Int) {
    if text.hasPrefix("list<"), text.hasSuffix(">"), depth < Self.maximumDepth {
      guard let item = PortType(text.dropFirst(5).dropLast(), depth: depth + 1) else { return nil }
      self = .list(item)
      return
    }
    guard !text.isEmpty, text.utf8.allSatisfy(Self.isOfWord) else { return nil }
    self = Self.words.first { $0.word == text }?.type ?? .named(String(text))
  }

  /// Nothing that ends a word in a page, in YAML or in a shell's quotes.
  private static func isOfWord(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && ![0x22, 0x27, 0x3C, 0x3E].contains(byte)
  }

  package var description: String {
    switch self {
    case .list(.any): "list"
    case .list(let item): "list<\(item)>"
    case .named(let word): word
    case .any, .string, .number, .integer, .boolean, .mapping, .bytes, .file, .ndarray, .table, .image:
      Self.words.first { $0.type == self }?.word ?? "any"
    }
  }

  /// Whether an output of the type `source` may be connected to an input of this one.
  package func accepts(_ source: PortType) -> Bool {
    switch (self, source) {
    case (.any, _), (_, .any), (.number, .integer): true
    case (.list(let item), .list(let other)): item.accepts(other)
    default: self == source
    }
  }

  /// Whether a value that is written as JSON can be one of this type. What has no form in JSON takes any: its plugin knows.
  package func accepts(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.list(let item), .array(let values)): values.allSatisfy { item.accepts($0) }
    case (.string, .string), (.number, .integer), (.number, .double), (.integer, .integer), (.boolean, .bool),
      (.mapping, .object):
      true
    case (.string, _), (.number, _), (.integer, _), (.boolean, _), (.mapping, _), (.list, _): false
    case (.any, _), (.bytes, _), (.file, _), (.ndarray, _), (.table, _), (.image, _), (.named, _): true
    }
  }
}
