import Testing

@testable import PluginModel

@Suite("Secrets")
struct SecretTests {
  private func secret(_ value: String, _ name: String = "TOKEN") throws -> Secret {
    try Secret(SecretName(unchecked: name), value)
  }

  @Test("a secret is in no description, and what can't be hidden is none", arguments: ["", "abc", "a\0bcd"])
  func description(value: String) throws {
    let known = try secret("s3cr3t-value")
    #expect("\(known) \(String(reflecting: known)) \(String(describing: [known]))".contains("s3cr3t") == false)
    var dumped = ""
    dump(known, to: &dumped)
    #expect(!dumped.contains("s3cr3t"))
    #expect(throws: Diagnostic.self) { try secret(value) }
  }

  @Test("each occurrence is masked, the longest secret first, and each long line of one with several")
  func texts() throws {
    let mask = SecretMask([
      try secret("abcd"), try secret("abcdef"), try secret("-----BEGIN-----\nshort\nline-of-a-key\n"),
    ])
    #expect(mask.masked("x abcdef abcd abc y") == "x *** *** abc y")
    #expect(mask.masked("line-of-a-key, short, -----BEGIN-----") == "***, short, ***")
    #expect(mask.masked("abcabcdabcd") == "abc******")
    #expect(SecretMask([]).masked("abcd") == "abcd")
  }

  @Test("in a stream a secret is masked wherever the stream is cut, and nothing else is changed or lost")
  func streams() throws {
    var random = Seeded(state: 7)
    let secrets = [try secret("aabaab"), try secret("abab"), try secret("bbbbbbbbbb")]
    let mask = SecretMask(secrets)
    for _ in 0..<2000 {
      let text = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
        ["a", "b", "c"].randomElement(using: &random) ?? "a"
      }
      let whole = text.joined()
      var stream = SecretMask.Stream(mask)
      var shown: [UInt8] = []
      var rest = Array(whole.utf8)[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...9, using: &random))
        shown += stream.append(Array(piece))
        rest = rest.dropFirst(piece.count)
      }
      shown += stream.finish()
      let result = String(decoding: shown, as: UTF8.self)
      #expect(result == mask.masked(whole))
      #expect(secrets.allSatisfy { !result.contains($0.value) })
    }
  }
}

private struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
