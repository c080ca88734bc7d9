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
    for line in mountInformation.split(separator: "\n") {
      guard let mount = Mount(line), mount.type == "cgroup2" else { continue }
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

  /// A line of proc_pid_mountinfo(5).
  private struct Mount {
    var root: String
    var target: String
    var type: String
    init?(_ line: Substring) {
      let fields = line.split(separator: " ")
      guard let separator = fields.firstIndex(of: "-"), separator > 5, fields.count > separator + 1 else { return nil }
      root = String(fields[3])
      target = String(fields[4])
      type = String(fields[separator + 1])
    }
  }
}
