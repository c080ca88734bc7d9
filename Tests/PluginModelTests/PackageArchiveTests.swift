import Testing

@testable import PluginModel

/// One hostile file, and what must be said of it.
struct HostileArchive: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let flaw: @Sendable (PackageFlaw) -> Bool
  let change: @Sendable (inout PackageFixture) -> Void

  init(
    _ what: String, _ flaw: @escaping @Sendable (PackageFlaw) -> Bool,
    _ change: @escaping @Sendable (inout PackageFixture) -> Void
  ) {
    testDescription = what
    self.flaw = flaw
    self.change = change
  }

  /// Wrong in the third member.
  static func member(
    _ what: String, _ flaw: PackageFlaw.Member, _ change: @escaping @Sendable (inout PackageFixture.Member) -> Void
  ) -> HostileArchive {
    HostileArchive(what, { if case .member(_, flaw) = $0 { true } else { false } }) { change(&$0.members[2]) }
  }

  static func exactly(
    _ what: String, _ flaw: PackageFlaw, _ change: @escaping @Sendable (inout PackageFixture) -> Void
  ) -> HostileArchive { HostileArchive(what, { $0 == flaw }, change) }

  static func named(_ what: String, _ name: String, _ flaw: PackagePath.Flaw) -> HostileArchive {
    HostileArchive(what, { if case .member(_, .path(flaw)) = $0 { true } else { false } }) {
      $0.members[2] = PackageFixture.Member(name, [1])
    }
  }

  private static func path(_ text: String) -> PackagePath? { try? PackagePath(text) }

  static let all: [HostileArchive] = members + names + trees + files

  static let members: [HostileArchive] = [
    .member("a symbolic link", .mode(0o120777)) { $0.mode = 0o120777 },
    .member("a device", .mode(0o060600)) { $0.mode = 0o060600 },
    .member("a FIFO", .mode(0o010644)) { $0.mode = 0o010644 },
    .member("a socket", .mode(0o140644)) { $0.mode = 0o140644 },
    .member("a directory", .mode(0o040755)) { $0.mode = 0o040755 },
    .member("no kind at all", .mode(0o644)) { $0.mode = 0o644 },
    .member("a set-user-id bit", .mode(0o104755)) { $0.mode = 0o104755 },
    .member("a set-group-id bit", .mode(0o102755)) { $0.mode = 0o102755 },
    .member("a sticky bit", .mode(0o101755)) { $0.mode = 0o101755 },
    .member("a file that everybody may write", .mode(0o100666)) { $0.mode = 0o100666 },
    .member("a directory as MS-DOS has it", .attributes(0x10)) { $0.attributes = 0x10 },
    .member("made on MS-DOS, without permissions", .system(0)) { $0.system = 0 },
    .member("encrypted", .encrypted) { $0.set { $0.flags |= 1 } },
    .member("strongly encrypted", .encrypted) { $0.set { $0.flags |= 1 << 6 } },
    .member("headers that are encrypted", .encrypted) { $0.set { $0.flags |= 1 << 13 } },
    .member("patch data", .flags(1 << 5)) { $0.set { $0.flags |= 1 << 5 } },
    .member("compressed by bzip2", .method(12)) { $0.set { $0.method = 12 } },
    .member("compressed by Zstandard", .method(93)) { $0.set { $0.method = 93 } },
    .member("of zip64", .version(45)) { $0.set { $0.version = 45 } },
    .member("a Unicode path in an extra field", .extra) {
      $0.extra = [0x75, 0x70, 1, 0, 0]
      $0.central.extraLength = 5
    },
    .member("an extra field before the content only", .header) {
      $0.headerExtra = [0x6E, 0x75, 0, 0]
      $0.header.extraLength = 4
    },
    .member("a comment", .extra) { $0.comment = [0x41] },
    .member("on another disk", .place) { $0.disk = 1 },
    .member("a stored file of two sizes", .storedSize) { $0.set { $0.size += 1 } },
    .member("another size before the content", .header) { $0.header.size += 1 },
    .member("another checksum before the content", .header) { $0.header.checksum += 1 },
    .member("another method before the content", .header) { $0.header.method = 8 },
    .member("other flags before the content", .header) { $0.header.flags |= ZipRecords.Flags.descriptor },
    .member("another name before the content", .header) { $0.headerName = Array("plugin.pz".utf8) },
    .member("sizes behind the content that differ", .descriptor) {
      $0.describeBehind(signature: true)
      $0.descriptor[12] ^= 1
    },
    .member("no sizes behind the content where there should be some", .place) {
      $0.describeBehind(signature: true)
      $0.descriptor = []
    },
    .member("sizes behind the content that nobody announced", .place) {
      $0.descriptor = Array(repeating: 0, count: 16)
    },
    .member("a compressed size that reaches into the next member", .place) {
      $0.set {
        $0.compressedSize += 40
        $0.size += 40
      }
    },
    .member("a bomb", .ratio(limit: 200)) {
      $0.set {
        $0.method = 8
        $0.size = 200 << 20
      }
    },
    .member("a file that is too large", .size(bytes: 1 << 30, limit: 256 << 20)) {
      $0.set {
        $0.method = 8
        $0.size = 1 << 30
      }
    },
    .member("a name that isn't marked as UTF-8", .encoding) {
      $0 = PackageFixture.Member("pl\u{FC}gin.py", [1])
      $0.set { $0.flags = 0 }
    },
    .member("the place of another member", .place) { $0.offset = 0 },
    .member("a place outside of the file", .place) { $0.offset = 1 << 30 },
  ]

  static let names: [HostileArchive] = [
    .named("a path that climbs", "../plugin.py", .dots), .named("a path that climbs inside", "a/../../b", .dots),
    .named("a dot", "./a", .dots), .named("an absolute path", "/etc/passwd", .absolute),
    .named("a path of Windows", "a\\..\\b", .backslash), .named("two slashes", "a//b", .emptyComponent),
    .named("a directory's name", "a/", .emptyComponent), .named("no name", "", .empty),
    .named("a line end", "a\nb", .unseen(0x0A)), .named("a NUL", "plugin.py\0.txt", .unseen(0)),
    .named("an escape sequence", "a\u{1B}[31m", .unseen(0x1B)), .named("DEL", "a\u{7F}", .unseen(0x7F)),
    .named("text that turns around", "a\u{202E}yp.b", .unseen(0x202E)),
    .named("a blank without width", "a\u{200B}b", .unseen(0x200B)),
    .named("a mark of byte order", "\u{FEFF}a", .unseen(0xFEFF)),
    .named("a blank that doesn't break", "a\u{A0}b", .unseen(0xA0)),
    .named("a filler that isn't seen", "a\u{3164}b", .unseen(0x3164)),
    .named("a letter and its mark apart", "u\u{308}.py", .composed(0x308)),
    .named("a letter that normalisation changes", "\u{212B}.py", .composed(0x212B)),
    .named("Hangul in pieces", "\u{1112}\u{1161}", .composed(0x1112)),
    .named("a variation of a letter", "a\u{FE0F}", .composed(0xFE0F)),
    .named("a dot at the end", "plugin.py.", .edge), .named("a blank at the end", "a /b", .edge),
    .named("a blank at the start", " a", .edge),
    .named("too many directories", String(repeating: "a/", count: 33) + "b", .tooDeep),
    .named("a path that is too long", String(repeating: "ab/", count: 200) + "c", .tooLong),
    .named("a name that is too long", String(repeating: "a", count: 256), .tooLong),
    HostileArchive("a name that isn't UTF-8", { if case .member(_, .path(.notUTF8)) = $0 { true } else { false } }) {
      $0.members[2] = PackageFixture.Member(bytes: [0x61, 0xC0, 0xAF], [1])
    },
  ]

  private static func clash(_ flaw: PackageFlaw) -> PackageTree.Clash? {
    if case .clash(let clash) = flaw { clash } else { nil }
  }

  static let trees: [HostileArchive] = [
    HostileArchive("one path twice", { path("plugin.yaml").map(PackageTree.Clash.duplicate) == clash($0) }) {
      $0.members.insert($0.members[3], at: 3)
    },
    HostileArchive("twins", { clash($0) == .twins("plugin.py", "plugin.pY") }) {
      $0.members.append(PackageFixture.Member("plugin.pY", []))
    },
    HostileArchive("directories that are twins", { clash($0) == .twins("src", "SRC") }) {
      $0.members.append(PackageFixture.Member("SRC/three.txt", []))
    },
    HostileArchive("twins by a letter of two", { clash($0) == .twins("stra\u{DF}e", "strasse") }) {
      $0.members += [PackageFixture.Member("stra\u{DF}e", []), PackageFixture.Member("strasse", [])]
    },
    HostileArchive("twins by a letter of physics", { clash($0) == .twins("k", "\u{17F}k") || clash($0) != nil }) {
      $0.members += [PackageFixture.Member("sk", []), PackageFixture.Member("\u{17F}k", [])]
    },
    HostileArchive("a file that is a directory too", { if case .fileAbove? = clash($0) { true } else { false } }) {
      $0.members.append(PackageFixture.Member("src", []))
    },
    HostileArchive("a file beneath a file", { if case .fileAbove? = clash($0) { true } else { false } }) {
      $0.members.append(PackageFixture.Member("plugin.py/x", []))
    },
    HostileArchive("a third member of its own", { if case .member(_, .reserved) = $0 { true } else { false } }) {
      $0.members.insert(PackageFixture.Member(".package/more", []), at: 2)
    },
    HostileArchive("members out of order", { if case .order = $0 { true } else { false } }) { $0.members.swapAt(3, 4) },
    .exactly("no index", .noIndex) { $0.members.removeFirst() },
    .exactly("the signatures first", .noIndex) { $0.members.swapAt(0, 1) },
    HostileArchive("an index that is executable", { if case .member(_, .notPlain) = $0 { true } else { false } }) {
      $0.members[0].mode = 0o100755
    },
    HostileArchive("a compressed index", { if case .member(_, .notPlain) = $0 { true } else { false } }) {
      $0.members[0].set { $0.method = 8 }
    },
  ]

  static let files: [HostileArchive] = [
    .exactly("a comment at the end", .noEnd) { $0.comment = Array("PK".utf8) },
    .exactly("a comment that the end announces only", .comment) { $0.commentLength = 5 },
    .exactly("another zip file behind the end", .noEnd) { $0.comment = [0] + PackageFixture().bytes.dropLast() },
    HostileArchive("something before the first member", { if case .member(_, .place) = $0 { true } else { false } }) {
      $0.prefix = Array("#!/bin/sh\n".utf8)
    },
    HostileArchive("something between members", { if case .member(_, .place) = $0 { true } else { false } }) {
      $0.members[3].gap = [0]
    },
    HostileArchive("something before the directory", { if case .member(_, .place) = $0 { true } else { false } }) {
      $0.beforeDirectory = [0]
    },
    .exactly("a locator of zip64", .directoryPlace) {
      $0.behindDirectory = [0x50, 0x4B, 6, 7] + Array(repeating: 0, count: 16)
    },
    .exactly("zip64 by its numbers", .zip64) { $0.count = .max },
    .exactly("several disks", .severalDisks) { $0.disks = (1, 0) },
    .exactly("fewer members than there are", .directoryEntry(number: 6)) { $0.count = 5 },
    .exactly("more members than there are", .directoryEntry(number: 7)) { $0.count = 7 },
    HostileArchive("members that overlap", { if case .member(_, .place) = $0 { true } else { false } }) {
      // A quoted overlap: each member's content reaches to the end of the last (Fifield, "A better zip bomb").
      for position in 2..<5 {
        $0.members[position].set {
          $0.compressedSize += 60
          $0.size += 60
        }
      }
    },
    .exactly("more files than a package may have", .files(count: 20_003, limit: 20_002)) { $0.count = 20_003 },
    .exactly("no member at all", .files(count: 0, limit: 20_002)) { $0.members = [] },
  ]
}

