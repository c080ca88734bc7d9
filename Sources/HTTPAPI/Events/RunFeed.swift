import LinuxSystem
import NIOCore
import StateStore

/// What happens in one run of this server, as those who watch it are sent it: made once, and the same bytes for all of them. Holds the
/// latest; who is slower reads the journal. Never waits for anybody.
package final class RunFeed: Sendable {
  /// What a watcher has seen.
  package struct Position: Sendable {
    /// Of the journal.
    package var sequence: Int
    /// Of the pieces here; nil: none yet.
    fileprivate var piece: Int?
    package init(after sequence: Int) { self.sequence = sequence }
  }

  package enum Change: Sendable {
    case news
    case tick
  }

  package enum Next: Sendable {
    case pieces([ByteBuffer])
    /// What comes next is in the journal alone, up to this number.
    case journal(upTo: Int)
    case wait
    /// There is no more.
    case end
  }

  package struct Limits: Sendable {
    /// Bytes that are held.
    package var bytes = 1 << 20
    /// Bytes that a watcher is given at one time.
    package var portion = 256 << 10
    package init() {}
  }

  private struct Piece: Sendable {
    /// Numbers of the journal; nil: it isn't kept there.
    var range: ClosedRange<Int>?
    var bytes: ByteBuffer
  }

  private struct State: Sendable {
    var pieces: [Piece] = []
    /// The number of the first piece.
    var first = 0
    var bytes = 0
    /// The last record that is in a piece, or was.
    var last: Int
    var isEnded = false
    var watchers: [Int: AsyncStream<Change>.Continuation] = [:]
    var nextWatcher = 0
  }

  private let state: Lock<State>
  private let limits: Limits

  /// - Parameter sequence: the last record that there is already.
  package init(after sequence: Int, limits: Limits = Limits()) {
    state = Lock(State(last: sequence))
    self.limits = limits
  }

  /// Records, which are in the journal.
  package func publish(_ entries: [JournalEntry]) {
    guard let first = entries.first?.sequence, let last = entries.last?.sequence else { return }
    add(Piece(range: first...last, bytes: EventText.buffer(of: entries)))
  }

  /// What isn't kept.
  package func publish(transient bytes: ByteBuffer) { add(Piece(range: nil, bytes: bytes)) }

  private func add(_ piece: Piece) {
    let watchers = state.withLock { state in
      state.pieces.append(piece)
      state.bytes += piece.bytes.readableBytes
      if let range = piece.range { state.last = range.upperBound }
      var dropped = 0
      // The last one stays however large it is.
      while state.bytes > limits.bytes, dropped < state.pieces.count - 1 {
        state.bytes -= state.pieces[dropped].bytes.readableBytes
        dropped += 1
      }
      if dropped > 0 {
        state.pieces.removeFirst(dropped)
        state.first += dropped
      }
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher.yield(.news) }
  }

  /// Nothing comes any more.
  package func end() {
    let watchers = state.withLock { state in
      state.isEnded = true
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher.yield(.news) }
  }

  /// Everybody who has nothing to send is to say that they live.
  package func tick() {
    for watcher in state.withLock({ Array($0.watchers.values) }) { watcher.yield(.tick) }
  }

  /// - Parameter wantsTransient: also what isn't kept; of that a slow watcher misses some.
  package func next(_ position: inout Position, wantsTransient: Bool) -> Next {
    state.withLock { state in
      let end = state.first + state.pieces.count
      var index = max(position.piece ?? state.first, state.first) - state.first
      // Begins, or has fallen behind.
      let isBehind = (position.piece ?? -1) < state.first
      if isBehind {
        // What lies before the first piece that is held is in the journal.
        let before = state.pieces.first { $0.range != nil }?.range.map { $0.lowerBound - 1 } ?? state.last
        if position.sequence < before { return .journal(upTo: before) }
      }
      var chosen: [ByteBuffer] = []
      var bytes = 0
      while index < state.pieces.count, bytes < limits.portion {
        let piece = state.pieces[index]
        if let range = piece.range {
          if range.upperBound > position.sequence {
            guard range.lowerBound == position.sequence + 1 else {
              // The watcher has seen a part of it.
              if chosen.isEmpty {
                position.piece = state.first + index
                return .journal(upTo: range.upperBound)
              }
              break
            }
            chosen.append(piece.bytes)
            bytes += piece.bytes.readableBytes
            position.sequence = range.upperBound
          }
        } else if wantsTransient {
          chosen.append(piece.bytes)
          bytes += piece.bytes.readableBytes
        }
        index += 1
      }
      position.piece = state.first + index
      if !chosen.isEmpty { return .pieces(chosen) }
      return state.isEnded && state.first + index >= end ? .end : .wait
    }
  }

  /// Yields when there may be something new. The latest word is kept for who isn't listening at the moment.
  package func watch() -> (changes: AsyncStream<Change>, stop: @Sendable () -> Void) {
    let (changes, continuation) = AsyncStream.makeStream(of: Change.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      defer { state.nextWatcher += 1 }
      state.watchers[state.nextWatcher] = continuation
      return state.nextWatcher
    }
    return (changes, { [self] in state.withLock { $0.watchers[number] = nil } })
  }

  /// How long a watcher that was sent something is left alone. Where many watch, each is sent more at one time and less often: to wake them
  /// all for every record would take the processors from the run. Nothing for a few, 50 ms for a thousand and more.
  package var pause: Duration {
    let count = watcherCount
    return count < Self.fewWatchers ? .zero : .milliseconds(min(count / Self.fewWatchers, Self.longestPause))
  }

  private static let fewWatchers = 20
  private static let longestPause = 50

  package var watcherCount: Int { state.withLock { $0.watchers.count } }
}
