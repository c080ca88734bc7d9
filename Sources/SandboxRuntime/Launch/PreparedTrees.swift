import LinuxSystem
import SandboxPlanning

/// The trees of a plan's owner-mapping binds, which only the supervisor may make: an idmapped mount needs CAP_SYS_ADMIN
/// in the user namespace of the filesystem, mount_setattr(2).
struct PreparedTrees {
  /// For the index of an operation, the index of its tree.
  var indices: [Int: Int] = [:]
  var descriptors: [FileDescriptor] = []

  static func make(
    _ plan: SandboxPlan, _ context: LaunchContext, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> PreparedTrees {
    PreparedTrees()
  }
}
