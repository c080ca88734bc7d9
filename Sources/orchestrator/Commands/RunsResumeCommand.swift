import ArgumentParser
import LinuxSystem
import PluginModel
import StateStore

/// `orchestrator runs resume`
struct RunsResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Goes on with a run that was cut off, or failed.",
    discussion: """
      With the workflow, the inputs and the options that it began with; what has succeeded isn't run again. A run that \
      was cut off goes on where it was; one that had ended tries anew what didn't succeed.
      """)

  @OptionGroup var chosen: RunArgument
  @OptionGroup var state: StateOptions
  @Option(help: ArgumentHelp("How many nodes run at the same time. Default: as before.", valueName: "number"))
  var jobs: Int?

  func validate() throws {
    if let jobs, jobs < 1 || jobs > 1024 { throw ValidationError("--jobs must be from 1 to 1024.") }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    let state = try bootstrap.state(self.state)
    let (_, run) = try await bootstrap.chosenRun(chosen.run, self.state)
    let settings = try RunSettings(of: run)
    let resolved = ProcessEnvironment.resolve(state) ?? state
    do throws(SystemError) {
      try ProcessEnvironment.changeDirectory(settings.directory)
    } catch {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) can't be gone on with",
        why: "the directory that it was started in can't be entered: \(error.description)", hint: "make it again")
    }
    var command = try RunCommand.parse(settings.arguments)
    command.options.state.stateDir = resolved
    if let jobs { command.jobs = jobs }
    try await command.perform(arguments: settings.arguments, resuming: run, bootstrap)
  }
}
