import PluginModel
import Testing

@testable import PipelineEngine

@Suite("The timeline of a run")
struct TimelineTests {
  private static let node = NodeName(unchecked: "a")

  private static func event(
    _ milliseconds: Int64, _ content: RunEvent.Content, node: NodeName = node, account: NodeAccount = NodeAccount()
  ) -> RunEvent {
    RunEvent(milliseconds: milliseconds, node: node, content: content, account: account)
  }

  private static func timeline(_ events: [RunEvent], bounds: RunTimeline.Bounds = .init()) -> RunTimeline {
    var timeline = RunTimeline(bounds: bounds)
    for event in events { timeline.apply(event) }
    return timeline
  }

  @Test("says of each attempt when it waited, ran and ended, why it failed and what it used")
  func attempts() throws {
    let first = NodeAccount(
      usage: ResourceUsage(processorMicroseconds: 5), held: [HeldLimits(attempt: 1, memory: 64)])
    let failure = NodeFailure(.oom, "too much", account: first)
    let all = first.followed(by: NodeAccount(held: [HeldLimits(attempt: 2, memory: 128)]))
    let timeline = Self.timeline([
      Self.event(1, .nodeState(.queued, attempt: 0)), Self.event(4, .nodeState(.running, attempt: 1)),
      Self.event(6, .nodeReport(.started)), Self.event(9, .nodeState(.retrying, attempt: 1)),
      Self.event(9, .nodeRetry(failure, afterMilliseconds: 200, memory: 128)),
      Self.event(209, .nodeState(.queued, attempt: 1)), Self.event(210, .nodeState(.running, attempt: 2)),
      Self.event(230, .nodeState(.succeeded, attempt: 2), account: all),
    ])
    let node = try #require(timeline[Self.node])
    #expect(node.state == .succeeded && node.queued == 1 && node.ended == 230 && node.waitingSince == nil)
    try #require(node.attempts.count == 2)
    let (one, two) = (node.attempts[0], node.attempts[1])
    #expect([one.queued, one.start, one.reachedWorker, one.end] == [1, 4, 6, 9])
    #expect(one.ending == .failed && one.failureClass == .oom && one.failure?.message == "too much")
    #expect(one.usage?.processorMicroseconds == 5 && one.held?.memory == 64)
    #expect(one.retryAfter == 200 && one.raisedMemory == 128)
    #expect([two.queued, two.start, two.end] == [209, 210, 230] && two.ending == .succeeded)
    #expect(two.usage == nil, "what both used together says nothing of one")
    #expect(two.held?.memory == 128 && two.retryAfter == nil)
  }

  @Test("a node that was cancelled between two attempts keeps the end of the one before")
  func cancelledBetween() throws {
    let timeline = Self.timeline([
      Self.event(0, .nodeState(.queued, attempt: 0)), Self.event(0, .nodeState(.running, attempt: 1)),
      Self.event(5, .nodeState(.retrying, attempt: 1)), Self.event(90, .nodeState(.cancelled, attempt: 1)),
    ])
    let attempt = try #require(timeline[Self.node]?.attempts.first)
    #expect(attempt.end == 5 && attempt.ending == .failed)
    #expect(timeline[Self.node]?.ended == 90)
  }

  @Test("a node that was cancelled while it waited for a place says since when it did")
  func cancelledWaiting() {
    let timeline = Self.timeline([
      Self.event(3, .nodeState(.queued, attempt: 0)), Self.event(8, .nodeState(.cancelled, attempt: 0)),
    ])
    #expect(timeline[Self.node]?.waitingSince == 3)
    #expect(timeline[Self.node]?.ended == 8)
    #expect(timeline[Self.node]?.attempts.isEmpty == true)
  }

