import LinuxSystem
import PluginModel
import SandboxPlanning

/// A plan as a bundle that container runtimes start: `config.json`, and as `rootfs` what the plan makes without mounting,
/// which the specification has no words for.
package struct OCIBundle: Sendable {
  private let plan: SandboxPlan
  private let seccompAgent: AbsolutePath?

  /// - Parameter seccompAgent: see `SandboxPlan.ociConfiguration`.
  package init(_ plan: SandboxPlan, seccompAgent: AbsolutePath? = nil) {
    self.plan = plan
    self.seccompAgent = seccompAgent
  }

  /// Blocks. Nothing that exists is overwritten.
  package func write(to path: String) throws(FileError) {
    let bundle = try Directory(making: path)
    let root = try bundle.makeDirectory("rootfs")
    // What lies on a tmpfs is made by the runtime, after it has mounted it.
    var hidden: [AbsolutePath] = []
    for operation in plan.filesystem {
      let target = operation.target
      if target == .root || hidden.contains(where: { target.isEqualToOrBeneath($0) }) { continue }
      let name = target.lastComponent
      let parent = try Self.parent(of: target, in: root)
      switch operation {
      case .directory, .process: _ = try Self.directory(name, in: parent)
      case .temporaryFilesystem(_, let memory):
        // runc gives a tmpfs the permissions of what it covers.
        try Self.directory(name, in: parent).setPermissions(memory.mode)
        hidden.append(target)
      case .bind(let bind) where bind.kind == .directory: _ = try Self.directory(name, in: parent)
      case .bind: try parent.create(name, [])
      case .symbolicLink(_, let destination): try parent.makeLink(name, to: destination)
      case .file(_, let contents): try parent.create(name, Array(contents.utf8), permissions: 0o444)
      case .loaderCache(let cache): try parent.create(name, cache.bytes, permissions: 0o444)
      // `root.readonly` of the configuration.
      case .makeReadOnly: continue
      }
    }
    try bundle.create(
      "config.json", Array((plan.ociConfiguration(seccompAgent: seccompAgent).text(.pretty) + "\n").utf8))
  }

  private static func parent(of target: AbsolutePath, in root: Directory) throws(FileError) -> Directory {
    var directory = root
    for name in target.components.dropLast() { directory = try Self.directory(name, in: directory) }
    return directory
  }

  /// Made where it is missing.
  private static func directory(_ name: String, in parent: Directory) throws(FileError) -> Directory {
    do throws(FileError) {
      return try parent.directory(name)
    } catch {
      guard error.isAbsence else { throw error }
      return try parent.makeDirectory(name)
    }
  }
}
