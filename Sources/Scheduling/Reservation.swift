/// A host that is kept for a class. Others may be started there only beside it: what they take has to fit into what the host would have
/// left if the class's node ran there already. So the node can start as soon as what ran there before has ended, however many were
/// started since. That is backfilling (Lifka, "The ANL/IBM SP scheduling system", 1995) without a word about how long nodes run.
struct Reservation: Sendable {
  let serial: UInt64
  let classSlot: Int
  let hostSlot: Int
  /// Milliseconds.
  let since: Int64
  /// What is free on the host.
  private(set) var real: HostState
  /// What would be left of it, if the class's node and those that came after the reservation were alone there.
  private(set) var left: HostState

  init(
    serial: UInt64, classSlot: Int, hostSlot: Int, since: Int64, request: ResourceRequest, slot: HostSlot
  ) {
    self.serial = serial
    self.classSlot = classSlot
    self.hostSlot = hostSlot
    self.since = since
    real = slot.state
    left = slot.whole
    left.take(HostClaim(request, chosen: slot.state.soonest(for: request), on: slot.whole))
  }

  var placeable: HostState { HostState(meeting: real, left) }

  /// - Parameter sign: -1 gives back.
  mutating func take(_ claim: HostClaim, sign: Int = 1, isBackfill: Bool) {
    real.take(claim, sign: sign)
    if isBackfill { left.take(claim, sign: sign) }
  }
}

extension HostState {
  /// Devices that `request` could have if all were free, those of which most is free first.
  fileprivate func soonest(for request: ResourceRequest) -> [Int] {
    func first(_ count: Int, where matches: (Device) -> Bool) -> [Int] {
      let all = devices.indices.filter { matches(devices[$0]) }
      return Array(all.sorted { (devices[$1].milli, $0) < (devices[$0].milli, $1) }.prefix(count))
    }
    switch request.gpu {
    case .none: return []
    case .devices(let count, let memory, let profile): return first(count) { $0.matches(memory, profile) }
    case .share(_, let memory): return first(1) { $0.capacity >= memory && $0.profile == nil }
    }
  }

  /// How far it is from fitting: what is missing of each resource, as a part of what `whole` has. 0: it fits, semaphores aside.
  func distance(to request: ResourceRequest, whole: HostState) -> Double {
    func part(_ needed: Int, _ free: Int, _ all: Int) -> Double {
      needed <= free ? 0 : Double(needed - free) / Double(max(1, all))
    }
    var sum = part(request.cpuMilli, cpu, whole.cpu) + part(request.memory, memory, whole.memory)
    switch request.gpu {
    case .none: break
    case .devices(let count, let memory, let profile):
      // What others have of those that it could get.
      let milli = devices.lazy.filter { $0.matches(memory, profile) }.map(\.milli).sorted(by: >).prefix(count)
      sum += part(count * 1000, milli.reduce(0, +), whole.devices.count * 1000)
    case .share(let milli, let memory):
      let nearest = devices.lazy.filter { $0.profile == nil && $0.capacity >= memory }
        .map { part(milli, $0.milli, 1000) + part(memory, $0.memory, $0.capacity) }.min()
      sum += nearest ?? 1
    }
    return sum
  }
}
