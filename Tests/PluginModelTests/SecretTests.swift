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

  @Test(
    "whatever is a part of one is masked: overlapping, in one another, line by line, as JSON and URLs have it",
    arguments: [
      (["abcd", "abcdef"], "x abcdef abcd abc y", "x *** *** abc y"), (["abcd"], "abcabcdabcd", "abc***"),
      (["abcd1234", "1234efgh"], "<abcd1234efgh>", "<***>"), (["abcdef", "cdefgh"], "abcdefgh", "***"),
      (["bcde", "abcdefg"], "abcdef abcdefg", "a***f ***"),
      (["-----BEGIN\nabc\nline of a key\n"], "line of a key, abc, -----BEGIN", "***, abc, ***"),
      (["a\"b\\c\u{1b}d"], #"{"x":"a\"b\\c\u001bd"}"#, #"{"x":"***"}"#), (["p&w=/x"], "?q=p%26w%3D%2Fx&r", "?q=***&r"),
      (["0123456789"], "name 01234… (20 more)", "name ***… (20 more)"),
      (["0123456789"], "ends with 01234", "ends with ***"),
      (["0123456789"], "012… 012", "012… 012"), ([], "abcd", "abcd"),
    ] as [([String], String, String)])
  func texts(values: [String], text: String, expected: String) throws {
    #expect(SecretMask(try values.map { try secret($0) }).masked(text) == expected)
  }

  @Test("masking takes as long as there are bytes, whatever the secrets are")
  func hostile() throws {
    let lines = (0..<7_000).map { "a\(1_000_000 + $0)" }.joined(separator: "\n")
    let mask = SecretMask([try secret(lines), try secret(String(repeating: "a", count: 60_000) + "b")])
    var stream = SecretMask.Stream(mask)
    var shown = 0
    for _ in 0..<16 { shown += stream.append([UInt8](repeating: UInt8(ascii: "a"), count: 65_536)).count }
    #expect(shown + stream.finish().count <= 1 << 20, "quadratic work would take minutes")
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
      #expect(result == mask.masked(whole) && result == Self.expected(whole, secrets.map(\.value)))
    }
  }

  /// What is a part of some secret becomes `***`, and so does what the text ends with where that is long enough to begin one.
  private static func expected(_ text: String, _ secrets: [String]) -> String {
    let bytes = Array(text.utf8)
    var isHidden = [Bool](repeating: false, count: bytes.count)
    for secret in secrets.map({ Array($0.utf8) }) {
      for start in bytes.indices {
        let rest = bytes[start...].prefix(secret.count)
        guard secret.starts(with: rest), rest.count == secret.count || rest.endIndex == bytes.count && rest.count >= 4
        else {
          continue
        }
        for index in rest.indices { isHidden[index] = true }
      }
    }
    var result: [UInt8] = []
    for index in bytes.indices {
      if !isHidden[index] {
        result.append(bytes[index])
      } else if index == 0 || !isHidden[index - 1] {
        result += Array("***".utf8)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

private struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
