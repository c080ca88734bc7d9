import PluginModel

/// A run in the Trace Event Format, which Perfetto, chrome://tracing and speedscope open:
/// <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>, and what Perfetto reads of it:
/// <https://perfetto.dev/docs/getting-started/other-formats>. Times are microseconds since the run began.
///
/// A track ("thread") is a place to run: as many as were in use at one time. Every attempt is a complete event (`X`), every wait for a
/// place an asynchronous one (`b`, `e`); counters (`C`) say how many nodes ran and how many waited.
package enum TraceEvents {
  /// Waits beyond, the shortest ones, are only counted.
  static let maximumWaits = 10_000
  private static let process: Int64 = 1

  package static func json(report: RunReport, timeline: RunTimeline) -> [UInt8] {
    let spans = spans(report, timeline)
    let waits = waits(report, timeline)
    let longest = waits.indices.sorted { (-waits[$0].length, $0) < (-waits[$1].length, $1) }.prefix(maximumWaits)
      .sorted()
    let slots = SlotAssignment(spans.map { ($0.start, $0.end) })
    var events = names(report, slotCount: slots.slotCount)
    events += zip(spans, slots.slots).map { $0.event(track: $1 + 1) }
    for (number, index) in longest.enumerated() { events += waits[index].events(identifier: number) }
    events += counter("running nodes", spans.map { ($0.start, $0.end) })
    events += counter("queued nodes", waits.map { ($0.start, $0.end) })
    let facts: [JSONValue.Member] = [
      .init("run", .string(report.run)), .init("workflow", .string(report.workflow)),
      .init("outcome", .string(report.outcome.rawValue)),
      .init("waits_left_out_count", .integer(Int64(waits.count - longest.count))),
    ]
    return JSONValue.object([
      .init("displayTimeUnit", "ms"), .init("otherData", .object(facts)), .init("traceEvents", .array(events)),
    ]).utf8()
  }

  private static func names(_ report: RunReport, slotCount: Int) -> [JSONValue] {
    var events = [metadata("process_name", track: 0, .init("name", .string("workflow \(report.workflow)")))]
    for track in 0..<slotCount {
      events.append(metadata("thread_name", track: track + 1, .init("name", .string("place \(track + 1)"))))
      events.append(metadata("thread_sort_index", track: track + 1, .init("sort_index", .integer(Int64(track)))))
    }
    return events
  }

  private static func metadata(_ name: String, track: Int, _ argument: JSONValue.Member) -> JSONValue {
    .object([
      .init("name", .string(name)), .init("ph", "M"), .init("pid", .integer(process)),
      .init("tid", .integer(Int64(track))), .init("args", .object([argument])),
    ])
  }

  // MARK: Attempts

  /// Microseconds.
  private struct Span {
    var node: RunReport.Node
    var attempt: RunTimeline.Attempt
    var start: Int64
    var end: Int64

    func event(track: Int) -> JSONValue {
      var arguments: [JSONValue.Member] = [
        .init("type", .string(node.type.description)), .init("attempt", .integer(Int64(attempt.number))),
        .init("state", .string(attempt.ending?.rawValue ?? "running")),
        .init("queued_us", .integer(start - microseconds(attempt.queued))),
      ]
      if let kind = attempt.failureClass { arguments.append(.init("class", .string(kind.rawValue))) }
      if let failure = attempt.failure {
        arguments.append(.init("message", .string(failure.message.cut(toBytes: 1_024))))
      }
      if let reached = attempt.reachedWorker {
        arguments.append(.init("worker_start_us", .integer(max(0, microseconds(reached) - start))))
      }
      if let usage = attempt.usage {
        arguments.append(.init("memory_peak_bytes", .count(usage.memoryPeak?.bytes)))
        arguments.append(.init("cpu_us", .count(usage.processorMicroseconds)))
      }
      if let held = attempt.held {
        arguments.append(.init("memory_limit_bytes", .count(held.memory)))
        arguments.append(.init("processors", held.processors.map(JSONValue.double) ?? .null))
      }
      return .object([
        .init("name", .string(node.name.text)), .init("cat", "attempt"), .init("ph", "X"),
        .init("pid", .integer(process)), .init("tid", .integer(Int64(track))), .init("ts", .integer(start)),
        .init("dur", .integer(end - start)), .init("args", .object(arguments)),
      ])
    }
  }

  private static func spans(_ report: RunReport, _ timeline: RunTimeline) -> [Span] {
    report.nodes.flatMap { node in
      (timeline[node.name]?.attempts ?? []).map { attempt in
        let start = microseconds(attempt.start)
        return Span(
          node: node, attempt: attempt, start: start,
          end: max(start, microseconds(attempt.end ?? report.milliseconds)))
      }
    }
  }

  // MARK: Waits

  /// Microseconds.
  private struct Wait {
    var node: NodeName
    var start: Int64
    var end: Int64
    var length: Int64 { end - start }

    /// All of one name: Perfetto then shows them beneath each other, and not each on a track of its own.
    func events(identifier: Int) -> [JSONValue] {
      let head: [JSONValue.Member] = [
        .init("name", "queued"), .init("cat", "queue"), .init("pid", .integer(process)),
        .init("tid", 0), .init("id", .string("wait-\(identifier)")),
      ]
      return [
        .object(
          head + [
            .init("ph", "b"), .init("ts", .integer(start)),
            .init("args", .object([.init("node", .string(node.text))])),
          ]), .object(head + [.init("ph", "e"), .init("ts", .integer(end)), .init("args", .object([]))]),
      ]
    }
  }

  private static func waits(_ report: RunReport, _ timeline: RunTimeline) -> [Wait] {
    report.nodes.flatMap { node -> [Wait] in
      guard let told = timeline[node.name] else { return [] }
      var waits = told.attempts.map { ($0.queued, $0.start) }
      if let since = told.waitingSince { waits.append((since, told.ended ?? report.milliseconds)) }
      return waits.filter { $0.0 < $0.1 }
        .map { Wait(node: node.name, start: microseconds($0.0), end: microseconds($0.1)) }
    }
  }

  // MARK: Counters

  /// How many of the intervals there are, wherever that changes.
  private static func counter(_ name: String, _ intervals: [(start: Int64, end: Int64)]) -> [JSONValue] {
    var changes: [Int64: Int] = [:]
    for interval in intervals {
      changes[interval.start, default: 0] += 1
      changes[interval.end, default: 0] -= 1
    }
    var count = 0
    return changes.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { time, change in
      count += change
      return .object([
        .init("name", .string(name)), .init("ph", "C"), .init("pid", .integer(process)), .init("tid", 0),
        .init("ts", .integer(time)), .init("args", .object([.init("nodes", .integer(Int64(count)))])),
      ])
    }
  }

  /// Never negative, and far from where sums overflow.
  private static func microseconds(_ milliseconds: Int64) -> Int64 {
    max(0, min(milliseconds, .max / 4_000)) * 1_000
  }
}
