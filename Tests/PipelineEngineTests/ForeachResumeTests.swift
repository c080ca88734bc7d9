import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("Instances of a node with foreach that had ended don't run again")
struct ForeachResumeTests {
  private static let nodes = """
    s: {type: demo/split}
    w: {type: demo/step, in: {input: s.output}, foreach: input}
    x: {type: demo/step, in: {input: w.output}, foreach: input}
    g: {type: demo/gather, in: {list: x.output}}
    """

  private static func graph() throws -> WorkflowGraph {
    try Demo.graph(Demo.workflow(nodes, more: "outputs: {r: g.output}"))
  }

  private static func executor(_ count: Int = 5, failing: Set<String> = []) -> ScriptedExecutor {
    ScriptedExecutor { call throws(NodeFailure) in
      if failing.contains(call.node.text) { throw NodeFailure(.error, "no") }
      guard call.type.nodeType.text != "split" else { return .everything(of: call.type, items: count) }
      let text = call.inputs.flatMap(\.values).map(\.textOfContent).joined(separator: "+")
      return NodeSuccess(outputs: [(PortName(unchecked: "output"), [NodeValue(json: .string(text))])])
    }
  }

  private static func run(
    _ executor: ScriptedExecutor, _ journal: MemoryJournal, _ restored: RestoredRun = [:]
  ) async throws -> RunReport {
    await RunExecution(executor: executor, clock: FastClock(), keeping: RunKeeping(journal)) { _ in }
      .run(try graph(), identifier: "r", maximumParallel: 2, timeoutMilliseconds: nil, restored: restored)
  }

  private static func restored(
    _ records: [JournalRecord], without lost: Set<String> = []
  ) throws -> RestoredRun {
    var history = RunHistory(records.compactMap { JournalRecord($0.row) })
    history.goOn()
    return history.restored(try graph()) { lost.contains($0.text) ? nil : MemoryResults.values($1.outputs) }
  }

