import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin test`
struct PluginTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Runs a plugin's own tests, with fixtures for them.",
    discussion: """
      Starts pytest in the plugin's directory, with the fixtures of pipeline.testing: test_plugin, plugin_context, \
      execution_context and run_node. pytest and the tests are the author's own programs: they run with your rights, and \
      in no sandbox. With --sandboxed, the nodes that the tests execute run in the plugin's own sandbox, which is granted \
      what you granted it and --grant adds; the rest of the tests still doesn't.

      Exit status: 0 all passed, 1 some failed, 2 there are none or they can't be run, 3 the sandbox is not available.

      Example:
        orchestrator plugin test plugins/greeter --sandboxed -- -k greet -x
      """)

  @OptionGroup var plugin: PluginDirectoryOptions
  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp(
      "Options for pytest, and paths of tests relative to the plugin's directory.", valueName: "pytest"))
  var arguments: [String] = []
  @Flag(help: "Execute nodes in the plugin's sandbox.") var sandboxed = false
  @OptionGroup var grants: GrantOptions
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let found = try await bootstrap.plugin(in: plugin.directory)
    var tests = AuthorTests(
      plugin: found, arguments: arguments, python: sandbox.python, sdk: bootstrap.installation.sdk)
    tests.packages = try await Interruption.of { [program = tests.program] () async throws(CommandFailure) in
      try await packages(of: found, for: program, bootstrap)
    }
    if sandboxed {
      try await SandboxedTests(command: self, tests: tests, bootstrap: bootstrap).run()
    } else {
      try await tests.run(telling: .object([]))
    }
  }

  /// What the plugin depends on, for the Python that runs the tests. Where it can't be had, that Python may have it.
  private func packages(
    of plugin: DiscoveredPlugin, for program: String, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> AbsolutePath? {
    var options = sandbox
    options.python = await bootstrap.files.run { HostProgram.python(program)?.text }
    do throws(CommandFailure) {
      guard try await bootstrap.pythonRequirements(of: plugin) != nil else { return nil }
      guard options.python != nil else {
        throw CommandFailure(
          .invalidInput, "the tests don't get the packages that \(plugin.manifest.name) depends on",
          why: "\(program) is no program, or a script that chooses one: for which Python isn't known",
          hint: "name the program: --python \"$(\(program) -c 'import sys; print(sys.executable)')\"")
      }
      let environments = await bootstrap.environments(
        options, try await bootstrap.systemConfiguration(system, policy), state: try bootstrap.state(state),
        for: try await bootstrap.interpreter(options))
      return try await environments.environment(for: plugin)?.directory
    } catch {
      guard error.status != .interrupted else { throw error }
      await bootstrap.report(error.diagnostics.map(\.asWarning))
      return nil
    }
  }
}
