import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import Scheduling

/// What this host has for nodes, and what each of them takes of it.
struct NodePlaces: Sendable {
  static let host = HostIdentifier("local")
  /// Nodes that run at one time. No label of a workflow's begins with a hyphen.
  static let jobs = SemaphoreName("--jobs")

  let dispatcher: Dispatcher
  private let needs: [NodeName: Scheduling.ResourceRequest]
  private let capacity: HostCapacity
  private let quota: RunQuota

  /// - Parameter quota: what others have a part in.
  init(
    _ setup: SandboxSetup, for nodes: [WorkflowGraph.Node], decisions: [PluginName: GrantDecision],
    of dispatcher: Dispatcher, quota: RunQuota = RunQuota()
  ) {
    self.dispatcher = dispatcher
    self.quota = quota
    let capacity = Self.capacity(setup)
    self.capacity = capacity
    let pairs = nodes.map { node in
      var needs = Self.needs(of: node, setup.limitSources(of: node, decisions: decisions), within: capacity)
      if setup.concurrency[node.type.plugin] != nil { needs = needs.taking(Self.place(of: node.type.plugin)) }
      return (node.name, needs)
    }
    needs = Dictionary(pairs) { first, _ in first }
  }

  /// - Parameters:
  ///   - jobs: nodes at one time.
  ///   - holding: what other supervisors use too; nil: no node asks for any.
  static func dispatcher(
    _ setup: SandboxSetup, jobs: Int, holding: (any DeviceHolding)?, clock: any RunClock
  ) -> Dispatcher {
    Dispatcher(
      hosts: [capacity(setup)],
      semaphores: Dictionary(counts(setup.semaphores, setup.concurrency) + [(Self.jobs, jobs)]) { first, _ in first },
      holding: holding, clock: clock)
  }

  /// How many units there are of what the operator counts.
  static func counts(
    _ semaphores: [SemaphoreLabel: Int], _ concurrency: [PluginName: Int]
  ) -> [(SemaphoreName, Int)] {
    semaphores.map { (SemaphoreName($0.key), $0.value) } + concurrency.map { (place(of: $0.key), $0.value) }
  }

  /// What each node of a plugin holds of which so many may run at one time. No label of a workflow's has a blank.
  private static func place(of plugin: PluginName) -> SemaphoreName { SemaphoreName("places of the plugin \(plugin)") }

  private static func capacity(_ setup: SandboxSetup) -> HostCapacity {
    let processors = setup.host.processorCount.map { $0 * 1000 }
    return HostCapacity(
      name: Self.host, cpuMilli: processors ?? .max, memory: setup.host.memoryBytes.map { Int(clamping: $0) } ?? .max,
      devices: (setup.gpus?.gpus ?? []).map { gpu in
        // One whose memory isn't known may do for any demand.
        GPUDevice(
          id: GPUIdentifier(gpu.reference), memory: gpu.memoryMB.map { $0 << 20 } ?? .max, isInstance: gpu.isInstance,
          kind: gpu.reference.kind.text)
      })
  }

  /// A node that asks for processors has them to itself; one that doesn't has what others leave, up to its limit. Memory can't be shared
  /// so: each takes as much as its limit lets it have.
  private static func needs(
    of node: WorkflowGraph.Node, _ sources: LimitSources, within capacity: HostCapacity
  ) -> Scheduling.ResourceRequest {
    let limit = (try? sources.decision())?.cgroup.memoryMax.map { Int(clamping: $0) }
    return Scheduling.ResourceRequest(
      cpuMilli: Int((node.resources.cpuCores * 1000).rounded(.up)),
      // Of a node whose memory has no limit nobody knows more than what it asks for.
      memory: min(limit ?? node.resources.memoryMB << 20, capacity.memory),
      gpu: GPUDemand(node.resources).map { demand in
        let memory = demand.memoryMB << 20
        return demand.milli.map { .share(milli: $0, memory: memory) } ?? .devices(count: demand.count, memory: memory)
      } ?? .none,
      semaphores: Dictionary(
        node.semaphores.map { (SemaphoreName($0.key), $0.value) } + [(jobs, 1)]
      ) { first, _ in first })
  }

  /// - Parameter raisedMemory: bytes, because an attempt had less and ran out of it.
  func request(_ node: WorkflowGraph.Node, _ raisedMemory: UInt64?) -> Scheduling.ResourceRequest {
    // An instance of a node with `foreach` needs what its node does.
    var request = needs.entry(of: node.name) ?? Scheduling.ResourceRequest(semaphores: [Self.jobs: 1])
    if let raisedMemory { request.memory = min(max(request.memory, Int(clamping: raisedMemory)), capacity.memory) }
    return quota.charging(request)
  }
}

extension Scheduling.ResourceRequest {
  /// With one unit of a semaphore more.
  fileprivate func taking(_ semaphore: SemaphoreName) -> Scheduling.ResourceRequest {
    Scheduling.ResourceRequest(
      cpuMilli: cpuMilli, memory: memory, gpu: gpu,
      semaphores: Dictionary(semaphores.map { ($0.name, $0.count) } + [(semaphore, 1)]) { first, _ in first })
  }
}

extension SemaphoreName {
  fileprivate init(_ label: SemaphoreLabel) { self.init(label.text) }
}
