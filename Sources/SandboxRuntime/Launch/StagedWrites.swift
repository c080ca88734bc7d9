import LinuxSystem
import PluginModel
import SandboxPlanning
import Synchronization

/// What one worker writes over the workspace, kept apart from it in a directory of its own. Nobody else knows of it: once the
/// sandbox is gone, whoever started it must ``land()`` or not, and ``discard()`` it.
package struct StagedWrites: Sendable {
  let path: String
  let workspace: AbsolutePath
  let isRoot: Bool
  let kernel: any SandboxKernel
  /// One for all: what nodes wrote lands one after the other.
  let thread: DedicatedThread

  /// Takes everything that was written into the workspace. The sandbox must be gone.
  package func land() async throws(LandingError) {
    try await thread.run { [self] in Result { () throws(LandingError) in try landNow() } }.get()
  }

  private func landNow() throws(LandingError) {
    let changes: Tree
    let target: Tree
    let owner: FileOwner
    do throws(SystemError) {
      changes = try Tree(opening: "\(path)/upper")
      target = try Tree(opening: workspace.text)
      owner = try target.itself().owner
    } catch {
      throw .system(error)
    }
    try TreeLanding(owner: isRoot ? owner : nil).land(changes, onto: target)
  }

  /// Removes it; how that failed, if it did.
  package func discard() async -> SystemError? {
    await thread.run { [self] in
      do throws(SystemError) {
        try kernel.removeTree(path)
        return nil
      } catch { return error }
    }
  }
}

/// Where staged writes lie: one directory a launch, named after the supervisor so that the next one knows which were left
/// behind by one that was killed.
final class StagingArea: Sendable {
  private let root: AbsolutePath
  private let kernel: any SandboxKernel
  private let isRoot: Bool
  private let thread: DedicatedThread
  private let next = Atomic<UInt64>(1)

  /// Removes what supervisors left that are gone. Blocks.
  init(root: AbsolutePath, isRoot: Bool, kernel: any SandboxKernel) throws(SystemError) {
    self.root = root
    self.kernel = kernel
    self.isRoot = isRoot
    thread = try DedicatedThread(name: "land-writes")
    for entry in directoryEntries(root.text) {
      guard let name = CgroupName(entry), !name.isAlive else { continue }
      do throws(SystemError) { try kernel.removeTree("\(root)/\(name.text)") } catch { continue }
    }
  }

  /// A directory for the writes of one launch of `plan`. Blocks.
  func make(
    for bind: Bind, _ identity: Identity, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> StagedWrites {
    var name = CgroupName.own()
    name.instance = next.add(1, ordering: .relaxed).oldValue
    let writes = StagedWrites(
      path: "\(root)/\(name.text)", workspace: bind.source, isRoot: isRoot, kernel: kernel,
      thread: thread)
    let kernel = self.kernel
    try transaction.perform(.makeStaging) { () throws(SystemError) in
      try kernel.makeStaging(
        writes.path, like: bind.source.text,
        owner: isRoot ? FileOwner(user: identity.userOnHost, group: identity.groupOnHost) : nil)
    } undo: { _ in
      { () throws(SystemError) in try kernel.removeTree(writes.path) }
    }
    return writes
  }
}
