/// The latest peaks of one thing, up to a number; the oldest goes first.
struct PeakSamples: Sendable {
  private var ring: [Int] = []
  private var next = 0

  static let most = 64

  var count: Int { ring.count }
  var largest: Int { ring.max() ?? 0 }

  mutating func add(_ peak: Int) {
    if ring.count < Self.most { ring.append(peak) } else { ring[next] = peak }
    next = (next + 1) % Self.most
  }

  /// The least that at least `percent` of a hundred are not above (nearest rank). 0 without samples.
  func percentile(_ percent: Int) -> Int {
    guard !ring.isEmpty else { return 0 }
    let rank = (ring.count * percent + 99) / 100
    return ring.sorted()[max(0, min(rank, ring.count) - 1)]
  }
}
