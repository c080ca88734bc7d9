/// A package as a zip file whose every byte is accounted for: the members one behind the other, each once, then the directory, then the
/// end. Two readers that start from different ends of such a file find the same members.
///
/// Only what says where things are is looked at. Nothing is decompressed, and no content is compared with what it should be.
package struct PackageArchive: Hashable, Sendable {
  package static let indexPath = ".package/index"
  package static let signaturesPath = ".package/signatures"

  package enum Compression: Hashable, Sendable {
    case stored
    case deflated
  }

  package struct Member: Hashable, Sendable {
    package var path: PackagePath
    package var isExecutable: Bool
    package var compression: Compression
    /// Where its bytes lie in the file.
    package var place: Range<Int>
    /// Bytes, unpacked.
    package var size: Int
    /// CRC-32 of its content.
    package var checksum: UInt32
  }

  /// The index, the signatures, then the plugin's files in the order of their paths.
  package let members: [Member]
  package var index: Member { members[0] }
  package var signatures: Member { members[1] }
  package var files: ArraySlice<Member> { members.dropFirst(2) }
  /// All of it can be read where it lies.
  package var isStored: Bool { members.allSatisfy { $0.compression == .stored } }

  /// - Parameters:
  ///   - byteCount: of the file, which must not change meanwhile.
  ///   - read: as many bytes of it as are asked for, from an offset.
  package init(
    byteCount: Int, limits: PackageLimits = PackageLimits(),
    read: (_ offset: Int, _ count: Int) throws(PackageFlaw) -> [UInt8]
  ) throws(PackageFlaw) {
    guard byteCount <= limits.packageSize else { throw .tooLarge(bytes: byteCount, limit: limits.packageSize) }
    guard byteCount >= ZipRecords.endLength else { throw .noEnd }
    let end = try Self.end(read(byteCount - ZipRecords.endLength, ZipRecords.endLength), byteCount, limits)
    let entries = try Self.entries(read(end.place.lowerBound, end.place.count), count: end.count)
    var tree = PackageTree()
    var members: [Member] = []
    var (position, total) = (0, 0)
    for (number, entry) in entries.enumerated() {
      let member = try entry.member(limits)
      guard entry.offset == position else { throw .member(entry.name, .place) }
      let next = number + 1 < entries.count ? entries[number + 1].offset : end.place.lowerBound
      try entry.checkHeader(read(position, min(entry.headerLength, byteCount - position)))
      let rest = next - member.place.upperBound
      guard rest >= 0 else { throw .member(entry.name, .place) }
      try entry.checkDescriptor(length: rest) { () throws(PackageFlaw) in
        try read(member.place.upperBound, rest)
      }
      do { try tree.insert(member.path) } catch { throw .clash(error) }
      total += member.size
      guard total <= limits.totalSize + limits.indexSize else {
        throw .totalSize(bytes: total, limit: limits.totalSize + limits.indexSize)
      }
      members.append(member)
      position = next
    }
    self.members = members
    try checkOrder(limits)
  }

  private static func end(
    _ bytes: [UInt8], _ byteCount: Int, _ limits: PackageLimits
  ) throws(PackageFlaw) -> (count: Int, place: Range<Int>) {
    var reader = ZipReader(bytes[...])
    guard reader.number() == ZipRecords.endSignature else { throw .noEnd }
    let disks: (UInt16, UInt16) = (reader.number(), reader.number())
    let counts: (UInt16, UInt16) = (reader.number(), reader.number())
    let (size, offset): (UInt32, UInt32) = (reader.number(), reader.number())
    let commentLength: UInt16 = reader.number()
    guard commentLength == 0 else { throw .comment }
    guard counts.0 != .max, size != .max, offset != .max else { throw .zip64 }
    guard disks == (0, 0), counts.0 == counts.1 else { throw .severalDisks }
    guard (2...limits.files + 2).contains(Int(counts.0)) else {
      throw .files(count: Int(counts.0), limit: limits.files + 2)
    }
    // Neither extra fields nor comments are taken: all of it is entries and their names.
    guard Int(size) <= Int(counts.0) * (ZipRecords.entryLength + PackagePath.maximumBytes) else {
      throw .directoryEntry(number: Int(counts.0))
    }
    guard Int(offset) + Int(size) == byteCount - ZipRecords.endLength else { throw .directoryPlace }
    return (Int(counts.0), Int(offset)..<Int(offset) + Int(size))
  }

  private static func entries(_ bytes: [UInt8], count: Int) throws(PackageFlaw) -> [Entry] {
    var reader = ZipReader(bytes[...])
    var entries: [Entry] = []
    for number in 1...count {
      let entry = Entry(&reader)
      guard let entry, !reader.isExhausted else { throw .directoryEntry(number: number) }
      entries.append(entry)
    }
    guard entries.reduce(0, { $0 + $1.length }) == bytes.count else { throw .directoryEntry(number: count + 1) }
    return entries
  }

  private func checkOrder(_ limits: PackageLimits) throws(PackageFlaw) {
    guard index.path.text == Self.indexPath, signatures.path.text == Self.signaturesPath else { throw .noIndex }
    for (member, limit) in [(index, limits.indexSize), (signatures, limits.signaturesSize)] {
      let name = UntrustedBytes(member.path.text)
      guard member.compression == .stored, !member.isExecutable else { throw .member(name, .notPlain) }
      guard member.size <= limit else { throw .member(name, .size(bytes: member.size, limit: limit)) }
    }
    for (earlier, later) in zip(files, files.dropFirst()) where later.path < earlier.path { throw .order(later.path) }
    let own = ".package"
    for member in files where member.path.components.first.map({ PackageTree.folded(String($0)) }) == own {
      throw .member(UntrustedBytes(member.path.text), .reserved)
    }
    let total = files.reduce(0) { $0 + $1.size }
    guard total <= limits.totalSize else { throw .totalSize(bytes: total, limit: limits.totalSize) }
  }

  /// That the index names exactly these files, in their order, with these sizes and modes.
  package func check(_ index: PackageIndex) throws(PackageFlaw) {
    for (member, entry) in zip(files, index.entries) {
      let name = UntrustedBytes(member.path.text)
      guard member.path.text.utf8.elementsEqual(entry.path.text.utf8) else { throw .member(name, .notIndexed) }
      guard member.size == entry.size, member.isExecutable == entry.isExecutable else {
        throw .member(name, .differsFromIndex)
      }
    }
    if files.count > index.entries.count, let surplus = files.dropFirst(index.entries.count).first {
      throw .member(UntrustedBytes(surplus.path.text), .notIndexed)
    }
    if let missing = index.entries.dropFirst(files.count).first {
      throw .index(.missing(missing.path))
    }
  }
}

