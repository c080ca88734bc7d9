import ArgumentParser

/// `orchestrator plugin …`
struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "Lists plugins, and starts new ones.",
    subcommands: [PluginListCommand.self, PluginNewCommand.self])
}
