/// How a worker is watched while its plugin's needs are learned.
extension SandboxPlan {
  /// The same plan, whose worker's calls are recorded.
  ///
  /// Two filters, and the kernel takes the stricter answer of both, seccomp(2): ``SeccompPlan/program`` denies what it always denied,
  /// by itself; over it, ``SeccompPlan/watch`` asks about everything. So whatever `sandbox-init` is asked about is what the plan allows, and
  /// it can let that go on without a decision of its own. The one call it decides about is execve(2), by count, as ever.
  package func observed() -> SandboxPlan {
    var plan = self
    var calls = seccomp.calls
    for index in calls.indices {
      calls[index].otherwise = calls[index].otherwise.withoutAsking
      for rule in calls[index].rules.indices {
        calls[index].rules[rule].verdict = calls[index].rules[rule].verdict.withoutAsking
      }
    }
    plan.seccomp.calls = calls
    plan.seccomp.program = FilterProgram.assemble(calls, for: seccomp.architecture)
    plan.seccomp.tellsDenials = false
    plan.seccomp.watch = Self.watch(seccomp.architecture)
    return plan
  }

  /// Of a filter that stands alone as well: it asks about every call but those of which nothing could be learned.
  package static func watch(_ architecture: HostFacts.Architecture) -> [UInt8] {
    var code = FilterCode()
    var start = code.answer(.notify)
    for name in unwatched.sorted() {
      guard case .number(let number) = SystemCallNames.resolve(name, on: architecture) else { continue }
      start = code.test(.equals(UInt32(number)), yes: code.answer(.allow), no: start)
    }
    return code.bytes(from: code.load(offset: 0, then: start))
  }

  /// What our own code calls before somebody listens, what ends a program or goes back to it, and what is in
  /// ``WorkerCalls/needed`` anyway and made most often.
  static let unwatched: Set = ["exit", "exit_group", "futex", "restart_syscall", "rt_sigreturn", "seccomp"]
}

extension SystemCallVerdict {
  /// Denied by the kernel; what only the count of programs decides is left to the filter over it.
  fileprivate var withoutAsking: SystemCallVerdict {
    switch self {
    case .refuse: .fail(.notPermitted)
    case .notify: .allow
    case .allow, .fail, .kill: self
    }
  }
}
