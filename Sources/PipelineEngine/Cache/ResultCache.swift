import PluginModel

/// Where results of earlier runs are found by their keys.
package protocol CacheIndex: Sendable {
  /// Nil where there is none, or what it consists of is no longer whole.
  func find(_ key: ContentDigest) async throws(StateFailure) -> CachedResult?
  /// - Parameter outputs: kept in the run's result store.
  func keep(_ key: CacheKey, type: NodeTypeReference, _ outputs: [StoredResult.Output]) async throws(StateFailure)
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
  private let identities: [NodeName: CacheIdentity]
  /// Keys that a node is running for, and who waits for it.
  private var inFlight: [ContentDigest: [(ticket: UInt64, continuation: CheckedContinuation<Void, Never>)]] = [:]
  private var nextTicket: UInt64 = 0

  /// - Parameter identities: of the nodes whose results may be reused.
  package init(index: any CacheIndex, identities: [NodeName: CacheIdentity]) {
    self.index = index
    self.identities = identities
  }

  /// The nodes of a graph whose results may be reused.
  package nonisolated func reusable(in graph: WorkflowGraph) -> Set<Int> {
    Set(graph.nodes.indices.filter { identities[graph.nodes[$0].name] != nil })
  }

  /// Nil where the result of the call must not be reused.
  package nonisolated func key(of call: NodeCall) -> CacheKey? {
    identities[call.node].flatMap { CacheKey($0, call) }
  }

  /// What is there under `key`. Waits while another that asked for it runs. An index that fails has nothing.
  package func find(_ key: ContentDigest) async -> Answer {
    while inFlight[key] != nil {
      await wait(for: key)
      guard !Task.isCancelled else { return .cancelled }
    }
    inFlight[key] = []
    let found: CachedResult?
    do throws(StateFailure) { found = try await index.find(key) } catch { found = nil }
    guard let found else { return .missing }
    release(key)
    return .found(found)
  }

  /// Keeps what came of a call. What can't be kept is run again another time.
  package func keep(_ key: CacheKey, type: NodeTypeReference, _ outputs: [StoredResult.Output]) async {
    do throws(StateFailure) { try await index.keep(key, type: type, outputs) } catch {}
  }

  package func release(_ key: ContentDigest) {
    for waiter in inFlight.removeValue(forKey: key) ?? [] { waiter.continuation.resume() }
  }

  private func wait(for key: ContentDigest) async {
    let ticket = nextTicket
    nextTicket += 1
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard !Task.isCancelled, inFlight[key] != nil else { return continuation.resume() }
        inFlight[key]?.append((ticket, continuation))
      }
    } onCancel: {
      Task { await self.withdraw(ticket, from: key) }
    }
  }

  private func withdraw(_ ticket: UInt64, from key: ContentDigest) {
    guard let index = inFlight[key]?.firstIndex(where: { $0.ticket == ticket }) else { return }
    inFlight[key]?.remove(at: index).continuation.resume()
  }
}
