import PluginModel

/// Where results of earlier runs are found by their keys.
package protocol CacheIndex: Sendable {
  /// Nil where there is none, or what it consists of is no longer whole.
  func find(_ key: ContentDigest) async throws(StateFailure) -> CachedResult?
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

  /// - Parameter identities: of the nodes whose results may be reused.
  package init(index: any CacheIndex, identities: [NodeName: CacheIdentity]) {
    self.index = index
    // The nodes of a run share a few of them.
    var known: [CacheIdentity: CacheBase] = [:]
    bases = identities.mapValues { identity in
      if let base = known[identity] { return base }
      let base = CacheBase(identity)
      known[identity] = base
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
    bases[call.prepared].map { CacheKey($0, type: call.type, own: own) }
  }

  /// What is there under `key`. Waits while another that asked for it runs. An index that fails has nothing.
  package func find(_ key: ContentDigest) async -> Answer {
    if inFlight[key] == nil {
      inFlight[key] = Line()
    } else {
      guard await waitForTurn(key) else { return .cancelled }
    }
    guard !Task.isCancelled else {
      release(key)
      return .cancelled
    }
    while unwrittenKeys.contains(key) { await withCheckedContinuation { forBatch.append($0) } }
    let found: CachedResult?
    do throws(StateFailure) { found = try await index.find(key) } catch { found = nil }
    guard let found else { return .missing }
    release(key)
    return .found(found)
  }

  /// Keeps what came of a call, soon: what comes while others are being written is written together, so that many nodes cost one
  /// wait for the disk. Who asks for it before finds it all the same. What can't be kept is run again another time.
  package func keep(_ key: CacheKey, type: NodeTypeReference, _ outputs: [StoredResult.Output]) {
    unwritten.append(NewResult(key: key, type: type, outputs: outputs))
    unwrittenKeys.insert(key.digest)
    if writing == nil { writing = Task { await write() } }
  }

  /// Returns when all that was to be kept before is, or can't be.
  package func settle() async { await writing?.value }

  private func write() async {
    while !unwritten.isEmpty {
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
