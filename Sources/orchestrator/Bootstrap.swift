import LinuxSystem
import PluginModel
import PluginRegistry

/// The composition root, and the map of the program: what is made, from what, in which order.
///
///     Installation ───► where our own files lie
///     Places ─────────► where state and plugins lie
///     Console ────────► standard output and error, on a thread of its own
///     DedicatedThread ► files, on a thread of their own
///
/// Nothing is global: a command gets a bootstrap and asks it for what it needs.
struct Bootstrap: Sendable {
  let console: Console
  let files: DedicatedThread
  let installation: Installation
  let places: Places
  /// How many descriptors this process may have, after the limit was raised as far as it goes.
  let openFileLimit: UInt64
  /// Of a server: what it found out once, in place of finding it out for each request.
  var standing: StandingHost?

  init() throws(CommandFailure) {
    openFileLimit = ProcessEnvironment.raiseOpenFileLimit()
    do {
      console = try Console()
      files = try DedicatedThread(name: "files")
      installation = try Installation.find()
      places = Places.current()
    } catch let diagnostic as Diagnostic {
      throw CommandFailure(.invalidInput, [diagnostic])
    } catch {
      throw CommandFailure(.invalidInput, "the program can't start", why: "\(error)")
    }
  }

  /// The plugins that can be found. What is wrong with others is in the catalog; a missing `--plugins` directory ends
  /// the command.
  func catalog(
    _ options: PluginOptions, _ system: SystemConfiguration, state: StateOptions
  ) async throws(CommandFailure) -> PluginCatalog {
    if let standing { return standing.now.catalog }
    return try await scanned(options, system, state: state)
  }

  /// The same, looked for now.
  func scanned(
    _ options: PluginOptions, _ system: SystemConfiguration, state: StateOptions
  ) async throws(CommandFailure) -> PluginCatalog {
    let directories = places.plugins(options: options.directories, configured: system.directories)
    let discovery = PluginDiscovery(engineVersion: engineVersion)
    let path = try self.state(state)
    let installed = try await installedPlugins(state: path)
    let catalog = await files.run { [bundled = installation.plugins.text] in
      discovery.scan(
        directories, installed: installed, in: PluginStore(state: path), last: [SearchDirectory(bundled)])
    }
    let errors = catalog.diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else { throw CommandFailure(.invalidInput, errors) }
    return catalog
  }

  func systemConfiguration(_ options: SystemOptions) async throws(CommandFailure) -> SystemConfiguration {
    if let standing { return standing.now.system }
    return try await configurationSource(options).configuration()
  }

  /// The file that `--config` names must exist; the one in the usual place need not.
  func configurationSource(_ options: SystemOptions) async throws(CommandFailure) -> ConfigurationSource {
    let path = options.config ?? Places.systemConfiguration
    let isThere = await files.run { ProcessEnvironment.resolve(path) != nil }
    let bytes =
      isThere || options.config != nil ? try await contents(path, limit: DocumentLimits.file.maximumBytes) : nil
    let overrides = ProcessEnvironment.variables(prefix: SettingOverride.prefix)
    return ConfigurationSource(
      path: path, bytes: bytes, overrides: overrides.map { SettingOverride(variable: $0.name, text: $0.value) })
  }

  func state(_ options: StateOptions) throws(CommandFailure) -> String {
    try state(options.stateDir)
  }

  private func state(_ option: String?) throws(CommandFailure) -> String {
    do throws(Diagnostic) {
      return try places.state(option: option)
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
  }

  /// The state directory, or what is there of the path to it: to try what would be done in it.
  func existingStatePlace() throws(CommandFailure) -> AbsolutePath {
    var place = AbsolutePath(try state(nil))
    while let path = place {
      if let resolved = ProcessEnvironment.resolve(path.text).flatMap({ AbsolutePath($0) }) {
        return resolved
      }
      place = path.parent
    }
    return .root
  }

  /// A file that the operator named on the command line. Links are followed: they are the operator's.
  func contents(_ path: String, limit: Int) async throws(CommandFailure) -> [UInt8] {
    guard !path.isEmpty else { throw CommandFailure(.invalidInput, "the name of a file is empty", hint: "name a file") }
    do throws(FileError) {
      return try await bytes(of: path, limit: limit)
    } catch {
      throw CommandFailure(
        .invalidInput, "\(path) can't be read", why: error.description,
        hint: Self.hint(error))
    }
  }

  /// - Parameter limit: bytes; a larger file is refused.
  func bytes(of path: String, limit: Int) async throws(FileError) -> [UInt8] {
    try await files.run { () throws(FileError) in try Self.read(path, limit: limit) }
  }

  /// The same, and of a FIFO or a pipe all that is written to it until its last writer has closed it.
  /// - Parameter end: until then that has to have happened.
  func bytes(
    of path: String, limit: Int, pipesEnd end: ContinuousClock.Instant
  ) async throws(FileError) -> [UInt8] {
    let isCancelled = Lock(false)
    let result: Result<[UInt8], FileError> = await withTaskCancellationHandler {
      do throws(FileError) {
        return .success(
          try await files.run { () throws(FileError) in
            let piped = try PipeReading.bytes(of: path, limit: limit, until: end) { isCancelled.withLock { $0 } }
            if let piped { return piped }
            return try Self.read(path, limit: limit)
          })
      } catch {
        return .failure(error)
      }
    } onCancel: {
      isCancelled.withLock { $0 = true }
    }
    return try result.get()
  }

  private static func hint(_ error: FileError) -> String? {
    switch error {
    case .system(let cause) where cause.code == .accessDenied: "let this user read it"
    case .system: error.isAbsence ? "check the path" : nil
    case .notRegular: "name a file"
    case .tooLarge, .tooManyEntries: nil
    }
  }

  private static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    guard let resolved = ProcessEnvironment.resolve(path), let location = AbsolutePath(resolved),
      let parent = location.parent
    else { throw .system(SystemError("open", path, .notFound)) }
    return try Directory(opening: parent.text).contents(location.lastComponent, limit: limit).bytes
  }

  /// Prints on standard error, for people.
  func report(_ diagnostics: [Diagnostic], sources: [(file: String, bytes: [UInt8])] = []) async {
    var printer = DiagnosticPrinter(style: console.errorStyle)
    for source in sources { printer.add(source: source.bytes, file: source.file) }
    for line in printer.lines(diagnostics) { await console.printError(line) }
  }
}
