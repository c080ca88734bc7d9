import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A run is a state machine")
struct RunMachineTests {
  /// A random acyclic workflow: each node waits for some of those before it. Some yield lists, and some run for each item of one.
  /// - Parameter isTolerant: failures of some of the latter are no errors.
  static func randomGraph(
    _ count: Int, isTolerant: Bool = false, _ generator: inout SeededGenerator
  ) throws -> WorkflowGraph {
    var lists: [Int] = []
    let lines = (0..<count).map { index in
      let wanted = Int.random(in: 0...3, using: &generator)
      let sources = Set(
        (0..<wanted).compactMap { _ in index == 0 ? nil : Int.random(in: 0..<index, using: &generator) })
      let retries = Bool.random(using: &generator) ? ", retry: {max: 2, on: [crash, error]}" : ""
      switch (Int.random(in: 0..<8, using: &generator), lists.randomElement(using: &generator)) {
      case (0...1, let list?):
        lists.append(index)
        let tolerance = isTolerant && Bool.random(using: &generator) ? ", continue-on-error: true" : ""
        return "n\(index): {type: demo/step, in: {input: n\(list).output}, foreach: input\(retries)\(tolerance)}"
      case (2, let list?): return "n\(index): {type: demo/gather, in: {list: n\(list).output}\(retries)}"
      case (3...4, _):
        lists.append(index)
        return "n\(index): {type: demo/split, needs: [\(sources.sorted().map { "n\($0)" }.joined(separator: ", "))]}"
      default: break
      }
      guard !sources.isEmpty else { return "n\(index): {type: demo/source}" }
      let list = sources.sorted().map { "n\($0).output" }.joined(separator: ", ")
      return "n\(index): {type: demo/join, in: {items: [\(list)]}\(retries)}"
    }
    return try Demo.graph(Demo.workflow(lines.joined(separator: "\n"), more: "outputs: {last: n\(count - 1).output}"))
  }

