import PluginModel

/// Where results of earlier runs are found by their keys.
package protocol CacheIndex: Sendable {
  /// What is there; not what consists of something that is no longer whole.
  func find(_ keys: [ContentDigest]) async throws(StateFailure) -> [ContentDigest: CachedResult]
  /// All of them, or none.
  func keep(_ results: [NewResult]) async throws(StateFailure)
}

/// A result that later runs may find.
package struct NewResult: Sendable {
  package var key: CacheKey
  package var type: NodeTypeReference
  /// Kept in the run's result store.
  package var outputs: [StoredResult.Output]

  package init(key: CacheKey, type: NodeTypeReference, outputs: [StoredResult.Output]) {
    self.key = key
    self.type = type
    self.outputs = outputs
  }
}

/// A result that is there already.
package struct CachedResult: Sendable {
  package var stored: [StoredResult.Output]
  /// The same, to be handed on.
  package var outputs: [(port: PortName, values: [NodeValue])]

  package init(stored: [StoredResult.Output], outputs: [(port: PortName, values: [NodeValue])]) {
    self.stored = stored
    self.outputs = outputs
  }
}

/// Finds results that are there already, and lets of two equal nodes in flight only one run: the other waits for what comes of it.
package actor ResultCache {
  package enum Answer: Sendable {
    case found(CachedResult)
    /// Whoever asked is to run, and to ``release(_:)`` the key when it has ended.
    case missing
    case cancelled
  }

  private let index: any CacheIndex
  /// Of the nodes whose results may be reused.
  private let bases: [NodeName: CacheBase]
  /// Who waits for one key. Each has its turn when the one before has its answer, so that of many equal nodes none is woken in vain.
  fileprivate struct Line {
    var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    /// In their order; some may be gone.
    var tickets: [UInt64] = []
    /// Of `tickets`, the first that hasn't had its turn.
    var next = 0
  }

  /// Keys that a node is running for, or is looked up.
  private var inFlight: [ContentDigest: Line] = [:]
  private var nextTicket: UInt64 = 0
  /// What isn't written yet, in the order of its coming.
  private var unwritten: [NewResult] = []
  /// Of what isn't written yet, or is just being written.
  private var unwrittenKeys: Set<ContentDigest> = []
  private var writing: Task<Void, Never>?
  /// Who waits for what is just being written.
  private var forBatch: [CheckedContinuation<Void, Never>] = []
  private var pace: Pace

  /// Milliseconds from the beginning of one batch of results to that of the next.
  private static let interval: Int64 = 50
  /// The most keys that are looked up together: the first nodes needn't wait for the last.
  private static let mostKeys = 1024

  /// - Parameters:
  ///   - identities: of the nodes whose results may be reused.
  ///   - clock: nil: what is to be kept is written at once.
  package init(index: any CacheIndex, identities: [NodeName: CacheIdentity], clock: (any RunClock)? = nil) {
    self.index = index
    pace = Pace(clock, interval: Self.interval)
    // The nodes of a run share a few of them.
    var known: [CacheIdentity: CacheBase] = [:]
    var last: (identity: CacheIdentity, base: CacheBase)?
    bases = identities.mapValues { identity in
      // To compare two takes a fraction of what it takes to hash one.
      if let last, last.identity == identity { return last.base }
      let base = known[identity] ?? CacheBase(identity)
      known[identity] = base
      last = (identity, base)
      return base
    }
  }

  /// The nodes of a graph whose results may be reused.
  package nonisolated func reusable(in graph: WorkflowGraph) -> Set<Int> {
    Set(graph.nodes.indices.filter { bases[graph.nodes[$0].name] != nil })
  }

  /// Nil where the result of the call must not be reused.
  package nonisolated func key(of call: NodeCall) -> CacheKey? {
    bases[call.prepared].flatMap { CacheKey($0, call) }
  }

  /// By what the plugin says; nil where the result of the call must not be reused.
  nonisolated func key(of call: NodeCall, own: String) -> CacheKey? {
    bases[call.prepared].map { CacheKey($0, own: own) }
  }

  /// A node and the key of its result.
  struct Lookup: Sendable {
    var node: Int
    var key: ContentDigest
  }

  /// What is there under the keys of nodes. Those whose key is another's too wait while that one runs.
  /// - Parameter tell: called until all nodes have their answer, with those that are found together.
  func find(_ wanted: [Lookup], tell: @escaping @Sendable ([(node: Int, Answer)]) -> Void) async {
    var first: [Lookup] = []
    await withDiscardingTaskGroup { group in
      for lookup in wanted {
        if inFlight[lookup.key] == nil {
          inFlight[lookup.key] = Line()
          first.append(lookup)
        } else {
          group.addTask { tell([(lookup.node, await self.find(lookup.key))]) }
        }
      }
      while !first.isEmpty {
        let batch = Array(first.prefix(Self.mostKeys))
        first.removeFirst(batch.count)
        let answers = await lookUp(batch.map(\.key))
        tell(zip(batch, answers).map { ($0.node, $1) })
      }
    }
  }

  /// What is there under `key`. Waits while another that asked for it runs. An index that fails has nothing.
  package func find(_ key: ContentDigest) async -> Answer {
    if inFlight[key] == nil {
      inFlight[key] = Line()
    } else {
      guard await waitForTurn(key) else { return .cancelled }
    }
    return await lookUp([key]).first ?? .missing
  }

  /// - Parameter keys: of whoever has the turn.
  private func lookUp(_ keys: [ContentDigest]) async -> [Answer] {
    guard !Task.isCancelled else {
      release(keys)
      return keys.map { _ in .cancelled }
    }
    while !unwrittenKeys.isDisjoint(with: keys) {
      pace.hurry()
      await withCheckedContinuation { forBatch.append($0) }
    }
    let found: [ContentDigest: CachedResult]
    do throws(StateFailure) { found = try await index.find(keys) } catch { found = [:] }
    release(keys.filter { found[$0] != nil })
    return keys.map { found[$0].map(Answer.found) ?? .missing }
  }

  /// Keeps what came of a call, soon: what comes while others are being written, or a moment after, is written together, so that many
  /// nodes cost one wait for the disk. Who asks for it before finds it all the same. What can't be kept is run again another time.
  package func keep(_ key: CacheKey, type: NodeTypeReference, _ outputs: [StoredResult.Output]) {
    unwritten.append(NewResult(key: key, type: type, outputs: outputs))
    unwrittenKeys.insert(key.digest)
    if writing == nil { writing = Task { await write() } }
  }

  /// Returns when all that was to be kept before is, or can't be. For the end of a run: from then on nothing gathers.
  package func settle() async {
    pace.hurry(forGood: true)
    await writing?.value
  }

  private func write() async {
    while !unwritten.isEmpty {
      if let pause = pace.next() { await pause.value }
      let batch = unwritten
      unwritten = []
      do throws(StateFailure) { try await index.keep(batch) } catch {
        // One of them may be why.
        for result in batch { do throws(StateFailure) { try await index.keep([result]) } catch {} }
      }
      unwrittenKeys.subtract(batch.map(\.key.digest))
      for waiter in forBatch { waiter.resume() }
      forBatch = []
    }
    writing = nil
  }

  func release(_ keys: [ContentDigest]) {
    for key in keys { release(key) }
  }

  /// The next one that waits for the key has its turn.
  package func release(_ key: ContentDigest) {
    while let ticket = inFlight[key]?.nextTicket() {
      guard let waiter = inFlight[key]?.waiting.removeValue(forKey: ticket) else { continue }
      return waiter.resume(returning: true)
    }
    inFlight[key] = nil
  }

  /// - Returns: false where it was cancelled before.
  private func waitForTurn(_ key: ContentDigest) async -> Bool {
    let ticket = nextTicket
    nextTicket += 1
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard !Task.isCancelled else { return continuation.resume(returning: false) }
        guard inFlight[key] != nil else {
          inFlight[key] = Line()
          return continuation.resume(returning: true)
        }
        inFlight[key]?.waiting[ticket] = continuation
        inFlight[key]?.tickets.append(ticket)
      }
    } onCancel: {
      Task { await self.withdraw(ticket, from: key) }
    }
  }

  private func withdraw(_ ticket: UInt64, from key: ContentDigest) {
    inFlight[key]?.waiting.removeValue(forKey: ticket)?.resume(returning: false)
  }
}

extension ResultCache.Line {
  fileprivate mutating func nextTicket() -> UInt64? {
    guard next < tickets.count else { return nil }
    next += 1
    return tickets[next - 1]
  }
}
