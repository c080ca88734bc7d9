/// When a plugin that is being worked on is read again, and what is done with it: a state machine without a clock. What happens is
/// told to it with the time, and it says what is to be done.
///
/// The first change after a quiet time is taken up at once, but for a moment in which an editor finishes what it began. Two reloads
/// lie at least the interval apart. A version that can't be loaded changes nothing: the one before stays. A run goes on with the version
/// that it began with, and there is one at a time: of the versions that come meanwhile, the last is run when it ends.
package struct HotReload: Sendable {
  /// Counts from 1.
  package typealias Version = Int

  package enum Event: Hashable, Sendable {
    /// Something of the plugin was changed.
    case changed
    /// The time has come that ``Action/wake(at:)`` named, or another.
    case timer
    /// The version can be used.
    case loaded
    /// It is what the current one is.
    case unchanged
    /// Something is wrong with it.
    case broken
    /// The run has ended.
    case runEnded
  }

  package enum Action: Hashable, Sendable {
    /// Since the machine's beginning. Counts in place of the time that was named before.
    case wake(at: Duration)
    /// Copy the plugin as it is now, under this number, and load it.
    case load(Version)
    /// Run with it what is to be run.
    case run(Version)
    /// Nobody needs its copy any more.
    case remove(Version)
  }

  package struct Settings: Hashable, Sendable {
    /// Between two reloads at least.
    package var interval: Duration
    /// Without a further change, before a change is taken up.
    package var settling: Duration
    /// Changes that never pause are taken up after this.
    package var longestSettling: Duration
    /// Whether something is to be run with each version.
    package var runs: Bool

    package init(
      interval: Duration = .seconds(1), settling: Duration = .milliseconds(30),
      longestSettling: Duration = .milliseconds(300), runs: Bool = false
    ) {
      self.interval = interval
      self.settling = settling
      self.longestSettling = longestSettling
      self.runs = runs
    }
  }

  private let settings: Settings
  /// Of the changes that no version has yet: the first and the last.
  private var pending: (first: Duration, last: Duration)?
  private var lastStart: Duration?
  private var loading: Version?
  private var running: Version?
  private var next: Version = 1
  /// The version in use: the last that could be loaded.
  package private(set) var current: Version?
  /// The current version was not yet run.
  private var isRunDue = false

  package init(_ settings: Settings) { self.settings = settings }

  /// The first version is loaded at once.
  package mutating func start(at now: Duration) -> [Action] { load(at: now) }

  /// - Parameter now: since the machine's beginning; never less than before.
  package mutating func handle(_ event: Event, at now: Duration) -> [Action] {
    switch event {
    case .changed:
      pending = (pending?.first ?? now, now)
      return wake()
    case .timer:
      guard loading == nil, let due else { return [] }
      // A timer may fire a little early, or for a time that no longer counts.
      return due <= now ? load(at: now) : [.wake(at: due)]
    case .loaded: return take(isUsable: true) + wake()
    case .unchanged, .broken: return take(isUsable: false) + wake()
    case .runEnded:
      guard let ended = running else { return [] }
      running = nil
      return (ended == current ? [] : [.remove(ended)]) + run()
    }
  }

  /// When what is pending is to be taken up; nil: nothing is.
  private var due: Duration? {
    guard let pending else { return nil }
    let settled = min(pending.last + settings.settling, pending.first + settings.longestSettling)
    return lastStart.map { max(settled, $0 + settings.interval) } ?? settled
  }

  private func wake() -> [Action] {
    guard loading == nil, let due else { return [] }
    return [.wake(at: due)]
  }

  private mutating func load(at now: Duration) -> [Action] {
    pending = nil
    lastStart = now
    loading = next
    next += 1
    return loading.map { [.load($0)] } ?? []
  }

  private mutating func take(isUsable: Bool) -> [Action] {
    guard let version = loading else { return [] }
    loading = nil
    guard isUsable else { return [.remove(version)] }
    let before = current
    current = version
    isRunDue = settings.runs
    let isFree = before != running
    return (before.map { isFree ? [.remove($0)] : [] } ?? []) + run()
  }

  private mutating func run() -> [Action] {
    guard isRunDue, running == nil, let current else { return [] }
    isRunDue = false
    running = current
    return [.run(current)]
  }
}
