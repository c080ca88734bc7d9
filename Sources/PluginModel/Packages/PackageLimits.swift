/// How large a package may be. Checked by what its directory says, before anything of it is unpacked, and again of what comes out.
package struct PackageLimits: Hashable, Sendable {
  /// The plugin's files.
  package var files: Int
  /// Bytes of one file, unpacked.
  package var fileSize: Int
  /// Bytes of all files, unpacked.
  package var totalSize: Int
  /// How many bytes may come of one, of a file that is larger than `ratioFrom`.
  package var ratio: Int
  package var ratioFrom: Int
  /// Bytes of the index and of the signatures.
  package var indexSize: Int
  package var signaturesSize: Int

  package init(
    files: Int = 20_000, fileSize: Int = 256 << 20, totalSize: Int = 512 << 20, ratio: Int = 200,
    ratioFrom: Int = 1 << 20, indexSize: Int = 16 << 20, signaturesSize: Int = 64 << 10
  ) {
    self.files = files
    self.fileSize = fileSize
    self.totalSize = totalSize
    self.ratio = ratio
    self.ratioFrom = ratioFrom
    self.indexSize = indexSize
    self.signaturesSize = signaturesSize
  }

  /// Bytes of the package itself: what the files need when nothing is compressed, and the headers.
  package var packageSize: Int { totalSize + indexSize + signaturesSize + files * 2 * (PackagePath.maximumBytes + 64) }
}
