import PipelineEngine
import PluginModel
import Telemetry
import Tracing

/// A run as spans: one of it all, and in that one for each attempt at a node.
///
/// Times are those of the events, by the clock of the run.
actor RunSpans {
  /// Nanoseconds since 1970.
  private struct Moment: TracerInstant {
    var nanosecondsSinceEpoch: UInt64
    static func < (one: Moment, other: Moment) -> Bool { one.nanosecondsSinceEpoch < other.nanosecondsSinceEpoch }
  }

  private let tracer: RunTracer
  private let run: RunSpan
  /// When the run's clock was at nothing.
  private var origin: UInt64
  private var nodes: [NodeName: RunSpan] = [:]

  /// - Parameters:
  ///   - context: what the run was begun by.
  ///   - now: nanoseconds since 1970.
  init(_ identifier: String, workflow: String, by tracer: RunTracer, in context: ServiceContext, at now: UInt64) {
    self.tracer = tracer
    origin = now
    run = tracer.startSpan(
      "run \(workflow)", context: context, ofKind: .internal, at: Moment(nanosecondsSinceEpoch: now))
    run.attributes["orchestrator.run.id"] = identifier
    run.attributes["orchestrator.workflow.name"] = workflow
  }

  /// Nanoseconds since 1970, now.
  func handle(_ events: [RunEvent], at now: UInt64) {
    guard run.isRecording else { return }
    for event in events { handle(event, now) }
  }

  private func handle(_ event: RunEvent, _ now: UInt64) {
    if case .runStarted = event.content { origin = now - UInt64(clamping: event.milliseconds) * 1_000_000 }
    let moment = Moment(nanosecondsSinceEpoch: origin + UInt64(clamping: event.milliseconds) * 1_000_000)
    if case .runFinished(let outcome) = event.content { finish(outcome.rawValue, outcome == .succeeded, moment) }
    guard let node = event.node else { return }
    switch event.content {
    case .nodeState(.running, let attempt):
      let span = tracer.startSpan(node.text, context: run.context, ofKind: .internal, at: moment)
      span.attributes["orchestrator.node.name"] = node.text
      span.attributes["orchestrator.node.attempt"] = Int64(attempt)
      nodes[node] = span
    case .nodeRetry(let failure, _, _): end(node, failure.message, moment)
    case .nodeFailed(let failure): nodes[node]?.setStatus(SpanStatus(code: .error, message: failure.message))
    case .nodeState(let state, _) where state.isTerminal:
      nodes[node]?.attributes["orchestrator.node.state"] = state.rawValue
      nodes.removeValue(forKey: node)?.end(at: moment)
    case .nodeState, .nodeReport, .nodesAdded, .runStarted, .runFinished: break
    }
  }

  private func end(_ node: NodeName, _ message: String, _ moment: Moment) {
    let span = nodes.removeValue(forKey: node)
    span?.setStatus(SpanStatus(code: .error, message: message))
    span?.end(at: moment)
  }

  private func finish(_ outcome: String, _ hasSucceeded: Bool, _ moment: Moment) {
    run.attributes["orchestrator.run.outcome"] = outcome
    if !hasSucceeded { run.setStatus(SpanStatus(code: .error)) }
    end(at: moment)
  }

  /// Whatever came of it.
  func end(at now: UInt64) { end(at: Moment(nanosecondsSinceEpoch: now)) }

  private func end(at moment: Moment) {
    for span in nodes.values { span.end(at: moment) }
    nodes = [:]
    run.end(at: moment)
  }
}
