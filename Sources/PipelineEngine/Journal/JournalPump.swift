import PluginModel

/// Writes a run's records and tells its events: what happens while one batch is being written, and for a moment after, is the next batch,
/// so that many nodes that end at one time cost one wait for the disk (group commit), and nobody is woken for each. Nobody is told of
/// anything that isn't kept yet.
actor JournalPump {
  private enum Item: Sendable {
    // Large, and handed on several times.
    indirect case told(RunEvent?, JournalRecord?)
    /// What was added before is a batch.
    case mark
  }

  /// Milliseconds from the beginning of one batch to that of the next, at least: what may be done again after a crash, and how late an
  /// observer may be told. The end of a run waits for nothing.
  static let interval: Int64 = 20

  private let journal: (any RunJournal)?
  private let observe: @Sendable ([RunEvent]) -> Void
  /// Told once, of the first batch that can't be kept.
  private let onFailure: @Sendable (StateFailure) -> Void
  private let items: AsyncStream<Item>
  private let sender: AsyncStream<Item>.Continuation
  private var pace: Pace
  private(set) var failure: StateFailure?

  /// - Parameter journal: nil: nothing is kept.
  init(
    _ journal: (any RunJournal)?, clock: any RunClock, observe: @escaping @Sendable ([RunEvent]) -> Void,
    onFailure: @escaping @Sendable (StateFailure) -> Void
  ) {
    self.journal = journal
    self.observe = observe
    self.onFailure = onFailure
    pace = Pace(journal == nil ? nil : clock, interval: Self.interval)
    (items, sender) = AsyncStream.makeStream()
  }

  /// From any thread, in the order of the calls; never waits. The event is told once the record, and everything added before, is kept.
  nonisolated func add(_ event: RunEvent?, record: JournalRecord? = nil) {
    sender.yield(.told(event, record))
  }

  /// What was added before is still written and told, at once.
  func close() {
    sender.finish()
    pace.hurry(forGood: true)
  }

  /// Writes and tells what is added, until ``close()``.
  func run() async {
    var iterator = items.makeAsyncIterator()
    while let first = await iterator.next(isolation: self) {
      if let pause = pace.next() { await pause.value }
      var batch = [first]
      sender.yield(.mark)
      reading: while let next = await iterator.next(isolation: self) {
        switch next {
        case .told: batch.append(next)
        case .mark: break reading
        }
      }
      await write(batch)
    }
  }

  private func write(_ batch: [Item]) async {
    var events: [RunEvent] = []
    var records: [JournalRecord] = []
    for case .told(let event, let record) in batch {
      if let event { events.append(event) }
      if let record { records.append(record) }
    }
    if let journal, !records.isEmpty, failure == nil {
      do throws(StateFailure) {
        try await journal.append(records)
      } catch {
        failure = error
        onFailure(error)
      }
    }
    if !events.isEmpty { observe(events) }
  }
}
