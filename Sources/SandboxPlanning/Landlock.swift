import PluginModel

/// LANDLOCK_ACCESS_FS_* of linux/landlock.h, each with the ABI that brought it, landlock(7).
package struct LandlockRights: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  package static let execute = Self(rawValue: 1 << 0)
  package static let writeFile = Self(rawValue: 1 << 1)
  package static let readFile = Self(rawValue: 1 << 2)
  package static let readDirectory = Self(rawValue: 1 << 3)
  package static let removeDirectory = Self(rawValue: 1 << 4)
  package static let removeFile = Self(rawValue: 1 << 5)
  package static let makeCharacterDevice = Self(rawValue: 1 << 6)
  package static let makeDirectory = Self(rawValue: 1 << 7)
  package static let makeRegularFile = Self(rawValue: 1 << 8)
  package static let makeSocket = Self(rawValue: 1 << 9)
  package static let makeFIFO = Self(rawValue: 1 << 10)
  package static let makeBlockDevice = Self(rawValue: 1 << 11)
  package static let makeSymbolicLink = Self(rawValue: 1 << 12)
  /// Renaming and linking between directories. ABI 2; before, it is always denied.
  package static let refer = Self(rawValue: 1 << 13)
  /// ABI 3; before, it is always allowed.
  package static let truncate = Self(rawValue: 1 << 14)
  /// ioctl(2) on devices. ABI 5; before, it is always allowed.
  package static let deviceControl = Self(rawValue: 1 << 15)

  package static let read: Self = [.readFile, .readDirectory]
  /// All that programs do to their data, and nothing that makes a device or a program of it.
  package static let data: Self = [
    .read, .writeFile, .removeDirectory, .removeFile, .makeDirectory, .makeRegularFile, .makeSocket, .makeFIFO,
    .makeSymbolicLink, .refer, .truncate,
  ]
  /// What a rule for something other than a directory may name; the kernel refuses the others with EINVAL.
  package static let ofFiles: Self = [.execute, .writeFile, .readFile, .truncate, .deviceControl]

  /// The words of the plan, by bit.
  static let words = [
    "execute", "write", "read", "list", "remove-dir", "remove", "make-char", "make-dir", "make-file", "make-socket",
    "make-fifo", "make-block", "make-link", "refer", "truncate", "ioctl-dev",
  ]

  /// Every right that the kernel's ABI knows.
  package static func known(to abi: Int) -> Self {
    let bits: UInt64 =
      switch abi {
      case ..<1: 0
      case 1: 13
      case 2: 14
      case 3, 4: 15
      default: 16
      }
    return Self(rawValue: (1 << bits) - 1)
  }
}

/// Decides what landlock(7) allows, on top of the mounts: it holds even for a mount that came about by mistake.
enum LandlockPlanner {
  /// The newest ABI this program knows: 7, of Linux 6.15.
  static let newestABI = 7

  /// The two kinds of thing a rule may be for.
  enum Target {
    case directory
    case file
  }

  struct Allowance {
    var path: AbsolutePath
    var rights: LandlockRights
    var target: Target = .directory
  }

  /// One rule a path, sorted by path. All that the ABI knows is handled, so what no rule allows is denied.
  static func plan(abi hostABI: Int, allowances: [Allowance], egress: EgressPolicy) -> LandlockPlan {
    let abi = min(hostABI, newestABI)
    let known = LandlockRights.known(to: abi)
    var rights: [AbsolutePath: LandlockRights] = [:]
    for allowance in allowances {
      let possible = allowance.target == .file ? allowance.rights.intersection(.ofFiles) : allowance.rights
      rights[allowance.path, default: []].formUnion(possible.intersection(known))
    }
    let rules = rights.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
    return LandlockPlan(
      abi: abi, handledFilesystem: known.rawValue,
      // LANDLOCK_ACCESS_NET_BIND_TCP and, where not everything is granted, CONNECT_TCP.
      handledNetwork: abi < 4 ? 0 : egress.allowsEverything ? 0b01 : 0b11,
      // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and SIGNAL.
      scoped: abi >= 6 ? 0b11 : 0,
      rules: rules.map { LandlockPlan.Rule(path: $0.key, allowed: $0.value.rawValue) },
      connectPorts: abi >= 4 ? EgressPlan.relayed(egress)?.connectPorts ?? [] : [])
  }
}

extension LandlockPlan {
  /// LANDLOCK_ACCESS_NET_CONNECT_TCP.
  package static let connectRight: UInt64 = 0b10
}
