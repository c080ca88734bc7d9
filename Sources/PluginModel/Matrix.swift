extension Workflow {
  /// `matrix:` of a node, as it is written: the node runs once for each combination of the values. The semantics are those of GitHub
  /// Actions; the page Matrices and conditions has them.
  package struct Matrix: Sendable {
    package struct Value: Hashable, Sendable {
      package var name: ParameterName
      package var value: JSONValue
      package init(_ name: ParameterName, _ value: JSONValue) {
        self.name = name
        self.value = value
      }
    }

    /// The values of one instance, in the order of the axes, then as `include` adds them.
    package typealias Combination = [Value]

    package enum Values: Hashable, Sendable {
      case list([JSONValue])
      /// Of the workflow's inputs; must yield a list.
      case expression(Expression)
    }

    package struct Axis: Sendable {
      package var name: ParameterName
      package var values: Located<Values>
      package init(name: ParameterName, values: Located<Values>) {
        self.name = name
        self.values = values
      }
    }

    /// Of one node, and of the combinations of its axes before `exclude`. As many as GitHub's.
    package static let maximumInstances = 256

    /// In the order of the file.
    package var axes: [Axis]
    package var include: [Located<Combination>]
    package var exclude: [Located<Combination>]
    package var location: SourceLocation

    package init(
      axes: [Axis], include: [Located<Combination>], exclude: [Located<Combination>], location: SourceLocation
    ) {
      self.axes = axes
      self.include = include
      self.exclude = exclude
      self.location = location
    }

    /// Every name that `matrix.` may be followed by.
    package var names: [ParameterName] {
      var seen: Set<ParameterName> = []
      return (axes.map(\.name) + include.flatMap { $0.value.map(\.name) }).filter { seen.insert($0).inserted }
    }
  }

  /// One of the nodes that a node with a matrix stands for.
  package struct Instance: Sendable {
    /// The node as it is written.
    package var node: NodeName
    /// Nil where an axis reads an input that has no value yet: the node then stands for all its instances.
    package var combination: Matrix.Combination?
    /// What the matrix can have; `combination` may lack some.
    package var names: [ParameterName]

    package init(node: NodeName, combination: Matrix.Combination?, names: [ParameterName]) {
      self.node = node
      self.combination = combination
      self.names = names
    }

    /// What the root `matrix` holds: null for what only other combinations have. Nil: not known yet.
    package var scope: [String: JSONValue]? {
      guard let combination else { return nil }
      var scope: [String: JSONValue] = [:]
      scope.reserveCapacity(names.count)
      for value in combination { scope[value.name.text] = value.value }
      for name in names where scope[name.text] == nil { scope[name.text] = .null }
      return scope
    }

    /// Its values for people, on one line: `python=3.11, os=a`. Nil: not known yet.
    package var label: String? {
      combination.map { values in
        let words = values.prefix(8).map { "\($0.name)=\($0.value.label)" } + (values.count > 8 ? ["…"] : [])
        return words.joined(separator: ", ")
      }
    }
  }
}

extension JSONValue {
  private static let longestLabel = 32

  /// A short form for people, made without writing a large value whole. Texts that could be taken for something else are in quotes.
  fileprivate var label: String {
    switch self {
    case .null, .bool, .integer, .double: return text()
    case .string(let text):
      if !text.isEmpty, text.utf8.count <= Self.longestLabel, text.isEachByte(Self.isPlain) { return text }
      let start = String(text.unicodeScalars.prefix(Self.longestLabel))
      let isWhole = start.unicodeScalars.count == text.unicodeScalars.prefix(Self.longestLabel + 1).count
      let isPlain = !start.isEmpty && start.utf8.allSatisfy(Self.isPlain)
      let shown = start + (isWhole ? "" : "…")
      return isPlain ? shown : shown.quoted
    case .array(let items):
      return "[\(items.count) \(items.count == 1 ? "item" : "items")]"
    case .object(let members):
      return "{\(members.count) \(members.count == 1 ? "key" : "keys")}"
    }
  }

  /// Letters, digits and `_.+/:-`.
  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x30...0x3A).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || [0x5F, 0x2E, 0x2B, 0x2F, 0x2D].contains(byte)
  }
}
