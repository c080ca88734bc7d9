import LinuxSystem
import PluginModel
import PluginRegistry

/// Which directories the program uses. Pure, so that every rule can be tested: what it depends on is passed in.
struct Places: Sendable {
  var user: UInt32
  var home: String?
  var stateHome: String?

  /// Those of this process.
  static func current() -> Places {
    Places(
      user: ProcessEnvironment.effectiveUser, home: ProcessEnvironment.variable("HOME"),
      stateHome: ProcessEnvironment.variable("XDG_STATE_HOME"))
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

  /// In the order in which they count. Those of an option must exist.
  func plugins(options: [String], bundled: AbsolutePath) -> [SearchDirectory] {
    var places = options.map { SearchDirectory($0, isRequired: true) }
    places.append(SearchDirectory("./plugins"))
    if let home { places.append(SearchDirectory(home + "/.pipeline/plugins")) }
    places.append(SearchDirectory("/usr/share/pipeline/plugins"))
    places.append(SearchDirectory(bundled.text))
    return places
  }
}
