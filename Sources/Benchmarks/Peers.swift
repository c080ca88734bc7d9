import Glibc
import PluginModel
import SandboxPlanning
import SandboxRuntime

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
      case .file, .loaderCache, .makeReadOnly: continue
      }
    }
    arguments += ["--remount-ro", "/"] + plan.command
    return Peer(name: "bwrap", command: { _ in arguments })
  }

  /// A container runtime on a bundle made from the plan's own OCI configuration.
  static func runtime(_ name: String, at path: String, bundle: String) -> Peer {
    Peer(name: name) { [path, "run", "--bundle", bundle, "orchestrator-bench-\(getpid())-\($0)"] }
  }

  /// The plan's own bundle. The devices are left to the runtime: the same ones are every runtime's defaults, and crun needs
  /// CAP_SYS_RESOURCE to load the program that enforces a list of its own.
  static func writeBundle(_ plan: SandboxPlan, in directory: String) throws {
    try OCIBundle(plan).write(to: directory)
    let changes: [([String], JSONValue)] = [
      (["linux", "devices"], []), (["linux", "resources"], .object([])),
    ]
    let adapted = changes.reduce(plan.ociConfiguration()) { replacing($0, $1.0, $1.1) ?? $0 }
    try System.write(adapted.text(), to: directory + "/config.json")
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
