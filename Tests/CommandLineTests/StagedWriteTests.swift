import Foundation
import PluginModel
import Testing

/// What nodes write to the workspace, in real sandboxes.
@Suite("filesystem.write", .serialized)
struct StagedWriteTests {
  /// Runs nodes that are given as Python code; each waits for the one before it.
  private func start(_ nodes: [(name: String, options: String, code: String)], in directory: TemporaryDirectory) throws
    -> Running
  {
    try Probe.copy(to: directory)
    var text = "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: sample}\nspec:\n  nodes:\n"
    for node in nodes {
      text += "    \(node.name):\n      type: probe/probe\n"
      if !node.options.isEmpty { text += "      \(node.options)\n" }
      text += "      with:\n        do: python\n        value: |\n"
      text += node.code.split(separator: "\n").map { "          \($0)\n" }.joined()
    }
    text += "  outputs:\n" + nodes.map { "    \($0.name): \($0.name).output\n" }.joined()
    try directory.write("w.yaml", text)
    return try Program.start(
      [
        "run", "w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state", "--workspace", "out",
        "--grant",
        "probe=filesystem.write", "--jobs", "4", "--output", "json",
      ], in: directory)
  }

  private func run(
    _ nodes: (name: String, options: String, code: String)..., in directory: TemporaryDirectory
  ) throws -> Program.Outcome { try start(nodes, in: directory).wait() }

  private func awaitStaged(_ name: String, in directory: TemporaryDirectory, _ running: Running) throws {
    let staging = directory.path + "/state/staging"
    let deadline = Date().addingTimeInterval(30)
    // Not the whole tree: an ordinary user may not look into overlayfs' own directory.
    while !((try? FileManager.default.contentsOfDirectory(atPath: staging)) ?? []).contains(where: {
      var status = stat()
      return lstat("\(staging)/\($0)/upper/\(name)", &status) == 0
    }) {
      try #require(Date() < deadline && running.process.isRunning, "\(running.errors)")
      usleep(10_000)
    }
  }

  private func expectNothingStaged(in directory: TemporaryDirectory) throws {
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/staging") == [])
    #expect(try leftovers(of: directory) == [])
  }

  private func names(_ directory: TemporaryDirectory) -> [String] {
    ((try? FileManager.default.subpathsOfDirectory(atPath: directory.path + "/out")) ?? []).sorted()
  }

