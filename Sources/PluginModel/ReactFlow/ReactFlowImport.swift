/// Makes a workflow of a flow that anybody may have written.
struct ReactFlowImport {
  private typealias Member = ReactFlow.Member
  private typealias Own = ReactFlow.Own
  private typealias Place = ReactFlow.Place
  private typealias Ends = ReactFlow.Ends

  private let report: DocumentReport
  private let workflowName: String
  private var warnings: [Diagnostic] = []

  /// A node of the pipeline, of which the rest is taken out.
  private struct Node {
    var id: String
    var name = ""
    var members: RemainingMembers
    var data: RemainingMembers
    var own: RemainingMembers
    /// By port, in the order of the edges.
    var inputs: [(port: String, sources: [JSONValue])] = []
    var needs: [JSONValue] = []
  }

  init(report: DocumentReport, name: String) {
    self.report = report
    workflowName = name
  }

  private func error(_ what: String, why: String? = nil, hint: String? = nil) {
    report.error(what, why: why, hint: hint, at: nil as SourceLocation?)
  }

  private mutating func warn(_ what: String, why: String? = nil, hint: String? = nil) {
    guard warnings.count < DocumentReport.limit else { return }
    warnings.append(Diagnostic(what, why: why, hint: hint, severity: .warning))
  }

  /// Nil where it is no flow, which is then reported.
  mutating func imported(_ flow: JSONValue) -> ReactFlow.Imported? {
    guard var root = RemainingMembers(flow), let items = root.take(Member.nodes)?.arrayValue else {
      error("the flow has no list 'nodes'", hint: "write {\"nodes\": […], \"edges\": […]}")
      return nil
    }
    guard items.count <= Workflow.maximumNodes else {
      error("the flow has more than \(Workflow.maximumNodes) nodes", why: "it has \(items.count)")
      return nil
    }
    let own = document(root.take(Member.orchestrator))
    guard let edges = (root.take(Member.edges) ?? []).arrayValue else {
      error("'edges' is not a list")
      return nil
    }
    guard edges.count <= ReactFlow.maximumEdges else {
      error("the flow has more than \(ReactFlow.maximumEdges) edges", why: "it has \(edges.count)")
      return nil
    }
    var (nodes, drawings) = read(items)
    name(&nodes)
    connect(edges, &nodes, drawings)
    guard let own, report.isEmpty else { return nil }
    var kept = RemainingMembers()
    if !root.isEmpty { kept.set(Place.root, root.object) }
    if !drawings.isEmpty { kept.set(Place.drawings, .array(drawings.map(\.json))) }
    let document = document(own, nodes, kept)
    // What an export would write anyway need not be kept.
    guard Self.edges(of: document) != edges.map(\.sorted) else {
      return ReactFlow.Imported(document: document, warnings: warnings)
    }
    kept.set(Place.edges, .array(edges))
    return ReactFlow.Imported(document: self.document(own, nodes, kept), warnings: warnings)
  }

  private static func edges(of document: JSONValue) -> [JSONValue]? {
    do throws(Diagnostics) {
      return try ReactFlow.flow(of: document)[Member.edges]?.arrayValue?.map(\.sorted)
    } catch { return nil }
  }

  // MARK: Nodes

  private struct Drawing {
    var index: Int
    var node: JSONValue
    var json: JSONValue { [Place.index: .integer(Int64(index)), Place.drawing: node] }
  }

  private mutating func read(_ items: [JSONValue]) -> (nodes: [Node], drawings: [Drawing]) {
    var nodes: [Node] = []
    var drawings: [Drawing] = []
    var ids: Set<ByteText> = []
    for (index, item) in items.enumerated() {
      guard var members = RemainingMembers(item), let id = identifier(members.take(Member.id)) else {
        error("the node at \(index) has no 'id'", hint: "give it a text of its own")
        continue
      }
      guard ids.insert(ByteText(id)).inserted else {
        error("two nodes have the id \(id.quoted)", hint: "rename one")
        continue
      }
      let data = members.take(Member.data)
      guard let read = RemainingMembers(data ?? .object([])) else {
        error("the 'data' of the node \(id.quoted) is not a mapping")
        continue
      }
      guard read.members.contains(where: { $0.key == Member.nodeType || $0.key == Member.orchestrator }) else {
        drawings.append(Drawing(index: index, node: item))
        warn(
          "the node \(id.quoted) is kept as a drawing", why: "it has no 'data.nodeType'",
          hint: "give it one if it is to run")
        continue
      }
      var rest = read
      guard Self.isPlace(members.members.first { $0.key == Member.position }?.value) else {
        error("the node \(id.quoted) has no place", hint: "give it a 'position' with numbers 'x' and 'y', or none")
        continue
      }
      guard let own = RemainingMembers(rest.take(Member.orchestrator) ?? .object([])) else {
        error("'data.orchestrator' of the node \(id.quoted) is not a mapping")
        continue
      }
      nodes.append(Node(id: id, members: members, data: rest, own: own))
    }
    return (nodes, drawings)
  }

