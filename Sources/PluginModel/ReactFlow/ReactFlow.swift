/// Workflows as React Flow's JSON, and back, without loss (https://reactflow.dev/api-reference/types).
///
///     {"nodes": [{"id": "clean", "position": {"x": 300, "y": 80},
///                 "data": {"nodeType": "text/count", "parameters": {…}, "orchestrator": {…}}}],
///      "edges": [{"id": "…", "source": "load", "sourceHandle": "output", "target": "clean", "targetHandle": "input"}],
///      "orchestrator": {…}}
///
/// What the one has no place for travels in a place of its own in the other: all of a workflow's in `orchestrator`, at the root and in
/// the `data` of each node; all of React Flow's in the workflow's `layout`, under `reactFlow` in the entry of each node and under
/// ``Place/kept``. An edge without handles is a `needs`. A node without `data.nodeType` is a drawing, such as a note or a group.
package enum ReactFlow {
  /// Of edges; nodes are as many as a workflow may have.
  package static let maximumEdges = 50_000
  /// Of a node's or an edge's id, in bytes.
  package static let maximumIdentifierBytes = 4096

  /// What a file was made into.
  package struct Imported: Sendable {
    /// A workflow of ``Workflow/apiVersion``. Whether it can be run is its readers' question.
    package var document: JSONValue
    package var warnings: [Diagnostic]
  }

  /// Makes a workflow of a file's bytes, whatever they are.
  /// - Parameters:
  ///   - file: its name, for diagnostics.
  ///   - name: of the workflow, where the file has none.
  /// - Throws: everything that is wrong, by the ids of nodes and edges.
  package static func workflow(
    from bytes: [UInt8], file: String, name: String
  ) throws(Diagnostics) -> Imported {
    let flow = try DocumentNode(json: bytes, file: file).jsonValue
    return try workflow(from: flow, file: file, name: name)
  }

  package static func workflow(
    from flow: JSONValue, file: String = "the flow", name: String
  ) throws(Diagnostics) -> Imported {
    let report = DocumentReport(file: file)
    var reading = ReactFlowImport(report: report, name: name)
    let imported = reading.imported(flow)
    try report.check()
    guard let imported else { throw Diagnostics([Diagnostic("\(file.quoted) can't be read as a flow")]) }
    return imported
  }

  /// - Parameter document: a workflow, which need not be one that can be run.
  /// - Throws: where it isn't even a mapping of nodes.
  package static func flow(of document: JSONValue) throws(Diagnostics) -> JSONValue {
    try ReactFlowExport(document).flow()
  }

  // MARK: Words

  enum Member {
    static let nodes = "nodes"
    static let edges = "edges"
    static let id = "id"
    static let position = "position"
    static let x = "x"
    static let y = "y"
    static let data = "data"
    static let nodeType = "nodeType"
    static let parameters = "parameters"
    static let source = "source"
    static let sourceHandle = "sourceHandle"
    static let target = "target"
    static let targetHandle = "targetHandle"
    /// Ours, at the root and in a node's `data`.
    static let orchestrator = "orchestrator"
  }

  /// In `orchestrator`.
  enum Own {
    /// At the root: the workflow without its nodes and what the nodes have of its layout.
    static let document = "document"
    /// Of a node: what is neither its type, its parameters, nor an edge.
    static let node = "node"
    /// Of a node: what else its entry in the layout has.
    static let layout = "layout"
    /// Of a node that the layout has no place for: the place that it was given.
    static let placed = "placed"
    /// Of a node: ports whose sources are a list, though they aren't several.
    static let lists = "lists"
    /// Of a node: its one `needs` isn't in a list.
    static let single = "single"
  }

  /// In a workflow's `layout`.
  enum Place {
    /// In a node's entry: what its node had beside what a workflow has a place for.
    static let node = "reactFlow"
    /// The rest of a flow. No node has such a name.
    static let kept = "$reactFlow"
    static let root = "root"
    static let edges = "edges"
    static let drawings = "drawings"
    static let drawing = "node"
    static let index = "index"
  }

  /// Two ends of an edge, by the ids of nodes.
  struct Ends: Hashable {
    var source: String
    var sourceHandle: String?
    var target: String
    var targetHandle: String?

    /// By handles: a value goes from the one to the other. Without: the one waits for the other.
    init(source: String, _ sourceHandle: String? = nil, target: String, _ targetHandle: String? = nil) {
      self.source = source
      self.sourceHandle = sourceHandle
      self.target = target
      self.targetHandle = targetHandle
    }

    /// Nil where it isn't an edge.
    init?(_ edge: JSONValue) {
      guard let source = edge[Member.source]?.stringValue, let target = edge[Member.target]?.stringValue else {
        return nil
      }
      self.init(
        source: source, edge[Member.sourceHandle]?.stringValue, target: target, edge[Member.targetHandle]?.stringValue)
    }

    func json(id: String) -> JSONValue {
      var members = [JSONValue.Member(Member.id, .string(id)), JSONValue.Member(Member.source, .string(source))]
      if let sourceHandle { members.append(.init(Member.sourceHandle, .string(sourceHandle))) }
      members.append(.init(Member.target, .string(target)))
      if let targetHandle { members.append(.init(Member.targetHandle, .string(targetHandle))) }
      return .object(members)
    }
  }
}

/// The members of an object while they are taken out one by one.
struct RemainingMembers {
  var members: [JSONValue.Member]

  init(_ members: [JSONValue.Member] = []) { self.members = members }

  /// Nil where it isn't an object.
  init?(_ value: JSONValue?) {
    guard case .object(let members) = value else { return nil }
    self.members = members
  }

  var isEmpty: Bool { members.isEmpty }
  var object: JSONValue { .object(members) }

  mutating func take(_ key: String) -> JSONValue? {
    members.firstIndex { $0.key == key }.map { members.remove(at: $0).value }
  }

  /// Puts it at the end, or in the place of the one that is there.
  mutating func set(_ key: String, _ value: JSONValue?) {
    guard let value else { return }
    if let index = members.firstIndex(where: { $0.key == key }) {
      members[index].value = value
    } else {
      members.append(.init(key, value))
    }
  }

  /// Adds what isn't there.
  /// - Parameter others: of one object, so that none is there twice.
  mutating func complete(with others: [JSONValue.Member]) {
    let present = members.map(\.key)
    members += others.filter { !present.contains($0.key) }
  }
}

extension JSONValue {
  /// Whole or not.
  package var numberValue: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .double(let number): number
    case .null, .bool, .string, .array, .object: nil
    }
  }

  /// Nothing of it says anything: an object without members.
  var isEmptyObject: Bool { if case .object(let members) = self { members.isEmpty } else { false } }
}
