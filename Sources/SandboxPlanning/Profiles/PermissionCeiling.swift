import PluginModel

/// The most that may be granted to a plugin under a profile: `permissions` of the file that says it.
package struct PermissionCeiling: Hashable, Sendable {
  /// Of the file in which it stands.
  package var profile: String
  package var permissions: [Permission]
  package var location: SourceLocation

  package init(profile: String, permissions: [Permission], location: SourceLocation) {
    self.profile = profile
    self.permissions = permissions
    self.location = location
  }

  /// `filesystem.read, network.http:example.org`, or `nothing`.
  package var words: String {
    permissions.isEmpty ? "nothing" : permissions.map(\.description).joined(separator: ", ")
  }

  /// A grant is never cut: what was consented to is what a plugin has, or it isn't started.
  func refusals(of granted: [Permission], to plugin: PluginName) -> [Diagnostic] {
    Set(granted).sorted().filter { !$0.isCovered(by: permissions) }.map { permission in
      Diagnostic(
        "\(permission) is more than the profile \(profile.quoted) lets a plugin have",
        why: "under it, \(plugin) may be granted at most: \(words)",
        hint: "revoke the grant, or attach another profile: --profile \(plugin)=NAME; see: orchestrator profile list",
        at: location)
    }
  }
}

extension Permission {
  /// Whether `others` together give all that this one gives. A filesystem permission without a path is the workspace and no
  /// path; any other without a scope is every scope. What may be written may be read.
  package func isCovered(by others: [Permission]) -> Bool {
    switch self {
    case .filesystemRead(let path):
      others.contains { other in
        switch other {
        case .filesystemRead(let covering), .filesystemWrite(let covering): Self.covers(covering, path)
        case .networkHTTP, .networkSocket, .systemExec, .gpuAccess, .memoryUnlimited: false
        }
      }
    case .filesystemWrite(let path):
      others.contains { other in
        if case .filesystemWrite(let covering) = other { Self.covers(covering, path) } else { false }
      }
    case .networkHTTP(let hosts):
      Self.covers(others.compactMap { if case .networkHTTP(let list) = $0 { list } else { nil } }, hosts)
    case .networkSocket(let endpoints):
      Self.covers(others.compactMap { if case .networkSocket(let list) = $0 { list } else { nil } }, endpoints)
    case .systemExec(let programs):
      Self.covers(others.compactMap { if case .systemExec(let list) = $0 { list } else { nil } }, programs)
    case .gpuAccess(let count):
      others.contains { other in
        guard case .gpuAccess(let most) = other else { return false }
        guard let most else { return true }
        return count.map { $0 <= most } ?? false
      }
    case .memoryUnlimited: others.contains(.memoryUnlimited)
    }
  }

  private static func covers(_ covering: AbsolutePath?, _ path: AbsolutePath?) -> Bool {
    switch (covering, path) {
    case (nil, nil): true
    case (let covering?, let path?): path.isEqualToOrBeneath(covering)
    case (nil, _?), (_?, nil): false
    }
  }

  /// An empty list stands for everything; several add up. `*.example.org` covers the names beneath, and no other.
  private static func covers(_ lists: [[String]], _ items: [String]) -> Bool {
    if lists.contains([]) { return true }
    let covering = lists.flatMap { $0 }
    return !items.isEmpty
      && items.allSatisfy { item in
        covering.contains { $0 == item || ($0.hasPrefix("*.") && item.hasSuffix($0.dropFirst()) && item != $0) }
      }
  }
}
