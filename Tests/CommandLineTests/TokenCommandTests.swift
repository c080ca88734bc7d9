import Foundation
import PluginModel
import Testing

@Suite("token create, list and revoke", .serialized)
struct TokenCommandTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func token(_ words: String...) throws -> Program.Outcome {
    try Program.run(["token"] + words + ["--state-dir", "state"], in: directory)
  }

  private func list() throws -> [JSONValue] {
    let outcome = try token("list", "--output", "json")
    #expect(outcome.status == 0, "\(outcome)")
    return try #require(try JSONValue(json: outcome.output)["tokens"]?.arrayValue)
  }

  /// All that lies in the state directory, in one text.
  private func state() throws -> String {
    try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state").map { name in
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/state/\(name)")), as: UTF8.self)
    }.joined()
  }

  @Test("a token is made, listed and taken back")
  func whole() throws {
    #expect(try token("list").output.contains("there are no tokens in state"))
    let made = try token("create", "alice", "--scope", "author", "--expires", "30d", "--quota", "runs=4,cpu=2")
    #expect(made.status == 0 && made.errors.isEmpty, "\(made)")
    let secret = made.output.trimmingCharacters(in: .newlines)
    #expect(secret.hasPrefix("orchestrator_") && BearerToken(secret) != nil && made.output == secret + "\n")
    let listed = try #require(try list().first)
    #expect(listed["name"] == "alice" && listed["scope"] == "author", "\(listed)")
    #expect(listed["quota"] == ["runs": 4, "cpu_milli": 2000])
    let times = (listed["created_ms"]?.integerValue ?? 0, listed["expires_ms"]?.integerValue ?? 0)
    #expect(times.1 - times.0 == 30 * 86_400_000)
    let shown = try token("list").output
    #expect(shown.contains("alice  ") && shown.contains("author, runs=4,cpu=2") && shown.contains(", expires "))
    let identifier = try #require(listed["id"]?.stringValue)
    let revoked = try token("revoke", identifier)
    #expect(revoked.status == 0 && revoked.output.contains("✓ the token alice is worth nothing"), "\(revoked)")
    #expect(try list().isEmpty)
  }

  @Test("a secret is shown once: no file of the program has it, nor any other output")
  func secret() throws {
    let printed = try token("create", "alice", "--scope", "viewer").output.trimmingCharacters(in: .newlines)
    let silent = try token("create", "bob", "--scope", "viewer", "--out", "bob.token")
    #expect(silent.status == 0 && silent.output.isEmpty && silent.errors.isEmpty, "\(silent)")
    let written = try directory.read("bob.token").trimmingCharacters(in: .newlines)
    let mode =
      try FileManager.default.attributesOfItem(atPath: directory.path + "/bob.token")[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let others = try state() + token("list").output + token("list", "--output", "json").output
    for secret in [printed, written] {
      #expect(BearerToken(secret) != nil)
      #expect(!others.contains(secret.dropFirst(BearerToken.prefix.utf8.count)))
    }
  }

  @Test("a file that is there already stays as it is, and no token is left of it")
  func existing() throws {
    try directory.write("a.token", "mine")
    let refused = try token("create", "alice", "--scope", "viewer", "--out", "a.token")
    #expect(refused.status == 2 && refused.errors.contains("a.token can't be written"), "\(refused)")
    #expect(try directory.read("a.token") == "mine" && list().isEmpty)
  }

  @Test(
    "what is wrong is said with how to mend it, and makes no state",
    arguments: [
      (["create", "Alice", "--scope", "viewer"], "is not the name of a token", "a lower-case letter"),
      (["create", "console", "--scope", "viewer"], "is not the name of a token", "neither 'console'"),
      (["create", "alice", "--scope", "autor"], "is no scope", "did you mean 'author'?"),
      (["create", "alice", "--scope", "viewer", "--expires", "soon"], "is not a duration", "30d"),
      (["create", "alice", "--scope", "viewer", "--expires", "999d"], "is not a duration", "at most 366d"),
      (["create", "alice", "--scope", "viewer", "--quota", "cpus=1"], "the quota knows no", "did you mean 'cpu'?"),
      (["create", "alice", "--scope", "viewer", "--out", "none/a"], "none/a can't be written", "make the directory"),
      (["revoke", "alice"], "there is no token 'alice'", "orchestrator token list"),
    ])
  func mistakes(words: [String], what: String, hint: String) throws {
    let outcome = try Program.run(["token"] + words + ["--state-dir", "state"], in: directory)
    #expect(outcome.status == 2 && outcome.output.isEmpty, "\(outcome)")
    #expect(outcome.errors.contains(what) && outcome.errors.contains(hint), "\(outcome.errors)")
    #expect(!directory.exists("state/state.sqlite"))
  }

  @Test("two tokens have no name together")
  func taken() throws {
    #expect(try token("create", "alice", "--scope", "viewer").status == 0)
    let again = try token("create", "alice", "--scope", "admin")
    #expect(again.status == 2 && again.output.isEmpty && again.errors.contains("orchestrator token revoke alice"))
    #expect(try list().map { $0["scope"] } == ["viewer"])
    let misspelt = try token("revoke", "alcie")
    #expect(misspelt.status == 2 && misspelt.errors.contains("did you mean 'alice'?"), "\(misspelt)")
  }
}