@Suite("The archive of a package")
struct PackageArchiveTests {
  @Test("finds every member where it lies")
  func members() throws {
    let fixture = try PackageFixture.indexed()
    let archive = try fixture.archive()
    #expect(archive.files.map(\.path.text) == ["plugin.py", "plugin.yaml", "src/one.txt", "src/two.txt"])
    #expect(archive.isStored)
    let bytes = fixture.bytes
    for (member, (_, content)) in zip(archive.files, PackageFixture.files) {
      #expect(Array(bytes[member.place]) == content)
    }
    try archive.check(try PackageFixture.index())
  }

  @Test("takes sizes behind the content, with and without their signature", arguments: [true, false])
  func descriptors(signature: Bool) throws {
    var fixture = try PackageFixture.indexed()
    for position in 2..<fixture.members.count { fixture.members[position].describeBehind(signature: signature) }
    #expect(try fixture.archive().files.count == 4)
  }

  @Test("takes deflated members and executable ones")
  func deflated() throws {
    var fixture = try PackageFixture.indexed()
    fixture.members[2].set {
      $0.method = 8
      $0.size = 100
    }
    fixture.members[3].mode = 0o100755
    let archive = try fixture.archive()
    #expect(!archive.isStored)
    #expect(archive.members[2].compression == .deflated)
    #expect(archive.members[3].isExecutable)
  }

