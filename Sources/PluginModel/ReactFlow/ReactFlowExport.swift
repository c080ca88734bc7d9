/// Makes a flow of a workflow.
struct ReactFlowExport {
  private typealias Member = ReactFlow.Member
  private typealias Own = ReactFlow.Own
  private typealias Place = ReactFlow.Place
  private typealias Ends = ReactFlow.Ends

  private var root: RemainingMembers
  private var spec: RemainingMembers
  private let nodes: [(name: String, members: RemainingMembers)]
  /// Of each node.
  private var layouts: [JSONValue?]
  /// What the workflow's layout has beside; nil where there is no layout.
  private var layoutRest: JSONValue?
  /// What came with the flow that the workflow was made of.
  private var kept = Kept()

  private struct Kept {
    var root: [JSONValue.Member] = []
    var edges: [JSONValue] = []
    var drawings: [(index: Int, node: JSONValue)] = []
  }

  /// What one node becomes.
  private struct Draft {
    var id: String
    var ends: [Ends] = []
    var own = RemainingMembers()
  }

  init(_ document: JSONValue) throws(Diagnostics) {
    guard var root = RemainingMembers(document), let read = root.take("spec"), var spec = RemainingMembers(read),
      case .object(let nodes) = spec.take("nodes")
    else {
      throw Diagnostics([
        Diagnostic("the workflow can't be drawn", why: "it has no mapping 'spec.nodes'", hint: "validate it first")
      ])
    }
    var taken: [(name: String, members: RemainingMembers)] = []
    var problems: [Diagnostic] = []
    for node in nodes {
      if let members = RemainingMembers(node.value) {
        taken.append((node.key, members))
      } else if problems.count < DocumentReport.limit {
        problems.append(Diagnostic("the node \(node.key.quoted) can't be drawn", why: "it is a \(node.value.typeName)"))
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    self.root = root
    self.spec = spec
    self.nodes = taken
    layouts = Array(repeating: nil, count: taken.count)
    layoutRest = self.root.take("layout")
    takeLayout()
  }

  /// Gives each node its entry.
  private mutating func takeLayout() {
    guard case .object(let entries) = layoutRest else { return }
    let places = Dictionary(nodes.enumerated().map { (ByteText($0.element.name), $0.offset) }) { first, _ in first }
    var rest: [JSONValue.Member] = []
    for entry in entries {
      if let index = places[ByteText(entry.key)] {
        layouts[index] = entry.value
      } else if entry.key == Place.kept, let read = Self.kept(entry.value) {
        kept = read
      } else {
        rest.append(entry)
      }
    }
    layoutRest = rest.isEmpty && !entries.isEmpty ? nil : .object(rest)
  }

  /// Nil where it isn't what an import writes.
  private static func kept(_ value: JSONValue) -> Kept? {
    guard var members = RemainingMembers(value) else { return nil }
    var kept = Kept()
    if let root = members.take(Place.root) {
      guard let root = RemainingMembers(root) else { return nil }
      let own = [Member.nodes, Member.edges, Member.orchestrator]
      kept.root = root.members.filter { !own.contains($0.key) }
    }
    if let edges = members.take(Place.edges) {
      guard let edges = edges.arrayValue else { return nil }
      kept.edges = edges
    }
    for drawing in members.take(Place.drawings)?.arrayValue ?? [] {
      guard let index = drawing[Place.index]?.integerValue, let node = drawing[Place.drawing] else { return nil }
      kept.drawings.append((Int(index), node))
    }
    return members.isEmpty ? kept : nil
  }

  // MARK: The flow

  func flow() -> JSONValue {
    let identifiers = identifiers()
    let known = Dictionary(zip(nodes.map { ByteText($0.name) }, identifiers)) { first, _ in first }
    let drafts = zip(nodes, identifiers).map { draft($0.members, id: $1, known: known) }
    let positions = ReactFlowPlaces(drafts.map(\.id), drafts.flatMap(\.ends)).positions
    let items = nodes.indices.map { node($0, drafts[$0], automatic: positions[$0]) }
    var ids = UniqueTexts(Set(identifiers))
    let drawings = kept.drawings.filter { $0.node[Member.id]?.stringValue.map { ids.insert($0) } ?? false }
    let drawn = Set(drawings.compactMap { $0.node[Member.id]?.stringValue })
    var members = RemainingMembers([.init(Member.nodes, .array(Self.merge(items, drawings)))])
    members.set(Member.edges, .array(edges(drafts.flatMap(\.ends), drawn: drawn)))
    members.complete(with: kept.root)
    var document = root
    document.set("spec", spec.object)
    document.set("layout", layoutRest)
    members.set(Member.orchestrator, .object([.init(Own.document, document.object)]))
    return members.object
  }

  /// - Parameter drawings: each with its index in the result.
  private static func merge(_ nodes: [JSONValue], _ drawings: [(index: Int, node: JSONValue)]) -> [JSONValue] {
    var merged: [JSONValue] = []
    var rest = drawings[...]
    for node in nodes {
      while let drawing = rest.first, drawing.index <= merged.count {
        merged.append(drawing.node)
        rest.removeFirst()
      }
      merged.append(node)
    }
    return merged + rest.map(\.node)
  }

  /// The ids that nodes came with, where there are none twice; else their names.
  private func identifiers() -> [String] {
    let old = layouts.map { $0?[Place.node]?[Member.id]?.stringValue }
    var used = UniqueTexts(Set(zip(nodes, old).filter { $1 == nil }.map(\.0.name)))
    return zip(nodes, old).map { node, old in
      guard let old else { return node.name }
      return used.insert(old) ? old : used.inserted(node.name)
    }
  }

  /// Takes what becomes edges out of the node; what doesn't lead to a node stays.
  private func draft(_ members: RemainingMembers, id: String, known: [ByteText: String]) -> Draft {
    var draft = Draft(id: id)
    var members = members
    if let inputs = members.take("in") {
      if let rest = Self.wire(inputs, &draft, known) { members.set("in", rest) }
    }
    if let needs = members.take("needs") {
      let names = needs.arrayValue ?? [needs]
      let ids = names.compactMap { $0.stringValue.flatMap { known[ByteText($0)] } }
      if ids.count == names.count, !ids.isEmpty {
        draft.ends += ids.map { Ends(source: $0, target: id) }
        if needs.arrayValue == nil { draft.own.set(Own.single, true) }
      } else {
        members.set("needs", needs)
      }
    }
    draft.own.set(Own.node, members.object)
    return draft
  }

  /// - Returns: what of a node's `in` isn't edges.
  private static func wire(_ inputs: JSONValue, _ draft: inout Draft, _ known: [ByteText: String]) -> JSONValue? {
    guard case .object(let ports) = inputs, !ports.isEmpty else { return inputs }
    var rest: [JSONValue.Member] = []
    var lists: [JSONValue] = []
    for port in ports {
      let sources = port.value.arrayValue ?? [port.value]
      let ends = sources.compactMap { source -> Ends? in
        guard PortName.accepts(port.key), let (node, output) = source.stringValue?.halves(at: UInt8(ascii: ".")),
          PortName.accepts(output), let from = known[ByteText(node)]
        else { return nil }
        return Ends(source: from, output, target: draft.id, port.key)
      }
      guard ends.count == sources.count, !ends.isEmpty else {
        rest.append(port)
        continue
      }
      draft.ends += ends
      if port.value.arrayValue != nil, ends.count == 1 { lists.append(.string(port.key)) }
    }
    if !lists.isEmpty { draft.own.set(Own.lists, .array(lists)) }
    return rest.isEmpty ? nil : .object(rest)
  }

  private func node(_ index: Int, _ draft: Draft, automatic: JSONValue) -> JSONValue {
    var own = draft.own
    var members = RemainingMembers(own.take(Own.node)) ?? RemainingMembers()
    let type = Self.nodeType(&members)
    let parameters = Self.parameters(&members)
    if !members.isEmpty { own.set(Own.node, members.object) }
    var entry = RemainingMembers(layouts[index])
    var old = RemainingMembers()
    if let written = entry?.take(Place.node) {
      if let read = RemainingMembers(written), !read.isEmpty { old = read } else { entry?.set(Place.node, written) }
    }
    var position = RemainingMembers(automatic) ?? RemainingMembers()
    let isWhole = entry?.members.isEmpty == true && layouts[index]?.isEmptyObject == true
    if let x = layouts[index]?[Member.x], let y = layouts[index]?[Member.y], x.numberValue != nil, y.numberValue != nil
    {
      position = RemainingMembers([.init(Member.x, x), .init(Member.y, y)])
      _ = (entry?.take(Member.x), entry?.take(Member.y))
    } else {
      own.set(Own.placed, automatic)
    }
    if let entry, !entry.isEmpty || isWhole { own.set(Own.layout, entry.object) }
    if entry == nil { own.set(Own.layout, layouts[index]) }
    position.complete(with: RemainingMembers(old.take(Member.position))?.members ?? [])
    var data = RemainingMembers([.init(Member.nodeType, .string(type)), .init(Member.parameters, parameters)])
    data.complete(
      with: (RemainingMembers(old.take(Member.data))?.members ?? []).filter { $0.key != Member.orchestrator })
    if !own.isEmpty { data.set(Member.orchestrator, own.object) }
    var node = RemainingMembers([
      .init(Member.id, .string(draft.id)), .init(Member.position, position.object), .init(Member.data, data.object),
    ])
    node.complete(with: old.members)
    return node.object
  }

  /// What a palette calls it. A command, or another workflow, has no `type`: there it is what all of them are.
  private static func nodeType(_ members: inout RemainingMembers) -> String {
    let implied = ReactFlow.impliedType(members)
    guard let type = members.take("type") else { return implied ?? "" }
    guard let text = type.stringValue, text != implied, !text.isEmpty else {
      members.set("type", type)
      return implied ?? ""
    }
    return text
  }

  /// An editor reads members of it: it is there where the workflow has none.
  private static func parameters(_ members: inout RemainingMembers) -> JSONValue {
    guard let with = members.take("with") else { return .object([]) }
    guard case .object(let parameters) = with, !parameters.isEmpty else {
      members.set("with", with)
      return .object([])
    }
    return with
  }

  /// Those that came with the flow, as they were and in their order, as far as the workflow has them; then all others.
  private func edges(_ ends: [Ends], drawn: Set<String>) -> [JSONValue] {
    var missing = Dictionary(ends.map { ($0, 1) }, uniquingKeysWith: +)
    var ids = UniqueTexts()
    var edges: [JSONValue] = []
    for edge in kept.edges {
      guard let end = Ends(edge) else { continue }
      if let count = missing[end], count > 0 {
        missing[end] = count - 1
      } else if !drawn.contains(end.source), !drawn.contains(end.target) {
        continue
      }
      if let id = edge[Member.id]?.stringValue { _ = ids.insert(id) }
      edges.append(edge)
    }
    // Of several with the same ends, those that are missing: it doesn't matter which.
    for end in ends {
      guard let count = missing[end], count > 0 else { continue }
      missing[end] = count - 1
      edges.append(end.json(id: ids.inserted(end.usualIdentifier)))
    }
    return edges
  }
}

extension ReactFlow {
  /// The type of a node that has none, by what else it has.
  static func impliedType(_ node: RemainingMembers) -> String? {
    let keys = node.members.map(\.key)
    if keys.contains(Workflow.NodeKey.run.rawValue) { return NodeTypeReference.command.description }
    return keys.contains(Workflow.NodeKey.workflow.rawValue) ? NodeTypeReference.subworkflow.description : nil
  }
}

extension ReactFlow.Ends {
  fileprivate var usualIdentifier: String {
    "\(source)\(sourceHandle.map { ".\($0)" } ?? "")-\(target)\(targetHandle.map { ".\($0)" } ?? "")"
  }
}

/// Texts of which none is there twice.
struct UniqueTexts {
  private var used: Set<String>
  /// What was last put behind a text: of many that are the same, each is found at once.
  private var numbers: [String: Int] = [:]

  init(_ used: Set<String> = []) { self.used = used }

  mutating func insert(_ text: String) -> Bool { used.insert(text).inserted }

  /// - Parameter numbered: the text with a number behind it, from 2.
  /// - Returns: it, or the first of those that wasn't there.
  mutating func inserted(_ text: String, _ numbered: (String, Int) -> String = { "\($0)-\($1)" }) -> String {
    if insert(text) { return text }
    var number = numbers[text] ?? 2
    while !insert(numbered(text, number)) { number += 1 }
    numbers[text] = number + 1
    return numbered(text, number)
  }
}
