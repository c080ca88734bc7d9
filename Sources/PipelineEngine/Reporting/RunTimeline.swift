import PluginModel

/// What happened to each node of a run and when, folded from its events. Bounded, whatever the events say: what finds no room is
/// counted. Times are milliseconds since the run began. Whether a node was cached or fell back no event says; ``RunReport`` does.
package struct RunTimeline: Sendable {
  /// How much is kept.
  package struct Bounds: Hashable, Sendable {
    package var nodes = 1_000_000
    /// Of one node: its latest ones.
    package var attempts = 64
    /// Of all nodes together.
    package var allAttempts = 1_000_000
    /// Of one node: its latest ones.
    package var lines = 100
    /// Of one line, bytes of UTF-8: the rest is cut off.
    package var lineBytes = 4_096
    /// Of all lines together, bytes: the oldest go first.
    package var logBytes = 32 << 20
    /// Of the failures of all attempts together, bytes: what comes later is left out but for its class.
    package var failureBytes = 16 << 20
    /// Of all nodes together: reports that find no room are left out.
    package var testCases = 200_000

    package init() {}
  }

  package struct Node: Sendable {
    package let name: NodeName
    package fileprivate(set) var state = RunMachine.NodeState.waiting
    /// When it first could have run, had there been a place.
    package fileprivate(set) var queued: Int64?
    /// Since when it waits for a place, or did until it ended without one; nil where it has one.
    package fileprivate(set) var waitingSince: Int64?
    package fileprivate(set) var ended: Int64?
    /// In their order.
    package fileprivate(set) var attempts: [Attempt] = []
    /// Earlier ones that found no room.
    package fileprivate(set) var attemptsLeftOut = 0
    package fileprivate(set) var skip: SkipReason?
  }

  package struct Attempt: Sendable {
    package enum Ending: String, CaseIterable, Sendable {
      case succeeded
      case failed
      case cancelled
    }

    /// From 1.
    package let number: Int
    /// When it began to wait for a place.
    package let queued: Int64
    package let start: Int64
    /// When the call reached the worker: until then the worker was started. Nil: never, or not told.
    package fileprivate(set) var reachedWorker: Int64?
    /// Not before `start`; nil: it hasn't ended.
    package fileprivate(set) var end: Int64?
    package fileprivate(set) var ending: Ending?
    package fileprivate(set) var failureClass: NodeFailure.Class?
    /// Nil where it has not failed, and where its failure found no room.
    package var failure: NodeFailure? {
      if case .failure(let failure)? = boxed { failure } else { nil }
    }
    /// Of this attempt alone; nil where it isn't known, as of one that succeeded after others.
    package fileprivate(set) var usage: ResourceUsage?
    package fileprivate(set) var held: HeldLimits?
    /// How long the next one was put off; nil: there was to be none.
    package fileprivate(set) var retryAfter: Int64?
    /// Bytes that the next one gets, where this one ran out of memory.
    package fileprivate(set) var raisedMemory: UInt64?
    fileprivate var boxed: Box?
    fileprivate var failureBytes = 0

    fileprivate init(number: Int, queued: Int64, start: Int64) {
      self.number = number
      self.queued = queued
      self.start = start
    }
  }

  /// Most attempts have none, and shall not pay for its size.
  fileprivate indirect enum Box: Sendable {
    case failure(NodeFailure)
  }

  package let bounds: Bounds
  /// In the order of the file.
  package private(set) var nodes: [Node] = []
  /// Of all nodes: those that ``nodes`` has.
  package private(set) var attemptCount = 0
  /// Bytes, as reckoned.
  package private(set) var failureBytes = 0
  package private(set) var failuresLeftOut = 0
  /// By the position of the node, of its latest attempt that had any.
  private var testReports: [Int: TestReport] = [:]
  private var testCaseCount = 0
  /// Of nodes that found no room.
  package private(set) var eventsLeftOut = 0
  private var log: TimelineLog
  private var positions: [NodeName: Int] = [:]

  package init(bounds: Bounds = Bounds()) {
    self.bounds = bounds
    log = TimelineLog(bounds: bounds)
  }

  /// Bytes of all lines, as reckoned.
  package var logBytes: Int { log.bytes }

  package func position(of name: NodeName) -> Int? { positions[name] }
  package subscript(name: NodeName) -> Node? { positions[name].map { nodes[$0] } }
  /// The latest of them, oldest first.
  package func lines(of name: NodeName) -> [TimelineLine] { positions[name].map { log.lines[$0] } ?? [] }
  package func linesLeftOut(of name: NodeName) -> Int { positions[name].map { log.leftOut[$0] } ?? 0 }

  /// What the tests said that the node ran.
  package func tests(of name: NodeName) -> TestReport? { positions[name].flatMap { testReports[$0] } }

  // MARK: Events

  package mutating func apply(_ event: RunEvent) {
    if case .runStarted(_, _, let names) = event.content {
      for name in names where makeRoom(for: name) == nil { eventsLeftOut += 1 }
    }
    guard let name = event.node else { return }
    guard let node = makeRoom(for: name) else {
      eventsLeftOut += 1
      return
    }
    switch event.content {
    // Each gets its room when something happens to it.
    case .runStarted, .nodesAdded, .runFinished: break
    case .nodeState(let state, let attempt): move(node, to: state, attempt: attempt, event)
    case .nodeRetry(let failure, let delay, let memory):
      attach(failure, to: node)
      change(node) { attempt in
        attempt.retryAfter = delay
        attempt.raisedMemory = memory
      }
    case .nodeFailed(let failure): attach(failure, to: node)
    case .nodeReport(let report): note(report, of: node, at: event.milliseconds)
    }
  }

  private mutating func makeRoom(for name: NodeName) -> Int? {
    if let known = positions[name] { return known }
    guard nodes.count < bounds.nodes else { return nil }
    positions[name] = nodes.count
    nodes.append(Node(name: name))
    log.addNode()
    return nodes.count - 1
  }

  private mutating func move(_ node: Int, to state: RunMachine.NodeState, attempt: Int, _ event: RunEvent) {
    let now = event.milliseconds
    nodes[node].state = state
    switch state {
    case .waiting: break
    case .queued:
      nodes[node].queued = nodes[node].queued ?? now
      nodes[node].waitingSince = now
    case .running: begin(node, attempt, now)
    case .retrying: end(node, .failed, now)
    case .succeeded, .failed, .skipped, .cancelled:
      end(node, Attempt.Ending(rawValue: state.rawValue) ?? .cancelled, now)
      nodes[node].ended = now
      nodes[node].skip = event.skip
      explain(node, event.account)
    }
  }

  private mutating func begin(_ node: Int, _ number: Int, _ now: Int64) {
    let queued = min(nodes[node].waitingSince ?? now, now)
    nodes[node].waitingSince = nil
    if nodes[node].attempts.count >= bounds.attempts || attemptCount >= bounds.allAttempts {
      nodes[node].attemptsLeftOut += 1
      guard !nodes[node].attempts.isEmpty else { return }
      failureBytes -= nodes[node].attempts.removeFirst().failureBytes
      attemptCount -= 1
    }
    guard bounds.attempts > 0 else { return }
    nodes[node].attempts.append(Attempt(number: number, queued: queued, start: now))
    attemptCount += 1
  }

  /// Changes nothing where none runs.
  private mutating func end(_ node: Int, _ ending: Attempt.Ending, _ now: Int64) {
    change(node) { attempt in
      guard attempt.end == nil else { return }
      attempt.end = max(attempt.start, now)
      attempt.ending = ending
    }
  }

  /// From the account of all attempts together.
  private mutating func explain(_ node: Int, _ account: NodeAccount) {
    for index in nodes[node].attempts.indices where nodes[node].attempts[index].held == nil {
      let number = nodes[node].attempts[index].number
      nodes[node].attempts[index].held = account.held.last { $0.attempt == number }
    }
    guard nodes[node].attempts.count == 1, nodes[node].attemptsLeftOut == 0 else { return }
    change(node) { $0.usage = $0.usage ?? account.usage }
  }

  private mutating func attach(_ failure: NodeFailure, to node: Int) {
    guard let last = nodes[node].attempts.indices.last else { return }
    var attempt = nodes[node].attempts[last]
    failureBytes -= attempt.failureBytes
    attempt.failureClass = failure.kind
    attempt.usage = failure.account.usage
    attempt.held = failure.account.held.last
    let bytes = failure.keptBytes
    let hasRoom = bytes <= bounds.failureBytes - failureBytes
    attempt.failureBytes = hasRoom ? bytes : 0
    attempt.boxed = hasRoom ? .failure(failure) : nil
    if !hasRoom { failuresLeftOut += 1 }
    failureBytes += attempt.failureBytes
    nodes[node].attempts[last] = attempt
  }

  private mutating func note(_ report: NodeReport, of node: Int, at now: Int64) {
    switch report {
    case .started: change(node) { $0.reachedWorker = $0.reachedWorker ?? now }
    case .progress: break
    case .log(let level, let message): log.add(message, .log(level), of: node, at: now)
    case .output(let line, let isError): log.add(line, isError ? .standardError : .standardOutput, of: node, at: now)
    case .tests(let tests):
      testCaseCount -= testReports.removeValue(forKey: node)?.caseCount ?? 0
      guard tests.caseCount <= bounds.testCases - testCaseCount else { return }
      testCaseCount += tests.caseCount
      testReports[node] = tests
    }
  }

  /// The latest attempt, where there is one.
  private mutating func change(_ node: Int, _ body: (inout Attempt) -> Void) {
    guard let last = nodes[node].attempts.indices.last else { return }
    body(&nodes[node].attempts[last])
  }
}

extension NodeFailure {
  /// What keeping it costs, about.
  fileprivate var keptBytes: Int {
    let texts = [message, cause ?? "", hint ?? "", traceback ?? ""] + lastOutput
    let denied = account.denials.map { $0.record.denials.count * 1_024 } ?? 0
    let network = account.egress.map { ($0.denials.count + $0.reached.count) * 512 } ?? 0
    return texts.reduce(1_024 + denied + network) { $0 + $1.utf8.count + 16 }
  }
}
