@testable import PluginModel

/// A zip file of which every field can be wrong. As it is made, it is a package.
struct PackageFixture {
  struct Member {
    var name: [UInt8]
    var content: [UInt8]
    /// As the directory says.
    var central: ZipRecords.Common
    /// As the header before the content says.
    var header: ZipRecords.Common
    var headerName: [UInt8]
    var headerExtra: [UInt8] = []
    var system = ZipRecords.unix
    var mode: UInt32 = 0o100644
    var attributes: UInt16 = 0
    var disk: UInt16 = 0
    var extra: [UInt8] = []
    var comment: [UInt8] = []
    var descriptor: [UInt8] = []
    /// Before its header.
    var gap: [UInt8] = []
    /// Where the directory says that it begins; nil: where it does.
    var offset: UInt32?

    init(_ name: String, _ content: [UInt8]) { self.init(bytes: Array(name.utf8), content) }

    init(bytes name: [UInt8], _ content: [UInt8]) {
      self.name = name
      self.content = content
      headerName = name
      var checksum = ZipChecksum()
      checksum.update(content)
      let isASCII = name.allSatisfy { $0 < 0x80 }
      central = ZipRecords.Common(
        version: 20, flags: isASCII ? 0 : ZipRecords.Flags.unicode, method: 0, time: 0, date: ZipRecords.date,
        checksum: checksum.value, compressedSize: UInt32(content.count), size: UInt32(content.count),
        nameLength: UInt16(name.count), extraLength: 0)
      header = central
    }

    /// In both places.
    mutating func set(_ change: (inout ZipRecords.Common) -> Void) {
      change(&central)
      change(&header)
    }

    /// As it would be written to a pipe, where sizes aren't known before the content.
    mutating func describeBehind(signature: Bool) {
      set { $0.flags |= ZipRecords.Flags.descriptor }
      (header.checksum, header.compressedSize, header.size) = (0, 0, 0)
      descriptor = []
      if signature { descriptor.append(littleEndian: ZipRecords.descriptorSignature) }
      for word in [central.checksum, central.compressedSize, central.size] { descriptor.append(littleEndian: word) }
    }
  }

  var members: [Member]
  var prefix: [UInt8] = []
  var beforeDirectory: [UInt8] = []
  var behindDirectory: [UInt8] = []
  var disks: (UInt16, UInt16) = (0, 0)
  var count: UInt16?
  var comment: [UInt8] = []
  /// As the end says; nil: what it is.
  var commentLength: UInt16?

  static let files: [(String, [UInt8])] = [
    ("plugin.py", Array("pass\n".utf8)),
    ("plugin.yaml", Array("name: sample\nversion: 1.2.0\nauthor: a\nentry_point: plugin.py\n".utf8)),
    ("src/one.txt", Array("one".utf8)), ("src/two.txt", []),
  ]

  init(_ files: [(String, [UInt8])] = Self.files) {
    members = [Member(PackageArchive.indexPath, []), Member(PackageArchive.signaturesPath, [])]
    members += files.map { Member($0.0, $0.1) }
  }

  /// With an index of what it holds. Any digest does: this module compares none.
  static func indexed(_ files: [(String, [UInt8])] = Self.files) throws -> PackageFixture {
    var fixture = PackageFixture(files)
    fixture.members[0] = Member(PackageArchive.indexPath, try index(files).bytes)
    return fixture
  }

  static func index(_ files: [(String, [UInt8])] = Self.files) throws -> PackageIndex {
    PackageIndex(
      name: PluginName(unchecked: "sample"), version: SemanticVersion(1, 2, 0),
      entries: try files.map { name, content in
        let digest = ContentDigest(String(repeating: "0a", count: 32))
        guard let digest else { throw PackageFlaw.noIndex }
        return PackageIndex.Entry(path: try PackagePath(name), isExecutable: false, size: content.count, digest: digest)
      })
  }

  var bytes: [UInt8] {
    var bytes = prefix
    var offsets: [UInt32] = []
    for member in members {
      bytes += member.gap
      offsets.append(member.offset ?? UInt32(bytes.count))
      bytes.append(littleEndian: ZipRecords.headerSignature)
      member.header.write(to: &bytes)
      bytes += member.headerName + member.headerExtra + member.content + member.descriptor
    }
    bytes += beforeDirectory
    let start = bytes.count
    for (member, offset) in zip(members, offsets) {
      bytes.append(littleEndian: ZipRecords.entrySignature)
      bytes.append(littleEndian: UInt16(member.system) << 8 | 20)
      member.central.write(to: &bytes)
      bytes.append(littleEndian: UInt16(member.comment.count))
      bytes.append(littleEndian: member.disk)
      bytes.append(littleEndian: UInt16(0))
      bytes.append(littleEndian: member.mode << 16 | UInt32(member.attributes))
      bytes.append(littleEndian: offset)
      bytes += member.name + member.extra + member.comment
    }
    let size = bytes.count - start
    bytes += behindDirectory
    bytes.append(littleEndian: ZipRecords.endSignature)
    bytes.append(littleEndian: disks.0)
    bytes.append(littleEndian: disks.1)
    for _ in 0..<2 { bytes.append(littleEndian: count ?? UInt16(clamping: members.count)) }
    bytes.append(littleEndian: UInt32(size))
    bytes.append(littleEndian: UInt32(start))
    bytes.append(littleEndian: commentLength ?? UInt16(comment.count))
    return bytes + comment
  }

  func archive(_ limits: PackageLimits = PackageLimits()) throws(PackageFlaw) -> PackageArchive {
    try Self.archive(bytes, limits)
  }

  static func archive(
    _ bytes: [UInt8], _ limits: PackageLimits = PackageLimits()
  ) throws(PackageFlaw) -> PackageArchive {
    try PackageArchive(byteCount: bytes.count, limits: limits) { (offset, count) throws(PackageFlaw) in
      guard offset >= 0, count >= 0, offset + count <= bytes.count else { throw .unreadable("outside of the file") }
      return Array(bytes[offset..<offset + count])
    }
  }
}
