/// What a node has had of the network, as the supervisor's relay counted it until its answer, since its worker was ready or since
/// its answer before.
package struct EgressUse: Hashable, Sendable {
  /// To a host that answered.
  package var connections: UInt64
  /// What the plugin sent and received over them, without what the relay itself says.
  package var bytesSent: UInt64
  package var bytesReceived: UInt64
  /// Allowed, and come to nothing: the name wasn't found, or nobody answered.
  package var failures: UInt64
  /// In the order in which they were first refused; at most ``maximumDenials`` different ones.
  package var denials: [Denial]
  /// Those of other destinations than ``denials`` has.
  package var furtherDenials: UInt64
  /// Where connections were made to, as the relay names it; the first ones, each once.
  package private(set) var reached: [Destination] = []
  /// Connections to others than ``reached``.
  package private(set) var furtherReached: UInt64 = 0

  package static let maximumDenials = 32

  /// A destination that was refused. Nothing of it is the plugin's own text: it is safe to print.
  package struct Denial: Hashable, Sendable {
    package var host: String
    /// Nil: of looking up its name.
    package var port: UInt16?
    package var why: String
    /// What would allow it, if anything should.
    package var hint: String?
    /// The permission among that.
    package var permission: Permission?
    package var count: UInt64

    /// `api.example.org:443`.
    package var destination: String { port.map { "\(host):\($0)" } ?? host }

    package init(
      host: String, port: UInt16?, why: String, hint: String? = nil, permission: Permission? = nil, count: UInt64 = 1
    ) {
      self.host = host
      self.port = port
      self.why = why
      self.hint = hint
      self.permission = permission
      self.count = count
    }
  }

  /// One end of connections that were made.
  package struct Destination: Hashable, Sendable {
    package var host: String
    package var port: UInt16
    package var count: UInt64

    package init(host: String, port: UInt16, count: UInt64 = 1) {
      self.host = host
      self.port = port
      self.count = count
    }
  }

  package init(
    connections: UInt64 = 0, bytesSent: UInt64 = 0, bytesReceived: UInt64 = 0, failures: UInt64 = 0,
    denials: [Denial] = [], furtherDenials: UInt64 = 0
  ) {
    self.connections = connections
    self.bytesSent = bytesSent
    self.bytesReceived = bytesReceived
    self.failures = failures
    self.denials = denials
    self.furtherDenials = furtherDenials
  }

  /// A connection was made.
  package mutating func reach(_ host: String, _ port: UInt16, count: UInt64 = 1) {
    if let known = reached.firstIndex(where: { $0.host == host && $0.port == port }) {
      reached[known].count = reached[known].count.addingReportingOverflow(count).partialValue
    } else if reached.count < Self.maximumDenials {
      reached.append(Destination(host: host, port: port, count: count))
    } else {
      furtherReached = furtherReached.addingReportingOverflow(count).partialValue
    }
  }

  /// One more of a kind, or as many as it counts.
  package mutating func deny(_ denial: Denial) {
    let known = denials.firstIndex { $0.host == denial.host && $0.port == denial.port && $0.why == denial.why }
    if let known {
      denials[known].count = denials[known].count.addingReportingOverflow(denial.count).partialValue
    } else if denials.count < Self.maximumDenials {
      denials.append(denial)
    } else {
      furtherDenials = furtherDenials.addingReportingOverflow(denial.count).partialValue
    }
  }

  /// The same, among all that a node was denied.
  package var record: DenialRecord {
    DenialRecord(
      denials.map { denial in
        PluginModel.Denial(
          .network(host: denial.host, port: denial.port, why: denial.why), count: denial.count, evidence: .certain,
          permission: denial.permission)
      }, further: furtherDenials)
  }

  /// Of two attempts at one node.
  package func followed(by next: EgressUse) -> EgressUse {
    var sum = self
    sum.connections &+= next.connections
    sum.bytesSent &+= next.bytesSent
    sum.bytesReceived &+= next.bytesReceived
    sum.failures &+= next.failures
    sum.furtherDenials &+= next.furtherDenials
    for denial in next.denials { sum.deny(denial) }
    for place in next.reached { sum.reach(place.host, place.port, count: place.count) }
    sum.furtherReached &+= next.furtherReached
    return sum
  }
}

extension EgressUse {
  /// Without destinations that would tell a secret: those are counted, and not named.
  package func masked(_ mask: SecretMask) -> EgressUse {
    var use = self
    for denial in denials where mask.finds(in: denial.host.utf8) { use.furtherDenials &+= denial.count }
    use.denials.removeAll { mask.finds(in: $0.host.utf8) }
    for destination in reached where mask.finds(in: destination.host.utf8) { use.furtherReached &+= destination.count }
    use.reached.removeAll { mask.finds(in: $0.host.utf8) }
    return use
  }
}
