/// A version of a plugin that is installed, as the database has it.
package struct InstalledVersion: Hashable, Sendable {
  package enum Standing: String, Sendable {
    /// The one that counts.
    case current
    /// The one that counted before, which a rollback goes back to.
    case previous
    case other
  }

  package var name: PluginName
  package var version: SemanticVersion
  package var author: String
  /// The manifest as JSON: ``PluginManifest/init(json:engineVersion:)``.
  package var metadata: String
  /// Of its files: `sha256:…`.
  package var digest: String
  /// Of the package that it came in: `sha256:…`. Nil: it came as a directory.
  package var checksum: String?
  /// Of that package's index, which is the same however its files were compressed: `sha256:…`.
  package var contents: String?
  /// The ids of the keys that had signed it, as far as they were trusted.
  package var signers: [String]
  /// Relative to the directory of installed plugins.
  package var place: String
  package var files: Int
  package var bytes: Int
  /// Milliseconds since 1970.
  package var installed: Int64
  package var standing: Standing

  package init(
    name: PluginName, version: SemanticVersion, author: String, metadata: String, digest: String, checksum: String?,
    contents: String? = nil, signers: [String], place: String, files: Int, bytes: Int, installed: Int64,
    standing: Standing = .current
  ) {
    self.name = name
    self.version = version
    self.author = author
    self.metadata = metadata
    self.digest = digest
    self.checksum = checksum
    self.contents = contents
    self.signers = signers
    self.place = place
    self.files = files
    self.bytes = bytes
    self.installed = installed
    self.standing = standing
  }
}
