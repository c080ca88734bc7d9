/// What a node was given, until it has finished. Its cgroup and its devices are to be exactly this.
package struct Assignment: Hashable, Sendable {
  package var node: NodeReference
  package var host: HostIdentifier
  /// Thousandths of a logical processor.
  package var cpuMilli: Int
  /// Bytes.
  package var memory: Int
  package var gpus: [GPUGrant]
  package var semaphores: [SemaphoreClaim]
}

/// A device, or a part of one.
package struct GPUGrant: Hashable, Sendable {
  package var device: GPUIdentifier
  /// Of 1000: less means that others use the device too.
  package var milli: Int
  /// Bytes of its memory.
  package var memory: Int
}
