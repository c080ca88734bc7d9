import PluginModel
import Testing

@Suite("Host names")
struct HostNameTests {
  @Test(
    "every spelling of an address that some program reads is known for one",
    arguments: [
      ("2130706433", "127.0.0.1"), ("0177.0.0.1", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("0x7F000001", "127.0.0.1"),
      ("017700000001", "127.0.0.1"), ("127.1", "127.0.0.1"), ("127.0.1", "127.0.0.1"), ("127.0.0.1.", "127.0.0.1"),
      ("0x7f.0x0.0x0.0x1", "127.0.0.1"), ("127.0x1", "127.0.0.1"), ("0", "0.0.0.0"), ("0x", "0.0.0.0"),
      ("1", "0.0.0.1"),
      ("00000000177.1", "127.0.0.1"), ("10.256", "10.0.1.0"), ("4294967295", "255.255.255.255"),
      ("\u{FF11}\u{FF12}\u{FF17}.0.0.1", "127.0.0.1"), ("127\u{3002}0\u{FF0E}0\u{FF61}1", "127.0.0.1"),
      ("\u{FF10}\u{FF58}7f.1", "127.0.0.1"), ("\u{2460}27.1", "127.0.0.1"), ("\u{1D7CF}27.1", "127.0.0.1"),
      ("\u{661}27.1", "127.0.0.1"), ("169.254.43518", "169.254.169.254"), ("0xA9FEA9FE", "169.254.169.254"),
      ("192.0.2.7", "192.0.2.7"),
    ])
  func numeric(text: String, address: String) throws {
    #expect(NumericSpelling(text)?.address?.description == address)
    let meant: IPv4Address? = IPv4Address(address)
    #expect(meant != nil)
    #expect(throws: HostName.Problem.numeric(meant)) { try HostName(text) }
  }

  @Test(
    "what ends in a number and is no address is no name either",
    arguments: [
      "256.0.0.1", "1.2.3.4.5", "4294967296", "0x100000000", "example.org.7", "example.0x7f", "a.0X", "1.2.3.256",
      "99999999999999999999", "127.0.0.1..1", "08.1.1.300",
    ])
  func endsInNumber(text: String) {
    #expect(NumericSpelling(text) != nil)
    #expect(throws: HostName.Problem.self) { try HostName(text) }
  }

  @Test(
    "names with numbers in them stay names",
    arguments: ["7.example.org", "0x7f.org", "1and1.com", "0xyz", "3com", "a1"])
  func notNumeric(text: String) throws {
    #expect(NumericSpelling(text) == nil)
    #expect(try HostName(text).text == text)
  }

  @Test(
    "what is no name is refused, and why",
    arguments: [
      ("", .empty), (".", .emptyLabel), ("example.org.", .trailingDot), ("example..org", .emptyLabel),
      (".example.org", .emptyLabel), ("-a.org", .hyphenAtEdge), ("a-.org", .hyphenAtEdge), ("a.b-", .hyphenAtEdge),
      ("exa mple.org", .invalidCharacter), ("a_b.org", .invalidCharacter), ("a/b", .invalidCharacter),
      ("a@b", .invalidCharacter), ("a:80", .invalidCharacter), ("%61.org", .invalidCharacter),
      ("a.org\u{0}.evil.org", .controlCharacter), ("a.org\r\n", .controlCharacter), ("a\u{7F}b", .controlCharacter),
      ("b\u{FC}cher.example", .notASCII), ("ex\u{430}mple.org", .notASCII), ("example\u{3002}org", .notASCII),
      ("K\u{212A}.org", .notASCII), ("a\u{200D}b.org", .notASCII), ("*.example.org", .invalidCharacter),
      (String(repeating: "a", count: 64) + ".org", .longLabel),
      (Array(repeating: "abcdefg", count: 32).joined(separator: "."), .tooLong), ("[::1]", .invalidCharacter),
    ] as [(String, HostName.Problem)])
  func refused(text: String, problem: HostName.Problem) {
    #expect(throws: problem) { try HostName(text) }
    #expect(!problem.words.isEmpty && !problem.hint.isEmpty)
  }

  @Test("upper and lower case are one")
  func lowercase() throws {
    #expect(try HostName("XN--BCHER-Kva.Example").text == "xn--bcher-kva.example")
    let longest = Array(repeating: "abcdefg", count: 31).joined(separator: ".") + ".abcde"
    #expect(longest.utf8.count == 253)
    #expect(try HostName(longest).text == longest)
  }

  @Test(
    "a wildcard covers whole labels beneath its name, and nothing that only ends like it",
    arguments: [
      ("*.example.org", "a.example.org", true), ("*.example.org", "b.a.example.org", true),
      ("*.example.org", "example.org", false), ("*.example.org", "evilexample.org", false),
      ("*.example.org", "a.example.org.evil.com", false), ("*.example.org", "a.example.com", false),
      ("*.example.org", "192.0.2.7", false), ("example.org", "example.org", true),
      ("example.org", "a.example.org", false),
      ("192.0.2.7", "192.0.2.7", true), ("[::1]", "[0:0::1]", true), ("192.0.2.7", "[::ffff:192.0.2.7]", false),
    ])
  func wildcard(pattern: String, host: String, isCovered: Bool) throws {
    #expect(try HostPattern(pattern).covers(Host(host)) == isCovered)
    #expect(try HostPattern(pattern).description == pattern)
  }

  @Test(
    "a wildcard that would cover a top-level domain, or part of a label, is refused",
    arguments: [
      ("*", .wildcardTooWide), ("*.", .wildcardTooWide), ("*.com", .wildcardTooWide), ("*.localhost", .wildcardTooWide),
      ("a.*.org", .wildcardInside), ("*a.org", .wildcardInside), ("**.a.org", .wildcardInside),
      ("*.*.org", .wildcardInside), ("a.*", .wildcardInside), ("*.a.org.", .host(.trailingDot)),
      ("*.1.2.3.4", .host(.numeric(IPv4Address(1, 2, 3, 4)))), ("*..org", .host(.emptyLabel)),
    ] as [(String, HostPattern.Problem)])
  func wildcardRefused(text: String, problem: HostPattern.Problem) {
    #expect(throws: problem) { try HostPattern(text) }
    #expect(!problem.words.isEmpty && !problem.hint.isEmpty)
  }

  @Test("one pattern covers another only where it covers all of it", arguments: [71, 72] as [UInt64])
  func patternsCover(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let texts = [
      "a.org", "b.a.org", "c.b.a.org", "*.a.org", "*.b.a.org", "*.c.b.a.org", "x.b.a.org", "ba.org", "*.ba.org",
      "192.0.2.7",
    ]
    let patterns = try texts.map { try HostPattern($0) }
    let hosts = try ["a.org", "b.a.org", "c.b.a.org", "d.c.b.a.org", "x.b.a.org", "x.ba.org", "ba.org", "192.0.2.7"].map
    {
      try Host($0)
    }
    for _ in 0..<500 {
      let one = try #require(patterns.randomElement(using: &random))
      let other = try #require(patterns.randomElement(using: &random))
      if one.covers(other) {
        #expect(hosts.allSatisfy { !other.covers($0) || one.covers($0) }, "\(one) \(other)")
      }
    }
    #expect(try HostPattern("*.a.org").covers(HostPattern("*.b.a.org")))
    #expect(try !HostPattern("*.b.a.org").covers(HostPattern("*.a.org")))
    #expect(try HostPattern("*.a.org").covers(HostPattern("*.a.org")))
    #expect(try !HostPattern("a.org").covers(HostPattern("*.a.org")))
  }

  @Test("random text is a name that is written back, or is refused", arguments: [73, 74] as [UInt64])
  func randomText(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let alphabet = Array("aZ09.-*:[]/@xé\u{FF11}\0 ")
    for _ in 0..<20_000 {
      let text = String(
        (0..<Int.random(in: 0...12, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
      if let pattern = try? HostPattern(text) { #expect((try? HostPattern(pattern.description)) == pattern) }
      if let endpoint = try? HostEndpoint(text) { #expect((try? HostEndpoint(endpoint.description)) == endpoint) }
      if let network = try? PrivateNetwork(text) { #expect((try? PrivateNetwork(network.description)) == network) }
    }
  }
}
