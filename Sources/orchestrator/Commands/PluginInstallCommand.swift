import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin install`
struct PluginInstallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Installs a plugin from its directory, or another version of one.",
    discussion: """
      Its files are copied into the state directory, and never changed there. It counts once it has told its node types, in a \
      sandbox in which it is granted nothing; until then, and where it fails, the version before counts. Nothing is granted by \
      installing: on a terminal it is asked for.
      """)

  @Argument(help: ArgumentHelp("The plugin's directory.", valueName: "directory")) var source: String
  @Flag(help: "Ask nothing on a terminal.") var noConsent = false
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system)
    await bootstrap.report(system.warnings)
    let path = try bootstrap.state(state)
    let catalog = try await bootstrap.catalog(plugins, system, state: state)
    let installer = PluginInstaller(bootstrap, system: system, state: path, catalog: catalog, sandbox: sandbox)
    let outcome = try await installer.install(checksum: nil, signers: []) { target async throws(CommandFailure) in
      try await copy(to: target, bootstrap)
    }
    try await tell(outcome, system, path, bootstrap)
  }

  private func copy(to target: Directory, _ bootstrap: Bootstrap) async throws(CommandFailure) {
    do throws(FileError) {
      try await bootstrap.files.run { [source] () throws(FileError) in
        try PluginCopy.copy(Directory(opening: source), to: target)
      }
    } catch {
      throw CommandFailure(.invalidInput, "\(source) can't be installed", why: error.description)
    }
  }

  private func tell(
    _ outcome: PluginInstaller.Outcome, _ system: SystemConfiguration, _ path: String, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) {
    let (plugin, console) = (outcome.plugin, bootstrap.console)
    let manifest = plugin.manifest
    let before = outcome.before.map { $0.version == manifest.version ? "" : " (before: \($0.version))" } ?? ""
    await console.print(
      "\(console.outputStyle("✓", .good)) installed \(manifest.name) \(manifest.version)\(before), files \(DigestText.short(plugin.digest.description))"
    )
    for type in outcome.nodeTypes {
      await console.print("  \(manifest.name)/\(type.nodeType)  \(SafeText.line(type.description))")
    }
    for line in changes(of: outcome) { await console.print("  \(line)") }
    let policy = try await bootstrap.grantPolicy(system, state: path)
    let decision = policy.decision(for: plugin)
    guard !decision.missing.isEmpty else { return }
    if !noConsent, ConsentDialogue.isPossible() {
      _ = try await ConsentDialogue(bootstrap: bootstrap, state: path).ask(about: [plugin], policy)
    } else {
      await console.print(
        "  what it asks for and hasn't: \(decision.missing.map(\.description).joined(separator: ", "))")
      await console.print("  allow it       orchestrator plugin grant \(manifest.name) --all\(state.text)")
    }
  }

  /// What this version asks for and the one before didn't, and the other way round.
  private func changes(of outcome: PluginInstaller.Outcome) -> [String] {
    guard let before = outcome.before,
      let earlier = try? PluginManifest(json: before.metadata, engineVersion: engineVersion)
    else { return [] }
    let (new, old) = (Set(outcome.plugin.manifest.permissions), Set(earlier.permissions))
    return new.subtracting(old).sorted().map { "+ asks for \($0)" }
      + old.subtracting(new).sorted().map { "- no longer asks for \($0)" }
  }
}

/// Copies a plugin's directory: regular files and directories, and nothing that a test or an interpreter leaves.
enum PluginCopy {
  private static let left: Set<String> = [".git", "__pycache__", ".pytest_cache", ".mypy_cache", ".venv"]

  static func copy(_ source: Directory, to target: Directory) throws(FileError) {
    let limits = PluginDigest.Limits()
    for name in try source.names(limit: limits.entries) where !left.contains(name) {
      switch try source.status(name).kind {
      case .directory: try copy(source.directory(name), to: target.makeDirectory(name))
      case .regular:
        let file = try source.contents(name, limit: limits.fileSize)
        try target.create(name, file.bytes, permissions: file.status.permissions & 0o111 == 0 ? 0o644 : 0o755)
      case .symbolicLink, .special: throw .notRegular(path: "\(source.path)/\(name)")
      }
    }
  }
}
