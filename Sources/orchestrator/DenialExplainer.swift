import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// Puts together what a node was denied: what the kernel's filter told, and what the plugin's own error tells, once it was looked up
/// on the host.
struct DenialExplainer: Sendable {
  private let plugins: [PluginName: DiscoveredPlugin]
  /// A path of a plugin may lie on a disk that doesn't answer: nothing else waits for this thread.
  private let thread: DedicatedThread
  /// How long whoever runs a workflow waits for that.
  private static let patience = Duration.seconds(2)

  init(_ plugins: [DiscoveredPlugin]) throws(SystemError) {
    self.plugins = Dictionary(plugins.map { ($0.manifest.name, $0) }) { first, _ in first }
    thread = try DedicatedThread(name: "explain")
  }

  /// Nil where nothing of the plugin ran.
  func denials(_ record: DenialRecord, _ failure: WorkerFailure?, plan: SandboxPlan) async -> NodeDenials? {
    if case .launchRefused? = failure { return nil }
    guard let manifest = plugins[plan.plugin]?.manifest else { return nil }
    var record = record
    if let claim = failure?.claimedDenial {
      let place = await place(claim.hostPath)
      if let denial = claim.denial(in: plan, host: place) { record.add(denial) }
    }
    let subject = DenialSubject(
      plugin: manifest.name, version: manifest.version, requested: manifest.permissions, granted: plan.permissions,
      watched: plan.watchedDenials)
    return NodeDenials(subject: subject, record: record)
  }

  private func place(_ path: AbsolutePath?) async -> HostPlace {
    guard let path else { return HostPlace() }
    let looking = Task { await thread.run { Self.look(path) } }
    let (answers, answer) = AsyncStream.makeStream(of: HostPlace.self)
    Task {
      answer.yield(await looking.value)
      answer.finish()
    }
    let timer = Task {
      try? await Task.sleep(for: Self.patience)
      answer.finish()
    }
    defer { timer.cancel() }
    for await place in answers { return place }
    return HostPlace()
  }

  private static func look(_ path: AbsolutePath) -> HostPlace {
    func resolve(_ path: AbsolutePath?) -> AbsolutePath? {
      path.flatMap { ProcessEnvironment.resolve($0.text) }.flatMap { AbsolutePath($0) }
    }
    return HostPlace(resolved: resolve(path), parent: resolve(path.parent))
  }
}

extension SandboxPlan {
  /// Of what a worker under this plan is denied, what is told of.
  fileprivate var watchedDenials: [DenialSubject.Watched] {
    DenialSubject.Watched.allCases.filter { watched in
      switch watched {
      case .programs: execution == .workerOnly
      case .systemCalls: seccomp.tellsDenials
      case .network: relay != nil
      case .errors: true
      }
    }
  }
}
