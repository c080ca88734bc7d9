import Glibc
import PluginModel
import SandboxPlanning

/// Another program that starts `/bin/true` in a sandbox.
struct Peer {
  var name: String
  /// A new command line for each start: container runtimes want a name of its own for each.
  var command: (Int) -> [String]
}

enum Peers {
  /// bubblewrap with the mounts of the plan: the same binds, its own /proc, /dev and tmpfs.
  static func bubblewrap(_ plan: SandboxPlan) -> Peer {
    var arguments = ["/usr/bin/bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    for operation in plan.filesystem {
      // bubblewrap fills /dev itself.
      if operation.target.text.hasPrefix("/dev/") { continue }
      switch operation {
      case .directory(let path): arguments += ["--dir", path.text]
      case .symbolicLink(let path, let destination): arguments += ["--symlink", destination, path.text]
      case .bind(let bind):
        arguments += [bind.access == .readOnly ? "--ro-bind" : "--bind", bind.source.text, bind.target.text]
      case .temporaryFilesystem(let path, _):
        if path.text == "/dev" {
          arguments += ["--dev", "/dev"]
        } else if path.text == "/tmp" {
          arguments += ["--tmpfs", path.text]
        }
      case .process(let path): arguments += ["--proc", path.text]
      case .file, .makeReadOnly: continue
      }
    }
    arguments += ["--remount-ro", "/"] + plan.command
    return Peer(name: "bwrap", command: { _ in arguments })
  }

  /// A container runtime on a bundle made from the plan's own OCI configuration.
  static func runtime(_ name: String, at path: String, bundle: String) -> Peer {
    Peer(name: name) { [path, "run", "--bundle", bundle, "orchestrator-bench-\(getpid())-\($0)"] }
  }

  /// Writes the bundle: what OCI calls the root filesystem holds what the plan makes without mounting.
  static func writeBundle(_ plan: SandboxPlan, in directory: String) throws {
    let root = directory + "/rootfs"
    try System.makeDirectory(root)
    for operation in plan.filesystem {
      let target = root + operation.target.text
      switch operation {
      case .directory, .temporaryFilesystem, .process: try System.makeDirectories(target)
      case .symbolicLink(_, let destination): _ = symlink(destination, target)
      case .file(_, let contents): try System.write(contents, to: target)
      case .bind(let bind) where bind.kind == .directory: try System.makeDirectories(target)
      case .bind: try System.write("", to: target)
      case .makeReadOnly: continue
      }
    }
    // The container's root makes what is missing beneath its own root.
    try System.run(["/bin/chown", "--recursive", "--no-dereference", "\(firstHostID):\(firstHostID)", root])
    try System.write(adapted(plan.ociConfiguration).text(), to: directory + "/config.json")
  }

  private static let firstHostID: UInt32 = 1_900_100_000

  /// Runtimes can't start a container whose user namespace has no root: they get 65,536 ids where the plan has one. And
  /// Debian's crun knows no version of the specification above 1.0.
  private static func adapted(_ configuration: JSONValue) -> JSONValue {
    let map: JSONValue = [["containerID": 0, "hostID": .integer(Int64(firstHostID)), "size": 65536]]
    let changes: [([String], JSONValue)] = [
      (["ociVersion"], "1.0.2"), (["linux", "uidMappings"], map), (["linux", "gidMappings"], map),
      // The same devices are every runtime's defaults, and runc opens its own only.
      (["linux", "devices"], []),
    ]
    return changes.reduce(configuration) { replacing($0, $1.0, $1.1) ?? $0 }
  }

  private static func replacing(_ value: JSONValue, _ path: [String], _ new: JSONValue) -> JSONValue? {
    guard let key = path.first else { return new }
    guard case .object(var members) = value, let index = members.firstIndex(where: { $0.key == key }),
      let inner = replacing(members[index].value, Array(path.dropFirst()), new)
    else { return nil }
    members[index] = JSONValue.Member(key, inner)
    return .object(members)
  }
}