  @Test("lands when a node succeeds: new, changed, renamed and removed files, which the next node sees")
  func success() throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "old")
    try directory.write("out/gone", "gone")
    try directory.write("out/moved", "moved")
    try directory.write("out/tree/file", "file")
    let outcome = try run(
      (
        "first", "",
        """
        (workspace / "old").write_text("changed")
        (workspace / "gone").unlink()
        (workspace / "moved").rename(workspace / "there")
        (workspace / "tree" / "file").unlink()
        (workspace / "tree").rmdir()
        (workspace / "tree").mkdir()
        (workspace / "tree" / "new").write_text("new")
        """
      ),
      (
        "second", "needs: [first]",
        """
        result = sorted(os.path.relpath(os.path.join(d, f), workspace) for d, _, fs in os.walk(workspace) for f in fs)
        result.append((workspace / "old").read_text())
        """
      ), in: directory)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let report = try JSONValue(json: outcome.output)
    #expect(report["outputs"]?["second"]?["value"] == ["old", "there", "tree/new", "changed"])
    #expect(names(directory) == ["old", "there", "tree", "tree/new"])
    #expect(try directory.read("out/old") == "changed")
    #expect(try directory.read("out/there") == "moved")
    try expectNothingStaged(in: directory)
  }

  @Test(
    "leaves the workspace as it was when a node fails, dies or passes its deadline",
    arguments: ["raise ValueError('no')", "os.abort()", "import time; time.sleep(60)"])
  func failure(end: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "old")
    let outcome = try run(
      (
        "bad", "timeout: 2s",
        """
        (workspace / "new").write_text("new")
        (workspace / "old").unlink()
        \(end)
        """
      ), in: directory)
    #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
    #expect(names(directory) == ["old"])
    #expect(try directory.read("out/old") == "old")
    try expectNothingStaged(in: directory)
  }

  @Test("leaves the workspace as it was when the node's results are not accepted")
  func notAccepted() throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "old")
    let outcome = try run(("empty", "", "(workspace / 'new').write_text('new')\nresult = nothing"), in: directory)
    #expect(outcome.status == 1 && outcome.output.contains("returned no output"), "\(outcome.output)")
    #expect(names(directory) == ["old"])
    try expectNothingStaged(in: directory)
  }

  @Test(
    "leaves the workspace as it was when the run is interrupted, or its supervisor killed",
    arguments: [SIGINT, SIGKILL])
  func interrupted(signal: Int32) throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "old")
    let slow = """
      (workspace / "new").write_text("new")
      (workspace / "old").unlink()
      open("/tmp/written", "w").close()
      import time
      time.sleep(60)
      """
    let running = try start([("slow", "", slow)], in: directory)
    try awaitStaged("old", in: directory, running)
    kill(running.process.processIdentifier, signal)
    running.process.waitUntilExit()
    #expect(names(directory) == ["old"])
    // What a killed supervisor could not remove goes with the next run.
    #expect(try run(("next", "", "result = 1"), in: directory).status == 0)
    #expect(names(directory) == ["old"])
    try expectNothingStaged(in: directory)
  }

  @Test("lands in the directory that the node was shown, whatever is in its place by then")
  func exchangedWorkspace() throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "old")
    try directory.write("elsewhere/old", "old")
    let slow = """
      (workspace / "new").write_text("new")
      import time
      time.sleep(3)
      """
    let running = try start([("slow", "", slow)], in: directory)
    try awaitStaged("new", in: directory, running)
    #expect(rename(directory.path + "/out", directory.path + "/moved") == 0)
    #expect(symlink(directory.path + "/elsewhere", directory.path + "/out") == 0)
    let outcome = try running.wait()
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(!directory.exists("elsewhere/new"))
    #expect(try directory.read("moved/new") == "new")
  }

  @Test("is not removed by a supervisor that doesn't see the one whose node writes, and is when nobody has it")
  func otherProcessNamespace() throws {
    let directory = try TemporaryDirectory()
    let staging = directory.path + "/state/staging"
    // No process of this namespace has such a start time.
    try directory.write("state/staging/orchestrator-1-1-1/upper/new", "new")
    let held = open(staging + "/orchestrator-1-1-1", O_RDONLY | O_DIRECTORY)
    #expect(flock(held, LOCK_EX) == 0)
    #expect(try run(("first", "", "result = 1"), in: directory).status == 0)
    #expect(directory.exists("state/staging/orchestrator-1-1-1/upper/new"))
    close(held)
    #expect(try run(("second", "", "result = 1"), in: directory).status == 0)
    try expectNothingStaged(in: directory)
  }

  @Test("takes no set-id bit along, and nothing that isn't a file, a directory or a link")
  func hostile() throws {
    let directory = try TemporaryDirectory()
    let modes = """
      program = workspace / "program"
      program.write_text("#!/bin/sh")
      try:
          os.chmod(program, 0o6755)
      except PermissionError:
          pass
      (workspace / "link").symlink_to("/etc/shadow")
      """
    #expect(try run(("modes", "", modes), in: directory).status == 0)
    var status = stat()
    #expect(lstat(directory.path + "/out/program", &status) == 0)
    #expect(status.st_mode & 0o7000 == 0)
    #expect(status.st_uid == geteuid())
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: directory.path + "/out/link") == "/etc/shadow")

    let before = names(directory)
    let refused = try run(
      ("bad", "", "(workspace / 'a').write_text('a')\nos.mkfifo(workspace / 'queue')"), in: directory)
    #expect(refused.status == 1)
    let error = try JSONValue(json: refused.output)["nodes"]?.arrayValue?.first?["error"]
    #expect(error?["message"] == "what the node wrote can't be taken into the workspace")
    #expect(error?["cause"]?.stringValue?.hasSuffix("queue is a FIFO") == true, "\(refused.output)")
    #expect(names(directory) == before)
    try expectNothingStaged(in: directory)
  }

  @Test("of nodes that run at the same time lands whole, one after the other")
  func concurrent() throws {
    let directory = try TemporaryDirectory()
    let nodes = (0..<4).map { number in
      (
        name: "n\(number)", options: "",
        code: """
        (workspace / "own-\(number)").write_text("\(number)")
        (workspace / "shared").write_text("\(number)" * 100_000)
        """
      )
    }
    let outcome = try start(nodes, in: directory).wait()
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(names(directory) == ["own-0", "own-1", "own-2", "own-3", "shared"])
    let shared = try directory.read("out/shared")
    #expect(Set(shared).count == 1 && shared.count == 100_000)
    try expectNothingStaged(in: directory)
  }

  @Test("is shown by plan show and doctor as what it is on this host")
  func shown() throws {
    let directory = try TemporaryDirectory()
    try Probe.copy(to: directory)
    let doctor = try Program.run(["doctor"], in: directory)
    #expect(doctor.output.contains("✓ writes that wait for success"), "\(doctor.output)")
    let plan = try Program.run(
      [
        "plan", "show", "probe", "--plugins", "probe", "--state-dir", directory.path + "/state", "--grant",
        "probe=filesystem.write", "--workspace", directory.path + "/out",
      ], in: directory)
    #expect(plan.output.contains("written when the node has succeeded"), "\(plan.errors)\(plan.output)")
  }
}
