import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import StateStore

/// Takes plugins in, and changes which version of one counts.
struct PluginInstaller: Sendable {
  let bootstrap: Bootstrap
  let system: SystemConfiguration
  let state: String
  /// All that can be found without what is to be installed.
  let catalog: PluginCatalog
  let sandbox: SandboxOptions
  private var store: PluginStore { PluginStore(state: state) }

  init(
    _ bootstrap: Bootstrap, system: SystemConfiguration, state: String, catalog: PluginCatalog, sandbox: SandboxOptions
  ) {
    self.bootstrap = bootstrap
    self.system = system
    self.state = state
    self.catalog = catalog
    self.sandbox = sandbox
  }

  struct Outcome: Sendable {
    var plugin: DiscoveredPlugin
    /// The version that counted until now.
    var before: InstalledVersion?
    var nodeTypes: [NodeSpecification]
  }

  /// - Parameters:
  ///   - shown: how diagnostics call what it comes from.
  ///   - signers: the ids of the trusted keys that have signed it.
  ///   - consent: to what it asks for beyond the version that counts.
  ///   - allowsDowngrade: false: no version takes a higher one's place, whenever that one came.
  func install(
    _ content: PackageContent, shown: String, signers: [String], consent: UpgradeConsent, allowsDowngrade: Bool = true
  ) async throws(CommandFailure) -> Outcome {
    let package = content.package
    let lock = try await Self.use(store, bootstrap.files)
    defer { withExtendedLifetime(lock) {} }
    let store = store
    let staged = try await bootstrap.changing(store) { () throws(FileError) in try store.stage() }
    let found: DiscoveredPlugin
    let before: InstalledVersion?
    let nodeTypes: [NodeSpecification]
    do throws(CommandFailure) {
      try await unpack(content, into: staged.directory)
      // As it will be found from now on.
      found = try await bootstrap.plugin(in: staged.directory.path, shown: shown)
      try checkReadable(found.manifest, shown: shown)
      let unmet = catalog.unmetDependencies(of: [found])
      guard unmet.isEmpty else { throw CommandFailure(.invalidInput, unmet) }
      _ = try await bootstrap.pythonRequirements(of: found, shown: shown)
      let name = found.manifest.name
      before = try await bootstrap.installedPlugins(state: state).first { $0.name == name && $0.standing == .current }
      if let before { try await consent.check(found, after: before) }
      nodeTypes = try await described(found)
    } catch {
      await bootstrap.files.run { store.discard(staged) }
      throw error
    }
    let manifest = found.manifest
    let place = try await bootstrap.changing(store) { () throws(FileError) in
      try store.publish(staged, as: manifest.name, manifest.version, found.digest)
    }
    let version = InstalledVersion(
      name: manifest.name, version: manifest.version, author: manifest.author, metadata: manifest.jsonValue.text(),
      digest: found.digest.description, checksum: package.checksum.description,
      contents: package.contents.description, signers: signers, place: place, files: package.index.entries.count,
      bytes: package.index.totalSize, installed: ProcessEnvironment.millisecondsSince1970())
    let higher = try await bootstrap.writing(state) { database throws(StateStoreError) in
      try await database.install(version, allowsDowngrade: allowsDowngrade)
    }
    if let higher {
      throw CommandFailure(.invalidInput, [RegistryChoice.lower(manifest.name, manifest.version, than: higher)])
    }
    var plugin = found
    if let directory = store.resolved()?.appending(place) { plugin.directory = directory }
    return Outcome(plugin: plugin, before: before, nodeTypes: nodeTypes)
  }

  /// It is kept as JSON, in its canonical form, which may be longer than what was written: what can't be read again would be broken for good.
  private func checkReadable(_ manifest: PluginManifest, shown: String) throws(CommandFailure) {
    guard (try? PluginManifest(json: manifest.jsonValue.text(), engineVersion: engineVersion)) == manifest else {
      throw CommandFailure(
        .invalidInput, "the manifest of \(shown) can't be kept",
        why: "written out in full, something in it is too long",
        hint: "name fewer hosts and paths in one permission")
    }
  }

