import PluginModel
import Testing

@testable import SandboxPlanning

@Suite("system-call filter") struct SeccompFilterTests {
  /// Past every number in use, and past the gap before x32's.
  private static let numbers = Array(0...1100) + [0x3FFF_FFFF]

  private func answer(_ plan: SandboxPlan, _ number: Int, _ arguments: UInt64..., architecture: UInt32? = nil) throws
    -> UInt32
  {
    try FilterMachine(plan.seccomp.program).run(
      FilterMachine.Call(
        number: UInt32(number), architecture: architecture ?? plan.seccomp.architecture.auditToken, arguments: arguments
      ))
  }

  private func number(_ name: String, in plan: SandboxPlan) throws -> Int {
    try #require(plan.seccomp.calls.first { $0.name == name }, "\(name) is not listed").number
  }

  private static let allowed = SystemCallVerdict.allow.returnValue
  private static let refused = SystemCallVerdict.refuse.returnValue
  private static let missing = SystemCallVerdict.fail(.notImplemented).returnValue
  private static let killed = SystemCallVerdict.kill.returnValue

  private static let grants: [[Permission]] = [[], [.systemExec(programs: [])], [.systemExec(programs: ["git"])]]
  private static let profiles = ["default", "strict"]
  private static let architectures: [HostFacts.Architecture] = [.x86_64, .aarch64]

  @Test("the program answers every number and argument as its rules say", arguments: grants, profiles)
  func programMatchesRules(granted: [Permission], profile: String) throws {
    for architecture in Self.architectures {
      var host = try debianHost()
      host.architecture = architecture
      let plan = try SandboxPlanner.plan(request(granted, profile: shippedProfile(profile, capped: false)), host: host)
      let machine = FilterMachine(plan.seccomp.program)
      for number in Self.numbers {
        for arguments in argumentVariants(of: plan.seccomp.rule(number: number)) {
          let answer = try machine.run(
            FilterMachine.Call(number: UInt32(number), architecture: architecture.auditToken, arguments: arguments))
          let expected = plan.seccomp.verdict(number: number, arguments: arguments).returnValue
          if answer != expected { Issue.record("\(architecture) \(number) \(arguments): \(answer)") }
        }
      }
    }
  }

  @Test("kills calls in i386's, ARM's and x32's numbering", arguments: [0, 1, 59, 400])
  func killsOtherArchitectures(number: Int) throws {
    let plan = try plan()
    for token: UInt32 in [0x4000_0003, 0x4000_0028, 0xC000_00B7, 0] {
      #expect(try answer(plan, number, architecture: token) == Self.killed)
    }
    #expect(try answer(plan, number | 0x4000_0000) == Self.killed)
  }

