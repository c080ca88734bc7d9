import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import SandboxRuntime
import StateStore
import WorkerHost

/// What all sandboxes of one command share. From it and a plugin comes a plan.
struct SandboxSetup: Sendable {
  var installation: Installation
  var host: HostFacts
  var profiles: ProfileAssignment
  var interpreter: Interpreter
  var identities: IdentityAllocator
  /// By plugin: paths outside of which no scoped filesystem permission reaches.
  var filesystemRoots: [PluginName: [AbsolutePath]]
  /// Which of the granted paths are regular files.
  var grantedFiles: Set<AbsolutePath>
  /// Where no worker may write: what decides about plugins, and what is recorded of them.
  var controlPaths: [AbsolutePath]
  /// Where workers' writes wait for their node's success.
  var staging: AbsolutePath
  /// The operator's.
  var ceilings: OperatorLimits
  /// What nodes may hold of this host.
  var semaphores: [SemaphoreLabel: Int] = [:]
  /// How many nodes of a plugin may run at one time.
  var concurrency: [PluginName: Int] = [:]
  var required: [Located<SecurityRequirement>]
  var network: OperatorNetwork
  /// What each plugin is told at its start.
  var configurations: PluginConfigurations
  /// Failures are told with everything that can be known of them.
  var isDebugging: Bool
  /// Nil: no plugin may have one, so that nobody looked.
  var gpus: GPUInventory?
  var files: DedicatedThread
  /// The plugin whose workers are watched in all that they do.
  var observed: PluginName?
  /// The Python packages of plugins.
  var environments: PythonEnvironments
  /// For a service of this program.
  var service = ServiceNeeds()
  /// It is one thing of many that this process does: others listen to signals.
  var isAmongOthers = false

  /// What a service gets that no plugin could be granted.
  struct ServiceNeeds: Sendable {
    /// Programs of the host that it starts.
    var programs: [AbsolutePath] = []
    /// A directory of the host, shown where plugins find their Python packages.
    var shown: AbsolutePath?
  }

  /// - Parameters:
  ///   - granted: what the plugin may do; nothing for a worker that only describes its node types.
  ///   - resources: what the worker's node asks for.
  ///   - gpus: those that no other worker has meanwhile.
  ///   - environment: where its Python packages lie.
  func plan(
    for plugin: DiscoveredPlugin, granted: [Permission], workspace: AbsolutePath?, resources: ResourceRequest? = nil,
    gpus: [GPU] = [], environment: AbsolutePath? = nil
  ) async throws(PlanRefusal) -> SandboxPlan {
    let name = plugin.manifest.name
    let readOnly = await files.run { Self.readOnlyPlaces(granted, workspace: workspace, to: name) }
    guard readOnly.isEmpty else { throw PlanRefusal(request: readOnly) }
    let identity: HostIdentity
    do throws(IdentityError) {
      identity = try await identities.identity(for: name)
    } catch {
      throw PlanRefusal(host: [Diagnostic(error.description, hint: error.hint)])
    }
    var request = SandboxRequest(
      plugin: name, pluginDirectory: plugin.directory, sdkDirectory: installation.sdk, interpreter: interpreter,
      granted: granted, workspace: workspace, filesystemRoots: filesystemRoots[name] ?? [], profile: profiles[name],
      hostUser: identity.user, hostGroup: identity.group, grantedFiles: grantedFiles,
      controlPaths: controlPaths, ceilings: ceilings, required: required, resources: resources,
      gpus: GPUAssignment(gpus, hostLibraries: self.gpus?.hostLibraries), network: network,
      environment: environment ?? service.shown)
    request.programs = service.programs
    return try SandboxPlanner.plan(
      request, host: await host(writing: granted.contains(.filesystemWrite(nil)) ? workspace : nil))
  }

  /// What nobody can write to isn't shown as writable: the plugin would fail in the middle, or its results would.
  private static func readOnlyPlaces(
    _ granted: [Permission], workspace: AbsolutePath?, to plugin: PluginName
  ) -> [Diagnostic] {
    granted.compactMap { permission in
      guard case .filesystemWrite(let path) = permission, let place = path ?? workspace,
        MountState.isReadOnly(place.text)
      else { return nil }
      return Diagnostic(
        "\(plugin) is granted \(permission), and nothing can be written to \(place)",
        why: "it is mounted read-only (EROFS)",
        hint: path == nil
          ? "name another directory with --workspace, or let it be mounted writable"
          : "grant filesystem.read:\(place) in its place, or let it be mounted writable")
    }
  }

