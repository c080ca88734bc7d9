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
    serial: UInt64, classSlot: Int, hostSlot: Int, since: Int64, request: ResourceRequest, real: HostState,
    whole: HostState
  ) {
    self.serial = serial
    self.classSlot = classSlot
    self.hostSlot = hostSlot
    self.since = since
    self.real = real
    left = whole
    left.take(HostClaim(request, chosen: real.soonest(for: request), on: whole))
  }

  var placeable: HostState { HostState(meeting: real, left) }

  /// Of a device on the host.
  mutating func setHeld(_ device: Int, _ isHeld: Bool) { real.setHeld(device, isHeld) }

  /// - Parameter sign: -1 gives back.
  mutating func take(_ claim: HostClaim, sign: Int = 1, isBackfill: Bool) {
    real.take(claim, sign: sign)
    if isBackfill { left.take(claim, sign: sign) }
  }
}

extension HostState {
  /// Devices that `request` could have if all were free, those of which most is free first.
  fileprivate func soonest(for request: ResourceRequest) -> [Int] {
    func first(_ count: Int, where isPossible: (Int) -> Bool) -> [Int] {
      let all = devices.indices.filter(isPossible)
      return Array(all.sorted { (devices[$1].available, $0) < (devices[$0].available, $1) }.prefix(count))
    }
    let kind = kind(for: request.gpu)
    switch request.gpu {
    case .none: return []
    case .devices(let count, let memory, let profile): return first(count) { matches($0, memory, profile, kind) }
    case .share(_, let memory): return first(1) { canEverShare($0, memory, kind) }
    }
  }

  /// How far it is from fitting: what is missing of each resource, as a part of what `whole` has. 0: it fits, semaphores aside.
  /// - Parameter bound: where it is at least as much, the answer may be anything from it on.
  func distance(to request: ResourceRequest, whole: HostState, below bound: Double = .infinity) -> Double {
    var sum =
      part(request.cpuMilli, brief.cpu, whole.brief.cpu) + part(request.memory, brief.memory, whole.brief.memory)
    guard sum < bound else { return sum }
    let kind = kind(for: request.gpu)
    switch request.gpu {
    case .none: break
    case .devices(let count, let memory, let profile):
      // What others have of those that it could get, the least first.
      let taken = devices.indices.lazy.filter { matches($0, memory, profile, kind) }
        .map { 1000 - devices[$0].available }
        .sorted().prefix(count)
      let missing = taken.reduce(0, +) + (count - taken.count) * 1000
      sum += Double(missing) / Double(max(1, whole.devices.count * 1000))
    case .share(let milli, let memory):
      var nearest = 1.0
      for index in devices.indices where canEverShare(index, memory, kind) {
        let device = devices[index]
        nearest = min(nearest, part(milli, device.available, 1000) + part(memory, device.memory, device.capacity))
      }
      sum += nearest
    }
    return sum
  }

  private func part(_ needed: Int, _ free: Int, _ all: Int) -> Double {
    needed <= free ? 0 : Double(needed - free) / Double(max(1, all))
  }
}
