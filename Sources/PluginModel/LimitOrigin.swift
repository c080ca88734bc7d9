/// Who decided a limit. The raw value is its name in JSON.
package enum LimitOrigin: String, CaseIterable, Hashable, Sendable {
  /// The workflow for the node, or else its plugin for all nodes of the type.
  case node
  /// The plugin for this node and its inputs, just before it ran.
  case estimate
  /// The supervisor, because the attempt before had run out of memory.
  case retry
  case profile
  /// `limits` of plugin_system.yaml.
  case ceiling = "plugin_system.yaml"
  /// `memory.unlimited`.
  case permission = "memory.unlimited"
  /// Every worker has it.
  case always

  /// After a limit: `its limit is 64Mi, by its estimate`.
  package var words: String {
    switch self {
    case .node: "asked for by the node"
    case .estimate: "by its estimate"
    case .retry: "raised because the attempt before ran out of memory"
    case .profile: "by the profile"
    case .ceiling: "by plugin_system.yaml"
    case .permission: "by memory.unlimited"
    case .always: "always"
    }
  }
}

/// What one attempt at a node could have, and by whose word.
package struct HeldLimits: Hashable, Sendable {
  /// From 1.
  package var attempt: Int
  /// Bytes; nil: it had no limit of its own.
  package var memory: UInt64?
  /// Nil: nobody spoke of it.
  package var memoryOrigin: LimitOrigin?
  /// Logical processors.
  package var processors: Double?
  package var processorsOrigin: LimitOrigin?

  package init(
    attempt: Int, memory: UInt64? = nil, memoryOrigin: LimitOrigin? = nil, processors: Double? = nil,
    processorsOrigin: LimitOrigin? = nil
  ) {
    self.attempt = attempt
    self.memory = memory
    self.memoryOrigin = memoryOrigin
    self.processors = processors
    self.processorsOrigin = processorsOrigin
  }
}
