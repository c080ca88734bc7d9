import ArgumentParser

/// `orchestrator runs`
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "Shows runs, ends them, and goes on with those that were cut off.",
    subcommands: [
      RunsListCommand.self, RunsShowCommand.self, RunsLogsCommand.self, RunsCancelCommand.self, RunsResumeCommand.self,
      RunsWhyWaitingCommand.self, RunsRemoveCommand.self,
    ])
}
