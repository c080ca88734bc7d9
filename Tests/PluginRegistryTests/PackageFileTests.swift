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

/// A package of these files, whatever they say.
private func package(
  _ files: [String: String], name: String = "sample", version: SemanticVersion = SemanticVersion(1, 2, 0),
  signatures: PackageSignatures = PackageSignatures()
) throws -> [UInt8] {
  let sorted = files.map { (Array($0.key.utf8), Array($0.value.utf8)) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
  let index = PackageIndex(
    name: try #require(PluginName(name)), version: version,
    entries: try sorted.map {
      PackageIndex.Entry(
        path: try PackagePath($0.0), isExecutable: false, size: $0.1.count, digest: ContentDigest(sha256: $0.1))
    })
  return try made(index, signatures, sorted.map(\.1))
}

private func made(_ index: PackageIndex, _ signatures: PackageSignatures, _ contents: [[UInt8]]) throws -> [UInt8] {
  let checksums = contents.map { content in
    var checksum = ZipChecksum()
    checksum.update(content)
    return checksum.value
  }
  let layout = PackageLayout(index: index, signatures: signatures, checksums: checksums)
  let parts = zip(layout.parts, [index.bytes, signatures.bytes] + contents)
  return parts.flatMap { $0.header + $1 } + layout.trailer
}

private func open(_ bytes: [UInt8]) throws -> PackageFile {
  try PackageFile(try SealedMemory(copying: bytes), path: "p.zip")
}

private func content(_ bytes: [UInt8]) throws -> PackageContent { try #require(try open(bytes).storedContent()) }

private let manifest = "name: sample\nversion: 1.2.0\nauthor: a\nentry_point: plugin.py\n"
private let files = ["plugin.yaml": manifest, "plugin.py": "pass\n", "data/a.txt": "a", "data/b.txt": "b"]

@Suite("A package on the disk")
struct PackageFileTests {
  @Test("is the same bytes for the same files, wherever and whenever they were made")
  func reproducible() throws {
    let (one, two) = (try TemporaryDirectory(), try TemporaryDirectory())
    for (name, text) in files { try one.write("sample/\(name)", text) }
    for (name, text) in files.sorted(by: { $0.key > $1.key }) { try two.write("elsewhere/\(name)", text) }
    let old = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1_000_000)]
    try FileManager.default.setAttributes(old, ofItemAtPath: two.path + "/elsewhere/plugin.py")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: two.path + "/elsewhere/plugin.py")
    #expect(try one.packed("sample") == two.packed("elsewhere"))
    #expect(try one.packed("sample") == package(files))
  }

  @Test("holds what is executable as such, and nothing that tools leave behind")
  func contents() throws {
    let directory = try TemporaryDirectory()
    for (name, text) in files { try directory.write("sample/\(name)", text) }
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

  @Test("is not made of links, special files, names that a package can't have, or without its entry point")
  func unpackable() throws {
    let directory = try TemporaryDirectory()
    for (name, text) in files { try directory.write("sample/\(name)", text) }
    let top = directory.path + "/sample/"
    try FileManager.default.createSymbolicLink(atPath: top + "link", withDestinationPath: "plugin.py")
    #expect(mkfifo(top + "pipe", 0o600) == 0)
    try directory.write("sample/Data/c.txt", "")
    try directory.write("sample/a\\b", "")
    try directory.write("sample/.package/index", "")
    try directory.write("sample/.pluginignore", "/plugin.py\n")
    do {
      _ = try PluginPacker(directory.path + "/sample", engineVersion: engine)
      Issue.record("it was packed")
    } catch {
      let text = error.description
      for part in ["/link can't", "/pipe can't", "a\\\\b can't", "case of letters", "beneath .package", "entry point"] {
        #expect(text.contains(part), "\(part) in \(text)")
      }
    }
  }

  @Test("is written into a directory as its index says")
  func written() throws {
    let directory = try TemporaryDirectory()
    try directory.write("staging/.keep", "")
    try FileManager.default.removeItem(atPath: directory.path + "/staging/.keep")
    let content = try content(try package(files))
    try content.write(into: try Directory(opening: directory.path + "/staging"))
    for (name, text) in files {
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
    var large = files
    large["data/z.bin"] = String(repeating: "z", count: 3 << 20)
    let content = try content(try package(large))
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
    let bytes = try package(files)
    let archive = try open(bytes).archive
    for member in archive.files {
      for position in member.place {
        var changed = bytes
        changed[position] ^= 0x20
        #expect(throws: PackageFlaw.member(UntrustedBytes(member.path.text), .digest)) { try content(changed) }
      }
    }
    let index = try open(bytes).index
    let contents = index.entries.map { Array((files[$0.path.text] ?? "").utf8) }
    var swapped = contents
    swapped.swapAt(0, 1)
    let forged = try made(index, PackageSignatures(), swapped)
    #expect(throws: PackageFlaw.member(UntrustedBytes("data/a.txt"), .digest)) { try content(forged) }
  }

  @Test("is refused where its CRC-32 is wrong, which other unpackers would stumble over")
  func checksums() throws {
    let index = try open(try package(files)).index
    let contents = index.entries.map { Array((files[$0.path.text] ?? "").utf8) }
    let layout = PackageLayout(index: index, signatures: PackageSignatures(), checksums: contents.map { _ in 7 })
    let bytes = zip(layout.parts, [index.bytes, []] + contents).flatMap { $0.header + $1 } + layout.trailer
    #expect(throws: PackageFlaw.member(UntrustedBytes("data/a.txt"), .checksum)) { try content(bytes) }
  }

  @Test("is refused wherever it is cut short")
  func prefixes() throws {
    let bytes = try package(files)
    for length in bytes.indices {
      #expect(throws: PackageFlaw.self, "\(length)") { try open(Array(bytes.prefix(length))) }
    }
  }

  @Test("believes nothing that an unpacker gives back")
  func unpacked() throws {
    let package = try open(try package(files))
    let contents = package.index.entries.map { Array((files[$0.path.text] ?? "").utf8) }
    let right = contents.flatMap { $0 }
    _ = try PackageContent(package, unpacked: try SealedMemory(copying: right))
    for wrong in [right + [0], right.dropLast() + [], contents.reversed().flatMap { $0 }, []] {
      #expect(throws: PackageFlaw.self) { try PackageContent(package, unpacked: try SealedMemory(copying: wrong)) }
    }
  }

  @Test("is the package of the plugin that its manifest names, or refused")
  func manifests() throws {
    #expect(try content(try package(files)).manifest(engineVersion: engine).version == SemanticVersion(1, 2, 0))
    var other = files
    other["plugin.py"] = nil
    for bytes in [
      try package(files, name: "other"), try package(files, version: SemanticVersion(1, 2, 1)),
      try package(["a": ""]), try package(["plugin.yaml": "name: ["]), try package(other),
    ] {
      #expect(throws: Diagnostics.self) { try content(bytes).manifest(engineVersion: engine) }
    }
  }

  @Test("is opened from a regular file only")
  func opening() throws {
    let directory = try TemporaryDirectory()
    #expect(mkfifo(directory.path + "/pipe", 0o600) == 0)
    for path in ["pipe", ".", "absent"] {
      #expect(throws: Diagnostic.self) { try PackageFile(opening: "\(directory.path)/\(path)") }
    }
    try Data(try package(files)).write(to: URL(fileURLWithPath: directory.path + "/p.zip"))
    let opened = try PackageFile(opening: directory.path + "/p.zip")
    #expect(opened.checksum == ContentDigest(sha256: try package(files)))
    // What happens to the file afterwards changes nothing.
    try Data().write(to: URL(fileURLWithPath: directory.path + "/p.zip"))
    #expect(try opened.storedContent() != nil)
  }
}

@Suite("Signatures of packages")
struct PackageSigningTests {
  private let today: CalendarDate
  init() throws { today = try #require(CalendarDate("2026-06-30")) }

  private func key() throws -> SigningKey { try #require(SigningKey.generate()) }

  private func trust(_ key: SigningKey) -> TrustPolicy {
    TrustPolicy(
      requiresSignature: true,
      keys: [TrustPolicy.Key(name: "me", key: key.publicKey, plugins: [GlobPattern("sample")])])
  }

  private func signed(_ bytes: [UInt8], by key: SigningKey) throws -> [UInt8] {
    let directory = try TemporaryDirectory()
    let place = try Directory(opening: directory.path)
    _ = try content(bytes).write(signedBy: key, as: "p.zip", in: place, permissions: 0o640)
    #expect(try place.status("p.zip").permissions == 0o640)
    return try place.contents("p.zip", limit: 1 << 20).bytes
  }

  @Test("are trusted by the key that made them, alone or among others")
  func trusted() throws {
    let (one, two) = (try key(), try key())
    let once = try signed(try package(files), by: one)
    #expect(trust(one).verdict(on: try open(once), today: today).isTrusted)
    #expect(!trust(two).verdict(on: try open(once), today: today).isTrusted)
    let twice = try signed(try signed(once, by: two), by: one)
    #expect(try open(twice).signatures.items.count == 2)
    #expect(trust(one).verdict(on: try open(twice), today: today).isTrusted)
    #expect(trust(two).verdict(on: try open(twice), today: today).isTrusted)
    #expect(!trust(one).verdict(on: try open(try package(files)), today: today).isTrusted)
  }

  @Test("hold for no other package: not for another file, version or name")
  func others() throws {
    let key = try key()
    let signatures = try open(try signed(try package(files), by: key)).signatures
    var changed = files
    changed["plugin.py"] = "import os\n"
    var renamed = files
    (renamed["data/a.txt"], renamed["data/b.txt"]) = ("b", "a")
    for bytes in [
      try package(changed, signatures: signatures), try package(renamed, signatures: signatures),
      try package(files, version: SemanticVersion(1, 3, 0), signatures: signatures),
      try package(files, name: "simple", signatures: signatures),
    ] {
      let verdict = trust(key).verdict(on: try open(bytes), today: today)
      #expect(!verdict.isTrusted)
      #expect(verdict.signers.map(\.standing) == [.wrong])
    }
  }

  @Test("count for nothing with any bit of them changed")
  func bits() throws {
    let key = try key()
    let good = try open(try signed(try package(files), by: key)).signatures.items[0]
    for position in good.bytes.indices {
      var bytes = good.bytes
      bytes[position] ^= 1
      let forged = PackageSignatures([PackageSignature(key: good.key, bytes: bytes)])
      #expect(!trust(key).verdict(on: try open(try package(files, signatures: forged)), today: today).isTrusted)
    }
  }

  @Test("are no signatures of the bare index, nor of anything else that the key may sign")
  func domain() throws {
    let key = try key()
    let index = try open(try package(files)).index
    let signature = try #require(key.signature(of: index))
    #expect(key.publicKey.made(signature, of: index))
    #expect(PackageSignature.message(index) != index.bytes)
  }

  @Test("are made with keys as OpenSSL has them: RFC 8410, section 10")
  func pem() throws {
    let text = """
      -----BEGIN PRIVATE KEY-----
      MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
      -----END PRIVATE KEY-----

      """
    let key = try #require(SigningKey(pem: text))
    #expect(key.pem == text)
    #expect(key.publicKey.description == "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
    for wrong in [
      "", text + text, text.replacing("MC4C", with: "MC4D"), text.replacing("VhC", with: "Vh"), "ssh-ed25519 AAAA",
    ] {
      #expect(SigningKey(pem: wrong) == nil)
    }
  }
}
