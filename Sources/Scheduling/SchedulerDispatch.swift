extension Scheduler {
  /// Starts everything that can be started, and sees to the class that has waited longest.
  mutating func dispatch(_ now: Int64, _ actions: inout [SchedulerAction]) {
    while let (runSlot, queueIndex) = next() {
      // Not the queue itself: a second owner of it would have it copied.
      let classSlot = runs[runSlot].queues[queueIndex].classSlot
      guard let entry = runs[runSlot].queues[queueIndex].heap.top, let host = place(classSlot),
        let assignment = start(entry.slot, classSlot, on: host, now)
      else {
        classes.close(classSlot)
        continue
      }
      actions.append(.start(assignment))
    }
    reserve(now)
  }

  /// The queue that is served next: of the first run that has an open class, the one whose first node is the most urgent.
  private func next() -> (runSlot: Int, queueIndex: Int)? {
    guard classes.openCount > 0 else { return nil }
    for turn in runs.order {
      var best: (index: Int, entry: QueueEntry)?
      runs[turn.slot].classes.forEachCommon(with: classes.openSet) { classSlot in
        guard let index = runs[turn.slot].queueIndex(of: classSlot), let entry = runs[turn.slot].queues[index].heap.top
        else { return }
        if let known = best, !QueueEntry.precedes(entry, known.entry) { return }
        best = (index, entry)
      }
      if let best { return (turn.slot, best.index) }
    }
    return nil
  }

  /// The host for the next node of a class; nil: there is none now.
  private mutating func place(_ classSlot: Int) -> Int? {
    let isReserved = reservation?.classSlot == classSlot
    guard semaphores.fit(classes[classSlot].claims, isReserved: isReserved) else { return nil }
    if isReserved, reservation?.real.fits(classes[classSlot].request) == true { dropReservation() }
    return classes.best(classSlot, hosts)
  }

  private mutating func start(_ slot: Int, _ classSlot: Int, on hostSlot: Int, _ now: Int64) -> Assignment? {
    guard let record = nodes[slot], let host = hosts.capacity(hostSlot) else { return nil }
    if reservation?.classSlot == classSlot { dropReservation() }
    let claim = hosts.claim(record.request, on: hostSlot)
    let assignment = Assignment(
      node: record.reference, host: host.name, cpuMilli: claim.cpu, memory: claim.memory,
      gpus: claim.devices.map { GPUGrant(device: host.devices[$0.index].id, milli: $0.milli, memory: $0.memory) },
      semaphores: record.request.semaphores)
    hosts.take(claim, from: hostSlot, beside: &reservation, isBackfill: true)
    semaphores.take(record.claims, isBackfill: reservation != nil)
    let running = NodeRecord.Running(
      hostSlot: hostSlot, claim: claim, assignment: assignment, backfill: reservation?.serial,
      waitingSince: classes[classSlot].waitingSince)
    nodes.setState(slot, .running(running))
    leaveQueue(record, classSlot)
    classes[classSlot].waitingSince = now
    runs[record.runSlot].usage.add(assignment, record.claims)
    runs[record.runSlot].running += 1
    updateShare(record.runSlot)
    close(on: hostSlot)
    return assignment
  }

  /// Classes that fitted only there, and fit no longer: all at once, not each when its turn comes.
  private mutating func close(on hostSlot: Int) {
    for classSlot in classes.waiting where classes[classSlot].fit == .only(hostSlot) {
      let fits = hosts.fits(classes[classSlot].request, classes[classSlot].brief, on: hostSlot)
      if !fits, reservation?.classSlot != classSlot { classes.close(classSlot) }
    }
  }

  // MARK: What becomes free

  /// Classes that fit on that host now.
  mutating func open(on hostSlot: Int) {
    for classSlot in classes.waiting where classes[classSlot].fit != .unknown {
      let isReserved = reservation?.classSlot == classSlot
      guard semaphores.fit(classes[classSlot].claims, isReserved: isReserved) else { continue }
      if hosts.fits(classes[classSlot].request, classes[classSlot].brief, on: hostSlot)
        || isReserved && reservation?.hostSlot == hostSlot && reservation?.real.fits(classes[classSlot].request) == true
      {
        classes.open(classSlot, on: hostSlot)
      }
    }
  }

  /// Classes whose semaphores suffice now.
  mutating func openForSemaphores() {
    for classSlot in classes.waiting where !classes[classSlot].claims.isEmpty {
      let isReserved = reservation?.classSlot == classSlot
      if semaphores.fit(classes[classSlot].claims, isReserved: isReserved) { classes.open(classSlot) }
    }
  }

  // MARK: The reservation

  /// When a ``SchedulerEvent/tick`` may start something or change what others wait for, if nothing else happens before; nil: never.
  package var nextTick: Int64? {
    guard reservation == nil else { return nil }
    return classes.waiting.lazy.filter { classes[$0].hopelessEpoch != capacityEpoch }
      .map { classes[$0].waitingSince + configuration.reservationDelay }.min()
  }

  /// Nothing can be started any more: the class that has waited longest gets a host.
  private mutating func reserve(_ now: Int64) {
    guard reservation == nil, !classes.waiting.isEmpty else { return }
    while let classSlot = longestWaiting(now) {
      let request = classes[classSlot].request
      guard hasEnoughSemaphores(classes[classSlot].claims), let hostSlot = nearestHost(to: request) else {
        classes[classSlot].hopelessEpoch = capacityEpoch
        continue
      }
      makeReservation(classSlot, on: hostSlot, now)
      semaphores.reserve(classes[classSlot].claims)
      return
    }
  }

  private func longestWaiting(_ now: Int64) -> Int? {
    var first: Int?
    for classSlot in classes.waiting where classes[classSlot].hopelessEpoch != capacityEpoch {
      let since = classes[classSlot].waitingSince
      guard since + configuration.reservationDelay <= now else { continue }
      if let known = first, (classes[known].waitingSince, known) < (since, classSlot) { continue }
      first = classSlot
    }
    return first
  }

  private func hasEnoughSemaphores(_ claims: [Semaphores.Claim]) -> Bool {
    claims.allSatisfy { $0.count <= semaphores.counters[$0.index].capacity }
  }

  /// Of the hosts that have it all, the one where least is missing now.
  func nearestHost(to request: ResourceRequest) -> Int? {
    var best: (slot: Int, distance: Double)?
    for (slot, _) in hosts.present where hosts.whole(slot).fits(request) {
      let distance = realState(slot).distance(
        to: request, whole: hosts.whole(slot), below: best?.distance ?? .infinity)
      if let known = best, known.distance <= distance { continue }
      best = (slot, distance)
    }
    return best?.slot
  }

  /// What is free there, whether placement may use it or not.
  func realState(_ hostSlot: Int) -> HostState {
    if let reservation, reservation.hostSlot == hostSlot { return reservation.real }
    return hosts.state(hostSlot)
  }

  private mutating func makeReservation(_ classSlot: Int, on hostSlot: Int, _ now: Int64) {
    let made = Reservation(
      serial: nextReservation, classSlot: classSlot, hostSlot: hostSlot, since: now,
      request: classes[classSlot].request,
      real: hosts.state(hostSlot), whole: hosts.whole(hostSlot))
    nextReservation += 1
    reservation = made
    hosts.set(hostSlot, made.placeable)
  }

  /// Something was given back on another host, and that host is nearer now. Each move leaves less to wait for, so that they come to an end.
  mutating func moveReservation(to hostSlot: Int) {
    guard let old = reservation, old.hostSlot != hostSlot else { return }
    let request = classes[old.classSlot].request
    guard hosts.whole(hostSlot).fits(request) else { return }
    let left = old.real.distance(to: request, whole: hosts.whole(old.hostSlot))
    let distance = hosts.state(hostSlot).distance(to: request, whole: hosts.whole(hostSlot), below: left)
    guard distance < left else { return }
    dropReservation()
    makeReservation(old.classSlot, on: hostSlot, old.since)
    semaphores.reserve(classes[old.classSlot].claims)
  }

  /// What it kept is anybody's.
  mutating func dropReservation() {
    guard let old = reservation else { return }
    reservation = nil
    semaphores.dropReservation()
    hosts.set(old.hostSlot, old.real)
    open(on: old.hostSlot)
    openForSemaphores()
  }
}
