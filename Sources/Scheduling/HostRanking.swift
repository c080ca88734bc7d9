/// The hosts that changed, oldest first, so that every class can catch up when its turn comes.
struct HostChanges: Sendable {
  /// Another when everything that was known of hosts before is void.
  private(set) var epoch = 0
  /// Slots of hosts.
  private(set) var log: [Int] = []

  mutating func append(_ slot: Int, hostCount: Int) {
    // Whoever hasn't come by for so long looks at all hosts anew.
    if log.count > max(1024, 4 * hostCount) { forgetAll() }
    log.append(slot)
  }

  mutating func forgetAll() {
    epoch += 1
    log.removeAll(keepingCapacity: true)
  }
}

/// The hosts by what it would cost to place one class there: a tournament, in which a change of one host takes as many steps as the
/// number of hosts has binary digits.
struct HostRanking: Sendable {
  /// From 1: the cost of the better of the two below; leaves from `width`. Infinite: it doesn't fit.
  private var costs: [Float] = []
  /// What of each host the costs were taken from.
  private var versions: [UInt32] = []
  private var width = 0
  private var epoch = -1
  private var position = 0

  /// The best host's slot; of equals, the one with the lowest. Nil where it fits on none.
  /// - Parameters:
  ///   - current: the hosts' versions.
  ///   - cost: of the host in a slot; infinite where it doesn't fit.
  mutating func best(versions current: [UInt32], _ changes: HostChanges, _ cost: (Int) -> Float) -> Int? {
    if epoch != changes.epoch || versions.count != current.count {
      rank(current, cost)
      epoch = changes.epoch
    } else {
      for slot in changes.log[position...] where versions[slot] != current[slot] {
        versions[slot] = current[slot]
        update(slot, cost(slot))
      }
    }
    position = changes.log.count
    return winner
  }

  private mutating func rank(_ current: [UInt32], _ cost: (Int) -> Float) {
    width = 1
    while width < current.count { width *= 2 }
    costs = Array(repeating: .infinity, count: 2 * width)
    versions = current
    for slot in current.indices { costs[width + slot] = cost(slot) }
    for index in (1..<width).reversed() { costs[index] = min(costs[2 * index], costs[2 * index + 1]) }
  }

  private mutating func update(_ slot: Int, _ cost: Float) {
    var index = width + slot
    guard costs[index] != cost else { return }
    costs[index] = cost
    while index > 1 {
      index /= 2
      let better = min(costs[2 * index], costs[2 * index + 1])
      if costs[index] == better { return }
      costs[index] = better
    }
  }

  private var winner: Int? {
    guard width > 0, costs[1] < .infinity else { return nil }
    var index = 1
    while index < width { index = costs[2 * index] == costs[index] ? 2 * index : 2 * index + 1 }
    return index - width
  }
}
