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
  ///   - checksum: of the package, and `contents` of its index.
  ///   - signers: the ids of the trusted keys that have signed it.
  ///   - unpack: writes its files into an empty directory, on which nothing else looks meanwhile.
  func install(
    checksum: String, contents: String, signers: [String], unpack: (Directory) async throws(CommandFailure) -> Void
  ) async throws(CommandFailure) -> Outcome {
    let lock = try await Self.use(store, bootstrap.files)
    defer { withExtendedLifetime(lock) {} }
    let store = store
    let staged = try await attempt { () throws(FileError) in try store.stage() }
    let found: DiscoveredPlugin
    let nodeTypes: [NodeSpecification]
    do throws(CommandFailure) {
      try await unpack(staged.directory)
      found = try await examined(staged.directory)
      nodeTypes = try await described(found)
    } catch {
      await bootstrap.files.run { store.discard(staged) }
      throw error
    }
    let manifest = found.manifest
    let place = try await attempt { () throws(FileError) in
      try store.publish(staged, as: manifest.name, manifest.version, found.digest)
    }
    let before = try await bootstrap.installedPlugins(state: state).first {
      $0.name == manifest.name && $0.standing == .current
    }
    let size = try await attempt { () throws(FileError) in
      try TreeSize(of: Directory(opening: "\(store.directory)/\(place)"))
    }
    let version = InstalledVersion(
      name: manifest.name, version: manifest.version, author: manifest.author, metadata: manifest.jsonValue.text(),
      digest: found.digest.description, checksum: checksum,
      contents: contents, signers: signers, place: place, files: size.files,
      bytes: size.bytes, installed: ProcessEnvironment.millisecondsSince1970())
    try await bootstrap.writing(state) { database throws(StateStoreError) in try await database.install(version) }
    var plugin = found
    if let directory = store.resolved()?.appending(place) { plugin.directory = directory }
    return Outcome(plugin: plugin, before: before, nodeTypes: nodeTypes)
  }

  /// As it will be found from now on.
  private func examined(_ directory: Directory) async throws(CommandFailure) -> DiscoveredPlugin {
    let discovery = PluginDiscovery(engineVersion: engineVersion)
    let found = await bootstrap.files.run { discovery.scan([SearchDirectory(directory.path, isRequired: true)]) }
    let problems = found.diagnostics.filter { $0.severity == .error } + found.broken.flatMap(\.diagnostics)
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    guard let plugin = found.plugins.first else {
      throw CommandFailure(
        .invalidInput, "there is no plugin to install", why: "it has no \(PluginDiscovery.manifestName)",
        hint: "start one with: orchestrator plugin new NAME")
    }
    let unmet = catalog.unmetDependencies(of: [plugin])
    guard unmet.isEmpty else { throw CommandFailure(.invalidInput, unmet) }
    return plugin
  }

  /// It is asked for its node types, in a sandbox in which it is granted nothing: one that can't tell them takes no other's place.
  private func described(_ plugin: DiscoveredPlugin) async throws(CommandFailure) -> [NodeSpecification] {
    var catalog = catalog
    catalog.plugins = [plugin]
    let loaded = try await bootstrap.specifications(of: catalog, sandbox, system, state: state)
    guard let types = loaded.specifications[plugin.manifest.name] else {
      throw CommandFailure(loaded.isSandboxMissing ? .sandboxUnavailable : .invalidInput, loaded.diagnostics)
    }
    return types
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

  private func attempt<Value: Sendable>(
    _ body: @escaping @Sendable () throws(FileError) -> Value
  ) async throws(CommandFailure) -> Value {
    do throws(FileError) {
      return try await bootstrap.files.run(body)
    } catch {
      throw CommandFailure(
        .invalidInput, "the files of installed plugins can't be changed", why: error.description,
        hint: "make \(store.directory) writable, or name another place with --state-dir")
    }
  }
}

/// How much a directory holds.
struct TreeSize: Sendable {
  private(set) var files = 0
  private(set) var bytes = 0

  init(of directory: Directory) throws(FileError) { try add(directory) }

  private mutating func add(_ directory: Directory) throws(FileError) {
    for name in try directory.names(limit: PluginDigest.Limits().entries) {
      let status = try directory.status(name)
      if status.kind == .directory {
        try add(directory.directory(name))
      } else {
        files += 1
        bytes += Int(clamping: status.size)
      }
    }
  }
}

extension Bootstrap {
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
