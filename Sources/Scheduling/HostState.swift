/// What is free on a host, in the form that placement works with. Devices are at the index that they have in ``HostCapacity/devices``.
struct HostState: Sendable {
  struct Device: Sendable {
    /// Of 1000; 1000: nobody has any of it.
    var milli: Int
    /// Bytes.
    var memory: Int
    let capacity: Int
    let profile: MIGProfile?
    var isFree: Bool { milli == 1000 }
  }

  /// Thousandths; below 0 where the host has shrunk.
  private(set) var cpu: Int
  /// Bytes; below 0 likewise.
  private(set) var memory: Int
  private(set) var devices: [Device]
  /// How many devices nobody has any of.
  private(set) var freeDevices: Int
  /// Thousandths, over all devices.
  private(set) var deviceMilli: Int
  /// Whether some devices are instances of MIG.
  let hasInstances: Bool

  /// An empty host.
  init(_ host: HostCapacity) {
    cpu = host.cpuMilli
    memory = host.memory
    devices = host.devices.map { Device(milli: 1000, memory: $0.memory, capacity: $0.memory, profile: $0.profile) }
    freeDevices = devices.count
    hasInstances = devices.contains { $0.profile != nil }
    deviceMilli = devices.count * 1000
  }

  /// What is free in both views of one host.
  init(meeting first: HostState, _ second: HostState) {
    self = first
    cpu = min(cpu, second.cpu)
    memory = min(memory, second.memory)
    for index in devices.indices {
      devices[index].milli = min(devices[index].milli, second.devices[index].milli)
      devices[index].memory = min(devices[index].memory, second.devices[index].memory)
    }
    freeDevices = devices.count(where: \.isFree)
    deviceMilli = devices.reduce(0) { $0 + $1.milli }
  }

  /// Semaphores aside.
  func fits(_ request: ResourceRequest) -> Bool {
    guard request.cpuMilli <= cpu, request.memory <= memory else { return false }
    switch request.gpu {
    case .none: return true
    case .devices(let count, let memory, let profile):
      guard count <= freeDevices else { return false }
      return memory == 0 && profile == nil || matching(memory, profile) >= count
    case .share(let milli, let memory):
      guard milli <= deviceMilli else { return false }
      return devices.contains { $0.canShare(milli, memory) }
    }
  }

  /// How many free devices there are with so much memory, of that size.
  func matching(_ memory: Int, _ profile: MIGProfile?) -> Int {
    devices.count { $0.isFree && $0.matches(memory, profile) }
  }

  /// Devices of one's own: the ones with least memory that do, so that the larger stay for those who need them.
  /// Empty where there are too few.
  func choose(count: Int, memory: Int, profile: MIGProfile?) -> [Int] {
    let candidates = devices.indices.filter { devices[$0].isFree && devices[$0].matches(memory, profile) }
    guard candidates.count >= count else { return [] }
    return Array(candidates.sorted { (devices[$0].capacity, $0) < (devices[$1].capacity, $1) }.prefix(count))
  }

  /// Takes, or with `sign` -1 gives back. Whoever takes has asked whether it fits.
  mutating func take(_ claim: HostClaim, sign: Int = 1) {
    cpu -= sign * claim.cpu
    memory -= sign * claim.memory
    for part in claim.devices where part.index < devices.count {
      if devices[part.index].isFree { freeDevices -= 1 }
      devices[part.index].milli -= sign * part.milli
      devices[part.index].memory -= sign * part.memory
      deviceMilli -= sign * part.milli
      if devices[part.index].isFree { freeDevices += 1 }
    }
  }
}

extension HostState.Device {
  func matches(_ memory: Int, _ profile: MIGProfile?) -> Bool {
    capacity >= memory && (profile == nil || profile == self.profile)
  }

  func canShare(_ milli: Int, _ memory: Int) -> Bool {
    self.milli >= milli && self.memory >= memory && profile == nil
  }
}

/// What a node has of one host, by the indices of its devices.
struct HostClaim: Sendable {
  struct DevicePart: Sendable {
    var index: Int
    var milli: Int
    /// Bytes.
    var memory: Int
  }

  var cpu: Int
  var memory: Int
  var devices: [DevicePart]

  /// `chosen`: the devices, as many as the request needs.
  init(_ request: ResourceRequest, chosen: [Int], on state: HostState) {
    cpu = request.cpuMilli
    memory = request.memory
    switch request.gpu {
    case .none: devices = []
    case .devices:
      devices = chosen.map { DevicePart(index: $0, milli: 1000, memory: state.devices[$0].capacity) }
    case .share(let milli, let memory):
      devices = chosen.map { DevicePart(index: $0, milli: milli, memory: memory) }
    }
  }
}
