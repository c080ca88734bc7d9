/// A parsed YAML or JSON file that still knows where everything was written.
///
/// Reading a file has three layers, each usable alone:
///
/// 1. ``DocumentNode``: bytes become a tree (`DocumentNode(yaml:file:)`, `DocumentNode(json:file:)`), or a diagnostic.
///    Any bytes are safe to give: size, depth, node count and alias expansion are bounded by ``DocumentLimits``.
/// 2. ``DocumentReport``, ``ValueReader`` and ``MappingReader``: typed access that collects every problem of the file
///    instead of stopping at the first.
/// 3. The types of this module (``PluginManifest``, ``Workflow``, …), which do layers 1 and 2 in one initialiser.
///
/// ```swift
/// enum Key: String, CaseIterable { case name, limits }           // the keys that may appear
///
/// let report = DocumentReport(file: "worker.yaml")
/// let root = report.read(bytes, syntax: .yaml)?.mapping(Key.self)
/// let name = root?.required(.name)?.string()                     // absent: an error at the mapping's place
/// let limits = root?.optional(.limits)?.list()?.compactMap { $0.integer(in: 0...64) }
/// try report.check()                                             // throws Diagnostics, in the order of the file
/// ```
package struct DocumentNode: Sendable {
  package enum Content: Sendable {
    case scalar(DocumentScalar)
    case sequence([DocumentNode])
    case mapping([Entry])
  }

  /// One key of a mapping. Keys are unique within it, and are kept as written: `1:` is the key `1`.
  package struct Entry: Sendable {
    package var key: String
    package var keyPlace: TextPlace?
    package var value: DocumentNode
  }

  let tree: DocumentTree
  /// Its own, in the tree.
  let index: Int

  init(_ tree: DocumentTree, _ index: Int) {
    self.tree = tree
    self.index = index
  }

  var row: DocumentTree.Row { tree.rows[index] }

  package var content: Content {
    switch row.kind {
    case .sequence: .sequence(children)
    case .mapping:
      .mapping(
        children.map { Entry(key: tree.string($0.row.key), keyPlace: $0.row.keyPlace, value: $0) })
    case .null, .bool, .integer, .double, .string:
      .scalar(DocumentScalar(jsonValue, text: tree.string(row.text), isPlain: row.isPlain))
    }
  }

  /// The values that a list or mapping holds itself.
  package var children: [DocumentNode] {
    var children: [DocumentNode] = []
    children.reserveCapacity(Int(row.count))
    tree.forEachChild(of: index) { children.append(DocumentNode(tree, $0)) }
    return children
  }

  /// Where the value starts. Nil only in a tree made from a ``JSONValue``, which never was a file. The file's name is not here: a large
  /// file has some hundred thousand places.
  package var place: TextPlace? { row.place }
}

/// A scalar: what it means, and how it was written.
package struct DocumentScalar: Hashable, Sendable {
  /// By the YAML 1.2 core schema, or by RFC 8259.
  package var value: JSONValue
  /// What stands in the file once quotes and escapes are undone: `1.0` stays `1.0`, so that a version needs no quotes.
  package var text: String
  /// Written without quotes, so that its type was read from its text.
  package var isPlain: Bool

  package init(_ value: JSONValue, text: String, isPlain: Bool) {
    self.value = value
    self.text = text
    self.isPlain = isPlain
  }
}

/// How the bytes of a file are to be read.
package enum DocumentSyntax: String, CaseIterable, Sendable {
  case yaml
  case json

  /// JSON for a name that ends in `.json`, otherwise YAML.
  package init(file: String) { self = file.hasSuffix(".json") ? .json : .yaml }
}

/// What a reader accepts before it gives up. A file is written by a stranger: each bound keeps one kind of small input
/// from becoming much work.
package struct DocumentLimits: Hashable, Sendable {
  /// Of the input. The text that aliases repeat may add up to as much again.
  package var maximumBytes: Int
  /// Lists and mappings within each other.
  package var maximumDepth: Int
  /// Scalars, lists and mappings, with every alias counted as what it stands for.
  package var maximumNodes: Int

  package init(maximumBytes: Int = 4 << 20, maximumDepth: Int = 64, maximumNodes: Int = 100_000) {
    self.maximumBytes = maximumBytes
    self.maximumDepth = maximumDepth
    self.maximumNodes = maximumNodes
  }

  /// For files that people write: 4 MiB, 64 levels, 100,000 values.
  package static let file = DocumentLimits()
  /// For JSON from a worker: 16 MiB (the largest frame), 64 levels, 1,000,000 values.
  package static let message = DocumentLimits(maximumBytes: 16 << 20, maximumNodes: 1_000_000)
}

extension DocumentNode {
  /// Reads one YAML document.
  ///
  /// Scalars follow the core schema of YAML 1.2.2 (`yes` and `on` are text). Refused, although YAML allows them:
  /// duplicate keys, keys that aren't text, merge keys, tags beyond the core schema, `%TAG`, several documents, `.inf` and
  /// `.nan`.
  /// - Throws: every problem that could be found before the reader had to stop.
  package init(yaml bytes: [UInt8], file: String, limits: DocumentLimits = .file) throws(Diagnostics) {
    let report = DocumentReport(file: file, limits: limits)
    let root = report.read(bytes, syntax: .yaml)
    try report.check()
    guard let root else { throw Diagnostics([]) }
    self = root.node
  }

  /// Reads one JSON text (RFC 8259), strictly.
  /// - Throws: the first syntax error.
  package init(json bytes: [UInt8], file: String, limits: DocumentLimits = .file) throws(Diagnostics) {
    let report = DocumentReport(file: file, limits: limits)
    let root = report.read(bytes, syntax: .json)
    try report.check()
    guard let root else { throw Diagnostics([]) }
    self = root.node
  }

  /// A tree without places, for a value that came over the wire.
  package init(value: JSONValue) {
    var builder = DocumentTreeBuilder(bytes: 0)
    let root = builder.add(value)
    self.init(builder.finished(), root)
  }

  /// What lies at the end of a path of keys.
  func value(at path: some Sequence<String>) -> DocumentNode? {
    var node = self
    for key in path {
      guard case .mapping(let entries) = node.content, let entry = entries.first(where: { $0.key == key }) else {
        return nil
      }
      node = entry.value
    }
    return node
  }

  /// The plain value, without places.
  package var jsonValue: JSONValue { tree.jsonValue(index) }

  package var isNull: Bool { row.kind == .null }

  /// What a diagnostic calls this value's type.
  package var typeName: String {
    switch row.kind {
    case .null: "null"
    case .bool: "boolean"
    case .integer: "integer"
    case .double: "number"
    case .string: "string"
    case .sequence: "list"
    case .mapping: "mapping"
    }
  }
}

extension DocumentTreeBuilder {
  /// - Returns: the row of the value.
  fileprivate mutating func add(_ value: JSONValue) -> Int {
    switch value {
    case .array(let items):
      let row = open(.sequence, at: nil)
      for item in items { put(add(item), into: row) }
      close(row)
      return row
    case .object(let members):
      let row = open(.mapping, at: nil)
      for member in members { put(add(member.value), into: row, key: add(member.key)) }
      close(row)
      return row
    case .string(let text): return scalar(nil, add(text), isPlain: false, at: nil)
    case .null, .bool, .integer, .double: return scalar(value, add(value.text()), isPlain: true, at: nil)
    }
  }
}
