import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import SandboxRuntime
import WorkerHost

extension ResourceRequest {
  init(_ node: WorkflowGraph.Node) {
    self.init(
      subject: "the node \(node.name.text.quoted)", requirement: node.resources,
      fixed: Set(node.resourceLocations.keys),
      memoryLocation: node.resourceLocations[.memory] ?? node.location,
      cpuLocation: node.resourceLocations[.cpu] ?? node.location)
  }
}

extension SandboxSetup {
  /// - Throws: every node that asks for more than it can get.
  func checkLimits(of nodes: [WorkflowGraph.Node]) throws(Diagnostics) {
    var problems: [Diagnostic] = []
    for node in nodes {
      do throws(Diagnostics) {
        _ = try LimitSources(
          ceilings: ceilings, asked: ResourceRequest(node), profile: profiles[node.type.plugin].resources, host: host
        ).decision()
      } catch {
        problems += error.items
      }
      problems += semaphoreProblems(of: node)
      if let gpus, let demand = GPUDemand(node.resources),
        let refusal = gpus.refusal(of: demand, subject: ResourceRequest(node).subject, at: node.gpuLocation)
      {
        problems.append(refusal)
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
  }

  private func semaphoreProblems(of node: WorkflowGraph.Node) -> [Diagnostic] {
    node.semaphores.sorted { $0.key < $1.key }.compactMap { name, count in
      let place = node.resourceLocations[.semaphores] ?? node.location
      guard let capacity = semaphores[name] else {
        return Diagnostic(
          "the node \(node.name.text.quoted) needs the semaphore \(name.text.quoted), which this host has none of",
          hint: Suggestion.hint(for: name.text, among: semaphores.keys.map(\.text).sorted())
            ?? "declare it in plugin_system.yaml: plugins: {scheduler: {semaphores: {\(name): \(count)}}}", at: place)
      }
      guard count > capacity else { return nil }
      return Diagnostic(
        "the node \(node.name.text.quoted) needs \(count) of the semaphore \(name.text.quoted)",
        why: "this host has \(capacity)", hint: "ask for less", at: place)
    }
  }

  /// One for every node. Nodes of one plugin that ask for the same share one, and with it a worker.
  func configurations(
    for nodes: [WorkflowGraph.Node], plugins: [DiscoveredPlugin], decisions: [PluginName: GrantDecision],
    workspace: AbsolutePath?
  ) async throws(PlanRefusal) -> [NodeName: WorkerConfiguration] {
    struct Kind: Hashable {
      var plugin: PluginName
      var cpuCores: Double
      var memoryMB: Int
      var gpus: GPUDemand?
    }
    var made: [Kind: WorkerConfiguration] = [:]
    var refused: Set<Kind> = []
    var refusals = PlanRefusal()
    var result: [NodeName: WorkerConfiguration] = [:]
    for node in nodes {
      let kind = Kind(
        plugin: node.type.plugin, cpuCores: node.resources.cpuCores, memoryMB: node.resources.memoryMB,
        gpus: GPUDemand(node.resources))
      guard !refused.contains(kind), let plugin = plugins.first(where: { $0.manifest.name == kind.plugin }) else {
        continue
      }
      do throws(PlanRefusal) {
        let configuration: WorkerConfiguration
        if let known = made[kind] {
          configuration = known
        } else {
          configuration = try await self.configuration(
            for: plugin, granted: decisions[kind.plugin]?.effective ?? [], workspace: workspace, node: node)
        }
        made[kind] = configuration
        result[node.name] = configuration
      } catch {
        refused.insert(kind)
        refusals.host += error.host.filter { !refusals.host.contains($0) }
        refusals.request += error.request.filter { !refusals.request.contains($0) }
      }
    }
    guard refusals.isEmpty else { throw refusals }
    return result
  }

  /// Of a node that asks for GPUs, with some that it may get; and it is made sure that it could have any of the others.
  private func configuration(
    for plugin: DiscoveredPlugin, granted: [Permission], workspace: AbsolutePath?, node: WorkflowGraph.Node
  ) async throws(PlanRefusal) -> WorkerConfiguration {
    let resources = ResourceRequest(node)
    guard let demand = GPUDemand(node.resources) else {
      return try await configuration(for: plugin, granted: granted, workspace: workspace, resources: resources)
    }
    guard granted.contains(where: { $0.name == .gpuAccess }) else {
      let name = plugin.manifest.name
      throw PlanRefusal(request: [
        Diagnostic(
          "\(resources.subject) asks for \(demand.words), and \(name) isn't granted gpu.access",
          hint: "grant it, if its manifest asks for it: --grant \(name)=gpu.access; without a GPU: resources: {gpu: 0}",
          at: node.gpuLocation)
      ])
    }
    let candidates = gpus?.candidates(for: demand) ?? []
    for gpu in candidates {
      _ = try await plan(for: plugin, granted: granted, workspace: workspace, resources: resources, gpus: [gpu])
    }
    return try await configuration(
      for: plugin, granted: granted, workspace: workspace, resources: resources,
      gpus: Array(candidates.prefix(demand.count)))
  }

  /// How the nodes that ask for GPUs get theirs. Their plans are made when it is known which.
  func gpuNodes(
    among nodes: [WorkflowGraph.Node], plugins: [DiscoveredPlugin], decisions: [PluginName: GrantDecision],
    workspace: AbsolutePath?
  ) -> NodeGPUs {
    var prepared: [NodeName: NodeGPUs.Configuration] = [:]
    for node in nodes {
      guard GPUDemand(node.resources) != nil,
        let plugin = plugins.first(where: { $0.manifest.name == node.type.plugin })
      else { continue }
      let granted = decisions[node.type.plugin]?.effective ?? []
      let resources = ResourceRequest(node)
      let configuration: NodeGPUs.Configuration = { (gpus) throws(PlanRefusal) in
        try await self.configuration(
          for: plugin, granted: granted, workspace: workspace, resources: resources, gpus: gpus)
      }
      prepared[node.name] = configuration
    }
    return NodeGPUs(inventory: gpus ?? GPUInventory(), nodes: prepared)
  }

  /// What keeps two supervisors of one host from using one GPU.
  func leasedDevices(with pool: WorkerPool) async throws(CommandFailure) -> LeasedDevices {
    let directory = Places.current().deviceLeases
    let leases: DeviceLeases
    do throws(FileError) {
      leases = try await files.run { () throws(FileError) in try DeviceLeases(directory: directory) }
    } catch {
      throw CommandFailure(
        .sandboxUnavailable, "it can't be made sure that nobody else uses the GPUs", why: error.description,
        hint: "make \(directory) a directory that is this user's own and that nobody else can write to")
    }
    return LeasedDevices(leases: leases, thread: files) { await pool.endIdle(holding: $0) }
  }

  /// Nodes that share GPUs, which nothing keeps apart there.
  func sharedGPUs(among nodes: [WorkflowGraph.Node]) -> [Diagnostic] {
    let sharing = nodes.filter { $0.resources.gpuMilli > 0 }
    guard let first = sharing.first else { return [] }
    let names = sharing.prefix(5).map(\.name.text.quoted).joined(separator: ", ")
    let more = sharing.count > 5 ? " and \(sharing.count - 5) more" : ""
    return [
      Diagnostic(
        "nodes that use a part of a GPU are not kept apart from each other there: \(names)\(more)",
        why: "a share is a count: nothing holds a node to its part of the GPU's time and memory, and its driver alone "
          + "keeps one from what another has in it",
        hint: "give those that don't trust each other whole GPUs, or instances (MIG): resources: {gpu: 1}",
        at: first.gpuLocation, severity: .warning)
    ]
  }

  /// A grant that no node makes use of is most often a forgotten request.
  func unusedGPUGrants(
    among nodes: [WorkflowGraph.Node], decisions: [PluginName: GrantDecision]
  ) -> [Diagnostic] {
    decisions.values.sorted { $0.plugin < $1.plugin }.compactMap { decision in
      let own = nodes.filter { $0.type.plugin == decision.plugin }
      guard decision.effective.contains(where: { $0.name == .gpuAccess }), !own.isEmpty,
        own.allSatisfy({ GPUDemand($0.resources) == nil })
      else { return nil }
      return Diagnostic(
        "no node of \(decision.plugin) gets a GPU, though it is granted gpu.access", why: "none asks for one",
        hint: "let the node ask: resources: {gpu: 1}", severity: .warning)
    }
  }
}

extension WorkflowGraph.Node {
  /// Where the workflow says how many GPUs it needs.
  fileprivate var gpuLocation: SourceLocation { resourceLocations[.gpu] ?? location }
}

/// The GPUs of a run's nodes.
struct NodeGPUs: Sendable {
  typealias Configuration = @Sendable ([GPU]) async throws(PlanRefusal) -> WorkerConfiguration
  let inventory: GPUInventory
  /// Of those that ask for some.
  let nodes: [NodeName: Configuration]

  /// That of a worker which has exactly the devices that the call was assigned.
  /// - Parameter configuration: of a node that asks for none.
  func configuration(
    of call: NodeCall, otherwise configuration: WorkerConfiguration
  ) async throws(NodeFailure) -> WorkerConfiguration {
    guard let make = nodes[call.prepared] else { return configuration }
    let gpus = call.gpus.compactMap { grant in inventory.gpus.first { $0.reference == grant.device.reference } }
    guard !gpus.isEmpty, gpus.count == call.gpus.count else {
      throw NodeFailure(
        .sandbox, "the node was assigned GPUs that this host hasn't",
        cause: call.gpus.map(\.device.text).joined(separator: ", "))
    }
    do throws(PlanRefusal) {
      return try await make(gpus)
    } catch {
      throw NodeFailure(.sandbox, "the node's sandbox can't be planned", cause: error.description)
    }
  }
}
