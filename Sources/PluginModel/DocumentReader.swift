/// Collects everything that is wrong with one file, and holds what all readers of the file share.
///
/// Used by one reader at a time and never stored. At most ``limit`` problems are kept: a person mends the first few and runs again.
package final class DocumentReport {
  package static let limit = 100

  package let file: String
  package let limits: DocumentLimits
  private var items: [Diagnostic] = []
  private var dropped = 0
  /// By their text: of a large workflow many read alike.
  private var templates: [ByteText: NamesRead] = [:]
  /// Other texts whose trees were put into the file's: their lines count from here on.
  private var insertions: [(line: Int, file: String)] = []

  package init(file: String, limits: DocumentLimits = .file) {
    self.file = file
    self.limits = limits
  }

  package var isEmpty: Bool { items.isEmpty }

  /// The texts are made only where they are kept: a file with a million mistakes costs no million searches for hints.
  package func error(
    _ what: @autoclosure () -> String, why: @autoclosure () -> String? = nil, hint: @autoclosure () -> String? = nil,
    at location: SourceLocation?
  ) {
    guard items.count < Self.limit else {
      dropped += 1
      return
    }
    items.append(Diagnostic(what(), why: why(), hint: hint(), at: location))
  }

  func error(
    _ what: @autoclosure () -> String, why: @autoclosure () -> String? = nil, hint: @autoclosure () -> String? = nil,
    at place: TextPlace?
  ) {
    error(what(), why: why(), hint: hint(), at: place.map(location))
  }

  func location(_ place: TextPlace) -> SourceLocation {
    guard let insertion = insertions.last(where: { $0.line <= place.line }) else {
      return SourceLocation(file: file, place)
    }
    return SourceLocation(file: insertion.file, line: place.line - insertion.line + 1, column: place.column)
  }

  /// Reads another text, for a place in this one's tree. What is wrong with it is told here.
  func insertion(_ bytes: [UInt8], file: String) -> DocumentDraft? {
    let other = DocumentReport(file: file, limits: limits)
    let node = other.read(bytes, syntax: .yaml)?.node
    items += other.items
    // No file has as many lines as it may have bytes.
    let line = (insertions.last?.line ?? 0) + limits.maximumBytes + 2
    insertions.append((line, file))
    return node.map { DocumentDraft($0, lines: line - 1) }
  }

  /// What a template reads of the workflow's inputs, and of its node's matrix.
  struct NamesRead {
    var inputs: [String]
    var matrix: [String]
  }

  func namesRead(byTemplate text: String) throws(Template.Problem) -> NamesRead {
    if let known = templates[ByteText(text)] { return known }
    let template = try Template(text)
    let names = NamesRead(inputs: template.names(of: "inputs"), matrix: template.names(of: "matrix"))
    templates[ByteText(text)] = names
    return names
  }

  /// Throws everything that was recorded, in the order of the file.
  package func check() throws(Diagnostics) {
    guard !items.isEmpty else { return }
    let unplaced = SourceLocation(file: file, line: .max, column: .max)
    var sorted = items.enumerated().sorted { left, right in
      let places = (left.element.location ?? unplaced, right.element.location ?? unplaced)
      return places.0 == places.1 ? left.offset < right.offset : places.0 < places.1
    }.map(\.element)
    if dropped > 0 { sorted.append(Diagnostic("\(dropped) more problems were found", hint: "mend these first")) }
    throw Diagnostics(sorted)
  }

  /// Parses the file. Nil when no tree could be made; otherwise a tree, even where something in it was refused, so that
  /// the reader's own findings are reported together with the parser's.
  package func read(_ bytes: [UInt8], syntax: DocumentSyntax) -> ValueReader? {
    guard let text = acceptable(bytes) else { return nil }
    switch syntax {
    case .yaml: return yaml(text).map { ValueReader($0, report: self) }
    case .json: return json(text).map { ValueReader($0, report: self) }
    }
  }

  /// The bytes without a byte order mark, if size and encoding allow to go on.
  private func acceptable(_ bytes: [UInt8]) -> [UInt8]? {
    let start = TextPlace(line: 1, column: 1)
    guard bytes.count <= limits.maximumBytes else {
      error("the file is larger than \(limits.maximumBytes) bytes", why: "it has \(bytes.count)", at: start)
      return nil
    }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      let offset = TextPosition.firstInvalidByte(in: bytes) ?? 0
      error(
        "the file is not UTF-8", why: "the byte 0x\(String(bytes[offset], radix: 16)) can't stand here",
        hint: "save it as UTF-8", at: TextPosition.place(ofByte: offset, in: bytes))
      return nil
    }
    return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  }

  private func yaml(_ bytes: [UInt8]) -> DocumentNode? {
    guard !bytes.isEmpty else {
      error("the file is empty", at: TextPlace(line: 1, column: 1))
      return nil
    }
    if let offset = tagDirective(in: bytes) {
      error(
        "%TAG is not supported", why: "a file can't choose types", hint: "remove the line",
        at: TextPosition.place(ofByte: offset, in: bytes))
      return nil
    }
    return bytes.withUnsafeBufferPointer { buffer in
      guard var composer = YAMLComposer(buffer, report: self) else {
        error("there is not enough memory to read the file", at: nil as TextPlace?)
        return nil
      }
      let root: Int
      do throws(YAMLComposer.Stop) { root = try composer.compose() } catch { return nil }
      return DocumentNode(composer.finished(), root)
    }
  }

  /// libyaml compares each `%TAG` with all before it: enough of them in one file would keep it busy for minutes. They have
  /// no use here.
  private func tagDirective(in bytes: [UInt8]) -> Int? {
    let directive = Array("%TAG".utf8)
    guard bytes.contains(directive[0]) else { return nil }
    var isLineStart = true
    for (offset, byte) in bytes.enumerated() {
      if isLineStart, byte == directive[0], bytes[offset...].starts(with: directive) { return offset }
      // The last bytes of libyaml's line ends: LF, CR, NEL, LS and PS.
      isLineStart = byte == 0x0A || byte == 0x0D || byte == 0x85 || byte == 0xA8 || byte == 0xA9
    }
    return nil
  }

  private func json(_ bytes: [UInt8]) -> DocumentNode? {
    var parser = JSONParser(bytes, limits: limits, builder: LocatedJSONBuilder(bytes))
    let root: Int
    do throws(JSONError) {
      root = try parser.parse()
    } catch {
      let place = TextPosition.place(ofByte: error.offset, in: bytes)
      self.error("this is not valid JSON", why: error.what, at: place)
      return nil
    }
    return DocumentNode(parser.builder.finished(), root)
  }
}

