import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// Where the limits of one node's calls come from: those of its plan, unless it runs again with more memory or its plugin estimates what
/// it needs.
struct NodeLimits: Sendable {
  /// With what the workflow and the plugin ask for.
  var sources: LimitSources
  /// Whether the plugin is to be asked.
  var isEstimated: Bool
  /// Those that the kernel limits with.
  var controllers: Set<CgroupPlan.Controller>

  /// The configuration of a worker that has more memory from its start on, because the attempt before ran out of it.
  func raise(_ configuration: WorkerConfiguration, for call: NodeCall) throws(NodeFailure) -> WorkerConfiguration {
    guard call.raisedMemory != nil else { return configuration }
    do throws(Diagnostics) {
      let decision = try sources(call, estimate: nil).decision()
      var configuration = configuration
      configuration.plan = configuration.plan.limited(by: decision, controllers: controllers)
      if let memory = decision.cgroup.memoryMax { configuration.availableMemoryMB = Int(memory >> 20) }
      return configuration
    } catch {
      throw NodeFailure(.error, "the node can't have more memory", cause: error.description)
    }
  }

  /// - Parameter told: the plan with the limits that the call has; not called where they are those of `plan`.
  func estimation(
    _ call: NodeCall, on plan: SandboxPlan, told: @escaping @Sendable (SandboxPlan) -> Void
  ) -> Estimation? {
    guard isEstimated else { return nil }
    return Estimation { (estimate) throws(Diagnostics) in
      guard let estimate else { return plan.cgroup }
      let decision = try sources(call, estimate: estimate).decision()
      told(plan.limited(by: decision, controllers: controllers))
      return decision.cgroup
    }
  }

  private func sources(_ call: NodeCall, estimate: ResourceRequirement?) -> LimitSources {
    var sources = sources
    sources.asked?.raisedMemory = call.raisedMemory
    sources.asked?.estimate = estimate
    return sources
  }
}

extension SandboxSetup {
  func limits(
    of nodes: [WorkflowGraph.Node], decisions: [PluginName: GrantDecision]
  ) -> [NodeName: NodeLimits] {
    let pairs = nodes.map { node in
      (
        node.name,
        NodeLimits(
          sources: limitSources(of: node, decisions: decisions), isEstimated: node.isEstimated,
          controllers: host.limitControllers)
      )
    }
    return Dictionary(pairs) { first, _ in first }
  }

  func limitSources(of node: WorkflowGraph.Node, decisions: [PluginName: GrantDecision]) -> LimitSources {
    LimitSources(
      ceilings: ceilings, asked: ResourceRequest(node), profile: profiles[node.type.plugin].resources,
      isMemoryUnlimited: decisions[node.type.plugin]?.effective.contains(.memoryUnlimited) ?? false, host: host)
  }

  /// Bytes that a node can have; nil: unknown.
  var mostMemory: UInt64? {
    LimitSources(ceilings: ceilings, asked: nil, profile: profiles.common.resources, host: host).mostMemory
  }
}

extension HeldLimits {
  init(_ plan: SandboxPlan, attempt: Int) {
    self.init(
      attempt: attempt, memory: plan.cgroup.memoryMax, memoryOrigin: plan.limitNotes[.memoryMax]?.origin,
      processors: plan.cgroup.cpu?.cores, processorsOrigin: plan.limitNotes[.cpuMax]?.origin)
  }
}
