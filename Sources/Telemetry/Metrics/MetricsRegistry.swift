import CoreMetrics
import LinuxSystem

/// The metrics of one program, as Prometheus reads them. It is passed to whoever counts: there is no global one.
///
///     let metrics = MetricsRegistry([.init("runs_started", help: "Runs that were started.")])
///     Counter(label: "runs_started", dimensions: [("workflow", name)], factory: metrics).increment()
///
/// Labels become names by Prometheus' conventions: a counter ends in `_total`, a timer in `_seconds`. A recorder that aggregates, and a timer,
/// is a histogram. However many values labels have, memory is bounded: what comes after a metric has as many series as it may is counted in
/// one series, `overflow="true"`.
package final class MetricsRegistry: MetricsFactory, Sendable {
  /// What is told of a metric beside its values.
  package struct Description: Sendable {
    package var label: String
    package var help: String
    /// Upper bounds of a histogram's buckets; nil: what is usual for its unit.
    package var buckets: [Double]?

    package init(_ label: String, help: String, buckets: [Double]? = nil) {
      self.label = label
      self.help = help
      self.buckets = buckets
    }
  }

  /// How much there may be.
  package struct Limits: Sendable {
    package var names = 512
    /// Of one name, beside the one for all that are too many.
    package var series = 256

    package init(names: Int = 512, series: Int = 256) {
      self.names = names
      self.series = series
    }
  }

  private struct Family {
    var kind: MetricKind
    var help: String?
    var series: [LabelSet: any MetricSeries] = [:]
  }

  private struct State {
    var families: [MetricName: Family] = [:]
    /// The names of all samples, which no two metrics share.
    var samples: Set<String> = []
    var folded = 0
    var refused = 0
  }

  private let descriptions: [String: Description]
  private let limits: Limits
  private let state = Lock(State())

  package init(_ descriptions: [Description] = [], limits: Limits = Limits()) {
    self.descriptions = Dictionary(descriptions.map { ($0.label, $0) }) { first, _ in first }
    self.limits = limits
  }

  /// All of it, in the order of the names and labels.
  package func text() -> [UInt8] {
    let (families, folded, refused) = state.withLock { ($0.families, $0.folded, $0.refused) }
    var text = ExpositionText()
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      text.family(name, family.kind, help: family.help)
      for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) { series.write(name, labels, to: &text) }
    }
    text.family(
      Self.foldedName, .counter, help: "Times that a series was asked for beyond those that a metric may have.")
    text.sample(Self.foldedName.text, "", UInt64(folded))
    text.family(Self.refusedName, .counter, help: "Times that a metric was asked for that there is no room for.")
    text.sample(Self.refusedName.text, "", UInt64(refused))
    return text.bytes
  }

  private static let foldedName = MetricName("metrics_series_folded_total")
  private static let refusedName = MetricName("metrics_refused_total")

  // MARK: Series

  /// The one series of these labels. What can't be told apart from another metric, or is of a name too many, counts for nobody.
  private func series<Series: MetricSeries>(
    _ label: String, _ dimensions: [(String, String)], suffix: String, _ kind: MetricKind, _ make: () -> Series
  ) -> Series {
    let name = MetricName(label, suffix: suffix)
    let labels = LabelSet(dimensions)
    return state.withLock { state in
      guard var family = family(name, kind, help: descriptions[label]?.help, &state) else {
        state.refused += 1
        return make()
      }
      var place = labels
      if family.series[labels] == nil, family.series.count >= limits.series {
        place = .overflow
        state.folded += 1
      }
      if let known = family.series[place] as? Series { return known }
      let series = make()
      family.series[place] = series
      state.families[name] = family
      return series
    }
  }

  private func family(_ name: MetricName, _ kind: MetricKind, help: String?, _ state: inout State) -> Family? {
    if let known = state.families[name] { return known.kind == kind ? known : nil }
    let own = [Self.foldedName.text, Self.refusedName.text]
    let samples = name.samples(kind)
    guard state.families.count < limits.names, state.samples.isDisjoint(with: samples),
      !own.contains(where: samples.contains)
    else { return nil }
    state.samples.formUnion(samples)
    let family = Family(kind: kind, help: help)
    state.families[name] = family
    return family
  }

  private func remove(_ series: any MetricSeries) {
    state.withLock { state in
      for (name, family) in state.families {
        guard let labels = family.series.first(where: { $0.value === series })?.key else { continue }
        state.families[name]?.series[labels] = nil
        return
      }
    }
  }

  // MARK: The factory

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, dimensions, suffix: "_total", .counter) { CounterSeries() }
  }

  package func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    series(label, dimensions, suffix: "_total", .counter) { CounterSeries() }
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, dimensions, suffix: "", .gauge) { GaugeSeries() }
  }

  package func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    guard aggregate else { return series(label, dimensions, suffix: "", .gauge) { GaugeSeries() } }
    let bounds = bounds(label, MetricName(label).text.hasSuffix("_bytes") ? Buckets.bytes : Buckets.amounts)
    return series(label, dimensions, suffix: "", .histogram(bounds)) { HistogramSeries(bounds) }
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    let bounds = bounds(label, Buckets.seconds)
    return series(label, dimensions, suffix: "_seconds", .histogram(bounds)) { HistogramSeries(bounds) }
  }

  private func bounds(_ label: String, _ usual: [Double]) -> [Double] {
    descriptions[label]?.buckets.map { Set($0.filter(\.isFinite)).sorted() } ?? usual
  }

  package func destroyCounter(_ handler: any CounterHandler) { removeSeries(handler) }
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { removeSeries(handler) }
  package func destroyMeter(_ handler: any MeterHandler) { removeSeries(handler) }
  package func destroyRecorder(_ handler: any RecorderHandler) { removeSeries(handler) }
  package func destroyTimer(_ handler: any TimerHandler) { removeSeries(handler) }

  private func removeSeries(_ handler: AnyObject) {
    if let series = handler as? any MetricSeries { remove(series) }
  }
}

/// Upper bounds of buckets where nobody says others.
enum Buckets {
  /// From a request that is answered from memory to a node that trains for an hour.
  static let seconds = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
  ]
  /// 1 KiB to 16 GiB, by fours.
  static let bytes = (0...12).map { Double(1024 << (2 * $0)) }
  static let amounts: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
}
