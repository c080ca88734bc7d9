import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin lint`
struct PluginLintCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint", abstract: "Looks for mistakes in a plugin.",
    discussion: """
      Checks the manifest; parses every Python file; asks the plugin for its node types and compares them with those of \
      the manifest; compares what the code does with the permissions that the manifest asks for, as far as that can be \
      seen; and tells what users of the plugin would miss. The plugin's files are parsed, and its code is asked, in \
      sandboxes in which nothing is granted.

      Exit status: 0 no errors, 2 errors, 3 the sandbox is not available.
      """)

  @OptionGroup var plugin: PluginDirectoryOptions
  @Flag(help: "Take warnings for errors.") var strict = false
  @Option(help: "How to write what was found: text or json.") var output: OutputFormat = .text
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let result = try await PluginLinting(command: self, bootstrap: bootstrap).result()
    switch output {
    case .json: await bootstrap.console.print(result.json.text(.pretty))
    case .text:
      await bootstrap.report(result.diagnostics, sources: result.sources)
      await bootstrap.console.print(result.summary(style: bootstrap.console.outputStyle))
    }
    guard result.count(.error) == 0, !strict || result.diagnostics.isEmpty else {
      throw CommandFailure(.invalidInput)
    }
  }
}

/// What was found in a plugin.
struct PluginLintResult: Sendable {
  /// The directory where the manifest can't be read.
  var name: String
  var diagnostics: [Diagnostic]
  /// For excerpts.
  var sources: [(file: String, bytes: [UInt8])] = []

  func count(_ severity: Diagnostic.Severity) -> Int { diagnostics.count { $0.severity == severity } }

  func summary(style: Style) -> String {
    func counted(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
    let (errors, warnings) = (count(.error), count(.warning))
    guard errors + warnings > 0 else { return "\(style("✓", .good)) \(SafeText.line(name)): no problems" }
    return "\(SafeText.line(name)): \(counted(errors, "error")), \(counted(warnings, "warning"))"
  }

  var json: JSONValue {
    [
      "plugin": .string(name), "errors": .integer(Int64(count(.error))),
      "warnings": .integer(Int64(count(.warning))), "diagnostics": .array(diagnostics.map(\.json)),
    ]
  }
}

/// Reads, parses and asks a plugin.
struct PluginLinting: Sendable {
  let command: PluginLintCommand
  let bootstrap: Bootstrap

  private var directory: String { command.plugin.directory }

  func result() async throws(CommandFailure) -> PluginLintResult {
    let plugin: DiscoveredPlugin
    do throws(CommandFailure) {
      plugin = try await bootstrap.plugin(in: directory)
    } catch {
      return PluginLintResult(name: directory, diagnostics: error.diagnostics, sources: error.sources)
    }
    let system = try await bootstrap.systemConfiguration(command.system)
    let state = try bootstrap.state(command.state)
    let setup = try await bootstrap.sandboxSetup(
      command.sandbox, state: state, system: system, decisions: [], catalog: PluginCatalog(only: [plugin]))
    let sandboxes = try Sandboxes(setup: setup, jobs: 1)
    return try await sandboxes.use { () async throws(CommandFailure) in
      try await look(at: plugin, sandboxes, state: state)
    }
  }

  private func look(
    at plugin: DiscoveredPlugin, _ sandboxes: Sandboxes, state: String
  ) async throws(CommandFailure) -> PluginLintResult {
    let (manifest, files) = try await read(plugin)
    let found = try await SourceChecker(sandboxes: sandboxes, bootstrap: bootstrap)
      .check(plugin, files: files, shown: directory)
    var problems = found.problems
    var specifications: [NodeSpecification]?
    // What can't be parsed can't be asked: that would be told twice.
    if problems.allSatisfy({ $0.severity == .warning }) {
      let loaded = await sandboxes.loader(state: state, files: bootstrap.files).load([plugin])
      if loaded.isSandboxMissing { throw CommandFailure(.sandboxUnavailable, loaded.diagnostics) }
      problems += loaded.diagnostics
      specifications = loaded.specifications[plugin.manifest.name]
    }
    let file = "\(directory)/\(PluginDiscovery.manifestName)"
    let lint = PluginLint(
      manifest: plugin.manifest, places: ManifestPlaces(yaml: manifest, file: file), files: files.paths,
      specifications: specifications, uses: found.uses, shown: { [directory] in "\(directory)/\($0)" })
    let diagnostics = problems + lint.diagnostics
    let sources = [(file, manifest)] + (await excerpts(diagnostics, files))
    return PluginLintResult(name: plugin.manifest.name.text, diagnostics: diagnostics, sources: sources)
  }

  private func read(_ plugin: DiscoveredPlugin) async throws(CommandFailure) -> ([UInt8], PluginFiles) {
    do {
      return try await bootstrap.files.run {
        let directory = try Directory(opening: plugin.directory.text)
        let manifest = try directory.contents(PluginDiscovery.manifestName, limit: PluginDiscovery.manifestLimit)
        return (manifest.bytes, try PluginFiles(of: directory))
      }
    } catch {
      throw CommandFailure(.invalidInput, "the plugin in \(directory) can't be read", why: "\(error)")
    }
  }

  /// The files that diagnostics are about.
  private func excerpts(_ diagnostics: [Diagnostic], _ files: PluginFiles) async -> [(file: String, bytes: [UInt8])] {
    let prefix = "\(directory)/"
    let named = Set(diagnostics.compactMap(\.location?.file).filter { $0.hasPrefix(prefix) && $0.hasSuffix(".py") })
    return await bootstrap.files.run {
      named.compactMap { file in
        (try? files.contents(String(file.dropFirst(prefix.count)), limit: 1 << 20)).map { (file, $0) }
      }
    }
  }
}
