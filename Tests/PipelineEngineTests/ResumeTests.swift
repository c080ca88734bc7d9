import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A run that was cut off goes on as if it hadn't been")
struct ResumeTests {
  /// What a node does at an attempt follows from the seed alone, and what it returns from its inputs too.
  private static func executor(_ seed: UInt64) -> ScriptedExecutor {
    ScriptedExecutor { call throws(NodeFailure) in
      let name = call.node.text.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
      var fate = SeededGenerator(seed: seed &* 1_000_003 &+ name &* 101 &+ UInt64(call.attempt))
      for _ in 0..<Int.random(in: 0...5, using: &fate) { await Task.yield() }
      switch Int.random(in: 0..<10, using: &fate) {
      case 0, 1: throw NodeFailure(.crash, "attempt \(call.attempt)")
      case 2: throw NodeFailure(.error, "no", cause: "a cause", hint: "a hint", traceback: "trace", lastOutput: ["x"])
      default: break
      }
      let inputs = call.inputs.flatMap { input in input.values.map { "\(input.port)=\($0.digestOfContent)" } }
      let text = "\(call.node) \(call.attempt) \(inputs.joined(separator: ","))"
      let items = (0..<(text.utf8.reduce(0) { $0 &* 31 &+ Int($1) } & 3)).map { JSONValue.string("\(text) \($0)") }
      let isList = call.type.nodeType.text == "split"
      return NodeSuccess(outputs: [
        (PortName(unchecked: "output"), [NodeValue(json: isList ? .array(items) : .string(text))]),
        (PortName(unchecked: "size"), [NodeValue(json: .integer(Int64(text.utf8.count)))]),
      ])
    }
  }

  private static func run(
    _ graph: WorkflowGraph, _ executor: ScriptedExecutor, _ journal: MemoryJournal, after history: RunHistory? = nil
  ) async -> RunReport {
    await RunExecution(executor: executor, clock: FastClock(), keeping: RunKeeping(journal)) { _ in }
      .run(
        graph, identifier: "r", maximumParallel: 3, timeoutMilliseconds: nil,
        restored: history?.restored(graph) { MemoryResults.values($1.outputs) } ?? [:])
  }

  /// What must not differ: states, attempts, why, and what came out.
  private static func summary(_ report: RunReport) -> [String] {
    // Instances come to be in the order in which their lists do.
    report.nodes.sorted { $0.name < $1.name }.map { node in
      let failure = node.failure.map { "\($0.kind) \($0.message) \($0.cause ?? "") \($0.lastOutput)" } ?? ""
      // Which of several failures a skipped node is told to have waited for depends on which came first.
      return "\(node.name) \(node.state) \(node.attempts) \(failure) \(node.skip != nil)"
    } + report.outputs.map { "\($0.name) \($0.values.map(\.digestOfContent))" } + ["\(report.outcome)"]
  }

