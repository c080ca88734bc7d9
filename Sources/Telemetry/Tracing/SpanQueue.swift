import CoreMetrics
import LinuxSystem

/// Spans that have ended and weren't sent yet, encoded. Whoever adds one never waits: of what there is no room for, the oldest go.
package final class SpanQueue: Sendable {
  /// What it holds at most, beside the batch that is under way.
  package struct Limits: Sendable {
    package var spans = 2048
    package var bytes = 8 << 20
    /// Of one span; a larger one is dropped.
    package var spanBytes = 256 << 10

    package init(spans: Int = 2048, bytes: Int = 8 << 20, spanBytes: Int = 256 << 10) {
      self.spans = spans
      self.bytes = bytes
      self.spanBytes = spanBytes
    }
  }

  private struct State {
    var spans: [[UInt8]] = []
    var bytes = 0
  }

  private let limits: Limits
  private let dropped: Counter
  private let state = Lock(State())
  /// Something may be there to send.
  let wakes: AsyncStream<Void>
  private let waking: AsyncStream<Void>.Continuation

  package init(limits: Limits = Limits(), metrics: any MetricsFactory) {
    self.limits = limits
    dropped = Counter(label: "trace_spans_dropped", dimensions: [("reason", "full")], factory: metrics)
    (wakes, waking) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  package var count: Int { state.withLock { $0.spans.count } }

  func add(_ span: [UInt8]) {
    guard span.count <= limits.spanBytes else { return dropped.increment() }
    let (lost, isWorthSending) = state.withLock { state in
      state.spans.append(span)
      state.bytes += span.count
      var lost = 0
      while state.spans.count - lost > limits.spans || state.bytes > limits.bytes {
        state.bytes -= state.spans[lost].count
        lost += 1
      }
      state.spans.removeFirst(lost)
      return (lost, state.spans.count >= limits.spans / 4)
    }
    if lost > 0 { dropped.increment(by: lost) }
    if isWorthSending { waking.yield() }
  }

  func wake() { waking.yield() }

  /// The oldest.
  func take(atMost count: Int) -> [[UInt8]] {
    state.withLock { state in
      let taken = Array(state.spans.prefix(count))
      state.spans.removeFirst(taken.count)
      state.bytes -= taken.reduce(0) { $0 + $1.count }
      return taken
    }
  }

  /// Puts back what was taken and wasn't sent, as far as there is room.
  func putBack(_ spans: [[UInt8]]) {
    let lost = state.withLock { state in
      var room = (spans: limits.spans - state.spans.count, bytes: limits.bytes - state.bytes)
      var kept = 0
      for span in spans.reversed() {
        guard room.spans > 0, room.bytes >= span.count else { break }
        room.spans -= 1
        room.bytes -= span.count
        kept += 1
      }
      let back = spans.suffix(kept)
      state.bytes += back.reduce(0) { $0 + $1.count }
      state.spans.insert(contentsOf: back, at: 0)
      return spans.count - kept
    }
    if lost > 0 { dropped.increment(by: lost) }
  }
}
