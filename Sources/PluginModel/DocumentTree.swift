/// All values of a file in one table, in the order of the file: each is followed by what it holds. Some hundred thousand values are so made
/// and freed at once; an object or a list for each took most of the time in which a large file was read.
final class DocumentTree: Sendable {
  struct Row {
    enum Kind: UInt8 {
      case null
      case bool
      case integer
      case double
      case string
      case sequence
      case mapping
    }

    var kind: Kind
    /// Of a scalar, as of ``DocumentScalar``.
    var isPlain = false
    /// It, or its key, was refused: its mapping doesn't have it.
    var isRefused = false
    /// Of a scalar.
    var text = TextRange()
    /// Of a boolean, an integer or a double.
    var bits: UInt64 = 0
    var place: TextPlace?
    /// Within a mapping.
    var key = TextRange()
    var keyPlace: TextPlace?
    /// Of a list or a mapping: how many values it holds itself.
    var count: UInt32 = 0
    /// Rows, its own included.
    var size: UInt32 = 1
    /// Rows back to that of the list or mapping that holds it; 0 for the root.
    var owner: UInt32 = 0

    init(_ kind: Kind, at place: TextPlace?) {
      self.kind = kind
      self.place = place
    }
  }

  /// A part of ``text``.
  struct TextRange: Sendable {
    var start: UInt32 = 0
    var count: UInt32 = 0
  }

  let rows: [Row]
  /// Of all scalars and keys, one behind the other.
  private let text: [UInt8]

  fileprivate init(rows: [Row], text: [UInt8]) {
    self.rows = rows
    self.text = text
  }

  func string(_ range: TextRange) -> String { text.string(range) }

  func contains(_ byte: UInt8, in range: TextRange) -> Bool { text[range.bounds].contains(byte) }

  /// Calls `body` with the row of each value that the list or mapping at `row` holds itself.
  func forEachChild(of row: Int, _ body: (Int) -> Void) {
    let end = row + Int(rows[row].size)
    var child = row + 1
    while child < end {
      if !rows[child].isRefused { body(child) }
      child += Int(rows[child].size)
    }
  }

  func jsonValue(_ row: Int) -> JSONValue {
    switch rows[row].kind {
    case .null: return .null
    case .bool: return .bool(rows[row].bits != 0)
    case .integer: return .integer(Int64(bitPattern: rows[row].bits))
    case .double: return .double(Double(bitPattern: rows[row].bits))
    case .string: return .string(string(rows[row].text))
    case .sequence:
      var items: [JSONValue] = []
      items.reserveCapacity(Int(rows[row].count))
      forEachChild(of: row) { items.append(jsonValue($0)) }
      return .array(items)
    case .mapping:
      var members: [JSONValue.Member] = []
      members.reserveCapacity(Int(rows[row].count))
      forEachChild(of: row) { members.append(JSONValue.Member(string(rows[$0].key), jsonValue($0))) }
      return .object(members)
    }
  }

  /// From the root, for messages: `spec.nodes.load`; empty at the root.
  func path(of row: Int) -> String {
    guard rows[row].owner > 0 else { return "" }
    let owner = row - Int(rows[row].owner)
    let path = path(of: owner)
    guard rows[owner].kind == .sequence else {
      let key = string(rows[row].key)
      return path.isEmpty ? key : path + "." + key
    }
    var position = 0
    forEachChild(of: owner) { if $0 < row { position += 1 } }
    return "\(path)[\(position)]"
  }
}

/// Makes a ``DocumentTree``, from its beginning to its end.
struct DocumentTreeBuilder: ~Copyable {
  typealias Row = DocumentTree.Row
  typealias TextRange = DocumentTree.TextRange

  fileprivate var rows: [Row] = []
  fileprivate var text: [UInt8] = []
  private var isASCII = true

  /// - Parameter bytes: of the file, or an estimate.
  init(bytes: Int) {
    // As many as most have, or more. What isn't used takes no memory, only addresses.
    rows.reserveCapacity(min(bytes / 8, DocumentLimits.file.maximumNodes))
    text.reserveCapacity(bytes)
  }

