import LinuxSystem
import Tracing

/// Makes spans, and hands those that have ended to a queue. It is passed to whoever traces: there is no global one.
///
/// A span of a trace that nobody wants kept, or of a tracer without a queue, records nothing; what is asked of others still says which trace
/// it belongs to.
package struct RunTracer: Tracer {
  private let queue: SpanQueue?

  package init(_ queue: SpanQueue?) { self.queue = queue }

  package func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
    at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
  ) -> RunSpan {
    let parent = context()
    var generator = SystemRandomNumberGenerator()
    let place = TraceContext(
      trace: parent.trace?.trace ?? TraceIdentifier(using: &generator), span: SpanIdentifier(using: &generator),
      isSampled: parent.trace?.isSampled ?? true, state: parent.trace?.state)
    return RunSpan(
      operationName, kind, place: place, in: parent, at: instant().nanosecondsSinceEpoch,
      to: place.isSampled ? queue : nil)
  }

  /// What was handed to the queue is sent by its exporter.
  package func forceFlush() {}

  // MARK: Other programs

  package func extract<Carrier, Extract: Extractor>(
    _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
  ) where Extract.Carrier == Carrier {
    guard let parent = extractor.extract(key: TraceContext.parentField, from: carrier) else { return }
    let state = extractor.extract(key: TraceContext.stateField, from: carrier)
    if let trace = TraceContext(parent: parent, state: state) { context.trace = trace }
  }

  package func inject<Carrier, Inject: Injector>(
    _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
  ) where Inject.Carrier == Carrier {
    guard let trace = context.trace else { return }
    injector.inject(trace.parent, forKey: TraceContext.parentField, into: &carrier)
    if let state = trace.state { injector.inject(state, forKey: TraceContext.stateField, into: &carrier) }
  }
}

/// Something that takes time, as a part of something else. Nothing that is said of it after its end counts.
package final class RunSpan: Tracing.Span {
  private struct State {
    var record: SpanRecord
    var isEnded = false
  }

  package let context: ServiceContext
  package let place: TraceContext
  private let queue: SpanQueue?
  private let state: Lock<State>

  init(
    _ name: String, _ kind: SpanKind, place: TraceContext, in parent: ServiceContext, at start: UInt64,
    to queue: SpanQueue?
  ) {
    var context = parent
    context.trace = place
    self.context = context
    self.place = place
    self.queue = queue
    state = Lock(
      State(record: SpanRecord(place: place, parent: parent.trace?.span, name: name, kind: kind, start: start)))
  }

  package var isRecording: Bool { queue != nil && !state.withLock { $0.isEnded } }

  package var operationName: String {
    get { state.withLock { $0.record.name } }
    set { change { $0.name = newValue } }
  }

  package var attributes: SpanAttributes {
    get { state.withLock { $0.record.attributes } }
    set { change { $0.attributes = newValue } }
  }

  package func setStatus(_ status: SpanStatus) { change { $0.status = status } }
  package func addEvent(_ event: SpanEvent) { change { $0.add(event) } }
  package func addLink(_ link: SpanLink) { change { $0.add(link) } }

  /// As an event, by OpenTelemetry's conventions for exceptions.
  package func recordError<Instant: TracerInstant>(
    _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
  ) {
    var attributes = attributes
    attributes["exception.type"] = "\(type(of: error))"
    attributes["exception.message"] = "\(error)"
    addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
  }

  package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
    let finished = state.withLock { state -> SpanRecord? in
      guard !state.isEnded else { return nil }
      state.isEnded = true
      return state.record
    }
    guard let finished, let queue else { return }
    queue.add(finished.encoded(end: instant().nanosecondsSinceEpoch))
  }

  private func change(_ body: (inout SpanRecord) -> Void) {
    guard queue != nil else { return }
    state.withLock { state in if !state.isEnded { body(&state.record) } }
  }
}
