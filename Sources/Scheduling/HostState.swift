/// What is free on a host, in the form that placement works with. Devices are at the index that they have in
/// ``HostCapacity/devices``.
struct HostState: Sendable {
  struct Device: Sendable {
    /// Of 1000; 1000: nobody has any of it.
    var milli: Int
    /// Bytes.
    var memory: Int
    let capacity: Int
    /// Of MIG.
    let isInstance: Bool
    var isFree: Bool { milli == 1000 }
  }

  /// What can be told without a look at each device.
  private(set) var brief: HostBrief
  private(set) var devices: [Device]
  /// By device; empty where none is an instance of MIG.
  private let profiles: [MIGProfile?]

  /// An empty host.
  init(_ host: HostCapacity) {
    devices = host.devices.map {
      Device(milli: 1000, memory: $0.memory, capacity: $0.memory, isInstance: $0.profile != nil)
    }
    profiles = devices.contains(where: \.isInstance) ? host.devices.map(\.profile) : []
    brief = HostBrief(
      cpu: host.cpuMilli, memory: host.memory, freeDevices: devices.count, deviceMilli: devices.count * 1000)
  }

  /// Of a host that has gone: nothing fits, not even what needs nothing.
  init() {
    devices = []
    profiles = []
    brief = HostBrief(cpu: -1, memory: -1, freeDevices: 0, deviceMilli: 0)
  }

  /// What is free in both views of one host.
  init(meeting first: HostState, _ second: HostState) {
    self = first
    brief.cpu = min(brief.cpu, second.brief.cpu)
    brief.memory = min(brief.memory, second.brief.memory)
    for index in devices.indices {
      devices[index].milli = min(devices[index].milli, second.devices[index].milli)
      devices[index].memory = min(devices[index].memory, second.devices[index].memory)
    }
    brief.freeDevices = devices.count(where: \.isFree)
    brief.deviceMilli = devices.reduce(0) { $0 + $1.milli }
  }

  var hasInstances: Bool { !profiles.isEmpty }
  func profile(of device: Int) -> MIGProfile? { hasInstances ? profiles[device] : nil }

  /// Semaphores aside.
  func fits(_ request: ResourceRequest) -> Bool {
    guard brief.mayFit(HostBrief(request)) else { return false }
    switch request.gpu {
    case .none: return true
    case .devices(let count, let memory, let profile):
      return memory == 0 && profile == nil || matching(memory, profile) >= count
    case .share(let milli, let memory): return devices.contains { $0.canShare(milli, memory) }
    }
  }

  /// Whether a device would do, were it free.
  func matches(_ device: Int, _ memory: Int, _ profile: MIGProfile?) -> Bool {
    devices[device].capacity >= memory && (profile == nil || profile == self.profile(of: device))
  }

  /// How many free devices there are with so much memory, of that size.
  func matching(_ memory: Int, _ profile: MIGProfile?) -> Int {
    devices.indices.count { devices[$0].isFree && matches($0, memory, profile) }
  }

  /// Devices of one's own: the ones with least memory that do, so that the larger stay for those who need them.
  /// Empty where there are too few.
  func choose(count: Int, memory: Int, profile: MIGProfile?) -> [Int] {
    let candidates = devices.indices.filter { devices[$0].isFree && matches($0, memory, profile) }
    guard candidates.count >= count else { return [] }
    return Array(candidates.sorted { (devices[$0].capacity, $0) < (devices[$1].capacity, $1) }.prefix(count))
  }

  /// Takes, or with `sign` -1 gives back. Whoever takes has asked whether it fits.
  mutating func take(_ claim: HostClaim, sign: Int = 1) {
    brief.cpu -= sign * claim.cpu
    brief.memory -= sign * claim.memory
    for part in claim.devices where part.index < devices.count {
      if devices[part.index].isFree { brief.freeDevices -= 1 }
      devices[part.index].milli -= sign * part.milli
      devices[part.index].memory -= sign * part.memory
      brief.deviceMilli -= sign * part.milli
      if devices[part.index].isFree { brief.freeDevices += 1 }
    }
  }
}

extension HostState.Device {
  func canShare(_ milli: Int, _ memory: Int) -> Bool {
    self.milli >= milli && self.memory >= memory && !isInstance
  }
}

/// Of a host's state, or of a request: what can be compared without a look at each device.
struct HostBrief: Sendable {
  /// Thousandths; below 0 where the host has shrunk.
  var cpu: Int
  /// Bytes; below 0 likewise.
  var memory: Int
  /// Devices that nobody has any of.
  var freeDevices: Int
  /// Thousandths, over all devices.
  var deviceMilli: Int

  func mayFit(_ request: HostBrief) -> Bool {
    request.cpu <= cpu && request.memory <= memory && request.freeDevices <= freeDevices
      && request.deviceMilli <= deviceMilli
  }
}

extension HostBrief {
  init(_ request: ResourceRequest) {
    cpu = request.cpuMilli
    memory = request.memory
    deviceMilli = request.gpu.milli
    if case .devices(let count, _, _) = request.gpu { freeDevices = count } else { freeDevices = 0 }
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
