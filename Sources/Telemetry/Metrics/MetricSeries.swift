import CoreMetrics
import LinuxSystem

/// One series, whatever it counts in.
protocol MetricSeries: AnyObject, Sendable {
  func write(_ name: MetricName, _ labels: LabelSet, to text: inout ExpositionText)
}

/// Only grows, until it is reset.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
  private let value = Lock(0.0)

  func increment(by amount: Int64) { increment(by: Double(amount)) }

  /// What would let it shrink, or be no number, is left out.
  func increment(by amount: Double) {
    guard amount.isFinite, amount > 0 else { return }
    value.withLock { $0 += amount }
  }

  func reset() { value.withLock { $0 = 0 } }

  func write(_ name: MetricName, _ labels: LabelSet, to text: inout ExpositionText) {
    text.sample(name.text, labels.text, value.withLock { $0 })
  }
}

final class GaugeSeries: MetricSeries, RecorderHandler, MeterHandler {
  private let value = Lock(0.0)

  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLock { $0 = value } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }

  func write(_ name: MetricName, _ labels: LabelSet, to text: inout ExpositionText) {
    text.sample(name.text, labels.text, value.withLock { $0 })
  }
}

final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
  private struct State {
    /// How many fell into each bucket alone; the last is that without a bound.
    var counts: [UInt64]
    var sum = 0.0
  }

  private let bounds: [Double]
  private let state: Lock<State>

  init(_ bounds: [Double]) {
    self.bounds = bounds
    state = Lock(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  func record(_ value: Int64) { record(Double(value)) }

  /// What is no number is left out: it would spoil the sum for good.
  func record(_ value: Double) {
    guard value.isFinite else { return }
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[bucket] += 1
      state.sum += value
    }
  }

  /// In seconds, as everywhere in Prometheus.
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  func write(_ name: MetricName, _ labels: LabelSet, to text: inout ExpositionText) {
    let state = state.withLock { $0 }
    var count: UInt64 = 0
    for (position, own) in state.counts.enumerated() {
      count += own
      let bound = position < bounds.count ? ExpositionText.number(bounds[position]) : "+Inf"
      text.sample("\(name.text)_bucket", labels.text(within: bound), count)
    }
    text.sample("\(name.text)_sum", labels.text, state.sum)
    text.sample("\(name.text)_count", labels.text, count)
  }
}
