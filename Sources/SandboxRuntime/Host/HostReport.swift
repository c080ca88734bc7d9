import LinuxSystem
import PluginModel
import SandboxPlanning

/// What this host can enforce, feature by feature, as `orchestrator doctor` prints it.
package struct HostReport: Hashable, Sendable {
  package enum Feature: String, CaseIterable, Sendable {
    case userNamespaces = "user namespaces"
    case otherNamespaces = "mount, pid, network, ipc, uts and cgroup namespaces"
    case nestedNamespaces = "turning nested user namespaces off"
    case landlock = "Landlock"
    case seccompNotification = "system-call filter with notifications"
    case processFilesystem = "a private /proc"
    case coreDumps = "no core dumps"
    case cgroup = "cgroup v2"
    case devicePrograms = "device programs"
    case openNetworks = "a network without bounds"
    case stagedWrites = "writes that wait for success"
    case distinctUsers = "a host user for every plugin"
    case launchMode = "capabilities of the supervisor"
  }

  package enum Severity: Hashable, Sendable {
    case ok
    /// Workers run, with less than this host's kernel could give.
    case degraded
    /// No sandbox can be launched.
    case missing
  }

  package struct Finding: Hashable, Sendable {
    package var feature: Feature
    package var severity: Severity
    package var detail: String
    package var remedy: String?
    package var isOK: Bool { severity == .ok }
  }

  package var findings: [Finding]
  /// Of the supervisor; nil where they can't be read.
  package var capabilities: ProcessCapabilities?

  /// True when sandboxes can be launched.
  package var canLaunch: Bool { findings.allSatisfy { $0.severity != .missing } }

  /// Tries everything. Blocks for a few milliseconds.
  package static func gather(_ facts: HostFacts) -> HostReport {
    let capabilities = ProcessCapabilities.current()
    return HostReport(
      findings: Feature.allCases.map { finding($0, facts, capabilities) }, capabilities: capabilities)
  }

  private static func finding(
    _ feature: Feature, _ facts: HostFacts, _ capabilities: ProcessCapabilities?
  ) -> Finding {
    switch feature {
    case .userNamespaces: namespaces(feature, [.user])
    case .otherNamespaces: namespaces(feature, Namespace.allCases)
    case .nestedNamespaces: nestedNamespaces(feature)
    case .landlock: landlock(feature, facts)
    case .seccompNotification: seccomp(feature, facts)
    case .processFilesystem: processFilesystem(feature)
    case .coreDumps: coreDumps(feature, facts)
    case .cgroup: cgroup(feature, facts)
    case .devicePrograms: devicePrograms(feature, facts)
    case .openNetworks: openNetworks(feature, facts)
    case .stagedWrites: stagedWrites(feature, facts)
    case .distinctUsers: distinctUsers(feature, facts)
    case .launchMode: launchMode(user: facts.userIdentifier, capabilities)
    }
  }

  private static func namespaces(_ feature: Feature, _ kinds: [Namespace]) -> Finding {
    guard let code = HostProbes.namespaces(kinds.reduce(0) { $0 | $1.cloneFlag }) else {
      // Filters of containers let the namespace be made and not named.
      guard kinds.contains(.uts), let code = HostProbes.hostName() else {
        return Finding(feature: feature, severity: .ok, detail: "made and removed", remedy: nil)
      }
      return Finding(
        feature: feature, severity: .missing, detail: "sethostname: \(code)", remedy: Remedy.of(.hostname, code))
    }
    return Finding(
      feature: feature, severity: .missing, detail: "clone3: \(code)", remedy: Remedy.of(LaunchStep.spawn, code))
  }

  private static func nestedNamespaces(_ feature: Feature) -> Finding {
    let path = "/proc/sys/user/max_user_namespaces"
    guard let limit = readSmallFile(path) else {
      return Finding(
        feature: feature, severity: .missing, detail: "\(path) can't be read",
        remedy: Remedy.of(.userNamespaces, .notFound))
    }
    // Every sandbox writes its own limit there; runtimes of containers mount it read-only.
    guard !MountState.isReadOnly(path) else {
      return Finding(
        feature: feature, severity: .missing, detail: "\(path) is mounted read-only",
        remedy: Remedy.of(.userNamespaces, .readOnlyFilesystem))
    }
    return Finding(
      feature: feature, severity: .ok, detail: "the host's own limit is \(limit.prefix { $0 != "\n" })", remedy: nil)
  }

  private static func landlock(_ feature: Feature, _ facts: HostFacts) -> Finding {
    switch facts.landlockABI {
    case ...0:
      Finding(
        feature: feature, severity: .missing, detail: "the kernel has none, or it is off",
        remedy: Remedy.of(.landlockRuleset, .notSupported))
    case 1...5:
      Finding(
        feature: feature, severity: .degraded, detail: "ABI \(facts.landlockABI)",
        remedy: "Linux 6.12 (ABI 6) or later also keeps signals and abstract sockets inside")
    default: Finding(feature: feature, severity: .ok, detail: "ABI \(facts.landlockABI)", remedy: nil)
    }
  }

  private static func seccomp(_ feature: Feature, _ facts: HostFacts) -> Finding {
    facts.seccompUserNotification
      ? Finding(feature: feature, severity: .ok, detail: "SECCOMP_RET_USER_NOTIF", remedy: nil)
      : Finding(
        feature: feature, severity: .missing, detail: "the kernel doesn't answer SECCOMP_RET_USER_NOTIF",
        remedy: "a kernel of 5.5 or later with CONFIG_SECCOMP_FILTER is needed")
  }

  private static func processFilesystem(_ feature: Feature) -> Finding {
    // A /proc that something is mounted over may not be mounted again in a new user namespace: mount_too_revealing.
    let covered = (readSmallFile("/proc/self/mountinfo", limit: 4 << 20) ?? "").split(separator: "\n")
      .compactMap { $0.split(separator: " ").dropFirst(4).first }
      .filter { $0.hasPrefix("/proc/") && !$0.hasPrefix("/proc/sys/fs/binfmt_misc") }
    guard let first = covered.first else {
      return Finding(feature: feature, severity: .ok, detail: "the host's /proc is whole", remedy: nil)
    }
    return Finding(
      feature: feature, severity: .degraded, detail: "\(first) is mounted over",
      remedy: Remedy.of(.mount, .operationNotPermitted))
  }

  private static func coreDumps(_ feature: Feature, _ facts: HostFacts) -> Finding {
    facts.coreDumpsStartProgram
      ? Finding(
        feature: feature, severity: .missing,
        detail: "kernel.core_pattern names a program, and the hard RLIMIT_CORE of 0 doesn't keep it from being started",
        remedy: "start the supervisor with a hard limit above 0: ulimit -Hc 1, LimitCORE=1 of systemd")
      : Finding(feature: feature, severity: .ok, detail: "RLIMIT_CORE", remedy: nil)
  }

  private static func cgroup(_ feature: Feature, _ facts: HostFacts) -> Finding {
    guard let root = facts.cgroupRoot else {
      return Finding(
        feature: feature, severity: .degraded, detail: "this process may make no cgroup; \(watched(facts))",
        remedy: Remedy.of(LaunchStep.makeCgroup, .accessDenied))
    }
    let absent = facts.watchedControllers.map(\.rawValue)
    if absent.isEmpty {
      return Finding(
        feature: feature, severity: .ok,
        detail: "\(root), controllers \(facts.cgroupControllers.joined(separator: " "))", remedy: nil)
    }
    return Finding(
      feature: feature, severity: .degraded,
      detail: "\(root), without \(absent.joined(separator: ", ")); \(watched(facts))",
      remedy:
        "give it a cgroup of its own with these controllers, for example systemd-run --user --scope -p Delegate=yes; "
        + "where they are bound to cgroup v1, boot with cgroup_no_v1=all")
  }

  private static func watched(_ facts: HostFacts) -> String {
    "the supervisor watches the limits of \(facts.watchedControllers.map(\.words).joined(separator: ", ")) itself, which is less"
  }

  private static func devicePrograms(_ feature: Feature, _ facts: HostFacts) -> Finding {
    switch facts.deviceGuard {
    case .program:
      Finding(feature: feature, severity: .ok, detail: "one was attached to a cgroup", remedy: nil)
    case .mounts(let why):
      Finding(
        feature: feature, severity: .degraded,
        detail: "nodev mounts and the user namespace alone keep devices out: \(why)",
        remedy: facts.cgroupRoot == nil
          ? Remedy.of(LaunchStep.makeCgroup, .accessDenied) : Remedy.of(.loadDevices, .operationNotPermitted))
    }
  }

  /// What isn't there is refused to whoever is granted it: workers are no weaker confined without.
  private static func openNetworks(_ feature: Feature, _ facts: HostFacts) -> Finding {
    switch facts.openNetworks {
    case .available(let program):
      let names =
        facts.resolver.map { "names are asked of \($0)" } ?? "no resolver that a namespace reaches: names aren't found"
      return Finding(feature: feature, severity: .ok, detail: "through \(program); \(names)", remedy: nil)
    case .unavailable(let why, let remedy):
      return Finding(
        feature: feature, severity: .ok, detail: "refused, as network.socket without an endpoint: \(why)",
        remedy: remedy)
    }
  }

  private static func stagedWrites(_ feature: Feature, _ facts: HostFacts) -> Finding {
    switch facts.overlays {
    case .available:
      Finding(feature: feature, severity: .ok, detail: "overlayfs in a user namespace", remedy: nil)
    case .unavailable(let why):
      Finding(
        feature: feature, severity: .degraded, detail: why,
        remedy:
          "Linux 5.11 or later, and a state directory (--state-dir) on ext4, xfs, btrfs or tmpfs")
    }
  }

  private static func distinctUsers(_ feature: Feature, _ facts: HostFacts) -> Finding {
    facts.userIdentifier == 0
      ? Finding(feature: feature, severity: .ok, detail: "from \(IdentityTable.range)", remedy: nil)
      : Finding(
        feature: feature, severity: .degraded, detail: "every worker is user \(facts.userIdentifier) on the host",
        remedy: "run the supervisor as root to give each plugin a user of its own")
  }

  /// Pure: what the user and the capabilities of the supervisor make possible.
  package static func launchMode(user: UInt32, _ capabilities: ProcessCapabilities?) -> Finding {
    let feature = Feature.launchMode
    guard let capabilities else {
      return Finding(
        feature: feature, severity: .missing, detail: "capget is refused",
        remedy: "allow capget in the system-call filter that the supervisor itself runs under")
    }
    let held = capabilities.text
    switch LaunchMode(user: user, capabilities: capabilities) {
    case .root:
      return Finding(
        feature: feature, severity: .ok,
        detail: "\(held); workers start as root starts them, each plugin as its own user",
        remedy: nil)
    case .rootless:
      return Finding(
        feature: feature, severity: .ok, detail: "\(held); none is needed: workers start rootless, as user \(user)",
        remedy: nil)
    case .rootWithoutWriting:
      return Finding(
        feature: feature, severity: .degraded,
        detail: "\(held): without cap_sys_admin no plugin can be given a directory to write to",
        remedy: "give the supervisor cap_sys_admin, or run it as an ordinary user")
    case .incomplete(let missing):
      let names = missing.joined(separator: " and ")
      return Finding(
        feature: feature, severity: .missing, detail: "\(held): without \(names) root can't map the users of plugins",
        remedy: "give the supervisor \(names), or run it as an ordinary user")
    }
  }
}
