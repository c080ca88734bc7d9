import Foundation
import LinuxSystem
import NIOCore
import PluginModel
import ServiceLifecycle
import Telemetry
import Testing
import Tracing

@Suite("Spans that are sent to a collector")
struct SpanExportTests {
  private struct Moment: TracerInstant {
    var nanosecondsSinceEpoch: UInt64
    init(_ nanoseconds: UInt64) { nanosecondsSinceEpoch = nanoseconds }
    static func < (left: Self, right: Self) -> Bool { left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch }
  }

  private struct Failure: Error {}

  /// A tracer whose spans go to an exporter, while `body` runs, until it has ended gracefully.
  private struct Rig: Sendable {
    let metrics = MetricsRegistry()
    let queue: SpanQueue
    let tracer: RunTracer
    let reports = Lock([Diagnostic]())
    let settings: ExportSettings
    var patience = SpanExporter.Patience()

    init(_ address: String, headers: String? = nil, limits: SpanQueue.Limits = .init()) throws {
      queue = SpanQueue(limits: limits, metrics: metrics)
      tracer = RunTracer(queue)
      settings = try #require(
        try ExportSettings { $0 == .endpoint ? address : $0 == .headers ? headers : $0 == .serviceName ? "ci" : nil })
      patience.batching = .milliseconds(20)
      patience.backoff = .milliseconds(10)
      patience.ending = .seconds(2)
    }

    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
      let exporter = SpanExporter(queue, to: settings, version: "1.2.3", patience: patience, metrics: metrics) {
        report in
        reports.withLock { $0.append(report) }
      }
      let group = ServiceGroup(services: [exporter], logger: .init(label: "test") { _ in SilentLog() })
      let running = Task { try await group.run() }
      let result = await Task { try await body() }.result
      await group.triggerGracefulShutdown()
      try await running.value
      try result.get()
    }

    func metric(_ line: String) -> Bool {
      String(decoding: metrics.text(), as: UTF8.self).contains(line + "\n")
    }
  }

  @Test("a span is what OTLP's JSON says: hexadecimal identifiers, times as strings, numbers of enumerations")
  func shape() async throws {
    let collector = try await Collector()
    let rig = try Rig(collector.address, headers: "x-key=s%20ecret")
    try await rig.run {
      let parent = rig.tracer.startSpan(
        "run", context: .topLevel, ofKind: .server, at: Moment(1_767_225_599_000_000_001))
      let child = rig.tracer.startSpan("node", context: parent.context, at: Moment(1_767_225_599_000_000_002))
      child.attributes["run.id"] = "r\u{0}1"
      child.attributes["count"] = 7
      child.attributes["share"] = 0.5
      child.attributes["odd"] = Double.nan
      child.attributes["cached"] = SpanAttribute.bool(true)
      child.attributes["names"] = ["a", "b"]
      child.addEvent(SpanEvent(name: "placed", at: Moment(3), attributes: ["host": "h"]))
      child.recordError(Failure())
      child.addLink(SpanLink(context: parent.context, attributes: [:]))
      child.setStatus(SpanStatus(code: .error, message: "it failed"))
      child.end(at: Moment(1_767_225_599_500_000_000))
      child.end(at: Moment(9))
      child.attributes["late"] = 1
      parent.setStatus(SpanStatus(code: .ok))
      // A clock that was set back makes no negative time.
      parent.end(at: Moment(5))
      let spans = try await collector.spans(atLeast: 2)
      #expect(spans.count == 2)
      let (node, run) = (spans[0], spans[1])
      #expect(node["name"] == "node" && node["kind"] == 1 && run["kind"] == 2)
      #expect(node["traceId"] == .string("\(parent.place.trace)") && node["parentSpanId"] == run["spanId"])
      #expect(run["parentSpanId"] == nil && run["status"] == ["code": 1])
      #expect(run["startTimeUnixNano"] == "1767225599000000001" && run["endTimeUnixNano"] == "1767225599000000001")
      #expect(node["endTimeUnixNano"] == "1767225599500000000")
      #expect(node["status"] == ["message": "it failed", "code": 2])
      let text: (String) -> JSONValue = { ["stringValue": .string($0)] }
      let expected: [JSONValue] = [
        ["key": "cached", "value": ["boolValue": true]], ["key": "count", "value": ["intValue": "7"]],
        ["key": "names", "value": ["arrayValue": ["values": .array([text("a"), text("b")])]]],
        ["key": "odd", "value": ["doubleValue": "NaN"]], ["key": "run.id", "value": text("r\u{0}1")],
        ["key": "share", "value": ["doubleValue": .double(0.5)]],
      ]
      #expect(node["attributes"]?.arrayValue == expected)
      let events = node["events"]?.arrayValue ?? []
      let placed: JSONValue = [
        "timeUnixNano": "3", "name": "placed", "attributes": .array([["key": "host", "value": text("h")]]),
      ]
      #expect(events.first == placed)
      #expect(events.last?["name"] == "exception" && events.count == 2)
      #expect(node["links"]?.arrayValue?.first?["spanId"] == run["spanId"])
    }
    let request = try #require(collector.requests.first)
    #expect(request.method == "POST" && request.path == "/v1/traces" && request.headers["x-key"] == "s ecret")
    #expect(request.headers["content-type"] == "application/json")
    let resource = try JSONValue(json: request.body)["resourceSpans"]?.arrayValue?.first?["resource"]?["attributes"]
    #expect(resource?.arrayValue?.first == ["key": "service.name", "value": ["stringValue": "ci"]])
    #expect(rig.metric("trace_spans_exported_total 2") && rig.reports.withLock { $0.isEmpty })
    try await collector.close()
  }

  @Test("a span of a trace that nobody wants kept isn't sent")
  func unsampled() async throws {
    let collector = try await Collector()
    let rig = try Rig(collector.address)
    try await rig.run {
      var context = ServiceContext.topLevel
      context.trace = TraceContext(parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
      let span = rig.tracer.startSpan("hidden", context: context)
      #expect(!span.isRecording)
      span.end()
      rig.tracer.startSpan("shown", context: .topLevel).end()
      let names = try await collector.spans(atLeast: 1).map { $0["name"] }
      #expect(names == ["shown"])
    }
    try await collector.close()
  }

  @Test("what a collector postpones is sent again, and what it refuses isn't")
  func statuses() async throws {
    let collector = try await Collector { number in
      switch number {
      case 0: .init(status: 503)
      case 1: .init(status: 429, headers: [("retry-after", "0")])
      case 2: .init()
      case 3: .init(status: 400)
      default: .init(body: #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too\nold"}}"#)
      }
    }
    let rig = try Rig(collector.address)
    try await rig.run {
      for (name, requests) in [("a", 3), ("b", 4), ("c", 5)] {
        rig.tracer.startSpan(name, context: .topLevel).end()
        _ = try await collector.spans(atLeast: requests)
        // Until what the answer says is counted.
        try await Task.sleep(for: .milliseconds(100))
      }
    }
    #expect(try collector.requests.flatMap { try $0.spans }.map { $0["name"] } == ["a", "a", "a", "b", "c"])
    #expect(rig.metric("trace_spans_exported_total 1"))
    #expect(rig.metric(#"trace_spans_dropped_total{reason="refused"} 2"#))
    #expect(rig.reports.withLock { $0.map(\.why) } == ["it answers 400"])
    try await collector.close()
  }

  @Test("where nobody answers, nothing that is traced waits or fails, and what is lost is counted and told once")
  func dead() async throws {
    let closed = try await Collector()
    try await closed.close()
    let rig = try Rig(closed.address, limits: .init(spans: 50))
    try await rig.run {
      let start = ContinuousClock.now
      for _ in 0..<1000 { rig.tracer.withSpan("node", context: .topLevel) { $0.attributes["a"] = 1 } }
      #expect(ContinuousClock.now - start < .seconds(2))
      let end = ContinuousClock.now + .seconds(20)
      while !String(decoding: rig.metrics.text(), as: UTF8.self).contains("unreachable"), ContinuousClock.now < end {
        try await Task.sleep(for: .milliseconds(10))
      }
    }
    let text = String(decoding: rig.metrics.text(), as: UTF8.self)
    let dropped = text.split(separator: "\n").filter { $0.hasPrefix("trace_spans_dropped_total{") }
      .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    #expect(dropped == 1000 && rig.queue.count == 0, "\(text)")
    #expect(text.contains(#"reason="full""#) && text.contains(#"reason="unreachable""#))
    #expect(rig.reports.withLock { $0.count } == 1)
  }

  @Test("a slow collector holds up neither what is traced nor the end")
  func slow() async throws {
    let collector = try await Collector { _ in .init(delay: .seconds(30)) }
    var rig = try Rig(collector.address, limits: .init(spans: 20))
    rig.patience.ending = .milliseconds(300)
    let start = ContinuousClock.now
    let running = rig
    try await running.run {
      running.tracer.startSpan("first", context: .topLevel).end()
      while collector.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      for _ in 0..<100 { running.tracer.startSpan("later", context: .topLevel).end() }
      #expect(running.queue.count <= 20)
    }
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(running.queue.count == 0)
    let text = String(decoding: running.metrics.text(), as: UTF8.self)
    #expect(text.contains(#"reason="ended""#) && text.contains(#"trace_spans_dropped_total{reason="full"}"#), "\(text)")
    try await collector.close()
  }

  @Test("at the end what is left is sent")
  func flushed() async throws {
    let collector = try await Collector()
    var rig = try Rig(collector.address)
    rig.patience.batching = .seconds(600)
    let running = rig
    try await running.run {
      // Not so many that they would be sent at once.
      for _ in 0..<100 { running.tracer.startSpan("node", context: .topLevel).end() }
      try await Task.sleep(for: .milliseconds(50))
      #expect(collector.requests.isEmpty)
    }
    #expect(try collector.requests.flatMap { try $0.spans }.count == 100)
    try await collector.close()
  }

  @Test("a span is bounded, whatever is said of it")
  func bounded() async throws {
    let collector = try await Collector()
    let rig = try Rig(collector.address)
    try await rig.run {
      let span = rig.tracer.startSpan(String(repeating: "n", count: 10_000), context: .topLevel)
      for number in 0..<1000 { span.addEvent(SpanEvent(name: "e\(number)")) }
      for number in 0..<1000 { span.attributes["a\(number)"] = number }
      span.attributes["0"] = String(repeating: "ä", count: 100_000)
      span.end()
      let large = rig.tracer.startSpan("large", context: .topLevel)
      large.attributes["a"] = SpanAttribute.stringArray(
        Array(repeating: String(repeating: "x", count: 4096), count: 1000))
      large.end()
      let sent = try #require(try await collector.spans(atLeast: 1).first)
      #expect(sent["name"]?.stringValue?.utf8.count == 256)
      #expect(sent["events"]?.arrayValue?.count == 128 && sent["droppedEventsCount"] == 872)
      #expect(sent["attributes"]?.arrayValue?.count == 128 && sent["droppedAttributesCount"] == 873)
      let value = sent["attributes"]?.arrayValue?.first?["value"]?["stringValue"]?.stringValue
      #expect(value?.unicodeScalars.count == 4096)
    }
    #expect(rig.metric(#"trace_spans_dropped_total{reason="full"} 1"#))
    try await collector.close()
  }
}
