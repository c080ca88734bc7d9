import PluginModel

/// What the page's script reads. A column each and not an object a node: 100,000 nodes are to open at once. Only the page of the same
/// version reads it, so that it may change. -1 in a column: not known.
struct HTMLReportData {
  let graph: WorkflowGraph
  let report: RunReport
  let timeline: RunTimeline
  let suggestions: [String]
  var detailBytes = HTMLReport.maximumDetailBytes

  /// The page knows them by these positions.
  private static let states: [RunMachine.NodeState] = [
    .failed, .cancelled, .skipped, .running, .retrying, .queued, .waiting, .succeeded,
  ]
  private static let sources =
    NodeReport.LogLevel.allCases.map(TimelineLine.Source.log) + [.standardOutput, .standardError]

  var jsonValue: JSONValue {
    let details = details()
    return .object([
      .init("run", .string(report.run)), .init("workflow", .string(report.workflow)),
      .init("outcome", .string(report.outcome.rawValue)), .init("exit_code", .integer(Int64(report.outcome.exitCode))),
      .init("ms", .integer(report.milliseconds)), .init("suggestions", .array(suggestions.map(JSONValue.string))),
      .init("states", .array(Self.states.map { .string($0.rawValue) })),
      .init("endings", .array(RunTimeline.Attempt.Ending.allCases.map { .string($0.rawValue) })),
      .init("sources", .array(Self.sources.map { .string($0.word) })), .init("types", types), .init("nodes", nodes),
      .init("attempts", attempts), .init("details", .object(details.members)),
      .init("details_left_out", .integer(Int64(details.leftOut))), .init("graph", picture),
    ])
  }

  // MARK: Columns

  private static func column<Item>(_ items: [Item], _ number: (Item) -> Int64) -> JSONValue {
    .array(items.map { .integer(number($0)) })
  }

  private static func known(_ number: UInt64?) -> Int64 { number.map { Int64(clamping: $0) } ?? -1 }

  private var typeNames: [NodeTypeReference] { Set(report.nodes.map(\.type)).sorted() }

  private var types: JSONValue {
    var specifications: [NodeTypeReference: NodeSpecification] = [:]
    for node in graph.nodes { specifications[node.type] = node.specification }
    func ports(_ ports: [PortSpecification]?) -> JSONValue { .array((ports ?? []).map { .string($0.name.text) }) }
    return .array(
      typeNames.map { type in
        .object([
          .init("name", .string(type.description)), .init("inputs", ports(specifications[type]?.inputs)),
          .init("outputs", ports(specifications[type]?.outputs)),
        ])
      })
  }

  private var nodes: JSONValue {
    let typeNumbers = Dictionary(uniqueKeysWithValues: typeNames.enumerated().map { ($1, Int64($0)) })
    let list = report.nodes
    return .object([
      .init("name", .array(list.map { .string($0.name.text) })),
      .init("type", Self.column(list) { typeNumbers[$0.type] ?? -1 }),
      .init("state", Self.column(list) { Int64(Self.states.firstIndex(of: $0.state) ?? -1) }),
      .init("attempts", Self.column(list) { Int64($0.attempts) }),
      .init("ms", Self.column(list) { $0.milliseconds ?? -1 }),
      // 1: cached; 2: a fallback.
      .init("flags", Self.column(list) { ($0.isCached ? 1 : 0) + ($0.isFallback ? 2 : 0) }),
      .init("memory", Self.column(list) { Self.known($0.account.usage?.memoryPeak?.bytes) }),
      .init("memory_limit", Self.column(list) { Self.known($0.account.held.last?.memory) }),
      .init("cpu_us", Self.column(list) { Self.known($0.account.usage?.processorMicroseconds) }),
      .init(
        "processors",
        .array(list.map { node in node.account.held.last?.processors.map(JSONValue.double) ?? .integer(-1) })),
    ])
  }

  /// In the order of the nodes.
  private var attempts: JSONValue {
    let list = report.nodes.enumerated().flatMap { index, node in
      (timeline[node.name]?.attempts ?? []).map { (node: index, attempt: $0) }
    }
    let endings = RunTimeline.Attempt.Ending.allCases
    return .object([
      .init("node", Self.column(list) { Int64($0.node) }),
      .init("number", Self.column(list) { Int64($0.attempt.number) }),
      .init("queued", Self.column(list) { $0.attempt.queued }),
      .init("start", Self.column(list) { $0.attempt.start }),
      .init("end", Self.column(list) { $0.attempt.end ?? -1 }),
      .init(
        "ended",
        Self.column(list) { entry in entry.attempt.ending.flatMap { endings.firstIndex(of: $0) }.map(Int64.init) ?? -1 }
      ),
    ])
  }

