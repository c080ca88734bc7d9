import CYaml

/// Builds a ``DocumentTree`` from the events of libyaml's parser.
///
/// libyaml knows the grammar and nothing else; what makes a document safe and unambiguous is decided here. The scanner
/// looks ahead by at most one line of 1,024 characters, so that stopping at an event bounds its work as well.
struct YAMLComposer: ~Copyable {
  /// The reader can't go on; the diagnostic has been recorded.
  struct Stop: Error {}

  /// What a subtree costs when it is used once more.
  private struct Weight {
    var nodes = 1
    var bytes = 0
    /// Levels of lists and mappings.
    var height = 0

    mutating func add(_ child: Weight) {
      nodes += child.nodes
      bytes += child.bytes
      height = max(height, child.height + 1)
    }
  }

  /// Not copied: there are some hundred thousand of them.
  private struct Event: ~Copyable {
    enum Kind {
      case streamStart
      case streamEnd
      case documentStart
      case documentEnd
      case alias
      case scalar(isPlain: Bool)
      case sequenceStart
      case sequenceEnd
      case mappingStart
      case mappingEnd
    }
    let kind: Kind
    /// Of a scalar; of an alias the name.
    let text: DocumentTree.TextRange
    let anchor: String?
    let tag: String?
    let place: TextPlace

    init(
      _ kind: Kind, text: DocumentTree.TextRange = .init(), anchor: String? = nil, tag: String? = nil,
      at place: TextPlace
    ) {
      self.kind = kind
      self.text = text
      self.anchor = anchor
      self.tag = tag
      self.place = place
    }
  }

  private let report: DocumentReport
  private let bytes: UnsafeBufferPointer<UInt8>
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private var tree: DocumentTreeBuilder
  private var anchors: [String: (row: Int, weight: Weight)] = [:]
  private var openAnchors: Set<String> = []
  private var spent = Weight(nodes: 0)

