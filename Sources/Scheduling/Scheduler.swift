/// Decides which node starts where. Pure: events come in with their time, actions come out; what isn't started waits, and
/// ``why(_:)`` says for what. The same events give the same actions.
///
/// - Runs are served by weighted dominant-resource fairness (DRF, NSDI 2011): whoever has least, for its weight, comes first.
/// - Within a run, nodes are started by upward rank (HEFT) plus age.
/// - A node goes where it costs typical nodes least room (see ``TypicalWorkload``), and then where it fits best.
/// - Nodes that ask for the same are one class: when one doesn't fit, none does, until something is given back that would do.
/// - The class that has waited longest gets a host reserved, once it has waited ``Configuration/reservationDelay``: others start there
///   only beside it (backfilling, Lifka 1995). So nothing starves as long as what runs ends.
///
/// It never gives more than there is: a host that shrinks gets nothing new until enough has been given back.
package struct Scheduler: Sendable {
  package struct Configuration: Sendable {
    /// Milliseconds of upward rank that a millisecond of waiting is worth, from 1 to 1000.
    package var ageWeight: Int64
    /// Milliseconds.
    package var reservationDelay: Int64
    /// Nil: learned from the nodes that come.
    package var workload: TypicalWorkload?

    package init(ageWeight: Int64 = 1, reservationDelay: Int64 = 5000, workload: TypicalWorkload? = nil) {
      self.ageWeight = min(max(1, ageWeight), 1000)
      self.reservationDelay = min(max(0, reservationDelay), 1 << 50)
      self.workload = workload
    }
  }

  let configuration: Configuration
  var hosts = HostTable()
  var semaphores = Semaphores()
  var classes = ClassTable()
  var runs = RunTable()
  var nodes = NodeTable()
  var reservation: Reservation?
  var history = WorkloadHistory()
  /// Another whenever the hosts or the semaphores change in what they have in all.
  var capacityEpoch = 0
  private var nextSequence: UInt64 = 0
  var nextReservation: UInt64 = 0

  package init(configuration: Configuration = Configuration()) {
    self.configuration = configuration
    if let workload = configuration.workload { hosts.setWorkload(workload) }
  }

  /// - Parameter now: milliseconds of a clock that doesn't go back.
  package mutating func handle(_ event: SchedulerEvent, at now: Int64) -> [SchedulerAction] { handle([event], at: now) }

  /// What happens at one time: nothing starts before all of it is known, so that of nodes that become ready together the most urgent
  /// starts first.
  package mutating func handle(_ events: [SchedulerEvent], at now: Int64) -> [SchedulerAction] {
    var actions: [SchedulerAction] = []
    for event in events { apply(event, now, &actions) }
    dispatch(now, &actions)
    return actions
  }

  private mutating func apply(_ event: SchedulerEvent, _ now: Int64, _ actions: inout [SchedulerAction]) {
    switch event {
    case .hostChanged(let host): change(host)
    case .hostRemoved(let name): removeHost(name, &actions)
    case .deviceHeldElsewhere(let host, let device, let isHeld): hold(device, of: host, isHeld)
    case .semaphoreChanged(let name, let count):
      if semaphores.set(name, capacity: count) { capacityChanged() }
    case .runSubmitted(let id, let weight): submit(id, weight: weight)
    case .runEnded(let id): endRun(id)
    case .nodeReady(let node, let request, let rank):
      if let refusal = enqueue(node, request, rank, now) { actions.append(.refuse(node, refusal)) }
    case .nodeWithdrawn(let node): withdraw(node)
    case .nodeFinished(let node): finish(node)
    case .nodeReturned(let node): putBack(node, now)
    case .tick: break
    }
  }

  // MARK: Runs and nodes

  private mutating func submit(_ id: RunIdentifier, weight: Int) {
    // A run of that name may still have nodes that run; it goes on as the same.
    if let slot = runs.slot(of: id) { runs[slot].isEnded = false } else { runs.add(id, weight: weight) }
  }

  private mutating func endRun(_ id: RunIdentifier) {
    guard let slot = runs.slot(of: id) else { return }
    runs[slot].isEnded = true
    let entries = runs[slot].queues.flatMap(\.heap.unordered)
    for entry in entries where nodes.isQueued(entry) { withdraw(slot: entry.slot) }
    forgetIfOver(slot)
  }

  private mutating func forgetIfOver(_ runSlot: Int) {
    if runs[runSlot].isEnded, runs[runSlot].running == 0 { runs.remove(runSlot) }
  }

  private mutating func enqueue(
    _ node: NodeReference, _ request: ResourceRequest, _ rank: Int64, _ now: Int64
  ) -> Refusal? {
    guard let runSlot = runs.slot(of: node.run), !runs[runSlot].isEnded else { return .unknownRun }
    guard nodes.slot(of: node) == nil else { return .duplicate }
    let classSlot: Int
    if let known = classes.slot(of: request), classes[known].possibleEpoch == capacityEpoch {
      classSlot = known
    } else {
      if let refusal = refusal(of: request) { return refusal }
      classSlot = makeClass(request)
      classes[classSlot].possibleEpoch = capacityEpoch
    }
    if configuration.workload == nil, let workload = history.record(request) { hosts.setWorkload(workload) }
    let sequence = nextSequence
    nextSequence += 1
    let key = min(max(0, rank), 1 << 50) - configuration.ageWeight * now
    let claims = classes[classSlot].claims
    let slot = nodes.add(node) { slot in
      NodeRecord(
        reference: node, runSlot: runSlot, request: request, claims: claims,
        entry: QueueEntry(key: key, sequence: sequence, slot: slot), readyAt: now, state: .queued(classSlot: classSlot))
    }
    runs[runSlot].enqueue(QueueEntry(key: key, sequence: sequence, slot: slot), in: classSlot)
    classes.nodeCame(classSlot, at: now)
    return nil
  }

  private mutating func makeClass(_ request: ResourceRequest) -> Int {
    let claims = request.semaphores.map { Semaphores.Claim(index: semaphores.index(of: $0.name), count: $0.count) }
    return classes.make(request, claims: claims)
  }

  private mutating func withdraw(_ node: NodeReference) {
    if let slot = nodes.slot(of: node) { withdraw(slot: slot) }
  }

  private mutating func withdraw(slot: Int) {
    guard let record = nodes[slot], case .queued(let classSlot) = record.state else { return }
    nodes.remove(slot)
    leaveQueue(record, classSlot)
    if let reservation, reservation.classSlot == classSlot, classes[classSlot].pending == 0 { dropReservation() }
  }

  /// A node that isn't queued any more, by the table of nodes.
  mutating func leaveQueue(_ record: NodeRecord, _ classSlot: Int) {
    let nodes = nodes
    runs[record.runSlot].dequeue(from: classSlot) { nodes.isQueued($0) }
    classes.nodeLeft(classSlot)
  }

  private mutating func finish(_ node: NodeReference) {
    guard let slot = nodes.slot(of: node), let record = nodes[slot], case .running(let running) = record.state else {
      return
    }
    nodes.remove(slot)
    release(record, running)
  }

  private mutating func release(_ record: NodeRecord, _ running: NodeRecord.Running) {
    giveBack(record, running)
    let isOfReservation = running.backfill != nil && running.backfill == reservation?.serial
    hosts.take(
      running.claim, from: running.hostSlot, sign: -1, beside: &reservation, isBackfill: isOfReservation)
    moveReservation(to: running.hostSlot)
    open(on: running.hostSlot)
    if !record.claims.isEmpty { openForSemaphores() }
  }

  /// With the age and the place in the order that it had.
  private mutating func putBack(_ node: NodeReference, _ now: Int64) {
    guard let slot = nodes.slot(of: node), let record = nodes[slot], case .running(let running) = record.state else {
      return
    }
    guard !runs[record.runSlot].isEnded else { return finish(node) }
    let classSlot = makeClass(record.request)
    nodes.setState(slot, .queued(classSlot: classSlot))
    runs[record.runSlot].enqueue(record.entry, in: classSlot)
    classes.nodeCame(classSlot, at: now)
    classes[classSlot].waitingSince = min(classes[classSlot].waitingSince, running.waitingSince)
    release(record, running)
  }

  /// All but what it had of its host.
  mutating func giveBack(_ record: NodeRecord, _ running: NodeRecord.Running) {
    let isOfReservation = running.backfill != nil && running.backfill == reservation?.serial
    semaphores.take(record.claims, sign: -1, isBackfill: isOfReservation)
    runs[record.runSlot].usage.add(running.assignment, record.claims, sign: -1)
    runs[record.runSlot].running -= 1
    updateShare(record.runSlot)
    forgetIfOver(record.runSlot)
  }

  mutating func updateShare(_ runSlot: Int) {
    let run = runs[runSlot]
    let share = run.usage.dominantShare(of: hosts.total, semaphores.counters)
    runs.setShare(runSlot, share / Double(run.weight))
  }
}
