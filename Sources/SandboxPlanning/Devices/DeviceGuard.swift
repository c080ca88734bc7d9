import PluginModel

/// What keeps a worker from the devices of the host that it wasn't given.
package enum DeviceGuard: Hashable, Sendable {
  /// The kernel asks a program of the worker's cgroup at each open and mknod of a device, whatever node the worker got hold of.
  case program
  /// No such program can be had here. No mount of the sandbox but those of its devices lets a device be opened (nodev), and a
  /// process of a user namespace makes no device nodes: mknod(2).
  case mounts(why: String)

  /// In JSON.
  package var name: String {
    switch self {
    case .program: "kernel"
    case .mounts: "mounts"
    }
  }

  /// For people, after "devices:".
  package var words: String {
    switch self {
    case .program: "every other is refused by the kernel: a program of the worker's cgroup"
    case .mounts(let why):
      "others are kept out by nodev mounts and the user namespace alone: \(why)"
    }
  }
}

extension SandboxPlan {
  /// The devices that the worker sees, which are those that it may open. It makes nodes of none.
  package var deviceRules: [DeviceRule] {
    filesystem.compactMap { operation in
      guard case .bind(let bind) = operation, case .characterDevice(let major, let minor) = bind.kind else {
        return nil
      }
      return DeviceRule(.character, major, minor, bind.access == .readOnly ? .read : [.read, .write])
    }
  }

  /// What is attached to the worker's cgroup; nil where the mounts have to do.
  package var deviceProgram: DeviceProgram? {
    switch deviceGuard {
    case .program: DeviceProgram(rules: deviceRules)
    case .mounts: nil
    }
  }
}

extension DeviceRule {
  /// As the kernel's documentation of the device controller writes it: `c 1:3 rw`.
  var words: String { "\(kind.letter) \(numbers) \(access.letters)" }

  var numbers: String { "\(major):\(minor.map(String.init) ?? "*")" }
}

extension DeviceRule.Kind {
  /// As ls(1) and the OCI runtime specification have it.
  var letter: String {
    switch self {
    case .block: "b"
    case .character: "c"
    }
  }
}

extension DeviceAccess {
  var letters: String {
    (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.makeNode) ? "m" : "")
  }
}
