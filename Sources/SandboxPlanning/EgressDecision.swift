import PluginModel

extension EgressPlan {
  /// What the granted network permissions come to. Refusals go to `problems`.
  static func decided(
    _ granted: [Permission], _ request: SandboxRequest, problems: inout PlanRefusal
  ) -> EgressPolicy {
    guard !granted.isEmpty else { return .nothing }
    do throws(Diagnostics) {
      let policy = try EgressPolicy(granted: granted, operator: request.network)
      if policy.ports.count > maximumPorts {
        problems.request.append(
          Diagnostic(
            "\(request.plugin) is granted \(policy.ports.count) different ports of network.socket",
            why: "each is a socket of every worker, which has at most \(maximumPorts)",
            hint: "grant fewer, or let the services share ports"))
      }
      return policy
    } catch {
      problems.request += error.items
      return .nothing
    }
  }
}
