import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("What happens in a run is written down")
struct JournalTests {
  private func run(
    _ graph: WorkflowGraph, _ journal: MemoryJournal, results: MemoryResults = MemoryResults(), jobs: Int = 4,
    executor: ScriptedExecutor = ScriptedExecutor { _ in .everything },
    observe: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) async -> RunReport {
    await RunExecution(
      executor: executor, clock: FastClock(), keeping: RunKeeping(journal, results: results),
      observe: { $0.forEach(observe) }
    ).run(graph, identifier: "r", maximumParallel: jobs, timeoutMilliseconds: nil)
  }

  private static func wide(_ count: Int) throws -> WorkflowGraph {
    try Demo.graph(Demo.workflow((0..<count).map { "n\($0): {type: demo/source}" }.joined(separator: "\n")))
  }

  @Test("nobody is told of anything that isn't kept yet")
  func keptFirst() async throws {
    let journal = MemoryJournal()
    let early = Lock<[NodeName]>([])
    _ = await run(try Self.wide(20), journal) { event in
      guard case .nodeState(.succeeded, _) = event.content, let node = event.node else { return }
      let isKept = journal.records.contains { record in
        if case .succeeded(node, _) = record.content { true } else { false }
      }
      if !isKept { early.withLock { $0.append(node) } }
    }
    #expect(early.withLock { $0 }.isEmpty)
  }

  /// One hour is longer than any test may take.
  private struct StillClock: RunClock {
    func now() -> Int64 { 0 }
    func sleep(milliseconds: Int64) async throws { try await Task.sleep(for: .seconds(3600)) }
  }

  @Test(
    "what gathers is written as soon as the run ends: neither journal nor cache waits any longer",
    .timeLimit(.minutes(1)))
  func ends() async throws {
    for _ in 0..<20 {
      let graph = try Demo.graph(
        Demo.workflow("a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}\nc: {type: demo/source}"))
      let journal = MemoryJournal()
      let cache = MemoryCache()
      let report = await RunExecution(
        executor: ScriptedExecutor { _ in .everything }, clock: StillClock(),
        keeping: RunKeeping(journal, cache: cache.cache(of: graph, clock: StillClock()))
      ) { _ in }.run(graph, identifier: "r", maximumParallel: 1, timeoutMilliseconds: nil)
      #expect(report.outcome == .succeeded)
      #expect(
        journal.records.contains { record in if case .finished(.succeeded) = record.content { true } else { false } })
      #expect(cache.batches.reduce(0, +) >= 2)
    }
  }

  @Test("what happens while the disk is busy is written together")
  func groups() async throws {
    let journal = MemoryJournal()
    _ = await run(try Self.wide(200), journal, jobs: 64)
    #expect(journal.records.count == 402)
    #expect(journal.batches < 202, "\(journal.batches) writes")
  }

  @Test("a run that can't be written down any more ends, says why, and starts nothing new", arguments: [0, 1, 3])
  func failing(_ batch: Int) async throws {
    let journal = MemoryJournal(failsAt: batch)
    let lines = (0..<50).map {
      $0 == 0 ? "n0: {type: demo/source}" : "n\($0): {type: demo/step, in: {input: n\($0 - 1).output}}"
    }
    let executor = ScriptedExecutor { _ in
      for _ in 0..<50 { await Task.yield() }
      return .everything
    }
    let report = await run(
      try Demo.graph(Demo.workflow(lines.joined(separator: "\n"))), journal, jobs: 1, executor: executor)
    #expect(report.outcome == .stateLost)
    #expect(report.outcome.exitCode == 2)
    #expect(report.stateFailure?.cause == "the disk is full")
    #expect(executor.calls.count < 50)
    #expect(RunHistory(journal.records).outcome == nil, "it can be gone on with")
  }

  @Test("a run whose very end can't be written down hasn't succeeded")
  func lastBatch() async throws {
    let whole = MemoryJournal()
    let graph = try Self.wide(1)
    _ = await run(graph, whole, jobs: 1)
    // However the records were grouped, the last one is alone in the last batch of some run.
    for batch in 0..<whole.records.count {
      let journal = MemoryJournal(failsAt: batch)
      let report = await run(graph, journal, jobs: 1)
      let isKept = RunHistory(journal.records).outcome == .succeeded
      #expect((report.outcome == .succeeded) == isKept, "failed at \(batch)")
    }
  }

  @Test("a node whose result can't be kept has failed, before anything of it takes effect")
  func tooLarge() async throws {
    let journal = MemoryJournal()
    let report = await run(try Self.wide(1), journal, results: MemoryResults(limit: 3))
    #expect(report.nodes[0].state == .failed)
    #expect(report.nodes[0].failure?.cause == "it is too large")
    #expect(report.nodes[0].failure?.hint == "return less")
  }
}