  @Test("cut off after any record, it ends in the same, and nothing that had ended runs again", arguments: 0..<24)
  func everyRecord(_ seed: Int) async throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let graph = try RunMachineTests.randomGraph(
      Int.random(in: 2...14, using: &generator), isTolerant: true, &generator)
    let journal = MemoryJournal()
    let whole = await Self.run(graph, Self.executor(UInt64(seed)), journal)
    let records = journal.records
    for count in 0...records.count {
      let before = Array(records.prefix(count))
      // As it comes back from a table.
      var history = RunHistory(before.compactMap { JournalRecord($0.row) })
      guard history.outcome == nil else { continue }
      history.goOn()
      let executor = Self.executor(UInt64(seed))
      let later = MemoryJournal()
      let report = await Self.run(graph, executor, later, after: history)
      #expect(Self.summary(report) == Self.summary(whole), "cut off after \(count) of \(records.count)")
      let again = Set(executor.calls.map(\.node)).intersection(history.ended)
      #expect(again.isEmpty, "they had ended: \(again)")
      // And what both wrote together tells the same as what one would have.
      let joined = RunHistory(before + later.records)
      #expect(joined.outcome == whole.outcome)
      for node in whole.nodes {
        if case .succeeded(let result) = joined[node.name].standing {
          #expect(node.state == .succeeded && result.attempts == node.attempts)
        } else {
          #expect(node.state != .succeeded)
        }
      }
    }
  }

  @Test("one that had ended tries anew what didn't succeed, and that alone")
  func ended() async throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source}
        b: {type: demo/step, in: {input: a.output}, retry: {max: 1, on: [error]}}
        c: {type: demo/step, in: {input: b.output}}
        """, more: "outputs: {r: c.output}"))
    let journal = MemoryJournal()
    let first = await Self.run(
      graph,
      ScriptedExecutor { call throws(NodeFailure) in
        if call.node.text == "b" { throw NodeFailure(.error, "no") }
        return .everything
      }, journal)
    #expect(first.nodes.map(\.state) == [.succeeded, .failed, .skipped])
    let executor = ScriptedExecutor { _ in .everything }
    var history = RunHistory(journal.records)
    history.goOn()
    let second = await Self.run(graph, executor, journal, after: history)
    #expect(second.outcome == .succeeded)
    #expect(executor.calls.map { "\($0.node) \($0.attempt)" } == ["b 1", "c 1"])
    #expect(second.nodes.map(\.attempts) == [1, 1, 1])
    #expect(second.outputs.count == 1)
    #expect(RunHistory(journal.records).outcome == .succeeded)
  }

  @Test("an attempt that ran out of memory is followed by one that has more, however often the run is cut off")
  func raisedMemory() async throws {
    let failure = NodeFailure(.oom, "full", account: NodeAccount(limits: [.memory(limit: 64 << 20, peak: nil)]))
    let history = RunHistory([
      JournalRecord(time: 1, .began), JournalRecord(time: 2, .started(NodeName(unchecked: "a"), attempt: 1)),
      JournalRecord(
        time: 3, .retried(NodeName(unchecked: "a"), attempt: 1, failure, memory: 128 << 20)),
      JournalRecord(time: 4, .started(NodeName(unchecked: "a"), attempt: 2)),
    ])
    let graph = try Demo.graph(Demo.workflow("a: {type: demo/source, retry: {max: 2, on: [oom]}}"))
    let executor = ScriptedExecutor { _ in .everything }
    _ = await Self.run(graph, executor, MemoryJournal(), after: history)
    #expect(executor.calls.map(\.attempt) == [2])
    #expect(executor.calls.first?.raisedMemory == 128 << 20)
  }

  @Test("what is no longer kept is run again")
  func lost() async throws {
    let graph = try Demo.graph(
      Demo.workflow(
        "a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}", more: "outputs: {r: b.output}"))
    let journal = MemoryJournal()
    _ = await Self.run(graph, ScriptedExecutor { _ in .everything }, journal)
    let history = RunHistory(journal.records.filter { if case .finished = $0.content { false } else { true } })
    let restored = history.restored(graph) { name, result in
      name.text == "a" ? nil : MemoryResults.values(result.outputs)
    }
    let executor = ScriptedExecutor { _ in .everything }
    let report = await RunExecution(executor: executor, clock: FastClock()) { _ in }
      .run(graph, identifier: "r", maximumParallel: 1, timeoutMilliseconds: nil, restored: restored)
    #expect(executor.calls.map(\.node.text) == ["a"])
    #expect(report.outcome == .succeeded && report.outputs.count == 1)
  }

  @Test("what had succeeded before a cancellation that comes first has succeeded all the same")
  func cancelledBeforeGoingOn() throws {
    let graph = try Demo.graph(
      Demo.workflow("a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}"))
    var machine = RunMachine(
      graph: graph, run: "r", restored: [0: .succeeded(.everything, attempts: 1, milliseconds: 5)])
    let cancelled = machine.handle(.cancelRequested(.user))
    let isTold = cancelled.contains { if case .announce(0, _) = $0 { true } else { false } }
    #expect(!isTold, "nothing is written down of it again")
    _ = machine.handle(.begin)
    #expect(machine.states == [.succeeded, .cancelled])
  }

  @Test("a row that this program doesn't write is no record")
  func foreignRows() {
    let node = NodeName(unchecked: "a")
    let wrong: [JournalRecord.Row] = [
      .init(time: 0, kind: .started, node: nil, body: ["attempt": 1]),
      .init(time: 0, kind: .started, node: node, body: ["attempt": -1]),
      .init(time: 0, kind: .succeeded, node: node, body: ["attempts": 1]),
      .init(time: 0, kind: .failed, node: node, body: ["attempts": 1, "error": ["class": "odd", "message": "m"]]),
      .init(time: 0, kind: .skipped, node: node, body: ["needs": "a"]),
      .init(time: 0, kind: .finished, node: nil, body: ["outcome": "odd"]),
      .init(time: 0, kind: .cancelled, node: nil, body: .object([])),
    ]
    #expect(wrong.allSatisfy { JournalRecord($0) == nil })
  }
}

extension RunHistory {
  /// Nodes that are not to be run again.
  fileprivate var ended: Set<NodeName> {
    Set(
      nodes.filter { _, node in
        switch node.standing {
        case .succeeded, .failed: true
        case .open, .skipped, .cancelled: false
        }
      }.keys)
  }
}

extension NodeValue {
  fileprivate var digestOfContent: String { knownDigest?.hexadecimal ?? "?" }
}
