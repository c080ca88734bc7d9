import Foundation
import Testing

@testable import orchestrator

/// What plugins are denied, as an operator learns of it.
@Suite("A denial is explained")
struct ExplainTests {
  /// Asks for everything, so that only the grants decide.
  private static let manifest = """
    name: probe
    version: 1.0.0
    author: The orchestrator authors
    description: Does what a test asks for, good and bad
    license: Apache-2.0
    node_types: [probe]
    permissions: [filesystem.read, filesystem.write, system.exec, network.http]
    entry_point: ./probe.py
    min_engine_version: 1.0.0

    """

  private struct Ran {
    var outcome: Program.Outcome
    var report: [String: Any]

    func denials(_ node: String) -> [[String: Any]] {
      let nodes = report["nodes"] as? [[String: Any]] ?? []
      return nodes.first { $0["node"] as? String == node }?["denials"] as? [[String: Any]] ?? []
    }
  }

  private func prepare(_ nodes: [String], asksForAll: Bool = true) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory(readableByAll: true)
    try directory.writeWorkflow(nodes)
    if asksForAll { try directory.write("probe/plugin.yaml", Self.manifest) }
    return directory
  }

  private func run(_ directory: TemporaryDirectory, _ options: [String] = []) throws -> Program.Outcome {
    try Program.run(["run", "w.yaml", "--plugins", "probe", "--state-dir", "state"] + options, in: directory)
  }

  private func runs(_ nodes: [String], _ options: [String] = []) throws -> (TemporaryDirectory, Ran) {
    let directory = try prepare(nodes)
    let outcome = try run(directory, options + ["--output", "json"])
    let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return (directory, Ran(outcome: outcome, report: try #require(report, "\(outcome.errors)")))
  }

  private func explain(_ directory: TemporaryDirectory, _ arguments: [String] = ["last"]) throws -> Program.Outcome {
    try Program.run(["explain"] + arguments + ["--state-dir", "state"], in: directory)
  }

  @Test("a program that a naive plugin starts: with the failure, and in full")
  func programs() throws {
    let directory = try prepare([Probe.python("clone", "import subprocess\nsubprocess.run(['git', 'status'])")])
    let outcome = try run(directory)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("denied: it tried to start the program '/usr/bin/git'"), "\(outcome.errors)")
    #expect(outcome.errors.contains("orchestrator plugin grant probe system.exec:git"))
    #expect(outcome.errors.contains("--grant probe=system.exec:git"))
    let told = try explain(directory)
    #expect(told.status == 0, "\(told.errors)")
    for words in [
      "clone (probe/probe, probe@1.0.0): failed", "1. it tried to start the program '/usr/bin/git'",
      "first by the process", "certain", "it isn't granted system.exec", "would allow it: system.exec:git",
      "to grant it:    orchestrator plugin grant probe system.exec:git", "runs what it is told to",
    ] { #expect(told.output.contains(words), "\(words) is missing in\n\(told.output)") }
  }

  @Test("what the manifest doesn't ask for can't be granted, and that is said")
  func unasked() throws {
    let directory = try prepare(
      [Probe.python("clone", "import subprocess\nsubprocess.run(['git'])")], asksForAll: false)
    let outcome = try run(directory)
    #expect(outcome.errors.contains("its author adds system.exec:git to \"permissions\" in plugin.yaml first"))
    #expect(!outcome.errors.contains("to grant it:"))
  }

  @Test("sockets, hosts, files and system calls, each with what would allow it")
  func kinds() throws {
    let hidden = try TemporaryDirectory(readableByAll: true)
    try hidden.write("table.csv", "1")
    let (directory, ran) = try runs([
      Probe.python("connect", "import socket\nsocket.create_connection(('192.0.2.1', 443))"),
      Probe.python("resolve", "import socket\nsocket.create_connection(('name.example', 8443))"),
      Probe.python("shadow", "open('/etc/shadow')"),
      Probe.python("data", "open('\(hidden.path)/table.csv')"),
      Probe.python("make", "os.mkdir('\(hidden.path)/new')"),
      Probe.python("write", "open('/workspace/x', 'w')"),
      Probe.python("missing", "open('\(hidden.path)/none')"),
      Probe.python(
        "trace",
        "import ctypes\nif ctypes.CDLL(None, use_errno=True).ptrace(16, 1, 0, 0): raise OSError(ctypes.get_errno(), 'ptrace')"
      ),
    ])
    func told(_ node: String) -> [String] {
      ran.denials(node).map { denial in
        let words = ["attempt", "target", "evidence", "permission"].map { denial[$0] as? String ?? "none" }
        return words.joined(separator: " ")
      }
    }
    #expect(
      told("connect") == [
        "socket AF_INET certain network.http", "network 192.0.2.1:443 inferred network.http:192.0.2.1",
      ], "\(ran.outcome.errors)")
    #expect(told("resolve").last == "network name.example:8443 inferred network.socket:name.example:8443")
    #expect(told("shadow") == ["file /etc/shadow inferred none"])
    #expect(told("data") == ["file \(hidden.path)/table.csv inferred filesystem.read:\(hidden.path)/table.csv"])
    #expect(told("make") == ["file \(hidden.path)/new inferred filesystem.write:\(hidden.path)"])
    #expect(told("write") == ["file /workspace/x inferred filesystem.write"])
    #expect(told("missing") == [])
    #expect(told("trace") == ["system_call ptrace certain none"])
    let one = try explain(directory, ["last", "data"])
    #expect(one.output.contains("inferred: from the error"))
    #expect(one.output.contains("to send wherever it may connect to"))
    #expect(!one.output.contains("ptrace"))
    let all = try explain(directory)
    #expect(all.output.contains("Nothing was denied to the other node."), "\(all.output)")
  }

  @Test("a worker isn't told what the host has: a hidden file and a missing one give the same error")
  func nothingIsRevealed() throws {
    let hidden = try TemporaryDirectory(readableByAll: true)
    try hidden.write("there", "1")
    let look = Probe.python(
      "look",
      """
      import errno
      errors = []
      for name in ('there', 'none'):
          try:
              open('\(hidden.path)/' + name)
          except OSError as error:
              errors.append(error.errno)
      if errors != [errno.ENOENT, errno.ENOENT]:
          raise ValueError(errors)
      """)
    let (_, ran) = try runs([look])
    // Were it shown, the node would notice.
    let (_, shown) = try runs([look], ["--grant", "probe=filesystem.read:\(hidden.path)"])
    #expect(shown.outcome.status == 1 && shown.outcome.output.contains("ValueError: [2]"), "\(shown.outcome.output)")
    // Used after the run, so that it is there as long.
    #expect(hidden.exists("there"))
    #expect(ran.denials("look").isEmpty)
    #expect(ran.outcome.status == 0)
  }

  @Test("hostile names are written out")
  func hostileNames() throws {
    let code = """
      import subprocess
      for name in (b'/bin/\\\\x1b[2J\\\\n', b'/bin/\\\\xff', '/bin/\\\\u202egit'):
          try:
              os.execv(name, ['x'])
          except OSError:
              pass
      raise ValueError()
      """
    let directory = try prepare([Probe.python("evil", code)])
    let outcome = try run(directory)
    let told = try explain(directory)
    #expect(told.status == 0, "\(outcome.errors)")
    for text in [outcome.output, outcome.errors, told.output] {
      let hostile = text.unicodeScalars.filter {
        $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E || $0.value == 0xFFFD
      }
      #expect(hostile.isEmpty)
    }
    for name in ["/bin/\\u{1b}[2J\\u{a}", "/bin/\\xff", "/bin/\\u{202e}git"] {
      #expect(told.output.contains("'\(name)'"), "\(told.output)")
    }
  }

  @Test("a flood of denied calls leaves the run as it is, in time and in size")
  func flood() throws {
    let code = """
      import ctypes, os
      libc = ctypes.CDLL(None)
      for number in range(50000):
          libc.ptrace(0, 0, 0, 0)
          if number % 100 == 0:
              try:
                  os.execv('/usr/bin/p%d' % number, ['x'])
              except OSError:
                  pass
      result = 'done'
      """
    let (_, ran) = try runs([Probe.python("flood", code)])
    #expect(ran.outcome.status == 0, "\(ran.outcome.errors)")
    #expect(ran.denials("flood").count == 64)
    #expect(ran.outcome.output.utf8.count < 200_000)
    #expect(ran.denials("flood").first?["count"] as? Int == 50_000)
  }

  @Test("one node's denials aren't told of the next one of the same worker")
  func shares() throws {
    let (_, ran) = try runs(
      [
        Probe.python("first", "import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)"),
        Probe.python("second", "result = 1", ", needs: [first]"),
      ], ["--jobs", "1"])
    #expect(ran.outcome.status == 0, "\(ran.outcome.errors)")
    #expect(ran.denials("first").count == 1 && ran.denials("second").isEmpty)
  }

  @Test("a worker that is killed for its time is explained too")
  func timeout() throws {
    let code = """
      import subprocess, time
      while True:
          try:
              subprocess.run(['git'])
          except OSError:
              time.sleep(0.01)
      """
    let (_, ran) = try runs([Probe.python("stuck", code, ", timeout: 1s")])
    let denial = ran.denials("stuck").first
    #expect(denial?["target"] as? String == "/usr/bin/git", "\(ran.outcome.output)")
    #expect(denial?["count"] as? Int ?? 0 > 1)
  }

  @Test("of a run without denials it is said, and what was watched; a run and a node that aren't there are suggested")
  func nothing() throws {
    let directory = try prepare(["quiet: {type: probe/probe, with: {value: 1}}"])
    #expect(try run(directory).status == 0)
    let told = try explain(directory)
    #expect(told.output.contains("Nothing was denied to its node."), "\(told.output)\(told.errors)")
    #expect(told.output.contains("watched: programs that it starts; system calls"))
    let runs = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs")
    let identifier = try #require(runs.first)
    #expect(try explain(directory, [String(identifier.prefix(12))]).status == 0)
    let json = try explain(directory, [identifier, "--output", "json"])
    #expect(json.output.contains("\"run\": \"\(identifier)\""))
    let other = try explain(directory, [String(identifier.dropLast()) + "x"])
    #expect(other.status == 2 && other.errors.contains("did you mean '\(identifier)'?"), "\(other.errors)")
    let node = try explain(directory, ["last", "quite"])
    #expect(node.status == 2 && node.errors.contains("did you mean 'quiet'?"), "\(node.errors)")
  }

  @Test("reports are their owner's alone, and only the last ones are kept")
  func kept() throws {
    let directory = try prepare(["quiet: {type: probe/probe, with: {value: 1}}"])
    for number in 0..<RunReports.kept {
      let run = "state/runs/20200101T000000Z-" + String(format: "%08x", number)
      try directory.write("\(run)/report.json", "{}")
      // A workspace with results stays.
      if number == 1 { try directory.write("\(run)/workspace/result", "1") }
    }
    try directory.write("state/runs/not-a-run/report.json", "{}")
    #expect(chmod(directory.path + "/state", 0o700) == 0)
    #expect(try run(directory).status == 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs")
    #expect(left.count == RunReports.kept + 1)
    #expect(!left.contains("20200101T000000Z-00000000"))
    #expect(try run(directory).status == 0)
    #expect(directory.exists("state/runs/20200101T000000Z-00000001/workspace/result"))
    #expect(!directory.exists("state/runs/20200101T000000Z-00000001/report.json"))
    let newest = try #require(
      left.filter { $0.hasSuffix("Z") == false && !$0.hasPrefix("2020") && $0 != "not-a-run" }.first)
    let report = directory.path + "/state/runs/\(newest)/report.json"
    let attributes = try FileManager.default.attributesOfItem(atPath: report)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test("an ordinary user is told the same", .enabled(if: geteuid() == 0))
  func ordinaryUser() throws {
    let directory = try TemporaryDirectory(readableByAll: true)
    let executable = try Program.copyCheckout(into: directory)
    try directory.writeWorkflow([Probe.python("clone", "import subprocess\nsubprocess.run(['git'])")])
    try directory.write("probe/plugin.yaml", Self.manifest)
    let user = ["/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    let outcome = try Program.run(
      ["run", "w.yaml", "--plugins", "probe"], in: directory, through: user, executable: executable)
    #expect(outcome.errors.contains("denied: it tried to start the program '/usr/bin/git'"), "\(outcome.errors)")
    let told = try Program.run(["explain", "last", "clone"], in: directory, through: user, executable: executable)
    #expect(told.output.contains("would allow it: system.exec:git"), "\(told.output)\(told.errors)")
  }
}