  @Test("refuses with its reason", arguments: HostileArchive.all)
  func hostile(_ hostile: HostileArchive) throws {
    var fixture = try PackageFixture.indexed()
    hostile.change(&fixture)
    do throws(PackageFlaw) {
      _ = try fixture.archive()
      Issue.record("it was taken")
    } catch {
      #expect(hostile.flaw(error), "\(error)")
      let diagnostic = error.diagnostic(of: "a.zip")
      #expect(diagnostic.why?.isEmpty == false)
      #expect(diagnostic.why?.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
    }
  }

  @Test("refuses every part of a package that is cut short")
  func prefixes() throws {
    let bytes = try PackageFixture.indexed().bytes
    for length in bytes.indices {
      #expect(throws: PackageFlaw.self, "\(length)") { try PackageFixture.archive(Array(bytes.prefix(length))) }
    }
  }

  @Test("refuses a package with any byte of its structure changed, or means the same members")
  func flips() throws {
    let fixture = try PackageFixture.indexed()
    let (bytes, archive) = (fixture.bytes, try fixture.archive())
    let contents = archive.members.map(\.place)
    for position in bytes.indices where !contents.contains(where: { $0.contains(position) }) {
      for bit in 0..<8 {
        var changed = bytes
        changed[position] ^= 1 << bit
        guard let other = try? PackageFixture.archive(changed) else { continue }
        // What says nothing of where things are: who made it, an internal attribute, a mode, flags of effort.
        #expect(other.members.map(\.place) == contents, "byte \(position), bit \(bit)")
        #expect(other.members.map(\.path) == archive.members.map(\.path), "byte \(position), bit \(bit)")
      }
    }
  }

