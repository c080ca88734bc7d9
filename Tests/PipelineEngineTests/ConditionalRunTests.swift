import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("Nodes with conditions, and failures that are no errors")
struct ConditionalRunTests {
  /// - Parameter fails: the nodes that do.
  private func run(
    _ nodes: String, outputs: String = "", fails: Set<String> = []
  ) async throws -> (states: [String: String], report: RunReport, calls: [String]) {
    let graph = try Demo.graph(Demo.workflow(nodes, more: outputs))
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if fails.contains(call.node.text) { throw NodeFailure(.error, "no") }
      return NodeSuccess(outputs: [
        (PortName(unchecked: "output"), [NodeValue(json: .string(call.node.text))]),
        (PortName(unchecked: "size"), [NodeValue(json: 5)]),
      ])
    }
    let report = await RunExecution(executor: executor, clock: FastClock()) { _ in }
      .run(graph, identifier: "r", maximumParallel: 4, timeoutMilliseconds: nil)
    let states = Dictionary(uniqueKeysWithValues: report.nodes.map { ($0.name.text, $0.state.rawValue) })
    return (states, report, executor.calls.map(\.node.text))
  }

  @Test("each status function says of what a node waits for what it is named after")
  func status() async throws {
    let nodes = """
      good: {type: demo/source}
      bad: {type: demo/source}
      after: {type: demo/source, needs: [bad]}
      on_success: {type: demo/source, needs: [good], if: success()}
      on_failure: {type: demo/source, needs: [good, bad], if: failure()}
      on_failure_before: {type: demo/source, needs: [after], if: failure()}
      no_failure: {type: demo/source, needs: [good], if: failure()}
      always: {type: demo/source, needs: [bad, after], if: always()}
      plain: {type: demo/source, needs: [bad], if: "true"}
      none: {type: demo/source, if: "false"}
      cancelled: {type: demo/source, needs: [bad], if: cancelled()}
      """
    let (states, report, _) = try await run(nodes, fails: ["bad"])
    #expect(
      states == [
        "good": "succeeded", "bad": "failed", "after": "skipped", "on_success": "succeeded", "on_failure": "succeeded",
        "on_failure_before": "succeeded", "no_failure": "skipped", "always": "succeeded", "plain": "skipped",
        "none": "skipped", "cancelled": "skipped",
      ])
    #expect(report.outcome == .failed)
    #expect(report.nodes.first { $0.name.text == "none" }?.skip == .condition)
  }

  @Test("a node that is skipped by its condition is no failure, and whoever needs it is skipped too")
  func skippedByCondition() async throws {
    let (states, report, _) = try await run(
      """
      a: {type: demo/source, if: "false"}
      b: {type: demo/step, in: {input: a.output}}
      c: {type: demo/source, needs: [a], if: failure()}
      d: {type: demo/source, needs: [a], if: always()}
      """)
    #expect(states == ["a": "skipped", "b": "skipped", "c": "skipped", "d": "succeeded"])
    #expect(report.outcome == .succeeded)
    #expect(report.nodes[1].skip?.description == "needs a, which has no result")
  }

  @Test("a condition reads how others ended and what they returned")
  func values() async throws {
    let (states, _, _) = try await run(
      """
      a: {type: demo/source}
      b: {type: demo/source}
      same: {type: demo/source, needs: [a], if: "needs.a.outputs.output == 'a'"}
      other: {type: demo/source, needs: [a], if: "needs.a.outputs.output == 'b'"}
      state: {type: demo/source, needs: [b], if: "always() && needs.b.state == 'failed'"}
      """, fails: ["b"])
    #expect(states["same"] == "succeeded" && states["other"] == "skipped" && states["state"] == "succeeded")
  }

  @Test("a condition that has no value fails its node, and says why")
  func withoutValue() async throws {
    let (states, report, calls) = try await run(
      """
      a: {type: demo/source}
      b: {type: demo/source, needs: [a], if: "needs.a.outputs.output > 3"}
      """)
    #expect(states["b"] == "failed")
    #expect(report.outcome == .failed)
    #expect(report.nodes[1].failure?.message.contains("condition") == true)
    #expect(calls == ["a"])
  }

  @Test("without its inputs a node can't run, whatever its condition says")
  func missingInputs() async throws {
    let (states, report, _) = try await run(
      "a: {type: demo/source}\nb: {type: demo/step, in: {input: a.output}, if: always()}", fails: ["a"])
    #expect(states["b"] == "skipped")
    #expect(report.nodes[1].skip == SkipReason(needs: report.nodes[0].name, failed: report.nodes[0].name))
  }

  @Test("continue-on-error: the run succeeds, who only needs the node runs, who reads it is skipped")
  func continueOnError() async throws {
    let (states, report, _) = try await run(
      """
      a: {type: demo/source, continue-on-error: true}
      needs: {type: demo/source, needs: [a]}
      reads: {type: demo/step, in: {input: a.output}}
      after: {type: demo/step, in: {input: reads.output}}
      state: {type: demo/source, needs: [a], if: "needs.a.state == 'failed'"}
      failure: {type: demo/source, needs: [a], if: failure()}
      """, fails: ["a"])
    #expect(
      states == [
        "a": "failed", "needs": "succeeded", "reads": "skipped", "after": "skipped", "state": "succeeded",
        "failure": "skipped",
      ])
    #expect(report.outcome == .succeeded && report.outcome.exitCode == 0)
    #expect(report.nodes[0].failure != nil, "it is told all the same")
  }

  @Test("every instance of a matrix runs with its values, and who needs the node waits for all")
  func matrix() async throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        m: {type: demo/source, matrix: {n: [1, 2, 3]}, with: {count: "${{ matrix.n }}"}}
        all: {type: demo/join, in: {items: m.output}}
        """, more: "outputs: {list: m.output, one: all.output}"))
    let executor = ScriptedExecutor { call in
      let count = call.parameters.first { $0.name.text == "count" }?.value ?? .null
      return NodeSuccess(outputs: [(PortName(unchecked: "output"), [NodeValue(json: count)])])
    }
    let report = await RunExecution(executor: executor, clock: FastClock()) { _ in }
      .run(graph, identifier: "r", maximumParallel: 4, timeoutMilliseconds: nil)
    #expect(report.outcome == .succeeded)
    #expect(Set(executor.calls.map(\.node.text)) == ["m[0]", "m[1]", "m[2]", "all"])
    let join = try #require(executor.calls.last)
    #expect(join.inputs[0].values.map(\.shown) == ["1", "2", "3"])
    #expect(report.outputs.first?.values.map(\.shown) == ["1", "2", "3"])
  }

  @Test("what is there to clean up runs after a cancellation, and nothing else begins")
  func cleanup() async throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source}
        b: {type: demo/source, needs: [a]}
        clean: {type: demo/source, needs: [a, b], if: always()}
        told: {type: demo/source, needs: [a], if: cancelled()}
        success: {type: demo/source, needs: [a], if: success()}
        """))
    let (report, calls) = await cancelledRun(of: graph, during: "a") { _ in .everything }
    #expect(report.outcome == .interrupted)
    #expect(report.nodes.map(\.state) == [.cancelled, .cancelled, .succeeded, .succeeded, .cancelled])
    #expect(Set(calls.map(\.node.text)) == ["a", "clean", "told"])
  }

  @Test("what cleans up comes after everything before it that still runs, and another request ends it")
  func cleanupInOrder() throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source}
        b: {type: demo/source}
        c: {type: demo/source, needs: [a, b]}
        clean: {type: demo/source, needs: [c], if: always()}
        """))
    func starts(_ actions: [RunMachine.Action]) -> [Int] {
      actions.compactMap { if case .start(let node, _) = $0 { node } else { nil } }
    }
    var machine = PlacedMachine(graph: graph, run: "r", maximumParallel: 4)
    let gone = NodeFailure(.cancelled, "cancelled")
    #expect(starts(machine.handle(.begin)) == [0, 1])
    #expect(starts(machine.handle(.cancelRequested(.deadline))).isEmpty, "both still run")
    #expect(starts(machine.handle(.failed(node: 0, gone))).isEmpty, "b still runs")
    #expect(starts(machine.handle(.failed(node: 1, gone))) == [3])
    let again = machine.handle(.cancelRequested(.user))
    let isCancelled = again.contains { if case .cancelRunning = $0 { true } else { false } }
    #expect(isCancelled)
    _ = machine.handle(.failed(node: 3, gone))
    #expect(machine.states == [.cancelled, .cancelled, .cancelled, .cancelled])
    #expect(machine.outcome == .deadlineExceeded)
  }
}

extension NodeValue {
  fileprivate var shown: String {
    guard case .inline(let bytes) = content else { return "?" }
    return String(decoding: bytes, as: UTF8.self)
  }
}
