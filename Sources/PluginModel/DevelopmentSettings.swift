/// `plugins.development` of `plugin_system.yaml`: what holds for those who work on plugins.
package struct DevelopmentSettings: Hashable, Sendable {
  /// `watch_interval` where the file says nothing, in seconds.
  package static let usualInterval = 1.0

  /// Whether a plugin may be read again while it changes. Nil: nothing is said, and it may.
  package var hotReload: Located<Bool>?
  /// Seconds between two reloads at least. Nil: nothing is said.
  package var watchInterval: Double?
  /// Failures are told with everything that can be known of them: `debug_mode`.
  package var isDebugging = false

  package init(hotReload: Located<Bool>? = nil, watchInterval: Double? = nil) {
    self.hotReload = hotReload
    self.watchInterval = watchInterval
  }

  init(_ section: MappingReader<SystemConfiguration.DevelopmentKey>) {
    hotReload = section.optional(.hotReload).flatMap { item in item.bool().map { Located($0, at: item.location) } }
    watchInterval = section.optional(.watchInterval)?.number(in: 0.01...86_400)
    isDebugging = section.optional(.debugMode)?.bool() ?? false
  }
}
