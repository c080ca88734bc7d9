import LinuxSystem
import PluginModel
import PluginRegistry

/// The environments of one command's plugins: found, or built when they are asked for. None that is in use is removed while it lives.
actor PythonEnvironments {
  private let bootstrap: Bootstrap
  private let sandbox: SandboxOptions
  private let system: SystemConfiguration
  private let state: String
  private let store: EnvironmentStore
  private let python: PythonIdentity
  private var use: FileLock?
  private typealias Building = Task<Result<PythonEnvironment, CommandFailure>, Never>
  /// What two plugins ask for alike is built once.
  private var building: [ContentDigest: Building] = [:]
  private var known: [PluginDigest: PythonEnvironment?] = [:]

  init(
    _ bootstrap: Bootstrap, _ sandbox: SandboxOptions, _ system: SystemConfiguration, state: String,
    python: PythonIdentity
  ) {
    self.bootstrap = bootstrap
    self.sandbox = sandbox
    self.system = system
    self.state = state
    self.python = python
    store = EnvironmentStore(state: state)
  }

  /// What is there already, without building anything. Nil: the plugin needs none.
  /// - Throws: it needs one that isn't built, or says so in a way that can't be understood.
  func present(for plugin: DiscoveredPlugin) async throws(CommandFailure) -> PythonEnvironment? {
    if let known = known[plugin.digest] { return known }
    guard let request = try await request(of: plugin) else {
      known[plugin.digest] = .some(nil)
      return nil
    }
    guard let found = try await found(request) else {
      throw CommandFailure(
        .invalidInput, "the Python packages of \(plugin.manifest.name) are not installed",
        why: "it needs \(request.words)", hint: "run it, or test it: both get them")
    }
    known[plugin.digest] = found
    return found
  }

  /// The same, and what isn't there is built.
  func environment(for plugin: DiscoveredPlugin) async throws(CommandFailure) -> PythonEnvironment? {
    if let known = known[plugin.digest] { return known }
    guard let request = try await request(of: plugin) else {
      known[plugin.digest] = .some(nil)
      return nil
    }
    try await hold()
    let environment: PythonEnvironment
    if let found = try await found(request) {
      environment = found
      // Another's needs may have made it, and may go away.
      if case .locked(let lock) = request.requirements { try await remember(lock, of: request) }
    } else {
      environment = try await built(request, for: plugin.manifest.name)
    }
    known[plugin.digest] = environment
    return environment
  }

  /// For all of them, one after the other: they would share the line in any case.
  func provide(for plugins: [DiscoveredPlugin]) async throws(CommandFailure) {
    for plugin in plugins { _ = try await environment(for: plugin) }
  }

  private func request(of plugin: DiscoveredPlugin) async throws(CommandFailure) -> EnvironmentRequest? {
    try await bootstrap.pythonRequirements(of: plugin).map {
      EnvironmentRequest($0, python: python, settings: system.python)
    }
  }

  private func found(_ request: EnvironmentRequest) async throws(CommandFailure) -> PythonEnvironment? {
    try await hold()
    return await bootstrap.files.run { [store] in store.environment(of: request) }
  }

  private func hold() async throws(CommandFailure) {
    guard use == nil else { return }
    do throws(FileError) {
      use = try await bootstrap.files.run { [store] () throws(FileError) in try store.use() }
    } catch {
      throw Self.unusable(store, error)
    }
    guard use != nil else {
      throw CommandFailure(
        .invalidInput, "the Python packages of plugins are being removed right now", hint: "try again in a moment")
    }
  }

  private static func unusable(_ store: EnvironmentStore, _ error: FileError) -> CommandFailure {
    CommandFailure(
      .invalidInput, "the Python packages of plugins can't be kept", why: error.description,
      hint: "make \(store.directory) writable, or name another place with --state-dir")
  }

  // MARK: Building

  private func built(
    _ request: EnvironmentRequest, for plugin: PluginName
  ) async throws(CommandFailure) -> PythonEnvironment {
    let task: Building
    if let running = building[request.digest] {
      task = running
    } else {
      // One after the other: they would share the line, the processors and the disk.
      let before = building.values
      task = Task {
        for other in before { _ = await other.value }
        do throws(CommandFailure) { return .success(try await build(request, for: plugin)) } catch {
          return .failure(error)
        }
      }
      building[request.digest] = task
    }
    let result = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    building[request.digest] = nil
    return try result.get()
  }

  private func build(
    _ request: EnvironmentRequest, for plugin: PluginName
  ) async throws(CommandFailure) -> PythonEnvironment {
    let console = bootstrap.console
    let uv = try await bootstrap.uv(system.python)
    await console.printError("getting the Python packages of \(plugin): \(request.words)")
    let builder = EnvironmentBuilder(
      bootstrap: bootstrap, sandbox: sandbox, system: system, state: state, plugin: plugin, uv: uv,
      report: { await console.printError("  \(SafeText.line($0))") })
    return try await build(request, builder)
  }

  /// Each step has a directory of its own: what ran in the first doesn't prepare what the second finds.
  private func inPlace<Value>(
    _ body: (AbsolutePath) async throws(CommandFailure) -> Value
  ) async throws(CommandFailure) -> Value {
    let place: HeldDirectory
    do throws(FileError) {
      place = try await bootstrap.files.run { [store] () throws(FileError) in try HeldDirectory(in: store.building) }
    } catch {
      throw Self.unusable(store, error)
    }
    let result: Result<Value, CommandFailure>
    do throws(CommandFailure) { result = .success(try await body(place.path)) } catch { result = .failure(error) }
    await bootstrap.files.run { place.remove() }
    return try result.get()
  }

  private func build(
    _ request: EnvironmentRequest, _ builder: EnvironmentBuilder
  ) async throws(CommandFailure) -> PythonEnvironment {
    let (store, files) = (store, bootstrap.files)
    let lock: PythonLock
    switch request.requirements {
    case .locked(let written): lock = written
    case .open(let requirements):
      let remembered = await files.run { store.lock(of: request) }
      if let remembered {
        lock = remembered
      } else {
        lock = try await inPlace { place throws(CommandFailure) in try await builder.lock(requirements, in: place) }
      }
    }
    let digest = request.environment(lock)
    let environment: PythonEnvironment
    if let present = await files.run({ store.environment(digest) }) {
      environment = present
    } else {
      environment = try await inPlace { place throws(CommandFailure) in
        try await builder.install(lock, in: place)
        return try await published(place, digest, builder)
      }
    }
    try await remember(lock, of: request)
    return environment
  }

  private func remember(_ lock: PythonLock, of request: EnvironmentRequest) async throws(CommandFailure) {
    do throws(FileError) {
      try await bootstrap.files.run { [store] () throws(FileError) in
        if store.lock(of: request) != lock { try store.remember(lock, of: request) }
      }
    } catch {
      throw Self.unusable(store, error)
    }
  }

  private func published(
    _ place: AbsolutePath, _ digest: ContentDigest, _ builder: EnvironmentBuilder
  ) async throws(CommandFailure) -> PythonEnvironment {
    guard let packages = place.appending("packages") else {
      throw CommandFailure(.invalidInput, "the Python packages have no place")
    }
    do throws(EnvironmentTreeError) {
      return try await bootstrap.files.run { [store, limit = builder.limitInBytes] () throws(EnvironmentTreeError) in
        try store.publish(packages, as: digest, limit: limit)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "the Python packages of \(builder.plugin) can't be used: \(error.description)",
        hint: "leave out the package that brings it")
    }
  }
}

extension EnvironmentRequest {
  /// For people.
  fileprivate var words: String {
    let all =
      switch requirements {
      case .open(let requirements): requirements.map(\.text)
      case .locked(let lock): lock.packages
      }
    let more = all.count > Self.shown ? ", and \(all.count - Self.shown) more" : ""
    return SafeText.line(all.prefix(Self.shown).joined(separator: ", ")) + more
  }

  private static let shown = 12
}
