import LinuxSystem
import PluginModel
import SandboxPlanning
import Synchronization

/// What one worker writes over the workspace, kept apart from it in a directory of its own. Nobody else knows of it: once the
/// sandbox is gone, whoever started it must ``land()`` or not, and ``discard()`` it.
package struct StagedWrites: Sendable {
  let path: String
  /// `path` itself. Its lock tells supervisors that don't see this one, from another pid namespace, that it is in use.
  let directory: FileDescriptor
  /// The very directory that was there at the launch, wherever its path leads to by now.
  let workspace: FileDescriptor
  let workspacePath: AbsolutePath
  let isRoot: Bool
  let kernel: any SandboxKernel
  /// One for all: what nodes wrote lands one after the other.
  let thread: DedicatedThread

  /// Takes everything that was written into the workspace. The sandbox must be gone.
  ///
  /// Cancelling the task ends it as long as nothing was taken.
  /// - Parameter isAbandoned: ends it wherever it is; each file is then the old or the new one.
  package func land(isAbandoned: @escaping @Sendable () -> Bool) async throws(LandingError) {
    let cancelled = Lock(false)
    let result = await withTaskCancellationHandler {
      await thread.run { [self] in
        Result { () throws(LandingError) in
          try landNow(isCancelled: { cancelled.withLock { $0 } || isAbandoned() }, isAbandoned: isAbandoned)
        }
      }
    } onCancel: {
      cancelled.withLock { $0 = true }
    }
    try result.get()
  }

  private func landNow(isCancelled: () -> Bool, isAbandoned: () -> Bool) throws(LandingError) {
    let changes: Tree
    let target: Tree
    let owner: FileOwner
    do throws(SystemError) {
      changes = try Tree(directory, path: path).directory(EntryName("upper"))
      target = Tree(workspace, path: workspacePath.text)
      owner = try target.itself().owner
    } catch {
      throw .system(error)
    }
    try TreeLanding(owner: isRoot ? owner : nil)
      .land(changes, onto: target, isCancelled: isCancelled, isAbandoned: isAbandoned)
  }

  /// Removes it; how that failed, if it did.
  package func discard() async -> SystemError? {
    await thread.run { [self] in
      defer {
        directory.close()
        workspace.close()
      }
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
      do throws(SystemError) { try Self.removeUnlessUsed("\(root)/\(name.text)", kernel) } catch { continue }
    }
  }

  private static func removeUnlessUsed(_ path: String, _ kernel: any SandboxKernel) throws(SystemError) {
    let directory = try kernel.openDirectory(path)
    defer { directory.close() }
    try kernel.lock(directory)
    try kernel.removeTree(path)
  }

  /// A directory for the writes of one launch of `plan`. Blocks.
  func make(
    for bind: Bind, _ identity: Identity, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> StagedWrites {
    var name = CgroupName.own()
    name.instance = next.add(1, ordering: .relaxed).oldValue
    let path = "\(root)/\(name.text)"
    let kernel = self.kernel
    let workspace = try transaction.perform(.openWorkspace) { () throws(SystemError) in
      try kernel.openPlace(bind.source.text)
    } undo: { workspace in
      { workspace.close() }
    }
    let directory = try transaction.perform(.makeStaging) { () throws(SystemError) in
      try kernel.makeStaging(
        path, like: workspace,
        owner: isRoot ? FileOwner(user: identity.userOnHost, group: identity.groupOnHost) : nil)
    } undo: { directory in
      { () throws(SystemError) in
        defer { directory.close() }
        try kernel.removeTree(path)
      }
    }
    return StagedWrites(
      path: path, directory: directory, workspace: workspace, workspacePath: bind.source, isRoot: isRoot,
      kernel: kernel, thread: thread)
  }
}
