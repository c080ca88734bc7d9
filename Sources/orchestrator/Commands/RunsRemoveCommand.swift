import ArgumentParser
import PluginModel
import StateStore

/// `orchestrator runs rm`
struct RunsRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Removes runs with their logs, reports and workspaces.",
    discussion: """
      A workspace that was named with --workspace stays. Results that another run or the cache refers to stay too; the \
      others go with the next: orchestrator cache prune.
      """)

  @Argument(help: ArgumentHelp("Identifiers, or the beginnings of some.", valueName: "run")) var runs: [String]
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    var removed: [String] = []
    guard let store = try await bootstrap.runStore(state) else { throw RunChoice.none(in: try bootstrap.state(state)) }
    for name in runs {
      let run = try await store.chosen(name)
      // Held until it is gone: nobody begins to go on with it meanwhile.
      let lock = try await store.lock(run.identifier)
      try await store.remove([run.identifier], workspaces: true)
      withExtendedLifetime(lock) {}
      removed.append(run.identifier)
    }
    for run in removed { await bootstrap.console.print("removed \(run)") }
  }
}
