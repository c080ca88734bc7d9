/// What a node needs in order to run. Zero means "none asked for", never "unlimited".
package struct ResourceRequirement: Hashable, Sendable {
  /// Logical processors; 0.5 is half of one.
  package var cpuCores: Double
  /// Mebibytes of memory.
  package var memoryMB: Int
  package var gpuCount: Int
  /// Thousandths of one GPU, which others use too, instead of whole ones. Only a workflow says so.
  package var gpuMilli: Int
  /// Mebibytes of memory on each GPU; of a part of one, its part of the memory.
  package var gpuMemoryMB: Int

  package init(cpuCores: Double = 0, memoryMB: Int = 0, gpuCount: Int = 0, gpuMilli: Int = 0, gpuMemoryMB: Int = 0) {
    self.cpuCores = cpuCores
    self.memoryMB = memoryMB
    self.gpuCount = gpuCount
    self.gpuMilli = gpuMilli
    self.gpuMemoryMB = gpuMemoryMB
  }
}

/// How much of GPUs a node is to have.
package enum GPUAmount: Hashable, Sendable {
  /// From 0, each to itself.
  case whole(Int)
  /// From 1 to 999 thousandths of one that others use too.
  case share(milli: Int)

  package var count: Int { if case .whole(let count) = self { count } else { 0 } }
  package var milli: Int { if case .share(let milli) = self { milli } else { 0 } }
}

/// The smallest and largest limits that mean something, whoever sets them.
package enum LimitBounds {
  /// Units of a semaphore.
  package static let semaphore = 1...1 << 20
  /// A worker's Python alone takes some ten mebibytes. The upper end is a pebibyte.
  package static let memoryMB = 16...1 << 30
  /// The kernel takes no quota below a millisecond of every 100.
  package static let cpuCores = 0.01...ResourceRequirement.maximumCPUCores
  /// Processes and threads; the kernel has at most 2^22 of them, proc_sys_kernel(5).
  package static let tasks = 8...1 << 22
  /// `cpu.weight`, `io.weight`.
  package static let weight = 1...10_000
  /// Reads or writes of a disk in a second.
  package static let operations = 10...1 << 30
  /// Numbers of logical processors. The kernel's largest CONFIG_NR_CPUS is 8192.
  package static let processors = 0...8191
  /// Seconds: a millisecond to 366 days.
  package static let seconds = 0.001...31_622_400.0
}

/// What a workflow says of a node's needs. Nil: nothing, so that the plugin's own word holds. No GPU is a word too.
package struct ResourceOverride: Hashable, Sendable {
  package var cpuCores: Double?
  package var memoryMB: Int?
  package var gpus: GPUAmount?
  package var gpuMemoryMB: Int?
  /// Units that it holds while it runs, of what the operator counts.
  package var semaphores: [SemaphoreLabel: Int]
  /// Where each is written.
  package var locations: [Workflow.ResourcesKey: SourceLocation]

  package init(
    cpuCores: Double? = nil, memoryMB: Int? = nil, gpus: GPUAmount? = nil, gpuMemoryMB: Int? = nil,
    semaphores: [SemaphoreLabel: Int] = [:], locations: [Workflow.ResourcesKey: SourceLocation] = [:]
  ) {
    self.semaphores = semaphores
    self.cpuCores = cpuCores
    self.memoryMB = memoryMB
    self.gpus = gpus
    self.gpuMemoryMB = gpuMemoryMB
    self.locations = locations
  }

  package func completed(by plugin: ResourceRequirement) -> ResourceRequirement {
    ResourceRequirement(
      cpuCores: cpuCores ?? plugin.cpuCores, memoryMB: memoryMB ?? plugin.memoryMB,
      gpuCount: gpus?.count ?? plugin.gpuCount, gpuMilli: gpus?.milli ?? plugin.gpuMilli,
      gpuMemoryMB: gpuMemoryMB ?? plugin.gpuMemoryMB)
  }
}
