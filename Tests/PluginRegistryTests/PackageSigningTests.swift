import LinuxSystem
import PluginModel
import PluginRegistry
import Testing

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
    _ = try SamplePackage.content(bytes).write(signedBy: key, as: "p.zip", in: place, permissions: 0o640)
    #expect(try place.status("p.zip").permissions == 0o640)
    return try place.contents("p.zip", limit: 1 << 20).bytes
  }

  @Test("are trusted by the key that made them, alone or among others")
  func trusted() throws {
    let (one, two) = (try key(), try key())
    let once = try signed(try SamplePackage.bytes(SamplePackage.files), by: one)
    #expect(trust(one).verdict(on: try SamplePackage.open(once), today: today).isTrusted)
    #expect(!trust(two).verdict(on: try SamplePackage.open(once), today: today).isTrusted)
    let twice = try signed(try signed(once, by: two), by: one)
    #expect(try SamplePackage.open(twice).signatures.items.count == 2)
    #expect(trust(one).verdict(on: try SamplePackage.open(twice), today: today).isTrusted)
    #expect(trust(two).verdict(on: try SamplePackage.open(twice), today: today).isTrusted)
    #expect(
      !trust(one).verdict(on: try SamplePackage.open(try SamplePackage.bytes(SamplePackage.files)), today: today)
        .isTrusted)
  }

  @Test("hold for no other package: not for another file, version or name")
  func others() throws {
    let key = try key()
    let signatures = try SamplePackage.open(try signed(try SamplePackage.bytes(SamplePackage.files), by: key))
      .signatures
    var changed = SamplePackage.files
    changed["plugin.py"] = "import os\n"
    var renamed = SamplePackage.files
    (renamed["data/a.txt"], renamed["data/b.txt"]) = ("b", "a")
    for bytes in [
      try SamplePackage.bytes(changed, signatures: signatures),
      try SamplePackage.bytes(renamed, signatures: signatures),
      try SamplePackage.bytes(SamplePackage.files, version: SemanticVersion(1, 3, 0), signatures: signatures),
      try SamplePackage.bytes(SamplePackage.files, name: "simple", signatures: signatures),
    ] {
      let verdict = trust(key).verdict(on: try SamplePackage.open(bytes), today: today)
      #expect(!verdict.isTrusted)
      #expect(verdict.signers.map(\.standing) == [.wrong])
    }
  }

  @Test("count for nothing with any bit of them changed")
  func bits() throws {
    let key = try key()
    let good = try SamplePackage.open(try signed(try SamplePackage.bytes(SamplePackage.files), by: key)).signatures
      .items[0]
    for position in good.bytes.indices {
      var bytes = good.bytes
      bytes[position] ^= 1
      let forged = PackageSignatures([PackageSignature(key: good.key, bytes: bytes)])
      #expect(
        !trust(key).verdict(
          on: try SamplePackage.open(try SamplePackage.bytes(SamplePackage.files, signatures: forged)), today: today
        ).isTrusted)
    }
  }

  @Test("are no signatures of the bare index, nor of anything else that the key may sign")
  func domain() throws {
    let key = try key()
    let index = try SamplePackage.open(try SamplePackage.bytes(SamplePackage.files)).index
    let signature = try #require(key.signature(of: index))
    #expect(key.publicKey.made(signature, of: index))
    #expect(PackageSignature.message(index) != index.bytes)
  }

  @Test("are as many as a package may have, and no more")
  func full() throws {
    let keys = try (0..<PackageSignatures.maximumCount).map { _ in try key() }
    let index = try SamplePackage.open(try SamplePackage.bytes(SamplePackage.files)).index
    let signatures = PackageSignatures(try keys.map { try #require($0.signature(of: index)) })
    let bytes = try SamplePackage.bytes(SamplePackage.files, signatures: signatures)
    #expect(try SamplePackage.open(bytes).signatures.items.count == 64)
    let (directory, another) = (try TemporaryDirectory(), try key())
    let place = try Directory(opening: directory.path)
    #expect {
      try SamplePackage.content(bytes).write(signedBy: another, as: "p.zip", in: place, permissions: 0o644)
    } throws: {
      ($0 as? Diagnostic)?.why?.contains("it has 64 signatures") == true
    }
    #expect(try place.names(limit: 10).isEmpty)
    #expect(try SamplePackage.open(try signed(bytes, by: keys[7])).signatures.items.count == 64)
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
