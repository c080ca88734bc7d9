import PluginModel
import Scheduling

/// Hands out what the hosts have to the nodes of the runs of this process. What is decided is ``Scheduler``'s matter; this only keeps
/// the time.
package actor Dispatcher {
  package enum Answer: Sendable {
    /// All that it asked for, and exactly these devices.
    case assigned([GPUGrant])
    case refused(Refusal)
    /// What it was to have can't be made its own.
    case failed(NodeFailure)
    /// It goes on waiting: other processes have these.
    case heldElsewhere([HeldDevice])
  }

  /// Of one node of a run.
  struct NodeAnswer: Sendable {
    var node: Int
    var answer: Answer
  }

  /// A node that waits, and for what.
  package struct Waiting: Sendable {
    package var node: Int
    package var reason: WaitingReason
  }

  private var scheduler: Scheduler
  private let clock: any RunClock
  /// Who is told of the nodes of a run.
  private var sinks: [RunIdentifier: @Sendable (NodeAnswer) -> Void] = [:]
  /// Nodes that were asked for and not answered.
  private var queued: [RunIdentifier: Set<Int>] = [:]
  /// Of nodes that were asked for and haven't given back what they got.
  private var names: [RunIdentifier: [Int: NodeName]] = [:]
  private var ticking: Task<Void, Never>?
  private let holding: (any DeviceHolding)?
  private var devices = DeviceUse()
  private var looking: Task<Void, Never>?

  /// Milliseconds between two looks at what other processes have or want.
  private static let interval: Int64 = 250

  /// - Parameter holding: asked for the devices that nodes are given; nil: no other process uses them.
  package init(
    hosts: [HostCapacity], semaphores: [SemaphoreName: Int] = [:], holding: (any DeviceHolding)? = nil,
    clock: any RunClock, configuration: Scheduler.Configuration = Scheduler.Configuration()
  ) {
    self.clock = clock
    self.holding = holding
    scheduler = Scheduler(configuration: configuration)
    let now = clock.now()
    for host in hosts { _ = scheduler.handle(.hostChanged(host), at: now) }
    for (name, count) in semaphores.sorted(by: { $0.key < $1.key }) {
      _ = scheduler.handle(.semaphoreChanged(name, count: count), at: now)
    }
  }

  deinit {
    ticking?.cancel()
    looking?.cancel()
  }

  /// - Parameter sink: told of each node of the run that was asked for, once, unless it is withdrawn before, or answered to the one who
  ///   asked; before that it may be told whose devices the node waits for. Must not block.
  func open(_ run: RunIdentifier, weight: Int, sink: @escaping @Sendable (NodeAnswer) -> Void) {
    sinks[run] = sink
    handle(.runSubmitted(run, weight: weight))
  }

  /// Nothing of what its nodes were assigned is used any more.
  func close(_ run: RunIdentifier) {
    // An answer that came too late was never read.
    for node in (names[run] ?? [:]).keys.sorted() {
      let reference = NodeReference(run: run, node: node)
      if holding != nil { devices.giveBack(reference) }
      handle(.nodeFinished(reference))
    }
    handle(.runEnded(run))
    sinks[run] = nil
    queued[run] = nil
    names[run] = nil
    if holding != nil { devices.withdrawAll(of: run) }
  }

  /// What nodes of one run ask for or don't want any more.
  enum Change: Sendable {
    /// - name: what its run calls it.
    /// - rank: milliseconds, of ``UpwardRank``.
    case request(Int, ResourceRequest, name: NodeName, rank: Int64)
    case withdraw(Int)
    /// Everything that the node was assigned is free.
    case giveBack(Int)
  }

  /// All of it at one time: the most urgent of those that ask together is the first to be answered.
  /// - Returns: what is answered at once, of nodes of the run; everything later is told.
  func apply(_ changes: [Change], of run: RunIdentifier) -> [NodeAnswer] {
    let answers = handle(
      changes.map { change in
        switch change {
        case .request(let node, let request, let name, let rank):
          names[run, default: [:]][node] = name
          queued[run, default: []].insert(node)
          let reference = NodeReference(run: run, node: node)
          if holding != nil, request.gpu != .none { devices.waiting.insert(reference) }
          return .nodeReady(reference, request, rank: rank)
        case .withdraw(let node):
          queued[run]?.remove(node)
          names[run]?[node] = nil
          if holding != nil { devices.withdraw(NodeReference(run: run, node: node)) }
          return .nodeWithdrawn(NodeReference(run: run, node: node))
        case .giveBack(let node):
          names[run]?[node] = nil
          if holding != nil { devices.giveBack(NodeReference(run: run, node: node)) }
          return .nodeFinished(NodeReference(run: run, node: node))
        }
      }, of: run)
    look()
    return answers
  }

  /// There are so many units of a semaphore from now on.
  package func set(_ semaphore: SemaphoreName, count: Int) { handle(.semaphoreChanged(semaphore, count: count)) }

  /// What the hosts have, and what of it is free.
  package var hosts: [(capacity: HostCapacity, free: HostFree)] {
    let free = scheduler.free
    return scheduler.hostCapacities.compactMap { host in
      free.first { $0.host == host.name }.map { (host, $0.free) }
    }
  }

  /// What the nodes that run were given, run by run, with what their runs call them.
  package var running: [(name: String, assignment: Assignment)] {
    scheduler.assignments.sorted { ($0.node.run.text, $0.node.node) < ($1.node.run.text, $1.node.node) }
      .map { (name(of: $0.node), $0) }
  }

  /// What a node's run calls it.
  package func name(of node: NodeReference) -> String {
    names[node.run]?[node.node]?.text ?? "node \(node.node)"
  }

  /// Lets others have the devices that are kept for nodes to come, for none comes. Returns when they can.
  package func letGoOfDevices() async {
    guard let holding else { return }
    let kept = devices.letGo(Set(devices.kept.keys))
    guard !kept.isEmpty else { return }
    setHeld(kept, true)
    await holding.letGo(Set(kept.keys))
  }

  /// What the nodes of a run wait for, at most so many of them.
  package func waiting(of run: RunIdentifier, limit: Int) -> [Waiting] {
    let nodes = (queued[run] ?? []).prefix(limit).sorted()
    return scheduler.why(nodes.lazy.map { NodeReference(run: run, node: $0) })
      .map { Waiting(node: $0.node.node, reason: $0) }
  }

  /// How many nodes of a run wait.
  package func waitingCount(of run: RunIdentifier) -> Int { queued[run]?.count ?? 0 }

  private func handle(_ events: SchedulerEvent...) { _ = handle(events, of: nil) }

  /// - Parameter asking: the run whose answers are returned.
  private func handle(_ events: [SchedulerEvent], of asking: RunIdentifier?) -> [NodeAnswer] {
    var returned: [NodeAnswer] = []
    func answer(_ node: NodeReference, _ answer: Answer) {
      queued[node.run]?.remove(node.node)
      let answer = NodeAnswer(node: node.node, answer: answer)
      if node.run == asking { returned.append(answer) } else { sinks[node.run]?(answer) }
    }
    for action in scheduler.handle(events, at: clock.now()) {
      switch action {
      case .start(let assignment):
        if let holding, !assignment.gpus.isEmpty {
          take(assignment, holding)
        } else {
          answer(assignment.node, .assigned(assignment.gpus))
        }
      case .refuse(let node, let refusal):
        if holding != nil { devices.withdraw(node) }
        answer(node, .refused(refusal))
      // No host here goes away with what runs on it.
      case .lost: break
      }
    }
    keepTime()
    return returned
  }

  /// One timer at a time: it looks again whether there is anything to wait for.
  private func keepTime() {
    guard ticking == nil, let next = scheduler.nextTick else { return }
    ticking = Task { [weak self, clock] in
      try? await clock.sleep(milliseconds: max(1, next - clock.now()))
      await self?.tick()
    }
  }

  private func tick() {
    ticking = nil
    guard !Task.isCancelled else { return }
    handle(.tick)
  }

  // MARK: Devices that other processes use too

  /// A node has them when nobody else can.
  private func take(_ assignment: Assignment, _ holding: any DeviceHolding) {
    devices.takes(assignment)
    Task {
      do throws(NodeFailure) {
        let missing = try await holding.take(assignment.gpus.map(\.device))
        if missing.isEmpty { hasTaken(assignment) } else { hasNotTaken(assignment, missing) }
      } catch {
        let isWanted = devices.hasNotTaken(assignment, []).isWanted
        handle(.nodeFinished(assignment.node))
        if isWanted { tell(assignment.node, .failed(error)) }
      }
      look()
    }
  }

  private func hasTaken(_ assignment: Assignment) {
    let (isWanted, found) = devices.hasTaken(assignment)
    if isWanted {
      tell(assignment.node, .assigned(assignment.gpus))
    } else {
      devices.giveBack(assignment.node)
      handle(.nodeFinished(assignment.node))
    }
    setHeld(found, false)
  }

  private func hasNotTaken(_ assignment: Assignment, _ missing: [HeldDevice]) {
    let (isWanted, held) = devices.hasNotTaken(assignment, missing)
    let node = assignment.node
    _ = handle(
      held.map { .deviceHeldElsewhere(assignment.host, $0.device, true) }
        + [isWanted ? .nodeReturned(node) : .nodeFinished(node)], of: nil)
    // Unless it was given others at once.
    guard devices.waiting.contains(node), !held.isEmpty, devices.tellsOnce(node) else { return }
    sinks[node.run]?(NodeAnswer(node: node.node, answer: .heldElsewhere(held)))
  }

  private func tell(_ node: NodeReference, _ answer: Answer) {
    queued[node.run]?.remove(node.node)
    sinks[node.run]?(NodeAnswer(node: node.node, answer: answer))
  }

  /// Looks at what other processes have and want, as long as anything depends on it.
  private func look() {
    guard let holding, looking == nil, devices.needsLooking else { return }
    looking = Task { [weak self, clock] in
      while (try? await clock.sleep(milliseconds: Self.interval)) != nil, await self?.hasLooked(holding) == true {}
    }
  }

  /// - Returns: false when there is nothing more to look for.
  private func hasLooked(_ holding: any DeviceHolding) async -> Bool {
    let elsewhere = devices.elsewhere
    let seen = await holding.look(
      at: Array(elsewhere.keys), isWaiting: !devices.waiting.isEmpty, kept: Array(devices.kept.keys))
    let letGo = devices.letGo(seen.wanted)
    if !letGo.isEmpty {
      // Nobody here gets them meanwhile.
      setHeld(letGo, true)
      await holding.letGo(Set(letGo.keys))
    }
    setHeld(elsewhere.filter { seen.free.contains($0.key) }, false)
    guard !devices.needsLooking else { return true }
    // Nobody is to let go of one for us any more.
    _ = await holding.look(at: [], isWaiting: false, kept: [])
    guard !devices.needsLooking else { return true }
    looking = nil
    // Whoever needs one finds out again whether it is free.
    setHeld(devices.elsewhere, false)
    return false
  }

  private func setHeld(_ changed: [GPUIdentifier: HostIdentifier], _ isHeld: Bool) {
    guard !changed.isEmpty else { return }
    if !isHeld { devices.isFree(changed.keys) }
    _ = handle(
      changed.sorted { $0.key.text < $1.key.text }.map { .deviceHeldElsewhere($0.value, $0.key, isHeld) }, of: nil)
  }
}
