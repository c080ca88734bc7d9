import PluginModel

/// All that is known of a plugin once a workflow ran with it and everything was watched.
package struct LearningEvidence: Hashable, Sendable {
  package var plugin: PluginName
  /// By its manifest.
  package var asked: [Permission]
  /// What it had in that run.
  package var granted: [Permission]
  /// What it ran under.
  package var base: SecurityProfile
  package var nodes: [Node]
  /// What lies on the host where the nodes named a path.
  package var places: [AbsolutePath: Place]
  /// `system.exec` with a list of programs can be had on this host.
  package var canListPrograms: Bool
  /// Of what it had, what every plugin has that asks for it (`default_permissions`): a profile that forbade it would stop every run.
  package var unavoidable: [Permission]

  /// One node of the plugin, all its attempts together.
  package struct Node: Hashable, Sendable {
    package var name: String
    package var observation: Observation
    package var egress: EgressUse?
    /// Bytes; nil: nobody counted.
    package var memoryPeak: UInt64?
    package var gpus: Int
    /// What it named to open or to start, and its sandbox doesn't show, though the host has it.
    package var hidden: [UntrustedBytes]

    package init(
      _ name: String, _ observation: Observation, egress: EgressUse? = nil, memoryPeak: UInt64? = nil, gpus: Int = 0,
      hidden: [UntrustedBytes] = []
    ) {
      self.hidden = hidden
      self.name = name
      self.observation = observation
      self.egress = egress
      self.memoryPeak = memoryPeak
      self.gpus = gpus
    }
  }

  package enum Place: Hashable, Sendable {
    case file
    case directory
    /// It is a link, or lies behind one: no part of what was granted can be told apart by it.
    case link
  }

  package init(
    plugin: PluginName, asked: [Permission], granted: [Permission], base: SecurityProfile, nodes: [Node],
    places: [AbsolutePath: Place], canListPrograms: Bool = true, unavoidable: [Permission] = []
  ) {
    self.unavoidable = Set(unavoidable).sorted()
    self.plugin = plugin
    self.asked = asked
    self.granted = Set(granted).sorted()
    self.base = base
    self.nodes = nodes
    self.places = places
    self.canListPrograms = canListPrograms
  }
}

/// What speaks for one line of a proposal, in words: one line each, harmless to a terminal, a comment and a log.
enum LearningReason {
  /// So many are told of one line.
  static let shown = 4

  /// Of what was named, and how often, by which node.
  static func words(_ uses: [LearnedUse]) -> [String] {
    let lines = uses.prefix(shown).map { use in
      "\(use.node) \(use.verb) \(use.object), \(use.count == 1 ? "once" : "\(use.count) times")"
    }
    return uses.count > shown ? lines + ["and \(uses.count - shown) more of this kind"] : lines
  }
}

/// One thing that a node was seen to do.
struct LearnedUse: Hashable, Sendable {
  var node: String
  /// `read`, `connected to`.
  var verb: String
  /// Harmless.
  var object: String
  var count: UInt64
}
