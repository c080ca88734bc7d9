/// What a plugin may ask for beyond what every sandbox gives. A name may carry a scope after `:`.
///
/// A permission is a request in a manifest and a grant in a policy; the same value serves both. What each one
/// means for the kernel is decided in `SandboxPlanning`.
package enum Permission: Hashable, Sendable {
  /// Nil: the run's workspace, read-only. A path: that path, if the operator's `filesystem_roots` cover it.
  case filesystemRead(AbsolutePath?)
  /// Nil: the run's workspace, writable.
  case filesystemWrite(AbsolutePath?)
  /// Empty: any public host.
  case networkHTTP(hosts: [String])
  /// `host:port` pairs. Empty: any endpoint.
  case networkSocket(endpoints: [String])
  /// Empty: every program visible in the sandbox's root. Otherwise program names, never paths.
  case systemExec(programs: [String])
  /// Nil: as many as the scheduler assigned.
  case gpuAccess(count: Int?)
  case memoryUnlimited
}

extension Permission {
  /// The seven names of the specification.
  package enum Name: String, CaseIterable, Sendable {
    case filesystemRead = "filesystem.read"
    case filesystemWrite = "filesystem.write"
    case networkHTTP = "network.http"
    case networkSocket = "network.socket"
    case systemExec = "system.exec"
    case gpuAccess = "gpu.access"
    case memoryUnlimited = "memory.unlimited"
  }

  package var name: Name {
    switch self {
    case .filesystemRead: .filesystemRead
    case .filesystemWrite: .filesystemWrite
    case .networkHTTP: .networkHTTP
    case .networkSocket: .networkSocket
    case .systemExec: .systemExec
    case .gpuAccess: .gpuAccess
    case .memoryUnlimited: .memoryUnlimited
    }
  }

  /// The text after the colon, or nil for the bare form.
  package var scope: String? {
    switch self {
    case .filesystemRead(let path), .filesystemWrite(let path): path?.text
    case .networkHTTP(let list), .networkSocket(let list), .systemExec(let list):
      list.isEmpty ? nil : list.joined(separator: ",")
    case .gpuAccess(let count): count.map(String.init)
    case .memoryUnlimited: nil
    }
  }
}

extension Permission: CustomStringConvertible, Comparable {
  /// The form a manifest uses, for example `filesystem.read:/srv/data`.
  package var description: String { scope.map { "\(name.rawValue):\($0)" } ?? name.rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}