/// One entry of the directory.
private struct Entry {
  let system: UInt8
  let common: ZipRecords.Common
  let name: UntrustedBytes
  let nameBytes: ArraySlice<UInt8>
  let hasComment: Bool
  let disk: UInt16
  let attributes: UInt32
  let offset: Int
  /// Bytes in the directory.
  let length: Int

  /// Nil: something else stands there.
  init?(_ reader: inout ZipReader) {
    guard reader.number() == ZipRecords.entrySignature else { return nil }
    let madeBy: UInt16 = reader.number()
    system = UInt8(madeBy >> 8)
    common = reader.common()
    let commentLength: UInt16 = reader.number()
    disk = reader.number()
    _ = reader.number(UInt16.self)
    attributes = reader.number()
    offset = Int(reader.number(UInt32.self))
    nameBytes = reader.take(Int(common.nameLength))
    name = UntrustedBytes(nameBytes)
    _ = reader.take(Int(common.extraLength) + Int(commentLength))
    hasComment = commentLength > 0
    length = ZipRecords.entryLength + Int(common.nameLength) + Int(common.extraLength) + Int(commentLength)
  }

  var headerLength: Int { ZipRecords.headerLength + nameBytes.count }

  func member(_ limits: PackageLimits) throws(PackageFlaw) -> PackageArchive.Member {
    do throws(PackageFlaw.Member) {
      try checkFormat()
      let (compressed, size) = (Int(common.compressedSize), Int(common.size))
      let isDeflated = common.method == 8
      guard isDeflated || common.method == 0 else { throw .method(common.method) }
      guard isDeflated || compressed == size else { throw .storedSize }
      guard size <= limits.fileSize else { throw .size(bytes: size, limit: limits.fileSize) }
      guard size <= limits.ratioFrom || size / limits.ratio <= compressed else { throw .ratio(limit: limits.ratio) }
      let path: PackagePath
      do { path = try PackagePath(nameBytes) } catch { throw .path(error) }
      guard common.flags & ZipRecords.Flags.unicode != 0 || nameBytes.allSatisfy({ $0 < 0x80 }) else { throw .encoding }
      let start = offset + headerLength
      return PackageArchive.Member(
        path: path, isExecutable: try isExecutable(), compression: isDeflated ? .deflated : .stored,
        place: start..<start + compressed, size: size, checksum: common.checksum)
    } catch {
      throw .member(name, error)
    }
  }

  private func checkFormat() throws(PackageFlaw.Member) {
    guard common.flags & ZipRecords.Flags.encrypted == 0 else { throw .encrypted }
    guard common.flags & ~ZipRecords.Flags.known == 0 else { throw .flags(common.flags) }
    guard common.version <= ZipRecords.version else { throw .version(common.version) }
    guard common.extraLength == 0, !hasComment else { throw .extra }
    guard disk == 0 else { throw .place }
    guard system == ZipRecords.unix else { throw .system(system) }
    let others = UInt16(truncatingIfNeeded: attributes)
    guard others == 0 else { throw .attributes(others) }
  }

  private func isExecutable() throws(PackageFlaw.Member) -> Bool {
    switch attributes >> 16 {
    case 0o100644: return false
    case 0o100755: return true
    case let mode: throw .mode(mode)
    }
  }

  private var hasDescriptor: Bool { common.flags & ZipRecords.Flags.descriptor != 0 }

  func checkHeader(_ bytes: [UInt8]) throws(PackageFlaw) {
    var reader = ZipReader(bytes[...])
    let signature: UInt32 = reader.number()
    var header = reader.common()
    let sizes = [header.checksum, header.compressedSize, header.size]
    if hasDescriptor, sizes.allSatisfy({ $0 == 0 }) {
      (header.checksum, header.compressedSize, header.size) = (common.checksum, common.compressedSize, common.size)
    }
    guard signature == ZipRecords.headerSignature, header == common, reader.take(nameBytes.count) == nameBytes,
      !reader.isExhausted
    else { throw .member(name, .header) }
  }

  /// - Parameter length: of what lies between its content and the next member.
  func checkDescriptor(length: Int, _ read: () throws(PackageFlaw) -> [UInt8]) throws(PackageFlaw) {
    guard hasDescriptor else {
      guard length == 0 else { throw .member(name, .place) }
      return
    }
    guard ZipRecords.descriptorLengths.contains(length) else { throw .member(name, .place) }
    var reader = ZipReader(try read()[...])
    let hasSignature = length == ZipRecords.descriptorLengths[0]
    guard !hasSignature || reader.number() == ZipRecords.descriptorSignature,
      reader.number() == common.checksum, reader.number() == common.compressedSize, reader.number() == common.size
    else { throw .member(name, .descriptor) }
  }
}
