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
      Self.covers(
        others.compactMap { if case .networkHTTP(let list) = $0 { list } else { nil } }, hosts, HostPattern.covers)
    case .networkSocket(let endpoints):
      Self.covers(others.compactMap { if case .networkSocket(let list) = $0 { list } else { nil } }, endpoints, ==)
    case .systemExec(let programs):
      Self.covers(others.compactMap { if case .systemExec(let list) = $0 { list } else { nil } }, programs, ==)
    case .gpuAccess(let count):
      others.contains { other in
        guard case .gpuAccess(let most) = other else { return false }
        guard let most else { return true }
        return count.map { $0 <= most } ?? false
      }
    case .memoryUnlimited: others.contains(.memoryUnlimited)
    }
  }

  /// True where whoever has `self` needs nothing more for `other`.
  package func covers(_ other: Permission) -> Bool { other.isCovered(by: [self]) }

  private static func covers(_ covering: AbsolutePath?, _ path: AbsolutePath?) -> Bool {
    switch (covering, path) {
    case (nil, nil): true
    case (let covering?, let path?): path.isEqualToOrBeneath(covering)
    case (nil, _?), (_?, nil): false
    }
  }

  /// An empty list stands for everything; several add up.
  private static func covers(
    _ lists: [[String]], _ items: [String], _ covers: (String, String) -> Bool
  ) -> Bool {
    if lists.contains([]) { return true }
    let covering = lists.flatMap { $0 }
    return !items.isEmpty && items.allSatisfy { item in covering.contains { covers($0, item) } }
  }
}
