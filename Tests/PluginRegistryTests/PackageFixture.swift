import LinuxSystem
import PluginModel
import PluginRegistry
import Testing

/// A small package that is right, and what to make wrong ones of.
enum SamplePackage {
  /// A package of these files, whatever they say.
  static func bytes(
    _ files: [String: String], name: String = "sample", version: SemanticVersion = SemanticVersion(1, 2, 0),
    signatures: PackageSignatures = PackageSignatures()
  ) throws -> [UInt8] {
    let sorted = files.map { (Array($0.key.utf8), Array($0.value.utf8)) }.sorted {
      $0.0.lexicographicallyPrecedes($1.0)
    }
    let index = PackageIndex(
      name: try #require(PluginName(name)), version: version,
      entries: try sorted.map {
        PackageIndex.Entry(
          path: try PackagePath($0.0), isExecutable: false, size: $0.1.count, digest: ContentDigest(sha256: $0.1))
      })
    return try made(index, signatures, sorted.map(\.1))
  }

  static func made(_ index: PackageIndex, _ signatures: PackageSignatures, _ contents: [[UInt8]]) throws -> [UInt8] {
    let checksums = contents.map { content in
      var checksum = ZipChecksum()
      checksum.update(content)
      return checksum.value
    }
    let layout = PackageLayout(index: index, signatures: signatures, checksums: checksums)
    let parts = zip(layout.parts, [index.bytes, signatures.bytes] + contents)
    return parts.flatMap { $0.header + $1 } + layout.trailer
  }

  static func open(_ bytes: [UInt8]) throws -> PackageFile {
    try PackageFile(try SealedMemory(copying: bytes), path: "p.zip")
  }

  static func content(_ bytes: [UInt8]) throws -> PackageContent { try #require(try open(bytes).storedContent()) }

  private static let manifest = "name: sample\nversion: 1.2.0\nauthor: a\nentry_point: plugin.py\n"
  static let files = ["plugin.yaml": manifest, "plugin.py": "pass\n", "data/a.txt": "a", "data/b.txt": "b"]
}
