import PluginModel

/// One file of `profiles/*.yaml` as it stands. What is enforced comes of it and of those it inherits from:
/// ``ProfileLibrary/profile(from:)``.
package struct ProfileDocument: Hashable, Sendable {
  package var name: String
  package var description: String
  package var file: String
  package var inherits: Located<String>?
  var calls: [Calls]
  var limits: [ResourceLimit.Kind: Located<UInt64>]
  var resources: Resources
  var scratchMebibytes: Located<UInt64>?
  var scratchInodes: Located<UInt64>?
  var executablePaths: Located<[SecurityProfile.ExecutablePath]>?
  var permissions: Located<[Permission]>?

  /// One item of `systemCalls`.
  struct Calls: Hashable, Sendable {
    enum Content: Hashable, Sendable {
      case group(SystemCallGroupName)
      case names([Located<String>], why: String)
    }
    var list: List
    var content: Content
    var location: SourceLocation
  }

  /// Where a file puts a system call.
  package enum List: String, CaseIterable, Sendable {
    case allow
    /// Answered with EPERM.
    case deny
    /// Allowed only with `system.exec`.
    case exec
    /// In no list any more: answered with ENOSYS.
    case remove
  }

  /// What a file says; the rest is inherited.
  struct Resources: Hashable, Sendable {
    var memory: Located<UInt64>?
    var memoryHigh: Located<UInt64>?
    var cpu: Located<Double>?
    var cpuWeight: Located<UInt32>?
    var tasks: Located<UInt64>?
    var ioWeight: Located<UInt32>?
    var io: Located<IOLimit>?
    var processors: Located<[UInt32]>?
  }
}