  private func unpack(_ content: PackageContent, into directory: Directory) async throws(CommandFailure) {
    do throws(Diagnostic) {
      try await bootstrap.files.run { () throws(Diagnostic) in try content.write(into: directory) }
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
  }

  /// It is asked for its node types, in a sandbox in which it is granted nothing: one that can't tell them takes no other's place.
  private func described(_ plugin: DiscoveredPlugin) async throws(CommandFailure) -> [NodeSpecification] {
    try await bootstrap.specifications(of: PluginCatalog(only: [plugin]), sandbox, system, state: state, provides: true)
      .demanded(of: plugin)
  }

  /// Nobody removes versions meanwhile.
  fileprivate static func use(_ store: PluginStore, _ files: DedicatedThread) async throws(CommandFailure) -> FileLock {
    do throws(FileError) {
      if let lock = try await files.run({ () throws(FileError) in try store.use() }) { return lock }
    } catch {
      throw CommandFailure(
        .invalidInput, "installed plugins can't be used", why: error.description,
        hint: "let this user write to \(store.directory)")
    }
    throw CommandFailure(.invalidInput, "plugins are being removed right now", hint: "try again in a moment")
  }
}

/// A package that somebody who counts vouches for, or that needs nobody to.
struct VerifiedPackage: Sendable {
  var content: PackageContent
  var manifest: PluginManifest
  /// The ids of the trusted keys that have signed it.
  var signers: [String]
  var warnings: [Diagnostic]
}

extension Bootstrap {
  /// Who vouches for a package, and what it holds.
  func verified(
    _ package: PackageFile, _ sandbox: SandboxOptions, _ system: SystemConfiguration, state: String
  ) async throws(CommandFailure) -> VerifiedPackage {
    let verdict = system.trust.verdict(on: package, today: Self.today())
    guard verdict.refusals.isEmpty else { throw CommandFailure(.invalidInput, verdict.refusals) }
    let content = try await content(of: package, sandbox, system, state: state)
    do throws(Diagnostics) {
      return VerifiedPackage(
        content: content, manifest: try content.manifest(engineVersion: engineVersion),
        signers: verdict.signers.filter { $0.standing == .trusted }.map(\.key.text), warnings: verdict.warnings)
    } catch {
      throw CommandFailure(.invalidInput, error.items)
    }
  }

  /// What is granted, by plugin, of what a plugin asks for.
  func remember(
    grants: [PluginName: [Permission]], for plugin: DiscoveredPlugin, state: String
  ) async throws(CommandFailure) {
    let named = grants[plugin.manifest.name] ?? []
    let granted = Set(named.flatMap { grant in plugin.manifest.permissions.compactMap { $0.meet(grant) } }).sorted()
    guard !granted.isEmpty else { return }
    _ = try await grantedFiles(granted)
    try await remember(granted, for: plugin, way: .command, state: state)
  }

  /// Works on the files of installed plugins.
  func changing<Value: Sendable>(
    _ store: PluginStore, _ body: @escaping @Sendable () throws(FileError) -> Value
  ) async throws(CommandFailure) -> Value {
    do throws(FileError) {
      return try await files.run(body)
    } catch {
      throw CommandFailure(
        .invalidInput, "the files of installed plugins can't be changed", why: error.description,
        hint: "make \(store.directory) writable, or name another place with --state-dir")
    }
  }

  /// Nothing is made where nothing was installed.
  func installedPlugins(state: String) async throws(CommandFailure) -> [InstalledVersion] {
    do throws(StateStoreError) {
      return try await StateDatabase(existing: state, on: files)?.installedPlugins() ?? []
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Makes sure that `plugins` are what was installed, that none was revoked since, and that they have what they need of others.
  /// - Returns: while it lives no installed version is removed. Nil: none is among them.
  func use(
    _ plugins: [DiscoveredPlugin], of catalog: PluginCatalog, trust: TrustPolicy, state: String
  ) async throws(CommandFailure) -> FileLock? {
    var lock: FileLock?
    if plugins.contains(where: \.isInstalled) { lock = try await PluginInstaller.use(PluginStore(state: state), files) }
    let discovery = PluginDiscovery(engineVersion: engineVersion)
    let problems =
      await files.run { discovery.verify(plugins) } + catalog.unmetDependencies(of: plugins)
      + plugins.compactMap { $0.installation.flatMap(trust.revocation) }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return lock
  }

  func writing<Value: Sendable>(
    _ state: String, _ body: (StateDatabase) async throws(StateStoreError) -> Value
  ) async throws(CommandFailure) -> Value {
    do throws(StateStoreError) {
      return try await body(StateDatabase(making: state, on: files))
    } catch {
      throw CommandFailure(error)
    }
  }
}