  @Test("is bounded in files, bytes and its own size")
  func limits() throws {
    let fixture = try PackageFixture.indexed()
    #expect(throws: PackageFlaw.files(count: 6, limit: 5)) { try fixture.archive(PackageLimits(files: 3)) }
    let total = PackageFixture.files.reduce(0) { $0 + $1.1.count }
    #expect(throws: PackageFlaw.totalSize(bytes: total, limit: total - 1)) {
      try fixture.archive(PackageLimits(totalSize: total - 1))
    }
    let small = PackageLimits(files: 0, totalSize: 1, indexSize: 1, signaturesSize: 1)
    #expect(throws: PackageFlaw.tooLarge(bytes: fixture.bytes.count, limit: 3)) { try fixture.archive(small) }
    #expect(throws: PackageFlaw.self) { try fixture.archive(PackageLimits(indexSize: 10)) }
  }

  @Test("refuses members that the index doesn't name, and the other way round")
  func index() throws {
    let archive = try PackageFixture.indexed().archive()
    var files = PackageFixture.files
    files[2].0 = "src/other.txt"
    #expect(throws: PackageFlaw.self) { try archive.check(try PackageFixture.index(files)) }
    files = PackageFixture.files
    files[0].1.append(0)
    #expect(throws: PackageFlaw.self) { try archive.check(try PackageFixture.index(files)) }
    files = PackageFixture.files.dropLast()
    #expect(throws: PackageFlaw.self) { try archive.check(try PackageFixture.index(files)) }
    files = PackageFixture.files + [("z", [])]
    #expect(throws: PackageFlaw.self) { try archive.check(try PackageFixture.index(files)) }
  }

  @Test("is written as it is read, from the same files the same bytes")
  func layout() throws {
    let files = PackageFixture.files
    let index = try PackageFixture.index(files)
    let checksums = files.map { _, content in
      var checksum = ZipChecksum()
      checksum.update(content)
      return checksum.value
    }
    let layout = PackageLayout(index: index, signatures: PackageSignatures(), checksums: checksums)
    var bytes: [UInt8] = []
    for (part, content) in zip(layout.parts, [index.bytes, []] + files.map(\.1)) { bytes += part.header + content }
    bytes += layout.trailer
    #expect(bytes == (try PackageFixture.indexed().bytes))
    #expect(try PackageFixture.archive(bytes).files.count == 4)
  }

  @Test("has the checksum that everybody has")
  func checksum() {
    var checksum = ZipChecksum()
    checksum.update(Array("1234".utf8))
    checksum.update(Array("56789".utf8))
    #expect(checksum.value == 0xCBF4_3926)
  }
}
