/// Who may sign which plugins, as the operator decides: the section `trust` of plugin_system.yaml. Pure: the day is passed in.
package struct TrustPolicy: Hashable, Sendable {
  package struct Key: Hashable, Sendable {
    /// For people.
    package var name: String
    package var key: PublicKey
    /// Of the names of plugins that it may sign.
    package var plugins: [GlobPattern]
    /// The last day on which its signatures count.
    package var expires: CalendarDate?

    package init(name: String, key: PublicKey, plugins: [GlobPattern], expires: CalendarDate? = nil) {
      self.name = name
      self.key = key
      self.plugins = plugins
      self.expires = expires
    }
  }

  /// A package that no such key has signed is refused.
  package var requiresSignature: Bool
  package var keys: [Key]
  package var revokedKeys: Set<KeyIdentifier>
  /// By the SHA-256 of the package's file.
  package var revokedPackages: Set<ContentDigest>

  package init(
    requiresSignature: Bool = false, keys: [Key] = [], revokedKeys: Set<KeyIdentifier> = [],
    revokedPackages: Set<ContentDigest> = []
  ) {
    self.requiresSignature = requiresSignature
    self.keys = keys
    self.revokedKeys = revokedKeys
    self.revokedPackages = revokedPackages
  }

  /// A signature, compared with the keys that are known.
  package struct CheckedSignature: Hashable, Sendable {
    package enum Result: Hashable, Sendable {
      /// It is of this package, by this key.
      case right(PublicKey)
      /// The key of this name is known, and didn't sign this.
      case wrong
      case unknownKey
    }
    package var key: KeyIdentifier
    package var result: Result

    package init(key: KeyIdentifier, _ result: Result) {
      self.key = key
      self.result = result
    }
  }

  /// What is decided about.
  package struct Subject: Hashable, Sendable {
    package var plugin: PluginName
    package var version: SemanticVersion
    /// Of the package's file.
    package var checksum: ContentDigest
    /// Of its index, which is the same however its files are compressed and dated.
    package var contents: ContentDigest
    package var signatures: [CheckedSignature]

    package init(
      plugin: PluginName, version: SemanticVersion, checksum: ContentDigest, contents: ContentDigest,
      signatures: [CheckedSignature]
    ) {
      self.contents = contents
      self.plugin = plugin
      self.version = version
      self.checksum = checksum
      self.signatures = signatures
    }
  }

  package func verdict(on subject: Subject, today: CalendarDate) -> TrustVerdict {
    let signers = subject.signatures.map { signer(of: $0, plugin: subject.plugin, today: today) }
    let isTrusted = signers.contains { $0.standing == .trusted }
    let package = "the package \(subject.plugin) \(subject.version)"
    var refusals: [Diagnostic] = []
    if let revoked = [subject.checksum, subject.contents].first(where: revokedPackages.contains) {
      refusals.append(
        Diagnostic(
          "\(package) was revoked", why: "trust.revoked has \(revoked)",
          hint: "use another version of it"))
    }
    for signer in signers where signer.standing == .wrong {
      refusals.append(
        Diagnostic(
          "\(package) carries a signature that isn't its own",
          why: "the key \(signer.title) has not signed this index",
          hint: "get the package again from whoever made it"))
    }
    for signer in signers where signer.standing == .revoked && !isTrusted {
      refusals.append(
        Diagnostic(
          "\(package) is signed with a revoked key", why: "trust.revoked has \(signer.key)",
          hint: "get it signed with a key that is trusted"))
    }
    let known = signers.filter { $0.standing != .wrong && $0.standing != .revoked }
    guard refusals.isEmpty, !isTrusted else { return TrustVerdict(signers: signers, refusals: refusals, warnings: []) }
    let reasons = known.map { "\($0.title) \($0.standing)" }
    let lack = Diagnostic(
      "no key that is trusted for \(subject.plugin) has signed \(package)",
      why: reasons.isEmpty ? "it is not signed" : reasons.joined(separator: "; "),
      hint: reasons.isEmpty
        ? "sign it with: orchestrator plugin sign; who may sign what is said in plugins.security.trust"
        : "trust a key that has signed it, in plugins.security.trust of plugin_system.yaml; or get it signed with one that is "
          + "trusted",
      severity: requiresSignature ? .error : .warning)
    return TrustVerdict(
      signers: signers, refusals: requiresSignature ? [lack] : [], warnings: requiresSignature ? [] : [lack])
  }

  private func signer(
    of signature: CheckedSignature, plugin: PluginName, today: CalendarDate
  ) -> TrustVerdict.Signer {
    let entries = keys.filter { .right($0.key) == signature.result }
    guard
      let entry = entries.first(where: { standing(of: $0, signature.key, plugin, today) == .trusted }) ?? entries.first
    else {
      let isRevoked = revokedKeys.contains(signature.key)
      return TrustVerdict.Signer(
        key: signature.key, name: nil,
        standing: signature.result == .wrong ? .wrong : isRevoked ? .revoked : .unknown, plugins: [])
    }
    return TrustVerdict.Signer(
      key: signature.key, name: entry.name, standing: standing(of: entry, signature.key, plugin, today),
      plugins: entry.plugins)
  }

  private func standing(
    of entry: Key, _ key: KeyIdentifier, _ plugin: PluginName, _ today: CalendarDate
  ) -> TrustVerdict.Standing {
    if revokedKeys.contains(key) { return .revoked }
    if let expires = entry.expires, expires < today { return .expired(expires) }
    return entry.plugins.contains { $0.matches(plugin.text) } ? .trusted : .otherPlugins
  }

  /// Why a version that was installed while it was trusted isn't to be used any more; nil where it is.
  package func revocation(of version: InstalledVersion) -> Diagnostic? {
    let what = "\(version.name) \(version.version), which is installed, was revoked"
    let hint = "use another version: orchestrator plugin rollback \(version.name), or install one"
    let packages = [version.checksum, version.contents].compactMap(\.self)
    if let revoked = packages.first(where: { text in revokedPackages.contains { $0.description == text } }) {
      return Diagnostic(what, why: "trust.revoked has \(revoked)", hint: hint)
    }
    let left = version.signers.filter { signer in !revokedKeys.contains { $0.text == signer } }
    guard let first = version.signers.first, left.isEmpty else { return nil }
    return Diagnostic(what, why: "trust.revoked has \(first), which has signed it", hint: hint)
  }

  /// Both hold: who either trusts, and what either demands or revokes.
  package func adding(_ other: TrustPolicy) -> TrustPolicy {
    TrustPolicy(
      requiresSignature: requiresSignature || other.requiresSignature,
      keys: keys + other.keys.filter { !keys.contains($0) },
      revokedKeys: revokedKeys.union(other.revokedKeys),
      revokedPackages: revokedPackages.union(other.revokedPackages))
  }
}

