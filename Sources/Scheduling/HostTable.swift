/// The hosts, what is free there, and where a class goes best. Each host has a slot; those of hosts that have gone are used again.
struct HostTable: Sendable {
  /// All hosts together.
  private(set) var total = Usage()
  /// Nil: the slot is empty.
  private var capacities: [HostCapacity?] = []
  /// As if nothing ran there.
  private var wholes: [HostState] = []
  /// What placement may use.
  private var states: [HostState] = []
  /// Of `states`.
  private var briefs: [HostBrief] = []
  /// Another for every change of a state.
  private var versions: [UInt32] = []
  /// What ``PlacementScore/room(on:after:)`` says of the states.
  private var rooms: [Float] = []
  private var changes = HostChanges()
  private var slots: [HostIdentifier: Int] = [:]
  /// What other processes have; of each host that is there.
  private var held: [HostIdentifier: Set<GPUIdentifier>] = [:]
  private var empty: [Int] = []
  private var placement = Placement(score: PlacementScore(TypicalWorkload()), fit: BestFit([]))

  func slot(of name: HostIdentifier) -> Int? { slots[name] }
  func capacity(_ slot: Int) -> HostCapacity? { capacities[slot] }
  func whole(_ slot: Int) -> HostState { wholes[slot] }
  func state(_ slot: Int) -> HostState { states[slot] }
  var present: some Sequence<(slot: Int, host: HostCapacity)> {
    capacities.indices.lazy.compactMap { slot in capacities[slot].map { (slot, $0) } }
  }
  var isEmpty: Bool { slots.isEmpty }

  /// A new one, or another under its name, with nothing on it.
  mutating func set(_ host: HostCapacity) {
    let slot = slots[host.name] ?? empty.popLast() ?? capacities.count
    var state = HostState(host)
    let whole = state
    for (index, device) in host.devices.enumerated() where held[host.name]?.contains(device.id) == true {
      state.setHeld(index, true)
    }
    if slot == capacities.count {
      capacities.append(nil)
      wholes.append(whole)
      states.append(state)
      briefs.append(state.brief)
      versions.append(0)
      rooms.append(0)
    }
    if let old = capacities[slot] { total.add(old, sign: -1) }
    capacities[slot] = host
    wholes[slot] = whole
    slots[host.name] = slot
    total.add(host)
    set(slot, state)
    hostsChanged()
  }

  mutating func remove(_ slot: Int) {
    guard let host = capacities[slot] else { return }
    total.add(host, sign: -1)
    slots[host.name] = nil
    held[host.name] = nil
    capacities[slot] = nil
    wholes[slot] = HostState()
    set(slot, wholes[slot])
    empty.append(slot)
    hostsChanged()
  }

  mutating func setWorkload(_ workload: TypicalWorkload) {
    placement = Placement(score: PlacementScore(workload), fit: placement.fit)
    for slot in states.indices { rooms[slot] = placement.score.room(on: states[slot]) }
    changes.forgetAll()
  }

  private mutating func hostsChanged() {
    placement = Placement(score: placement.score, fit: BestFit(wholes))
    changes.forgetAll()
  }

  // MARK: Places

  /// The best host for a class, by what placement may use; nil where it fits on none.
  func best(_ request: ResourceRequest, _ ranking: inout HostRanking) -> Int? {
    let brief = HostBrief(request)
    return ranking.best(versions: versions, changes) { slot in
      guard briefs[slot].mayFit(brief) else { return .infinity }
      return placement.cost(of: request, on: states[slot], room: rooms[slot])
    }
  }

  /// By what placement may use.
  func fits(_ request: ResourceRequest, _ brief: HostBrief, on slot: Int) -> Bool {
    briefs[slot].mayFit(brief) && states[slot].fits(request)
  }

  /// What a node gets there; it fits.
  func claim(_ request: ResourceRequest, on slot: Int) -> HostClaim {
    HostClaim(request, chosen: placement.devices(for: request, on: states[slot]), on: states[slot])
  }

  mutating func set(_ slot: Int, _ state: HostState) {
    states[slot] = state
    changed(slot)
  }

  /// - Parameters:
  ///   - sign: -1 gives back.
  ///   - isBackfill: it was, or is being, taken after the reservation was made, by another class.
  mutating func take(
    _ claim: HostClaim, from slot: Int, sign: Int = 1, beside reservation: inout Reservation?, isBackfill: Bool
  ) {
    if reservation?.hostSlot == slot {
      reservation?.take(claim, sign: sign, isBackfill: isBackfill)
      if let state = reservation?.placeable { states[slot] = state }
    } else {
      states[slot].take(claim, sign: sign)
    }
    changed(slot)
  }

  /// Another process has a device of the host in `slot`, or no longer has it.
  /// - Returns: false where that was known.
  mutating func setHeld(
    _ device: GPUIdentifier, _ isHeld: Bool, on slot: Int, beside reservation: inout Reservation?
  ) -> Bool {
    guard let host = capacities[slot], (held[host.name]?.contains(device) ?? false) != isHeld else { return false }
    if isHeld { held[host.name, default: []].insert(device) } else { held[host.name]?.remove(device) }
    for index in host.devices.indices where host.devices[index].id == device {
      if reservation?.hostSlot == slot {
        reservation?.setHeld(index, isHeld)
        if let state = reservation?.placeable { states[slot] = state }
      } else {
        states[slot].setHeld(index, isHeld)
      }
    }
    changed(slot)
    return true
  }

  private mutating func changed(_ slot: Int) {
    briefs[slot] = states[slot].brief
    versions[slot] &+= 1
    rooms[slot] = placement.score.room(on: states[slot])
    changes.append(slot, hostCount: states.count)
  }
}
