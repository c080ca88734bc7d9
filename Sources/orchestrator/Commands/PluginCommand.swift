import ArgumentParser

/// `orchestrator plugin …`
struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "Lists plugins, starts new ones, and says what they may do.",
    subcommands: [
      PluginListCommand.self, PluginNodesCommand.self, PluginNewCommand.self, PluginPermissionsCommand.self,
      PluginGrantCommand.self,
      PluginRevokeCommand.self, PluginInstallCommand.self, PluginRollbackCommand.self, PluginRemoveCommand.self,
      PluginPruneCommand.self,
    ])
}
