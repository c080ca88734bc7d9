import ArgumentParser
import PluginModel
import PluginRegistry
import RegistryClient

/// `orchestrator plugin search`
struct PluginSearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Searches the registry for plugins.",
    discussion: """
      All words must occur in a plugin's name, description, author or node types. Without any, all plugins are listed. What the \
      registry says of a plugin nobody has verified: that is done when it is installed.

      Example:
        orchestrator plugin search image resize --category imaging
      """)

  /// Beyond them, a search says too little.
  private static let maximumPlugins = 1000

  @Argument(help: "What to look for.") var words: [String] = []
  @Option(help: ArgumentHelp("Only plugins of this category.", valueName: "category")) var category: String?
  @OptionGroup var system: SystemOptions
  @Option(help: "How to write it: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system)
    let (found, isCut) = try await bootstrap.withRegistry(system) { registry throws(CommandFailure) in
      try await asking { () throws(Diagnostic) in
        try await registry.search(
          try RegistryQuery(
            text: words.joined(separator: " "), category: category, after: nil,
            limit: "\(RegistryQuery.limits.upperBound)"), maximum: Self.maximumPlugins)
      }
    }
    let console = bootstrap.console
    switch output {
    case .json:
      await console.print(RegistryPage(plugins: found, next: isCut ? found.last?.name : nil).jsonValue.text(.pretty))
    case .text:
      if found.isEmpty { await console.print("no plugins were found") }
      for plugin in found {
        let categories = plugin.categories.map(\.text).joined(separator: ", ")
        await console.print(
          "\(console.outputStyle(plugin.name.text, .strong)) \(plugin.version)  \(SafeText.line(plugin.description, limit: 200))"
            + (categories.isEmpty ? "" : "  [\(categories)]"))
      }
      if isCut { await console.print("there are more: add words, or --category") }
    }
  }
}
