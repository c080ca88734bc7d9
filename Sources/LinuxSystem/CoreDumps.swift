import CLinux

/// What the kernel does for a process of this one that dies: core(5).
package enum CoreDumps {
  /// True when it starts a program of the host, and no limit that this process may set prevents it.
  package static func startProgram() -> Bool {
    startProgram(pattern: readSmallFile("/proc/sys/kernel/core_pattern"), hardLimit: linux_core_limit())
  }

  /// Only a limit of 1 keeps the kernel from starting the program; raising a hard limit takes CAP_SYS_RESOURCE.
  static func startProgram(pattern: String?, hardLimit: UInt64) -> Bool {
    hardLimit == 0 && pattern?.hasPrefix("|") ?? true
  }
}