  private static func isPlace(_ position: JSONValue?) -> Bool {
    guard let position else { return true }
    return position[Member.x]?.numberValue != nil && position[Member.y]?.numberValue != nil
  }

  private func identifier(_ value: JSONValue?) -> String? {
    guard let text = value?.stringValue, !text.isEmpty, text.utf8.count <= ReactFlow.maximumIdentifierBytes else {
      return nil
    }
    return text
  }

  /// An id that a node can be named stays its name; of any other as much as can.
  private mutating func name(_ nodes: inout [Node]) {
    func isName(_ id: String) -> Bool { NodeName.accepts(id) && id != NodeName.inputs.text }
    var used = UniqueTexts(Set(nodes.map(\.id).filter(isName) + [NodeName.inputs.text]))
    for index in nodes.indices {
      let id = nodes[index].id
      nodes[index].name = isName(id) ? id : used.inserted(Self.name(for: id)) { "\($0.prefix(58))_\($1)" }
    }
  }

  private static func name(for id: String) -> String {
    let bytes = id.utf8.prefix(58).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
        UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        byte
      default: UInt8(ascii: "_")
      }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return NodeName.accepts(text) ? text : "node_" + text
  }

  // MARK: Edges

  private mutating func connect(_ edges: [JSONValue], _ nodes: inout [Node], _ drawings: [Drawing]) {
    let places = Dictionary(nodes.enumerated().map { (ByteText($0.element.id), $0.offset) }) { first, _ in first }
    let drawn = Set(drawings.compactMap { $0.node[Member.id]?.stringValue.map(ByteText.init) })
    var ids: Set<ByteText> = []
    var ports: [Ends: Int] = [:]
    for (index, edge) in edges.enumerated() {
      let id = edge[Member.id]
      let subject = identifier(id).map { "the edge \($0.quoted)" } ?? "the edge at \(index)"
      if id != nil, identifier(id) == nil {
        error("\(subject) has an 'id' that is no text")
        continue
      }
      if let id = identifier(id), !ids.insert(ByteText(id)).inserted {
        error("two edges have the id \(id.quoted)", hint: "rename one")
        continue
      }
      guard let ends = Ends(edge) else {
        error("\(subject) doesn't say where it leads", hint: "give it 'source' and 'target', the ids of two nodes")
        continue
      }
      var isWhole = true
      for (end, id) in [("begins", ends.source), ("ends", ends.target)]
      where places[ByteText(id)] == nil && !drawn.contains(ByteText(id)) {
        isWhole = false
        error("\(subject) \(end) at \(id.quoted), and there is no such node", hint: "remove the edge, or add the node")
      }
      guard isWhole, let source = places[ByteText(ends.source)], let target = places[ByteText(ends.target)] else {
        continue
      }
      guard hasPorts(edge, ends, subject) else { continue }
      guard let output = ends.sourceHandle, let input = ends.targetHandle else {
        nodes[target].needs.append(.string(nodes[source].name))
        continue
      }
      let value = JSONValue.string("\(nodes[source].name).\(output)")
      let port = Ends(source: "", target: ends.target, input)
      if let place = ports[port] {
        nodes[target].inputs[place].sources.append(value)
      } else {
        ports[port] = nodes[target].inputs.count
        nodes[target].inputs.append((input, [value]))
      }
    }
  }

  /// Whether both ends name a port, or neither.
  private func hasPorts(_ edge: JSONValue, _ ends: Ends, _ subject: String) -> Bool {
    for key in [Member.sourceHandle, Member.targetHandle] {
      guard let handle = edge[key], handle != .null else { continue }
      guard let text = handle.stringValue, PortName.accepts(text) else {
        let what = handle.stringValue?.quoted ?? "a \(handle.typeName)"
        error("\(subject) has the \(key) \(what), which is no port", hint: "use \(PortName.grammar)")
        return false
      }
    }
    guard (ends.sourceHandle == nil) == (ends.targetHandle == nil) else {
      error(
        "\(subject) names a port at one end only",
        hint: "give it both 'sourceHandle' and 'targetHandle', or neither where one node only waits for the other")
      return false
    }
    return true
  }

  // MARK: The workflow

  /// `orchestrator` of the root: the workflow without its nodes. Nil where it can't be read.
  private func document(_ value: JSONValue?) -> RemainingMembers? {
    guard let value else {
      return RemainingMembers([
        .init("apiVersion", .string(Workflow.apiVersion)), .init("kind", .string(Workflow.kind)),
        .init("metadata", ["name": .string(workflowName)]),
      ])
    }
    guard let document = RemainingMembers(value[Own.document] ?? .object([])),
      RemainingMembers(document.members.first { $0.key == "spec" }?.value ?? .object([])) != nil
    else {
      error("'orchestrator' of the flow can't be read", hint: "remove it, or export the workflow again")
      return nil
    }
    return document
  }

  private func document(_ own: RemainingMembers, _ nodes: [Node], _ kept: RemainingMembers) -> JSONValue {
    var document = own
    var spec = RemainingMembers(document.take("spec")) ?? RemainingMembers()
    let rest = document.take("layout")
    var layout = RemainingMembers(rest)?.members.filter { $0.key != Place.kept || kept.isEmpty } ?? []
    var made: [JSONValue.Member] = []
    made.reserveCapacity(nodes.count)
    let written = Set(nodes.map(\.name))
    layout.removeAll { written.contains($0.key) }
    for node in nodes {
      let (value, entry) = Self.split(node)
      made.append(.init(node.name, value))
      if let entry { layout.append(.init(node.name, entry)) }
    }
    if !kept.isEmpty { layout.append(.init(Place.kept, kept.object)) }
    spec.set("nodes", .object(made))
    document.set("spec", spec.object)
    if !layout.isEmpty { document.set("layout", .object(layout)) } else { document.set("layout", rest) }
    return document.object
  }

  /// What the workflow says of a node, and its entry in the layout.
  private static func split(_ node: Node) -> (node: JSONValue, layout: JSONValue?) {
    var (data, own, members) = (node.data, node.own, node.members)
    var rest = RemainingMembers(own.take(Own.node)) ?? RemainingMembers()
    var value = RemainingMembers()
    if let type = data.take(Member.nodeType), type != "" {
      if type.stringValue != ReactFlow.impliedType(rest) { value.set("type", type) }
    }
    if let parameters = data.take(Member.parameters), parameters != .null, !parameters.isEmptyObject {
      value.set("with", parameters)
      _ = rest.take("with")
    }
    let lists = (own.take(Own.lists)?.arrayValue ?? []).compactMap(\.stringValue)
    var inputs = RemainingMembers(rest.take("in"))
    let wired = node.inputs.map { port, sources in
      JSONValue.Member(port, sources.count > 1 || lists.contains(port) ? .array(sources) : sources[0])
    }
    if !wired.isEmpty {
      let ports = Set(wired.map(\.key))
      inputs = RemainingMembers((inputs?.members.filter { !ports.contains($0.key) } ?? []) + wired)
    }
    value.set("in", inputs?.object ?? node.own.members.first { $0.key == Own.node }?.value["in"])
    let isSingle = own.take(Own.single) == true && node.needs.count == 1
    if !node.needs.isEmpty { rest.set("needs", isSingle ? node.needs[0] : .array(node.needs)) }
    value.complete(with: rest.members)
    return (value.object, entry(node, &members, data, own))
  }

  private static func entry(
    _ node: Node, _ members: inout RemainingMembers, _ data: RemainingMembers, _ own: RemainingMembers
  ) -> JSONValue? {
    var (own, position) = (own, RemainingMembers(members.members.first { $0.key == Member.position }?.value))
    let (x, y) = (position?.take(Member.x), position?.take(Member.y))
    let (layout, placed) = (own.take(Own.layout), own.take(Own.placed))
    var entry = RemainingMembers()
    if let x, let y, let left = x.numberValue, let top = y.numberValue {
      if placed?[Member.x]?.numberValue != left || placed?[Member.y]?.numberValue != top {
        entry.members = [.init(Member.x, x), .init(Member.y, y)]
      }
      _ = members.take(Member.position)
      if let position, !position.isEmpty { members.set(Member.position, position.object) }
    }
    if let others = RemainingMembers(layout) { entry.complete(with: others.members) }
    var kept = RemainingMembers(node.name == node.id ? [] : [.init(Member.id, .string(node.id))])
    if !data.isEmpty { kept.set(Member.data, data.object) }
    kept.complete(with: members.members)
    if !kept.isEmpty { entry.set(Place.node, kept.object) }
    return entry.isEmpty ? layout : entry.object
  }
}

extension JSONValue {
  /// The same, with the members of each object in the order of their keys: what is equal then is equal whatever the order.
  package var sorted: JSONValue {
    switch self {
    case .null, .bool, .integer, .double, .string: self
    case .array(let items): .array(items.map(\.sorted))
    case .object(let members):
      .object(members.map { Member($0.key, $0.value.sorted) }.sorted { $0.key < $1.key })
    }
  }
}
