import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import SandboxRuntime
import WorkerHost

/// Gathers what the nodes of one run were seen to do.
final class LearningRecorder: Sendable {
  private let observations = Lock<[NodeName: Observation]>([:])

  func add(_ node: NodeName, _ observation: Observation) {
    observations.withLock { known in known[node] = known[node]?.followed(by: observation) ?? observation }
  }

  /// Of the nodes of `plugin`, in the order of the workflow; looks on the host at what they named.
  func evidence(
    _ checked: CheckedWorkflow<WorkflowGraph>, _ report: RunReport, of plugin: DiscoveredPlugin, plan: SandboxPlan,
    base: SecurityProfile, host: HostFacts, files: DedicatedThread
  ) async -> LearningEvidence {
    let observations = observations.withLock { $0 }
    let name = plugin.manifest.name
    let granted = checked.decisions[name]?.effective ?? []
    let named = checked.content.nodes.filter { $0.type.plugin == name }
    let looked = await files.run {
      HostPlaces(observations.filter { node, _ in named.contains { $0.name == node } }.values, granted: granted, plan)
    }
    let nodes = named.map { node -> LearningEvidence.Node in
      // Of a node with `foreach` that of its instances, which are observed under its name.
      let account = report.nodes.filter {
        $0.name == node.name || node.foreach != nil && $0.name.matrixNode == node.name
      }
      .reduce(NodeAccount()) { sum, next in
        var account = next.account
        account.held = []
        return sum.followed(by: account)
      }
      let observation = observations[node.name] ?? Observation()
      return LearningEvidence.Node(
        node.name.text, observation, egress: account.egress, memoryPeak: account.usage?.memoryPeak?.bytes,
        gpus: GPUDemand(node.resources)?.count ?? 0,
        hidden: observation.paths.filter { $0.place.map(looked.hidden.contains) ?? false }.map(\.path))
    }
    return LearningEvidence(
      plugin: name, asked: plugin.manifest.permissions, granted: granted, base: base, nodes: nodes,
      places: looked.places, canListPrograms: host.canListPrograms,
      unavoidable: checked.decisions[name]?.givenToAll ?? [])
  }
}

/// What lies on the host where workers named a path. Blocks.
private struct HostPlaces: Sendable {
  var places: [AbsolutePath: LearningEvidence.Place] = [:]
  /// There, and not shown to the worker.
  var hidden: Set<AbsolutePath> = []

  init(_ observations: some Collection<Observation>, granted: [Permission], _ plan: SandboxPlan) {
    let roots = granted.compactMap(\.path)
    for path in observations.flatMap(\.paths) {
      guard let place = path.place, places[place] == nil else { continue }
      let isGranted = roots.contains { place.isEqualToOrBeneath($0) }
      let isProgram = path.uses.contains(.execute)
      if isGranted {
        places[place] = Self.kind(of: place)
      } else if isProgram || path.uses != [.look], case .nothing = plan.view(of: place) {
        // /bin is a link to /usr/bin inside and outside.
        let resolved = ProcessEnvironment.resolve(place.text).flatMap { AbsolutePath($0) }
        guard let resolved, !Self.isOrdinary(place) else { continue }
        if case .nothing = plan.view(of: resolved) { hidden.insert(place) } else if isProgram { places[place] = .file }
      } else if isProgram, ProcessEnvironment.resolve(place.text) != nil {
        places[place] = .file
      }
    }
  }

  /// Where interpreters and libraries look for what may be there, before a plugin does anything.
  private static func isOrdinary(_ place: AbsolutePath) -> Bool {
    ["/usr", "/proc"].compactMap { AbsolutePath($0) }.contains { place.isEqualToOrBeneath($0) }
  }

  private static func kind(of place: AbsolutePath) -> LearningEvidence.Place? {
    guard let resolved = ProcessEnvironment.resolve(place.text), let parent = AbsolutePath(resolved)?.parent else {
      return place == .root ? .directory : nil
    }
    guard resolved == place.text else { return .link }
    switch try? Directory(opening: parent.text).status(place.lastComponent).kind {
    case .directory: return .directory
    case .regular: return .file
    case .symbolicLink: return .link
    case .special, nil: return nil
    }
  }
}
