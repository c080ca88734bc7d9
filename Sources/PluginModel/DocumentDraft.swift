/// A tree that can be changed: parts of several texts become one, each value with its place.
struct DocumentDraft {
  private enum Content {
    case scalar(DocumentScalar)
    case sequence([DocumentDraft])
    case mapping([Entry])
  }

  private struct Entry {
    var key: String
    var keyPlace: TextPlace?
    var value: DocumentDraft
  }

  private var content: Content
  private let place: TextPlace?

  private init(_ content: Content, at place: TextPlace?) {
    self.content = content
    self.place = place
  }

  /// An empty mapping.
  init() { self.init(.mapping([]), at: nil) }

  /// - Parameter lines: how much further down it is than in its own text.
  init(_ node: DocumentNode, lines: Int = 0) {
    func moved(_ place: TextPlace?) -> TextPlace? { place.map { TextPlace(line: $0.line + lines, column: $0.column) } }
    place = moved(node.place)
    content =
      switch node.content {
      case .scalar(let scalar): .scalar(scalar)
      case .sequence(let items): .sequence(items.map { DocumentDraft($0, lines: lines) })
      case .mapping(let entries):
        .mapping(
          entries.map {
            Entry(key: $0.key, keyPlace: moved($0.keyPlace), value: DocumentDraft($0.value, lines: lines))
          })
      }
  }

  /// Puts `value` at the end of a path of keys, in place of what is there. Nothing is put into what is no mapping.
  mutating func set(_ path: ArraySlice<String>, to value: DocumentDraft) {
    guard let key = path.first else {
      self = value
      return
    }
    var entries: [Entry]
    switch content {
    case .mapping(let present): entries = present
    case .scalar(let scalar) where scalar.value == .null: entries = []
    case .scalar, .sequence: return
    }
    let index: Int
    if let present = entries.firstIndex(where: { $0.key == key }) {
      index = present
    } else {
      index = entries.count
      entries.append(Entry(key: key, keyPlace: value.place, value: DocumentDraft(.mapping([]), at: value.place)))
    }
    entries[index].value.set(path.dropFirst(), to: value)
    content = .mapping(entries)
  }

  var node: DocumentNode {
    var builder = DocumentTreeBuilder(bytes: 0)
    let root = add(to: &builder)
    return DocumentNode(builder.finished(), root)
  }

  private func add(to builder: inout DocumentTreeBuilder) -> Int {
    switch content {
    case .scalar(let scalar):
      let isText = if case .string = scalar.value { true } else { false }
      return builder.scalar(isText ? nil : scalar.value, builder.add(scalar.text), isPlain: scalar.isPlain, at: place)
    case .sequence(let items):
      let row = builder.open(.sequence, at: place)
      for item in items { builder.put(item.add(to: &builder), into: row) }
      builder.close(row)
      return row
    case .mapping(let entries):
      let row = builder.open(.mapping, at: place)
      for entry in entries {
        let value = entry.value.add(to: &builder)
        builder.put(value, into: row, key: builder.add(entry.key), at: entry.keyPlace)
      }
      builder.close(row)
      return row
    }
  }
}
