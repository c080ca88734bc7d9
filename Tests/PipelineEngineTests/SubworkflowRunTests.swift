import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A run of several workflows")
struct SubworkflowRunTests {
  private typealias Files = [String: (nodes: String, more: String)]

  private static func success(_ call: NodeCall) -> NodeSuccess {
    NodeSuccess(outputs: [
      (PortName(unchecked: "output"), [NodeValue(json: .string(call.node.text))]),
      (PortName(unchecked: "size"), [NodeValue(json: 5)]),
    ])
  }

  private func run(
    _ main: String, more: String = "", files: Files, fails: Set<String> = []
  ) async throws -> (states: [String: String], report: RunReport) {
    let graph = try Demo.graph(main, more: more, files: files)
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if fails.contains(call.node.text) { throw NodeFailure(.error, "no") }
      return Self.success(call)
    }
    let report = await RunExecution(executor: executor, clock: FastClock()) { _ in }
      .run(graph, identifier: "r", maximumParallel: 4, timeoutMilliseconds: nil)
    return (Dictionary(uniqueKeysWithValues: report.nodes.map { ($0.name.text, $0.state.rawValue) }), report)
  }

  private static let build: Files = [
    "build.yaml": (
      """
      make: {type: demo/source}
      check: {type: demo/source, needs: [make]}
      clean: {type: demo/source, needs: [make, check], if: failure()}
      """, "outputs: {made: make.output, checked: check.output}"
    )
  ]

  @Test("a workflow has succeeded although a node of it that cleans up had nothing to do")
  func unneededCleanup() async throws {
    let (states, report) = try await run(
      "sub: {workflow: build.yaml}\nafter: {type: demo/source, needs: [sub]}\nwell: {type: demo/source, needs: [sub], if: \"needs.sub.state == 'succeeded'\"}",
      files: Self.build)
    #expect(
      states == [
        "sub/make": "succeeded", "sub/check": "succeeded", "sub/clean": "skipped", "after": "succeeded",
        "well": "succeeded",
      ])
    #expect(report.outcome == .succeeded)
  }

  @Test("what fails in a workflow is cleaned up there, and whoever needs the workflow doesn't run")
  func failure() async throws {
    let (states, report) = try await run(
      """
      sub: {workflow: build.yaml}
      after: {type: demo/source, needs: [sub]}
      data: {type: demo/step, in: {input: sub.made}}
      tell: {type: demo/source, needs: [sub], if: failure()}
      state: {type: demo/source, needs: [sub], if: "always() && needs.sub.state == 'failed' && needs.sub.outputs.checked == null"}
      """, files: Self.build, fails: ["sub/check"])
    #expect(
      states == [
        "sub/make": "succeeded", "sub/check": "failed", "sub/clean": "succeeded", "after": "skipped",
        "data": "succeeded", "tell": "succeeded", "state": "succeeded",
      ])
    #expect(report.outcome == .failed)
    #expect(report.nodes[3].skip?.description == "needs sub/check, which failed")
  }

  @Test("nothing of a workflow runs where what it waits for has failed, not even what cleans up")
  func neverBegun() async throws {
    let (states, report) = try await run(
      "first: {type: demo/source}\nsub: {workflow: build.yaml, needs: [first]}\nafter: {type: demo/source, needs: [sub]}",
      files: Self.build, fails: ["first"])
    #expect(
      states == [
        "first": "failed", "sub/make": "skipped", "sub/check": "skipped", "sub/clean": "skipped", "after": "skipped",
      ])
    #expect(report.nodes[1].skip?.description == "needs first, which failed")
  }

  @Test("the condition of a node with 'workflow' decides for all its nodes, by what is known outside")
  func condition() async throws {
    let (states, report) = try await run(
      """
      first: {type: demo/source}
      no: {workflow: build.yaml, needs: [first], if: "needs.first.state == 'failed' || inputs.publish"}
      yes: {workflow: build.yaml, needs: [first], if: "needs.first.outputs.output == 'first' && !inputs.publish"}
      each: {workflow: build.yaml, matrix: {n: [1, 2]}, if: matrix.n == 2}
      after: {type: demo/source, needs: [no]}
      anyway: {type: demo/source, needs: [no], if: "always() && needs.no.state == 'skipped'"}
      """, more: "inputs: {publish: {type: boolean, default: false}}", files: Self.build)
    for node in ["no/make", "no/check", "no/clean", "each[0]/make", "each[0]/check", "after"] {
      #expect(states[node] == "skipped", "\(node)")
    }
    for node in ["yes/make", "yes/check", "each[1]/make", "each[1]/check", "anyway"] {
      #expect(states[node] == "succeeded", "\(node)")
    }
    #expect(report.outcome == .succeeded)
    let reason = SkipReason.workflowCondition(
      of: NodeName(unchecked: "no"), condition: "needs.first.state == 'failed' || inputs.publish")
    func skip(_ node: String) -> SkipReason? { report.nodes.first { $0.name.text == node }?.skip }
    #expect(["no/make", "no/check", "no/clean"].allSatisfy { skip($0) == reason })
    #expect(reason.description == "the condition of no is false: 'needs.first.state == 'failed' || inputs.publish'")
    #expect(skip("each[0]/make") == .workflowCondition(of: NodeName(unchecked: "each[0]"), condition: "matrix.n == 2"))
    #expect(
      reason.jsonValue
        == ["condition": false, "of": "no", "if": "needs.first.state == 'failed' || inputs.publish"])
    let record = JournalRecord(JournalRecord(time: 1, .skipped(NodeName(unchecked: "no/make"), reason)).row)
    if case .skipped(_, let read)? = record?.content {
      #expect(read == reason)
    } else {
      Issue.record("the journal doesn't have it back")
    }
  }

  @Test("a workflow that is to run whatever was before runs as it says itself")
  func always() async throws {
    let (states, _) = try await run(
      "first: {type: demo/source}\nsub: {workflow: build.yaml, needs: [first], if: always()}", files: Self.build,
      fails: ["first", "sub/make"])
    #expect(
      states == ["first": "failed", "sub/make": "failed", "sub/check": "skipped", "sub/clean": "succeeded"])
  }

  @Test("a condition that has no value fails what would have been the first, and is told once")
  func noValue() async throws {
    let (states, report) = try await run(
      "first: {type: demo/source}\nsub: {workflow: build.yaml, needs: [first], if: needs.first.outputs.output.none}",
      files: Self.build)
    #expect(states == ["first": "succeeded", "sub/make": "failed", "sub/check": "skipped", "sub/clean": "skipped"])
    #expect(report.nodes[1].failure?.message == "the condition of the node 'sub' has no value")
  }

  @Test("continue-on-error of a workflow holds outside of it: within, what fails is a failure")
  func tolerated() async throws {
    let main = """
      sub: {workflow: build.yaml, continue-on-error: true}
      after: {type: demo/source, needs: [sub]}
      data: {type: demo/step, in: {input: sub.made}}
      next: {type: demo/source, needs: [data], if: failure()}
      state: {type: demo/source, needs: [sub], if: "needs.sub.state == 'failed'"}
      """
    let (states, report) = try await run(main, files: Self.build, fails: ["sub/make"])
    #expect(
      states == [
        "sub/make": "failed", "sub/check": "skipped", "sub/clean": "succeeded", "after": "succeeded", "data": "skipped",
        "next": "skipped", "state": "succeeded",
      ])
    #expect(report.outcome == .succeeded)
    let inner: Files = ["build.yaml": ("make: {type: demo/source, continue-on-error: true}", "")]
    let (other, _) = try await run(
      "sub: {workflow: build.yaml}\nstate: {type: demo/source, needs: [sub], if: \"needs.sub.state == 'succeeded'\"}",
      files: inner, fails: ["sub/make"])
    #expect(other == ["sub/make": "failed", "state": "succeeded"])
  }

  @Test("conditions read the outputs of a workflow, as a list where it has a matrix")
  func outputs() async throws {
    let (states, report) = try await run(
      """
      one: {workflow: build.yaml}
      many: {workflow: build.yaml, matrix: {n: [1, 2]}}
      a: {type: demo/source, needs: [one], if: "needs.one.outputs.made == 'one/make'"}
      b: {type: demo/source, needs: [many], if: "needs.many.outputs.made == ['many[0]/make', 'many[1]/make']"}
      """, more: "outputs: {one: one.made, many: many.made}", files: Self.build)
    #expect(states["a"] == "succeeded" && states["b"] == "succeeded")
    #expect(report.outputs.map(\.values.count) == [1, 2])
  }

  // MARK: Cancellation

  private func cancelled(_ main: String, _ files: Files, during node: String) async throws -> [String: String] {
    let graph = try Demo.graph(main, files: files)
    let (report, _) = await cancelledRun(of: graph, during: node, Self.success)
    return Dictionary(uniqueKeysWithValues: report.nodes.map { ($0.name.text, $0.state.rawValue) })
  }

  @Test("after a cancellation, what cleans up within a workflow that had begun runs, and nothing of others")
  func cleanup() async throws {
    let files: Files = [
      "work.yaml": (
        "rent: {type: demo/source}\nwork: {type: demo/source, needs: [rent]}\nreturn: {type: demo/source, needs: [rent, work], if: always()}",
        ""
      )
    ]
    let states = try await cancelled(
      "sub: {workflow: work.yaml}\nlater: {workflow: work.yaml, needs: [sub]}", files, during: "sub/work")
    #expect(
      states == [
        "sub/rent": "succeeded", "sub/work": "cancelled", "sub/return": "succeeded", "later/rent": "cancelled",
        "later/work": "cancelled", "later/return": "cancelled",
      ])
  }

  @Test("a workflow that is there to clean up runs whole after a cancellation")
  func cleanupWorkflow() async throws {
    let files: Files = [
      "clean.yaml": (
        "a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}}\nin1: {workflow: leaf.yaml, needs: [b]}",
        ""
      ),
      "leaf.yaml": ("c: {type: demo/source}\nnever: {type: demo/source, if: failure()}", ""),
    ]
    let states = try await cancelled(
      "work: {type: demo/source}\nclean: {workflow: clean.yaml, needs: [work], if: always()}", files, during: "work")
    #expect(
      states == [
        "work": "cancelled", "clean/a": "succeeded", "clean/b": "succeeded", "clean/in1/c": "succeeded",
        "clean/in1/never": "cancelled",
      ])
  }

  @Test("a workflow that hadn't begun before a cancellation doesn't begin, though what it waits for succeeds")
  func notBegun() throws {
    let graph = try Demo.graph(
      "a: {type: demo/source}\nsub: {workflow: clean.yaml, needs: [a]}",
      files: ["clean.yaml": ("clean: {type: demo/source, if: always()}", "")])
    var machine = RunMachine(graph: graph, run: "r")
    _ = machine.handle(.begin)
    _ = machine.handle(.assigned(node: 0))
    _ = machine.handle(.cancelRequested(.user))
    _ = machine.handle(.succeeded(node: 0, .everything))
    #expect(machine.states == [.succeeded, .cancelled])
  }

  // MARK: Going on

  @Test("a run that goes on doesn't ask again whether a workflow begins that had begun")
  func goesOn() async throws {
    // The first time 'first' is skipped for good and 'sub' begins all the same; 'sub/a' has succeeded.
    let graph = try Demo.graph(
      "first: {type: demo/source}\nsub: {workflow: part.yaml, needs: [first], if: failure()}",
      files: ["part.yaml": ("a: {type: demo/source}\nb: {type: demo/source, needs: [a]}", "")])
    var machine = RunMachine(
      graph: graph, run: "r", restored: [1: .succeeded(.everything, attempts: 1, milliseconds: 1)])
    _ = machine.handle(.begin)
    #expect(machine.states == [.queued, .succeeded, .queued])
  }

  // MARK: Against a reference

  /// A random workflow, and how it ends by the rules of the page, put in another way: as a tree.
  private struct Sample {
    enum State { case good, failed, skipped }
    var files: Files = [:]
    var expected: [String: String] = [:]
    var fails: Set<String> = []
    var generator: SeededGenerator

    mutating func file(_ depth: Int, prefix: String, mayRun: Bool) -> (nodes: String, state: State) {
      var lines: [String] = []
      var known: [(name: String, isGood: Bool)] = []
      var states: [State] = []
      for index in 0..<Int.random(in: 1...4, using: &generator) {
        let name = "n\(index)"
        let needs = known.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }
        let isAlways = Int.random(in: 0..<5, using: &generator) == 0
        let isTolerant = Int.random(in: 0..<4, using: &generator) == 0
        let runs = mayRun && (isAlways || needs.allSatisfy(\.isGood))
        var state: State
        var action = "type: demo/source"
        if depth < 4, Int.random(in: 0..<3, using: &generator) == 0 {
          let path = "f\(files.count).yaml"
          files[path] = ("", "")
          let inner = file(depth + 1, prefix: "\(prefix)\(name)/", mayRun: runs)
          files[path] = (inner.nodes, "")
          (state, action) = (inner.state, "workflow: \(path)")
        } else {
          let isFailing = Int.random(in: 0..<4, using: &generator) == 0
          if isFailing { fails.insert(prefix + name) }
          state = !runs ? .skipped : isFailing ? .failed : .good
          expected[prefix + name] = !runs ? "skipped" : isFailing ? "failed" : "succeeded"
        }
        let words = [
          action, needs.isEmpty ? "" : "needs: [\(needs.map(\.name).joined(separator: ", "))]",
          isAlways ? "if: always()" : "", isTolerant ? "continue-on-error: true" : "",
        ]
        lines.append("\(name): {\(words.filter { !$0.isEmpty }.joined(separator: ", "))}")
        known.append((name, state == .good || state == .failed && isTolerant))
        if state == .failed, isTolerant { state = .good }
        states.append(state)
      }
      let state: State =
        states.contains(.failed) ? .failed : states.allSatisfy { $0 == .skipped } ? .skipped : .good
      return (lines.joined(separator: "\n"), state)
    }
  }

  @Test("workflows in each other end as a tree of them would", arguments: 0..<150)
  func reference(_ seed: Int) async throws {
    var sample = Sample(generator: SeededGenerator(seed: UInt64(seed)))
    let (main, state) = sample.file(0, prefix: "", mayRun: true)
    let (states, report) = try await run(main, files: sample.files, fails: sample.fails)
    #expect(states == sample.expected, "\(main)\n\(sample.files)")
    #expect(report.outcome == (state == .failed ? .failed : .succeeded))
  }
}
