/// What a host has for nodes, in all: what the operator keeps for the system is already taken off.
package struct HostCapacity: Hashable, Sendable {
  package var name: HostIdentifier
  /// Thousandths of a logical processor.
  package var cpuMilli: Int
  /// Bytes.
  package var memory: Int
  package var devices: [GPUDevice]

  /// Amounts are cut to what a host can have.
  package init(name: HostIdentifier, cpuMilli: Int, memory: Int, devices: [GPUDevice] = []) {
    self.name = name
    self.cpuMilli = min(max(0, cpuMilli), ResourceRequest.limits.cpuMilli)
    self.memory = min(max(0, memory), ResourceRequest.limits.memory)
    self.devices = devices
  }
}

/// A GPU, or an instance of one that is divided by MIG.
package struct GPUDevice: Hashable, Sendable {
  package var id: GPUIdentifier
  /// Bytes.
  package var memory: Int
  /// Nil: a whole GPU. An instance is never shared.
  package var profile: MIGProfile?

  package init(id: GPUIdentifier, memory: Int, profile: MIGProfile? = nil) {
    self.id = id
    self.memory = min(max(0, memory), ResourceRequest.limits.memory)
    self.profile = profile
  }
}

/// What a host has left for other nodes.
package struct HostFree: Hashable, Sendable {
  /// Thousandths of a logical processor; below 0 where the host has shrunk under what runs on it.
  package var cpuMilli: Int
  /// Bytes; below 0 likewise.
  package var memory: Int
  package var devices: [Device]

  package struct Device: Hashable, Sendable {
    package var id: GPUIdentifier
    /// Of 1000.
    package var milli: Int
    /// Bytes.
    package var memory: Int
  }
}
