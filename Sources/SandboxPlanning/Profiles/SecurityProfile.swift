import PluginModel

/// A named set of defaults that an operator attaches to plugins, as it comes of one file of `profiles/*.yaml` and of those
/// that it inherits from: ``ProfileLibrary/profile(from:)``.
package struct SecurityProfile: Hashable, Sendable {
  package var name: String
  package var description: String
  package var systemCalls: SystemCalls
  package var limits: [ResourceLimit]
  /// `/tmp`, `/dev/shm`: bytes and inodes of each.
  package var scratchBytes: UInt64
  package var scratchInodes: UInt64
  /// Where a plugin may start what it has written there itself, if it may start every program: the `ExecPaths=` of systemd.exec(5).
  package var executablePaths: Set<ExecutablePath> = []
  /// Of the worker and all that it starts, together.
  package var resources: Resources
  /// Nil: whatever the operator grants.
  package var ceiling: PermissionCeiling?
  package var origins = Origins()

  /// Where each part of it was written.
  package struct Origins: Hashable, Sendable {
    /// The profile's own file, then the one that it inherits from, and so on.
    package var chain: [File]
    /// By the name of the call; also of those that were removed.
    package var calls: [String: Call]
    /// By the key that the files use: `RLIMIT_NOFILE`, `memory`, `mebibytes`.
    package var settings: [String: SourceLocation]

    package struct File: Hashable, Sendable {
      package var name: String
      package var path: String
    }

    package struct Call: Hashable, Sendable {
      /// Nil: the call is named in the profile itself.
      package var group: String?
      package var why: String
      package var location: SourceLocation
    }

    package init(chain: [File] = [], calls: [String: Call] = [:], settings: [String: SourceLocation] = [:]) {
      self.chain = chain
      self.calls = calls
      self.settings = settings
    }
  }

  package enum ExecutablePath: String, CaseIterable, CustomStringConvertible, Sendable {
    case scratch = "/tmp"
    case workspace = "/workspace"
    package var description: String { rawValue }
  }

  /// What a worker has whose node asks for nothing.
  package struct Resources: Hashable, Sendable {
    /// Bytes.
    package var memory: Located<UInt64>
    /// Bytes, at most `memory`. Goes with this profile's `memory` and with no other.
    package var memoryHigh: UInt64?
    /// Logical processors; 0.5 is half of one.
    package var cpuCores: Located<Double>
    package var cpuWeight: UInt32?
    /// Processes and threads.
    package var tasks: UInt64
    package var ioWeight: UInt32?
    package var io: IOLimit?
    /// The logical processors that it runs on; empty: all.
    package var processors: [UInt32]

    package init(
      memory: Located<UInt64>, memoryHigh: UInt64? = nil, cpuCores: Located<Double>, cpuWeight: UInt32? = nil,
      tasks: UInt64, ioWeight: UInt32? = nil, io: IOLimit? = nil, processors: [UInt32] = []
    ) {
      self.io = io
      self.processors = processors
      self.memory = memory
      self.memoryHigh = memoryHigh
      self.cpuCores = cpuCores
      self.cpuWeight = cpuWeight
      self.tasks = tasks
      self.ioWeight = ioWeight
    }
  }

  /// Names as the kernel's own, resolved by libseccomp. A name in neither list is answered with ENOSYS.
  package struct SystemCalls: Hashable, Sendable {
    package var allow: [String]
    /// Answered with EPERM: known, and forbidden on purpose.
    package var deny: [String]
    /// Allowed only with `system.exec`.
    package var exec: [String]

    package init(allow: [String], deny: [String], exec: [String]) {
      self.allow = allow
      self.deny = deny
      self.exec = exec
    }
  }

  package init(
    name: String, description: String, systemCalls: SystemCalls, limits: [ResourceLimit], scratchBytes: UInt64,
    scratchInodes: UInt64, resources: Resources
  ) {
    self.resources = resources
    self.name = name
    self.description = description
    self.systemCalls = systemCalls
    self.limits = limits
    self.scratchBytes = scratchBytes
    self.scratchInodes = scratchInodes
  }
}
