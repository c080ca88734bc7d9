import PluginModel
import Testing

@Suite("A denial as a value") struct DenialTests {
  private func subject(
    asks requested: [String] = [], has granted: [String] = []
  ) throws -> DenialSubject {
    DenialSubject(
      plugin: try #require(PluginName("fetch")), version: SemanticVersion(1, 2, 0),
      requested: try requested.map { try Permission($0) }, granted: try granted.map { try Permission($0) },
      watched: DenialSubject.Watched.allCases)
  }

  private func execution(_ path: String) -> Denial {
    let path = UntrustedBytes(path)
    return Denial(.execution(path), evidence: .certain, permission: .starting(path))
  }

  @Test("shows bytes of a plugin without what a terminal obeys, and never two different ones alike")
  func bytes() {
    #expect(UntrustedBytes("/usr/bin/git").text == "/usr/bin/git")
    #expect(UntrustedBytes("a\u{1B}[2J\n\u{202E}b\\").text == "a\\u{1b}[2J\\u{a}\\u{202e}b\\\\")
    #expect(UntrustedBytes([0x2F, 0xFF, 0xC3, 0x28]).text == "/\\xff\\xc3(")
    #expect(UntrustedBytes([0xC3, 0xA9]).text == "é")
    #expect(UntrustedBytes("\\xff").text != UntrustedBytes([0xFF]).text)
    #expect(UntrustedBytes([0xFF]).exact == nil && UntrustedBytes("a\nb").exact == nil)
    let long = UntrustedBytes(String(repeating: "x", count: 10_000))
    #expect(long.isCut && long.bytes.count == UntrustedBytes.limit && long.exact == nil && long.text.hasSuffix("…"))
  }

  @Test(
    "proposes the narrowest permission that lets a program be started",
    arguments: [
      ("/usr/bin/git", "system.exec:git"), ("/bin/git", "system.exec:git"), ("git", "system.exec:git"),
      ("/usr/local/bin/tool", "system.exec"), ("/plugin/bin/tool", "system.exec"), ("/proc/self/exe", "system.exec"),
      ("/usr/bin/a,b", "system.exec"), ("/usr/bin/-c", "system.exec"), ("/usr/bin/../sbin/x", "system.exec"),
    ])
  func starting(path: String, permission: String) throws {
    #expect(Permission.starting(UntrustedBytes(path))?.description == permission)
  }

  @Test(
    "proposes nothing for what nothing can allow", arguments: ["/tmp/x", "/dev/shm/x", "/workspace/x", "/usr/bin/a\nb"])
  func startingNothing(path: String) {
    #expect(Permission.starting(UntrustedBytes(path)) == nil)
    #expect(Permission.starting(UntrustedBytes([0x2F, 0xFF])) == nil)
  }

  @Test("proposes the host and the port that were tried, and nothing for what is none")
  func reaching() {
    #expect(Permission.reaching(host: "example.org", port: 443)?.description == "network.http:example.org")
    #expect(Permission.reaching(host: "example.org", port: nil)?.description == "network.http:example.org")
    #expect(
      Permission.reaching(host: "db.example.org", port: 5432)?.description == "network.socket:db.example.org:5432")
    for host in ["a b", "a,b", "x:1", "", "a\nb", "*.org"] { #expect(Permission.reaching(host: host, port: 80) == nil) }
  }

