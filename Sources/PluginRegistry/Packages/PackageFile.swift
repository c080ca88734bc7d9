import Crypto
import LinuxSystem
import PluginModel

/// A plugin's package, `NAME-VERSION.zip`. How to get from a file to a directory:
///
///     let package = try PackageFile(opening: path)           // structure, index; blocks; Diagnostic
///     let verdict = system.trust.verdict(on: package, today: day)
///     guard verdict.refusals.isEmpty else { … }
///     let content = try await unpacker.content(of: package)  // in a sandbox: sizes and SHA-256 of all files hold
///     let manifest = try content.manifest(engineVersion: engineVersion)
///     try content.write(into: staging)                       // an empty directory; blocks; leaves nothing when it fails
///
/// `unpacker` is what `Bootstrap.withUnpacker` hands to its body; its `unpack(_:into:)` is the third and the last step in one. Where
/// nothing is compressed, ``storedContent()`` needs no sandbox.
///
/// All of it is about one copy in sealed memory: whoever changes the file afterwards changes nothing.
package struct PackageFile: Sendable {
  /// As it was given; for messages.
  package let path: String
  /// SHA-256 of the whole file.
  package let checksum: ContentDigest
  /// SHA-256 of its index, which is the same however its files are compressed and dated, and whoever signs it.
  package let contents: ContentDigest
  package let archive: PackageArchive
  package let index: PackageIndex
  package let signatures: PackageSignatures
  /// The whole file.
  package let memory: SealedMemory

  /// Reads the whole file, follows links in its path, and blocks.
  package init(opening path: String, limits: PackageLimits = PackageLimits()) throws(Diagnostic) {
    let memory: SealedMemory
    do throws(PackageFlaw) {
      memory = try Self.copy(path, limits)
      try self.init(memory, path: path, limits: limits)
    } catch {
      throw error.diagnostic(of: path)
    }
  }

  /// - Parameter path: for messages only.
  package init(_ memory: SealedMemory, path: String, limits: PackageLimits = PackageLimits()) throws(PackageFlaw) {
    let archive = try PackageArchive(byteCount: memory.byteCount, limits: limits) {
      (offset, count) throws(PackageFlaw) in try memory.part(offset, count)
    }
    let text = try memory.part(archive.index)
    let index: PackageIndex
    do throws(PackageIndex.Flaw) { index = try PackageIndex(text, limits: limits) } catch { throw .index(error) }
    try archive.check(index)
    self.path = path
    self.archive = archive
    self.index = index
    contents = ContentDigest(sha256: text)
    self.memory = memory
    signatures = try PackageSignatures(memory.part(archive.signatures))
    var hash = SHA256()
    try memory.pieces(0..<memory.byteCount) { hash.update(data: $0) }
    checksum = ContentDigest(hash.finalize())
  }

  private static func copy(_ path: String, _ limits: PackageLimits) throws(PackageFlaw) -> SealedMemory {
    guard let resolved = ProcessEnvironment.resolve(path), let location = AbsolutePath(resolved),
      let parent = location.parent
    else { throw .unreadable(SystemError("open", path, .notFound).description) }
    do {
      let (file, status) = try Directory(opening: parent.text).file(location.lastComponent)
      guard status.size <= UInt64(limits.packageSize) else {
        throw PackageFlaw.tooLarge(bytes: Int(clamping: status.size), limit: limits.packageSize)
      }
      var left = limits.packageSize + 1
      return try SealedMemory { () throws(SystemError) in
        let piece = try file.read(atMost: min(left, SealedMemory.piece)) ?? []
        left -= piece.count
        return piece.isEmpty ? nil : piece
      }
    } catch let flaw as PackageFlaw {
      throw flaw
    } catch {
      throw .unreadable("\(error)")
    }
  }

  /// The files of a package that is stored, once they are compared with the index; nil where something is compressed, and has to be
  /// unpacked in a sandbox.
  package func storedContent() throws(PackageFlaw) -> PackageContent? {
    guard archive.isStored else { return nil }
    return try PackageContent(self, in: memory, at: archive.files.map(\.place.lowerBound))
  }
}

extension SealedMemory {
  /// Bytes that are read at one time.
  static let piece = 1 << 20

  /// Exactly `count` bytes.
  func part(_ offset: Int, _ count: Int) throws(PackageFlaw) -> [UInt8] {
    do throws(SystemError) {
      let bytes = try self.bytes(at: offset, count: count)
      guard bytes.count == count else { throw SystemError("pread", "a package", .invalidArgument) }
      return bytes
    } catch {
      throw .unreadable(error.description)
    }
  }

  func part(_ member: PackageArchive.Member) throws(PackageFlaw) -> [UInt8] {
    try part(member.place.lowerBound, member.place.count)
  }

  /// One after the other.
  func pieces(_ place: Range<Int>, _ body: ([UInt8]) throws(PackageFlaw) -> Void) throws(PackageFlaw) {
    var offset = place.lowerBound
    while offset < place.upperBound {
      let bytes = try part(offset, min(Self.piece, place.upperBound - offset))
      try body(bytes)
      offset += bytes.count
    }
  }
}
