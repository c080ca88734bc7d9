import PluginModel

/// Decides everything about a worker's sandbox before anything is done. Pure: the same request and facts give the
/// same plan, byte for byte.
///
/// What a plan has whatever was granted: every namespace, a root in which only what is listed exists, no capabilities, a
/// system-call filter that names what is allowed, Landlock, limits, and an environment of a few fixed variables. A
/// host that can't enforce one of these gets no plan, never a weaker one.
package enum SandboxPlanner {
  /// The worker's user and group inside. Not 0, and the first of a person's on most systems.
  static let identifierInside: UInt32 = 1000

  /// - Throws: every reason why there is no plan, each with its remedy.
  package static func plan(_ request: SandboxRequest, host: HostFacts) throws(PlanRefusal) -> SandboxPlan {
    var problems = PlanRefusal(
      host: missingFeatures(of: host) + host.unmet(request.required) + unsuitableUsers(request, host: host))
    if let prefix = request.interpreter.prefix,
      let refusal = ReservedPaths.refusal(ofInterpreterPrefix: prefix, control: request.controlPaths)
    {
      problems.request.append(refusal)
    }
    problems.request += request.profile.ceiling?.refusals(of: request.granted, to: request.plugin) ?? []
    let grants = Grants(request, host: host, problems: &problems)
    let kind: any SandboxKind = HostSystem()
    let command = kind.command(of: request)
    let program = command.first.flatMap { AbsolutePath($0) }
    if program == nil {
      problems.request.append(
        Diagnostic(
          "the worker's command has no absolute path for a program", why: "nothing is searched for along a PATH",
          hint: "name the program by its absolute path inside the sandbox"))
    }
    let execution: ExecutionRule = grants.execution == .nothing ? .workerOnly : .allowed
    if execution == .workerOnly, !host.seccompUserNotification {
      problems.host.append(
        Diagnostic(
          "this kernel can't keep the worker from starting other programs (no seccomp user notification)",
          hint: "use Linux 5.5 or newer with CONFIG_SECCOMP_FILTER; see: orchestrator doctor"))
    }
    var seccomp: SeccompPlan?
    switch SystemCallFilter.plan(
      profile: request.profile, execution: grants.execution, hasEgress: !grants.egress.allowsNothing,
      architecture: host.architecture, tells: host.seccompUserNotification)
    {
    case .success(let plan):
      seccomp = plan
      if !grants.egress.allowsNothing, let obstacle = EgressPlan.obstacle(in: plan, request) {
        problems.request.append(obstacle)
      }
    case .failure(let refusals): problems.request += refusals.items
    }
    var group: LimitSources.Decision?
    do throws(Diagnostics) {
      group = try LimitSources(
        ceilings: request.ceilings, asked: request.resources, profile: request.profile.resources,
        isMemoryUnlimited: request.granted.contains(.memoryUnlimited), host: host
      ).decision()
    } catch {
      problems.request += error.items
    }
    let gpus = GPUPlacement(request.gpus, request: request, host: host, grants: grants)
    problems.host += gpus.problems
    guard problems.isEmpty, let program, let seccomp, let group else { throw problems }

    let relay = EgressPlan.relayed(grants.egress)
    var filesystem = FilesystemPlanner(request: request, host: host, grants: grants, gpus: gpus, kind: kind)
    filesystem.build(program: program)
    return SandboxPlan(
      plugin: request.plugin, hostname: hostname(of: request.plugin), namespaces: Namespace.allCases,
      identity: Identity(
        userInside: identifierInside, groupInside: identifierInside, userOnHost: request.hostUser,
        groupOnHost: request.hostGroup),
      filesystem: filesystem.operations,
      landlock: LandlockPlanner.plan(abi: host.landlockABI, allowances: filesystem.allowances, egress: grants.egress),
      seccomp: seccomp, execution: execution, limits: limits(of: request, tasks: group.cgroup.tasksMax, host: host),
      environment: (environment + gpus.environment + (relay?.environment ?? [])).sorted { $0.name < $1.name },
      command: command, workingDirectory: Inside.scratch, permissions: Set(request.granted).sorted(),
      cgroup: group.cgroup,
      limitNotes: group.notes(controllers: host.limitControllers), deviceGuard: host.deviceGuard,
      devices: request.gpus.gpus.map(PlannedDevice.init), egress: grants.egress,
      openNetwork: grants.openNetwork)
  }

  private static func missingFeatures(of host: HostFacts) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    if !host.userNamespaces {
      problems.append(
        Diagnostic(
          "this process may not make user namespaces", why: "every worker has its own",
          hint:
            "set user.max_user_namespaces above 0 and, where there is one, kernel.unprivileged_userns_clone or "
            + "kernel.apparmor_restrict_unprivileged_userns to allow it; see: orchestrator doctor"))
    }
    if host.landlockABI < 1 {
      problems.append(
        Diagnostic(
          "this kernel has no Landlock", why: "every worker is confined by it on top of its mounts",
          hint: "use Linux 5.13 or newer with \"landlock\" in the lsm= boot parameter; see: orchestrator doctor"))
    }
    if host.coreDumpsStartProgram {
      problems.append(
        Diagnostic(
          "a worker that dies would start a program of this host",
          why:
            "kernel.core_pattern pipes core dumps to it even where the limit is 0, and only a limit of 1 prevents that",
          hint: "let the supervisor set it: a hard limit of core dumps above 0 (ulimit -Hc 1, LimitCORE=1 of systemd)"))
    }
    return problems
  }

  /// Root on the host is never the worker's identity; an ordinary user can map nobody but himself, user_namespaces(7).
  private static func unsuitableUsers(_ request: SandboxRequest, host: HostFacts) -> [Diagnostic] {
    if request.hostUser == 0 || request.hostGroup == 0 {
      return [
        Diagnostic(
          "\(request.plugin) would run as root on the host",
          why: "whatever gets out of its sandbox would own the machine",
          hint: "give plugins user and group ids of their own, above 0")
      ]
    }
    let isOwn = request.hostUser == host.userIdentifier && request.hostGroup == host.groupIdentifier
    if host.userIdentifier != 0, !isOwn {
      return [
        Diagnostic(
          "\(request.plugin) can't run as user \(request.hostUser), group \(request.hostGroup)",
          why: "an ordinary user may only map its own ids, \(host.userIdentifier) and \(host.groupIdentifier)",
          hint: "use these, or run the supervisor as root")
      ]
    }
    return []
  }

  /// What `uname -n` says inside: at most 64 bytes, a valid host name, and nothing of the host's.
  static func hostname(of plugin: PluginName) -> String {
    plugin.text.split(separator: "_", omittingEmptySubsequences: true).joined(separator: "-")
  }

  /// All that a worker finds in its environment.
  static let environment = [
    EnvironmentVariable("HOME", Inside.scratch.text),
    EnvironmentVariable("LANG", "C.UTF-8"),
    EnvironmentVariable("PATH", "/usr/bin:/bin"),
    EnvironmentVariable("TMPDIR", Inside.scratch.text),
  ]

  /// The profile's, in the order of their names. Before Linux 5.14 RLIMIT_NPROC counted all processes of the user on the
  /// host, the supervisor's own among them where the worker shares its id: there it would refuse at random.
  ///
  /// - Parameter tasks: the limit of the worker's cgroup. Where the host has no controller for it, RLIMIT_NPROC holds it.
  private static func limits(of request: SandboxRequest, tasks: UInt64?, host: HostFacts) -> [ResourceLimit] {
    let sharesUser = request.hostUser == host.userIdentifier
    var limits = request.profile.limits
      .filter { $0.kind != .processes || !sharesUser || host.countsProcessesPerNamespace }
    // More than 1 is an operator who wants core dumps.
    if !limits.contains(where: { $0.kind == .coreSize && $0.value > 1 }) {
      limits.removeAll { $0.kind == .coreSize }
      limits.append(.noCoreDump)
    }
    if let tasks, !host.limitControllers.contains(.pids) {
      limits = limits.map { $0.kind == .processes ? ResourceLimit(.processes, min($0.value, tasks)) : $0 }
    }
    return
      limits
      .sorted { $0.kind.rawValue < $1.kind.rawValue }
  }
}
