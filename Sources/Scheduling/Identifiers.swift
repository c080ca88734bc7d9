/// The identifier of a run, as the engine writes it.
package struct RunIdentifier: Hashable, Sendable, CustomStringConvertible {
  package var text: String
  package init(_ text: String) { self.text = text }
  package var description: String { text }
}

/// One node of one run; `node` is its index in the run's graph.
package struct NodeReference: Hashable, Sendable, CustomStringConvertible {
  package var run: RunIdentifier
  package var node: Int

  package init(run: RunIdentifier, node: Int) {
    self.run = run
    self.node = node
  }

  package var description: String { "\(run)/\(node)" }
}

/// The name of a host, unique among the hosts of a scheduler.
package struct HostIdentifier: Hashable, Sendable, CustomStringConvertible {
  package var text: String
  package init(_ text: String) { self.text = text }
  package var description: String { text }
}

/// What a device is called on its host: a UUID, an index, or a CDI name.
package struct GPUIdentifier: Hashable, Sendable, CustomStringConvertible {
  package var text: String
  package init(_ text: String) { self.text = text }
  package var description: String { text }
}

/// The size of a MIG instance as NVIDIA writes it, `1g.10gb` (MIG user guide, "Supported MIG profiles").
package struct MIGProfile: Hashable, Sendable, CustomStringConvertible {
  package var text: String
  package init(_ text: String) { self.text = text }
  package var description: String { text }
}

/// A counted thing that belongs to no host, such as `license:matlab`.
package struct SemaphoreName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var text: String
  package init(_ text: String) { self.text = text }
  package var description: String { text }
  package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}
