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
    /// Another process has it, and nobody here can.
    var isHeld = false
    /// Of 1000, for nodes to come.
    var available: Int { isHeld ? 0 : milli }
    var isFree: Bool { available == 1000 }
  }

  /// What can be told without a look at each device.
  private(set) var brief: HostBrief
  private(set) var devices: [Device]
  /// By device; empty where none is an instance of MIG.
  private let profiles: [MIGProfile?]
  /// By device: the place of its kind among all kinds, by name; empty where there is one.
  private let kinds: [Int]

  /// An empty host.
  init(_ host: HostCapacity) {
    devices = host.devices.map {
      Device(milli: 1000, memory: $0.memory, capacity: $0.memory, isInstance: $0.isInstance)
    }
    let names = Set(host.devices.map(\.kind)).sorted()
    kinds = names.count > 1 ? host.devices.map { names.firstIndex(of: $0.kind) ?? 0 } : []
    profiles = devices.contains(where: \.isInstance) ? host.devices.map(\.profile) : []
    brief = HostBrief(
      cpu: host.cpuMilli, memory: host.memory, freeDevices: devices.count, deviceMilli: devices.count * 1000)
  }

  /// Of a host that has gone: nothing fits, not even what needs nothing.
  init() {
    devices = []
    profiles = []
    kinds = []
    brief = HostBrief(cpu: -1, memory: -1, freeDevices: 0, deviceMilli: 0)
  }

  /// What is free in both views of one host; what others have is as the first has it.
  init(meeting first: HostState, _ second: HostState) {
    self = first
    brief.cpu = min(brief.cpu, second.brief.cpu)
    brief.memory = min(brief.memory, second.brief.memory)
    for index in devices.indices {
      devices[index].milli = min(devices[index].milli, second.devices[index].milli)
      devices[index].memory = min(devices[index].memory, second.devices[index].memory)
    }
    brief.freeDevices = devices.count(where: \.isFree)
    brief.deviceMilli = devices.reduce(0) { $0 + $1.available }
  }

  var hasInstances: Bool { !profiles.isEmpty }
  func profile(of device: Int) -> MIGProfile? { hasInstances ? profiles[device] : nil }

  /// Semaphores aside.
  func fits(_ request: ResourceRequest) -> Bool {
    guard brief.mayFit(HostBrief(request)) else { return false }
    switch request.gpu {
    case .none: return true
    case .devices(let count, let memory, let profile):
      if memory == 0, profile == nil, kinds.isEmpty { return true }
      return matching(memory, profile, kind(for: request.gpu)) >= count
    case .share(let milli, let memory):
      let kind = kind(for: request.gpu)
      return devices.indices.contains { canShare($0, milli, memory, kind) }
    }
  }

  /// The kind that a request gets devices of, because a program is made for one: the first by name that has enough, were all free; where
  /// none has, the one that has most. Nil: there is one kind.
  func kind(for gpu: GPURequest) -> Int? {
    guard !kinds.isEmpty, let last = kinds.max() else { return nil }
    var best: (kind: Int, count: Int)?
    for kind in 0...last {
      let (needed, count): (Int, Int)
      switch gpu {
      case .none: return nil
      case .devices(let wanted, let memory, let profile):
        (needed, count) = (wanted, devices.indices.count { matches($0, memory, profile, kind) })
      case .share(_, let memory): (needed, count) = (1, devices.indices.count { canEverShare($0, memory, kind) })
      }
      if count >= needed { return kind }
      if count > best?.count ?? -1 { best = (kind, count) }
    }
    return best?.kind
  }

  private func isOf(_ kind: Int?, _ device: Int) -> Bool { kind.map { kinds[device] == $0 } ?? true }

  /// Whether a device would do, were it free.
  /// - Parameter kind: nil: any.
  func matches(_ device: Int, _ memory: Int, _ profile: MIGProfile?, _ kind: Int?) -> Bool {
    devices[device].capacity >= memory && (profile == nil || profile == self.profile(of: device)) && isOf(kind, device)
  }

  /// Whether a part of a device would do, were all of it free.
  func canEverShare(_ device: Int, _ memory: Int, _ kind: Int?) -> Bool {
    devices[device].capacity >= memory && !devices[device].isInstance && isOf(kind, device)
  }

  /// Whether so much of a device is there for a request.
  func canShare(_ device: Int, _ milli: Int, _ memory: Int, _ kind: Int?) -> Bool {
    devices[device].canShare(milli, memory) && isOf(kind, device)
  }

  /// How many free devices there are with so much memory, of that size.
  func matching(_ memory: Int, _ profile: MIGProfile?, _ kind: Int?) -> Int {
    devices.indices.count { devices[$0].isFree && matches($0, memory, profile, kind) }
  }

  /// Devices of one's own: the ones with least memory that do, so that the larger stay for those who need them.
  /// Empty where there are too few.
  func choose(count: Int, memory: Int, profile: MIGProfile?) -> [Int] {
    let kind = kind(for: .devices(count: count, memory: memory, profile: profile))
    let candidates = devices.indices.filter { devices[$0].isFree && matches($0, memory, profile, kind) }
    guard candidates.count >= count else { return [] }
    return Array(candidates.sorted { (devices[$0].capacity, $0) < (devices[$1].capacity, $1) }.prefix(count))
  }

  /// Takes, or with `sign` -1 gives back. Whoever takes has asked whether it fits.
  mutating func take(_ claim: HostClaim, sign: Int = 1) {
    brief.cpu -= sign * claim.cpu
    brief.memory -= sign * claim.memory
    for part in claim.devices where part.index < devices.count {
      change(part.index) { device in
        device.milli -= sign * part.milli
        device.memory -= sign * part.memory
      }
    }
  }

  mutating func setHeld(_ device: Int, _ isHeld: Bool) { change(device) { $0.isHeld = isHeld } }

  private mutating func change(_ device: Int, _ body: (inout Device) -> Void) {
    let before = devices[device]
    body(&devices[device])
    brief.freeDevices += (devices[device].isFree ? 1 : 0) - (before.isFree ? 1 : 0)
    brief.deviceMilli += devices[device].available - before.available
  }
}

extension HostState.Device {
  func canShare(_ milli: Int, _ memory: Int) -> Bool {
    available >= milli && self.memory >= memory && !isInstance && !isHeld
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
  /// Thousandths, over all devices that no other process has.
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
