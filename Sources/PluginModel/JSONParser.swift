/// Why a text is not JSON that this program accepts.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// In one clause: `a comma or ']' is missing`.
  package var what: String
  /// From the start of the text, in bytes.
  package var offset: Int

  package var description: String { "\(what), at byte \(offset)" }
}

extension JSONValue {
  /// Reads one JSON text, strictly by RFC 8259: UTF-8 without a byte order mark, no comments, no trailing commas.
  ///
  /// Refused beyond the RFC, because readers disagree about their meaning: duplicate keys, integers outside ±2^63,
  /// numbers too large for a double, unpaired surrogates.
  package init(json bytes: [UInt8], limits: DocumentLimits = .message) throws(JSONError) {
    var parser = JSONParser(bytes, limits: limits, builder: PlainJSONBuilder())
    self = try parser.parse()
  }

  package init(json text: String, limits: DocumentLimits = .message) throws(JSONError) {
    try self.init(json: Array(text.utf8), limits: limits)
  }
}

/// What a parse is turned into. Places are asked for in ascending order.
protocol JSONBuilder: ~Copyable {
  associatedtype Place
  associatedtype Node
  associatedtype Member
  /// A list or an object whose values aren't known yet.
  associatedtype Open
  mutating func place(_ offset: Int) -> Place
  mutating func scalar(_ value: JSONValue, _ source: ArraySlice<UInt8>, at place: Place) -> Node
  mutating func open(isObject: Bool, at place: Place) -> Open
  mutating func array(_ items: [Node], _ open: Open) -> Node
  mutating func member(_ key: String, _ keyPlace: Place, _ value: Node) -> Member
  mutating func object(_ members: [Member], _ open: Open) -> Node
}

/// Builds the plain value.
struct PlainJSONBuilder: JSONBuilder {
  func place(_ offset: Int) {}
  func scalar(_ value: JSONValue, _ source: ArraySlice<UInt8>, at place: Void) -> JSONValue { value }
  func open(isObject: Bool, at place: Void) {}
  func array(_ items: [JSONValue], _ open: Void) -> JSONValue { .array(items) }
  func member(_ key: String, _ keyPlace: Void, _ value: JSONValue) -> JSONValue.Member { JSONValue.Member(key, value) }
  func object(_ members: [JSONValue.Member], _ open: Void) -> JSONValue { .object(members) }
}

/// Builds the tree that knows where everything stands.
struct LocatedJSONBuilder: ~Copyable, JSONBuilder {
  private let bytes: [UInt8]
  private var offset = 0
  private var current = TextPlace(line: 1, column: 1)
  private var tree: DocumentTreeBuilder

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    tree = DocumentTreeBuilder(bytes: bytes.count)
  }

  mutating func finished() -> DocumentTree { tree.finished() }

  mutating func place(_ offset: Int) -> TextPlace {
    while self.offset < offset {
      TextPosition.advance(&current, over: bytes[self.offset])
      self.offset += 1
    }
    return current
  }

  mutating func scalar(_ value: JSONValue, _ source: ArraySlice<UInt8>, at place: TextPlace) -> Int {
    if case .string(let text) = value { return tree.scalar(nil, tree.add(text), isPlain: false, at: place) }
    return tree.scalar(value, tree.add(source), isPlain: true, at: place)
  }
  mutating func open(isObject: Bool, at place: TextPlace) -> Int {
    tree.open(isObject ? .mapping : .sequence, at: place)
  }
  mutating func array(_ items: [Int], _ open: Int) -> Int {
    for item in items { tree.put(item, into: open) }
    tree.close(open)
    return open
  }
  mutating func member(
    _ key: String, _ keyPlace: TextPlace, _ value: Int
  ) -> (value: Int, key: DocumentTree.TextRange, place: TextPlace) {
    (value, tree.add(key), keyPlace)
  }
  mutating func object(
    _ members: [(value: Int, key: DocumentTree.TextRange, place: TextPlace)], _ open: Int
  ) -> Int {
    for member in members { tree.put(member.value, into: open, key: member.key, at: member.place) }
    tree.close(open)
    return open
  }
}

