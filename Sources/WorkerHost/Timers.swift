/// The timers of one worker's session: when each is due, and for how long whoever sleeps for all of them may sleep. Starting and stopping
/// one is a note; only what is due before the sleeper wakes needs another sleeper.
struct Timers {
  typealias Timer = Worker.Session.Timer

  /// Since these were made.
  private let elapsed: @Sendable () -> Duration
  private var due: [Timer: Duration] = [:]
  private var wakes: Duration?
  /// Who sleeps until the first is due; cancelled when another is put in its place.
  var sleeper: Task<Void, Never>? {
    willSet { sleeper?.cancel() }
  }

  init(_ clock: any Clock<Duration>) { elapsed = clock.stopwatch() }

  /// In place of one that runs already.
  mutating func start(_ timer: Timer, _ duration: Duration) { due[timer] = elapsed() + duration }

  mutating func stop(_ timer: Timer) { due[timer] = nil }

  /// How long a new sleeper is to sleep; nil: none is needed, nothing is due or the one that sleeps wakes early enough.
  mutating func pause() -> Duration? {
    guard let first = due.values.min(), wakes.map({ first < $0 }) ?? true else { return nil }
    wakes = first
    return max(first - elapsed(), .zero)
  }

  /// The sleeper has woken by itself.
  mutating func hasWoken() { wakes = nil }

  /// A timer that is due now, which is stopped: the one that has been due for longest.
  mutating func nextDue() -> Timer? {
    guard let (timer, time) = due.min(by: { $0.value < $1.value }), time <= elapsed() else { return nil }
    due[timer] = nil
    return timer
  }
}

extension Clock where Duration == Swift.Duration {
  /// What has passed since the call.
  func stopwatch() -> @Sendable () -> Duration {
    let start = now
    return { start.duration(to: now) }
  }
}
