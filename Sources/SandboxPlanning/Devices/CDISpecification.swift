import PluginModel

/// One file of the Container Device Interface, version 1.1.0: what a vendor says a container needs for its devices.
///
/// It is read as data. Hooks are kept as words and never run: a hook runs with the rights of whoever starts the
/// container, in an environment that the container chose (CVE-2025-23266).
package struct CDISpecification: Hashable, Sendable {
  package var version: CDIVersion
  package var kind: CDIKind
  /// For every device of the file, once.
  package var edits: CDIEdits
  package var devices: [Device]

  package struct Device: Hashable, Sendable {
    package var name: CDIDeviceName
    package var edits: CDIEdits
    package init(name: CDIDeviceName, edits: CDIEdits) {
      self.name = name
      self.edits = edits
    }
  }

  package init(version: CDIVersion, kind: CDIKind, edits: CDIEdits, devices: [Device]) {
    self.version = version
    self.kind = kind
    self.edits = edits
    self.devices = devices
  }
}

/// The released versions of the format; later ones have more fields.
package enum CDIVersion: String, CaseIterable, Comparable, Sendable {
  case version030 = "0.3.0"
  case version040 = "0.4.0"
  case version050 = "0.5.0"
  case version060 = "0.6.0"
  case version070 = "0.7.0"
  case version080 = "0.8.0"
  case version100 = "1.0.0"
  case version110 = "1.1.0"

  package static func < (left: Self, right: Self) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }
}

/// `containerEdits`.
package struct CDIEdits: Hashable, Sendable {
  package var environment: [EnvironmentVariable]
  package var deviceNodes: [DeviceNode]
  package var mounts: [Mount]
  package var hooks: [Hook]
  package var additionalGroups: [UInt32]
  /// Fields that no sandbox of ours carries out: a device that needs one is refused.
  package var unsupported: [String]

  package init(
    environment: [EnvironmentVariable] = [], deviceNodes: [DeviceNode] = [], mounts: [Mount] = [], hooks: [Hook] = [],
    additionalGroups: [UInt32] = [], unsupported: [String] = []
  ) {
    self.environment = environment
    self.deviceNodes = deviceNodes
    self.mounts = mounts
    self.hooks = hooks
    self.additionalGroups = additionalGroups
    self.unsupported = unsupported
  }

  /// What both ask for, that of `self` first, nothing twice.
  package func merging(_ other: CDIEdits) -> CDIEdits {
    CDIEdits(
      environment: Self.union(environment, other.environment),
      deviceNodes: Self.union(deviceNodes, other.deviceNodes), mounts: Self.union(mounts, other.mounts),
      hooks: Self.union(hooks, other.hooks), additionalGroups: Self.union(additionalGroups, other.additionalGroups),
      unsupported: Self.union(unsupported, other.unsupported))
  }

  private static func union<Item: Hashable>(_ left: [Item], _ right: [Item]) -> [Item] {
    var known = Set<Item>()
    return (left + right).filter { known.insert($0).inserted }
  }

  package struct DeviceNode: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
      case block = "b"
      case character = "c"
      /// Another name for `c`.
      case unbuffered = "u"
      case fifo = "p"
    }
    /// Inside.
    package var path: AbsolutePath
    /// On the host; the same as `path` where nothing is said.
    package var hostPath: AbsolutePath
    /// What isn't said comes from lstat(2) of `hostPath`.
    package var kind: Kind?
    package var major: UInt32?
    package var minor: UInt32?
    package var fileMode: UInt32?
    package var access: DeviceAccess
    package var user: UInt32?
    package var group: UInt32?

    package init(
      path: AbsolutePath, hostPath: AbsolutePath, kind: Kind? = nil, major: UInt32? = nil, minor: UInt32? = nil,
      fileMode: UInt32? = nil, access: DeviceAccess = .all, user: UInt32? = nil, group: UInt32? = nil
    ) {
      self.path = path
      self.hostPath = hostPath
      self.kind = kind
      self.major = major
      self.minor = minor
      self.fileMode = fileMode
      self.access = access
      self.user = user
      self.group = group
    }
  }

  package struct Mount: Hashable, Sendable {
    package var hostPath: AbsolutePath
    package var containerPath: AbsolutePath
    package var options: [String]
    /// Nil: a bind mount.
    package var type: String?

    package init(hostPath: AbsolutePath, containerPath: AbsolutePath, options: [String] = [], type: String? = nil) {
      self.hostPath = hostPath
      self.containerPath = containerPath
      self.options = options
      self.type = type
    }
  }

  package struct Hook: Hashable, Sendable {
    package enum Stage: String, CaseIterable, Sendable {
      case prestart
      case createRuntime
      case createContainer
      case startContainer
      case poststart
      case poststop
    }
    package var stage: Stage
    package var path: String
    package var arguments: [String]

    package init(stage: Stage, path: String, arguments: [String] = []) {
      self.stage = stage
      self.path = path
      self.arguments = arguments
    }
  }
}

/// What may be done with a device node, as in the rules of cgroups(7): read, write, mknod.
package struct DeviceAccess: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  package static let read = DeviceAccess(rawValue: 1)
  package static let write = DeviceAccess(rawValue: 2)
  package static let makeNode = DeviceAccess(rawValue: 4)
  package static let all: DeviceAccess = [.read, .write, .makeNode]

  /// `r`, `w` and `m`, each at most once; nil for anything else.
  package init?(_ text: String) {
    self = []
    for character in text {
      let bit: DeviceAccess
      switch character {
      case "r": bit = .read
      case "w": bit = .write
      case "m": bit = .makeNode
      default: return nil
      }
      guard insert(bit).inserted else { return nil }
    }
    guard !isEmpty else { return nil }
  }

  package var text: String {
    (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.makeNode) ? "m" : "")
  }
}
