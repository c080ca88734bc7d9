import PluginModel

/// Where what happens in a run is written down.
package protocol RunJournal: Sendable {
  /// All of them or none, after everything that was appended before. Returns when they survive the end of this process and of the
  /// machine.
  func append(_ records: [JournalRecord]) async throws(StateFailure)
}

/// Where the results of nodes are put, so that they survive this process.
package protocol ResultStore: Sendable {
  /// Returns when they survive the end of this process and of the machine.
  func keep(_ outputs: [(port: PortName, values: [NodeValue])]) async throws(StateFailure) -> [StoredResult.Output]
}

/// Why what a run needs to be kept wasn't.
package struct StateFailure: Error, Hashable, Sendable {
  /// One sentence: what failed.
  package var message: String
  package var cause: String
  package var hint: String?

  package init(_ message: String, cause: String, hint: String? = nil) {
    self.message = message
    self.cause = cause
    self.hint = hint
  }
}

/// The time of day, for what is read by others later.
package protocol WallClock: Sendable {
  /// Milliseconds since 1970-01-01T00:00Z.
  func now() -> Int64
}

/// What keeps a run. Nil in ``RunExecution`` for one that nobody will ask for again.
package struct RunKeeping: Sendable {
  package var journal: any RunJournal
  package var results: any ResultStore
  package var clock: any WallClock
  /// Nil: every node runs.
  package var cache: ResultCache?

  package init(
    journal: any RunJournal, results: any ResultStore, clock: any WallClock, cache: ResultCache? = nil
  ) {
    self.journal = journal
    self.results = results
    self.clock = clock
    self.cache = cache
  }
}
