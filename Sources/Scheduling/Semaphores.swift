/// The semaphores of a scheduler, by index in the order in which they were declared.
struct Semaphores: Sendable {
  struct Claim: Sendable {
    var index: Int
    var count: Int
  }

  struct Counter: Sendable {
    let name: SemaphoreName
    var capacity: Int
    /// Below 0 where the capacity has shrunk.
    var free: Int
    /// What a reservation leaves for others; nil: none is made.
    var left: Int?

    var placeable: Int { min(free, left ?? free) }
  }

  private(set) var counters: [Counter] = []
  private var indices: [SemaphoreName: Int] = [:]

  /// - Returns: false where it has so many already.
  mutating func set(_ name: SemaphoreName, capacity: Int) -> Bool {
    let capacity = min(max(0, capacity), ResourceRequest.limits.count)
    let index = index(of: name)
    guard counters[index].capacity != capacity else { return false }
    counters[index].free += capacity - counters[index].capacity
    counters[index].capacity = capacity
    return true
  }

  /// Of one that isn't declared too: it has no units.
  mutating func index(of name: SemaphoreName) -> Int {
    if let known = indices[name] { return known }
    indices[name] = counters.count
    counters.append(Counter(name: name, capacity: 0, free: 0))
    return counters.count - 1
  }

  func capacity(of name: SemaphoreName) -> Int { indices[name].map { counters[$0].capacity } ?? 0 }

  /// - Parameter isReserved: the claims are those that the reservation is for.
  func fit(_ claims: [Claim], isReserved: Bool) -> Bool {
    claims.allSatisfy { $0.count <= (isReserved ? counters[$0.index].free : counters[$0.index].placeable) }
  }

  /// - Parameters:
  ///   - sign: -1 gives back.
  ///   - isBackfill: it was taken after the reservation was made, by another than it is for.
  mutating func take(_ claims: [Claim], sign: Int = 1, isBackfill: Bool) {
    for claim in claims {
      counters[claim.index].free -= sign * claim.count
      if isBackfill, let left = counters[claim.index].left { counters[claim.index].left = left - sign * claim.count }
    }
  }

  mutating func reserve(_ claims: [Claim]) {
    for claim in claims { counters[claim.index].left = counters[claim.index].capacity - claim.count }
  }

  mutating func dropReservation() {
    for index in counters.indices { counters[index].left = nil }
  }
}
