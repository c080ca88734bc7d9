import ArgumentParser
@main struct Orchestrator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "orchestrator", abstract: "Runs pipelines whose nodes are other people's plugins, each in its own kernel sandbox.")
}
