import PluginModel
import Testing

@Suite("Who may sign what")
struct TrustPolicyTests {
  private let keyText = "ed25519:" + Base64.text(Array(repeating: 1, count: 32))
  private let name: PluginName
  private let today: CalendarDate
  private let key: KeyIdentifier
  private let digest: ContentDigest

  init() throws {
    name = try #require(PluginName("acme_tools"))
    today = try #require(CalendarDate("2026-06-30"))
    key = try #require(KeyIdentifier("0123456789abcdef"))
    digest = try #require(ContentDigest(String(repeating: "ab", count: 32)))
  }

  private func policy(_ trust: String) throws -> TrustPolicy {
    try SystemConfiguration(yaml: Array("plugins:\n  security:\n    trust: \(trust)\n".utf8), file: "s.yaml").trust
  }

  private func trusting(_ more: String = "", plugins: String = "[\"acme_*\"]", _ rest: String = "") throws
    -> TrustPolicy
  {
    try policy("{keys: [{name: acme, public_key: \"\(keyText)\", plugins: \(plugins)\(more)}]\(rest)}")
  }

  private func verdict(
    _ policy: TrustPolicy, _ results: TrustPolicy.CheckedSignature.Result...
  ) -> TrustVerdict {
    policy.verdict(
      on: TrustPolicy.Subject(
        plugin: name, version: SemanticVersion(1, 0, 0), checksum: digest, contents: digest,
        signatures: results.map { TrustPolicy.CheckedSignature(key: key, $0) }), today: today)
  }

  private var right: TrustPolicy.CheckedSignature.Result {
    PublicKey(keyText).map { .right($0) } ?? .wrong
  }

  @Test("trusts a key for the plugins that it may sign")
  func trusted() throws {
    let verdict = verdict(try trusting(), right)
    #expect(verdict.isTrusted)
    #expect(verdict.refusals.isEmpty && verdict.warnings.isEmpty)
    #expect(verdict.signers.first?.name == "acme")
  }

  @Test("refuses what a key may not sign")
  func roles() throws {
    let verdict = verdict(try trusting(plugins: "[other, \"acme\"]"), right)
    #expect(!verdict.isTrusted)
    #expect(verdict.refusals.first?.why?.contains("may not sign this plugin") == true)
  }

  @Test("counts the last day of a key, and not the day after")
  func expiry() throws {
    #expect(verdict(try trusting(", expires: 2026-06-30"), right).isTrusted)
    let verdict = verdict(try trusting(", expires: 2026-06-29"), right)
    #expect(!verdict.isTrusted)
    #expect(verdict.refusals.first?.why?.contains("2026-06-29") == true)
  }

  @Test("refuses a revoked key, and whatever it signed, unless a trusted one did too")
  func revokedKey() throws {
    let revoked = try trusting("", ", revoked: [\"0123456789abcdef\"], require_signature: false")
    #expect(verdict(revoked, right).refusals.count == 1)
    #expect(verdict(revoked, .unknownKey).refusals.first?.what.contains("revoked key") == true)
    let other = try #require(KeyIdentifier("fedcba9876543210"))
    let both = revoked.verdict(
      on: TrustPolicy.Subject(
        plugin: name, version: SemanticVersion(1, 0, 0), checksum: digest, contents: digest,
        signatures: [
          TrustPolicy.CheckedSignature(key: key, .unknownKey), TrustPolicy.CheckedSignature(key: other, right),
        ]),
      today: today)
    #expect(both.isTrusted)
  }

  @Test("refuses a revoked package, whoever signed it")
  func revokedPackage() throws {
    let verdict = verdict(try trusting("", ", revoked: [\"\(digest)\"]"), right)
    #expect(!verdict.isTrusted)
    #expect(verdict.refusals.first?.what.contains("was revoked") == true)
  }

  @Test("refuses a signature that isn't the package's own, required or not")
  func wrong() throws {
    for rest in ["", ", require_signature: false"] {
      #expect(!verdict(try trusting("", rest), .wrong).refusals.isEmpty)
      #expect(!verdict(try trusting("", rest), .wrong, right).isTrusted)
    }
  }

  @Test("demands a signature where keys are named, and warns where it isn't demanded")
  func required() throws {
    #expect(verdict(try trusting()).refusals.count == 1)
    #expect(verdict(try trusting(), .unknownKey).refusals.first?.why?.contains("not in the trust store") == true)
    let lax = verdict(try trusting("", ", require_signature: false"))
    #expect(lax.refusals.isEmpty && lax.warnings.count == 1 && !lax.isTrusted)
    #expect(verdict(try policy("{require_signature: true}")).refusals.count == 1)
    #expect(verdict(TrustPolicy()).refusals.isEmpty)
  }

  @Test("adds what a policy for one run demands, and takes nothing away")
  func adding() throws {
    let sum = try policy("{require_signature: true, revoked: [\"\(digest)\"]}").adding(TrustPolicy()).adding(
      try trusting("", ", require_signature: false"))
    #expect(sum.requiresSignature && sum.keys.count == 1 && sum.revokedPackages == [digest])
  }

  @Test(
    "says what is wrong with a trust store",
    arguments: [
      "{keys: [{name: a, public_key: x, plugins: [a]}]}",
      "{keys: [{name: a, public_key: \"ed25519:\(Base64.text(Array(repeating: 1, count: 31)))\", plugins: [a]}]}",
      "{keys: [{name: a, plugins: [a]}]}", "{keys: [{name: a, public_key: KEY}]}",
      "{keys: [{name: a, public_key: KEY, plugins: [\"a/b\"]}]}",
      "{keys: [{name: a, public_key: KEY, plugins: [\"\"]}]}",
      "{keys: [{name: a, public_key: KEY, plugins: [a], expires: 2026-02-29}]}",
      "{keys: [{name: a, public_key: KEY, plugins: [a], expires: tomorrow}]}",
      "{keys: [{name: a, public_key: KEY, plugins: [a]}, {name: b, public_key: KEY, plugins: [b]}]}",
      "{revoked: [abc]}", "{revoked: [\"sha256:12\"]}", "{required: true}", "{require_signature: 1}",
    ])
  func mistakes(_ text: String) {
    #expect(throws: Diagnostics.self) { try policy(text.replacing("KEY", with: "\"\(keyText)\"")) }
  }

  @Test("knows the days there are")
  func days() {
    for text in ["2024-02-29", "2000-02-29", "2026-12-31"] { #expect(CalendarDate(text)?.description == text) }
    for text in [
      "2100-02-29", "2026-13-01", "2026-00-10", "2026-01-32", "26-01-01", "2026-1-1", "+026-01-01", "2026/01/01",
    ] {
      #expect(CalendarDate(text) == nil, "\(text)")
    }
  }
}
