import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry
import StateStore

/// `orchestrator plugin rollback`
struct PluginRollbackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Goes back to the version of an installed plugin that counted before.",
    discussion: """
      Nothing is unpacked or removed: another version counts, at once. Runs that have begun keep the version that they have. \
      A second rollback takes back the first.
      """)

  @Argument(help: "The plugin's name.") var plugin: String
  @Option(name: .customLong("to"), help: ArgumentHelp("An installed version.", valueName: "version")) var version:
    String?
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let path = try bootstrap.state(state)
    let name = try PluginName(argument: plugin)
    let wanted = try version.map { try SemanticVersion(argument: $0) }
    let installed = try await bootstrap.installedPlugins(state: path).filter { $0.name == name }
    guard !installed.isEmpty else {
      throw CommandFailure.notInstalled(name, try await bootstrap.installedPlugins(state: path))
    }
    let pair = try await bootstrap.writing(path) { database throws(StateStoreError) in
      try await database.rollBack(name, to: wanted)
    }
    guard let pair else {
      let versions = installed.map { "\($0.version)\($0.standing == .current ? " (counts)" : "")" }
      throw CommandFailure(
        .invalidInput,
        wanted.map { "there is no other version \($0) of \(name) to go back to" }
          ?? "there is no version of \(name) to go back to",
        why: "installed: \(versions.joined(separator: ", "))",
        hint: installed.count > 1 ? "name one: orchestrator plugin rollback \(name) --to VERSION" : nil)
    }
    let done = bootstrap.console.outputStyle("✓", .good)
    await bootstrap.console.print("\(done) \(name) \(pair.now.version) counts; before it was \(pair.before.version)")
  }
}

/// `orchestrator plugin remove`
struct PluginRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Removes an installed plugin, or one version of it.",
    discussion: """
      With the whole plugin goes what it was granted. The files go once no run uses installed plugins: now, or with \
      orchestrator plugin prune.
      """)

  @Argument(help: "The plugin's name.") var plugin: String
  @Option(help: ArgumentHelp("Only this version.", valueName: "version")) var version: String?
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let path = try bootstrap.state(state)
    let name = try PluginName(argument: plugin)
    let wanted = try version.map { try SemanticVersion(argument: $0) }
    let all = try await bootstrap.installedPlugins(state: path)
    guard all.contains(where: { $0.name == name && (wanted == nil || $0.version == wanted) }) else {
      throw CommandFailure.notInstalled(name, all)
    }
    let count = try await bootstrap.writing(path) { database throws(StateStoreError) in
      try await database.uninstall(name, wanted)
    }
    let done = bootstrap.console.outputStyle("✓", .good)
    await bootstrap.console.print(
      "\(done) removed \(name)\(wanted.map { " \($0)" } ?? "")\(count > 1 ? " in \(count) versions" : "")")
    let left = try await bootstrap.installedPlugins(state: path).first { $0.name == name && $0.standing == .current }
    if let left { await bootstrap.console.print("  what counts now: \(left.version)") }
    try await bootstrap.reportSweep(state: path)
  }
}

/// `orchestrator plugin prune`
struct PluginPruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Removes versions of installed plugins that neither count nor did so last.",
    discussion: """
      Also what an installation left behind that was cut off, and Python packages that no plugin needs any more which can be \
      found or is installed. Nothing is removed while a run uses it.
      """)

  @OptionGroup var plugins: PluginOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let path = try bootstrap.state(state)
    try await bootstrap.writing(path) { database throws(StateStoreError) in try await database.forgetOldVersions() }
    try await bootstrap.reportSweep(state: path)
    try await bootstrap.reportEnvironmentSweep(state: path) { () async throws(CommandFailure) in
      try await bootstrap.catalog(plugins, try await bootstrap.systemConfiguration(system), state: state)
    }
  }
}

extension Bootstrap {
  /// Removes the Python packages that none of the plugins needs which can be found, and says how many there were.
  fileprivate func reportEnvironmentSweep(
    state: String, _ catalog: () async throws(CommandFailure) -> PluginCatalog
  ) async throws(CommandFailure) {
    let store = EnvironmentStore(state: state)
    guard await files.run({ ProcessEnvironment.resolve(store.directory) != nil }) else { return }
    do throws(FileError) {
      guard let lock = try await files.run({ () throws(FileError) in try store.alone() }) else {
        return await report([Self.kept("a run uses some", hint: "remove them later: orchestrator plugin prune")])
      }
      // Whoever installs something from now on waits for the lock.
      let needs: Set<String>
      do throws(CommandFailure) { needs = try await pythonNeeds(of: catalog()) } catch {
        return await report([Self.kept(error.diagnostics.first?.what, hint: error.diagnostics.first?.hint)])
      }
      let count = try await files.run { () throws(FileError) in try store.sweep(keeping: needs, lock) }
      await console.print("  \(count == 1 ? "1 environment" : "\(count) environments") of Python packages removed")
    } catch {
      throw CommandFailure(
        .invalidInput, "Python packages can't be removed", why: error.description,
        hint: "make \(store.directory) writable")
    }
  }

  /// - Throws: what of one plugin isn't known.
  private func pythonNeeds(of catalog: PluginCatalog) async throws(CommandFailure) -> Set<String> {
    if let broken = catalog.broken.first {
      throw CommandFailure(
        .invalidInput, "it isn't known what the plugin in \(broken.directory) needs: it is broken",
        hint: "mend or remove it, and prune again")
    }
    var needs: Set<String> = []
    for plugin in catalog.plugins + catalog.alternatives {
      if let own = try await pythonRequirements(of: plugin)?.needs { needs.insert(own) }
    }
    return needs
  }

  private static func kept(_ why: String?, hint: String?) -> Diagnostic {
    Diagnostic("Python packages are still there", why: why, hint: hint, severity: .warning)
  }

  /// Removes the files of what isn't installed, and says how many there were, or that a run keeps them.
  fileprivate func reportSweep(state: String) async throws(CommandFailure) {
    let store = PluginStore(state: state)
    var count: Int?
    if let lock = try await changing(store, { () throws(FileError) in try store.alone() }) {
      let kept = Set(try await installedPlugins(state: state).map(\.place))
      count = try await changing(store) { () throws(FileError) in try store.sweep(keeping: kept, lock) }
    }
    guard let count else {
      await report([
        Diagnostic(
          "the files are still there", why: "a run uses installed plugins",
          hint: "remove them later: orchestrator plugin prune", severity: .warning)
      ])
      return
    }
    await console.print("  \(count == 1 ? "1 directory was" : "\(count) directories were") removed")
  }
}

extension CommandFailure {
  static func notInstalled(_ name: PluginName, _ installed: [InstalledVersion]) -> CommandFailure {
    let names = Set(installed.map(\.name.text)).sorted()
    return CommandFailure(
      .invalidInput, "the plugin \(name.text.quoted) is not installed",
      hint: Suggestion.hint(for: name.text, among: names) ?? "install it: orchestrator plugin install PACKAGE")
  }
}

extension PluginName {
  init(argument text: String) throws(CommandFailure) {
    guard let name = PluginName(text) else {
      throw CommandFailure(.invalidInput, "\(text.quoted) is not a plugin name", hint: "use \(Self.grammar)")
    }
    self = name
  }
}

extension SemanticVersion {
  init(argument text: String) throws(CommandFailure) {
    guard let version = SemanticVersion(text) else {
      throw CommandFailure(.invalidInput, "\(text.quoted) is not a version", hint: "use \(Self.grammar)")
    }
    self = version
  }
}
