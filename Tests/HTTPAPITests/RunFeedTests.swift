import NIOCore
import StateStore
import Testing

@testable import HTTPAPI

@Suite("What happens in a run, for those who watch")
struct RunFeedTests {
  /// Numbers that follow from a seed: splitmix64.
  private struct Chance: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  private func entry(_ sequence: Int) -> JournalEntry {
    JournalEntry(sequence: sequence, time: 0, kind: .started, node: "n", body: #"{"attempt":1}"#)
  }

  private func numbers(_ buffer: ByteBuffer) -> [Int] {
    String(buffer: buffer).split(separator: "\n").compactMap { $0.hasPrefix("id: ") ? Int($0.dropFirst(4)) : nil }
  }

  @Test("however slow a watcher is and wherever it begins, it sees every record once and in order", arguments: 0..<200)
  func once(seed: Int) {
    var chance = Chance(state: UInt64(seed))
    var limits = RunFeed.Limits()
    limits.bytes = Int.random(in: 100...2000, using: &chance)
    limits.portion = Int.random(in: 1...1000, using: &chance)
    let before = Int.random(in: 0...20, using: &chance)
    let feed = RunFeed(after: before, limits: limits)
    var last = before
    let begin = Int.random(in: 0...before, using: &chance)
    var position = RunFeed.Position(after: begin)
    let wantsTransient = Bool.random(using: &chance)
    var seen: [Int] = []
    func read() -> Bool {
      switch feed.next(&position, wantsTransient: wantsTransient) {
      case .pieces(let pieces): seen += pieces.flatMap(numbers)
      case .journal(let upTo):
        // It is in the journal before it is told of, and so may be what follows.
        #expect(upTo <= last && upTo > position.sequence)
        seen += Array((position.sequence + 1)...upTo)
        position.sequence = upTo
      case .wait, .end: return false
      }
      return true
    }
    for _ in 0..<60 {
      switch Int.random(in: 0..<4, using: &chance) {
      case 0, 1:
        let count = Int.random(in: 1...5, using: &chance)
        feed.publish((1...count).map { entry(last + $0) })
        last += count
      case 2: feed.publish(transient: ByteBuffer(string: "event: log\ndata: {}\n\n"))
      default: for _ in 0..<Int.random(in: 0...3, using: &chance) { _ = read() }
      }
    }
    feed.end()
    while read() {}
    guard case .end = feed.next(&position, wantsTransient: wantsTransient) else {
      Issue.record("it doesn't end")
      return
    }
    #expect(seen == (begin < last ? Array((begin + 1)...last) : []))
  }

  @Test("who comes in the middle of what was told together sees the rest of it and nothing twice", arguments: 0...5)
  func middle(seen: Int) {
    let feed = RunFeed(after: 0)
    feed.publish((1...5).map { entry($0) })
    feed.end()
    var position = RunFeed.Position(after: seen)
    var told: [Int] = []
    reading: while true {
      switch feed.next(&position, wantsTransient: false) {
      case .pieces(let pieces): told += pieces.flatMap(numbers)
      case .journal(let upTo):
        told += Array((position.sequence + 1)...upTo)
        position.sequence = upTo
      case .wait, .end: break reading
      }
    }
    #expect(told == Array(1...5).filter { $0 > seen })
  }

  @Test("a few who watch are told at once; of many each is told more at one time, and never later than is noticed")
  func pauses() {
    let feed = RunFeed(after: 0)
    var stops: [@Sendable () -> Void] = []
    var pauses: [Duration] = []
    for _ in 0..<2000 {
      stops.append(feed.watch().stop)
      pauses.append(feed.pause)
    }
    #expect(pauses[..<19].allSatisfy { $0 == .zero })
    #expect(pauses == pauses.sorted() && pauses[999] == .milliseconds(50) && pauses[1999] == .milliseconds(50))
    for stop in stops { stop() }
    #expect(feed.pause == .zero)
  }

  @Test("what is held has a bound, and a watcher who goes is forgotten")
  func bounds() async {
    let feed = RunFeed(after: 0)
    let (changes, stop) = feed.watch()
    for number in 1...100_000 { feed.publish([entry(number)]) }
    var position = RunFeed.Position(after: 0)
    guard case .journal(let upTo) = feed.next(&position, wantsTransient: false) else {
      Issue.record("all of it is held")
      return
    }
    #expect(upTo > 80_000)
    // Of a hundred thousand words one is kept.
    var iterator = changes.makeAsyncIterator()
    #expect(await iterator.next() == .news)
    #expect(feed.watcherCount == 1)
    stop()
    #expect(feed.watcherCount == 0)
  }
}
