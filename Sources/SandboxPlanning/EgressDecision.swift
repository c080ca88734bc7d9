import PluginModel

extension EgressPlan {
  /// Without these nothing is connected to, whatever is granted.
  private static let calls = ["socket", "connect"]

  /// A profile that keeps the plugin from what it was granted; nil: none.
  static func obstacle(in filter: SeccompPlan, _ request: SandboxRequest) -> Diagnostic? {
    let missing = calls.filter { !filter.allowed.contains($0) }
    guard !missing.isEmpty else { return nil }
    return Diagnostic(
      "\(request.plugin) can't have a network under the profile \(filter.profile.quoted)",
      why: "the profile doesn't allow \(missing.joined(separator: " and "))",
      hint: "use another profile, such as \"default\", or revoke the network permission")
  }

  /// What the granted network permissions come to. Refusals go to `problems`.
  static func decided(
    _ granted: [Permission], _ request: SandboxRequest, host: HostFacts, problems: inout PlanRefusal
  ) -> EgressPolicy {
    guard !granted.isEmpty else { return .nothing }
    do throws(Diagnostics) {
      let policy = try EgressPolicy(granted: granted, operator: request.network)
      if policy.allowsEverything, case .unavailable(let why, let remedy) = host.openNetworks {
        problems.host.append(
          Diagnostic(
            "\(request.plugin) is granted network.socket for everything, which this host can't give", why: why,
            hint: "\(remedy); or grant the endpoints that it needs: network.socket:HOST:PORT,…"))
      }
      if !policy.allowsEverything, policy.ports.count > maximumPorts {
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

extension OpenNetwork {
  /// Nil where less than everything is granted, or the host can't give it, which ``EgressPlan`` has refused.
  static func decided(_ policy: EgressPolicy, host: HostFacts) -> OpenNetwork? {
    guard policy.allowsEverything, case .available(let program) = host.openNetworks else { return nil }
    return OpenNetwork(program: program, resolver: host.resolver, policy: policy)
  }
}
