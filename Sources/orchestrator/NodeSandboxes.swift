import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

extension ResourceRequest {
  init(_ node: WorkflowGraph.Node) {
    self.init(
      subject: "the node \(node.name.text.quoted)", requirement: node.resources,
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
          ceilings: ceilings, asked: ResourceRequest(node), profile: profile.resources, host: host
        ).decision()
      } catch {
        problems += error.items
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
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
    }
    var made: [Kind: WorkerConfiguration] = [:]
    var refused: Set<Kind> = []
    var refusals = PlanRefusal()
    var result: [NodeName: WorkerConfiguration] = [:]
    for node in nodes {
      let kind = Kind(
        plugin: node.type.plugin, cpuCores: node.resources.cpuCores, memoryMB: node.resources.memoryMB)
      guard !refused.contains(kind), let plugin = plugins.first(where: { $0.manifest.name == kind.plugin }) else {
        continue
      }
      do throws(PlanRefusal) {
        let configuration: WorkerConfiguration
        if let known = made[kind] {
          configuration = known
        } else {
          configuration = try await self.configuration(
            for: plugin, granted: decisions[kind.plugin]?.effective ?? [], workspace: workspace,
            resources: ResourceRequest(node))
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
}
