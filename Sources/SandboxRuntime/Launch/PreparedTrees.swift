import LinuxSystem
import SandboxPlanning

/// The trees of a plan's owner-mapping binds, which only the supervisor may make: an idmapped mount needs CAP_SYS_ADMIN
/// in the user namespace of the filesystem, mount_setattr(2).
struct PreparedTrees {
  /// For the index of an operation, the index of its tree.
  var indices: [Int: Int] = [:]
  var descriptors: [FileDescriptor] = []

  static func make(
    _ plan: SandboxPlan, _ context: LaunchContext, _ stack: SpawnStack,
    _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> PreparedTrees {
    var trees = PreparedTrees()
    let kernel = context.kernel
    for (index, operation) in plan.filesystem.enumerated() {
      guard case .bind(let bind) = operation, bind.mapsOwner else { continue }
      let namespace = try transaction.perform(.holdUserNamespace) { () throws(SystemError) in
        let owner = try kernel.owner(of: bind.source.text)
        let worker = FileOwner(user: plan.identity.userOnHost, group: plan.identity.groupOnHost)
        return try context.ownerMaps.namespace(OwnerMap(from: owner, to: worker), kernel, stack)
      }
      let tree = try transaction.perform(.mapOwner) { () throws(SystemError) in
        try kernel.cloneTree(bind.source.text, mappedBy: namespace)
      } undo: { tree in
        { tree.close() }
      }
      trees.indices[index] = trees.descriptors.count
      trees.descriptors.append(tree)
    }
    return trees
  }
}

/// `from` is who a file belongs to on the disk, `to` who it belongs to through the mount.
struct OwnerMap: Hashable, Sendable {
  var from: FileOwner
  var to: FileOwner
}

/// The user namespaces that carry such maps, kept since one plugin usually has one: they hold no process.
final class OwnerMaps: Sendable {
  private static let capacity = 64
  private let namespaces = Lock<[OwnerMap: FileDescriptor]>([:])

  /// Blocks while a new one is made; on the spawner's thread.
  func namespace(
    _ map: OwnerMap, _ kernel: any SandboxKernel, _ stack: SpawnStack
  ) throws(SystemError) -> FileDescriptor {
    if let known = namespaces.withLock({ $0[map] }) { return known }
    let made = try Self.make(map, kernel, stack)
    namespaces.withLock { namespaces in
      if namespaces.count >= Self.capacity { namespaces = [:] }
      namespaces[map] = made
    }
    return made
  }

  private static func make(
    _ map: OwnerMap, _ kernel: any SandboxKernel, _ stack: SpawnStack
  ) throws(SystemError) -> FileDescriptor {
    let process = try kernel.holdUserNamespace(on: stack)
    let directory = "/proc/\(process.identifier)"
    let namespace = Result { () throws(SystemError) in
      try kernel.write("\(map.from.group) \(map.to.group) 1\n", to: "\(directory)/gid_map")
      try kernel.write("\(map.from.user) \(map.to.user) 1\n", to: "\(directory)/uid_map")
      return try kernel.openFile("\(directory)/ns/user")
    }
    // The process has served: the descriptor keeps the namespace.
    let ended = Result { () throws(SystemError) in
      try kernel.kill(process)
      try kernel.awaitEnd(process)
    }
    stack.awaitVacancy()
    process.descriptor.close()
    let made = try namespace.get()
    do throws(SystemError) { try ended.get() } catch {
      made.close()
      throw error
    }
    return made
  }
}
