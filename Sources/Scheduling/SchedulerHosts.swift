extension Scheduler {
  mutating func change(_ host: HostCapacity) {
    let slot = hosts.slot(of: host.name)
    // A host that only says again what it has must not cost a reservation its place.
    guard slot.flatMap(hosts.capacity) != host else { return }
    dropReservation()
    hosts.set(host)
    if let slot { takeAgain(on: slot, host) }
    capacityChanged()
  }

  /// What runs there goes on, though its devices may have other places, or none any more.
  private mutating func takeAgain(on hostSlot: Int, _ host: HostCapacity) {
    let places = Dictionary(host.devices.enumerated().map { ($0.element.id, $0.offset) }) { first, _ in first }
    let all = nodes.running.filter { $0.running.hostSlot == hostSlot }
    for (slot, _, running) in all {
      var running = running
      running.claim.devices = running.assignment.gpus.compactMap { grant in
        places[grant.device].map { HostClaim.DevicePart(index: $0, milli: grant.milli, memory: grant.memory) }
      }
      nodes.setState(slot, .running(running))
      hosts.take(running.claim, from: hostSlot, beside: &reservation, isBackfill: false)
    }
  }

  mutating func removeHost(_ name: HostIdentifier, _ actions: inout [SchedulerAction]) {
    guard let hostSlot = hosts.slot(of: name) else { return }
    dropReservation()
    let lost = nodes.running.filter { $0.running.hostSlot == hostSlot }
      .sorted { $0.record.entry.sequence < $1.record.entry.sequence }
    hosts.remove(hostSlot)
    for (slot, record, running) in lost {
      nodes.remove(slot)
      giveBack(record, running)
      actions.append(.lost(record.reference, host: name))
    }
    capacityChanged()
  }

  /// What the host has in all stays the same: whoever could only have that device waits.
  mutating func hold(_ device: GPUIdentifier, of name: HostIdentifier, _ isHeld: Bool) {
    guard let hostSlot = hosts.slot(of: name),
      hosts.setHeld(device, isHeld, on: hostSlot, beside: &reservation), !isHeld
    else { return }
    moveReservation(to: hostSlot)
    open(on: hostSlot)
  }

  /// There is more or less in all: whoever waits may fit now, and every share is of another whole.
  mutating func capacityChanged() {
    dropReservation()
    capacityEpoch += 1
    for turn in runs.order { updateShare(turn.slot) }
    for classSlot in classes.waiting { classes.open(classSlot) }
  }

  /// Why no host could ever meet it, however empty it were; nil: one could.
  package func refusal(of request: ResourceRequest) -> Refusal? {
    if let resource = request.invalidResource { return .invalid(resource) }
    if hosts.isEmpty { return .noHosts }
    for claim in request.semaphores {
      let capacity = semaphores.capacity(of: claim.name)
      if claim.count > capacity { return .semaphore(claim.name, needed: claim.count, capacity: capacity) }
    }
    if hosts.present.contains(where: { hosts.whole($0.slot).fits(request) }) { return nil }
    var nearest: (name: HostIdentifier, whole: HostState, distance: Double)?
    for (slot, host) in hosts.present {
      let whole = hosts.whole(slot)
      let distance = whole.distance(to: request, whole: whole)
      if let known = nearest, known.distance <= distance { continue }
      nearest = (host.name, whole, distance)
    }
    guard let (name, whole, _) = nearest else { return .noHosts }
    return .tooLarge(nearest: name, shortages: whole.shortages(of: request, whole: whole))
  }

  /// The hosts that there are.
  package var hostCapacities: [HostCapacity] { hosts.present.map(\.host) }

  /// What each host has left, in the order in which they came. A reservation takes nothing.
  package var free: [(host: HostIdentifier, free: HostFree)] {
    hosts.present.map { slot, host in
      let state = realState(slot)
      let devices = zip(host.devices, state.devices).map {
        HostFree.Device(id: $0.id, milli: $1.available, memory: $1.isHeld ? 0 : $1.memory)
      }
      return (host.name, HostFree(cpuMilli: state.brief.cpu, memory: state.brief.memory, devices: devices))
    }
  }

  /// What the nodes that run were given, in no order.
  package var assignments: [Assignment] { nodes.running.map(\.running.assignment) }

  package var freeSemaphores: [SemaphoreName: Int] {
    Dictionary(uniqueKeysWithValues: semaphores.counters.map { ($0.name, $0.free) })
  }
}

extension HostState {
  /// What `request` lacks here; empty: it fits, semaphores aside.
  func shortages(of request: ResourceRequest, whole: HostState) -> [Shortage] {
    var found: [Shortage] = []
    func need(_ resource: Resource, _ needed: Int, _ available: Int, _ capacity: Int, heldElsewhere: Int = 0) {
      guard needed > available else { return }
      found.append(
        Shortage(
          resource: resource, needed: needed, available: available, capacity: capacity, heldElsewhere: heldElsewhere))
    }
    let kind = kind(for: request.gpu)
    need(.cpu, request.cpuMilli, brief.cpu, whole.brief.cpu)
    need(.memory, request.memory, brief.memory, whole.brief.memory)
    switch request.gpu {
    case .none: break
    case .devices(let count, let memory, let profile):
      need(
        .gpus(memory: memory, profile: profile), count, matching(memory, profile, kind),
        whole.matching(memory, profile, kind),
        heldElsewhere: devices.indices.count { devices[$0].isHeld && matches($0, memory, profile, kind) })
    case .share(let milli, let memory):
      func most(_ state: HostState) -> Int {
        state.devices.indices.lazy.filter { state.canShare($0, 0, memory, kind) }.map { state.devices[$0].milli }
          .max() ?? 0
      }
      need(
        .gpuShare(memory: memory), milli, most(self), most(whole),
        heldElsewhere: devices.indices.count { devices[$0].isHeld && canEverShare($0, memory, kind) } * 1000)
    }
    return found
  }
}
