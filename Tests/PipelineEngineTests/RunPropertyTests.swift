import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("Every run ends, whatever its nodes do")
struct RunPropertyTests {
  private struct Seen {
    var ended: Set<NodeName> = []
    var started: [NodeName: Int] = [:]
    var outOfOrder: [NodeName] = []
    var states: [NodeName: [RunMachine.NodeState]] = [:]
    var running = 0
  }

  /// Real tasks on real threads; every executor fails, waits and reports as the seed says.
  @Test("nodes start after their inputs, once an attempt, and each ends once", arguments: 0..<60)
  func concurrent(_ seed: Int) async throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let graph = try RunMachineTests.randomGraph(Int.random(in: 2...60, using: &generator), &generator)
    let isCancelled = seed % 3 == 2
    let cancelAt = Int.random(in: 1...graph.nodes.count, using: &generator)
    let dependencies = Dictionary(
      uniqueKeysWithValues: graph.nodes.map { node in
        // A node with `foreach` is itself never started: its instances are.
        (node.name, Set(node.dependencies.map { graph.nodes[$0] }.filter { $0.foreach == nil }.map(\.name)))
      })
    let seen = Lock(Seen())
    let (starts, signal) = AsyncStream<Void>.makeStream()
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      seen.withLock { seen in
        seen.started[call.node, default: 0] += 1
        seen.running += 1
        if !(dependencies[call.prepared] ?? []).isSubset(of: seen.ended) { seen.outOfOrder.append(call.node) }
      }
      defer { seen.withLock { $0.running -= 1 } }
      signal.yield()
      var fate = SeededGenerator(
        seed: UInt64(seed) &* 31 &+ UInt64(call.node.text.utf8.reduce(0) { $0 * 31 + Int($1) }))
      for _ in 0..<call.attempt { _ = fate.next() }
      for _ in 0..<Int.random(in: 0...20, using: &fate) { await Task.yield() }
      if Task.isCancelled { throw NodeFailure(.cancelled, "cancelled") }
      switch Int.random(in: 0..<8, using: &fate) {
      case 0: throw NodeFailure(.crash, "crash")
      case 1: throw NodeFailure(.error, "error")
      default:
        seen.withLock { _ = $0.ended.insert(call.node) }
        return .everything(of: call.type, items: Int.random(in: 0..<5, using: &fate))
      }
    }
    let execution = RunExecution(executor: executor, clock: FastClock()) { events in
      for event in events {
        guard case .nodeState(let state, _) = event.content, let node = event.node else { continue }
        seen.withLock { $0.states[node, default: []].append(state) }
      }
    }
    let parallel = Int.random(in: 1...8, using: &generator)
    let task = Task {
      await execution.run(graph, identifier: "r", maximumParallel: parallel, timeoutMilliseconds: nil)
    }
    let canceller = Task {
      guard isCancelled else { return }
      var count = 0
      for await _ in starts {
        count += 1
        if count == cancelAt { return task.cancel() }
      }
    }
    let report = await task.value
    signal.finish()
    await canceller.value

    let result = seen.withLock { $0 }
    #expect(result.outOfOrder.isEmpty)
    #expect(result.running == 0, "the run ended before its nodes")
    #expect(executor.mostAtOnce <= parallel)
    for node in report.nodes {
      #expect(node.state.isTerminal)
      #expect(node.attempts == result.started[node.name, default: 0])
      // What ended as the run was cancelled may come too late to count.
      let hasEnded = result.ended.contains(node.name)
      let isForeach = graph.nodes.contains { $0.name == node.name && $0.foreach != nil }
      #expect(
        node.state == .succeeded
          ? hasEnded || isForeach : !hasEnded || isCancelled && node.state == .cancelled)
      let states = result.states[node.name] ?? []
      #expect(states.last == node.state && states.count(where: \.isTerminal) == 1, "\(states)")
    }
    let allSucceeded = report.nodes.allSatisfy { $0.state == .succeeded }
    switch report.outcome {
    case .succeeded: #expect(allSucceeded && report.outputs.count == 1)
    case .failed: #expect(!allSucceeded && report.nodes.contains { $0.failure != nil })
    case .interrupted: #expect(isCancelled)
    case .sandboxUnavailable, .deadlineExceeded, .stateLost: Issue.record("\(report.outcome)")
    }
  }

  @Test("a run that is cancelled before it begins starts nothing and ends as interrupted")
  func cancelledBefore() async throws {
    let graph = try Demo.graph(
      Demo.workflow("a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}"))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 1)
    let cancelled = machine.handle(.cancelRequested(.user))
    #expect(!cancelled.contains { if case .finish = $0 { true } else { false } })
    let begun = machine.handle(.begin)
    #expect(begun.count == 1)
    #expect(machine.states == [.cancelled, .cancelled])
    #expect(machine.outcome == .interrupted)

    let executor = ScriptedExecutor { _ in .everything }
    let execution = RunExecution(executor: executor, clock: FastClock()) { _ in }
    let (gate, open) = AsyncStream<Void>.makeStream()
    let task = Task {
      for await _ in gate {}
      return await execution.run(graph, identifier: "r", maximumParallel: 1, timeoutMilliseconds: nil)
    }
    task.cancel()
    open.finish()
    let report = await task.value
    #expect(report.outcome == .interrupted)
    #expect(executor.calls.isEmpty)
  }

  @Test("a cancellation ends the wait for another attempt at once, and keeps why it was needed")
  func cancelledWhileRetrying() async throws {
    let graph = try Demo.graph(Demo.workflow("a: {type: demo/source, retry: {max: 100}}"))
    let executor = ScriptedExecutor { _ throws(NodeFailure) in throw NodeFailure(.crash, "again") }
    let (retries, signal) = AsyncStream<Void>.makeStream()
    let execution = RunExecution(executor: executor, clock: SlowClock()) { events in
      for event in events { if case .nodeRetry = event.content { signal.yield() } }
    }
    let task = Task { await execution.run(graph, identifier: "r", maximumParallel: 1, timeoutMilliseconds: nil) }
    for await _ in retries { break }
    task.cancel()
    let report = await task.value
    #expect(report.nodes[0].state == .cancelled)
    #expect(report.nodes[0].failure?.message == "again")
    #expect(executor.calls.count == 1)
  }

  /// One hour is longer than any test may take.
  private struct SlowClock: RunClock {
    func now() -> Int64 { 0 }
    func sleep(milliseconds: Int64) async throws { try await Task.sleep(for: .seconds(3600)) }
  }

  @Test("each output is let go after its own last reader, though others of its node are still awaited")
  func valuesByPort() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source}
        b: {type: demo/step, in: {input: a.output}}
        early: {type: demo/join, in: {items: b.size}}
        late: {type: demo/step, in: {input: b.output}, needs: [early]}
        order: {type: demo/source, needs: [b]}
        """))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 8)
    _ = machine.handle(.begin)
    _ = machine.handle(.succeeded(node: 0, .everything))
    _ = machine.handle(.succeeded(node: 1, .everything))
    #expect(Set(machine.values.keys.map(\.port.text)) == ["size", "output"])
    _ = machine.handle(.succeeded(node: 2, .everything))
    #expect(machine.values.keys.map(\.port.text) == ["output"])
    _ = machine.handle(.failed(node: 3, NodeFailure(.error, "no")))
    #expect(machine.values.isEmpty, "'order' waits for nothing of b's")
  }

  @Test("an output without a value is no output")
  func emptyOutput() throws {
    let graph = try Demo.graph(
      Demo.workflow("a: {type: demo/source}", more: "outputs: {r: a.output}"))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 1)
    _ = machine.handle(.begin)
    _ = machine.handle(.succeeded(node: 0, NodeSuccess(outputs: [(PortName(unchecked: "output"), [])])))
    #expect(machine.states == [.failed])
  }

  @Test("10,000 nodes in layers run to their end with real tasks")
  func large() async throws {
    let lines = (0..<10_000).map { index in
      index < 100
        ? "n\(index): {type: demo/source}"
        : "n\(index): {type: demo/join, in: {items: [n\(index - 100).output, n\(index - 1).output]}}"
    }
    let graph = try Demo.graph(Demo.workflow(lines.joined(separator: "\n")))
    let executor = ScriptedExecutor { _ in .everything }
    let report = await RunExecution(executor: executor, clock: FastClock()) { _ in }
      .run(graph, identifier: "r", maximumParallel: 64, timeoutMilliseconds: nil)
    #expect(report.outcome == .succeeded)
    #expect(executor.calls.count == 10_000)
  }

  @Test("of nodes that could run that goes first after which most is left to do, by how long nodes took before")
  func longestFirst() async throws {
    let graph = try Demo.graph(
      Demo.workflow(
        "first: {type: demo/source}\na: {type: demo/source, needs: [first]}\nb: {type: demo/source, needs: [first]}\n"
          + "c: {type: demo/source, needs: [first]}\nafter: {type: demo/source, needs: [b]}"))
    func order(_ durations: [String: Int64]) async -> [String] {
      let executor = ScriptedExecutor { _ in .everything }
      _ = await RunExecution(executor: executor, clock: FastClock()) { _ in }.run(
        graph, identifier: "r", maximumParallel: 1, timeoutMilliseconds: nil,
        durations: Dictionary(uniqueKeysWithValues: durations.map { (NodeName(unchecked: $0.key), $0.value) }))
      return executor.calls.map(\.node.text)
    }
    #expect(await order([:]) == ["first", "b", "a", "c", "after"], "a node that never ran counts as a second")
    #expect(await order(["c": 60_000, "a": 30_000]) == ["first", "c", "a", "b", "after"])
  }
}
