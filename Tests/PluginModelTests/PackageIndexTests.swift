import Testing

@testable import PluginModel

@Suite("The index and the signatures of a package")
struct PackageIndexTests {
  private static let digest = String(repeating: "0a", count: 32)

  private func text(_ lines: String..., end: String = "\n") -> [UInt8] {
    Array((["orchestrator package 1", "name sample", "version 1.2.0"] + lines).joined(separator: "\n").utf8)
      + Array(end.utf8)
  }

  @Test("is read as it is written")
  func roundTrip() throws {
    let index = try PackageFixture.index()
    #expect(try PackageIndex(index.bytes) == index)
    #expect(
      String(decoding: index.bytes, as: UTF8.self).hasPrefix(
        "orchestrator package 1\nname sample\nversion 1.2.0\n100644 5 "))
  }

  @Test(
    "refuses lines that are no file's",
    arguments: [
      "100644 5 \(digest) ../a", "100644 5 \(digest) ", "100644 5 \(digest)", "100600 5 \(digest) a",
      "120777 5 \(digest) a", "100644 -1 \(digest) a", "100644 05 \(digest) a", "100644 +5 \(digest) a",
      "100644 99999999999 \(digest) a", "100644 5 \(digest.uppercased()) a", "100644 5 \(digest.dropLast()) a",
      "100644  5 \(digest) a", "100644 5 \(digest) a\r", "100644 5 \(digest) a\0", "",
    ])
  func lines(_ line: String) {
    #expect(throws: PackageIndex.Flaw.self) { try PackageIndex(text(line)) }
  }

  @Test("refuses another order, a path twice, no file, and anything before, between or behind")
  func order() throws {
    let (a, b) = ("100644 5 \(Self.digest) a", "100755 5 \(Self.digest) b")
    #expect(try PackageIndex(text(a, b)).entries.map(\.permissions) == [0o644, 0o755])
    #expect(throws: PackageIndex.Flaw.order(line: 5)) { try PackageIndex(text(b, a)) }
    #expect(throws: PackageIndex.Flaw.order(line: 5)) { try PackageIndex(text(a, a)) }
    #expect(throws: PackageIndex.Flaw.empty) { try PackageIndex(text()) }
    #expect(throws: PackageIndex.Flaw.self) { try PackageIndex(text(a, end: "")) }
    #expect(throws: PackageIndex.Flaw.self) { try PackageIndex(text(a, end: "\n\n")) }
    #expect(throws: PackageIndex.Flaw.heading(line: 1)) { try PackageIndex([0x0A] + text(a)) }
    #expect(throws: PackageIndex.Flaw.self) { try PackageIndex([]) }
    #expect(throws: PackageIndex.Flaw.tooManyFiles(limit: 1)) {
      try PackageIndex(text(a, b), limits: PackageLimits(files: 1))
    }
  }

  @Test("refuses a version that can be written in another way")
  func spelling() {
    let rest = "100644 5 \(Self.digest) a\n"
    let versions = ["1.2", "1.2.0+build", "v1.2.0", ""]
    for version in versions {
      let bytes = Array("orchestrator package 1\nname sample\nversion \(version)\n\(rest)".utf8)
      #expect(throws: PackageIndex.Flaw.self) { try PackageIndex(bytes) }
    }
  }

  private func signature(_ digit: Character) throws -> PackageSignature {
    PackageSignature(
      key: try #require(KeyIdentifier(String(repeating: digit, count: 16))), bytes: Array(repeating: 7, count: 64))
  }

  @Test("keeps one signature a key, in the order of the keys")
  func signatures() throws {
    let one = PackageSignatures([try signature("b")])
    let both = try #require(one.adding(try signature("a"))?.adding(try signature("b")))
    #expect(both.items.map(\.key.text.first) == ["a", "b"])
    #expect(try PackageSignatures(both.bytes) == both)
    #expect(try PackageSignatures([UInt8]()).items.isEmpty)
  }

  @Test("refuses signatures that are none, twice, or out of order")
  func badSignatures() throws {
    let (a, b) = (PackageSignatures([try signature("a")]).bytes, PackageSignatures([try signature("b")]).bytes)
    #expect(throws: PackageFlaw.signatures(line: 2)) { try PackageSignatures(b + a) }
    #expect(throws: PackageFlaw.signatures(line: 2)) { try PackageSignatures(a + a) }
    #expect(throws: PackageFlaw.self) { try PackageSignatures(a.dropLast() + []) }
    #expect(throws: PackageFlaw.self) { try PackageSignatures(a + [0x0A]) }
    #expect(throws: PackageFlaw.self) { try PackageSignatures(Array("AAAAAAAAAAAAAAAA \(Base64.text([1]))\n".utf8)) }
    let many = (0..<65).map { number in
      "\(String(repeating: "0", count: 14))\(number + 10) \(Base64.text(Array(repeating: 7, count: 64)))\n"
    }
    #expect(throws: PackageFlaw.signatures(line: 65)) { try PackageSignatures(Array(many.joined().utf8)) }
  }

  @Test("signs behind a word of its own")
  func message() throws {
    let index = try PackageFixture.index()
    let message = PackageSignature.message(index)
    #expect(message.starts(with: Array("orchestrator package signature 1\0".utf8)))
    #expect(Array(message.suffix(index.bytes.count)) == index.bytes)
  }

  @Test("knows base64 in its one spelling")
  func base64() {
    for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
      #expect(Base64.text(Array(bytes.utf8)) == text)
      #expect(Base64.bytes(text) == Array(bytes.utf8))
    }
    for text in ["Zg", "Zg=", "Zh==", "Zg==\n", "Z===", "====", "Zg==Zg==", "Zm9-", " Zg=", "=Zg="] {
      #expect(Base64.bytes(text) == nil, "\(text)")
    }
  }
}