  /// What the host offers where this workspace is written to.
  private func host(writing workspace: AbsolutePath?) async -> HostFacts {
    var host = host
    if host.overlays == .available, let workspace,
      let obstacle = await files.run({ OverlayProbe.obstacle(in: workspace) })
    {
      host.overlays = .unavailable(why: obstacle)
    }
    return host
  }

  /// - Parameter describes: the worker only tells its node types: it isn't told secrets.
  func configuration(
    for plugin: DiscoveredPlugin, granted: [Permission], workspace: AbsolutePath?, resources: ResourceRequest? = nil,
    gpus: [GPU] = [], describes: Bool = false
  ) async throws(PlanRefusal) -> WorkerConfiguration {
    let name = plugin.manifest.name
    let environment: PythonEnvironment?
    do throws(CommandFailure) {
      environment = try await environments.present(for: plugin)
    } catch {
      throw PlanRefusal(request: error.diagnostics)
    }
    var plan = try await self.plan(
      for: plugin, granted: granted, workspace: workspace, resources: resources, gpus: gpus,
      environment: environment?.directory)
    if plugin.manifest.name == observed { plan = plan.observed() }
    let (processors, memory) = (Double(ProcessEnvironment.processorCount), ProcessEnvironment.memoryMebibytes)
    let showsWorkspace = granted.contains(.filesystemRead(nil)) || granted.contains(.filesystemWrite(nil))
    return WorkerConfiguration(
      plan: plan, digest: plugin.digest.description, packages: environment?.digest,
      engineVersion: engineVersion.description, manifest: plugin.manifest.jsonValue,
      config: describes ? configurations.description(of: name) : configurations.config(of: name),
      availableCPU: plan.cgroup.cpu.map { min(processors, $0.cores) } ?? processors,
      availableMemoryMB: plan.cgroup.memoryMax.map { min(memory, Int($0 >> 20)) } ?? memory,
      pluginDirectory: Inside.plugin, workspace: showsWorkspace ? Inside.workspace : nil, scratch: Inside.scratch,
      isDebugging: isDebugging, environment: environment.map { _ in Inside.environment })
  }
}

extension Bootstrap {
  /// What sandboxes are made from: the host as it is, the profile, the Python and what the operator grants the plugins that are
  /// to run.
  func sandboxSetup(
    _ options: SandboxOptions, state: String, system: SystemConfiguration, decisions: [GrantDecision],
    catalog: PluginCatalog
  ) async throws(CommandFailure) -> SandboxSetup {
    let directory = try await stateDirectory(state)
    let staging = try await stateDirectory("\(directory)/staging")
    let host = if let standing { standing.now.facts } else { try await hostFacts(staging: staging) }
    let profiles = try await self.profiles(ProfileChoice(options.profiles), system, decisions)
    do throws(Diagnostics) {
      // What the operator wrote holds for every worker: its mistakes are told once.
      for profile in profiles.distinct {
        _ = try LimitSources(ceilings: system.limits, asked: nil, profile: profile.resources, host: host).decision()
      }
    } catch {
      throw CommandFailure(.invalidInput, error.items)
    }
    let interpreter = if let standing { standing.now.interpreter } else { try await interpreter(options) }
    var setup = SandboxSetup(
      installation: installation, host: host, profiles: profiles,
      interpreter: interpreter, identities: try identities(directory),
      filesystemRoots: Dictionary(decisions.map { ($0.plugin, $0.roots) }) { first, _ in first },
      grantedFiles: try await grantedFiles(decisions.flatMap(\.effective)),
      controlPaths: installation.paths + catalog.plugins.map(\.directory)
        + ([
          "identities", "specifications", "staging", PluginStore.directoryName, EnvironmentStore.directoryName,
          ArtifactStore.directoryName,
        ]
        + StateDatabase.fileNames)
        .compactMap(directory.appending),
      staging: staging, ceilings: system.limits, required: system.required, network: system.network,
      configurations: PluginConfigurations(describing: catalog.plugins, of: catalog, by: system),
      isDebugging: system.development.isDebugging,
      gpus: decisions.contains(where: \.givesGPUs) ? await knownGPUs(system) : nil, files: files,
      environments: await environments(options, system, state: directory.text, for: interpreter))
    setup.semaphores = system.semaphores
    setup.concurrency = system.workers.concurrency
    setup.isAmongOthers = standing != nil
    return setup
  }

