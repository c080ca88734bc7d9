import PluginModel
import Testing

@Suite("Access, as values")
struct AccessTests {
  @Test("each scope includes those before it, and none after")
  func scopes() {
    let ascending: [AccessScope] = [.viewer, .runner, .author, .admin]
    #expect(AccessScope.allCases.sorted() == ascending)
    for (position, scope) in ascending.enumerated() {
      #expect(ascending.filter { $0 <= scope }.count == position + 1)
    }
  }

  @Test(
    "a quota reads as it is written",
    arguments: [
      ("runs=4,cpu=2,memory=8Gi,gpus=1", AccessQuota(runs: 4, cpuMilli: 2000, memoryMB: 8192, gpus: 1), nil),
      ("cpu=0.5", AccessQuota(cpuMilli: 500), nil), ("cpu=1.125", AccessQuota(cpuMilli: 1125), nil),
      ("gpus=0", AccessQuota(gpus: 0), nil), ("memory=1500Mi", AccessQuota(memoryMB: 1500), nil),
      ("memory=1G,runs=1", AccessQuota(runs: 1, memoryMB: 954), "runs=1,memory=954Mi"),
    ] as [(String, AccessQuota, String?)])
  func quotas(text: String, quota: AccessQuota, shown: String?) throws {
    #expect(try AccessQuota(text) == quota)
    #expect(quota.description == shown ?? text)
    #expect(try AccessQuota(quota.description) == quota)
    #expect(try AccessQuota(json: quota.jsonValue.utf8()) == quota)
  }

  @Test(
    "a quota that could be read in two ways, or in none, is none",
    arguments: [
      "", "runs", "runs=", "runs=0", "runs=04", "runs=-1", "runs=+1", "runs=4,", "runs=4,runs=5", "run=4", "cpu=0",
      "cpu=0.001", "cpu=1e3", "cpu=0x1", "cpu=nan", "cpu=inf", "cpu=1.", "cpu=.5", "cpu=1.2345", "cpu=1.2.3",
      "cpu=5000", "cpu=99999999999999999999", "memory=8", "memory=1Mi", "memory=8GiB", "memory=9999Ti", "gpus=65",
      "gpus=0.5", "runs=4 ,cpu=2", "runs=４", String(repeating: "runs=4,", count: 100),
    ])
  func wrongQuotas(text: String) {
    #expect { try AccessQuota(text) } throws: { ($0 as? Diagnostic)?.hint?.isEmpty == false }
  }

  @Test("a quota in JSON is held to the same bounds, and knows no other members")
  func wrongJSON() throws {
    for text in [
      #"{"runs":0}"#, #"{"cpu_milli":9}"#, #"{"memory_mb":1}"#, #"{"gpus":65}"#, #"{"disk":1}"#, "[]", "4", "{",
    ] {
      #expect(throws: Diagnostics.self, "\(text)") { try AccessQuota(json: Array(text.utf8)) }
    }
    #expect(try AccessQuota(json: Array("{}".utf8)).isEmpty)
  }

  @Test("no name of a token is an identifier, or the console's")
  func names() {
    for text in ["alice", "ci-nightly", "abcdef123", "abcdefg1"] { #expect(AccessTokenName(text) != nil, "\(text)") }
    for text in ["console", "abcdef12", "Alice", "", "1a", "a b", "a\n", "../a"] {
      #expect(AccessTokenName(text) == nil, "\(text)")
    }
    #expect(AccessTokenIdentifier("0123abcd") != nil)
    for text in ["0123abc", "0123abcde", "0123ABCD", "0123abcg"] { #expect(AccessTokenIdentifier(text) == nil) }
    #expect(AuditActor("console") == .console && AuditActor("Console") == nil)
    #expect(AuditAction("plugin.install") == .installPlugin)
    for text in ["plugin", "plugin.", ".install", "a.b.c", "A.b", "a.b c"] { #expect(AuditAction(text) == nil) }
  }

  @Test("a token has expired from the moment on that it says")
  func expiry() throws {
    let token = AccessToken(
      identifier: AccessTokenIdentifier(unchecked: "0123abcd"), name: AccessTokenName(unchecked: "alice"),
      scope: .author, quota: AccessQuota(runs: 4), created: 1000, expires: 2000)
    #expect(!token.isExpired(at: 1999) && token.isExpired(at: 2000) && token.isExpired(at: 2001))
    var lasting = token
    lasting.expires = nil
    #expect(!lasting.isExpired(at: .max))
    #expect(
      token.jsonValue.text()
        == #"{"id":"0123abcd","name":"alice","scope":"author","quota":{"runs":4},"created_ms":1000,"expires_ms":2000}"#)
  }

  @Test("what is written down is bounded")
  func audit() {
    let entry = AuditEntry(
      time: 1, actor: .console, action: .grant, subject: String(repeating: "ä", count: 10_000),
      detail: .string(String(repeating: "x", count: 100_000)))
    #expect(entry.subject.unicodeScalars.count == AuditEntry.maximumSubject)
    #expect(entry.detail == ["omitted_bytes": 100_002])
  }
}
