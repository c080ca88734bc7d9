import ArgumentParser
import PluginModel
import PluginRegistry
import RegistryClient

/// `orchestrator plugin publish`
struct PluginPublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Puts a package into the registry, for others to install.",
    discussion: """
      A version never changes: what is published once can be yanked, and not be replaced. The first who publishes a name owns it. It \
      takes a token of the registry, in the file that plugins.registry.token_file names or in \(RegistrySettings.tokenVariable).

      Example:
        orchestrator plugin pack ./greeter && orchestrator plugin sign greeter-1.0.0.zip --key me.key
        orchestrator plugin publish greeter-1.0.0.zip --category text
      """)

  @Argument(help: "The package.") var package: String
  @Option(
    name: .customLong("category"),
    help: ArgumentHelp("What the plugin is for. May be repeated.", valueName: "category"))
  var categories: [String] = []
  @OptionGroup var system: SystemOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system)
    let known = categories.compactMap { PluginCategory($0) }
    guard known.count == categories.count, known.count <= PluginCategory.maximumCount else {
      throw CommandFailure(
        .invalidInput, "the categories can't be used",
        hint: "name at most \(PluginCategory.maximumCount), each \(PluginCategory.grammar)")
    }
    let file = try await bootstrap.package(package)
    guard file.archive.isStored else {
      throw CommandFailure(
        .invalidInput, "\(package) is compressed", why: "registries read no compressed packages",
        hint: "publish it as orchestrator plugin pack makes it")
    }
    if file.signatures.items.isEmpty {
      await bootstrap.report([
        Diagnostic(
          "\(package) is not signed", why: "whoever requires signatures can't install it",
          hint: "sign it before: orchestrator plugin sign", severity: .warning)
      ])
    }
    let (name, version) = (file.index.name, file.index.version)
    let isNew = try await bootstrap.withRegistry(system, changes: true) { registry throws(CommandFailure) in
      try await asking { () throws(Diagnostic) in
        try await registry.publish(name, version, categories: known, file.memory)
      }
    }
    let done = bootstrap.console.outputStyle("✓", .good)
    await bootstrap.console.print("\(done) \(name) \(version) \(isNew ? "is published" : "was published before")")
    await bootstrap.console.print("  checksum     \(file.checksum)")
  }
}

/// `orchestrator plugin yank`
struct PluginYankCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "yank", abstract: "Says of a published version that it is not to be used any more.",
    discussion: """
      It stays where it is, for those who have it. Nobody gets it any more who doesn't ask for exactly it, with --allow-yanked.

      Example:
        orchestrator plugin yank greeter@1.0.0 --reason "loses the last line"
      """)

  @Argument(help: ArgumentHelp("The plugin and its version.", valueName: "name@version")) var version: String
  @Option(help: ArgumentHelp("Why, in one line that everybody sees.", valueName: "text")) var reason: String = ""
  @Flag(help: "It may be used again.") var undo = false
  @OptionGroup var system: SystemOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system)
    let wish = try await asking { () throws(Diagnostic) in try RegistryWish(version) }
    guard let exact = wish.range?.exact else {
      throw CommandFailure(
        .invalidInput, "\(version.quoted) doesn't name one version",
        hint: "write NAME@VERSION, for example greeter@1.0.0")
    }
    try await bootstrap.withRegistry(system, changes: true) { registry throws(CommandFailure) in
      try await asking { () throws(Diagnostic) in
        if undo {
          try await registry.undoYank(wish.name, exact)
        } else {
          try await registry.yank(wish.name, exact, reason: reason)
        }
      }
    }
    let done = bootstrap.console.outputStyle("✓", .good)
    await bootstrap.console.print("\(done) \(wish.name) \(exact) \(undo ? "may be used again" : "is yanked")")
  }
}
