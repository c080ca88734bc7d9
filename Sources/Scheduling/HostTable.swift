/// A place for a host. Places of hosts that have gone are used again.
struct HostSlot: Sendable {
  /// Nil: empty.
  var host: HostCapacity?
  /// As if nothing ran there.
  var whole: HostState
  /// What placement may use.
  var state: HostState
  /// Another for every change of `state`.
  var version: UInt32 = 0
  /// What ``PlacementScore/room(on:after:)`` says of `state`.
  var room: Float = 0
}

/// The hosts, what is free there, and where a class goes best.
struct HostTable: Sendable {
  private(set) var slots: [HostSlot] = []
  /// All hosts together.
  private(set) var total = Usage()
  private var indices: [HostIdentifier: Int] = [:]
  private var empty: [Int] = []
  private var changes = HostChanges()
  private var placement = Placement(score: PlacementScore(TypicalWorkload()), fit: BestFit([]))

  subscript(slot: Int) -> HostSlot { _read { yield slots[slot] } }
  func slot(of name: HostIdentifier) -> Int? { indices[name] }
  var present: some Sequence<(slot: Int, host: HostCapacity)> {
    slots.indices.lazy.compactMap { slot in slots[slot].host.map { (slot, $0) } }
  }
  var isEmpty: Bool { indices.isEmpty }

  /// A new one, or another under its name, with nothing on it.
  mutating func set(_ host: HostCapacity) {
    let slot: Int
    if let known = indices[host.name] {
      slot = known
      if let old = slots[slot].host { total.add(old, sign: -1) }
    } else {
      slot = empty.popLast() ?? slots.count
    }
    let state = HostState(host)
    if slot == slots.count { slots.append(HostSlot(host: host, whole: state, state: state)) }
    slots[slot].host = host
    slots[slot].whole = state
    indices[host.name] = slot
    total.add(host)
    set(slot, state)
    hostsChanged()
  }

  mutating func remove(_ slot: Int) {
    guard let host = slots[slot].host else { return }
    total.add(host, sign: -1)
    indices[host.name] = nil
    slots[slot].host = nil
    set(slot, HostState(HostCapacity(name: host.name, cpuMilli: 0, memory: 0)))
    empty.append(slot)
    hostsChanged()
  }

  mutating func setWorkload(_ workload: TypicalWorkload) {
    placement = Placement(score: PlacementScore(workload), fit: placement.fit)
    for slot in slots.indices { slots[slot].room = placement.score.room(on: slots[slot].state) }
    changes.forgetAll()
  }

  private mutating func hostsChanged() {
    placement = Placement(score: placement.score, fit: BestFit(slots.lazy.compactMap(\.host)))
    changes.forgetAll()
  }

  // MARK: Places

  /// The best host for a class, by what placement may use; nil where it fits on none.
  func best(_ request: ResourceRequest, _ ranking: inout HostRanking) -> Int? {
    ranking.best(slots, changes) { slot in
      slot.host == nil ? nil : placement.cost(of: request, on: slot.state, room: slot.room)
    }
  }

  /// What a node gets there; it fits.
  func claim(_ request: ResourceRequest, on slot: Int) -> HostClaim {
    HostClaim(request, chosen: placement.devices(for: request, on: slots[slot].state), on: slots[slot].state)
  }

  mutating func set(_ slot: Int, _ state: HostState) {
    slots[slot].state = state
    changed(slot)
  }

  /// - Parameter isBackfill: it is taken after the reservation was made, by another class.
  mutating func take(_ claim: HostClaim, from slot: Int, beside reservation: inout Reservation?) {
    if reservation?.hostSlot == slot {
      reservation?.take(claim, isBackfill: true)
      if let state = reservation?.placeable { slots[slot].state = state }
    } else {
      slots[slot].state.take(claim)
    }
    changed(slot)
  }

  mutating func give(_ claim: HostClaim, to slot: Int, beside reservation: inout Reservation?, isBackfill: Bool) {
    if reservation?.hostSlot == slot {
      reservation?.take(claim, sign: -1, isBackfill: isBackfill)
      if let state = reservation?.placeable { slots[slot].state = state }
    } else {
      slots[slot].state.take(claim, sign: -1)
    }
    changed(slot)
  }

  private mutating func changed(_ slot: Int) {
    slots[slot].version &+= 1
    slots[slot].room = placement.score.room(on: slots[slot].state)
    changes.append(slot, hostCount: slots.count)
  }
}
