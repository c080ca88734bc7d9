import PluginModel
import Scheduling

/// Hands out what the hosts have to the nodes of the runs of this process. What is decided is ``Scheduler``'s matter; this only keeps
/// the time.
package actor Dispatcher {
  package enum Answer: Sendable {
    case assigned
    case refused(Refusal)
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

  package init(
    hosts: [HostCapacity], semaphores: [SemaphoreName: Int] = [:], clock: any RunClock,
    configuration: Scheduler.Configuration = Scheduler.Configuration()
  ) {
    self.clock = clock
    scheduler = Scheduler(configuration: configuration)
    let now = clock.now()
    for host in hosts { _ = scheduler.handle(.hostChanged(host), at: now) }
    for (name, count) in semaphores.sorted(by: { $0.key < $1.key }) {
      _ = scheduler.handle(.semaphoreChanged(name, count: count), at: now)
    }
  }

  deinit { ticking?.cancel() }

  /// - Parameter sink: told of each node of the run that was asked for, once, unless it is withdrawn before, or answered to the one who
  ///   asked; must not block.
  func open(_ run: RunIdentifier, weight: Int, sink: @escaping @Sendable (NodeAnswer) -> Void) {
    sinks[run] = sink
    handle(.runSubmitted(run, weight: weight))
  }

  /// Everything of it has been given back.
  func close(_ run: RunIdentifier) {
    handle(.runEnded(run))
    sinks[run] = nil
    queued[run] = nil
    names[run] = nil
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
    handle(
      changes.map { change in
        switch change {
        case .request(let node, let request, let name, let rank):
          names[run, default: [:]][node] = name
          queued[run, default: []].insert(node)
          return .nodeReady(NodeReference(run: run, node: node), request, rank: rank)
        case .withdraw(let node):
          queued[run]?.remove(node)
          names[run]?[node] = nil
          return .nodeWithdrawn(NodeReference(run: run, node: node))
        case .giveBack(let node):
          names[run]?[node] = nil
          return .nodeFinished(NodeReference(run: run, node: node))
        }
      }, of: run)
  }

  /// What the nodes of a run wait for, at most so many of them.
  package func waiting(of run: RunIdentifier, limit: Int) -> [Waiting] {
    let nodes = (queued[run] ?? []).prefix(limit).sorted()
    return scheduler.why(nodes.lazy.map { NodeReference(run: run, node: $0) })
      .map { Waiting(node: $0.node.node, reason: $0) }
  }

  /// What a run calls its nodes that wait or have what they asked for.
  package func names(in run: RunIdentifier) -> [Int: NodeName] { names[run] ?? [:] }

  /// How many nodes of a run wait.
  package func waitingCount(of run: RunIdentifier) -> Int { queued[run]?.count ?? 0 }

  private func handle(_ event: SchedulerEvent) { _ = handle([event], of: nil) }

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
      case .start(let assignment): answer(assignment.node, .assigned)
      case .refuse(let node, let refusal): answer(node, .refused(refusal))
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
}
