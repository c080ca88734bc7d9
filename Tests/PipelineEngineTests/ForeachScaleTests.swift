import LinuxSystem
import PluginModel
import Scheduling
import Testing

@testable import PipelineEngine

@Suite("Lists of very many items")
struct ForeachScaleTests {
  private static let count = Workflow.maximumForeachItems
  private static let list = NodeSuccess(outputs: [
    (
      PortName(unchecked: "output"),
      [
        NodeValue(
          codec: .json, content: .inline(Array("[\((0..<count).map { "\"\($0)\"" }.joined(separator: ","))]".utf8)))
      ]
    )
  ])

  private static func graph(_ more: String = "") throws -> WorkflowGraph {
    try Demo.graph(
      Demo.workflow(
        "s: {type: demo/split}\nw: {type: demo/step, in: {input: s.output}, foreach: input}\n\(more)",
        more: "outputs: {r: w.output}"))
  }

  @Test("are expanded, run and put together in time that grows with their number, few of them under way at one time")
  func machine() throws {
    let graph = try Self.graph("v: {type: demo/frame, in: {input: w.output, whole: w.output}, foreach: input}")
    var machine = RunMachine(graph: graph, run: "r")
    var ready = machine.handle(.begin)
    var queue: [Int] = []
    var most = 0
    let clock = ContinuousClock()
    let start = clock.now
    var slowest = Duration.zero
    var isFinished = false
    while !isFinished {
      var next: [RunMachine.Action] = []
      for action in ready {
        switch action {
        case .enqueue(let node): queue.append(node)
        case .finish: isFinished = true
        default: break
        }
      }
      most = max(most, queue.count)
      if let node = queue.popLast() {
        next = machine.handle(.assigned(node: node))
        let began = clock.now
        next += machine.handle(
          .succeeded(
            node: node,
            node == 0
              ? Self.list
              : NodeSuccess(outputs: [
                (PortName(unchecked: "output"), [NodeValue(codec: .json, content: .inline(Array("\"\(node)\"".utf8)))])
              ])))
        slowest = max(slowest, clock.now - began)
      }
      ready = next
    }
    #expect(machine.outcome == .succeeded)
    #expect(machine.graph.nodes.count == 3 + 2 * Self.count)
    #expect(most <= 1024)
    #expect(machine.values.values.map(\.count) == [Self.count])
    #expect(machine.heldResults == 0 && machine.expansions.isEmpty && machine.joined.isEmpty)
    // Debug builds on a busy machine take a few seconds; what is quadratic takes hours.
    #expect(clock.now - start < .seconds(60), "\(clock.now - start), the slowest step \(slowest)")
  }

  @Test("run to their end with real tasks, are written down and looked up")
  func execution() async throws {
    let graph = try Self.graph()
    // Fewer: a debug build takes about a millisecond for each, nearly all of it for tasks and for the digests of keys.
    let count = 20_000
    let executor = ScriptedExecutor { call in
      call.node.text == "s"
        ? .everything(of: call.type, items: count)
        : NodeSuccess(outputs: [(PortName(unchecked: "output"), call.inputs.first?.values ?? [])])
    }
    let journal = MemoryJournal()
    let index = MemoryCache()
    let report = await RunExecution(
      executor: executor, clock: FastClock(), keeping: RunKeeping(journal, cache: index.cache(of: graph))
    ) { _ in }
    .run(graph, identifier: "r", maximumParallel: 64, timeoutMilliseconds: nil)
    #expect(report.outcome == .succeeded)
    #expect(executor.calls.count == count + 1)
    #expect(report.outputs.first?.values.count == count)
    #expect(report.outputs.first?.values.last?.textOfContent == "\"item \(count - 1)\"")
  }

  @Test("of equal items one runs, and each of the others is woken once")
  func equal() async throws {
    let graph = try Self.graph()
    let executor = ScriptedExecutor { call in
      guard call.node.text == "s" else { return .everything }
      let items = [String](repeating: "1", count: 5_000).joined(separator: ",")
      return NodeSuccess(outputs: [
        (PortName(unchecked: "output"), [NodeValue(codec: .json, content: .inline(Array("[\(items)]".utf8)))])
      ])
    }
    let cache = MemoryCache().cache(of: graph)
    let report = await RunExecution(
      executor: executor, clock: FastClock(), keeping: RunKeeping(MemoryJournal(), cache: cache)
    ) { _ in }
    .run(graph, identifier: "r", maximumParallel: 8, timeoutMilliseconds: nil)
    #expect(report.outcome == .succeeded && report.nodes.count == 5_002)
    #expect(executor.calls.count == 2)
  }

  @Test("may be half a million in a run, and no more")
  func allTogether() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        "s: {type: demo/split}\n"
          + (0..<6).map { "w\($0): {type: demo/step, in: {input: s.output}, foreach: input}" }.joined(separator: "\n")))
    var machine = RunMachine(graph: graph, run: "r")
    _ = machine.handle(.begin)
    _ = machine.handle(.assigned(node: 0))
    _ = machine.handle(.succeeded(node: 0, Self.list))
    #expect(machine.graph.nodes.count == 7 + Workflow.maximumRunItems)
    #expect(machine.failures.count == 1)
    #expect(machine.failures.values.first?.cause?.contains("there may be 500000") == true)
    _ = machine.handle(.cancelRequested(.user))
    #expect(machine.states.allSatisfy { $0.isTerminal })
  }
}
