/// The calls whose arguments decide. They hold under every profile: a profile says which calls are let through, never
/// that one of these tests is skipped.
enum SystemCallConditions {
  /// The rules of a call that the profile allows; nil where its arguments don't matter.
  static func decision(for name: String, execution: ExecutionScope, hasEgress: Bool) -> (
    rules: [ArgumentRule], otherwise: SystemCallVerdict
  )? {
    if hasEgress, let rules = withEgress[name] { return (rules, .allow) }
    if let position = modeArgument[name] {
      return (
        setIdentifierRules(mode: position) + (deviceCalls.contains(name) ? deviceRules(mode: position) : []), .allow
      )
    }
    if let flags = openFlagsArgument[name] {
      return (setIdentifierRules(mode: flags + 1, whenCreating: flags), .allow)
    }
    if name == "memfd_create", execution == .listedPrograms { return ([executableMemory], .allow) }
    return fixed[name]
  }

  /// chmod(2), mkdir(2), mknod(2), creat(2): which argument is the mode.
  private static let modeArgument = [
    "chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "creat": 1, "mkdir": 1, "mkdirat": 2, "mknod": 1,
    "mknodat": 2,
  ]
  private static let deviceCalls: Set = ["mknod", "mknodat"]
  /// open(2): which argument is the flags; the mode follows it and is read only when a file is made.
  private static let openFlagsArgument = ["open": 1, "openat": 2]

  private static let denied = SystemCallVerdict.fail(.notPermitted)

  /// S_ISUID and S_ISGID: a writable grant never leaves a program behind that runs as its owner, inode(7).
  private static func setIdentifierRules(mode: Int, whenCreating flags: Int? = nil) -> [ArgumentRule] {
    // O_CREAT and __O_TMPFILE; without them the register that would hold the mode holds anything.
    let creating = flags.map { [ArgumentCondition(argument: $0, .hasAnyBit(of: 0o100 | 0o20_000_000))] } ?? []
    return [
      ArgumentRule(
        creating + [ArgumentCondition(argument: mode, .hasAnyBit(of: 0o6000))], denied,
        meaning: "a set-user-ID or set-group-ID mode")
    ]
  }

  /// S_IFCHR and S_IFBLK under S_IFMT.
  private static func deviceRules(mode: Int) -> [ArgumentRule] {
    [0o020_000, 0o060_000].map { type in
      ArgumentRule(
        [ArgumentCondition(argument: mode, .equals(type, mask: 0o170_000))], denied, meaning: "making a device node")
    }
  }

  /// A memfd without MFD_NOEXEC_SEAL is a program that neither a mount nor Landlock sees, memfd_create(2). Where no program
  /// may be started, or every one may, that makes no difference; where some are listed, it would be one more.
  private static let executableMemory = ArgumentRule(
    [ArgumentCondition(argument: 1, .equals(0, mask: 0x8))], denied,
    meaning: "memory that could be executed as a program")

  private static let fixed: [String: (rules: [ArgumentRule], otherwise: SystemCallVerdict)] = [
    // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. CLONE_NEWTIME only exists for clone3 and unshare.
    "clone": (
      [
        ArgumentRule(
          [ArgumentCondition(argument: 0, .hasAnyBit(of: 0x7E02_0000))], denied, meaning: "making a namespace")
      ], .allow
    ),
    "socket": ([localOnly(because: "a socket of a family other than AF_UNIX")], .allow),
    "socketpair": ([localOnly(because: "a socket of a family other than AF_UNIX")], .allow),
    // TIOCSTI types into the terminal of whoever started the supervisor (CVE-2017-5226); TIOCLINUX pastes into a console
    // (CVE-2023-28100).
    "ioctl": (
      [
        ArgumentRule([ArgumentCondition(argument: 1, .equals(0x5412, mask: .max))], denied, meaning: "TIOCSTI"),
        ArgumentRule([ArgumentCondition(argument: 1, .equals(0x541C, mask: .max))], denied, meaning: "TIOCLINUX"),
      ], .allow
    ),
    // PER_LINUX, and the question which one is set: other personalities switch off address randomisation.
    "personality": (
      [
        ArgumentRule([ArgumentCondition(argument: 0, .equals(0, mask: .max))], .allow, meaning: "PER_LINUX"),
        ArgumentRule(
          [ArgumentCondition(argument: 0, .equals(.max, mask: .max))], .allow, meaning: "asking for the personality"),
      ], denied
    ),
    // TCP_ULP of SOL_TCP puts another protocol's code into the kernel's path of a connection (CVE-2023-0461, CVE-2023-28466).
    "setsockopt": (
      [
        ArgumentRule(
          [
            ArgumentCondition(argument: 1, .equals(6, mask: .max)),
            ArgumentCondition(argument: 2, .equals(31, mask: .max)),
          ], denied, meaning: "TCP_ULP")
      ], .allow
    ),
    "setrlimit": ([coreLimit(argument: 0)], .allow), "prlimit64": ([coreLimit(argument: 1)], .allow),
    // PR_SET_SECCOMP: the other way to seccomp(2).
    "prctl": (
      [ArgumentRule([ArgumentCondition(argument: 0, .equals(22, mask: .max))], denied, meaning: "PR_SET_SECCOMP")],
      .allow
    ),
  ]

  /// Where the worker has a network of its own: see socket(2) and linux/net.h for the numbers.
  private static let withEgress: [String: [ArgumentRule]] = [
    "socket": [
      ArgumentRule(
        [1, 2, 10].map { ArgumentCondition(argument: 0, .differs(from: $0)) }, denied,
        meaning: "a socket of a family other than AF_UNIX, AF_INET and AF_INET6"),
      internet(
        .hasAnyBit(of: ~(socketFlags | 3)), argument: 1, because: "an Internet socket other than of TCP and UDP"),
      internet(.equals(0, mask: 3), argument: 1, because: "an Internet socket of no kind"),
      // SOCK_RAW.
      internet(.equals(3, mask: 3), argument: 1, because: "a raw socket"),
      ArgumentRule(
        [ArgumentCondition(argument: 0, .differs(from: 1))]
          + [0, 6, 17].map { ArgumentCondition(argument: 2, .differs(from: $0)) }, denied,
        meaning: "an Internet socket of a protocol other than TCP and UDP"),
    ]
  ]

  /// SOCK_CLOEXEC and SOCK_NONBLOCK.
  private static let socketFlags: UInt32 = 0x8_0800

  private static func internet(
    _ test: ArgumentCondition.Test, argument: Int, because meaning: String
  ) -> ArgumentRule {
    ArgumentRule(
      [ArgumentCondition(argument: 0, .differs(from: 1)), ArgumentCondition(argument: argument, test)], denied,
      meaning: meaning)
  }

  /// RLIMIT_CORE, 4 on every architecture. The worker must not lower it to the 0 that a piped core_pattern doesn't heed: see
  /// ``ResourceLimit/noCoreDump``. ENOSYS, because programs that guard their own memory take it for an old kernel.
  private static func coreLimit(argument: Int) -> ArgumentRule {
    ArgumentRule(
      [ArgumentCondition(argument: argument, .equals(4, mask: .max))], .fail(.notImplemented), meaning: "RLIMIT_CORE")
  }

  private static func localOnly(because meaning: String) -> ArgumentRule {
    ArgumentRule([ArgumentCondition(argument: 0, .differs(from: 1))], denied, meaning: meaning)
  }
}
