import LinuxSystem
import PluginModel
import PluginRegistry

/// Which directories the program uses. Pure, so that every rule can be tested: what it depends on is passed in.
struct Places: Sendable {
  var user: UInt32
  var home: String?
  var stateHome: String?
  var runtimeDirectory: String?

  /// The operator's decisions, where `--config` names no other file. Not in a user's own directories or in the current
  /// one: it grants permissions, and is no part of what is run.
  static let systemConfiguration = "/etc/orchestrator/plugin_system.yaml"

  /// The operator's own security profiles, after those that plugin_system.yaml names.
  static let profiles = "/etc/orchestrator/profiles"

  /// Those of this process.
  static func current() -> Places {
    Places(
      user: ProcessEnvironment.effectiveUser, home: ProcessEnvironment.variable("HOME"),
      stateHome: ProcessEnvironment.variable("XDG_STATE_HOME"),
      runtimeDirectory: ProcessEnvironment.variable("XDG_RUNTIME_DIR"))
  }

  /// Runs, stored specifications: `--state-dir`, root's /var/lib/orchestrator, or the user's state directory (XDG base
  /// directory specification: a relative path is to be ignored).
  func state(option: String?) throws(Diagnostic) -> String {
    if let option { return option }
    if user == 0 { return "/var/lib/orchestrator" }
    if let stateHome, stateHome.utf8.first == 0x2F { return stateHome + "/orchestrator" }
    if let home { return home + "/.local/state/orchestrator" }
    throw Diagnostic(
      "there is no place for the program's state", why: "neither HOME nor XDG_STATE_HOME is set",
      hint: "name a directory with --state-dir")
  }

  /// Where supervisors of this host and user tell each other which devices they have. Not in the state directory, of which each may
  /// have its own: root's /run, or the user's runtime directory (XDG base directory specification), or one in /tmp where there is none.
  var deviceLeases: String {
    if user == 0 { return "/run/orchestrator/devices" }
    if let runtimeDirectory, runtimeDirectory.utf8.first == 0x2F { return runtimeDirectory + "/orchestrator/devices" }
    return "/tmp/orchestrator-\(user)/devices"
  }

  /// In the order in which they count. Those of an option must exist.
  /// - Parameter configured: what plugin_system.yaml names in place of the usual ones.
  func plugins(options: [String], configured: [String]?) -> [SearchDirectory] {
    var places = options.map { SearchDirectory($0, isRequired: true) }
    for directory in configured ?? SystemConfiguration.usualDirectories {
      guard directory.hasPrefix("~/") else {
        places.append(SearchDirectory(directory))
        continue
      }
      if let home { places.append(SearchDirectory(home + directory.dropFirst())) }
    }
    return places
  }
}
