import ArgumentParser

/// `orchestrator plugin …`
struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "Starts, tests, packs, installs and lists plugins, and says what they may do.",
    subcommands: [
      PluginListCommand.self, PluginNodesCommand.self, PluginPermissionsCommand.self, PluginGrantCommand.self,
      PluginRevokeCommand.self, PluginNewCommand.self, PluginLintCommand.self, PluginTestCommand.self,
      PluginDevCommand.self, PluginPackCommand.self, PluginKeygenCommand.self, PluginSignCommand.self,
      PluginVerifyCommand.self, PluginInstallCommand.self,
      PluginRollbackCommand.self, PluginRemoveCommand.self, PluginPruneCommand.self, PluginSearchCommand.self,
      PluginInfoCommand.self, PluginPublishCommand.self, PluginYankCommand.self,
    ])
}
