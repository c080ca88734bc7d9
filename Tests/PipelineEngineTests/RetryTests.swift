import PluginModel
import Testing

@testable import PipelineEngine

@Suite("Failed attempts are followed by others as the policy says")
struct RetryTests {
  private static func policy(_ retry: String, defaults: String? = nil) throws -> NodePolicy {
    try Demo.graph(
      Demo.workflow("a: {type: demo/source, retry: \(retry)}", more: defaults.map { "defaults: {retry: \($0)}" } ?? "")
    ).nodes[0].policy
  }

  @Test("repeats only what the policy names, and never a cancellation or a refused sandbox")
  func classes() throws {
    func repeated(_ policy: NodePolicy) -> [NodeFailure.Class] {
      NodeFailure.Class.allCases.filter { policy.delay(after: $0, retries: [:]) != nil }
    }
    #expect(
      repeated(try Self.policy("{max: 3, on: [crash, timeout, oom, error]}")) == [.error, .crash, .timeout, .oom])
    #expect(repeated(try Self.policy("{max: 3}")) == [.crash, .timeout])
    #expect(repeated(try Self.policy("{max: 3}", defaults: "{max: 1, on: oom}")) == [.oom])
    #expect(repeated(try Self.policy("{max: 3}", defaults: "[{max: 1, on: oom}]")) == [.oom])
    #expect(
      repeated(try Self.policy("{max: 3}", defaults: "[{max: 1, on: oom}, {max: 1, on: error}]")) == [.crash, .timeout])
    #expect(repeated(try Self.policy("{max: 0}")).isEmpty && repeated(NodePolicy()).isEmpty)
    #expect(repeated(try Self.policy("[]", defaults: "{max: 1}")).isEmpty)
  }

  /// What becomes of a node whose attempts end so: the delays before its retries.
  private static func delays(_ retry: String, _ kinds: [NodeFailure.Class]) throws -> [Int64] {
    let graph = try Demo.graph(Demo.workflow("a: {type: demo/source, retry: \(retry)}"))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 1)
    _ = machine.handle(.begin)
    var delays: [Int64] = []
    for kind in kinds {
      guard machine.states[0] == .running else { break }
      for case .scheduleRetry(_, let delay, _, _) in machine.handle(.failed(node: 0, NodeFailure(kind, "x"))) {
        delays.append(delay)
        _ = machine.handle(.retryDelayPassed(node: 0))
      }
    }
    return delays
  }

  @Test("each entry counts the retries of its own classes, and waits as it says")
  func entries() throws {
    let retry = "[{max: 2, on: [crash, timeout], delay: 1s, factor: 3}, {max: 1, on: error, delay: 5ms}]"
    #expect(try Self.delays(retry, [.crash, .error, .timeout, .crash]) == [1000, 5, 3000])
    #expect(try Self.delays(retry, [.error, .error, .crash]) == [5])
    #expect(try Self.delays(retry, [.crash, .timeout, .error, .oom]) == [1000, 3000, 5])
    #expect(try Self.delays("{max: 2, on: [crash, error], delay: 7ms}", [.crash, .error, .crash]) == [7, 14])
  }

  @Test("no entry is used more often than it says, whatever fails in whatever order", arguments: 0..<200)
  func bounded(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let classes = NodePolicy.RetryClass.allCases.shuffled(using: &generator)
    let split = Int.random(in: 1..<classes.count, using: &generator)
    let rules = [classes[..<split], classes[split...]].map { part in
      RetryRule(maximumRetries: Int.random(in: 0...4, using: &generator), classes: Set(part))
    }
    let policy = NodePolicy(retryRules: rules)
    var spent: [NodeFailure.Class: Int] = [:]
    var used = [0, 0]
    for _ in 0..<50 {
      guard let kind = NodeFailure.Class.allCases.randomElement(using: &generator) else { return }
      let rule = NodePolicy.RetryClass(kind).flatMap { kind in rules.firstIndex { $0.classes.contains(kind) } }
      let delay = policy.delay(after: kind, retries: spent)
      guard let rule else {
        #expect(delay == nil)
        continue
      }
      #expect(delay == (used[rule] < rules[rule].maximumRetries ? rules[rule].delay(beforeRetry: used[rule] + 1) : nil))
      guard delay != nil else { continue }
      used[rule] += 1
      spent[kind, default: 0] += 1
    }
    #expect(used == rules.map(\.maximumRetries))
  }

  @Test("delays begin with the first, never shrink, and never pass the longest", arguments: 0..<200)
  func delays(_ seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let first = Int64.random(in: 1...366 * 86_400_000, using: &generator)
    let most = Int64.random(in: first...366 * 86_400_000, using: &generator)
    let factor = Double.random(in: RetryRule.factors, using: &generator)
    let rule = RetryRule(
      maximumRetries: 100, delayMilliseconds: first, factor: factor, maximumMilliseconds: most)
    let delays = (1...RetryRule.mostRetries).map(rule.delay)
    #expect(delays[0] == first && delays.allSatisfy { first...most ~= $0 })
    for (earlier, later) in zip(delays, delays.dropFirst()) {
      #expect(later >= earlier && (later == most || abs(Double(later) - Double(earlier) * factor) <= factor + 1))
    }
    let steady = RetryRule(maximumRetries: 100, delayMilliseconds: first, factor: 1, maximumMilliseconds: most)
    #expect((1...RetryRule.mostRetries).allSatisfy { steady.delay(beforeRetry: $0) == first })
  }

  @Test("a run that goes on has spent the retries that it had spent, each by its class")
  func resumed() async throws {
    let a = NodeName(unchecked: "a")
    let history = RunHistory([
      JournalRecord(time: 1, .began), JournalRecord(time: 2, .started(a, attempt: 1)),
      JournalRecord(time: 3, .retried(a, attempt: 1, NodeFailure(.error, "x"), memory: nil)),
      JournalRecord(time: 4, .started(a, attempt: 2)),
    ])
    let graph = try Demo.graph(
      Demo.workflow("a: {type: demo/source, retry: [{max: 1, on: error}, {max: 1, on: crash, delay: 9ms}]}"))
    func end(_ kind: NodeFailure.Class) -> [RunMachine.NodeState] {
      let restored = history.restored(graph) { _, _ in nil }
      var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 1, restored: restored)
      _ = machine.handle(.begin)
      _ = machine.handle(.failed(node: 0, NodeFailure(kind, "y")))
      return machine.states
    }
    #expect(end(.error) == [.failed])
    #expect(end(.crash) == [.retrying])
  }
}
