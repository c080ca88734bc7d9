extension Permission {
  /// True where what the operator forbids (`self`) and `other` have anything in common. A name without a scope forbids every
  /// form of it.
  package func forbids(_ other: Permission) -> Bool {
    switch (self, other) {
    case (.filesystemRead(let rule), .filesystemRead(let path)),
      (.filesystemWrite(let rule), .filesystemWrite(let path)):
      Self.overlaps(rule, path)
    case (.networkHTTP(let rule), .networkHTTP(let hosts)): Self.overlaps(rule, hosts, Self.isSameHost)
    case (.networkSocket(let rule), .networkSocket(let endpoints)): Self.overlaps(rule, endpoints, ==)
    case (.systemExec(let rule), .systemExec(let programs)): Self.overlaps(rule, programs, ==)
    case (.gpuAccess(let rule), .gpuAccess(let count)): count.map { $0 >= rule ?? 0 } ?? true
    case (.memoryUnlimited, .memoryUnlimited): true
    // Who may write to a path may read it.
    case (.filesystemRead(let rule), .filesystemWrite(let path)): Self.overlaps(rule, path)
    case (.filesystemRead, _), (.filesystemWrite, _), (.networkHTTP, _), (.networkSocket, _), (.systemExec, _),
      (.gpuAccess, _), (.memoryUnlimited, _):
      false
    }
  }

  private static func overlaps(_ rule: AbsolutePath?, _ path: AbsolutePath?) -> Bool {
    guard let rule else { return true }
    guard let path else { return false }
    return path.isEqualToOrBeneath(rule) || rule.isEqualToOrBeneath(path)
  }

  /// An empty list stands for everything.
  private static func overlaps(_ rule: [String], _ items: [String], _ isSame: (String, String) -> Bool) -> Bool {
    rule.isEmpty || items.isEmpty || rule.contains { one in items.contains { isSame(one, $0) } }
  }

  /// Of two patterns of hosts either covers the other, or they have nothing in common.
  private static func isSameHost(_ left: String, _ right: String) -> Bool {
    HostPattern.covers(left, right) || HostPattern.covers(right, left)
  }
}
