import Foundation
import Testing

/// What a plugin is seen to need, as an operator asks for it.
@Suite("Learning what a plugin needs")
struct LearnTests {
  private func prepare(
    _ nodes: [String], asks: String = "filesystem.read, filesystem.write, system.exec, network.http"
  ) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory(readableByAll: true)
    try directory.writeWorkflow(nodes)
    let manifest = try directory.read("probe/plugin.yaml")
    let lines = manifest.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.hasPrefix("permissions:") ? "permissions: [\(asks)]" : String($0)
    }
    try directory.write("probe/plugin.yaml", lines.joined(separator: "\n"))
    return directory
  }

  private func learn(
    _ directory: TemporaryDirectory, _ options: [String] = [], through wrapper: [String] = []
  ) throws -> Program.Outcome {
    try Program.run(
      ["profile", "learn", "probe", "--plugins", "probe", "--state-dir", "state"] + options + ["--", "w.yaml"],
      in: directory, through: wrapper)
  }

  private struct Proposal {
    var permissions: [String]
    var unneeded: [String]
    var notes: [String]
    var evidence: [String]

    init(_ outcome: Program.Outcome) throws {
      let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
      let json = try #require(object, "\(outcome.errors)")
      let found = json["permissions"] as? [[String: Any]] ?? []
      permissions = found.compactMap { $0["permission"] as? String }
      evidence = found.flatMap { $0["evidence"] as? [String] ?? [] }
      unneeded = (json["not_needed"] as? [[String: Any]] ?? []).compactMap { $0["permission"] as? String }
      notes = json["notes"] as? [String] ?? []
      #expect(json["verified"] as? Bool == true)
    }
  }

  private func proposal(
    _ directory: TemporaryDirectory, _ allowed: [String], through wrapper: [String] = []
  ) throws -> Proposal {
    let outcome = try learn(
      directory, allowed.flatMap { ["--allow", $0] } + ["--output", "json"], through: wrapper)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try Proposal(outcome)
  }

  @Test("stops at what it may not have, says what to allow, and proposes the one file of a directory")
  func file() throws {
    let data = try TemporaryDirectory(readableByAll: true)
    for name in ["a.csv", "b.csv"] { try data.write(name, "1") }
    let directory = try prepare([Probe.python("load", "result = open('\(data.path)/a.csv').read()")])
    let stopped = try learn(directory)
    #expect(stopped.status == 1 && stopped.output.isEmpty)
    #expect(stopped.errors.contains("--allow filesystem.read:\(data.path)/a.csv"), "\(stopped.errors)")
    let learned = try proposal(directory, ["filesystem.read:\(data.path)"])
    #expect(learned.permissions == ["filesystem.read:\(data.path)/a.csv"])
    #expect(learned.evidence == ["load read \(data.path)/a.csv, once"])
    #expect(learned.unneeded == ["filesystem.read", "filesystem.write", "network.http", "system.exec"])
    // Nothing was granted for good.
    #expect(!directory.exists("state/state.sqlite"))
    #expect(try Program.run(["run", "w.yaml", "--plugins", "probe"], in: directory).status == 1)
  }

  @Test("writes a profile that runs the same workflow with what it proposes, and never over a file unasked")
  func written() throws {
    let directory = try prepare([
      Probe.python("make", "open('/workspace/x', 'w').write('1')\nresult = open('/workspace/x').read()")
    ])
    let first = try learn(directory, ["--allow", "filesystem.write", "--write", "p.yaml"])
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("to grant it: orchestrator plugin grant probe filesystem.write --plugins probe"))
    let shown = try Program.run(["profile", "show", "./p.yaml"], in: directory)
    #expect(shown.status == 0, "\(shown.errors)")
    let ran = try Program.run(
      ["run", "w.yaml", "--plugins", "probe", "--profile", "probe=./p.yaml", "--grant", "probe=filesystem.write"],
      in: directory)
    #expect(ran.status == 0, "\(ran.errors)")
    let again = try learn(directory, ["--allow", "filesystem.write", "--write", "p.yaml"])
    #expect(again.status == 2 && again.errors.contains("p.yaml is there already"), "\(again.errors)")
    #expect(try learn(directory, ["--allow", "filesystem.write", "--write", "p.yaml", "--force"]).status == 0)
  }

  @Test("proposes the program that is started and no other")
  func programs() throws {
    let directory = try prepare([
      Probe.python(
        "call", "import subprocess\nresult = subprocess.run(['uname', '-s'], capture_output=True).stdout.decode()")
    ])
    let learned = try proposal(directory, ["system.exec"])
    #expect(learned.permissions == ["system.exec:uname"])
    #expect(learned.evidence.first?.contains("started /usr/bin/uname") == true, "\(learned.evidence)")
  }

  @Test("proposes the hosts that are reached", .enabled(if: geteuid() == 0))
  func hosts() throws {
    let directory = try prepare([
      Probe.python(
        "fetch", "import urllib.request\nresult = urllib.request.urlopen('http://api.example.org/x', timeout=20).status"
      )
    ])
    try FileManager.default.createDirectory(atPath: directory.path + "/site", withIntermediateDirectories: false)
    let network = [Program.package + "/Tests/Fixtures/egress/network.sh", directory.path + "/site"]
    let learned = try proposal(directory, ["network.http:*.example.org"], through: network)
    #expect(learned.permissions == ["network.http:api.example.org"])
    #expect(learned.evidence == ["fetch connected to api.example.org:80, once"])
  }

  @Test("a plugin can't talk itself into more: what it isn't allowed is never proposed, and its tries are told")
  func hostile() throws {
    let code = """
      for path in ('/etc/shadow', '/root/.ssh/id_rsa', '/root', '/etc/ssh/sshd_config'):
          try:
              open(path)
          except OSError:
              pass
      for name in (b'/workspace/a\\\\n- system.exec', b'/workspace/\\\\xff\\\\x1b[2J', b"/workspace/it's: [x] # y"):
          try:
              os.stat(name)
          except OSError:
              pass
      import subprocess
      try:
          subprocess.run(['git'])
      except OSError:
          pass
      result = 1
      """
    let directory = try prepare([Probe.python("evil", code)])
    let outcome = try learn(directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output.contains("evil tried /etc/shadow, which its sandbox doesn't show: it is not proposed"),
      "\(outcome.output)")
    #expect(!outcome.output.contains("filesystem.read:/"), "\(outcome.output)")
    #expect(outcome.output.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && $0.value != 0x7F) })
    let learned = try Proposal(learn(directory, ["--output", "json"]))
    #expect(learned.permissions == ["filesystem.read"])
    #expect(learned.unneeded.contains("system.exec"))
    let more = try learn(directory, ["--allow", "gpu.access"])
    #expect(more.status == 2 && more.errors.contains("doesn't ask for gpu.access"), "\(more.errors)")
  }

  @Test("what is forbidden can't be allowed while learning either")
  func forbidden() throws {
    let directory = try prepare([Probe.python("quiet", "result = 1")])
    try directory.write("policy.yaml", "security: {forbidden_permissions: [system.exec]}\n")
    let outcome = try learn(directory, ["--policy", "policy.yaml", "--allow", "system.exec"])
    #expect(outcome.status == 2 && outcome.errors.contains("forbidden"), "\(outcome.errors)")
  }

  @Test("a plugin that does it differently the next time makes no proposal, and nothing is written")
  func unsteady() throws {
    let data = try TemporaryDirectory(readableByAll: true)
    for name in ["a", "b"] { try data.write(name, "1") }
    let code = """
      import glob
      marks = len(os.listdir('/workspace'))
      open(f'/workspace/{marks}', 'w').close()
      result = open('\(data.path)/' + 'ab'[marks]).read()
      """
    let directory = try prepare([Probe.python("load", code)])
    let outcome = try learn(
      directory,
      [
        "--allow", "filesystem.read:\(data.path)", "--allow", "filesystem.write", "--workspace", "work", "--write",
        "p.yaml",
      ])
    #expect(outcome.status == 1, "\(outcome.output)")
    #expect(outcome.errors.contains("what was learned isn't enough"), "\(outcome.errors)")
    #expect(!directory.exists("p.yaml") && outcome.output.isEmpty)
  }

  @Test("a flood of paths and calls leaves the proposal as it is, in time and in size, and says so")
  func flood() throws {
    let code = """
      import ctypes
      libc = ctypes.CDLL(None)
      for number in range(20000):
          libc.access(b'/workspace/%d' % number, 0)
          libc.getppid()
      result = 'done'
      """
    let directory = try prepare([Probe.python("flood", code)])
    let outcome = try learn(directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("note: flood named more different paths than are kept"))
    #expect(outcome.output.utf8.count < 30_000)
  }

  @Test("under a learned profile nodes also fail, are cancelled, print and return large results as before")
  func needed() throws {
    let directory = try prepare([Probe.python("quiet", "result = 1")])
    #expect(try learn(directory, ["--write", "p.yaml"]).status == 0)
    try directory.writeWorkflow([
      "blob: {type: probe/probe, with: {do: blob, value: 3000000}}",
      "size: {type: probe/probe, with: {do: size}, in: {input: blob.output}}",
      Probe.python("fail", "print('said')\nraise ValueError('meant')"),
      "late: {type: probe/probe, with: {do: hang}, timeout: 1s}",
      "slow: {type: probe/probe, with: {do: sleep, value: 0.2}}",
    ])
    func report(_ options: [String]) throws -> [String] {
      let outcome = try Program.run(
        ["run", "w.yaml", "--plugins", "probe", "--output", "json"] + options, in: directory)
      let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
      return (try #require(json, "\(outcome.errors)")["nodes"] as? [[String: Any]] ?? []).map { node in
        let error = node["error"] as? [String: Any] ?? [:]
        // What ended for its time is told the processor time that it had, which is never the same.
        let isLate = error["class"] as? String == "timeout"
        let words = ["class", "message", isLate ? "" : "cause", "traceback"].map { error[$0] as? String ?? "" }
        return "\(node["node"] ?? "") \(node["state"] ?? "") \(words)"
      }
    }
    let plain = try report([])
    #expect(plain.count == 5 && plain.contains { $0.contains("ValueError: meant") })
    #expect(try report(["--profile", "probe=./p.yaml"]) == plain)
  }

  @Test("asks on a terminal for each permission, and remembers none")
  func terminal() throws {
    let data = try TemporaryDirectory(readableByAll: true)
    try data.write("a.csv", "1")
    let directory = try prepare([Probe.python("load", "result = open('\(data.path)/a.csv').read()")])
    let arguments = ["profile", "learn", "probe", "--plugins", "probe", "--state-dir", "state", "--", "w.yaml"]
    let question = "Allow it while learning? Nothing is remembered. [y/n] (n): "
    let yes = try Program.run(arguments, in: directory, environment: ["NO_COLOR": "1"], typing: [(question, "y\\n")])
    #expect(yes.status == 0, "\(yes.output)\(yes.errors)")
    #expect(yes.output.contains("filesystem.read:\(data.path)/a.csv\n    load read "), "\(yes.output)")
    #expect(!directory.exists("state/state.sqlite"))
    let no = try Program.run(arguments, in: directory, environment: ["NO_COLOR": "1"], typing: [(question, "\\n")])
    #expect(no.status == 1, "\(no.output)")
  }

  @Test("of a plugin that isn't in the workflow nothing can be learned, nor under a profile that has no name")
  func mistakes() throws {
    let directory = try prepare([Probe.python("quiet", "result = 1")])
    let other = try Program.run(
      ["profile", "learn", "prob", "--plugins", "probe", "--state-dir", "state", "--", "w.yaml"], in: directory)
    #expect(other.status == 2 && other.errors.contains("did you mean 'probe'?"), "\(other.errors)")
    try directory.write(
      "own.yaml",
      """
      apiVersion: orchestrator/v1
      kind: SecurityProfile
      metadata: {name: own, description: Here}
      spec: {inherits: strict}

      """)
    let nameless = try learn(directory, ["--profile", "./own.yaml"])
    #expect(nameless.status == 2 && nameless.errors.contains("no profile can inherit from 'own'"), "\(nameless.errors)")
    let failing = try prepare([Probe.python("fail", "raise ValueError()")])
    let failed = try learn(failing)
    #expect(
      failed.status == 1 && failed.errors.contains("nothing can be learned from a run that fails"), "\(failed.errors)")
  }
}
