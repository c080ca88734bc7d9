import Foundation
import PluginModel
import Testing

@Suite("plugin grant, revoke and permissions", .serialized)
struct GrantCommandTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.writeWorkflow(["w: {type: probe/probe, with: {do: write, value: x}}"])
  }

  private func plugin(_ words: String...) throws -> Program.Outcome {
    try Program.run(["plugin"] + words + ["--plugins", "probe", "--state-dir", "state"], in: directory)
  }

  private func run(_ extra: String...) throws -> Program.Outcome {
    try Program.run(["run", "w.yaml", "--plugins", "probe", "--state-dir", "state"] + extra, in: directory)
  }

  private func permissions(_ extra: String...) throws -> JSONValue {
    let outcome = try Program.run(
      ["plugin", "permissions", "probe", "--output", "json", "--plugins", "probe", "--state-dir", "state"] + extra,
      in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try #require(try JSONValue(json: outcome.output)["plugins"]?.arrayValue?.first)
  }

  @Test("grant, show and take back")
  func whole() throws {
    #expect(try run().status == 1)
    let granted = try plugin("grant", "probe", "filesystem.write")
    #expect(granted.status == 0, "\(granted.errors)")
    #expect(granted.output.contains("✓ granted to probe 1.0.0, for the files that it has now: sha256:"))
    #expect(granted.output.contains("orchestrator plugin revoke probe filesystem.write --state-dir state"))
    #expect(try run().status == 0)
    let shown = try plugin("permissions", "probe")
    #expect(shown.output.contains("✓ granted       by user \(geteuid()) on 2"), "\(shown.output)")
    #expect(shown.output.contains("✓ granted       to every plugin that asks, by default_permissions"))
    #expect(try permissions()["effective"] == ["filesystem.read", "filesystem.write"])
    let revoked = try plugin("revoke", "probe", "filesystem.write")
    #expect(revoked.status == 0 && revoked.output.contains("✓ probe is no longer granted filesystem.write"))
    #expect(revoked.output.contains("it still has   filesystem.read, granted to every plugin that asks"))
    #expect(try run().status == 1)
    #expect(try permissions()["effective"] == ["filesystem.read"])
  }

  @Test(
    "refuse what isn't asked for, isn't known or is more than is asked for, with what there is",
    arguments: [
      (
        ["grant", "probe", "memory.unlimited"], "doesn't ask for memory.unlimited",
        "it asks for: filesystem.read, filesystem.write"
      ),
      (
        ["grant", "probe", "filesystem.wriet"], "unknown permission 'filesystem.wriet'",
        "did you mean 'filesystem.write'?"
      ),
      (["grant", "prob", "filesystem.write"], "there is no plugin \"prob\"", "did you mean 'probe'?"),
      (["grant", "probe"], "nothing to grant to \"probe\" is named", "name permissions, or --all"),
      (["grant", "probe", "filesystem.write:/nonexistent"], "/nonexistent doesn't exist", "check the path"),
      (["grant", "probe", "--all", "filesystem.write"], "Name permissions, or --all.", ""),
      (["revoke", "probe", "filesystem.write"], "was granted nothing that could be taken back", ""),
      (["revoke", "prob"], "there is no plugin \"prob\"", "did you mean 'probe'?"),
      (["permissions", "prob"], "there is no plugin \"prob\"", "did you mean 'probe'?"),
    ])
  func mistakes(words: [String], what: String, more: String) throws {
    let outcome = try Program.run(
      ["plugin"] + words + ["--plugins", "probe", "--state-dir", "state"], in: directory)
    #expect(outcome.status == 2 && outcome.output.isEmpty, "\(outcome.output)")
    #expect(outcome.errors.contains(what) && (more.isEmpty || outcome.errors.contains(more)), "\(outcome.errors)")
    #expect(!directory.exists("state/state.sqlite"))
  }

  @Test("take back by name every scope, and say what was granted where another is named")
  func scopes() throws {
    #expect(try plugin("grant", "probe", "filesystem.read:/usr/share", "filesystem.write").status == 0)
    let other = try plugin("revoke", "probe", "filesystem.read:/usr")
    #expect(other.status == 2 && other.errors.contains("it was granted: filesystem.read:/usr/share, filesystem.write"))
    #expect(
      try plugin("revoke", "probe", "filesystem.read").output.contains("no longer granted filesystem.read:/usr/share"))
    #expect(try plugin("revoke", "probe", "--all").output.contains("no longer granted filesystem.write"))
  }

  @Test("take back also from files that the plugin had before, and from a plugin that is gone")
  func gone() throws {
    #expect(try plugin("grant", "probe", "--all").status == 0)
    let code = try directory.read("probe/probe.py")
    try directory.write("probe/probe.py", code + "\n# changed\n")
    #expect(try permissions()["granted_to_earlier_files"] == ["filesystem.write"])
    #expect(try run().status == 2)
    try FileManager.default.moveItem(atPath: directory.path + "/probe", toPath: directory.path + "/away")
    let revoked = try Program.run(["plugin", "revoke", "probe", "--all", "--state-dir", "state"], in: directory)
    #expect(revoked.status == 0, "\(revoked.errors)")
    try FileManager.default.moveItem(atPath: directory.path + "/away", toPath: directory.path + "/probe")
    try directory.write("probe/probe.py", code)
    #expect(try run().status == 1, "the old files don't get it back")
  }

  @Test("by many at one time are all kept")
  func together() throws {
    let running = try (0..<6).map { number in
      try Program.start(
        ["plugin", "grant", "probe", number.isMultiple(of: 2) ? "filesystem.write" : "filesystem.read"]
          + ["--plugins", "probe", "--state-dir", "state"], in: directory)
    }
    for program in running {
      let outcome = try program.wait()
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    #expect(try plugin("revoke", "probe", "--all").output.contains("filesystem.read, filesystem.write"))
  }

  @Test("are refused where the operator forbids them, as is a run, with the line; neither is changed by --grant")
  func forbidden() throws {
    #expect(try plugin("grant", "probe", "filesystem.write").status == 0)
    try directory.write("policy.yaml", "security:\n  forbidden_permissions:\n    - filesystem.write\n")
    let place = "policy.yaml:3:7: error: \"probe\" is granted filesystem.write, which is forbidden"
    for outcome in [
      try plugin("grant", "probe", "filesystem.write", "--policy", "policy.yaml"), try run("--policy", "policy.yaml"),
      try run("--policy", "policy.yaml", "--grant", "probe=filesystem.write"),
    ] {
      #expect(outcome.status == 2 && outcome.errors.contains(place), "\(outcome.errors)")
    }
    #expect(try plugin("revoke", "probe", "--all").status == 0)
    #expect(try run("--policy", "policy.yaml").status == 1, "it runs without")
    let rule = try permissions("--policy", "policy.yaml")["asked"]?.arrayValue?.last?["forbidden_by"]
    #expect(rule?["line"] == 3)
  }

  @Test("come from a policy file where nobody is asked, for exactly the files that it names")
  func policy() throws {
    let digest = try #require(permissions()["digest"]?.stringValue)
    func policy(_ digest: String) throws {
      try directory.write(
        "policy.yaml",
        "security:\n  plugins:\n    probe:\n      permissions: [filesystem.write]\n      digest: \(digest)\n")
    }
    try policy(digest)
    #expect(try run("--policy", "policy.yaml").status == 0)
    #expect(try permissions("--policy", "policy.yaml")["effective"] == ["filesystem.read", "filesystem.write"])
    try policy("sha256:" + String(repeating: "0", count: 64))
    let other = try run("--policy", "policy.yaml")
    #expect(other.status == 2)
    #expect(
      other.errors.contains("policy.yaml:5:15: error: the plugin \"probe\" has other files than the operator allows"))
    try directory.write("policy.yaml", "security: {filesystem_roots: [/opt]}\n")
    let outside = try run("--policy", "policy.yaml", "--grant", "probe=filesystem.read:/usr/share")
    #expect(outside.status == 2 && outside.errors.contains("reaches outside of filesystem_roots"), "\(outside.errors)")
    try directory.write("policy.yaml", "security: {default_permissions: []}\n")
    #expect(try permissions("--policy", "policy.yaml")["effective"] == [])
  }

  @Test("to one plugin change no byte of another's plan")
  func independent() throws {
    try FileManager.default.copyTree(from: directory.path + "/probe", to: directory.path + "/other")
    let manifest = try directory.read("other/plugin.yaml")
    try directory.write("other/plugin.yaml", manifest.replacing("name: probe", with: "name: other"))
    // What the other is granted lies beneath what this one is: its grant would be the nearer root.
    let name = "filesystem.read:/usr/share/common-licenses"
    try directory.write(
      "probe/plugin.yaml", directory.read("probe/plugin.yaml").replacing("filesystem.read,", with: "\"\(name)/GPL-3\",")
    )
    func plan(_ extra: String...) throws -> String {
      let outcome = try Program.run(
        ["plan", "show", "probe", "--json", "--plugins", "probe", "--plugins", "other", "--state-dir", "state"]
          + ["--grant", "probe=filesystem.read:/usr/share"] + extra, in: directory)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.output
    }
    let before = try plan()
    #expect(before.contains("/usr/share/common-licenses/GPL-3"))
    #expect(try plan("--grant", "other=\(name)", "--grant", "other=filesystem.read:\(directory.path)") == before)
    let granted = try Program.run(
      ["plugin", "grant", "other", name, "filesystem.write", "--plugins", "other", "--state-dir", "state"],
      in: directory)
    #expect(granted.status == 0, "\(granted.errors)")
    #expect(try plan() == before)
  }

  @Test("lie where no plugin may write, whatever it is granted")
  func reserved() throws {
    #expect(try plugin("grant", "probe", "filesystem.read").status == 0)
    // Makes what a run keeps.
    _ = try run()
    for place in ["state", "state/state.sqlite", "state/objects", "."] {
      let path = place == "." ? directory.path : "\(directory.path)/\(place)"
      let outcome = try run("--grant", "probe=filesystem.write:\(path)")
      #expect(outcome.status == 2, "\(place): \(outcome.errors)")
    }
  }

  @Test("are kept when the disk is full, which is said")
  func full() throws {
    let script = """
      set -e
      mkdir small && mount -t tmpfs -o size=1m none small
      "$@" plugin grant probe filesystem.read --plugins probe --state-dir small/state
      dd if=/dev/zero of=small/rest bs=1k 2>/dev/null || true
      status=0
      "$@" plugin grant probe filesystem.write --plugins probe --state-dir small/state || status=$?
      rm small/rest
      "$@" plugin permissions probe --plugins probe --state-dir small/state --output json >&2
      exit $status
      """
    let outcome = try Program.run(
      [], in: directory,
      through: ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh"])
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(
      outcome.errors.contains("there is no space left") || outcome.errors.contains("see whether it is full"),
      "\(outcome.errors)"
    )
    #expect(outcome.errors.contains("\"by\": \"command\""), "\(outcome.errors)")
  }
}
