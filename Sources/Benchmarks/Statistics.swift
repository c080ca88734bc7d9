/// Samples of one thing.
struct Samples {
  private(set) var sorted: [Double] = []

  mutating func add(_ value: Double) {
    let index = sorted.firstIndex { $0 > value } ?? sorted.endIndex
    sorted.insert(value, at: index)
  }

  var median: Double { quantile(0.5) }
  var mean: Double { sorted.reduce(0, +) / Double(sorted.count) }
  /// Between the least and the most.
  var range: Double { (sorted.last ?? .nan) - (sorted.first ?? .nan) }
  /// The distance between the quartiles: half of all samples lie within it.
  var spread: Double { quantile(0.75) - quantile(0.25) }

  private func quantile(_ fraction: Double) -> Double {
    guard let last = sorted.indices.last else { return .nan }
    let position = fraction * Double(last)
    let lower = Int(position)
    let upper = min(lower + 1, last)
    return sorted[lower] + (sorted[upper] - sorted[lower]) * (position - Double(lower))
  }
}

/// One line of the result: a thing beside its peer, both measured in the same call.
struct Comparison {
  var name: String
  var median: Double
  var spread: Double
  var peer: String
  var peerMedian: Double
  /// Whose doing it was, where that isn't the same everywhere.
  var kernel: String?
  var unit = "ms"
  /// Ours over the peer's: where it is time, below 1 is faster.
  var ratio: Double { median / peerMedian }

  var json: String {
    "{\"name\": \"\(name)\", \"median\": \(rounded(median)), \"unit\": \"\(unit)\", \"spread\": \(rounded(spread)), "
      + "\"peer\": \"\(peer)\", \"peer_median\": \(rounded(peerMedian)), \"ratio\": \(rounded(ratio))"
      + (kernel.map { ", \"kernel\": \"\($0)\"" } ?? "") + "}"
  }

  var text: String {
    "\(padded(name, 24)) \(padded("\(rounded(median)) \(unit)", 12)) ± \(padded("\(rounded(spread))", 8)) "
      + "\(padded(peer, 24)) \(padded("\(rounded(peerMedian)) \(unit)", 12)) ratio \(rounded(ratio))"
      + (kernel.map { "  (\($0))" } ?? "")
  }

  private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
