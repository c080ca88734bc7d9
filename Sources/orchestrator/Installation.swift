import LinuxSystem
import PluginModel

/// Where the program's own files lie: installed beside the executable, or in the source checkout it was built from.
struct Installation: Sendable {
  /// pid 1 of every sandbox.
  var sandboxInit: AbsolutePath
  /// The directory that holds the Python package `pipeline`.
  var sdk: AbsolutePath
  var plugins: AbsolutePath
  var profiles: AbsolutePath
  /// What `plugin new` copies.
  var templates: AbsolutePath
  /// Plugins that the program uses itself, and that no workflow sees.
  var services: AbsolutePath

  /// All of them.
  var paths: [AbsolutePath] { [sandboxInit, sdk, plugins, profiles, templates, services] }

  /// Looks for `<bin>/../libexec/orchestrator` and `<bin>/../share/orchestrator`, then upwards for a checkout.
  static func find() throws(Diagnostic) -> Installation {
    guard let executable = ProcessEnvironment.executable.flatMap({ AbsolutePath($0) }), let bin = executable.parent
    else { throw Diagnostic("the program can't find its own executable", hint: "mount /proc") }
    if let prefix = bin.parent, let found = installed(prefix) { return found }
    if let found = checkout(above: bin) { return found }
    throw Diagnostic(
      "the files that belong to \(executable) are missing",
      why: "neither ../share/orchestrator nor a source checkout lies above it",
      hint: "install the program again, or run it from its build directory")
  }

  private static func installed(_ prefix: AbsolutePath) -> Installation? {
    guard let sandboxInit = existing(prefix, "libexec/orchestrator/sandbox-init"),
      let share = existing(prefix, "share/orchestrator"), let sdk = existing(share, "python"),
      let plugins = existing(share, "plugins"), let profiles = existing(share, "profiles"),
      let templates = existing(share, "templates"), let services = existing(share, "services")
    else { return nil }
    return Installation(
      sandboxInit: sandboxInit, sdk: sdk, plugins: plugins, profiles: profiles, templates: templates,
      services: services)
  }

  private static func checkout(above bin: AbsolutePath) -> Installation? {
    guard let sandboxInit = existing(bin, "sandbox-init") else { return nil }
    var directory = bin.parent
    while let candidate = directory {
      if existing(candidate, "Package.swift") != nil, let sources = existing(candidate, "Sources"),
        let sdk = existing(sources, "PythonSDK"), let plugins = existing(sources, "Plugins"),
        let profiles = existing(candidate, "profiles"), let templates = existing(sdk, "templates"),
        let services = existing(sdk, "services")
      {
        return Installation(
          sandboxInit: sandboxInit, sdk: sdk, plugins: plugins, profiles: profiles, templates: templates,
          services: services)
      }
      directory = candidate.parent
    }
    return nil
  }

  private static func existing(_ directory: AbsolutePath, _ relative: String) -> AbsolutePath? {
    directory.appending(relative).flatMap { ProcessEnvironment.resolve($0.text) }.flatMap { AbsolutePath($0) }
  }
}
