import PluginModel
import Testing

@Suite("Versions and ranges")
struct VersionTests {
  @Test(
    "a version is read and written",
    arguments: [
      ("1", "1.0.0"), ("1.2", "1.2.0"), ("1.2.3", "1.2.3"), ("0.0.0", "0.0.0"), ("1.2.3-beta.1", "1.2.3-beta.1"),
      ("10.20.30", "10.20.30"), ("999999999.0.100", "999999999.0.100"),
      ("1.2.3-0a", "1.2.3-0a"), ("1.2.3-x-y.z", "1.2.3-x-y.z"), ("1.2.3+build.007", "1.2.3"), ("1.0.0-a+b", "1.0.0-a"),
    ])
  func accepted(text: String, written: String) {
    #expect(SemanticVersion(text)?.description == written)
  }

  @Test(
    "what semver.org refuses is refused",
    arguments: [
      "", ".", "1.", ".1", "01.2.3", "1.02.3", "1.2.3.4", "v1.2.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3-é",
      "1.2.3+", "1.2.3+a..b",
      "00.1.2", "1.2.00", "1..3", "1.2.", ".1.2", "1.2.1000000000", "1000000000.0.0", "1.2.3/", "1.2.:",
      "1.2-beta", "-1.2.3", "1.2.x", " 1.2.3", "1.2.3 ", "1e3", "99999999999999999999.0.0", "١.٢.٣",
    ])
  func refused(text: String) {
    #expect(SemanticVersion(text) == nil)
  }

  @Test("precedence is that of semver.org 2.0.0 §11")
  func precedence() throws {
    let ordered = [
      "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
      "1.0.0-beta.99999999999999999999999", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-0", "2.0.0",
    ]
    let versions = try ordered.map { try #require(SemanticVersion($0)) }
    for (i, left) in versions.enumerated() {
      for (j, right) in versions.enumerated() {
        #expect((left < right) == (i < j), "\(left) and \(right)")
        #expect((left == right) == (i == j))
      }
    }
  }

  @Test(
    "a range holds what all its comparisons allow",
    arguments: [
      (">=1.0,<2", ["1.0.0", "1.9.9", "2.0.0-beta"], ["0.9", "2.0.0", "1.0.0-rc.1"]),
      ("==1.2.3", ["1.2.3"], ["1.2.4", "1.2.3-a"]),
      ("1.2.3", ["1.2.3"], ["1.2.2"]), (" >= 1.0 , != 1.5 ", ["1.0", "1.6"], ["1.5.0", "0.1"]),
      ("<=1.5", ["1.5.0"], ["1.5.1"]),
      (">1.5", ["1.5.1"], ["1.5.0"]), ("^1.2", ["1.2.0", "1.99"], ["1.1", "2.0.0"]),
      ("^0.3", ["0.3.9"], ["0.4.0", "0.2"]),
    ])
  func contains(text: String, inside: [String], outside: [String]) throws {
    let range = try #require(VersionRange(text))
    for version in inside { #expect(range.contains(try #require(SemanticVersion(version))), "\(version)") }
    for version in outside { #expect(!range.contains(try #require(SemanticVersion(version))), "\(version)") }
    #expect(VersionRange(range.description) == range)
  }

  @Test(
    "what is no range is refused",
    arguments: [
      "", ",", ">=", "1.0,", ",1.0", ">=1 <2", "~1.2", "=1.0", "> =1", "*", "latest", ">=1.0,,<2", "^", "^^1", ">^1",
    ])
  func refusedRange(text: String) {
    #expect(VersionRange(text) == nil)
  }

  @Test("no text crashes the parsers", arguments: [41, 42] as [UInt64])
  func randomText(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let alphabet = Array("0123.-+<>=!^,ab \u{301}")
    for _ in 0..<20_000 {
      let text = String(
        (0..<Int.random(in: 0...14, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "0" })
      if let version = SemanticVersion(text) { #expect(SemanticVersion(version.description) == version) }
      if let range = VersionRange(text) { #expect(VersionRange(range.description) == range) }
    }
  }
}

@Suite("Durations and memory")
struct QuantityTests {
  @Test(
    "a duration is a whole number and a unit",
    arguments: [
      ("250ms", 250), ("60s", 60_000), ("5m", 300_000), ("1h", 3_600_000), ("2d", 172_800_000),
      ("366d", 31_622_400_000), ("0s", nil),
      ("367d", nil), ("60", nil), ("s", nil), ("-1s", nil), ("1.5h", nil), ("1 h", nil), ("1H", nil), ("1h30m", nil),
      ("", nil),
      ("99999999999999999999s", nil), ("9223372036854775807d", nil), ("+1s", nil), ("١s", nil),
    ] as [(String, Int64?)])
  func duration(text: String, milliseconds: Int64?) {
    #expect(Quantity.duration(text) == milliseconds)
  }

  @Test(
    "memory is a whole number and a unit",
    arguments: [
      ("256Mi", 268_435_456), ("1Gi", 1_073_741_824), ("512M", 512_000_000), ("1K", 1000), ("1Ki", 1024),
      ("1Ti", 1 << 40), ("2G", 2_000_000_000),
      ("0Mi", 0), ("1024Ti", 1 << 50), ("1025Ti", nil), ("256", nil), ("256MB", nil), ("256mi", nil), ("1.5Gi", nil),
      ("-1Gi", nil), ("Gi", nil), ("", nil),
      ("9223372036854775807Ti", nil),
    ] as [(String, Int64?)])
  func memory(text: String, bytes: Int64?) {
    #expect(Quantity.memory(text) == bytes)
  }
}
