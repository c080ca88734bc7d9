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
