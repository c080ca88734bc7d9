import PluginModel
import SandboxPlanning
import SandboxRuntime

/// What one call has had of its worker's sandbox.
package struct CallAccount: Sendable {
  /// Nil where nobody counts.
  package var usage: ResourceUsage?
  /// Nil where it has no network permission.
  package var egress: EgressUse?
  package var denials: DenialRecord
  /// Nil where its plan doesn't observe.
  package var observation: Observation?

  package init(
    usage: ResourceUsage? = nil, egress: EgressUse? = nil, denials: DenialRecord = DenialRecord(),
    observation: Observation? = nil
  ) {
    self.observation = observation
    self.usage = usage
    self.egress = egress
    self.denials = denials
  }

  /// Of a call that went to a second worker because the first had died: what was used last counts, and all connections and denials.
  package mutating func add(_ next: CallAccount) {
    usage = next.usage ?? usage
    egress = joined(egress, next.egress) { $0.followed(by: $1) }
    denials.add(next.denials)
    observation = joined(observation, next.observation) { $0.followed(by: $1) }
  }
}
