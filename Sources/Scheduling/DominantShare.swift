/// Amounts of everything that runs compete for, over all hosts.
struct Usage: Sendable {
  var cpu = 0
  var memory = 0
  /// Thousandths of devices.
  var devices = 0
  /// Bytes of devices.
  var deviceMemory = 0
  /// By index; those beyond the end are 0.
  var semaphores: [Int] = []

  /// What all hosts have, or, with `sign` -1, one host less.
  mutating func add(_ host: HostCapacity, sign: Int = 1) {
    cpu += sign * host.cpuMilli
    memory += sign * host.memory
    devices += sign * host.devices.count * 1000
    deviceMemory += sign * host.devices.reduce(0) { $0 + $1.memory }
  }

  mutating func add(_ assignment: Assignment, _ claims: [Semaphores.Claim], sign: Int = 1) {
    cpu += sign * assignment.cpuMilli
    memory += sign * assignment.memory
    for grant in assignment.gpus {
      devices += sign * grant.milli
      deviceMemory += sign * grant.memory
    }
    for claim in claims {
      while semaphores.count <= claim.index { semaphores.append(0) }
      semaphores[claim.index] += sign * claim.count
    }
  }

  /// The largest part that this is of any resource's total: the dominant share (Ghodsi et al., "Dominant Resource Fairness", NSDI
  /// 2011). Of a resource that has gone altogether, whoever still has some has all.
  func dominantShare(of total: Usage, _ counters: [Semaphores.Counter]) -> Double {
    func part(_ used: Int, _ all: Int) -> Double { used <= 0 ? 0 : all <= 0 ? 1 : Double(used) / Double(all) }
    var share = max(
      part(cpu, total.cpu), part(memory, total.memory), part(devices, total.devices),
      part(deviceMemory, total.deviceMemory))
    for (index, used) in semaphores.enumerated() { share = max(share, part(used, counters[index].capacity)) }
    return share
  }
}
