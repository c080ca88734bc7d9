/// The hosts that changed, oldest first, so that every class can catch up when its turn comes.
struct HostChanges: Sendable {
  /// Everything that was known of hosts before is void.
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
  private var versions: [UInt32] = []
  private var width = 0
  private var epoch = -1
  private var position = 0

  /// The best host's slot; of equals, the one with the lowest. Nil where it fits on none.
  /// - Parameter cost: nil where it doesn't fit.
  mutating func best(_ hosts: [HostSlot], _ changes: HostChanges, _ cost: (HostSlot) -> Float?) -> Int? {
    if epoch != changes.epoch || versions.count != hosts.count {
      rank(hosts, cost)
      epoch = changes.epoch
    } else {
      for slot in changes.log[position...] where versions[slot] != hosts[slot].version {
        update(slot, hosts[slot], cost)
      }
    }
    position = changes.log.count
    return winner
  }

  private mutating func rank(_ hosts: [HostSlot], _ cost: (HostSlot) -> Float?) {
    width = 1
    while width < hosts.count { width *= 2 }
    costs = Array(repeating: .infinity, count: 2 * width)
    versions = hosts.map(\.version)
    for slot in hosts.indices { costs[width + slot] = cost(hosts[slot]) ?? .infinity }
    for index in (1..<width).reversed() { costs[index] = min(costs[2 * index], costs[2 * index + 1]) }
  }

  private mutating func update(_ slot: Int, _ host: HostSlot, _ cost: (HostSlot) -> Float?) {
    versions[slot] = host.version
    var index = width + slot
    costs[index] = cost(host) ?? .infinity
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
