import Hummingbird
import NIOCore
import StateStore

/// Where the events of runs come from.
package protocol RunEventSource: Sendable {
  /// In their order.
  func entries(of run: String, after sequence: Int, limit: Int) async throws -> [JournalEntry]
  /// Of a run that this server carries out now.
  func feed(of run: String) async -> RunFeed?
  /// Nobody carries the run out.
  func hasEnded(_ run: String) async throws -> Bool
}

/// Sends one watcher what happens in a run: everything that is in its journal, once and in its order, and then what comes.
package struct RunEventStream: Sendable {
  /// Records that are read at one time.
  private static let page = 500
  /// Between two looks at the journal of a run that another process carries out.
  private static let interval: Duration = .milliseconds(500)

  let source: any RunEventSource
  let run: String
  let after: Int
  let wantsTransient: Bool
  /// The server ends.
  let isEnding: @Sendable () -> Bool

  package init(
    source: any RunEventSource, run: String, after: Int, wantsTransient: Bool, isEnding: @escaping @Sendable () -> Bool
  ) {
    self.source = source
    self.run = run
    self.after = after
    self.wantsTransient = wantsTransient
    self.isEnding = isEnding
  }

  /// Until the run has ended and all of it was sent, or the watcher is gone.
  package func write(to writer: inout any ResponseBodyWriter) async throws {
    var position = RunFeed.Position(after: after)
    // Nobody has to wait for the first event to know that they are heard.
    try await writer.write(EventText.keepAlive)
    while !isEnding() {
      if let feed = await source.feed(of: run) {
        try await follow(feed, &position, &writer)
        // It may go on at once under another feed.
        if await source.feed(of: run) === feed { return }
        continue
      }
      // Asked before the journal is read: what a run that has ended did is all there then.
      let hasEnded = try await source.hasEnded(run)
      if try await writeJournal(&position, upTo: nil, &writer) { continue }
      guard !hasEnded else { return }
      try await Task.sleep(for: Self.interval)
    }
  }

  /// - Returns: when there is no more of it.
  private func follow(
    _ feed: RunFeed, _ position: inout RunFeed.Position, _ writer: inout any ResponseBodyWriter
  ) async throws {
    let (changes, stop) = feed.watch()
    defer { stop() }
    var iterator = changes.makeAsyncIterator()
    var isQuiet = false
    while !isEnding() {
      switch feed.next(&position, wantsTransient: wantsTransient) {
      case .pieces(let pieces):
        try await writer.write(pieces.joined)
        let pause = feed.pause
        if pause > .zero { try await Task.sleep(for: pause) }
      case .journal(let last):
        // The run was removed meanwhile.
        guard try await writeJournal(&position, upTo: last, &writer) else { return }
      case .wait:
        if isQuiet { try await writer.write(EventText.keepAlive) }
        isQuiet = await iterator.next() == .tick
        guard !Task.isCancelled else { throw CancellationError() }
      case .end: return
      }
    }
  }

  /// - Parameter last: the last record that is wanted; nil: all that there are.
  /// - Returns: whether there were any.
  @discardableResult
  private func writeJournal(
    _ position: inout RunFeed.Position, upTo last: Int?, _ writer: inout any ResponseBodyWriter
  ) async throws -> Bool {
    var hasWritten = false
    while last.map({ position.sequence < $0 }) ?? true {
      let wanted = last.map { min($0 - position.sequence, Self.page) } ?? Self.page
      let entries = try await source.entries(of: run, after: position.sequence, limit: wanted)
      guard let end = entries.last?.sequence else { return hasWritten }
      try await writer.write(EventText.buffer(of: entries))
      position.sequence = end
      hasWritten = true
    }
    return hasWritten
  }
}

extension [ByteBuffer] {
  /// One after the other: each write is a call of the kernel's.
  fileprivate var joined: ByteBuffer {
    guard count != 1, var whole = first else { return first ?? ByteBuffer() }
    for piece in dropFirst() { whole.writeImmutableBuffer(piece) }
    return whole
  }
}