/// A recursive descent over bytes: every index is checked, and the recursion is bounded by the depth limit.
struct JSONParser<Builder: JSONBuilder & ~Copyable>: ~Copyable {
  private let bytes: [UInt8]
  private let limits: DocumentLimits
  var builder: Builder
  private var index = 0
  private var depth = 0
  private var nodes = 0

  init(_ bytes: [UInt8], limits: DocumentLimits, builder: consuming Builder) {
    self.bytes = bytes
    self.limits = limits
    self.builder = builder
  }

  mutating func parse() throws(JSONError) -> Builder.Node {
    guard bytes.count <= limits.maximumBytes else {
      throw JSONError(what: "the text is longer than \(limits.maximumBytes) bytes", offset: limits.maximumBytes)
    }
    skipSpace()
    let root = try value()
    skipSpace()
    guard index == bytes.count else { throw error("there is more after the value") }
    return root
  }

  private func error(_ what: String) -> JSONError { JSONError(what: what, offset: index) }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
  }

  private mutating func accept(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    index += 1
    return true
  }

  private mutating func value() throws(JSONError) -> Builder.Node {
    nodes += 1
    guard nodes <= limits.maximumNodes else { throw error("there are more than \(limits.maximumNodes) values") }
    guard let first = current else { throw error("the text ends where a value should be") }
    let start = index
    let place = builder.place(start)
    let scalar: JSONValue
    switch first {
    case UInt8(ascii: "{"): return try object(at: place)
    case UInt8(ascii: "["): return try array(at: place)
    case UInt8(ascii: "\""): scalar = .string(try string())
    case UInt8(ascii: "t"): scalar = try literal("true", .bool(true))
    case UInt8(ascii: "f"): scalar = try literal("false", .bool(false))
    case UInt8(ascii: "n"): scalar = try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): scalar = try number()
    default: throw error("a value should stand here")
    }
    return builder.scalar(scalar, bytes[start..<index], at: place)
  }

  private mutating func enter() throws(JSONError) {
    guard depth < limits.maximumDepth else {
      throw error("lists and objects are nested more than \(limits.maximumDepth) levels deep")
    }
    depth += 1
    index += 1
    skipSpace()
  }

  private mutating func array(at place: Builder.Place) throws(JSONError) -> Builder.Node {
    let open = builder.open(isObject: false, at: place)
    try enter()
    defer { depth -= 1 }
    var items: [Builder.Node] = []
    if accept(UInt8(ascii: "]")) { return builder.array(items, open) }
    while true {
      items.append(try value())
      skipSpace()
      if accept(UInt8(ascii: "]")) { return builder.array(items, open) }
      guard accept(UInt8(ascii: ",")) else { throw error("a comma or ']' is missing") }
      skipSpace()
    }
  }

  private mutating func object(at place: Builder.Place) throws(JSONError) -> Builder.Node {
    let open = builder.open(isObject: true, at: place)
    try enter()
    defer { depth -= 1 }
    var members: [Builder.Member] = []
    var keys = KeySet()
    if accept(UInt8(ascii: "}")) { return builder.object(members, open) }
    while true {
      guard current == UInt8(ascii: "\"") else { throw error("a key in double quotes should stand here") }
      let keyStart = index
      let keyPlace = builder.place(keyStart)
      let key = try string()
      guard keys.insert(key) else { throw JSONError(what: "the key \(key.quoted) appears twice", offset: keyStart) }
      skipSpace()
      guard accept(UInt8(ascii: ":")) else { throw error("':' is missing after the key \(key.quoted)") }
      skipSpace()
      members.append(builder.member(key, keyPlace, try value()))
      skipSpace()
      if accept(UInt8(ascii: "}")) { return builder.object(members, open) }
      guard accept(UInt8(ascii: ",")) else { throw error("a comma or '}' is missing") }
      skipSpace()
    }
  }

  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let matches = text.withUTF8Buffer { bytes[index...].starts(with: $0) }
    guard matches else { throw error("a value should stand here") }
    index += text.utf8CodeUnitCount
    return value
  }

  // MARK: Numbers

  private mutating func digits() -> Int {
    let start = index
    while let byte = current, byte >= 0x30, byte <= 0x39 { index += 1 }
    return index - start
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = index
    _ = accept(UInt8(ascii: "-"))
    let hasLeadingZero = current == UInt8(ascii: "0")
    let count = digits()
    guard count > 0 else { throw error("a digit should stand here") }
    guard !hasLeadingZero || count == 1 else {
      throw JSONError(what: "a number can't start with 0", offset: start)
    }
    var isInteger = true
    if accept(UInt8(ascii: ".")) {
      isInteger = false
      guard digits() > 0 else { throw error("a digit should stand here") }
    }
    if let byte = current, byte | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      index += 1
      if let sign = current, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
      guard digits() > 0 else { throw error("a digit should stand here") }
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger {
      guard let value = Int64(text) else {
        throw JSONError(what: "the integer \(text.quoted) is outside ±2^63", offset: start)
      }
      return .integer(value)
    }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(what: "the number \(text.quoted) is too large", offset: start)
    }
    return .double(value)
  }

  // MARK: Strings

  private mutating func string() throws(JSONError) -> String {
    index += 1
    let start = index
    while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
    if current == UInt8(ascii: "\"") {
      let text = try validated(bytes[start..<index], at: start)
      index += 1
      return text
    }
    var buffer = Array(bytes[start..<index])
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        let text = try validated(buffer[...], at: start)
        index += 1
        return text
      case UInt8(ascii: "\\"):
        index += 1
        try escape(into: &buffer)
      case 0..<0x20:
        throw error("a control character must be written as \\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))")
      default:
        buffer.append(byte)
        index += 1
      }
    }
    throw error("the text ends within a string")
  }

  private func validated(_ slice: ArraySlice<UInt8>, at offset: Int) throws(JSONError) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw JSONError(what: "the string is not valid UTF-8", offset: offset)
    }
    return text
  }

  private mutating func escape(into buffer: inout [UInt8]) throws(JSONError) {
    guard let byte = current else { throw error("the text ends within a string") }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
    case UInt8(ascii: "b"): buffer.append(0x08)
    case UInt8(ascii: "f"): buffer.append(0x0C)
    case UInt8(ascii: "n"): buffer.append(0x0A)
    case UInt8(ascii: "r"): buffer.append(0x0D)
    case UInt8(ascii: "t"): buffer.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if code & 0xFC00 == 0xD800 {
        guard accept(UInt8(ascii: "\\")), accept(UInt8(ascii: "u")) else { throw error("a surrogate stands alone") }
        let low = try hexadecimal()
        guard low & 0xFC00 == 0xDC00 else { throw error("a surrogate stands alone") }
        code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("a surrogate stands alone") }
      UTF8.encode(scalar) { buffer.append($0) }
    default: throw error("there is no such escape")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch current {
      case .some(let byte) where byte >= 0x30 && byte <= 0x39: digit = byte - 0x30
      case .some(let byte) where byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66: digit = (byte | 0x20) - 0x61 + 10
      default: throw error("\\u needs four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      index += 1
    }
    return code
  }
}

/// The keys of one object. Nearly all objects are small: those are searched in order, without hashing.
private struct KeySet {
  private var few: [String] = []
  private var many: Set<String> = []

  /// False when the key is known.
  mutating func insert(_ key: String) -> Bool {
    if !many.isEmpty { return many.insert(key).inserted }
    guard !few.contains(key) else { return false }
    few.append(key)
    if few.count > 16 { many = Set(few) }
    return true
  }
}
