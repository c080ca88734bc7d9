import CSeccomp

/// Names of system calls and their numbers, as libseccomp knows them.
enum SystemCallNames {
  enum Resolution: Hashable {
    case number(Int)
    /// A call of another architecture, such as open(2) on aarch64.
    case absent
    /// A misspelling, or newer than libseccomp and ``recent``.
    case unknown
  }

  static func resolve(_ name: String, on architecture: HostFacts.Architecture) -> Resolution {
    let number = Int(seccomp_syscall_resolve_name_arch(architecture.auditToken, name))
    if number >= 0 { return .number(number) }
    if let recent = recent[name] { return .number(recent) }
    // __NR_SCMP_ERROR; other negative numbers are libseccomp's own, for calls that exist elsewhere.
    return number == -1 ? .unknown : .absent
  }

  /// Calls newer than the libseccomp of a supported distribution. Since Linux 5.0 new calls have one number on all
  /// architectures.
  private static let recent = [
    "futex_waitv": 449, "set_mempolicy_home_node": 450, "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453,
    "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456, "statmount": 457, "listmount": 458,
    "lsm_get_self_attr": 459, "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463,
    "getxattrat": 464, "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468,
    "file_setattr": 469,
  ]
}

extension HostFacts.Architecture {
  /// AUDIT_ARCH_*, as `seccomp_data.arch` has it: the ELF machine, 64-bit, little-endian.
  package var auditToken: UInt32 {
    switch self {
    case .x86_64: 0xC000_003E
    case .aarch64: 0xC000_00B7
    }
  }

  /// Calls numbered from here on are x32's, which shares x86_64's token. Nil where there is no such thing.
  package var foreignNumbering: UInt32? {
    switch self {
    case .x86_64: 0x4000_0000
    case .aarch64: nil
    }
  }

  /// The name that the OCI runtime specification and seccomp(3) tools use.
  var seccompName: String {
    switch self {
    case .x86_64: "SCMP_ARCH_X86_64"
    case .aarch64: "SCMP_ARCH_AARCH64"
    }
  }
}
