/// What somebody who asks over HTTP may do. Each includes those before it.
package enum AccessScope: String, CaseIterable, Comparable, Sendable {
  /// Reads: plugins, workflows, runs and what came of them.
  case viewer
  /// Starts, cancels and removes runs, and uploads what they need.
  case runner
  /// Changes workflows, and publishes in the registry.
  case author
  /// Installs and removes plugins, grants permissions, makes tokens, reads the audit log.
  case admin

  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .viewer: 0
    case .runner: 1
    case .author: 2
    case .admin: 3
    }
  }
}
