import PluginModel

/// Which plugins' workers aren't started any more, because they keep ending by themselves: so many in a row, none of which has answered
/// anything in between, within the rule's time. It is over after that time, or when the rule forgets.
///
/// A plugin whose worker answers is well, whatever other nodes made of it: nobody can stop a plugin for others who use it.
package struct CrashRule: Sendable {
  /// The plugin isn't started.
  package struct Stop: Hashable, Sendable {
    package var plugin: PluginName
    package var crashes: Int
    package var windowMilliseconds: Int64
    /// Until it may be started again.
    package var remainingMilliseconds: Int64
  }

  /// Another version of a plugin is another one: it may be what mends it.
  struct Key: Hashable, Sendable {
    var plugin: PluginName
    var digest: String
  }

  private let limit: WorkerSettings.CrashRule
  /// The latest, oldest first, in milliseconds; never more than the limit of one plugin.
  private var crashes: [Key: [Int64]] = [:]

  init(_ limit: WorkerSettings.CrashRule) { self.limit = limit }

  /// - Returns: why none is started from now on, where this crash is what stops it.
  mutating func crashed(_ key: Key, at now: Int64) -> Stop? {
    guard limit.limit > 0 else { return nil }
    let wasStopped = stop(key, at: now) != nil
    crashes = crashes.filter { isRecent($0.value.last, at: now) }
    crashes[key] = (crashes[key, default: []] + [now]).suffix(limit.limit)
    return wasStopped ? nil : stop(key, at: now)
  }

  mutating func answered(_ key: Key) { crashes[key] = nil }

  /// Nil: it may be started.
  func stop(_ key: Key, at now: Int64) -> Stop? {
    guard limit.limit > 0, let times = crashes[key], times.count >= limit.limit, let first = times.first,
      let last = times.last, last - first <= limit.windowMilliseconds, isRecent(last, at: now)
    else { return nil }
    return Stop(
      plugin: key.plugin, crashes: limit.limit, windowMilliseconds: limit.windowMilliseconds,
      remainingMilliseconds: last + limit.windowMilliseconds - now)
  }

  /// Those that aren't started at the moment, by name.
  func stops(at now: Int64) -> [Stop] {
    crashes.keys.compactMap { stop($0, at: now) }.sorted { $0.plugin.text < $1.plugin.text }
  }

  /// Of plugins.
  var count: Int { crashes.count }

  private func isRecent(_ time: Int64?, at now: Int64) -> Bool {
    time.map { now - $0 < limit.windowMilliseconds } ?? false
  }
}

extension WorkerFailure {
  /// The worker ended by itself, or had to be ended for what it did: the plugin's code is to blame, and none of its inputs' sizes.
  var isCrash: Bool {
    switch self {
    case .crashed, .protocolViolation, .loadFailed, .startupTimedOut, .notAcknowledged: true
    case .launchRefused, .outOfMemory, .timedOut, .estimateTimedOut, .estimateRefused, .cancelled, .pluginError,
      .resultsLost, .landing, .notAccepted, .inputsTooLarge, .system, .stopped, .poolClosed:
      false
    }
  }
}