  /// - Parameter bytes: not empty, valid UTF-8 without a byte order mark, and alive while the composer is.
  init?(_ bytes: UnsafeBufferPointer<UInt8>, report: DocumentReport) {
    self.report = report
    self.bytes = bytes
    tree = DocumentTreeBuilder(bytes: bytes.count)
    parser = .allocate(capacity: 1)
    guard let start = bytes.baseAddress, yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      return nil
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, start, bytes.count)
  }

  /// What was composed.
  mutating func finished() -> DocumentTree { tree.finished() }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The one document of the stream.
  /// - Returns: the row of its root in ``tree``.
  mutating func compose() throws(Stop) -> Int {
    _ = try next()
    let first = try next()
    guard case .documentStart = first.kind else {
      throw stop("the file is empty", hint: "write a mapping, one 'key: value' a line", at: first.place)
    }
    let root = try node(try next(), depth: 0).row
    _ = try next()
    let last = try next()
    guard case .streamEnd = last.kind else {
      throw stop(
        "the file holds more than one document", why: "only the first would be used",
        hint: "remove everything from the second '---' on, or split the file", at: last.place)
    }
    return root
  }

  // MARK: Nodes

  private mutating func node(_ event: borrowing Event, depth: Int) throws(Stop) -> (row: Int, weight: Weight) {
    let built: (row: Int, weight: Weight)
    if let anchor = event.anchor { openAnchors.insert(anchor) }
    switch event.kind {
    case .alias:
      return try alias(tree.string(event.text), depth: depth, at: event.place)
    case .scalar(let isPlain):
      let weight = Weight(bytes: Int(event.text.count))
      try spend(weight, at: event.place)
      let value = value(event, isPlain: isPlain)
      built = (tree.scalar(value, event.text, isPlain: isPlain, at: event.place), weight)
    case .sequenceStart:
      try open(event, depth: depth, expected: .sequence)
      built = try sequence(depth: depth + 1, at: event.place)
    case .mappingStart:
      try open(event, depth: depth, expected: .mapping)
      built = try mapping(depth: depth + 1, at: event.place)
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      throw stop("a value is missing", at: event.place)
    }
    if let anchor = event.anchor {
      openAnchors.remove(anchor)
      anchors[anchor] = built
    }
    return built
  }

  private mutating func sequence(depth: Int, at place: TextPlace) throws(Stop) -> (Int, Weight) {
    let sequence = tree.open(.sequence, at: place)
    var weight = Weight(height: 1)
    while true {
      let event = try next()
      if case .sequenceEnd = event.kind { break }
      let item = try node(event, depth: depth)
      tree.put(item.row, into: sequence)
      weight.add(item.weight)
    }
    tree.close(sequence)
    return (sequence, weight)
  }

  private mutating func mapping(depth: Int, at start: TextPlace) throws(Stop) -> (Int, Weight) {
    let mapping = tree.open(.mapping, at: start)
    var places = KeyPlaces()
    var weight = Weight(height: 1)
    while true {
      let event = try next()
      if case .mappingEnd = event.kind { break }
      let place = event.place
      let key = try key(event, depth: depth, of: mapping, &weight)
      let value = try node(try next(), depth: depth)
      weight.add(value.weight)
      guard let key else {
        tree.refuse(value.row, of: mapping)
        places.hasRefused = true
        continue
      }
      weight.bytes += Int(key.count)
      if let first = places.update(place, of: key, in: tree, mapping, until: value.row) {
        let text = tree.string(key)
        report.error(
          "the key \(text.quoted) appears twice", why: "it is already on line \(first.line)",
          hint: "remove one of the two", at: place)
        tree.refuse(value.row, of: mapping)
        places.hasRefused = true
        continue
      }
      tree.put(value.row, into: mapping, key: key, at: place)
    }
    tree.close(mapping)
    return (mapping, weight)
  }

  /// Nil for a key that was refused; the mapping goes on.
  /// - Parameter weight: of the mapping, which keeps what was refused.
  private mutating func key(
    _ event: borrowing Event, depth: Int, of mapping: Int, _ weight: inout Weight
  ) throws(Stop) -> DocumentTree.TextRange? {
    guard case .scalar(let isPlain) = event.kind else {
      if case .alias = event.kind {
        report.error("a key can't be an alias", hint: "write the key itself", at: event.place)
      } else {
        report.error("a key must be text", why: "this one is a list or a mapping", at: event.place)
        let refused = try node(event, depth: depth)
        tree.refuse(refused.row, of: mapping)
        weight.add(refused.weight)
      }
      return nil
    }
    let text = event.text
    try spend(Weight(nodes: 0, bytes: Int(text.count)), at: event.place)
    if let anchor = event.anchor {
      let text = tree.string(text)
      report.error("the key \(text.quoted) has an anchor", hint: "remove \(("&" + anchor).quoted)", at: event.place)
    }
    if isPlain, text.count == 0 {
      report.error("a key is missing before ':'", at: event.place)
      return nil
    }
    if isPlain, text.count == 2, tree.string(text) == "<<" {
      report.error(
        "merge keys ('<<') are not supported", why: "they were dropped from YAML 1.2",
        hint: "repeat the keys, or use an alias for the whole value", at: event.place)
      return nil
    }
    if event.tag != nil { _ = value(event, isPlain: false) }
    return text
  }

  private mutating func alias(
    _ name: String, depth: Int, at place: TextPlace
  ) throws(Stop) -> (row: Int, weight: Weight) {
    guard !openAnchors.contains(name) else {
      throw stop("the alias \(("*" + name).quoted) stands inside what it repeats", at: place)
    }
    guard let target = anchors[name] else {
      throw stop(
        "nothing is named \(("&" + name).quoted)", why: "an alias repeats a value above it",
        hint: Suggestion.nearest(to: name, among: anchors.keys.sorted()).map { "did you mean \(("*" + $0).quoted)?" },
        at: place)
    }
    guard depth + target.weight.height <= report.limits.maximumDepth else { throw tooDeep(at: place) }
    try spend(target.weight, at: place)
    return (tree.again(target.row), target.weight)
  }

  // MARK: Meaning and bounds

  /// Nil: its text.
  private func value(_ event: borrowing Event, isPlain: Bool) -> JSONValue? {
    if event.tag == nil, !isPlain || CoreSchema.isText(beginningWith: tree.first(of: event.text)) { return nil }
    let text = tree.string(event.text)
    do throws(CoreSchema.Refusal) {
      guard let tag = event.tag else { return try CoreSchema.resolve(text) }
      if tag == "!" { return .string(text) }
      let resolved = try CoreSchema.resolve(text)
      switch (CoreSchema.Tag(uri: tag), resolved) {
      case (.string, _): return .string(text)
      case (.number, .integer(let number)): return .double(Double(number))
      case (.integer, .integer), (.number, .double), (.boolean, .bool), (.null, .null): return resolved
      case (.integer, _), (.number, _), (.boolean, _), (.null, _), (.mapping, _), (.sequence, _):
        report.error("\(text.quoted) is not what its tag says", why: "the tag is \(tag.quoted)", at: event.place)
      case (nil, _): refuse(tag: tag, at: event.place)
      }
      return .string(text)
    } catch {
      report.error(error.what, hint: error.hint, at: event.place)
      return .string(text)
    }
  }

  private mutating func open(_ event: borrowing Event, depth: Int, expected: CoreSchema.Tag) throws(Stop) {
    guard depth < report.limits.maximumDepth else { throw tooDeep(at: event.place) }
    try spend(Weight(), at: event.place)
    if let tag = event.tag, tag != "!", CoreSchema.Tag(uri: tag) != expected { refuse(tag: tag, at: event.place) }
  }

  private func refuse(tag: String, at place: TextPlace) {
    report.error(
      "the tag \(tag.quoted) is not supported", why: "a file can't choose types",
      hint: "remove the tag", at: place)
  }

  private mutating func spend(_ weight: Weight, at place: TextPlace) throws(Stop) {
    spent.nodes += weight.nodes
    spent.bytes += weight.bytes
    guard spent.nodes <= report.limits.maximumNodes, spent.bytes <= 2 * report.limits.maximumBytes else {
      throw stop(
        "the file holds too much",
        why: "with its aliases expanded it has more than \(report.limits.maximumNodes) values "
          + "or \(2 * report.limits.maximumBytes) bytes of text",
        at: place)
    }
  }

  private func tooDeep(at place: TextPlace) -> Stop {
    stop("lists and mappings are nested more than \(report.limits.maximumDepth) levels deep", at: place)
  }

  private func stop(
    _ what: String, why: String? = nil, hint: String? = nil, at place: TextPlace
  ) -> Stop {
    report.error(what, why: why, hint: hint, at: place)
    return Stop()
  }

  // MARK: Events

  private func place(_ mark: yaml_mark_t) -> TextPlace {
    TextPlace(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  private mutating func next() throws(Stop) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
    defer { yaml_event_delete(&event) }
    let place = place(event.start_mark)
    switch event.type {
    case YAML_STREAM_START_EVENT: return Event(.streamStart, at: place)
    case YAML_DOCUMENT_START_EVENT: return Event(.documentStart, at: place)
    case YAML_DOCUMENT_END_EVENT: return Event(.documentEnd, at: place)
    case YAML_ALIAS_EVENT:
      return Event(.alias, text: tree.add(text(event.data.alias.anchor) ?? ""), at: place)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      return Event(
        .scalar(isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
        text: tree.add(UnsafeBufferPointer(start: scalar.value, count: scalar.length)),
        anchor: text(scalar.anchor), tag: text(scalar.tag), at: place)
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      return Event(.sequenceStart, anchor: text(start.anchor), tag: text(start.tag), at: place)
    case YAML_SEQUENCE_END_EVENT: return Event(.sequenceEnd, at: place)
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      return Event(.mappingStart, anchor: text(start.anchor), tag: text(start.tag), at: place)
    case YAML_MAPPING_END_EVENT: return Event(.mappingEnd, at: place)
    default: return Event(.streamEnd, at: place)
    }
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: UnsafePointer($0)) }
  }

  private func syntaxError() -> Stop {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it can't be read"
    let context = parser.pointee.context.map { String(cString: $0) }
    switch parser.pointee.error {
    case YAML_READER_ERROR:
      return stop(
        "the file is not plain text", why: problem, hint: "save it as UTF-8 without control characters",
        at: TextPosition.place(ofByte: parser.pointee.problem_offset, in: bytes))
    case YAML_MEMORY_ERROR:
      return stop("there is not enough memory to read the file", at: place(parser.pointee.mark))
    default:
      let place = place(parser.pointee.problem_mark)
      let isTab = byte(at: parser.pointee.problem_mark) == 0x09
      return stop(
        "this is not valid YAML", why: [problem, context].compactMap(\.self).joined(separator: " "),
        hint: isTab ? "indent with spaces, not tabs" : nil, at: place)
    }
  }

  private func byte(at mark: yaml_mark_t) -> UInt8? {
    // The mark counts characters, so this finds the byte only before the first non-ASCII one: enough for a hint.
    mark.index < bytes.count ? bytes[mark.index] : nil
  }
}