/// What a trust policy says of one package.
package struct TrustVerdict: Hashable, Sendable {
  package enum Standing: Hashable, Sendable {
    case trusted
    case unknown
    case wrong
    case revoked
    case expired(CalendarDate)
    case otherPlugins
  }

  package struct Signer: Hashable, Sendable {
    package var key: KeyIdentifier
    /// As the operator calls it.
    package var name: String?
    package var standing: Standing
    /// What it may sign: its role.
    package var plugins: [GlobPattern]

    package var title: String { name.map { "\($0.quoted) (\(key))" } ?? key.text }
  }

  /// In the order of the signatures.
  package var signers: [Signer]
  /// Why the package must not be installed.
  package var refusals: [Diagnostic]
  package var warnings: [Diagnostic]

  package var isTrusted: Bool { refusals.isEmpty && signers.contains { $0.standing == .trusted } }
}

extension TrustVerdict.Standing: CustomStringConvertible {
  package var description: String {
    switch self {
    case .trusted: "is trusted"
    case .unknown: "is not in the trust store"
    case .wrong: "has not signed this package"
    case .revoked: "was revoked"
    case .expired(let date): "expired: \(date) was its last day"
    case .otherPlugins: "may not sign this plugin"
    }
  }
}

/// A day by the Gregorian calendar, UTC.
package struct CalendarDate: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let year: Int
  package let month: Int
  package let day: Int

  /// The last one that can be written.
  package static let last = CalendarDate(year: 9999, month: 12, day: 31)

  private init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// `2026-01-31`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard text.utf8.count == 10, parts.map(\.utf8.count) == [4, 2, 2],
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D }), let year = Int(parts[0]),
      let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month)
    else { return nil }
    let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...days[month - 1]).contains(day) else { return nil }
    self.init(year: year, month: month, day: day)
  }

  package var description: String {
    func digits(_ number: Int, _ count: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
    return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }
}