/// One value of a file: typed access that reports what doesn't fit and then answers nil.
package struct ValueReader {
  package let node: DocumentNode
  package let report: DocumentReport

  package init(_ node: DocumentNode, report: DocumentReport) {
    self.node = node
    self.report = report
  }

  /// From the root, for messages: `spec.nodes.load`; empty at the root. Most values are never told of: it is put together when it is asked for.
  package var path: String { node.tree.path(of: node.index) }

  /// What a diagnostic calls this value.
  package var subject: String { path.isEmpty ? "the file" : path.quoted }
  package var location: SourceLocation { report.location(node.place ?? TextPlace(line: 1, column: 1)) }

  package func error(
    _ what: @autoclosure () -> String, why: @autoclosure () -> String? = nil, hint: @autoclosure () -> String? = nil
  ) {
    report.error(what(), why: why(), hint: hint(), at: node.place)
  }

  /// Reports that another type stands here than `expected`, which is a noun with its article.
  package func wrongType(_ expected: @autoclosure () -> String, hint: @autoclosure () -> String? = nil) {
    error(
      "\(subject) must be \(expected())",
      why: node.isNull ? "it has no value" : "it is \(Self.article(node.typeName)) \(node.typeName)", hint: hint())
  }

  private static func article(_ noun: String) -> String { noun.first.map { "aeiou".contains($0) } == true ? "an" : "a" }

  fileprivate func reader(_ row: Int) -> ValueReader { ValueReader(DocumentNode(node.tree, row), report: report) }

  // MARK: Scalars

  /// Nil for a list or a mapping.
  private var scalar: JSONValue? {
    switch node.row.kind {
    case .sequence, .mapping: nil
    case .null, .bool, .integer, .double, .string: node.jsonValue
    }
  }

  /// What is written there; nil for a list or a mapping.
  private var written: String? {
    switch node.row.kind {
    case .sequence, .mapping: nil
    case .null, .bool, .integer, .double, .string: node.tree.string(node.row.text)
    }
  }

  /// Text. A number, a boolean or a missing value isn't text.
  package func string(maximumBytes: Int = 4096) -> String? {
    guard node.row.kind == .string else {
      wrongType("text", hint: node.isNull ? nil : written.map { "put it between quotes: \($0.quoted)" })
      return nil
    }
    return checked(node.tree.string(node.row.text), maximumBytes: maximumBytes)
  }

  /// What was written, whatever its type would be: for values with a grammar of their own, such as the version `1.0`.
  package func text(maximumBytes: Int = 4096) -> String? {
    guard let written, !node.isNull else {
      wrongType("text")
      return nil
    }
    return checked(written, maximumBytes: maximumBytes)
  }

  /// Text ends up in terminals, logs and pages: control characters other than tab and newline are refused.
  private func checked(_ text: String, maximumBytes: Int) -> String? {
    guard text.utf8.count <= maximumBytes else {
      error("\(subject) is longer than \(maximumBytes) bytes", why: "it has \(text.utf8.count)")
      return nil
    }
    guard text.isEachByte({ (0x20..<0x7F).contains($0) }) || !text.hasControlCharacter else {
      error("\(subject) holds a control character", why: "it is \(text.quoted)", hint: "remove it")
      return nil
    }
    return text
  }

  package func bool() -> Bool? {
    if case .bool(let value) = scalar { return value }
    let isOldBoolean = written.map { ["yes", "no", "on", "off", "y", "n"].contains($0.lowercased()) } ?? false
    wrongType("true or false", hint: isOldBoolean ? "YAML 1.2 knows only true and false" : nil)
    return nil
  }

  /// A whole number; `2.0` is one, since languages differ in how they write it.
  package func integer(in range: ClosedRange<Int>) -> Int? {
    let number: Int?
    switch scalar {
    case .integer(let value): number = Int(value)
    case .double(let value): number = Self.whole(value)
    default: number = nil
    }
    guard let number else {
      wrongType("a whole number", hint: "write one from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    guard range.contains(number) else {
      error("\(subject) must be from \(range.lowerBound) to \(range.upperBound)", why: "it is \(number)")
      return nil
    }
    return number
  }

  package func number(in range: ClosedRange<Double>) -> Double? {
    let number: Double
    switch scalar {
    case .integer(let value): number = Double(value)
    case .double(let value): number = value
    default:
      let (low, high) = (Self.written(range.lowerBound), Self.written(range.upperBound))
      wrongType("a number", hint: "write one from \(low) to \(high)")
      return nil
    }
    guard range.contains(number) else {
      let (low, high) = (Self.written(range.lowerBound), Self.written(range.upperBound))
      error("\(subject) must be from \(low) to \(high)", why: "it is \(Self.written(number))")
      return nil
    }
    return number
  }

  /// Whole numbers without `.0`, as a person writes them.
  private static func written(_ number: Double) -> String {
    whole(number).map(String.init) ?? number.description
  }

  /// The whole number that a double stands for exactly; within ±2^53 there is no doubt which.
  private static func whole(_ number: Double) -> Int? {
    guard number.magnitude <= 0x1p53 else { return nil }
    return Double(Int(number)) == number ? Int(number) : nil
  }

  package func name<Name: ValidatedName>(_ kind: Name.Type = Name.self) -> Name? {
    guard let text = string() else { return nil }
    guard let name = Name(text) else {
      error("\(text.quoted) is not a \(Name.kind)", hint: "use \(Name.grammar)")
      return nil
    }
    return name
  }

  /// One word of a closed set.
  package func choice<Choice: CaseIterable & RawRepresentable>(_ kind: Choice.Type = Choice.self) -> Choice?
  where Choice.RawValue == String {
    guard let text = text() else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    error(
      "\(text.quoted) is not a value of \(subject)",
      hint: Suggestion.hint(for: text, among: Choice.allCases.map(\.rawValue)))
    return nil
  }

  // MARK: Lists and mappings

  package func list(maximumCount: Int = 4096) -> [ValueReader]? {
    guard node.row.kind == .sequence else {
      wrongType("a list", hint: node.isNull ? nil : written.map { "write it as [\($0.quoted)]" })
      return nil
    }
    let count = Int(node.row.count)
    guard count <= maximumCount else {
      error("\(subject) has more than \(maximumCount) items", why: "it has \(count)")
      return nil
    }
    var items: [ValueReader] = []
    items.reserveCapacity(count)
    node.tree.forEachChild(of: node.index) { items.append(reader($0)) }
    return items
  }

  /// A list, or one value that stands for a list of one.
  package func listOrSingle(maximumCount: Int = 4096) -> [ValueReader]? {
    if node.row.kind == .sequence { return list(maximumCount: maximumCount) }
    return [self]
  }

  /// What `read` makes of each item of a list, or of one value that stands for a list of one.
  package func listOrSingle<Value>(maximumCount: Int = 4096, _ read: (ValueReader) -> Value?) -> [Value]? {
    guard node.row.kind == .sequence else { return read(self).map { [$0] } ?? [] }
    return list(maximumCount: maximumCount)?.compactMap(read)
  }

  /// A mapping whose keys are names that the file chooses.
  package func entries<Name: ValidatedName>(
    named kind: Name.Type = Name.self, maximumCount: Int = 4096
  ) -> [(name: Name, keyLocation: SourceLocation, value: ValueReader)]? {
    entries(named: kind, maximumCount: maximumCount) { ($0, $1, $2) }
  }

  /// What `read` makes of each entry of such a mapping, of its name, where that stands, and its value.
  package func entries<Name: ValidatedName, Value>(
    named kind: Name.Type = Name.self, maximumCount: Int = 4096,
    _ read: (Name, SourceLocation, ValueReader) -> Value?
  ) -> [Value]? {
    guard node.row.kind == .mapping else {
      wrongType("a mapping")
      return nil
    }
    let (tree, count) = (node.tree, Int(node.row.count))
    guard count <= maximumCount else {
      error("\(subject) has more than \(maximumCount) keys", why: "it has \(count)")
      return nil
    }
    var values: [Value] = []
    values.reserveCapacity(count)
    tree.forEachChild(of: node.index) { row in
      let (key, place) = (tree.string(tree.rows[row].key), tree.rows[row].keyPlace)
      if let name = Name(key) {
        let value = reader(row)
        if let read = read(name, place.map(report.location) ?? location, value) { values.append(read) }
      } else {
        report.error(
          "\(key.quoted) is not a \(Name.kind)", hint: "use \(Name.grammar)", at: place ?? tree.rows[row].place)
      }
    }
    return values
  }

  /// A mapping whose keys are those of `Key`; any other is reported at once, with the one that was probably meant.
  /// - Parameter ignoringOthers: other keys are left out: of a message whose later versions may say more.
  package func mapping<Key: DocumentKey>(
    _ keys: Key.Type = Key.self, ignoringOthers: Bool = false
  ) -> MappingReader<Key>? {
    guard node.row.kind == .mapping else {
      wrongType("a mapping", hint: "known: " + Key.allCases.map(\.rawValue).joined(separator: ", "))
      return nil
    }
    let tree = node.tree
    var rows: [(key: Key, row: Int)] = []
    rows.reserveCapacity(Int(node.row.count))
    tree.forEachChild(of: node.index) { row in
      let written = tree.string(tree.rows[row].key)
      if let key = Key(rawValue: written) {
        rows.append((key, row))
      } else if !ignoringOthers {
        report.error(
          "unknown key \(written.quoted)" + (path.isEmpty ? "" : " in \(subject)"),
          hint: Suggestion.hint(for: written, among: Key.allCases.map(\.rawValue)),
          at: tree.rows[row].keyPlace ?? tree.rows[row].place)
      }
    }
    return MappingReader(reader: self, rows: rows)
  }
}

extension String {
  /// Other than tab and newline.
  fileprivate var hasControlCharacter: Bool {
    unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" && $0 != "\t" }
  }
}

/// The keys that a mapping may have: an enum with the keys as raw values.
package typealias DocumentKey = CaseIterable & Hashable & RawRepresentable<String>

/// A mapping with known keys.
package struct MappingReader<Key: DocumentKey> {
  package let reader: ValueReader
  /// Few, and each there once: a table would take longer to make than to do without.
  private let rows: [(key: Key, row: Int)]

  fileprivate init(reader: ValueReader, rows: [(key: Key, row: Int)]) {
    self.reader = reader
    self.rows = rows
  }

  /// The value as it stands, `null` included.
  package func value(_ key: Key) -> ValueReader? { row(key).map { reader.reader($0) } }

  private func row(_ key: Key) -> Int? {
    for (known, row) in rows where Self.isEqual(known, key) { return row }
    return nil
  }

  /// By their cases. What stands for keys with raw values would compare their texts.
  private static func isEqual<Case: Equatable>(_ left: Case, _ right: Case) -> Bool { left == right }

  /// Nil where the key is absent or has no value.
  package func optional(_ key: Key) -> ValueReader? {
    guard let row = row(key), reader.node.tree.rows[row].kind != .null else { return nil }
    return reader.reader(row)
  }

  /// Reports an absent key at the place of the mapping.
  package func required(_ key: Key, hint: String? = nil) -> ValueReader? {
    guard let value = value(key) else {
      let owner = reader.path.isEmpty ? "" : " in \(reader.subject)"
      reader.error("the key \(key.rawValue.quoted) is missing\(owner)", hint: hint ?? "add '\(key.rawValue): …'")
      return nil
    }
    guard !value.node.isNull else {
      value.error("\(value.subject) has no value", why: "the key is required", hint: hint)
      return nil
    }
    return value
  }
}
