/// What somebody wants of a registry: `NAME`, or `NAME@RANGE`.
package struct RegistryWish: Hashable, Sendable, CustomStringConvertible {
  package static let grammar = "NAME or NAME@RANGE, for example shop, shop@1.2.0 or 'shop@>=1.0,<2'"

  package var name: PluginName
  package var range: VersionRange?

  package init(name: PluginName, range: VersionRange? = nil) {
    self.name = name
    self.range = range
  }

  package init(_ text: String) throws(Diagnostic) {
    let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = PluginName(String(halves[0])) else {
      throw Diagnostic(
        "\(text.quoted) is neither a file nor the name of a plugin", why: "a name is \(PluginName.grammar)",
        hint: "write \(Self.grammar); a package ends in .zip, and the path of a directory has a '/'")
    }
    guard halves.count == 2 else {
      self.init(name: name)
      return
    }
    guard let range = VersionRange(String(halves[1])) else {
      throw Diagnostic(
        "\(String(halves[1]).quoted) is not a range of versions", hint: "use \(VersionRange.grammar)")
    }
    self.init(name: name, range: range)
  }

  package var description: String { range.map { "\(name) \($0)" } ?? name.text }
}

extension VersionRange {
  /// The only version that it accepts; nil where it may accept several.
  package var exact: SemanticVersion? {
    guard bounds.count == 1, let bound = bounds.first, bound.comparison == .equal else { return nil }
    return bound.version
  }

  /// Whether it speaks of pre-releases at all.
  fileprivate var namesPrerelease: Bool { bounds.contains { !$0.version.prerelease.isEmpty } }
}

/// Which version of a plugin is taken. Pure.
package struct RegistryChoice: Sendable {
  /// The program's.
  package var engine: SemanticVersion
  package var allowsYanked: Bool
  package var allowsDowngrade: Bool

  package init(engine: SemanticVersion, allowsYanked: Bool = false, allowsDowngrade: Bool = false) {
    self.engine = engine
    self.allowsYanked = allowsYanked
    self.allowsDowngrade = allowsDowngrade
  }

  /// The highest version that all of `ranges` accept, that is made for this program and not yanked. Of pre-releases only where a range
  /// names one. A yanked one only by its exact version, where that is allowed.
  /// - Parameter installed: the version that counts now.
  /// - Throws: why there is none, or why it isn't to be installed.
  package func version(
    of plugin: RegistryPlugin, ranges: [VersionRange], installed: SemanticVersion?
  ) throws(Diagnostic) -> RegistryVersion {
    let fitting = plugin.versions.filter { found in ranges.allSatisfy { $0.contains(found.version) } }
    let exact = ranges.lazy.compactMap(\.exact).first
    if let exact, let found = fitting.first(where: { $0.version == exact }), let reason = found.yanked, !allowsYanked {
      throw Self.yanked(plugin.name, found.version, reason)
    }
    let usable = fitting.filter { found in
      let isWanted = found.yanked == nil || (allowsYanked && exact == found.version)
      let isRelease = found.version.prerelease.isEmpty || ranges.contains(where: \.namesPrerelease)
      return isWanted && isRelease && found.fits(engine)
    }
    guard let best = usable.max(by: { $0.version < $1.version }) else { throw none(plugin, ranges, fitting) }
    if let installed, best.version < installed, !allowsDowngrade {
      throw Self.lower(plugin.name, best.version, than: installed)
    }
    return best
  }

  package static func lower(
    _ name: PluginName, _ version: SemanticVersion, than installed: SemanticVersion
  ) -> Diagnostic {
    Diagnostic(
      "\(name) \(version) is lower than the version that is installed, \(installed)",
      why: "an earlier version may lack what was mended since",
      hint: "add --allow-downgrade, or go back to an installed one: orchestrator plugin rollback \(name)")
  }

  private static func yanked(_ name: PluginName, _ version: SemanticVersion, _ reason: String) -> Diagnostic {
    let words = reason.isEmpty ? "no reason is given" : UntrustedBytes(reason).text
    return Diagnostic(
      "\(name) \(version) was yanked: its publisher says not to use it", why: words,
      hint: "take another version; to install it all the same, add --allow-yanked")
  }

  private func none(
    _ plugin: RegistryPlugin, _ ranges: [VersionRange], _ fitting: [RegistryVersion]
  ) -> Diagnostic {
    let wanted = ranges.isEmpty ? "" : " " + ranges.map(\.description).joined(separator: " and ")
    let what = "the registry has no version of \(plugin.name)\(wanted) that can be installed"
    guard !fitting.isEmpty else {
      return Diagnostic(
        what, why: plugin.versions.isEmpty ? "it has none at all" : "it has \(Self.list(plugin.versions))",
        hint: "orchestrator plugin info \(plugin.name) shows them")
    }
    let groups = [
      ("yanked", fitting.filter { $0.yanked != nil }),
      ("not made for version \(engine) of this program", fitting.filter { $0.yanked == nil && !$0.fits(engine) }),
      ("a pre-release", fitting.filter { $0.yanked == nil && $0.fits(engine) }),
    ]
    let reasons = groups.filter { !$0.1.isEmpty }.map { "\(Self.list($0.1)) is \($0.0)" }
    return Diagnostic(
      what, why: reasons.joined(separator: "; "),
      hint: "name the version to have it all the same: \(plugin.name)@VERSION; a yanked one takes --allow-yanked")
  }

  private static func list(_ versions: [RegistryVersion]) -> String {
    let shown = versions.prefix(5).map(\.version.description).joined(separator: ", ")
    return versions.count > 5 ? "\(shown), …" : shown
  }
}
