import GRDB
import LinuxSystem
import PluginModel
import StateStore
import Testing

@Suite("Who may ask, and what was administered")
struct AccessTokenTests {
  private let directory: TemporaryDirectory
  private let thread: DedicatedThread
  private let database: StateDatabase
  private var file: String { directory.path + "/state/state.sqlite" }

  init() async throws {
    directory = try TemporaryDirectory()
    thread = try DedicatedThread(name: "files")
    database = try await StateDatabase(making: directory.path + "/state", on: thread)
  }

  private func digest(_ digit: Character) throws -> ContentDigest {
    try #require(ContentDigest(String(repeating: digit, count: 64)))
  }

  private func token(
    _ name: String, _ identifier: String = "00000001", scope: AccessScope = .runner, expires: Int64? = nil
  ) -> AccessToken {
    AccessToken(
      identifier: AccessTokenIdentifier(unchecked: identifier), name: AccessTokenName(unchecked: name), scope: scope,
      quota: AccessQuota(runs: 4, cpuMilli: 1500, memoryMB: 512, gpus: 0), created: 1000, expires: expires)
  }

  @Test("a token is found by its digest alone, as it was made, by every process")
  func found() async throws {
    #expect(try await !database.hasTokens())
    let alice = token("alice")
    #expect(try await database.addToken(alice, digest: digest("a")))
    let other = try await StateDatabase(making: directory.path + "/state", on: thread)
    #expect(try await other.token(digest: digest("a"), at: 5000) == alice)
    #expect(try await other.token(digest: digest("b"), at: 5000) == nil)
    #expect(try await other.tokens() == [alice])
    #expect(try await other.hasTokens())
  }

  @Test("a name that is taken is refused, and changes nothing")
  func taken() async throws {
    let alice = token("alice")
    #expect(try await database.addToken(alice, digest: digest("a")))
    #expect(try await !database.addToken(token("alice", "00000002", scope: .admin), digest: digest("b")))
    #expect(try await database.tokens() == [alice])
    #expect(try await database.token(digest: digest("b"), at: 0) == nil)
  }

  @Test("an expired token is none, from the very millisecond on")
  func expired() async throws {
    let alice = token("alice", expires: 2000)
    #expect(try await database.addToken(alice, digest: digest("a")))
    #expect(try await database.token(digest: digest("a"), at: 1999) == alice)
    #expect(try await database.token(digest: digest("a"), at: 2000) == nil)
    #expect(try await database.tokens() == [alice])
  }

  @Test("a token that was taken back is none, for a process that had it too", arguments: ["alice", "00000001"])
  func revoked(reference: String) async throws {
    let other = try await StateDatabase(making: directory.path + "/state", on: thread)
    #expect(try await database.addToken(token("alice"), digest: digest("a")))
    #expect(try await database.addToken(token("bob", "00000002"), digest: digest("b")))
    #expect(try await other.token(digest: digest("a"), at: 0) != nil)
    #expect(try await database.removeToken(reference))
    #expect(try await other.token(digest: digest("a"), at: 0) == nil)
    #expect(try await other.token(digest: digest("b"), at: 0) != nil)
    #expect(try await !database.removeToken(reference))
    // Who comes next with the name has another token.
    #expect(try await database.addToken(token("alice", "00000003"), digest: digest("c")))
    #expect(try await other.token(digest: digest("a"), at: 0) == nil)
  }

  @Test(
    "a token that can't be read whole allows nothing",
    arguments: ["scope = 'root'", "quota = '{\"runs\":-1}'", "name = 'console'", "id = 'x'"])
  func damaged(change: String) async throws {
    #expect(try await database.addToken(token("alice"), digest: digest("a")))
    try await DatabaseQueue(path: file).write { try $0.execute(sql: "UPDATE access_token SET \(change)") }
    await #expect(throws: StateStoreError.self) { try await database.token(digest: digest("a"), at: 0) }
  }

  @Test("a secret is random and long, and isn't kept")
  func generated() async throws {
    let name = AccessTokenName(unchecked: "alice")
    let made = try AccessToken.generated(name: name, scope: .admin, at: 1000, lifetime: 500)
    let other = try AccessToken.generated(name: name, scope: .admin, at: 1000)
    #expect(made.token.expires == 1500 && other.token.expires == nil)
    #expect(made.secret != other.secret && made.token.identifier != other.token.identifier)
    #expect(made.secret.secret.utf8.count == BearerToken.prefix.utf8.count + 64)
    #expect(BearerToken(made.secret.secret) == made.secret)
    #expect(AccessTokenIdentifier(made.token.identifier.text) != nil)
    #expect(!made.token.jsonValue.text().contains(made.secret.secret))
  }

  @Test("what was administered is listed page by page, the latest first, with how it ended")
  func audit() async throws {
    func entry(_ time: Int64) -> AuditEntry {
      AuditEntry(
        time: time, actor: time == 1 ? .console : .token(AccessTokenName(unchecked: "alice")), action: .grant,
        subject: "files", detail: ["permission": "filesystem.write"])
    }
    var numbers: [Int64] = []
    for time in 1...4 { numbers.append(try await database.beginAudit(entry(Int64(time)))) }
    try await database.endAudit(numbers[0], outcome: .done)
    try await database.endAudit(numbers[1], outcome: .failed)
    // What was said first stays.
    try await database.endAudit(numbers[1], outcome: .done)
    let first = try await database.audit(limit: 2)
    #expect(first.map(\.entry.time) == [4, 3] && first.map(\.outcome) == [nil, nil])
    let second = try await database.audit(before: first.last?.number, limit: 5)
    #expect(second.map(\.entry) == [entry(2), entry(1)] && second.map(\.outcome) == [.failed, .done])
    #expect(try await database.audit(before: second.last?.number, limit: 5).isEmpty)
    #expect(
      second.last?.jsonValue.text()
        == #"{"id":1,"time_ms":1,"actor":"console","action":"plugin.grant","subject":"files","#
        + #""detail":{"permission":"filesystem.write"},"outcome":"done"}"#)
  }

  @Test("of the audit log the latest entries are kept, and no number is given twice")
  func boundedAudit() async throws {
    func entry(_ time: Int64) -> AuditEntry {
      AuditEntry(time: time, actor: .console, action: .grant, subject: "files")
    }
    for time in 1...7 { _ = try await database.beginAudit(entry(Int64(time)), keeping: 3) }
    #expect(try await database.audit(limit: 10).map(\.number) == [7, 6, 5])
    // One that is gone meanwhile ends all the same.
    try await database.endAudit(1, outcome: .done)
    #expect(try await database.beginAudit(entry(8), keeping: 3) == 8)
    #expect(try await database.audit(limit: 10).map(\.entry.time) == [8, 7, 6])
  }
}
