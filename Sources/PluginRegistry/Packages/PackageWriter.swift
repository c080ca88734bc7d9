import Crypto
import LinuxSystem
import PluginModel

/// Writes one package beside where it will lie, and publishes it whole.
struct PackageWriter {
  private let draft: DraftFile
  private let directory: Directory
  private var hash = SHA256()
  private var byteCount = 0

  init(in directory: Directory) throws(PackageFlaw) {
    self.directory = directory
    draft = try Self.file { () throws(FileError) in try DraftFile(in: directory) }
  }

  /// - Parameter content: hands over all bytes of an entry, which it also has the number of.
  mutating func write(
    _ index: PackageIndex, _ signatures: PackageSignatures, _ checksums: [UInt32],
    content: (Int, PackageIndex.Entry, ([UInt8]) throws(PackageFlaw) -> Void) throws(PackageFlaw) -> Void
  ) throws(PackageFlaw) {
    let layout = PackageLayout(index: index, signatures: signatures, checksums: checksums)
    for (part, own) in zip(layout.parts, [index.bytes, signatures.bytes]) {
      try write(part.header)
      try write(own)
    }
    for (position, entry) in index.entries.enumerated() {
      try write(layout.parts[position + 2].header)
      try content(position, entry) { bytes throws(PackageFlaw) in try write(bytes) }
    }
    try write(layout.trailer)
  }

  private mutating func write(_ bytes: [UInt8]) throws(PackageFlaw) {
    hash.update(data: bytes)
    byteCount += bytes.count
    try Self.file { () throws(FileError) in try draft.write(bytes) }
  }

  /// In the place of what has the name.
  func publish(
    as name: String, permissions: UInt32
  ) throws(PackageFlaw) -> (checksum: ContentDigest, byteCount: Int) {
    try Self.file { () throws(FileError) in
      try draft.set(permissions: permissions)
      try draft.synchronise()
      try draft.publish(as: name, in: directory)
      try directory.synchronise()
    }
    return (ContentDigest(hash.finalize()), byteCount)
  }

  private static func file<Success>(_ body: () throws(FileError) -> Success) throws(PackageFlaw) -> Success {
    do throws(FileError) { return try body() } catch { throw .unreadable(error.description) }
  }
}

extension PackageContent {
  /// Writes the same package with one signature more in the place of `name`, whole or not at all. Blocks.
  /// - Returns: the new package's SHA-256 and bytes.
  package func write(
    signedBy key: SigningKey, as name: String, in directory: Directory, permissions: UInt32
  ) throws(Diagnostic) -> (checksum: ContentDigest, byteCount: Int) {
    guard let signature = key.signature(of: package.index) else {
      throw Diagnostic("\(package.path) can't be signed", why: "the cryptographic library failed")
    }
    guard let signatures = package.signatures.adding(signature) else {
      throw Diagnostic(
        "\(package.path) can't be signed",
        why: "it has \(PackageSignatures.maximumCount) signatures, and a package with more is refused",
        hint: "pack the plugin again, and let those sign it whom somebody trusts")
    }
    do throws(PackageFlaw) {
      var writer = try PackageWriter(in: directory)
      try writer.write(package.index, signatures, checksums) { (position, _, write) throws(PackageFlaw) in
        try pieces(of: position, write)
      }
      return try writer.publish(as: name, permissions: permissions)
    } catch {
      throw Diagnostic("\(package.path) can't be signed", why: error.description)
    }
  }
}