  @Test("the only attempt of a node has used what the node has used")
  func usage() {
    let account = NodeAccount(usage: ResourceUsage(processorMicroseconds: 7))
    let timeline = Self.timeline([
      Self.event(0, .nodeState(.running, attempt: 1)),
      Self.event(1, .nodeState(.succeeded, attempt: 1), account: account),
    ])
    #expect(timeline[Self.node]?.attempts.first?.usage?.processorMicroseconds == 7)
  }

  @Test("the last lines of a node are kept, and those before counted")
  func lines() {
    var bounds = RunTimeline.Bounds()
    bounds.lines = 3
    let timeline = Self.timeline(
      (0..<10).map { Self.event($0, .nodeReport(.output(line: "\($0)", isError: $0 == 9))) }, bounds: bounds)
    #expect(timeline.lines(of: Self.node).map(\.text) == ["7", "8", "9"])
    #expect(timeline.lines(of: Self.node).map(\.source.word) == ["stdout", "stdout", "stderr"])
    #expect(timeline.lines(of: Self.node).map(\.milliseconds) == [7, 8, 9])
    #expect(timeline.linesLeftOut(of: Self.node) == 7)
  }

  @Test("where all lines together are too many, the oldest go, whosever they are")
  func oldestLines() {
    let quiet = NodeName(unchecked: "quiet")
    var bounds = RunTimeline.Bounds()
    bounds.logBytes = 5 * 65
    var timeline = Self.timeline(
      [Self.event(0, .nodeReport(.log(level: .info, message: "q")), node: quiet)], bounds: bounds)
    for line in 1...4 { timeline.apply(Self.event(1, .nodeReport(.output(line: "\(line)", isError: false)))) }
    #expect(timeline.lines(of: quiet).map(\.text) == ["q"])
    for line in 5...6 { timeline.apply(Self.event(1, .nodeReport(.output(line: "\(line)", isError: false)))) }
    #expect(timeline.lines(of: quiet).isEmpty && timeline.linesLeftOut(of: quiet) == 1)
    #expect(timeline.lines(of: Self.node).map(\.text) == ["2", "3", "4", "5", "6"])
  }

  @Test("a long line is cut between two characters and says so", arguments: 0...9)
  func cutting(_ limit: Int) {
    let cut = "aé€😀b".cut(toBytes: limit)
    #expect(cut == ["…", "a…", "a…", "aé…", "aé…", "aé…", "aé€…", "aé€…", "aé€…", "aé€…"][limit])
    #expect("aé€😀b".cut(toBytes: 11) == "aé€😀b")
  }

  @Test("a failure for which there is no room leaves its class")
  func failureRoom() {
    var bounds = RunTimeline.Bounds()
    bounds.failureBytes = 2_000
    let timeline = Self.timeline(
      (1...3).flatMap { number in
        [
          Self.event(0, .nodeState(.running, attempt: number)), Self.event(1, .nodeState(.retrying, attempt: number)),
          Self.event(1, .nodeRetry(NodeFailure(.crash, "c\(number)"), afterMilliseconds: 1, memory: nil)),
        ]
      }, bounds: bounds)
    #expect(timeline[Self.node]?.attempts.map(\.failure?.message) == ["c1", nil, nil])
    #expect(timeline[Self.node]?.attempts.map(\.failureClass) == [.crash, .crash, .crash])
    #expect(timeline.failuresLeftOut == 2)
  }

