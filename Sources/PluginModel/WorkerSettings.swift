/// `plugins.workers` of `plugin_system.yaml`: how the workers of a server come and go.
package struct WorkerSettings: Hashable, Sendable {
  /// When workers of a plugin aren't started any more: so many of them in a row have ended by themselves within such a time.
  package struct CrashRule: Hashable, Sendable {
    /// 0: they are always started again.
    package var limit: Int
    package var windowMilliseconds: Int64

    package init(limit: Int = 3, windowMilliseconds: Int64 = 300_000) {
      self.limit = limit
      self.windowMilliseconds = windowMilliseconds
    }
  }

  /// For how long a worker of a server may wait for its next call, before it ends.
  package var idleMilliseconds: Int64 = 300_000
  package var crashes = CrashRule()
  /// How many nodes of a plugin may run at the same time. One that isn't named may have as many as there are places.
  package var concurrency: [PluginName: Int] = [:]

  package init() {}
}

extension WorkerSettings {
  package enum Key: String, CaseIterable {
    case idleTimeout = "idle_timeout"
    case crashLimit = "crash_limit"
    case crashWindow = "crash_window"
    case concurrency
  }

  init(_ section: MappingReader<Key>) {
    self.init()
    if let idle = section.optional(.idleTimeout)?.duration() { idleMilliseconds = idle }
    if let limit = section.optional(.crashLimit)?.integer(in: 0...1000) { crashes.limit = limit }
    if let window = section.optional(.crashWindow)?.duration() { crashes.windowMilliseconds = window }
    concurrency = section.optional(.concurrency)?.counts(named: PluginName.self, in: 1...1024) ?? [:]
  }
}
