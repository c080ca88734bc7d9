import PluginModel

/// What two profiles allow that the other doesn't.
package struct ProfileComparison: Hashable, Sendable {
  package var left: SecurityProfile
  package var right: SecurityProfile

  package init(_ left: SecurityProfile, _ right: SecurityProfile) {
    self.left = left
    self.right = right
  }

  /// What `left` allows and `right` doesn't, one line each.
  package var leftAllowsMore: [String] { Self.widenings(left, over: right) }
  package var rightAllowsMore: [String] { Self.widenings(right, over: left) }

  /// What makes a difference and is neither more nor less: refused aloud by one, unknown to the other.
  package var otherwise: [String] {
    let denied = [left, right].map { Set($0.systemCalls.deny) }
    func lines(_ profile: SecurityProfile, _ names: Set<String>, _ other: SecurityProfile) -> [String] {
      let listed = Set(other.systemCalls.allow + other.systemCalls.exec)
      let silent = profile.systemCalls.deny.filter { names.contains($0) && !listed.contains($0) }
      return profile.groups(of: silent).map {
        "\($0.title): EPERM under \(profile.name), ENOSYS under \(other.name): \($0.names.joined(separator: " "))"
      }
    }
    var result = lines(left, denied[0].subtracting(denied[1]), right)
    result += lines(right, denied[1].subtracting(denied[0]), left)
    for (key, pair) in Self.pairs(left, right) where pair.0 != pair.1 {
      if pair.0?.amount == nil, pair.1?.amount == nil {
        result.append("\((pair.0 ?? pair.1)?.title ?? key): \(pair.0?.value ?? "all") and \(pair.1?.value ?? "all")")
      }
    }
    return result
  }

  private static func pairs(
    _ one: SecurityProfile, _ other: SecurityProfile
  ) -> [(key: String, settings: (SecurityProfile.Setting?, SecurityProfile.Setting?))] {
    let (mine, theirs) = (one.settingsList, other.settingsList)
    let keys = mine.map(\.key) + theirs.map(\.key).filter { key in !mine.contains { $0.key == key } }
    return keys.map { key in (key, (mine.first { $0.key == key }, theirs.first { $0.key == key })) }
  }

  private static func widenings(_ wide: SecurityProfile, over narrow: SecurityProfile) -> [String] {
    permissions(wide, over: narrow) + calls(wide, over: narrow) + settings(wide, over: narrow)
  }

  private static func permissions(_ wide: SecurityProfile, over narrow: SecurityProfile) -> [String] {
    guard let limit = narrow.ceiling else { return [] }
    guard let most = wide.ceiling else { return ["every permission may be granted, not only \(limit.words)"] }
    return most.permissions.filter { !$0.isCovered(by: limit.permissions) }.map { "\($0) may be granted" }
  }

  private static func calls(_ wide: SecurityProfile, over narrow: SecurityProfile) -> [String] {
    let always = Set(narrow.systemCalls.allow)
    let more = wide.systemCalls.allow.filter { !always.contains($0) }
    let withExec = wide.systemCalls.exec.filter { !always.contains($0) && !narrow.systemCalls.exec.contains($0) }
    return wide.groups(of: more).map { "system calls \($0.title): \($0.names.joined(separator: " "))" }
      + wide.groups(of: withExec).map {
        "system calls \($0.title), with system.exec: \($0.names.joined(separator: " "))"
      }
  }

  /// A limit that only one of them has is wider where it is missing.
  private static func settings(_ wide: SecurityProfile, over narrow: SecurityProfile) -> [String] {
    pairs(wide, narrow).compactMap { _, pair in
      switch pair {
      case (let mine?, let theirs?):
        guard let amount = mine.amount, let other = theirs.amount, amount > other else { return nil }
        return "\(mine.title): \(mine.value) instead of \(theirs.value)"
      case (nil, let theirs?) where theirs.key.hasSuffix("Weight"):
        return (theirs.amount ?? 100) < 100 ? "\(theirs.title): 100, the kernel's own, instead of \(theirs.value)" : nil
      case (let mine?, nil) where mine.key.hasSuffix("Weight"):
        return (mine.amount ?? 100) > 100 ? "\(mine.title): \(mine.value) instead of 100, the kernel's own" : nil
      case (nil, let theirs?) where theirs.amount != nil: return "\(theirs.title): no limit instead of \(theirs.value)"
      case (nil, _), (_, nil): return nil
      }
    }
  }

  package var text: String {
    func section(_ title: String, _ lines: [String]) -> [String] {
      [title] + (lines.isEmpty ? ["nothing"] : lines).map { "  \($0)" }
    }
    var lines = section("\(right.name) allows, and \(left.name) doesn't", rightAllowsMore) + [""]
    lines += section("\(left.name) allows, and \(right.name) doesn't", leftAllowsMore)
    if !otherwise.isEmpty { lines += [""] + section("different, and neither more nor less", otherwise) }
    return lines.joined(separator: "\n") + "\n"
  }

  package var jsonValue: JSONValue {
    [
      "left": .string(left.name), "right": .string(right.name), "leftAllowsMore": .strings(leftAllowsMore),
      "rightAllowsMore": .strings(rightAllowsMore), "otherwise": .strings(otherwise),
    ]
  }
}
