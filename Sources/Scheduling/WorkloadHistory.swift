/// What nodes asked for so far, for a ``TypicalWorkload``. Older ones count less; bounded.
struct WorkloadHistory: Sendable {
  private var counts: [ResourceRequest: Int] = [:]
  /// In the order in which they came first.
  private var order: [ResourceRequest] = []
  private var total = 0
  private var next = 16

  private static let mostRequests = 512
  /// Half of what was counted is forgotten after so many.
  private static let period = 65_536

  /// - Returns: what is typical now, where that has to be thought about anew: after 16 nodes that ask for GPUs, 32, 64, and so on.
  mutating func record(_ request: ResourceRequest) -> TypicalWorkload? {
    guard request.gpu != .none else { return nil }
    if counts[request] == nil { order.append(request) }
    counts[request, default: 0] += 1
    total += 1
    while order.count > Self.mostRequests || total >= Self.period { halve() }
    guard total >= next else { return nil }
    next = min(2 * next, Self.period - 1)
    return TypicalWorkload(order.map { TypicalWorkload.Kind(request: $0, weight: counts[$0] ?? 0) })
  }

  private mutating func halve() {
    counts = counts.mapValues { $0 / 2 }.filter { $0.value > 0 }
    order.removeAll { counts[$0] == nil }
    total = counts.values.reduce(0, +)
    next = min(next, 2 * max(16, total))
  }
}
