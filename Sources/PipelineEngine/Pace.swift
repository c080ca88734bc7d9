/// How often something is written to a disk, at most.
struct Pace {
  private let clock: (any RunClock)?
  private let interval: Int64
  private var last: Int64?
  private var pause: Task<Void, Never>?
  private var isOver = false

  /// - Parameters:
  ///   - clock: nil: as often as there is something.
  ///   - interval: milliseconds from one beginning to the next.
  init(_ clock: (any RunClock)?, interval: Int64) {
    self.clock = clock
    self.interval = interval
  }

  /// - Returns: what is to be waited for first; nil: nothing.
  mutating func next() -> Task<Void, Never>? {
    guard let clock, !isOver else { return nil }
    let now = clock.now()
    let start = max(now, last.map { $0 + interval } ?? now)
    last = start
    pause = start == now ? nil : Task { try? await clock.sleep(milliseconds: start - now) }
    return pause
  }

  /// Somebody waits: the pause ends now, and with `forGood` there is no other.
  mutating func hurry(forGood: Bool = false) {
    if forGood { isOver = true }
    pause?.cancel()
  }
}
