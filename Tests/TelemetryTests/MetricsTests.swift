import CoreMetrics
import Foundation
import Telemetry
import Testing

@Suite("Metrics")
struct MetricsTests {
  private func text(_ registry: MetricsRegistry) -> String { String(decoding: registry.text(), as: UTF8.self) }

  /// The lines of one metric, its head too.
  private func lines(_ registry: MetricsRegistry, of name: String) -> [String] {
    text(registry).split(separator: "\n").map(String.init).filter { line in
      let words = line.split { " {".contains($0) }
      return words.contains { $0 == name || $0.hasPrefix(name + "_") }
    }
  }

  @Test("are written as Prometheus reads them, in an order that stays")
  func golden() {
    let registry = MetricsRegistry([
      .init("runs", help: "Runs that ended, by how.\nBackslash \\."), .init("queue.length", help: "Nodes that wait."),
      .init("node_duration", help: "From start to end.", buckets: [1, 0.5, 1, .infinity]),
    ])
    Counter(label: "runs", dimensions: [("outcome", "failed"), ("a", "b")], factory: registry).increment()
    Counter(label: "runs", dimensions: [("a", "b"), ("outcome", "failed")], factory: registry).increment(by: 2)
    Counter(label: "runs", factory: registry).increment()
    FloatingPointCounter(label: "cpu_seconds", factory: registry).increment(by: 0.25)
    Gauge(label: "queue.length", factory: registry).record(4)
    Meter(label: "temperature", factory: registry).set(-1.5)
    let timer = Timer(label: "node_duration", factory: registry)
    timer.recordMilliseconds(500)
    timer.recordNanoseconds(500_000_001)
    timer.recordSeconds(7)
    #expect(
      text(registry) == #"""
        # TYPE cpu_seconds_total counter
        cpu_seconds_total 0.25
        # HELP node_duration_seconds From start to end.
        # TYPE node_duration_seconds histogram
        node_duration_seconds_bucket{le="0.5"} 1
        node_duration_seconds_bucket{le="1"} 2
        node_duration_seconds_bucket{le="+Inf"} 3
        node_duration_seconds_sum 8.000000001
        node_duration_seconds_count 3
        # HELP queue_length Nodes that wait.
        # TYPE queue_length gauge
        queue_length 4
        # HELP runs_total Runs that ended, by how.\nBackslash \\.
        # TYPE runs_total counter
        runs_total 1
        runs_total{a="b",outcome="failed"} 3
        # TYPE temperature gauge
        temperature -1.5
        # HELP metrics_series_folded_total Times that a series was asked for beyond those that a metric may have.
        # TYPE metrics_series_folded_total counter
        metrics_series_folded_total 0
        # HELP metrics_refused_total Times that a metric was asked for that there is no room for.
        # TYPE metrics_refused_total counter
        metrics_refused_total 0

        """#)
  }

  @Test("each line keeps the grammar, whatever names and values are", arguments: 0..<20)
  func grammar(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let odd: [Character] = ["\"", "\\", "\n", "\r", "\0", "{", "}", ",", "=", " ", "é", "\u{202E}", "1", "a", "_", ":"]
    func word() -> String {
      String((0..<Int.random(in: 0...8, using: &generator)).compactMap { _ in odd.randomElement(using: &generator) })
    }
    let registry = MetricsRegistry([.init("a", help: word())])
    for _ in 0..<60 {
      let dimensions = (0..<Int.random(in: 0...4, using: &generator)).map { _ in (word(), word()) }
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: Counter(label: word(), dimensions: dimensions, factory: registry).increment()
      case 1: Gauge(label: word(), dimensions: dimensions, factory: registry).record(Double.nan)
      case 2: Timer(label: word(), dimensions: dimensions, factory: registry).recordNanoseconds(.max)
      case 3: Recorder(label: word(), dimensions: dimensions, factory: registry).record(-0.1)
      default: Meter(label: word(), dimensions: dimensions, factory: registry).set(-Double.infinity)
      }
    }
    let name = "[a-zA-Z_:][a-zA-Z0-9_:]*"
    let label = #"[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*""#
    let number = #"(NaN|[+-]Inf|-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)"#
    let line = try Regex(
      "(# HELP \(name) .*|# TYPE \(name) (counter|gauge|histogram)|\(name)(\\{\(label)(,\(label))*\\})? \(number))")
    let whole = text(registry)
    #expect(whole.hasSuffix("\n") && !whole.unicodeScalars.contains { $0 == "\r" || $0 == "\0" || $0 == "\u{202E}" })
    var samples: Set<Substring> = []
    var types: Set<Substring> = []
    for text in whole.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      #expect(text.wholeMatch(of: line) != nil, "\(text)")
      guard !text.hasPrefix("#") else {
        if text.hasPrefix("# TYPE") { #expect(types.insert(text.split(separator: " ")[2]).inserted, "\(text)") }
        continue
      }
      let sample = text.prefix(upTo: text.lastIndex(of: " ") ?? text.endIndex)
      #expect(samples.insert(sample).inserted, "twice: \(sample)")
    }
  }

  @Test("a label's value ends neither its quotes nor its line")
  func escaping() {
    let registry = MetricsRegistry()
    let value = "a\"} 1\nfake_total 2\\\r\u{1B}[2J"
    Counter(label: "x", dimensions: [("path", value), ("le", "1"), ("__name__", "y")], factory: registry).increment()
    #expect(
      lines(registry, of: "x_total").last
        == #"x_total{label___name__="y",label_le="1",path="a\"} 1\nfake_total 2\\��[2J"} 1"#)
    let long = MetricsRegistry()
    Gauge(label: "x", dimensions: [("a", String(repeating: "ä", count: 100_000))], factory: long).record(1)
    #expect(text(long).utf8.count < 2_000)
  }

  @Test("however many values a label has, there are so many series, and what is beyond them is counted together")
  func bounded() {
    let registry = MetricsRegistry(limits: .init(names: 3, series: 4))
    for number in 0..<1000 {
      Counter(label: "requests", dimensions: [("path", "/\(number)")], factory: registry).increment()
    }
    let series = lines(registry, of: "requests_total")
    #expect(series.count == 1 + 4 + 1)
    #expect(series.contains(#"requests_total{overflow="true"} 996"#))
    #expect(text(registry).contains("metrics_series_folded_total 996\n"))
    // Those that are there go on.
    Counter(label: "requests", dimensions: [("path", "/1")], factory: registry).increment()
    #expect(lines(registry, of: "requests_total").contains(#"requests_total{path="/1"} 2"#))
    for number in 0..<1000 { Gauge(label: "made_up_\(number)", factory: registry).record(1) }
    #expect(text(registry).split(separator: "\n").count { $0.hasPrefix("# TYPE") } == 3 + 2)
    #expect(text(registry).contains("metrics_refused_total 998\n"))
  }

  @Test("no two metrics share a name, or one that follows from it")
  func collisions() {
    let registry = MetricsRegistry()
    Counter(label: "a", factory: registry).increment()
    Gauge(label: "a_total", factory: registry).record(9)
    Timer(label: "b", factory: registry).recordSeconds(1)
    Gauge(label: "b_seconds_count", factory: registry).record(9)
    Gauge(label: "metrics_refused_total", factory: registry).record(9)
    #expect(lines(registry, of: "a_total") == ["# TYPE a_total counter", "a_total 1"])
    #expect(!text(registry).contains(" 9\n") && text(registry).contains("metrics_refused_total 3\n"))
  }

  @Test("a counter never falls, and no value spoils a sum")
  func wrongValues() {
    let registry = MetricsRegistry()
    let counter = FloatingPointCounter(label: "c", factory: registry)
    for amount in [2.5, -1, .nan, .infinity] { counter.increment(by: amount) }
    #expect(lines(registry, of: "c_total").last == "c_total 2.5")
    let recorder = Recorder(label: "size_bytes", factory: registry)
    for amount in [1024, .nan, .infinity, 0x1p40] as [Double] { recorder.record(amount) }
    let sizes = lines(registry, of: "size_bytes")
    #expect(sizes.contains(#"size_bytes_bucket{le="1024"} 1"#) && sizes.contains(#"size_bytes_bucket{le="+Inf"} 2"#))
    #expect(sizes.contains("size_bytes_sum 1099511628800") && sizes.contains("size_bytes_count 2"))
  }

  @Test("what is destroyed is told no more, and nothing of many threads is lost")
  func threads() async {
    let registry = MetricsRegistry()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for number in 0..<500 {
            Counter(label: "c", dimensions: [("n", "\(number % 3)")], factory: registry).increment()
            Timer(label: "t", factory: registry).recordNanoseconds(Int64(task))
            if number % 100 == 0 { _ = registry.text() }
          }
        }
      }
    }
    let total = lines(registry, of: "c_total").compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    #expect(total.reduce(0, +) == 4000)
    #expect(lines(registry, of: "t_seconds").contains("t_seconds_count 4000"))
    Counter(label: "c", dimensions: [("n", "1")], factory: registry).destroy()
    #expect(lines(registry, of: "c_total").count == 3)
  }
}

/// The same seed gives the same run.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
