import PluginModel
import Tracing

/// All that is known of a span, and how it is sent: as OTLP has it in JSON. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
struct SpanRecord: Sendable {
  static let maximumEvents = 128
  static let maximumLinks = 32
  static let maximumAttributes = 128
  /// Unicode scalars of a name, and of a value; more are cut. Items of a list.
  static let maximumName = 256
  static let maximumValue = 4096
  static let maximumItems = 128

  let place: TraceContext
  let parent: SpanIdentifier?
  var name: String
  let kind: SpanKind
  /// Nanoseconds since 1970.
  let start: UInt64
  var attributes: SpanAttributes = [:]
  var status: SpanStatus?
  private(set) var events: [SpanEvent] = []
  private(set) var links: [SpanLink] = []
  private(set) var droppedEvents = 0
  private(set) var droppedLinks = 0

  init(place: TraceContext, parent: SpanIdentifier?, name: String, kind: SpanKind, start: UInt64) {
    self.place = place
    self.parent = parent
    self.name = name
    self.kind = kind
    self.start = start
  }

  mutating func add(_ event: SpanEvent) {
    guard events.count < Self.maximumEvents else {
      droppedEvents += 1
      return
    }
    events.append(event)
  }

  mutating func add(_ link: SpanLink) {
    guard links.count < Self.maximumLinks else {
      droppedLinks += 1
      return
    }
    links.append(link)
  }

  /// - Parameter end: nanoseconds since 1970. A clock that was set back makes it no negative time.
  func encoded(end: UInt64) -> [UInt8] {
    var members: [JSONValue.Member] = [
      .init("traceId", .string("\(place.trace)")), .init("spanId", .string("\(place.span)")),
    ]
    if let state = place.state { members.append(.init("traceState", .string(state))) }
    if let parent { members.append(.init("parentSpanId", .string("\(parent)"))) }
    members += [
      .init("name", .string(Self.cut(name, to: Self.maximumName))), .init("kind", .integer(kind.number)),
      .init("startTimeUnixNano", .string("\(start)")), .init("endTimeUnixNano", .string("\(max(start, end))")),
    ]
    members += Self.members(attributes)
    if !events.isEmpty { members.append(.init("events", .array(events.map(Self.event)))) }
    if droppedEvents > 0 { members.append(.init("droppedEventsCount", .integer(Int64(droppedEvents)))) }
    if !links.isEmpty { members.append(.init("links", .array(links.compactMap(Self.link)))) }
    if droppedLinks > 0 { members.append(.init("droppedLinksCount", .integer(Int64(droppedLinks)))) }
    if let status { members.append(.init("status", Self.status(status))) }
    return JSONValue.object(members).utf8()
  }

  private static func event(_ event: SpanEvent) -> JSONValue {
    .object(
      [
        .init("timeUnixNano", .string("\(event.nanosecondsSinceEpoch)")),
        .init("name", .string(cut(event.name, to: maximumName))),
      ] + members(event.attributes))
  }

  private static func link(_ link: SpanLink) -> JSONValue? {
    guard let place = link.context.trace else { return nil }
    return .object(
      [.init("traceId", .string("\(place.trace)")), .init("spanId", .string("\(place.span)"))]
        + members(link.attributes))
  }

  private static func status(_ status: SpanStatus) -> JSONValue {
    var members: [JSONValue.Member] = [.init("code", status.code == .ok ? 1 : 2)]
    if let message = status.message { members.insert(.init("message", .string(cut(message, to: maximumValue))), at: 0) }
    return .object(members)
  }

  // MARK: Attributes

  /// In the order of their names.
  private static func members(_ attributes: SpanAttributes) -> [JSONValue.Member] {
    var pairs: [(name: String, value: SpanAttribute)] = []
    attributes.forEach { pairs.append(($0, $1)) }
    guard !pairs.isEmpty else { return [] }
    pairs.sort { $0.name < $1.name }
    var members: [JSONValue.Member] = [
      .init(
        "attributes", .array(pairs.prefix(maximumAttributes).map { attribute($0.name, value($0.value)) }))
    ]
    if pairs.count > maximumAttributes {
      members.append(.init("droppedAttributesCount", .integer(Int64(pairs.count - maximumAttributes))))
    }
    return members
  }

  static func attribute(_ name: String, _ value: JSONValue) -> JSONValue {
    ["key": .string(cut(name, to: maximumName)), "value": value]
  }

  static func text(_ text: String) -> JSONValue { ["stringValue": .string(cut(text, to: maximumValue))] }

  private static func value(_ attribute: SpanAttribute) -> JSONValue {
    switch attribute {
    case .int32(let number): integer(Int64(number))
    case .int64(let number): integer(number)
    case .double(let number): double(number)
    case .bool(let flag): bool(flag)
    case .string(let text): self.text(text)
    case .stringConvertible(let value): text("\(value)")
    case .int32Array(let items): list(items) { integer(Int64($0)) }
    case .int64Array(let items): list(items, integer)
    case .doubleArray(let items): list(items, double)
    case .boolArray(let items): list(items, bool)
    case .stringArray(let items): list(items, text)
    case .stringConvertibleArray(let items): list(items) { text("\($0)") }
    default: text("")
    }
  }

  /// 64-bit integers are strings in protobuf's JSON.
  private static func integer(_ number: Int64) -> JSONValue { ["intValue": .string("\(number)")] }
  private static func bool(_ flag: Bool) -> JSONValue { ["boolValue": .bool(flag)] }

  private static func double(_ number: Double) -> JSONValue {
    let word = number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
    return ["doubleValue": number.isFinite ? .double(number) : .string(word)]
  }

  private static func list<Item>(_ items: [Item], _ each: (Item) -> JSONValue) -> JSONValue {
    ["arrayValue": ["values": .array(items.prefix(maximumItems).map(each))]]
  }

  private static func cut(_ text: String, to count: Int) -> String {
    guard text.utf8.count > count else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(count)))
  }
}

extension SpanKind {
  fileprivate var number: Int64 {
    switch self {
    case .internal: 1
    case .server: 2
    case .client: 3
    case .producer: 4
    case .consumer: 5
    }
  }
}
