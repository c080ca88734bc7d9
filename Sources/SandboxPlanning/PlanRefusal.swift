import PluginModel

/// Why there is no plan, by who can mend it.
package struct PlanRefusal: Error, Sendable, CustomStringConvertible {
  /// What this host lacks: no sandbox, or not this one, can be had here.
  package var host: [Diagnostic] = []
  /// What is wrong with what was asked for: a grant, the profile, the workspace, the interpreter. No host would do.
  package var request: [Diagnostic] = []

  package init(host: [Diagnostic] = [], request: [Diagnostic] = []) {
    self.host = host
    self.request = request
  }

  package var isEmpty: Bool { host.isEmpty && request.isEmpty }
  package var items: [Diagnostic] { host + request }
  package var description: String { items.map(\.description).joined(separator: "\n") }
}