  /// Everything that was built.
  mutating func finished() -> DocumentTree {
    DocumentTree(rows: exchange(&rows, with: []), text: exchange(&text, with: []))
  }

  // MARK: Text

  mutating func add(_ bytes: some Collection<UInt8>) -> TextRange {
    let start = text.count
    text.append(contentsOf: bytes)
    if isASCII { isASCII = !text[start...].contains { $0 >= 0x80 } }
    return TextRange(start: UInt32(clamping: start), count: UInt32(clamping: bytes.count))
  }

  mutating func add(_ string: String) -> TextRange {
    var string = string
    return string.withUTF8 { add($0) }
  }

  func string(_ range: TextRange) -> String { text.string(range) }

  func first(of range: TextRange) -> UInt8? { range.count > 0 ? text[Int(range.start)] : nil }

  // MARK: Values

  /// A list or mapping, whose values follow until it is closed.
  /// - Returns: its row.
  mutating func open(_ kind: Row.Kind, at place: TextPlace?) -> Int {
    rows.append(Row(kind, at: place))
    return rows.count - 1
  }

  mutating func close(_ row: Int) { rows[row].size = UInt32(rows.count - row) }

  /// - Parameter string: what it means, where that isn't its text.
  mutating func scalar(_ value: JSONValue?, _ text: TextRange, isPlain: Bool, at place: TextPlace?) -> Int {
    var row = Row(.string, at: place)
    row.text = text
    row.isPlain = isPlain
    switch value {
    case .null: row.kind = .null
    case .bool(let value):
      row.kind = .bool
      row.bits = value ? 1 : 0
    case .integer(let value):
      row.kind = .integer
      row.bits = UInt64(bitPattern: value)
    case .double(let value):
      row.kind = .double
      row.bits = value.bitPattern
    case .string, .array, .object, nil: break
    }
    rows.append(row)
    return rows.count - 1
  }

  /// The value at `row` once more.
  mutating func again(_ row: Int) -> Int {
    let copy = rows.count
    // One by one: a slice would hold the table, which would be copied whole for each alias.
    for index in row..<(row + Int(rows[row].size)) { rows.append(rows[index]) }
    rows[copy].isRefused = false
    return copy
  }

  /// Gives the value to the list or mapping that is open.
  mutating func put(_ row: Int, into owner: Int, key: TextRange = TextRange(), at keyPlace: TextPlace? = nil) {
    rows[row].owner = UInt32(row - owner)
    rows[row].key = key
    rows[row].keyPlace = keyPlace
    rows[owner].count += 1
  }

  /// It is not to be found.
  mutating func refuse(_ row: Int, of owner: Int) {
    rows[row].owner = UInt32(row - owner)
    rows[row].isRefused = true
  }

  func count(_ row: Int) -> Int { Int(rows[row].count) }

  /// Calls `body` with each key that the mapping has so far, and where it stands.
  /// - Parameter end: the row after its last value.
  func forEachKey(of mapping: Int, until end: Int, _ body: (TextRange, TextPlace) -> Void) {
    _ = firstKey(of: mapping, until: end) { key, place in
      body(key, place)
      return false
    }
  }

  /// Where the first key stands that `matches`.
  func firstKey(of mapping: Int, until end: Int, _ matches: (TextRange, TextPlace) -> Bool) -> TextPlace? {
    var row = mapping + 1
    while row < end {
      if !rows[row].isRefused, let place = rows[row].keyPlace, matches(rows[row].key, place) { return place }
      row += Int(rows[row].size)
    }
    return nil
  }

  /// As texts: the same characters can be other bytes.
  func isEqual(_ left: TextRange, _ right: TextRange) -> Bool {
    left.count == right.count && text[left.bounds].elementsEqual(text[right.bounds])
      || !isASCII && string(left) == string(right)
  }
}

extension DocumentTree.TextRange {
  fileprivate var bounds: Range<Int> { Int(start)..<(Int(start) + Int(count)) }
}

extension [UInt8] {
  fileprivate func string(_ range: DocumentTree.TextRange) -> String {
    withUnsafeBufferPointer { String(decoding: UnsafeBufferPointer(rebasing: $0[range.bounds]), as: UTF8.self) }
  }
}
