import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin dev`
struct PluginDevCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev", abstract: "Reads a plugin again whenever it changes.",
    discussion: """
      Watches the plugin's directory. After each change the plugin is read and asked for its node types, in a fresh \
      sandbox in which nothing is granted, and either ready or its error is shown; while it is broken, the last version \
      that worked stays. With --run, a workflow is run with each version that is ready. A run that is under way ends with \
      the version that it began with, of which there is a copy; then the last version is run.

      Example:
        orchestrator plugin dev plugins/greeter --run hello.yaml -- --input 'names=["Ada"]'
      """)

  @OptionGroup var plugin: PluginDirectoryOptions
  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("Options of orchestrator run, for --run: --grant, --input and others.", valueName: "run options")
  )
  var arguments: [String] = []
  @Option(name: .customLong("run"), help: ArgumentHelp("A workflow to run with each version.", valueName: "workflow"))
  var workflow: String?
  @Option(
    help: ArgumentHelp(
      "Seconds between two reloads at least; the first change after a quiet time is taken up at once.",
      discussion: "Default: watch_interval of plugin_system.yaml, or \(DevelopmentSettings.usualInterval).",
      valueName: "seconds"))
  var interval: Double?
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions

  func validate() throws {
    if let interval, !(0.01...86_400).contains(interval) {
      throw ValidationError("--interval must be from 0.01 to 86400 seconds.")
    }
    if workflow == nil, !arguments.isEmpty { throw ValidationError("what follows -- is for --run, which isn't given.") }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system)
    if let setting = system.development.hotReload, !setting.value {
      throw CommandFailure(
        .invalidInput,
        [
          Diagnostic(
            "plugins may not be reloaded on this host", why: "plugin_system.yaml says hot_reload: false",
            hint: "name another file with --config, or have the operator allow it", at: setting.location)
        ])
    }
    try await DevelopmentSession(command: self, system: system, bootstrap).run()
  }
}
