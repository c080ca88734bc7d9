import PluginModel

extension HostFacts {
  /// The limits that this host's kernel doesn't hold, so that the supervisor has to: ``Watchdog``.
  package var watchedControllers: [CgroupPlan.Controller] {
    [.cpu, .memory, .pids].filter { !limitControllers.contains($0) }
  }

  /// What an operator demands and this host hasn't, each with its remedy.
  func unmet(_ required: [Located<SecurityRequirement>]) -> [Diagnostic] {
    required.compactMap { item in
      let missing = item.value.controllers.filter(watchedControllers.contains)
      guard !missing.isEmpty else { return nil }
      let names = missing.map(\.words).joined(separator: " and ")
      return Diagnostic(
        "this host's kernel holds no limit of \(names), and 'require' demands it",
        why: cgroupRoot == nil
          ? "this process may make no cgroup"
          : "its cgroup has no controller \(missing.map(\.rawValue).joined(separator: ", "))",
        hint:
          "start orchestrator in a cgroup that is delegated to it with these controllers (systemd-run --user --scope -p "
          + "Delegate=yes; Delegate=yes of a service), or take \(item.value.rawValue.quoted) out of 'require': then the supervisor "
          + "watches the limit; see: orchestrator doctor",
        at: item.location)
    }
  }
}

extension SecurityRequirement {
  fileprivate var controllers: [CgroupPlan.Controller] {
    switch self {
    case .cgroup: [.memory, .cpu, .pids]
    case .memory: [.memory]
    case .cpu: [.cpu]
    case .pids: [.pids]
    }
  }
}

extension CgroupPlan.Controller {
  /// What it limits, for people.
  package var words: String {
    switch self {
    case .cpu: "processor time"
    case .cpuset: "processors"
    case .io: "disk transfers"
    case .memory: "memory"
    case .pids: "tasks"
    }
  }
}