  @Test("those that failed are tried anew, alone, when a run that had ended goes on")
  func failed() async throws {
    let journal = MemoryJournal()
    let first = try await Self.run(Self.executor(failing: ["w[3]"]), journal)
    #expect(first.outcome == .failed)
    let executor = Self.executor()
    let second = try await Self.run(executor, journal, try Self.restored(journal.records))
    #expect(second.outcome == .succeeded)
    #expect(executor.calls.map(\.node.text).sorted() == ["g", "w[3]", "x[0]", "x[1]", "x[2]", "x[3]", "x[4]"])
    let plain = try await Self.run(Self.executor(), MemoryJournal())
    #expect(
      second.outputs.map { $0.values.map(\.textOfContent) } == plain.outputs.map { $0.values.map(\.textOfContent) })
    #expect(second.nodes.map(\.name) == plain.nodes.map(\.name))
  }

  @Test("an instance of before counts only where what made its list is of before too")
  func lostList() async throws {
    let journal = MemoryJournal()
    _ = try await Self.run(Self.executor(5), journal)
    let open = journal.records.filter { if case .finished = $0.content { false } else { true } }
    let executor = Self.executor(3)
    let report = try await Self.run(executor, MemoryJournal(), try Self.restored(open, without: ["s", "g"]))
    #expect(executor.calls.map(\.node.text).sorted() == ["g", "s", "w[0]", "w[1]", "w[2]", "x[0]", "x[1]", "x[2]"])
    #expect(report.outcome == .succeeded)
    // The list between is made of what was lost: what came after it is another too.
    let again = Self.executor(5)
    _ = try await Self.run(again, MemoryJournal(), try Self.restored(open, without: ["w[1]", "g"]))
    #expect(again.calls.map(\.node.text).sorted() == ["g", "w[1]", "x[0]", "x[1]", "x[2]", "x[3]", "x[4]"])
  }

  @Test("a cancelled run ends, whoever waits for a turn, and nothing of it is held", arguments: [0, 1, 1500, 2999])
  func cancelled(_ ended: Int) throws {
    var machine = RunMachine(graph: try Self.graph(), run: "r")
    _ = machine.handle(.begin)
    _ = machine.handle(.assigned(node: 0))
    _ = machine.handle(.succeeded(node: 0, .everything(of: machine.graph.nodes[0].type, items: 3000)))
    var generator = SeededGenerator(seed: 1)
    for instance in 4..<(4 + ended) {
      _ = machine.handle(.assigned(node: instance))
      _ = machine.handle(.succeeded(node: instance, NodeSuccess.everything.partlyShared(&generator)))
    }
    _ = machine.handle(.assigned(node: 4 + ended))
    #expect(machine.states.count { $0 == .running } == 2)
    #expect(machine.states.count { $0 == .queued } == min(1023, 2999 - ended))
    let actions = machine.handle(.cancelRequested(.user))
    #expect(actions.count { if case .announce(_, .cancelled) = $0 { true } else { false } } == 2999 - ended)
    #expect(machine.states[1] == .running, "one of its instances hasn't ended")
    let last = machine.handle(.failed(node: 4 + ended, NodeFailure(.cancelled, "cancelled")))
    #expect(last.contains { if case .finish = $0 { true } else { false } })
    #expect(machine.states[1] == .cancelled && machine.states.allSatisfy { $0.isTerminal })
    #expect(machine.heldResults == 0 && machine.values.isEmpty && machine.expansions.isEmpty)
  }

  @Test("what cleans up after a cancellation may run for each item too, and a second one ends it")
  func cleanup() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.output}, foreach: input, if: always()}\nx: {type: demo/source, needs: s}"
      ))
    for isStopped in [false, true] {
      var machine = RunMachine(graph: graph, run: "r")
      _ = machine.handle(.begin)
      _ = machine.handle(.assigned(node: 0))
      #expect(machine.offer(0, .everything(of: graph.nodes[0].type, items: 3)) == nil)
      _ = machine.handle(.cancelRequested(.deadline))
      _ = machine.handle(.succeeded(node: 0, .everything(of: graph.nodes[0].type, items: 3)))
      #expect(machine.states == [.succeeded, .running, .cancelled, .queued, .queued, .queued])
      if isStopped {
        _ = machine.handle(.cancelRequested(.user))
        #expect(machine.states == [.succeeded, .cancelled, .cancelled, .cancelled, .cancelled, .cancelled])
      } else {
        for node in 3...5 {
          _ = machine.handle(.assigned(node: node))
          #expect(machine.offer(node, .everything) == nil)
          _ = machine.handle(.succeeded(node: node, .everything))
        }
        #expect(machine.states[1] == .succeeded)
      }
      #expect(machine.outcome == .deadlineExceeded)
    }
  }

  // MARK: The cache

  @Test("whatever is edited, results are those of a run without a cache, and only new items run", arguments: 0..<20)
  func cached(_ seed: Int) async throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var items = (0..<Int.random(in: 0...8, using: &generator)).map { _ in Int.random(in: 0..<9, using: &generator) }
    let index = MemoryCache()
    var known: Set<Int> = []
    for round in 0..<8 {
      let graph = try Demo.graph(
        Demo.workflow(
          "s: {type: demo/split, cache: never}\nw: {type: demo/step, in: {input: s.output}, foreach: input}\n"
            + "g: {type: demo/gather, in: {list: w.output}}", more: "outputs: {r: g.output, all: w.output}"))
      func run(_ cache: ResultCache?) async -> (RunReport, ScriptedExecutor) {
        let executor = ScriptedExecutor { [items] call in
          let text = call.inputs.flatMap(\.values).map(\.textOfContent).joined()
          let value: JSONValue =
            call.prepared.text == "s"
            ? .array(items.map { .string("\($0)") })
            : .string("\(call.prepared) \(text.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % 97 })")
          return NodeSuccess(outputs: [(PortName(unchecked: "output"), [NodeValue(json: value)])])
        }
        let report = await RunExecution(
          executor: executor, clock: FastClock(), keeping: RunKeeping(MemoryJournal(), cache: cache)
        ) { _ in }.run(graph, identifier: "r", maximumParallel: 3, timeoutMilliseconds: nil)
        return (report, executor)
      }
      let (report, executor) = await run(index.cache(of: graph))
      let (plain, _) = await run(nil)
      let results = [report, plain].map { $0.outputs.map { $0.values.map(\.textOfContent) } }
      #expect(report.outcome == .succeeded && results[0] == results[1], "round \(round)")
      let ran = executor.calls.count { $0.prepared.text == "w" }
      #expect(ran == Set(items).subtracting(known).count, "each new item once")
      known.formUnion(items)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: items.shuffle(using: &generator)
      case 1: items.append(Int.random(in: 0..<9, using: &generator))
      default: if !items.isEmpty { items.remove(at: Int.random(in: items.indices, using: &generator)) }
      }
    }
  }
}
