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
}
