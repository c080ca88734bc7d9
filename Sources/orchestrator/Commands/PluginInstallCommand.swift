import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin install`
struct PluginInstallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Installs a plugin from the registry, its package or its directory, or another version of one.",
    discussion: """
      A package is verified before anything of it is unpacked: its structure, its index, who signed it, and whether \
      plugins.security.trust of plugin_system.yaml takes that. What is compressed is unpacked in a sandbox. Its files lie in the \
      state directory, and are never changed there. It counts once it has told its node types, in a sandbox in which it is granted \
      nothing; until then, and where it fails, the version before counts. Nothing is granted by installing: on a terminal it is \
      asked for, and --grant allows it. A version that asks for more than the one that counts takes its place only where that \
      is allowed, or with --no-consent.

      What has a '/', ends in .zip, or is there as a file or a directory is a path; anything else the name of a plugin in the \
      registry (plugins.registry of plugin_system.yaml), with the versions that are wanted behind '@'. From there other plugins come \
      too that it needs and that aren't here. All of them are fetched and verified, as packages are, before any is installed.

      Examples:
        orchestrator plugin install greeter-1.0.0.zip
        orchestrator plugin install ./greeter
        orchestrator plugin install greeter
        orchestrator plugin install 'greeter@>=1.0,<2'
      """)

  @Argument(
    help: ArgumentHelp("The package, the plugin's directory, or its name in the registry.", valueName: "package|name"))
  var source: String
  @Option(help: ArgumentHelp("Refuse any other package than the one with this SHA-256.", valueName: "sha256:…"))
  var checksum: String?
  @Flag(help: "Ask nothing, and install without what isn't allowed.") var noConsent = false
  @OptionGroup var grants: LastingGrantOptions
  @Flag(help: "Install a version of the registry that was yanked, where exactly it is asked for.") var allowYanked =
    false
  @Flag(help: "Install a version of the registry that is lower than the one that counts.") var allowDowngrade = false
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system, policy)
    await bootstrap.report(system.warnings)
    let path = try bootstrap.state(state)
    let catalog = try await bootstrap.catalog(plugins, system, state: state)
    guard await isPath(bootstrap) else { return try await installFromRegistry(system, path, catalog, bootstrap) }
    let (content, signers) = try await content(system, path, bootstrap)
    let installer = PluginInstaller(bootstrap, system: system, state: path, catalog: catalog, sandbox: sandbox)
    let consent = try await consent(ConsentDialogue.isPossible() ? .asked : .demanded, system, path, bootstrap)
    let outcome = try await installer.install(content, shown: source, signers: signers, consent: consent)
    try await bootstrap.remember(grants: try grants.permissions(), for: outcome.plugin, state: path)
    try await tell(outcome, system, path, bootstrap)
  }

  func consent(
    _ way: UpgradeConsent.Way, _ system: SystemConfiguration, _ state: String, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> UpgradeConsent {
    UpgradeConsent(
      bootstrap: bootstrap, state: state,
      policy: try await bootstrap.grantPolicy(system, granting: try grants.permissions(), state: state),
      way: noConsent ? .given : way)
  }

  private func isPath(_ bootstrap: Bootstrap) async -> Bool {
    if source.contains("/") || source.hasSuffix(".zip") { return true }
    return await bootstrap.files.run { [source] in ProcessEnvironment.resolve(source) != nil }
  }

  /// What is to be installed, whole and trusted, and the ids of the trusted keys that have signed it.
  private func content(
    _ system: SystemConfiguration, _ state: String, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> (PackageContent, [String]) {
    let isDirectory = await bootstrap.files.run { [source] in (try? Directory(opening: source)) != nil }
    let package: PackageFile
    if isDirectory {
      package = try await packed(system, state, bootstrap)
    } else {
      package = try await bootstrap.package(source)
    }
    if let checksum, checksum != package.checksum.description {
      throw CommandFailure(
        .invalidInput, "\(source) is another package than the one that is wanted",
        why: "its checksum is \(package.checksum), and \(checksum) was asked for", hint: "get it again")
    }
    // Nobody signs a directory; it may be revoked all the same.
    let verified = try await bootstrap.verified(package, sandbox, system, state: state)
    if !isDirectory { await bootstrap.report(verified.warnings) }
    return (verified.content, verified.signers)
  }

  /// A directory, as it would be packed: what is left out of packages isn't installed either.
  private func packed(
    _ system: SystemConfiguration, _ state: String, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> PackageFile {
    guard checksum == nil else {
      throw CommandFailure(.invalidInput, "\(source) is a directory, which has no checksum", hint: "install a package")
    }
    guard !system.trust.requiresSignature else {
      throw CommandFailure(
        .invalidInput, "\(source) is a directory, and only what is signed is installed here",
        why: "trust.require_signature is true",
        hint: "make a package of it, orchestrator plugin pack, and sign that: orchestrator plugin sign")
    }
    do {
      return try await bootstrap.files.run { [source] in
        let packer = try PluginPacker(source, engineVersion: engineVersion)
        let place = try Directory(making: "\(state)/staging", permissions: 0o700)
        let name = "\(try RandomBytes.hexadecimal(16)).zip"
        _ = try packer.write(as: name, in: place)
        defer { try? place.remove(name) }
        return try PackageFile(opening: "\(place.path)/\(name)")
      }
    } catch let problems as Diagnostics {
      throw CommandFailure(.invalidInput, problems.items)
    } catch let problem as Diagnostic {
      throw CommandFailure(.invalidInput, [problem])
    } catch {
      throw CommandFailure(.invalidInput, "\(source) can't be installed", why: "\(error)")
    }
  }

  /// - Parameter asks: whether somebody at a terminal is asked for what it asks for.
  func tell(
    _ outcome: PluginInstaller.Outcome, _ system: SystemConfiguration, _ path: String, _ bootstrap: Bootstrap,
    asks: Bool = true
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
    if asks, !noConsent, ConsentDialogue.isPossible() {
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
