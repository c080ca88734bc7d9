/// A version as semver.org 2.0.0 defines it. `1` and `1.2` are read as `1.0.0` and `1.2.0`.
package struct SemanticVersion: Hashable, Sendable {
  package var major: Int
  package var minor: Int
  package var patch: Int
  /// The identifiers after `-`, empty for a release.
  package var prerelease: [String]

  package init(_ major: Int, _ minor: Int, _ patch: Int, prerelease: [String] = []) {
    self.major = major
    self.minor = minor
    self.patch = patch
    self.prerelease = prerelease
  }

  /// The grammar in words, for the hint of a diagnostic.
  package static let grammar = "MAJOR.MINOR.PATCH, for example 1.4.0 or 2.0.0-beta.1 (semver.org)"

  /// Nil unless `text` follows the grammar. Build metadata (`+…`) is checked and dropped: it has no part in precedence.
  package init?(_ text: String) {
    guard text.utf8.count <= 128 else { return nil }
    if let (major, minor, patch) = Self.release(text) {
      self.init(major, minor, patch)
      return
    }
    let halves = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    guard let precedence = halves.first,
      halves.count == 1 || Self.identifiers(halves[1], areNumbersStrict: false) != nil
    else { return nil }
    let parts = precedence.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let core = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let numbers = core.compactMap { Self.number($0) }
    guard numbers.count == core.count, (1...3).contains(numbers.count) else { return nil }
    var prerelease: [String] = []
    if parts.count == 2 {
      guard numbers.count == 3, let identifiers = Self.identifiers(parts[1], areNumbersStrict: true) else { return nil }
      prerelease = identifiers
    }
    self.init(
      numbers[0], numbers.count > 1 ? numbers[1] : 0, numbers.count > 2 ? numbers[2] : 0, prerelease: prerelease)
  }

  /// `MAJOR.MINOR.PATCH` and nothing else, as most are; nil: it may be a version still.
  private static func release(_ text: String) -> (Int, Int, Int)? {
    var (numbers, position, digits) = ((0, 0, 0), 0, 0)
    for byte in text.utf8 {
      if byte == 0x2E {
        guard digits > 0, position < 2 else { return nil }
        numbers = (numbers.1, numbers.2, 0)
        (position, digits) = (position + 1, 0)
      } else {
        guard byte >= 0x30, byte <= 0x39, digits < 9, digits == 0 || numbers.2 > 0 else { return nil }
        numbers.2 = numbers.2 * 10 + Int(byte - 0x30)
        digits += 1
      }
    }
    return position == 2 && digits > 0 ? numbers : nil
  }

  /// Digits without a leading zero, up to a billion.
  private static func number(_ text: Substring) -> Int? {
    let bytes = text.utf8
    guard (1...9).contains(bytes.count), bytes.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      bytes.count == 1 || bytes.first != 0x30
    else { return nil }
    return Int(text)
  }

  private static func identifiers(_ text: Substring, areNumbersStrict: Bool) -> [String]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let areValid = parts.allSatisfy { part in
      let bytes = part.utf8
      guard !bytes.isEmpty else { return false }
      let isNumber = bytes.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
      if isNumber { return !areNumbersStrict || bytes.count == 1 || bytes.first != 0x30 }
      return bytes.allSatisfy { byte in
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || byte == 0x2D
      }
    }
    return areValid ? parts.map(String.init) : nil
  }
}

extension SemanticVersion: Comparable, CustomStringConvertible {
  package var description: String {
    "\(major).\(minor).\(patch)" + (prerelease.isEmpty ? "" : "-" + prerelease.joined(separator: "."))
  }

  /// Precedence by semver.org 2.0.0 §11: a pre-release comes before its release.
  package static func < (left: Self, right: Self) -> Bool {
    let cores = ((left.major, left.minor, left.patch), (right.major, right.minor, right.patch))
    if cores.0 != cores.1 { return cores.0 < cores.1 }
    if left.prerelease.isEmpty || right.prerelease.isEmpty {
      return !left.prerelease.isEmpty && right.prerelease.isEmpty
    }
    for (one, other) in zip(left.prerelease, right.prerelease) where one != other {
      return precedes(one, other)
    }
    return left.prerelease.count < right.prerelease.count
  }

  /// Numbers by value and before words, words by ASCII.
  private static func precedes(_ one: String, _ other: String) -> Bool {
    let areNumbers = [one, other].map { $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
    switch (areNumbers[0], areNumbers[1]) {
    case (true, true):
      // Without leading zeros the longer number is the greater, however long they are.
      return one.utf8.count == other.utf8.count
        ? one.utf8.lexicographicallyPrecedes(other.utf8) : one.utf8.count < other.utf8.count
    case (true, false): return true
    case (false, true): return false
    case (false, false): return one.utf8.lexicographicallyPrecedes(other.utf8)
    }
  }
}

/// A conjunction of comparisons, `>=1.0,<2`. Parsed by ``VersionRange/init(_:)``.
package struct VersionRange: Hashable, Sendable {
  package enum Comparison: String, CaseIterable, Sendable {
    case equal = "=="
    case notEqual = "!="
    case atLeast = ">="
    case atMost = "<="
    case above = ">"
    case below = "<"
  }
  package struct Bound: Hashable, Sendable {
    package var comparison: Comparison
    package var version: SemanticVersion
    package init(_ comparison: Comparison, _ version: SemanticVersion) {
      self.comparison = comparison
      self.version = version
    }
  }
  package var bounds: [Bound]
  package init(bounds: [Bound]) { self.bounds = bounds }

  /// The grammar in words, for the hint of a diagnostic.
  package static let grammar = "comparisons with commas between them, for example '>=1.0,<2', '==1.2.3' or '^1.2'"

  /// Nil unless `text` follows the grammar. A version alone means `==`; `^1.2` means `>=1.2.0,<2.0.0`, and below 1.0
  /// the next minor version (`^0.3` is `>=0.3.0,<0.4.0`).
  package init?(_ text: String) {
    guard text.utf8.count <= 256 else { return nil }
    var bounds: [Bound] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let term = part.drop { $0 == " " }
      // The long signs come first, so that `>=` isn't read as `>`.
      let comparison = Comparison.allCases.first { term.hasPrefix($0.rawValue) }
      let isCaret = comparison == nil && term.hasPrefix("^")
      let rest = term.dropFirst(comparison?.rawValue.count ?? (isCaret ? 1 : 0)).drop { $0 == " " }
      guard let version = SemanticVersion(String(rest.reversed().drop { $0 == " " }.reversed())) else { return nil }
      bounds.append(Bound(comparison ?? (isCaret ? .atLeast : .equal), version))
      if isCaret {
        let next =
          version.major > 0 ? SemanticVersion(version.major + 1, 0, 0) : SemanticVersion(0, version.minor + 1, 0)
        bounds.append(Bound(.below, next))
      }
    }
    self.init(bounds: bounds)
  }

  package func contains(_ version: SemanticVersion) -> Bool {
    bounds.allSatisfy { bound in
      switch bound.comparison {
      case .equal: version == bound.version
      case .notEqual: version != bound.version
      case .atLeast: version >= bound.version
      case .atMost: version <= bound.version
      case .above: version > bound.version
      case .below: version < bound.version
      }
    }
  }
}

extension VersionRange: CustomStringConvertible {
  package var description: String {
    bounds.map { "\($0.comparison.rawValue)\($0.version)" }.joined(separator: ",")
  }
}
