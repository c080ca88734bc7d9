import PluginModel
import Scheduling
import Testing

@testable import PipelineEngine

@Suite("What is measured of a run's nodes")
struct NodeMeasurementTests {
  @Test("is what those that ran used, and what those had that ran out of memory; with the size of what they were given")
  func measured() async throws {
    let graph = try Demo.graph(
      Demo.workflow(
        """
        a: {type: demo/source}
        b: {type: demo/step, in: {input: a.output}}
        c: {type: demo/step, in: {input: a.output}}
        d: {type: demo/step, in: {input: c.output}}
        """))
    let usage = ResourceUsage(
      processorMicroseconds: 1 << 50, memoryPeak: .init(bytes: 9 << 20, scope: .node, isSampled: false))
    let executor = ScriptedExecutor { call throws(NodeFailure) in
      if call.node.text == "c" {
        throw NodeFailure(
          .oom, "no memory left",
          account: NodeAccount(limits: [.memory(limit: 64 << 20, peak: 64 << 20)]))
      }
      var success = NodeSuccess.everything
      success.account = NodeAccount(usage: usage)
      return success
    }
    let report = await RunExecution(executor: executor, clock: FastClock()) { _ in }
      .run(graph, identifier: "r", maximumParallel: 4, timeoutMilliseconds: nil)
    let measured = report.measurements
    #expect(measured.map(\.type.description) == ["demo/source", "demo/step", "demo/step"])
    #expect(measured.map(\.ranOutOfMemory) == [false, false, true])
    #expect(measured.map(\.memory) == [9 << 20, 9 << 20, 64 << 20])
    #expect(measured[0].inputBytes == 0 && measured[1].inputBytes > 0 && measured[2].inputBytes > 0)
    #expect(measured[0].cpuMilli > 0)
    var history = EstimateHistory()
    history.record(measured)
    let next = history.estimate(
      nodeType: "demo/step", inputBytes: measured[1].inputBytes, declared: 1, plugin: nil, most: .max)
    #expect(next?.source == .outOfMemory && next?.memory == 128 << 20)
  }
}
