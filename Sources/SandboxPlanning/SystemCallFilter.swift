import PluginModel

/// Which programs a plan lets the worker start, as the filter has to know it.
enum ExecutionScope: Hashable {
  case nothing
  case listedPrograms
  case everything
}

/// Turns a profile and the granted execution into the filter of a plan.
enum SystemCallFilter {
  /// - Parameter tells: whether what is denied with EPERM is also told of; what is denied is the same.
  static func plan(
    profile: SecurityProfile, execution: ExecutionScope, hasEgress: Bool, architecture: HostFacts.Architecture,
    tells: Bool
  ) -> Result<SeccompPlan, Diagnostics> {
    var problems: [Diagnostic] = []
    var answers: [String: (rules: [ArgumentRule], otherwise: SystemCallVerdict)] = [:]
    let lists = profile.systemCalls
    for name in lists.allow {
      if let reason = ForbiddenCalls.reason(for: name) {
        problems.append(forbidden(name, reason: reason, profile: profile))
      }
      answers[name] =
        SystemCallConditions.decision(
          for: name, execution: execution, hasEgress: hasEgress) ?? ([], .allow)
    }
    for name in lists.exec where !ForbiddenCalls.programs.contains(name) {
      if let reason = ForbiddenCalls.reason(for: name) {
        problems.append(forbidden(name, reason: reason, profile: profile))
      }
    }
    for name in lists.exec { answers[name] = ([], executionVerdict(for: name, execution: execution)) }
    // Last, so that a name in two lists is denied.
    for name in lists.deny { answers[name] = ([], .fail(.notPermitted)) }
    // The worker's own start is an execve, whatever the profile says.
    if answers["execve"]?.otherwise.width ?? 0 < SystemCallVerdict.notify.width {
      problems.append(
        Diagnostic(
          "the profile \(profile.name.quoted) doesn't list execve among the calls of \"exec\"",
          why: "the worker itself is started with it", hint: "add execve to \"exec\" and take it out of \"deny\""))
    }

    var byNumber: [Int: SystemCallRule] = [:]
    for (name, answer) in answers {
      switch SystemCallNames.resolve(name, on: architecture) {
      case .number(let number):
        var call = SystemCallRule(name: name, number: number, rules: answer.rules, otherwise: answer.otherwise)
        if tells, !untold.contains(name) { call.tellDenials() }
        byNumber[number] = byNumber[number].map { narrower($0, call) } ?? call
      case .absent: break
      case .unknown:
        problems.append(
          Diagnostic(
            "the profile \(profile.name.quoted) names the system call \(name.quoted), which is not known",
            why: "a misspelt name would protect nothing", hint: "correct the name, or remove it; see syscalls(2)",
            at: profile.origins.calls[name]?.location))
      }
    }
    let calls = byNumber.values.sorted { $0.number < $1.number }
    let program = FilterProgram.assemble(calls, for: architecture)
    if program.count / 8 > FilterProgram.maximumInstructions {
      problems.append(
        Diagnostic(
          "the filter of the profile \(profile.name.quoted) has \(program.count / 8) instructions",
          why: "the kernel accepts \(FilterProgram.maximumInstructions)"))
    }
    guard problems.isEmpty else { return .failure(Diagnostics(problems.sorted { $0.what < $1.what })) }
    return .success(
      SeccompPlan(
        program: program, profile: profile.name,
        allowed: calls.filter { $0.widest.width >= SystemCallVerdict.notify.width }.map(\.name).sorted(),
        denied: calls.filter { $0.widest.error == .notPermitted }.map(\.name).sorted(),
        architecture: architecture, calls: calls, tellsDenials: tells))
  }

  /// What our own code calls between the filter's installation and the worker's execve, when nobody listens yet.
  private static let untold: Set = ["futex", "exit_group"]

  /// Of two names for one number, such as umount and umount2, the narrower answer holds.
  private static func narrower(_ left: SystemCallRule, _ right: SystemCallRule) -> SystemCallRule {
    (left.widest.width, left.name) < (right.widest.width, right.name) ? left : right
  }

  /// execveat(2) starts programs from descriptors, which no list of names covers.
  private static func executionVerdict(for name: String, execution: ExecutionScope) -> SystemCallVerdict {
    switch (execution, name) {
    case (.everything, _): .allow
    case (.listedPrograms, "execve"): .allow
    case (.nothing, "execve"): .notify
    case (.listedPrograms, _), (.nothing, _): .fail(.notPermitted)
    }
  }

  private static func forbidden(_ name: String, reason: String, profile: SecurityProfile) -> Diagnostic {
    Diagnostic(
      "the profile \(profile.name.quoted) allows the system call \(name), which no profile may", why: reason,
      hint: "move \(name) from \"allow\" to \"deny\"", at: profile.origins.calls[name]?.location)
  }
}

extension SecurityProfile {
  /// What keeps it from becoming a filter on this architecture.
  package func problems(on architecture: HostFacts.Architecture) -> [Diagnostic] {
    switch SystemCallFilter.plan(
      profile: self, execution: .everything, hasEgress: true, architecture: architecture, tells: true)
    {
    case .success: []
    case .failure(let refusals): refusals.items
    }
  }
}

extension SystemCallRule {
  fileprivate mutating func tellDenials() {
    if otherwise == .fail(.notPermitted) { otherwise = .refuse }
    for index in rules.indices where rules[index].verdict == .fail(.notPermitted) { rules[index].verdict = .refuse }
  }
}

/// Calls with which a worker could leave, look out of or rebuild its sandbox. A profile that allows one is refused.
package enum ForbiddenCalls {
  package static func reason(for name: String) -> String? { reasons.first { $0.names.contains(name) }?.why }

  /// What `exec` of a profile is for.
  static let programs: Set<String> = ["execve", "execveat"]

  static let reasons: [(why: String, names: Set<String>)] = [
    (
      "it changes what the worker sees of the file system",
      [
        "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount", "fsopen",
        "fsconfig", "fsmount", "fspick", "mount_setattr",
      ]
    ),
    ("it makes or enters namespaces", ["unshare", "setns"]),
    (
      "its arguments lie in memory, where the filter can't read them; an older call does the same",
      ["clone3", "openat2"]
    ),
    (
      "it reaches into other processes",
      ["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise"]
    ),
    (
      "its operations run in the kernel without passing the filter",
      ["io_uring_setup", "io_uring_enter", "io_uring_register"]
    ),
    ("keyrings have no namespace", ["add_key", "keyctl", "request_key"]),
    (
      "it loads or steers code in the kernel",
      [
        "bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load",
        "kexec_file_load", "create_module", "uretprobe", "uprobe",
      ]
    ),
    ("it opens files without a path", ["open_by_handle_at", "name_to_handle_at"]),
    (
      "it administers the host",
      [
        "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "settimeofday", "clock_settime",
        "iopl", "ioperm", "lookup_dcookie", "vhangup",
      ]
    ),
    ("it starts programs, which only a grant of system.exec allows", programs),
  ]
}
