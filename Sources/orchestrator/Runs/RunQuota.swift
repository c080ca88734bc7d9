import Scheduling

/// What all nodes of some runs may hold together: semaphores that each takes as much of as it asks for.
struct RunQuota: Sendable {
  /// Thousandths.
  var cpu: SemaphoreName?
  /// Mebibytes.
  var memory: SemaphoreName?
  /// Thousandths.
  var gpus: SemaphoreName?

  func charging(_ request: ResourceRequest) -> ResourceRequest {
    guard cpu != nil || memory != nil || gpus != nil else { return request }
    var semaphores = Dictionary(request.semaphores.map { ($0.name, $0.count) }) { first, _ in first }
    func charge(_ name: SemaphoreName?, _ amount: Int) {
      if let name, amount > 0 { semaphores[name] = amount }
    }
    charge(cpu, request.cpuMilli)
    charge(memory, request.memoryMB)
    charge(gpus, request.gpu.milli)
    return ResourceRequest(
      cpuMilli: request.cpuMilli, memory: request.memory, gpu: request.gpu, semaphores: semaphores)
  }
}

extension ResourceRequest {
  /// Mebibytes, whole ones.
  var memoryMB: Int { (memory + (1 << 20) - 1) >> 20 }
}
