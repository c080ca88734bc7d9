import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A run as trace events")
struct TraceTests {
  private static func events(_ sample: ReportSample) throws -> [JSONValue] {
    let value = try JSONValue(json: TraceEvents.json(report: sample.report, timeline: sample.timeline))
    #expect(value["displayTimeUnit"] == "ms")
    return try #require(value["traceEvents"]?.arrayValue)
  }

  private static func phase(_ phase: String, _ events: [JSONValue]) -> [JSONValue] {
    events.filter { $0["ph"]?.stringValue == phase }
  }

  @Test("one attempt is one complete event, with its wait and its place")
  func one() throws {
    let sample = ReportSample.saying("x")
    let text = String(decoding: TraceEvents.json(report: sample.report, timeline: sample.timeline), as: UTF8.self)
    let name = #""pid":1,"tid":0"#
    #expect(
      text
        == #"{"displayTimeUnit":"ms","otherData":{"run":"x","workflow":"x","outcome":"succeeded","waits_left_out_count":0},"#
        + #""traceEvents":[{"name":"process_name","ph":"M",\#(name),"args":{"name":"workflow x"}},"#
        + #"{"name":"thread_name","ph":"M","pid":1,"tid":1,"args":{"name":"place 1"}},"#
        + #"{"name":"thread_sort_index","ph":"M","pid":1,"tid":1,"args":{"sort_index":0}},"#
        + #"{"name":"x","cat":"attempt","ph":"X","pid":1,"tid":1,"ts":2000,"dur":3000,"args":{"type":"x/x","attempt":1,"#
        + #""state":"failed","queued_us":2000,"class":"error","message":"x"}},"#
        + #"{"name":"queued","cat":"queue",\#(name),"id":"wait-0","ph":"b","ts":0,"args":{"node":"x"}},"#
        + #"{"name":"queued","cat":"queue",\#(name),"id":"wait-0","ph":"e","ts":2000,"args":{}},"#
        + #"{"name":"running nodes","ph":"C",\#(name),"ts":2000,"args":{"nodes":1}},"#
        + #"{"name":"running nodes","ph":"C",\#(name),"ts":5000,"args":{"nodes":0}},"#
        + #"{"name":"queued nodes","ph":"C",\#(name),"ts":0,"args":{"nodes":1}},"#
        + #"{"name":"queued nodes","ph":"C",\#(name),"ts":2000,"args":{"nodes":0}}]}"#)
  }

  @Test("every attempt is there, and as many tracks as ran at once", arguments: 0..<10)
  func tracks(_ seed: Int) throws {
    let sample = ReportSample(
      ReportSample.layered(60, width: 12), parallel: 5, seed: UInt64(seed), failing: 20)
    let events = try Self.events(sample)
    let attempts = Self.phase("X", events)
    #expect(attempts.count == sample.report.nodes.map(\.attempts).reduce(0, +))
    let most = Self.phase("C", events).filter { $0["name"] == "running nodes" }
      .compactMap { $0["args"]?["nodes"]?.integerValue }.max()
    #expect(Set(attempts.compactMap { $0["tid"]?.integerValue }).count == most.map(Int.init))
    #expect(Self.phase("b", events).count == Self.phase("e", events).count)
    for name in ["running nodes", "queued nodes"] as [JSONValue] {
      #expect(Self.phase("C", events).last { $0["name"] == name }?["args"]?["nodes"] == 0)
    }
  }

  @Test("intervals on one track don't overlap, and there is no track too many", arguments: 0..<50)
  func slots(_ seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let intervals = (0..<200).map { _ in
      let start = Int64.random(in: 0...300, using: &generator)
      return (start: start, end: start + Int64.random(in: 0...20, using: &generator))
    }
    let assignment = SlotAssignment(intervals)
    for (index, first) in intervals.enumerated() {
      for (other, second) in intervals.enumerated()
      where index < other && assignment.slots[index] == assignment.slots[other] {
        let overlap = min(first.end, second.end) - max(first.start, second.start)
        #expect(overlap <= 0 || first.start == first.end || second.start == second.end)
      }
    }
    let most: Int = (0...320).map { time in intervals.count { $0.start <= time && time < $0.end } }.max() ?? 0
    let instants = intervals.contains { $0.start == $0.end } ? 1 : 0
    #expect((most...(most + instants)).contains(assignment.slotCount))
  }

  @Test("of very many waits the longest are told and the rest counted")
  func waits() throws {
    let count = TraceEvents.maximumWaits + 5
    let sample = ReportSample(
      ReportSample.layered(count, width: count), parallel: 1, seed: 1, failing: 0, lines: 0)
    let json = TraceEvents.json(report: sample.report, timeline: sample.timeline)
    let value = try JSONValue(json: json)
    let begun = (value["traceEvents"]?.arrayValue ?? []).filter { $0["ph"] == "b" }
    #expect(begun.count == TraceEvents.maximumWaits)
    // The first never waits.
    #expect(value["otherData"]?["waits_left_out_count"] == 4)
    #expect(!begun.contains { $0["args"]?["node"] == "node_1" }, "it waited for one other only")
  }

  @Test("hostile text stays text", arguments: ReportSample.hostile)
  func hostile(_ text: String) throws {
    let events = try Self.events(ReportSample.saying(text))
    #expect(Self.phase("X", events).first?["name"] == .string(text))
    #expect(events.count == 10)
  }

  @Test("times beyond all measure don't trap")
  func extremes() throws {
    var sample = ReportSample.saying("x")
    for (index, time) in [Int64.min, .max, .min, 0, .max, .max].enumerated() {
      sample.events[index].milliseconds = time
    }
    sample.report.milliseconds = .max
    let attempt = try #require(Self.phase("X", try Self.events(sample)).first)
    #expect((attempt["dur"]?.integerValue ?? -1) >= 0)
    #expect((attempt["ts"]?.integerValue ?? -1) >= 0)
  }
}