  @Test("runs each node once its inputs are there, and always ends", arguments: 0..<200)
  func alwaysEnds(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let graph = try Self.randomGraph(
      Int.random(in: 1...40, using: &generator), isTolerant: seed % 2 == 0, &generator)
    let parallel = Int.random(in: 1...6, using: &generator)
    let cancelAfter =
      Int.random(in: 0..<4, using: &generator) == 0 ? Int.random(in: 0..<30, using: &generator) : Int.max
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: parallel)
    var running: [Int] = []
    var retrying: [Int] = []
    var finished = 0
    var steps = 0
    var pending = machine.handle(.begin)
    while true {
      for action in pending {
        switch action {
        case .start(let node, let call):
          #expect(machine.graph.nodes[node].dependencies.allSatisfy { machine.states[$0] == .succeeded })
          // Of an empty list there are no values, where several are taken.
          let isFilled = call.inputs.allSatisfy { $0.multiple || $0.values.count == 1 }
          #expect(isFilled)
          running.append(node)
        case .scheduleRetry(let node, let delay, _, _):
          #expect(delay > 0)
          retrying.append(node)
        case .cancelRunning: retrying = []
        case .announce, .announceRestored, .lookUp, .enqueue, .withdraw, .giveBack, .expanded: break
        case .finish: finished += 1
        }
      }
      #expect(running.count <= parallel)
      guard finished == 0 else { break }
      steps += 1
      try #require(steps < 5000)
      if steps == cancelAfter {
        pending = machine.handle(.cancelRequested(.user))
      } else if !retrying.isEmpty, Bool.random(using: &generator) || running.isEmpty {
        pending = machine.handle(.retryDelayPassed(node: retrying.removeFirst()))
      } else {
        try #require(!running.isEmpty, "nothing runs and nothing ends")
        let node = running.remove(at: Int.random(in: running.indices, using: &generator))
        if machine.cancellation != nil {
          pending = machine.handle(.failed(node: node, NodeFailure(.cancelled, "cancelled")))
        } else if Int.random(in: 0..<6, using: &generator) == 0 {
          pending = machine.handle(.failed(node: node, NodeFailure(.crash, "crash")))
        } else {
          let type = machine.graph.nodes[node].type
          let success = NodeSuccess.everything(of: type, items: Int.random(in: 0..<4, using: &generator))
          pending = machine.handle(.succeeded(node: node, success.partlyShared(&generator)))
        }
      }
    }
    #expect(finished == 1)
    #expect(running.isEmpty)
    let allEnded = machine.states.allSatisfy { $0.isTerminal }
    #expect(allEnded)
    for (index, node) in graph.nodes.enumerated() where machine.states[index] == .succeeded {
      #expect(node.dependencies.allSatisfy { machine.states[$0] == .succeeded })
    }
    let last = graph.nodes.count - 1
    #expect(machine.values.keys.allSatisfy { $0.node == last }, "values that nobody needs are kept")
    #expect(machine.heldResults == machine.values.values.reduce(0) { $0 + $1.sharedCount })
    #expect(machine.expansions.isEmpty && machine.joined.isEmpty)
    for (index, node) in graph.nodes.enumerated() where node.foreach != nil {
      let instances = machine.graph.nodes.indices.filter { machine.graph.nodes[$0].item?.node == index }
      if machine.states[index] == .succeeded, !node.continuesOnError {
        #expect(instances.allSatisfy { machine.states[$0] == .succeeded })
      }
    }
  }

  @Test("lets go of a value when its last reader has it")
  func releasesValues() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        "a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}\nc: {type: demo/step, in: {input: b.output}}"
      ))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 1)
    _ = machine.handle(.begin)
    _ = machine.handle(.succeeded(node: 0, .everything))
    #expect(machine.values.keys.map(\.node) == [0], "only the port that is read")
    _ = machine.handle(.succeeded(node: 1, .everything))
    #expect(machine.values.keys.map(\.node) == [1])
    _ = machine.handle(.succeeded(node: 2, .everything))
    #expect(machine.values.isEmpty)
  }

  @Test("fails a node that returns less than others read")
  func missingOutput() throws {
    let graph = try Demo.graph(
      Demo.workflow("a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}"))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 1)
    _ = machine.handle(.begin)
    _ = machine.handle(.succeeded(node: 0, NodeSuccess(outputs: [])))
    #expect(machine.states == [.failed, .skipped])
    #expect(machine.failures[0]?.message.contains("no output 'output'") == true)
  }

  private func outOfMemory(_ mebibytes: UInt64?) -> NodeFailure {
    NodeFailure(
      .oom, "the worker ran out of memory", hint: "give it more",
      account: NodeAccount(limits: [.memory(limit: mebibytes.map { $0 << 20 }, peak: nil)]))
  }

  /// What the attempts at a node that always runs out of memory have in mebibytes, from the second on, and how it ends.
  private func attempts(
    first: UInt64?, most: UInt64?, policy: String = "{max: 9, on: [oom]}"
  ) throws -> (memory: [UInt64?], failure: NodeFailure?) {
    let graph = try Demo.graph(Demo.workflow("a: {type: demo/source, retry: \(policy)}"))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 1, mostMemory: most.map { $0 << 20 })
    var memory: [UInt64?] = []
    var limit = first
    var actions = machine.handle(.begin)
    while true {
      for case .start(_, let call) in actions {
        memory.append(call.raisedMemory.map { $0 >> 20 })
        limit = call.raisedMemory.map { $0 >> 20 } ?? limit
      }
      actions = machine.handle(.failed(node: 0, outOfMemory(limit)))
      let isRetried = actions.contains { if case .scheduleRetry = $0 { true } else { false } }
      guard isRetried else { break }
      actions = machine.handle(.retryDelayPassed(node: 0))
    }
    #expect(memory.first == .some(nil), "the first attempt has what it asked for")
    return (Array(memory.dropFirst()), machine.failures[0])
  }

  @Test("runs a node that ran out of memory again with twice as much, up to what a node can have, and then no more")
  func moreMemory() throws {
    let (memory, failure) = try attempts(first: 256, most: 1500)
    #expect(memory == [512, 1024, 1500])
    #expect(
      failure?.hint == "give it more; it isn't run again: 1500Mi is the most memory that a node can have here")
    #expect(try attempts(first: 1500, most: 1500).memory.isEmpty, "nothing would be different")
    #expect(try attempts(first: 2000, most: 1500).memory.isEmpty)
    #expect(try attempts(first: 256, most: nil, policy: "{max: 2, on: [oom]}").memory == [512, 1024])
    #expect(try attempts(first: 256, most: 1500, policy: "{max: 3, on: [crash]}").memory.isEmpty)
    #expect(try attempts(first: 256, most: 1500, policy: "{max: 3, on: [crash]}").failure?.hint == "give it more")
  }

  @Test("runs a node without a limit of its own again as it was, as often as its policy says")
  func unlimitedMemory() throws {
    #expect(try attempts(first: nil, most: 1500, policy: "{max: 2, on: [oom]}").memory == [nil, nil])
  }

  @Test("never asks for an amount of memory that is no amount, whatever a limit was")
  func memoryBounds() {
    for limit: UInt64 in [1, 1 << 20, 1 << 49, 1 << 50, 1 << 63, .max] {
      for most: UInt64? in [nil, 0, 1 << 20, 1 << 33, .max] {
        switch MemoryRetry(after: limit, most: most) {
        case .raised(let next): #expect(next > limit && next <= most ?? 1 << 50)
        case .exhausted(let end): #expect(end == limit)
        case .unchanged: Issue.record("\(limit) is a limit")
        }
      }
    }
    #expect(MemoryRetry(after: 0, most: 5) == .unchanged)
    #expect(MemoryRetry(after: nil, most: 5) == .unchanged)
  }

  @Test("a graph of 10,000 nodes takes one step a node")
  func large() throws {
    let third = 3332
    var lines = (0..<3 * third).map { "n\($0): {type: demo/source}" }
    for group in 0..<3 {
      let items = (group * third..<(group + 1) * third).map { "n\($0).output" }.joined(separator: ", ")
      lines.append("join\(group): {type: demo/join, in: {items: [\(items)]}}")
    }
    lines.append("end: {type: demo/join, in: {items: [join0.output, join1.output, join2.output]}}")
    let graph = try Demo.graph(Demo.workflow(lines.joined(separator: "\n")))
    let count = graph.nodes.count
    #expect(count == 10_000)
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 8)
    var actions = machine.handle(.begin)
    var steps = 0
    while let next = actions.lazy.compactMap({ action -> Int? in
      if case .start(let node, _) = action { node } else { nil }
    }).first {
      steps += 1
      actions = Array(actions.drop { if case .start(next, _) = $0 { false } else { true } }.dropFirst())
      actions += machine.handle(.succeeded(node: next, .everything))
    }
    #expect(steps == count)
    #expect(machine.outcome == .succeeded)
  }

  /// A value that lies in memory of its own.
  private final class Memory: SharedBytes {
    let byteCount = 100_000
    func prefix(_ limit: Int) -> [UInt8] { [] }
    func bytes(at offset: Int, count: Int) -> [UInt8] { [] }
  }

  @Test("holds no more large results than it may, says so, and takes others once some were let go")
  func heldResults() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source}
        b: {type: demo/source}
        c: {type: demo/step, in: {input: a.output}}
        d: {type: demo/source, needs: [c]}
        """, more: "outputs: {b: b.output, d: d.output}"))
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 4, maximumHeldResults: 1)
    let large = NodeSuccess(outputs: [
      (PortName(unchecked: "output"), [NodeValue(codec: .bytes, content: .shared(Memory()))])
    ])
    _ = machine.handle(.begin)
    _ = machine.handle(.succeeded(node: 0, large))
    #expect(machine.states[0] == .succeeded)
    _ = machine.handle(.succeeded(node: 1, large))
    #expect(machine.states[1] == .failed)
    let failure = try #require(machine.failures[1])
    #expect(failure.cause?.contains("holds 1 large results") == true)
    #expect(failure.hint?.contains("ulimit -n") == true)
    // Its only reader has ended: the first result is gone, and there is room again.
    _ = machine.handle(.succeeded(node: 2, .everything))
    _ = machine.handle(.succeeded(node: 3, large))
    #expect(machine.states[3] == .succeeded)
  }
}