  private func knownGPUs(_ system: SystemConfiguration) async -> GPUInventory {
    if let standing { return standing.now.gpus }
    return await gpus(system)
  }

  func environments(
    _ options: SandboxOptions, _ system: SystemConfiguration, state: String, for interpreter: Interpreter
  ) async -> PythonEnvironments {
    PythonEnvironments(
      self, options, system, state: state, python: await files.run { PythonIdentity(interpreter) })
  }

  func gpus(_ system: SystemConfiguration) async -> GPUInventory {
    let discovery = GPUDiscovery(
      GPUDiscovery.Places(directories: system.cdiDirectories ?? GPUDiscovery.standardDirectories))
    return await files.run { discovery.inventory() }
  }

  func hostFacts(staging: AbsolutePath) async throws(CommandFailure) -> HostFacts {
    do throws(SystemError) {
      var facts = try await HostInspector.inspect(staging: staging)
      facts.memoryBytes = UInt64(ProcessEnvironment.memoryMebibytes) << 20
      facts.processorCount = ProcessEnvironment.processorCount
      return facts
    } catch {
      throw CommandFailure(.sandboxUnavailable, "this host can't be examined", why: error.description)
    }
  }

  func interpreter(_ options: SandboxOptions) async throws(CommandFailure) -> Interpreter {
    do throws(Diagnostic) {
      return try await files.run { () throws(Diagnostic) in
        try InterpreterSearch.find(option: options.python, path: ProcessEnvironment.variable("PATH"))
      }
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
  }

  /// Made when it is missing. What is in it is believed, so nobody else may write to it.
  private func stateDirectory(_ state: String) async throws(CommandFailure) -> AbsolutePath {
    let path: AbsolutePath
    let status: FileStatus
    do throws(FileError) {
      (path, status) = try await files.run { () throws(FileError) in
        let directory = try Directory(making: state, permissions: 0o700)
        guard let path = ProcessEnvironment.resolve(state).flatMap({ AbsolutePath($0) }) else {
          throw .system(SystemError("realpath", state, .notFound))
        }
        return (path, try directory.status("."))
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "the state directory \(state) can't be used", why: error.description,
        hint: "name a writable directory with --state-dir")
    }
    let isOwn = status.isOwn
    guard isOwn, !status.isWritableByOthers else {
      throw CommandFailure(
        .invalidInput, "the state directory \(path) can't be trusted",
        why: isOwn ? "others may write to it" : "it belongs to the user \(status.owner)",
        hint: isOwn ? "chmod go-w \(path)" : "name a directory of your own with --state-dir")
    }
    return path
  }

  /// The host ids of plugins are kept in the state directory.
  private func identities(_ path: AbsolutePath) throws(CommandFailure) -> IdentityAllocator {
    do throws(IdentityError) {
      return try IdentityAllocator(stateDirectory: path)
    } catch {
      throw CommandFailure(.sandboxUnavailable, error.description, hint: error.hint)
    }
  }

  /// Which of the paths that were granted are files. One that doesn't exist is a mistake that is better told now.
  func grantedFiles(_ permissions: [Permission]) async throws(CommandFailure) -> Set<AbsolutePath> {
    let paths = Set(permissions.compactMap(\.path)).sorted()
    let found = await files.run { paths.map { path in (path, Self.kind(of: path)) } }
    let problems = found.compactMap { path, kind -> Diagnostic? in
      if kind != nil, kind != .symbolicLink, let place = ProcessEnvironment.resolve(path.text), place != path.text {
        return Diagnostic(
          "the granted path \(path) leads through a link",
          why: "what is granted could be changed by whoever changes the link", hint: "grant what it leads to: \(place)")
      }
      return switch kind {
      case .directory, .regular: nil
      case .symbolicLink:
        Diagnostic(
          "the granted path \(path) is a link", why: "what is granted could be changed by whoever changes the link",
          hint: "grant what it leads to: \(ProcessEnvironment.resolve(path.text) ?? "nothing")")
      case .special: Diagnostic("the granted path \(path) is neither a file nor a directory")
      case nil:
        Diagnostic("the granted path \(path) doesn't exist", hint: "check the path of the grant, or take it back")
      }
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return Set(found.filter { $0.1 == .regular }.map(\.0))
  }

  private static func kind(of path: AbsolutePath) -> FileStatus.Kind? {
    guard let parent = path.parent else { return .directory }
    return try? Directory(opening: parent.text).status(path.lastComponent).kind
  }
}
