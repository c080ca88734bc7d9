import PluginModel

/// Writes a run's records and tells its events: what happens while one batch is being written is the next batch, so that many nodes
/// that end at one time cost one wait for the disk (group commit). Nobody is told of anything that isn't kept yet.
actor JournalPump {
  private struct Item: Sendable {
    var event: RunEvent?
    var record: JournalRecord?
  }

  private let journal: (any RunJournal)?
  private let observe: @Sendable (RunEvent) -> Void
  /// Told once, of the first batch that can't be kept.
  private let onFailure: @Sendable (StateFailure) -> Void
  private let items: AsyncStream<Item>
  private let sender: AsyncStream<Item>.Continuation

  private var pending: [Item] = []
  private var isWriting = false
  private(set) var failure: StateFailure?

  /// - Parameter journal: nil: nothing is kept.
  init(
    _ journal: (any RunJournal)?, observe: @escaping @Sendable (RunEvent) -> Void,
    onFailure: @escaping @Sendable (StateFailure) -> Void
  ) {
    self.journal = journal
    self.observe = observe
    self.onFailure = onFailure
    (items, sender) = AsyncStream.makeStream()
  }

  /// From any thread, in the order of the calls; never waits. The event is told once the record, and everything added before, is kept.
  nonisolated func add(_ event: RunEvent?, record: JournalRecord? = nil) {
    sender.yield(Item(event: event, record: record))
  }

  /// What was added before is still written and told.
  nonisolated func close() { sender.finish() }

  /// Writes and tells what is added, until ``close()``.
  func run() async {
    await withDiscardingTaskGroup { group in
      for await item in items {
        pending.append(item)
        guard !isWriting else { continue }
        isWriting = true
        group.addTask { await self.writePending() }
      }
    }
  }

  private func writePending() async {
    while !pending.isEmpty {
      let batch = pending
      pending = []
      let records = batch.compactMap(\.record)
      if let journal, !records.isEmpty, failure == nil {
        do throws(StateFailure) {
          try await journal.append(records)
        } catch {
          failure = error
          onFailure(error)
        }
      }
      for case let event? in batch.map(\.event) { observe(event) }
    }
    isWriting = false
  }
}
