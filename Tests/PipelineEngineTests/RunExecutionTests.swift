import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A run is carried out")
struct RunExecutionTests {
  private func run(
    _ graph: WorkflowGraph, _ executor: ScriptedExecutor, parallel: Int = 4, timeout: Int64? = nil,
    observe: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) async -> RunReport {
    await RunExecution(executor: executor, clock: FastClock(), observe: { $0.forEach(observe) })
      .run(graph, identifier: "run-1", maximumParallel: parallel, timeoutMilliseconds: timeout)
  }

  private static let fan = Demo.workflow(
    """
    a: {type: demo/source}
    b: {type: demo/step, in: {input: a.output}}
    c: {type: demo/step, in: {input: a.output}}
    d: {type: demo/join, in: {items: [b.output, c.output]}}
    """, more: "outputs: {result: d.output}")

  @Test("runs what is ready side by side, and hands values on unchanged")
  func parallel() async throws {
    let both = Lock(0)
    let executor = ScriptedExecutor { call in
      if call.node.text == "b" || call.node.text == "c" {
        both.withLock { $0 += 1 }
        while both.withLock({ $0 }) < 2 { await Task.yield() }
      }
      return .everything
    }
    let report = await run(try Demo.graph(Self.fan), executor)
    #expect(report.outcome == .succeeded)
    #expect(executor.mostAtOnce == 2)
    let join = try #require(executor.calls.first { $0.node.text == "d" })
    #expect(join.inputs.map(\.values.count) == [2, 1])
    #expect(report.outputs.map(\.name.text) == ["result"])
    #expect(report.outcome.exitCode == 0)
  }

  @Test("never runs more nodes at once than it may")
  func bounded() async throws {
    let executor = ScriptedExecutor { _ in
      for _ in 0..<20 { await Task.yield() }
      return .everything
    }
    let lines = (0..<50).map { "n\($0): {type: demo/source}" }.joined(separator: "\n")
    _ = await run(try Demo.graph(Demo.workflow(lines)), executor, parallel: 3)
    #expect(executor.mostAtOnce == 3)
    #expect(executor.calls.count == 50)
  }

  @Test("a failed node skips what depends on it; the others go on and keep their results")
  func failure() async throws {
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if call.node.text == "b" { throw NodeFailure(.crash, "the worker died") }
      return .everything
    }
    let report = await run(try Demo.graph(Self.fan), executor)
    #expect(report.outcome == .failed)
    #expect(report.outcome.exitCode == 1)
    #expect(report.nodes.map(\.state) == [.succeeded, .failed, .succeeded, .skipped])
    #expect(report.nodes[3].skip?.description.contains("which failed") == true)
    #expect(report.nodes[1].failure?.message == "the worker died")
  }

  @Test("tells what every node used: all attempts together, those that failed among them")
  func accounts() async throws {
    @Sendable func account(_ used: UInt64, _ limits: [LimitReached] = []) -> NodeAccount {
      NodeAccount(usage: ResourceUsage(processorMicroseconds: used), limits: limits)
    }
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if call.node.text == "a", call.attempt == 1 {
        throw NodeFailure(.oom, "full", account: account(10, [.memory(limit: 1, peak: 1)]))
      }
      if call.node.text == "b" { throw NodeFailure(.crash, "the worker died", account: account(7)) }
      var success = NodeSuccess.everything
      success.account = account(5)
      return success
    }
    let told = Lock<[String: NodeAccount]>([:])
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source, retry: {max: 1, on: [oom]}}
        b: {type: demo/source}
        c: {type: demo/source}
        """))
    let report = await run(graph, executor) { event in
      guard case .nodeState(let state, _) = event.content, state.isTerminal, let node = event.node else { return }
      told.withLock { $0[node.text] = event.account }
    }
    let expected = [account(15, [.memory(limit: 1, peak: 1)]), account(7), account(5)]
    #expect(report.nodes.map(\.account) == expected)
    #expect(told.withLock { $0 } == ["a": expected[0], "b": expected[1], "c": expected[2]])
  }

  @Test("repeats a failed attempt as its policy says, and counts")
  func retry() async throws {
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if call.attempt < 3 { throw NodeFailure(.crash, "attempt \(call.attempt)") }
      return .everything
    }
    let graph = try Demo.graph(Demo.workflow("a: {type: demo/source, retry: {max: 2, on: [crash]}}"))
    let report = await run(graph, executor)
    #expect(report.outcome == .succeeded)
    #expect(report.nodes[0].attempts == 3)
  }

  @Test("a refused sandbox ends with the exit code that says so")
  func sandboxRefused() async throws {
    let executor = ScriptedExecutor { _ throws(NodeFailure) in throw NodeFailure(.sandbox, "refused") }
    let report = await run(try Demo.graph(Self.fan), executor)
    #expect(report.outcome.exitCode == 3)
  }

  @Test("a deadline cancels what runs, waits for its end, and says so")
  func deadline() async throws {
    let ended = Lock(0)
    let executor = ScriptedExecutor { _ throws(NodeFailure) in
      do { try await Task.sleep(for: .seconds(60)) } catch {
        ended.withLock { $0 += 1 }
        throw NodeFailure(.cancelled, "cancelled")
      }
      return .everything
    }
    let report = await run(try Demo.graph(Self.fan), executor, timeout: 5)
    #expect(report.outcome == .deadlineExceeded)
    #expect(report.outcome.exitCode == 124)
    #expect(ended.withLock { $0 } == 1)
    #expect(report.nodes.map(\.state) == [.cancelled, .cancelled, .cancelled, .cancelled])
  }

  @Test("cancelling the task cancels the run, and returns only when the nodes have ended")
  func cancellation() async throws {
    let graph = try Demo.graph(Self.fan)
    let (started, signal) = AsyncStream<Void>.makeStream()
    let ended = Lock(false)
    let executor = ScriptedExecutor { _ throws(NodeFailure) in
      signal.yield()
      do { try await Task.sleep(for: .seconds(60)) } catch {}
      // Ending takes its time, whatever is cancelled.
      await Task { try? await Task.sleep(for: .milliseconds(20)) }.value
      ended.withLock { $0 = true }
      throw NodeFailure(.cancelled, "cancelled")
    }
    let task = Task { await run(graph, executor) }
    for await _ in started { break }
    task.cancel()
    let report = await task.value
    #expect(ended.withLock { $0 })
    #expect(report.outcome == .interrupted)
    #expect(report.outcome.exitCode == 130)
  }

  @Test("tells its observers everything, in order")
  func events() async throws {
    let events = Lock<[RunEvent]>([])
    let graph = try Demo.graph(Demo.workflow("a: {type: demo/source}"))
    _ = await run(graph, ScriptedExecutor { _ in .everything }) { event in events.withLock { $0.append(event) } }
    let kinds = events.withLock { $0 }.map { $0.jsonValue["event"]?.stringValue ?? "" }
    #expect(kinds == ["run_started", "node_state", "node_state", "node_started", "node_state", "run_finished"])
  }

  @Test("an empty workflow succeeds at once")
  func empty() async throws {
    let graph = WorkflowGraph(name: "none", nodes: [], outputs: [])
    let report = await run(graph, ScriptedExecutor { _ in .everything })
    #expect(report.outcome == .succeeded)
  }
}
