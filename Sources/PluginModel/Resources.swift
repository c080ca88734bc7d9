/// What a node needs in order to run. Zero means "none asked for", never "unlimited".
package struct ResourceRequirement: Hashable, Sendable {
  /// Logical processors; 0.5 is half of one.
  package var cpuCores: Double
  /// Mebibytes of memory.
  package var memoryMB: Int
  package var gpuCount: Int
  /// Mebibytes of memory on each GPU.
  package var gpuMemoryMB: Int

  package init(cpuCores: Double = 0, memoryMB: Int = 0, gpuCount: Int = 0, gpuMemoryMB: Int = 0) {
    self.cpuCores = cpuCores
    self.memoryMB = memoryMB
    self.gpuCount = gpuCount
    self.gpuMemoryMB = gpuMemoryMB
  }
}

/// What a workflow says of a node's needs. Nil: nothing, so that the plugin's own word holds; zero is a word too.
package struct ResourceOverride: Hashable, Sendable {
  package var cpuCores: Double?
  package var memoryMB: Int?
  package var gpuCount: Int?
  package var gpuMemoryMB: Int?

  package init(cpuCores: Double? = nil, memoryMB: Int? = nil, gpuCount: Int? = nil, gpuMemoryMB: Int? = nil) {
    self.cpuCores = cpuCores
    self.memoryMB = memoryMB
    self.gpuCount = gpuCount
    self.gpuMemoryMB = gpuMemoryMB
  }

  package func completed(by plugin: ResourceRequirement) -> ResourceRequirement {
    ResourceRequirement(
      cpuCores: cpuCores ?? plugin.cpuCores, memoryMB: memoryMB ?? plugin.memoryMB,
      gpuCount: gpuCount ?? plugin.gpuCount,
      gpuMemoryMB: gpuMemoryMB ?? plugin.gpuMemoryMB)
  }
}