  @Test("a number beyond all is unknown rather than an error of the program")
  func unknownNumbers() throws {
    let plan = try plan()
    for number in [600, 4095, 0x3FFF_FFFF, Int(UInt32.max)] { #expect(try answer(plan, number) == Self.missing) }
  }

  @Test(
    "no profile and no grant lets the worker touch mounts, namespaces, other processes, keys, or the kernel",
    arguments: grants)
  func forbiddenCalls(granted: [Permission]) throws {
    let plan = try plan(granted)
    let names = [
      "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsmount", "mount_setattr",
      "unshare",
      "setns", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "io_uring_setup",
      "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key", "bpf", "perf_event_open",
      "userfaultfd",
      "seccomp", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "open_by_handle_at",
      "name_to_handle_at", "reboot", "swapon", "acct", "quotactl", "syslog", "lookup_dcookie",
    ]
    for name in names { #expect(try answer(plan, number(name, in: plan)) == Self.refused, "\(name)") }
    // clone3 and openat2: as if not there, so that libc falls back to what can be checked.
    for number in [435, 437] { #expect(try answer(plan, number) == Self.missing) }
  }

  @Test("threads and processes may be made, namespaces may not")
  func cloneFlags() throws {
    let plan = try plan()
    let clone = try number("clone", in: plan)
    #expect(try answer(plan, clone, 0x003D_0F00) == Self.allowed)
    #expect(try answer(plan, clone, 0x0120_0011) == Self.allowed)
    for bit: UInt64 in [17, 25, 26, 27, 28, 29, 30] {
      #expect(try answer(plan, clone, 0x11 | 1 << bit) == Self.refused)
      #expect(try answer(plan, clone, 0xFFFF_FFFF_0000_0011 | 1 << bit) == Self.refused)
    }
  }

  @Test("sockets are AF_UNIX or nothing")
  func socketFamilies() throws {
    let plan = try plan()
    for name in ["socket", "socketpair"] {
      let call = try number(name, in: plan)
      #expect(try answer(plan, call, 1, 1) == Self.allowed)
      // INET, INET6, NETLINK, PACKET, ALG, VSOCK, and none.
      for family: UInt64 in [0, 2, 10, 16, 17, 38, 40] { #expect(try answer(plan, call, family, 1) == Self.refused) }
    }
  }

  @Test("TIOCSTI and TIOCLINUX are refused whatever the high half of the argument holds")
  func terminalInjection() throws {
    let plan = try plan()
    let ioctl = try number("ioctl", in: plan)
    #expect(try answer(plan, ioctl, 0, 0x5401) == Self.allowed)
    for request: UInt64 in [0x5412, 0x541C] {
      for high: UInt64 in [0, 1 << 32, 0xFFFF_FFFF_0000_0000] {
        #expect(try answer(plan, ioctl, 0, request | high) == Self.refused)
      }
    }
  }

  @Test("no file with a set-user-ID or set-group-ID mode, and no device, can be made")
  func setIdentifierModes() throws {
    let plan = try plan()
    for (name, position) in [
      ("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("creat", 1), ("mkdir", 1), ("mknodat", 2),
    ] {
      let call = try number(name, in: plan)
      func with(_ mode: UInt64) throws -> UInt32 {
        var arguments: [UInt64] = [0, 0, 0]
        arguments[position] = mode
        return try FilterMachine(plan.seccomp.program).run(
          FilterMachine.Call(
            number: UInt32(call), architecture: plan.seccomp.architecture.auditToken, arguments: arguments))
      }
      #expect(try with(0o755) == Self.allowed, "\(name)")
      #expect(try with(0o1777) == Self.allowed, "\(name)")
      for mode: UInt64 in [0o4755, 0o2755, 0o6000] { #expect(try with(mode) == Self.refused, "\(name)") }
      if name == "mknodat" {
        #expect(try with(0o010_644) == Self.allowed)
        for type: UInt64 in [0o020_666, 0o060_666] { #expect(try with(type) == Self.refused) }
      }
    }
    let openat = try number("openat", in: plan)
    #expect(try answer(plan, openat, 0, 0, 0o101, 0o644) == Self.allowed)
    // Without O_CREAT the register that would hold the mode may hold anything.
    #expect(try answer(plan, openat, 0, 0, 0, 0o4777) == Self.allowed)
    #expect(try answer(plan, openat, 0, 0, 0o101, 0o4755) == Self.refused)
    #expect(try answer(plan, openat, 0, 0, 0o20_200_001, 0o2755) == Self.refused)
  }

  @Test("address randomisation can't be switched off, and no further filter installed")
  func personalityAndPrctl() throws {
    let plan = try plan()
    let personality = try number("personality", in: plan)
    #expect(try answer(plan, personality, 0) == Self.allowed)
    #expect(try answer(plan, personality, 0xFFFF_FFFF) == Self.allowed)
    #expect(try answer(plan, personality, 0x0004_0000) == Self.refused)
    let prctl = try number("prctl", in: plan)
    #expect(try answer(plan, prctl, 15) == Self.allowed)
    #expect(try answer(plan, prctl, 22, 2) == Self.refused)
  }

  @Test("limits may be asked for and lowered, but for that of core dumps")
  func coreLimit() throws {
    let plan = try plan()
    for (name, position) in [("setrlimit", 0), ("prlimit64", 1)] {
      let call = try number(name, in: plan)
      func on(_ resource: UInt64) throws -> UInt32 {
        try position == 0 ? answer(plan, call, resource, 1) : answer(plan, call, 0, resource, 1)
      }
      for resource: UInt64 in [0, 3, 5, 7] { #expect(try on(resource) == Self.allowed) }
      for high: UInt64 in [0, 1 << 32] { #expect(try on(4 | high) == Self.missing) }
    }
  }

  @Test("execve is counted without system.exec, and execveat needs the bare grant")
  func execution() throws {
    let none = try plan()
    let listed = try plan([.systemExec(programs: ["git"])])
    let all = try plan([.systemExec(programs: [])])
    #expect(try answer(none, 59) == SystemCallVerdict.notify.returnValue)
    #expect(try answer(none, 322) == Self.refused)
    #expect(try answer(listed, 59) == Self.allowed)
    #expect(try answer(listed, 322) == Self.refused)
    #expect(try answer(all, 59) == Self.allowed)
    #expect(try answer(all, 322) == Self.allowed)
    // MFD_NOEXEC_SEAL: a memfd is a program that no list names.
    #expect(try answer(listed, 319, 0, 0x3) == Self.refused)
    #expect(try answer(listed, 319, 0, 0xB) == Self.allowed)
  }

  @Test("what is denied is the same whether somebody is told of it or not", arguments: grants, profiles)
  func telling(granted: [Permission], profile: String) throws {
    let request = try request(granted, profile: shippedProfile(profile, capped: false))
    let told = try SandboxPlanner.plan(request, host: debianHost()).seccomp
    var host = try debianHost()
    host.seccompUserNotification = false
    guard !granted.isEmpty else {
      #expect(told.tellsDenials)
      return
    }
    let untold = try SandboxPlanner.plan(request, host: host).seccomp
    #expect(told.tellsDenials && !untold.tellsDenials)
    #expect(told.denied == untold.denied && told.allowed == untold.allowed)
    for number in Self.numbers {
      for arguments in argumentVariants(of: told.rule(number: number)) {
        let answers = (
          told.verdict(number: number, arguments: arguments), untold.verdict(number: number, arguments: arguments)
        )
        #expect(answers.0.error == answers.1.error && answers.0.width == answers.1.width, "\(number) \(arguments)")
        #expect(answers.1 != .refuse && answers.0 != .fail(.notPermitted))
      }
    }
  }

  @Test("nobody listens yet when our own code makes its last calls: those are never asked about")
  func untold() throws {
    var profile = try shippedProfile()
    profile.systemCalls.deny += ["futex", "exit_group", "getpid"]
    let plan = try SandboxPlanner.plan(request(profile: profile), host: debianHost())
    for name in ["futex", "exit_group"] {
      #expect(try answer(plan, number(name, in: plan)) == SystemCallVerdict.fail(.notPermitted).returnValue)
    }
    #expect(try answer(plan, number("getpid", in: plan)) == Self.refused)
  }

  @Test("the program is short: installing it is part of every launch", arguments: profiles)
  func length(profile: String) throws {
    let plan = try SandboxPlanner.plan(request(profile: shippedProfile(profile)), host: debianHost())
    #expect(plan.seccomp.instructionCount < 200)
  }

  @Test("a conditional jump that doesn't reach its target goes to a nearer equal")
  func longJumps() throws {
    // Every other number allowed: as many runs as can be, so that the tree is larger than a jump reaches.
    let names = try plan().seccomp.calls.filter { $0.number % 2 == 0 && $0.rules.isEmpty && $0.otherwise == .allow }
      .map(\.name)
    let deny = try plan().seccomp.calls.filter { $0.number % 2 == 1 }.map(\.name).filter { $0 != "execve" }
    var profile = try shippedProfile()
    profile.systemCalls = SecurityProfile.SystemCalls(allow: names, deny: deny, exec: ["execve"])
    let plan = try SandboxPlanner.plan(request(profile: profile), host: debianHost())
    #expect(plan.seccomp.instructionCount > 255)
    let machine = FilterMachine(plan.seccomp.program)
    for number in Self.numbers {
      let answer = try machine.run(
        FilterMachine.Call(number: UInt32(number), architecture: plan.seccomp.architecture.auditToken))
      #expect(answer == plan.seccomp.verdict(number: number).returnValue, "\(number)")
    }
  }

  @Test(
    "a profile can't allow what leads out",
    arguments: ["mount", "clone3", "ptrace", "execve", "io_uring_setup", "setns"])
  func profilesHaveABound(name: String) throws {
    var profile = try shippedProfile()
    profile.systemCalls.deny.removeAll { $0 == name }
    profile.systemCalls.allow.append(name)
    let refused = try #require(try refusal(of: request(profile: profile)))
    #expect(refused.description.contains("allows the system call \(name)"))
  }

  @Test("nor can it under the name of what system.exec allows", arguments: ["mount", "ptrace", "setns"])
  func execHasABound(name: String) throws {
    var profile = try shippedProfile()
    profile.systemCalls.deny.removeAll { $0 == name }
    profile.systemCalls.exec.append(name)
    let refused = try #require(try refusal(of: request(profile: profile)))
    #expect(refused.description.contains("allows the system call \(name)"))
    #expect(refused.description.contains("profiles/default.yaml:"))
  }

  @Test("the programs of the shipped profiles are those that were reviewed", arguments: ["default", "strict"])
  func reviewed(profile: String) throws {
    for architecture in Self.architectures {
      var host = try debianHost()
      host.architecture = architecture
      let program = try SandboxPlanner.plan(
        request(profile: shippedProfile(profile, capped: false)), host: host
      ).seccomp.program
      let lines = stride(from: 0, to: program.count, by: 8).map { start in
        program[start..<start + 8].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\n"
      }
      try compare(lines.joined(), with: "profiles/\(profile)-\(architecture.rawValue).filter")
    }
  }

  @Test("a misspelt name in a profile is refused, a name of another architecture isn't")
  func unknownNames() throws {
    var profile = try shippedProfile()
    profile.systemCalls.deny.append("mout")
    #expect(try #require(try refusal(of: request(profile: profile))).description.contains("'mout', which is not known"))
    var arm = try debianHost()
    arm.architecture = .aarch64
    // "open", "fork" and others don't exist there.
    #expect(try refusal(of: request(), host: arm) == nil)
  }

  @Test("a profile without execve could start nothing")
  func executionMustBeListed() throws {
    var profile = try shippedProfile()
    profile.systemCalls.exec = []
    #expect(try #require(try refusal(of: request(profile: profile))).description.contains("execve"))
  }
}
