import LinuxSystem
import PluginModel

/// Where this process stands in the cgroup v2 tree: cgroups(7).
struct CgroupLocation: Hashable, Sendable {
  /// The directory of the process's own cgroup.
  var directory: AbsolutePath

  /// From `/proc/self/mountinfo` and `/proc/self/cgroup`; nil where no cgroup v2 tree shows it.
  init?(mountInformation: String, ownCgroups: String) {
    // The entry of the unified hierarchy is the one without controllers: `0::/user.slice`.
    guard let entry = ownCgroups.split(separator: "\n").first(where: { $0.hasPrefix("0::") }) else { return nil }
    let own = String(entry.dropFirst(3))
    let mounts = mountInformation.split(separator: "\n").compactMap(Mount.init)
    for mount in mounts where mount.type == "cgroup2" && !Self.isHidden(mount, among: mounts) {
      // A bind mount or a cgroup namespace shows a part of the tree, of which `root` is the top.
      let relative: Substring
      if mount.root == "/" {
        relative = own[...]
      } else if own == mount.root || own.hasPrefix(mount.root + "/") {
        relative = own.dropFirst(mount.root.count)
      } else {
        continue
      }
      if let directory = AbsolutePath(mount.target + "/" + relative) {
        self.directory = directory
        return
      }
    }
    return nil
  }

  /// Whoever follows its path comes to another: one that was mounted over it, or on the way to it.
  private static func isHidden(_ mount: Mount, among mounts: [Mount]) -> Bool {
    if mounts.contains(where: { $0.parent == mount.identifier && $0.target == mount.target }) { return true }
    var step = mount
    // Each stands on one that was there before; the table of a namespace may lack the first.
    for _ in mounts {
      guard let below = mounts.first(where: { $0.identifier == step.parent && $0.identifier != step.identifier }) else {
        return false
      }
      let isCovered = mounts.contains {
        $0.parent == below.identifier && $0.identifier != step.identifier && $0.contains(step.target)
      }
      if isCovered { return true }
      step = below
    }
    return false
  }

  /// A line of proc_pid_mountinfo(5).
  private struct Mount {
    var identifier: Substring
    /// The identifier of the mount that it is mounted on.
    var parent: Substring
    var root: String
    var target: String
    var type: String
    init?(_ line: Substring) {
      let fields = line.split(separator: " ")
      guard let separator = fields.firstIndex(of: "-"), separator > 5, fields.count > separator + 1 else { return nil }
      identifier = fields[0]
      parent = fields[1]
      root = String(fields[3])
      target = String(fields[4])
      type = String(fields[separator + 1])
    }

    /// The path lies at or beneath its place.
    func contains(_ path: String) -> Bool { target == "/" || path == target || path.hasPrefix(target + "/") }
  }
}
