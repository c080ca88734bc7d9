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
  /// Of an instance whose size is known.
  package var profile: MIGProfile?
  /// It is a part of a GPU that the driver keeps apart, and is never shared.
  package var isInstance: Bool
  /// Whose devices it is one of, `nvidia.com/gpu`: a node gets devices of one kind.
  package var kind: String

  package init(
    id: GPUIdentifier, memory: Int, profile: MIGProfile? = nil, isInstance: Bool = false, kind: String = ""
  ) {
    self.id = id
    self.isInstance = isInstance || profile != nil
    self.kind = kind
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
    /// Of 1000; 0 where another process has it.
    package var milli: Int
    /// Bytes; 0 likewise.
    package var memory: Int
  }
}
