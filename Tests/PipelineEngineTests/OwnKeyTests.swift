import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("Keys that a plugin makes itself")
struct OwnKeyTests {
  /// Its keys are those that `own` says, in place of the plugin.
  private struct Executor: NodeExecutor {
    let scripted: ScriptedExecutor
    let own: @Sendable (NodeCall) throws(NodeFailure) -> String?

    func execute(
      _ call: NodeCall, report: @escaping @Sendable (NodeReport) -> Void, accept: @escaping NodeAcceptance
    ) async throws(NodeFailure) -> NodeSuccess {
      try await scripted.execute(call, report: report, accept: accept)
    }

    func ownKey(of call: NodeCall) async throws(NodeFailure) -> String? {
      await Task.yield()
      return try own(call)
    }
  }

  /// - Parameter count: a parameter, which is a part of the engine's key.
  private func graph(_ counts: Int..., asks: Bool = true) throws -> WorkflowGraph {
    let lines = counts.enumerated().map { "n\($0.offset): {type: demo/source, with: {count: \($0.element)}}" }
    var graph = try Demo.graph(Demo.workflow(lines.joined(separator: "\n"), more: "outputs: {o: n0.output}"))
    for node in graph.nodes.indices { graph.nodes[node].specification.makesCacheKeys = asks }
    return graph
  }

  /// - Returns: how many nodes ran, how many were cached, and how the run ended.
  private func run(
    _ graph: WorkflowGraph, _ index: MemoryCache, plugin: String = "1",
    body: @escaping ScriptedExecutor.Body = { _ in .everything },
    own: @escaping @Sendable (NodeCall) throws(NodeFailure) -> String?
  ) async -> (ran: Int, cached: Int, outcome: RunOutcome) {
    let executor = Executor(scripted: ScriptedExecutor(body), own: own)
    let report = await RunExecution(
      executor: executor, clock: FastClock(),
      keeping: RunKeeping(MemoryJournal(), cache: index.cache(of: graph, plugin: plugin))
    ) { _ in }.run(graph, identifier: "r", maximumParallel: 20, timeoutMilliseconds: nil)
    return (executor.scripted.calls.count, report.nodes.count(where: \.isCached), report.outcome)
  }

  @Test("find what the engine's own key doesn't, and nothing where the plugin says another")
  func found() async throws {
    let index = MemoryCache()
    #expect(await run(try graph(1), index) { _ in "same" } == (1, 0, .succeeded))
    #expect(await run(try graph(2), index) { _ in "same" } == (0, 1, .succeeded))
    // By the engine's key it is there now: nobody asks the plugin.
    let again = await run(try graph(2), index) { _ throws(NodeFailure) in throw NodeFailure(.error, "it was asked") }
    #expect(again == (0, 1, .succeeded))
    #expect(await run(try graph(3), index) { _ in "another" } == (1, 0, .succeeded))
    #expect(await run(try graph(4), index) { _ in nil } == (1, 0, .succeeded))
  }

  @Test("count among the same code alone")
  func withinItsDigest() async throws {
    let index = MemoryCache()
    #expect(await run(try graph(1), index) { _ in "same" } == (1, 0, .succeeded))
    #expect(await run(try graph(2), index, plugin: "2") { _ in "same" } == (1, 0, .succeeded))
  }

  @Test("aren't asked for where the type doesn't say that it has any")
  func notAsked() async throws {
    let found = await run(try graph(1, asks: false), MemoryCache()) { _ throws(NodeFailure) in
      throw NodeFailure(.error, "it was asked")
    }
    #expect(found == (1, 0, .succeeded))
  }

  @Test("let of equal nodes in flight one run; where it fails, each of the others runs itself")
  func inFlight() async throws {
    let counts = try graph(1, 2, 3, 4, 5)
    let slow: ScriptedExecutor.Body = { _ in
      for _ in 0..<100 { await Task.yield() }
      return .everything
    }
    #expect(await run(counts, MemoryCache(), body: slow) { _ in "same" } == (1, 4, .succeeded))
    let failed = await run(counts, MemoryCache()) { _ throws(NodeFailure) in
      throw NodeFailure(.error, "no")
    } own: { _ in
      "same"
    }
    #expect(failed == (5, 0, .failed))
  }

  @Test("that can't be had fail the node as its own error would")
  func failure() async throws {
    let found = await run(try graph(1), MemoryCache()) { _ throws(NodeFailure) in throw NodeFailure(.crash, "it died") }
    #expect(found == (0, 0, .failed))
  }
}
