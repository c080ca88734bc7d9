import Foundation
import Testing

/// What one attempt reported from inside a sandbox.
struct Outcome: Sendable {
  let outcome: String
  let detail: String
}

/// All attempts as nodes of one workflow, each in a sandbox of its own; run once, asked by many tests.
enum Attempts {
  static let withoutGrants = Task { try await run(grants: []) }
  static let withEveryGrant = Task {
    try await run(grants: ["filesystem.read", "filesystem.write", "system.exec"])
  }

  /// With what a plugin of the web has. What only the lack of any network refuses is another matter.
  static let withNetwork = Task {
    try await run(ofNetwork, grants: ["network.http:allowed.example.org", "network.socket:db.example.org:5432"])
  }
  static let ofNetwork = HostilePlugin.attempts.filter {
    $0.name.hasPrefix("egress-") || $0.name.hasPrefix("connect-to-")
      || [
        "see-interfaces", "resolve-names", "socket-netlink", "socket-packet", "socket-vsock", "socketpair-any-family",
      ]
      .contains($0.name)
  }

  /// With one program listed: the filter lets every execve through, and only Landlock and sealed memory say to what.
  static let withOneProgram = Task { try await run(startingPrograms, grants: ["system.exec:true"]) }
  static let startingPrograms = HostilePlugin.attempts.filter {
    [
      "exec-memory-descriptor", "exec-memory-by-path", "exec-scratch-file", "exec-shared-memory-file", "exec-script",
      "exec-library", "exec-in-place", "exec-by-descriptor", "exec-by-descriptor-path", "exec-relative",
    ].contains($0.name)
  }

  private static func run(
    _ attempts: [Attempt] = HostilePlugin.attempts, grants: [String]
  ) async throws -> [String: Outcome] {
    let scratch = try Scratch()
    let bait = try Bait()
    let writable: [String: Any] = grants.isEmpty ? [:] : ["writable": ["/workspace"]]
    let facts = try bait.facts(adding: writable.merging(["patience": Program.patience]) { $1 })
    var workflow = WorkflowText()
    for attempt in attempts {
      workflow.add(
        attempt.name, type: "hostile/probe", with: ["attempt": attempt.name, "facts": facts],
        timeout: "\(60 * Program.patience)s")
    }
    let report = try await Report.run(
      workflow, grants: grants, environment: ["ORCHESTRATOR_TEST_SECRET": Bait.marker], in: scratch)
    return withExtendedLifetime(bait) {
      attempts.reduce(into: [:]) { outcomes, attempt in
        let result = report.value(attempt.name) as? [String: Any]
        outcomes[attempt.name] = Outcome(
          outcome: result?["outcome"] as? String ?? "failed",
          detail: result?["detail"] as? String ?? report.failure(attempt.name)?.text ?? report.finished.errors)
      }
    }
  }
}

@Suite("A plugin can't leave its sandbox")
struct EscapeTests {
  @Test("the fixtures list their attempts")
  func listsAttempts() {
    #expect(HostilePlugin.attempts.count > 100)
    #expect(HostilePlugin.manners.count > 30)
  }

  @Test("every attempt that the table of defences names exists")
  func namesAttempts() throws {
    let table = try String(contentsOf: Program.root.appendingPathComponent("Tests/DEFENCES.md"), encoding: .utf8)
    let named = Set(table.matches(of: /`attempt:([a-z0-9-]+)`/).map { String($0.1) })
    #expect(named.count > 20)
    #expect(named.subtracting(HostilePlugin.attempts.map(\.name)) == [])
  }

  @Test("without any grant", arguments: HostilePlugin.attempts)
  func denied(_ attempt: Attempt) async throws {
    let outcome = try #require(try await Attempts.withoutGrants.value[attempt.name])
    #expect(outcome.outcome == "denied", "\(attempt.claim) \(outcome.detail)")
  }

  @Test("with every grant, but for what the grants name", arguments: HostilePlugin.attempts.filter { !$0.isExecution })
  func deniedWithGrants(_ attempt: Attempt) async throws {
    let outcome = try #require(try await Attempts.withEveryGrant.value[attempt.name])
    #expect(outcome.outcome == "denied", "\(attempt.claim) \(outcome.detail)")
  }

  @Test("with one program listed, no other is started", arguments: Attempts.startingPrograms)
  func deniedWithOneProgram(_ attempt: Attempt) async throws {
    #expect(Attempts.startingPrograms.count == 10)
    // Nothing keeps programs from being started from memory there, MFD_NOEXEC_SEAL of memfd_create(2): such a grant is refused.
    guard Program.kernelIsAtLeast(6, 3) else {
      let refusal = await #expect(throws: Broken.self) { try await Attempts.withOneProgram.value }
      #expect(refusal?.description.contains("system.exec with a list of programs needs Linux 6.3") == true)
      return
    }
    let outcome = try #require(try await Attempts.withOneProgram.value[attempt.name])
    #expect(outcome.outcome == "denied", "\(attempt.claim) \(outcome.detail)")
  }

  @Test("with a network, nothing of it is reached that isn't granted", arguments: Attempts.ofNetwork)
  func deniedWithNetwork(_ attempt: Attempt) async throws {
    #expect(Attempts.ofNetwork.count > 15)
    let outcome = try #require(try await Attempts.withNetwork.value[attempt.name])
    #expect(outcome.outcome == "denied", "\(attempt.claim) \(outcome.detail)")
  }

  @Test("and system.exec really starts programs", arguments: ["exec-system", "exec-subprocess", "exec-in-place"])
  func executionIsGranted(_ name: String) async throws {
    let outcome = try #require(try await Attempts.withEveryGrant.value[name])
    #expect(outcome.outcome == "allowed", "\(outcome.detail)")
  }

  @Test("foreign system calls kill their process", arguments: ["call-i386", "call-x32"])
  func foreignCallsKill(_ name: String) async throws {
    guard HostilePlugin.attempts.contains(where: { $0.name == name }) else { return }
    let outcome = try #require(try await Attempts.withoutGrants.value[name])
    #expect(outcome.detail.contains("SIGSYS"))
  }
}
