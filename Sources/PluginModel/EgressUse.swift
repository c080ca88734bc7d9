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

  package static let maximumDenials = 32

  /// A destination that was refused. Nothing of it is the plugin's own text: it is safe to print.
  package struct Denial: Hashable, Sendable {
    /// `api.example.org:443`.
    package var destination: String
    package var why: String
    /// What would allow it, if anything should.
    package var hint: String?
    package var count: UInt64

    package init(destination: String, why: String, hint: String?, count: UInt64) {
      self.destination = destination
      self.why = why
      self.hint = hint
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

  /// One more of a kind.
  package mutating func deny(_ destination: String, why: String, hint: String?, count: UInt64 = 1) {
    if let known = denials.firstIndex(where: { $0.destination == destination && $0.why == why }) {
      denials[known].count = denials[known].count.addingReportingOverflow(count).partialValue
    } else if denials.count < Self.maximumDenials {
      denials.append(Denial(destination: destination, why: why, hint: hint, count: count))
    } else {
      furtherDenials = furtherDenials.addingReportingOverflow(count).partialValue
    }
  }

  /// Of two attempts at one node.
  package func followed(by next: EgressUse) -> EgressUse {
    var sum = self
    sum.connections &+= next.connections
    sum.bytesSent &+= next.bytesSent
    sum.bytesReceived &+= next.bytesReceived
    sum.failures &+= next.failures
    sum.furtherDenials &+= next.furtherDenials
    for denial in next.denials { sum.deny(denial.destination, why: denial.why, hint: denial.hint, count: denial.count) }
    return sum
  }
}