  // MARK: Details

  /// By the position of the node; those without anything of interest have none.
  private func details() -> (members: [JSONValue.Member], leftOut: Int) {
    var members: [JSONValue.Member] = []
    var room = detailBytes
    var leftOut = 0
    let troubled = report.nodes.indices.filter { report.nodes[$0].state != .succeeded }
    let others = report.nodes.indices.filter { report.nodes[$0].state == .succeeded }
    for index in troubled + others {
      let detail = detail(of: report.nodes[index])
      guard !detail.isEmpty else { continue }
      let member = JSONValue.Member(String(index), .object(detail))
      let size = member.value.utf8().count
      if size <= room {
        room -= size
        members.append(member)
      } else {
        leftOut += 1
      }
    }
    return (members, leftOut)
  }

  private func detail(of node: RunReport.Node) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    if let failure = node.failure { members.append(.init("error", failure.jsonValue)) }
    if let skip = node.skip { members.append(.init("skip", .string(skip.description))) }
    if node.account.isRemarkable || node.failure != nil {
      members.append(.init("account", .object(node.account.jsonMembers)))
    }
    guard let told = timeline[node.name] else { return members }
    let retries = told.attempts.filter { $0.retryAfter != nil }
    if !retries.isEmpty { members.append(.init("retries", .array(retries.map(\.retryJSON)))) }
    if told.attemptsLeftOut > 0 {
      members.append(.init("attempts_left_out", .integer(Int64(told.attemptsLeftOut))))
    }
    let lines = timeline.lines(of: node.name)
    if !lines.isEmpty {
      let entries = lines.map { line -> JSONValue in
        let source = Int64(Self.sources.firstIndex(of: line.source) ?? -1)
        return .array([.integer(line.milliseconds), .integer(source), .string(line.text)])
      }
      members.append(.init("lines", .array(entries)))
    }
    let missing = timeline.linesLeftOut(of: node.name)
    if missing > 0 { members.append(.init("lines_left_out", .integer(Int64(missing)))) }
    return members
  }

  // MARK: Picture

  private var picture: JSONValue {
    let wires = graph.nodes.reduce(0) { $0 + $1.wireCount }
    let isDrawn =
      graph.nodes.count <= HTMLReport.maximumDrawnNodes && wires <= HTMLReport.maximumDrawnWires
      && graph.nodes.map(\.name) == report.nodes.prefix(graph.nodes.count).map(\.name)
    guard isDrawn else {
      return .object([
        .init("drawn", false), .init("most", .integer(Int64(HTMLReport.maximumDrawnNodes))),
        .init("wire_count", .integer(Int64(wires))),
      ])
    }
    let layout = DrawingLayout(graph)
    return .object([
      .init("drawn", true), .init("width", .double(layout.width)), .init("height", .double(layout.height)),
      .init("box_width", .double(DrawingLayout.boxWidth)), .init("port_top", .double(DrawingLayout.portOffset(0))),
      .init("port_height", .double(DrawingLayout.portHeight)),
      .init("boxes", .array(layout.boxes.flatMap { [$0.x, $0.y, $0.height] }.map(JSONValue.double))),
      .init(
        "wires", .array(layout.wires.map { .array([.string(WorkflowDrawing.pathData($0)), .bool($0.isOrder)]) })),
    ])
  }
}

extension WorkflowGraph.Node {
  /// That end at it: connections, and each `needs` of a node that it isn't connected to.
  fileprivate var wireCount: Int {
    let carried = Set(sources.map(\.node))
    return sources.count + dependencies.count { !carried.contains($0) }
  }
}

extension NodeAccount {
  /// Whether there is more to say of it than what the columns say.
  fileprivate var isRemarkable: Bool {
    let isDenied = denials.map { !$0.record.isEmpty } ?? false
    let usesNetwork = egress.map { $0 != EgressUse() } ?? false
    return !limits.isEmpty || held.count > 1 || isDenied || usesNetwork
  }
}

extension RunTimeline.Attempt {
  fileprivate var retryJSON: JSONValue {
    .object([
      .init("attempt", .integer(Int64(number))), .init("after_ms", retryAfter.map(JSONValue.integer) ?? .null),
      .init("memory_bytes", .count(raisedMemory)), .init("class", failureClass.map { .string($0.rawValue) } ?? .null),
      .init("message", failure.map { .string($0.message) } ?? .null),
      .init("cause", failure?.cause.map(JSONValue.string) ?? .null),
    ])
  }
}
