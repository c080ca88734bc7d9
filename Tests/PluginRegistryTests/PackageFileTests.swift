import Foundation
import LinuxSystem
import PluginModel
import PluginRegistry
import Testing

private let engine = SemanticVersion(1, 0, 0)

extension TemporaryDirectory {
  /// The package of the plugin in `name`, as bytes.
  fileprivate func packed(_ name: String, as file: String = "p.zip") throws -> [UInt8] {
    let packer = try PluginPacker("\(path)/\(name)", engineVersion: engine)
    _ = try packer.write(as: file, in: try Directory(opening: path))
    return try Directory(opening: path).contents(file, limit: 1 << 20).bytes
  }
}

@Suite("A package on the disk")
struct PackageFileTests {
  @Test("what is fetched together has room together, as it is and unpacked")
  func room() throws {
    let package = try SamplePackage.open(try SamplePackage.bytes(SamplePackage.files))
    let size = package.memory.byteCount + package.index.totalSize
    try FetchedPackages.demandRoom(for: [package, package], maximum: 2 * size)
    #expect(throws: Diagnostic.self) { try FetchedPackages.demandRoom(for: [package, package], maximum: 2 * size - 1) }
    #expect(throws: Diagnostic.self) {
      try FetchedPackages.demandRoom(for: [package], maximum: package.memory.byteCount)
    }
  }

  @Test("is the same bytes for the same files, wherever and whenever they were made")
  func reproducible() throws {
    let (one, two) = (try TemporaryDirectory(), try TemporaryDirectory())
    for (name, text) in SamplePackage.files { try one.write("sample/\(name)", text) }
    for (name, text) in SamplePackage.files.sorted(by: { $0.key > $1.key }) { try two.write("elsewhere/\(name)", text) }
    let old = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1_000_000)]
    try FileManager.default.setAttributes(old, ofItemAtPath: two.path + "/elsewhere/plugin.py")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: two.path + "/elsewhere/plugin.py")
    #expect(try one.packed("sample") == two.packed("elsewhere"))
    #expect(try one.packed("sample") == SamplePackage.bytes(SamplePackage.files))
  }

  @Test("holds what is executable as such, and nothing that tools leave behind")
  func contents() throws {
    let directory = try TemporaryDirectory()
    for (name, text) in SamplePackage.files { try directory.write("sample/\(name)", text) }
    try directory.write("sample/run.sh", "#!/bin/sh\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o744], ofItemAtPath: directory.path + "/sample/run.sh")
    for junk in ["__pycache__/a.pyc", ".git/HEAD", "data/a.txt~", "sample-1.2.0.zip", "notes.log"] {
      try directory.write("sample/\(junk)", "x")
    }
    try directory.write("sample/.pluginignore", "*.log\n")
    let packer = try PluginPacker(directory.path + "/sample", engineVersion: engine)
    #expect(
      packer.index.entries.map(\.path.text) == ["data/a.txt", "data/b.txt", "plugin.py", "plugin.yaml", "run.sh"])
    #expect(packer.index.entries.map(\.isExecutable) == [false, false, false, false, true])
    #expect(
      packer.ignored == [
        ".git/", ".pluginignore", "__pycache__/", "data/a.txt~", "notes.log", "sample-1.2.0.zip",
      ])
  }

  @Test(
    "is not made of links, special files, names that a package can't have, or without its entry point")
  func unpackable() throws {
    let directory = try TemporaryDirectory()
    for (name, text) in SamplePackage.files { try directory.write("sample/\(name)", text) }
    let top = directory.path + "/sample/"
    try FileManager.default.createSymbolicLink(atPath: top + "link", withDestinationPath: "plugin.py")
    #expect(mkfifo(top + "pipe", 0o600) == 0)
    try directory.write("sample/Data/c.txt", "")
    try directory.write("sample/a\\b", "")
    try directory.write("sample/me.key", try #require(SigningKey.generate()).pem)
    try directory.write("sample/.package/index", "")
    try directory.write("sample/.pluginignore", "/plugin.py\n")
    do {
      _ = try PluginPacker(directory.path + "/sample", engineVersion: engine)
      Issue.record("it was packed")
    } catch {
      let text = error.description
      for part in [
        "/link can't", "/pipe can't", "a\\\\b can't", "a private key", "case of letters", "beneath .package",
        "entry point",
      ] {
        #expect(text.contains(part), "\(part) in \(text)")
      }
    }
  }

  @Test("is written into a directory as its index says")
  func written() throws {
    let directory = try TemporaryDirectory()
    try directory.write("staging/.keep", "")
    try FileManager.default.removeItem(atPath: directory.path + "/staging/.keep")
    let content = try SamplePackage.content(try SamplePackage.bytes(SamplePackage.files))
    try content.write(into: try Directory(opening: directory.path + "/staging"))
    for (name, text) in SamplePackage.files {
      #expect(try String(contentsOfFile: "\(directory.path)/staging/\(name)", encoding: .utf8) == text)
    }
    let staging = try Directory(opening: directory.path + "/staging")
    #expect(try staging.status("data").permissions == 0o755)
    #expect(try staging.status("plugin.py").permissions == 0o644)
    #expect(try content.manifest(engineVersion: engine).name.text == "sample")
    // Not a second time: the directory isn't empty, and nothing in it changes.
    #expect(throws: Diagnostic.self) { try content.write(into: staging) }
    #expect(try staging.names(limit: 10) == ["data", "plugin.py", "plugin.yaml"])
  }

  @Test("leaves nothing behind when it can't be written whole")
  func unwritten() throws {
    let directory = try TemporaryDirectory()
    try directory.write("staging/.keep", "")
    try FileManager.default.removeItem(atPath: directory.path + "/staging/.keep")
    // Larger than this process may write a file: EFBIG in the middle of the third.
    var large = SamplePackage.files
    large["data/z.bin"] = String(repeating: "z", count: 3 << 20)
    let content = try SamplePackage.content(try SamplePackage.bytes(large))
    let staging = try Directory(opening: directory.path + "/staging")
    var limit = rlimit()
    #expect(getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    let old = limit
    signal(SIGXFSZ, SIG_IGN)
    limit.rlim_cur = 2 << 20
    #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    #expect(throws: Diagnostic.self) { try content.write(into: staging) }
    limit = old
    #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    #expect(try staging.names(limit: 10).isEmpty)
  }

  @Test("is refused with any byte of a file changed, and with files swapped under their names")
  func digests() throws {
    let bytes = try SamplePackage.bytes(SamplePackage.files)
    let archive = try SamplePackage.open(bytes).archive
    for member in archive.files {
      for position in member.place {
        var changed = bytes
        changed[position] ^= 0x20
        #expect(throws: PackageFlaw.member(UntrustedBytes(member.path.text), .digest)) {
          try SamplePackage.content(changed)
        }
      }
    }
    let index = try SamplePackage.open(bytes).index
    let contents = index.entries.map { Array((SamplePackage.files[$0.path.text] ?? "").utf8) }
    var swapped = contents
    swapped.swapAt(0, 1)
    let forged = try SamplePackage.made(index, PackageSignatures(), swapped)
    #expect(throws: PackageFlaw.member(UntrustedBytes("data/a.txt"), .digest)) { try SamplePackage.content(forged) }
  }

  @Test("is refused where its CRC-32 is wrong, which other unpackers would stumble over")
  func checksums() throws {
    let index = try SamplePackage.open(try SamplePackage.bytes(SamplePackage.files)).index
    let contents = index.entries.map { Array((SamplePackage.files[$0.path.text] ?? "").utf8) }
    let layout = PackageLayout(index: index, signatures: PackageSignatures(), checksums: contents.map { _ in 7 })
    let bytes = zip(layout.parts, [index.bytes, []] + contents).flatMap { $0.header + $1 } + layout.trailer
    #expect(throws: PackageFlaw.member(UntrustedBytes("data/a.txt"), .checksum)) { try SamplePackage.content(bytes) }
  }

  @Test("is refused wherever it is cut short")
  func prefixes() throws {
    let bytes = try SamplePackage.bytes(SamplePackage.files)
    for length in bytes.indices {
      #expect(throws: PackageFlaw.self, "\(length)") { try SamplePackage.open(Array(bytes.prefix(length))) }
    }
  }

  @Test("believes nothing that an unpacker gives back")
  func unpacked() throws {
    let package = try SamplePackage.open(try SamplePackage.bytes(SamplePackage.files))
    let contents = package.index.entries.map { Array((SamplePackage.files[$0.path.text] ?? "").utf8) }
    let right = contents.flatMap { $0 }
    _ = try PackageContent(package, unpacked: try SealedMemory(copying: right))
    for wrong in [right + [0], right.dropLast() + [], contents.reversed().flatMap { $0 }, []] {
      #expect(throws: PackageFlaw.self) { try PackageContent(package, unpacked: try SealedMemory(copying: wrong)) }
    }
    // Bytes that CRC-32 doesn't tell from those of `plugin.py`: its polynomial, added to them.
    var forged = right
    for (offset, bits) in [0x41, 0x06, 0x71, 0xDB, 0x01].enumerated() { forged[2 + offset] ^= UInt8(bits) }
    var (before, after) = (ZipChecksum(), ZipChecksum())
    before.update(Array(right[2..<7]))
    after.update(Array(forged[2..<7]))
    try #require(before.value == after.value && right != forged)
    #expect(throws: PackageFlaw.member(UntrustedBytes("plugin.py"), .digest)) {
      try PackageContent(package, unpacked: try SealedMemory(copying: forged))
    }
  }

  @Test("is the package of the plugin that its manifest names, or refused")
  func manifests() throws {
    #expect(
      try SamplePackage.content(try SamplePackage.bytes(SamplePackage.files)).manifest(engineVersion: engine).version
        == SemanticVersion(1, 2, 0))
    var other = SamplePackage.files
    other["plugin.py"] = nil
    for bytes in [
      try SamplePackage.bytes(SamplePackage.files, name: "other"),
      try SamplePackage.bytes(SamplePackage.files, version: SemanticVersion(1, 2, 1)),
      try SamplePackage.bytes(["a": ""]), try SamplePackage.bytes(["plugin.yaml": "name: ["]),
      try SamplePackage.bytes(other),
    ] {
      #expect(throws: Diagnostics.self) { try SamplePackage.content(bytes).manifest(engineVersion: engine) }
    }
  }

  @Test("is opened from a regular file only")
  func opening() throws {
    let directory = try TemporaryDirectory()
    #expect(mkfifo(directory.path + "/pipe", 0o600) == 0)
    for path in ["pipe", ".", "absent"] {
      #expect(throws: Diagnostic.self) { try PackageFile(opening: "\(directory.path)/\(path)") }
    }
    try Data(try SamplePackage.bytes(SamplePackage.files)).write(to: URL(fileURLWithPath: directory.path + "/p.zip"))
    let opened = try PackageFile(opening: directory.path + "/p.zip")
    #expect(opened.checksum == ContentDigest(sha256: try SamplePackage.bytes(SamplePackage.files)))
    // What happens to the file afterwards changes nothing.
    try Data().write(to: URL(fileURLWithPath: directory.path + "/p.zip"))
    #expect(try opened.storedContent() != nil)
  }
}
