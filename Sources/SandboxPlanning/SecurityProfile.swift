import PluginModel

/// A named set of defaults that an operator attaches to plugins: `profiles/*.yaml`. Read by
/// ``SecurityProfile/init(yaml:file:)``.
package struct SecurityProfile: Hashable, Sendable {
  package var name: String
  package var description: String
  package var systemCalls: SystemCalls
  package var limits: [ResourceLimit]
  /// `/tmp`, `/dev/shm`: bytes and inodes of each.
  package var scratchBytes: UInt64
  package var scratchInodes: UInt64

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
    scratchInodes: UInt64
  ) {
    self.name = name
    self.description = description
    self.systemCalls = systemCalls
    self.limits = limits
    self.scratchBytes = scratchBytes
    self.scratchInodes = scratchInodes
  }
}