  @Test("says the command, that the manifest must ask first, and why one might not want to")
  func explanation() throws {
    let git = DenialExplanation(execution("/usr/bin/git"), subject: try subject(asks: ["system.exec"]))
    #expect(git.what == "tried to start the program '/usr/bin/git'")
    #expect(git.isRequested && git.advice == nil)
    #expect(git.why == "it isn't granted system.exec")
    #expect(
      git.commands == ["orchestrator plugin grant fetch system.exec:git", "--grant fetch=system.exec:git"])
    #expect(git.risk?.contains("runs what it is told to") == true)
    let unasked = DenialExplanation(execution("/usr/bin/git"), subject: try subject(asks: ["system.exec:tar"]))
    #expect(!unasked.isRequested)
    #expect(unasked.advice?.contains("plugin.yaml") == true)
    let other = DenialExplanation(
      execution("/usr/bin/git"), subject: try subject(asks: ["system.exec"], has: ["system.exec:tar"]))
    #expect(other.why == "it is granted system.exec:tar, which doesn't cover it")
    let path = try #require(AbsolutePath("/srv/the customer's data"))
    let quoted = DenialExplanation(
      Denial(
        .file(UntrustedBytes(path.text), .read, error: "ENOENT"), evidence: .inferred, permission: .filesystemRead(path)
      ),
      subject: try subject(asks: ["filesystem.read"]))
    #expect(quoted.commands[0] == "orchestrator plugin grant fetch 'filesystem.read:/srv/the customer'\\''s data'")
  }

  @Test("nothing can be granted for a system call that no profile allows, and that is said")
  func systemCalls() throws {
    let denial = Denial(
      .systemCall(name: "ptrace", meaning: nil, why: "it reaches into other processes"), count: 3,
      process: UntrustedBytes("evil\u{1B}\n"), evidence: .certain, permission: nil)
    let explanation = DenialExplanation(denial, subject: try subject())
    #expect(explanation.commands.isEmpty && explanation.risk == nil && explanation.permission == nil)
    #expect(explanation.what == "made the system call ptrace")
    #expect(explanation.why == "it reaches into other processes")
    #expect(explanation.occurrence == "3 times, first by the process 'evil\\u{1b}\\u{a}'")
  }

  @Test("no text of an explanation holds a control character, whatever the plugin named")
  func harmless() throws {
    let hostile = "/\u{1B}]0;x\u{7}\r\n\u{202E}\u{9B}2J"
    let bytes = UntrustedBytes(hostile)
    for attempt: Denial.Attempt in [
      .execution(bytes), .file(bytes, .write, error: "EACCES"), .device(bytes),
      .network(host: hostile, port: 1, why: "no"), .systemCall(name: "mount", meaning: nil, why: nil),
      .socket(family: "AF_INET"),
    ] {
      let explanation = DenialExplanation(
        Denial(attempt, process: bytes, evidence: .certain, permission: nil), subject: try subject())
      let texts = [explanation.what, explanation.why, explanation.occurrence, attempt.target ?? ""]
      for scalar in texts.joined().unicodeScalars {
        #expect(![.control, .format].contains(scalar.properties.generalCategory))
      }
    }
  }

  @Test("keeps a bounded number apart and counts the rest")
  func record() {
    var record = DenialRecord()
    for number in 0..<1000 { record.add(execution("/usr/bin/p\(number)")) }
    #expect(record.denials.count == DenialRecord.limit)
    #expect(record.further == UInt64(1000 - DenialRecord.limit))
    record.add(execution("/usr/bin/p0"))
    #expect(record.denials[0].count == 2 && record.further == UInt64(1000 - DenialRecord.limit))
    var other = DenialRecord(further: .max)
    other.add(record)
    #expect(other.further == .max && other.denials == record.denials)
  }

  @Test("one attempt's denials are followed by the next one's")
  func attempts() throws {
    let subject = try subject()
    let first = NodeAccount(denials: NodeDenials(subject: subject, record: DenialRecord([execution("a")])))
    let second = NodeAccount(
      denials: NodeDenials(subject: subject, record: DenialRecord([execution("a"), execution("b")])))
    #expect(first.followed(by: second).denials?.record.denials.map(\.count) == [2, 1])
    #expect(first.followed(by: NodeAccount()).denials == first.denials)
    #expect(NodeAccount().followed(by: first).denials == first.denials)
  }

  @Test(
    "covers what needs nothing more",
    arguments: [
      ("system.exec", "system.exec:git", true), ("system.exec:git,tar", "system.exec:tar", true),
      ("system.exec:git", "system.exec:tar", false), ("system.exec:git", "system.exec", false),
      ("filesystem.read:/srv", "filesystem.read:/srv/a", true),
      ("filesystem.read:/srv/a", "filesystem.read:/srv", false),
      ("filesystem.write:/srv", "filesystem.read:/srv/a", true), ("filesystem.read", "filesystem.read:/srv", false),
      ("network.http:*.example.org", "network.http:a.example.org", true),
      ("network.http:*.example.org", "network.http:example.com", false), ("network.http", "network.socket:a:1", false),
    ])
  func covers(mine: String, theirs: String, answer: Bool) throws {
    #expect(try Permission(mine).covers(Permission(theirs)) == answer)
  }
}