  @Test("never keeps more than its bounds allow, whatever the events say", arguments: 0..<40)
  func bounded(_ seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var bounds = RunTimeline.Bounds()
    bounds.nodes = Int.random(in: 0...6, using: &generator)
    bounds.attempts = Int.random(in: 0...4, using: &generator)
    bounds.allAttempts = Int.random(in: 0...9, using: &generator)
    bounds.lines = Int.random(in: 0...5, using: &generator)
    bounds.lineBytes = Int.random(in: 0...40, using: &generator)
    bounds.logBytes = Int.random(in: 0...900, using: &generator)
    bounds.failureBytes = Int.random(in: 0...6_000, using: &generator)
    var timeline = RunTimeline(bounds: bounds)
    var told: [NodeName: Int] = [:]
    for _ in 0..<2_000 {
      let event = Self.randomEvent(&generator)
      if case .nodeReport(let report) = event.content, let node = event.node, report.isLine {
        told[node, default: 0] += 1
      }
      timeline.apply(event)
      #expect(timeline.nodes.count <= bounds.nodes)
      #expect(timeline.logBytes <= bounds.logBytes && timeline.logBytes >= 0)
      #expect(timeline.failureBytes <= bounds.failureBytes && timeline.failureBytes >= 0)
      let counts = timeline.nodes.map(\.attempts.count)
      #expect(counts.allSatisfy { $0 <= bounds.attempts } && counts.reduce(0, +) <= bounds.allAttempts)
      #expect(timeline.attemptCount == counts.reduce(0, +))
    }
    for node in timeline.nodes {
      let lines = timeline.lines(of: node.name)
      #expect(lines.count <= bounds.lines && lines.allSatisfy { $0.text.utf8.count <= bounds.lineBytes + 3 })
      #expect(
        lines.count + timeline.linesLeftOut(of: node.name) == told[node.name] ?? 0, "each line is kept or counted")
      #expect(node.attempts.allSatisfy { $0.end ?? $0.start >= $0.start && $0.queued <= $0.start })
    }
  }

  private static func randomEvent(_ generator: inout SeededGenerator) -> RunEvent {
    let node = NodeName(unchecked: "n\(Int.random(in: 0..<9, using: &generator))")
    let time = [Int64.random(in: -50...5_000, using: &generator), .min, .max][
      Int.random(in: 0..<40, using: &generator) < 38 ? 0 : Int.random(in: 1...2, using: &generator)]
    let text = String(repeating: "é", count: Int.random(in: 0...60, using: &generator))
    let failure = NodeFailure(.crash, text, traceback: text, lastOutput: [text])
    let states: [RunMachine.NodeState] = [
      .waiting, .queued, .running, .running, .retrying, .succeeded, .failed, .skipped, .cancelled,
    ]
    let content: RunEvent.Content =
      switch Int.random(in: 0..<12, using: &generator) {
      case 0: .runStarted(run: text, workflow: text, nodes: [node, NodeName(unchecked: text)])
      case 1: .runFinished(.failed)
      case 2: .nodeRetry(failure, afterMilliseconds: time, memory: .max)
      case 3: .nodeFailed(failure)
      case 4, 5: .nodeReport(.log(level: .error, message: text))
      case 6, 7: .nodeReport(.output(line: text, isError: true))
      case 8: .nodeReport(.started)
      default:
        .nodeState(states.randomElement(using: &generator) ?? .running, attempt: .random(in: 0...9, using: &generator))
      }
    return RunEvent(milliseconds: time, node: node, content: content)
  }

  @Test("agrees with the report of the same run", arguments: 0..<20)
  func agrees(_ seed: Int) throws {
    let sample = ReportSample(
      ReportSample.layered(30, width: 6), parallel: 4, seed: UInt64(seed), failing: 25)
    let timeline = sample.timeline
    #expect(timeline.nodes.map(\.name) == sample.report.nodes.map(\.name))
    for node in sample.report.nodes {
      let told = try #require(timeline[node.name])
      #expect(told.state == node.state && told.skip == node.skip)
      #expect(told.attempts.map(\.number) == (0..<node.attempts).map { $0 + 1 })
      let length = told.attempts.first.flatMap { first in told.attempts.last?.end.map { $0 - first.start } }
      #expect(length == node.milliseconds)
      #expect(told.attempts.last?.failure?.message == node.failure?.message)
    }
  }
}

extension NodeReport {
  fileprivate var isLine: Bool {
    switch self {
    case .log, .output: true
    case .started, .progress, .tests: false
    }
  }
}