/// Finds the keys of one mapping again. Nearly all mappings are small: those are searched in order, without hashing.
private struct KeyPlaces {
  private var known: [String: TextPlace] = [:]
  /// Of keys that appeared again, where they did last.
  private var repeated: [String: TextPlace] = [:]
  /// Some value was refused: whoever searches in order walks past it each time.
  var hasRefused = false

  /// - Parameters:
  ///   - mapping: its row in the tree.
  ///   - end: that of the key's value.
  /// - Returns: where the key stood before; nil: nowhere.
  mutating func update(
    _ place: TextPlace, of key: DocumentTree.TextRange, in tree: borrowing DocumentTreeBuilder, _ mapping: Int,
    until end: Int
  ) -> TextPlace? {
    var first: TextPlace?
    if tree.count(mapping) <= 16, !hasRefused {
      first = tree.firstKey(of: mapping, until: end) { known, _ in tree.isEqual(known, key) }
      guard first != nil else { return nil }
    }
    let text = tree.string(key)
    if first == nil {
      if known.isEmpty { tree.forEachKey(of: mapping, until: end) { known[tree.string($0)] = $1 } }
      first = known[text]
      if first == nil { known[text] = place }
    }
    return first.map { repeated.updateValue(place, forKey: text) ?? $0 }
  }
}

/// Lines and columns of byte offsets.
enum TextPosition {
  /// Counts Unicode scalars from the start of the line; an invalid byte counts as one.
  static func place(ofByte offset: Int, in bytes: some Collection<UInt8>) -> TextPlace {
    var place = TextPlace(line: 1, column: 1)
    for byte in bytes.prefix(offset) { advance(&place, over: byte) }
    return place
  }

  static func advance(_ place: inout TextPlace, over byte: UInt8) {
    if byte == 0x0A {
      place.line += 1
      place.column = 1
    } else if byte & 0xC0 != 0x80 {
      place.column += 1
    }
  }

  /// The offset of the first byte that isn't part of valid UTF-8.
  static func firstInvalidByte(in bytes: some Collection<UInt8>) -> Int? {
    var iterator = bytes.makeIterator()
    var parser = Unicode.UTF8.ForwardParser()
    var offset = 0
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let scalar): offset += scalar.count
      case .error: return offset
      case .emptyInput: return nil
      }
    }
  }
}
