import Foundation
import LinuxSystem
import PluginModel
import Testing

@Suite("Commands")
struct CommandNodeTests {
  private static let secret = "s3cr3t-v4lue-of-a-token"
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func run(
    _ extra: String..., environment: [String: String] = [:], grants: [String] = ["filesystem.write", "system.exec"]
  ) throws -> Program.Outcome {
    let granted = grants.flatMap { ["--grant", "command=\($0)"] }
    return try Program.run(
      ["run", "w.yaml", "--state-dir", "state", "--workspace", "work", "--no-consent"] + granted + extra, in: directory,
      environment: environment)
  }

  /// - Parameter nodes: YAML, a node a line.
  private func write(_ nodes: String..., more: String = "") throws {
    try directory.writeWorkflow(nodes, outputs: more.isEmpty ? "{}" : more)
  }

  @Test("a step has a shell, its workspace and its variables, and nothing of the environment of who starts it")
  func environment() throws {
    try write(
      #"a: {run: "env | sort > env.txt; pwd; ls /proc/self/fd | wc -l", env: {LEVEL: 1.10}}"#,
      #"b: {run: "cat ../workspace/env.txt", needs: [a], shell: bash}"#)
    let outcome = try run(environment: ["LEAKED_BY_THE_CALLER": "yes"])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.output.contains("a | /workspace"))
    let names = outcome.output.split(separator: "\n").compactMap { line in
      line.contains("b | ")
        ? line.split(separator: "|").last?.split(separator: "=").first.map { $0.trimmingCharacters(in: .whitespaces) }
        : nil
    }
    #expect(names.contains("LEVEL") && names.contains("CI") && names.contains("ORCHESTRATOR_NODE"))
    #expect(!outcome.output.contains("LEAKED_BY_THE_CALLER"))
  }

  @Test("what an expression yields reaches a command as a variable, and never becomes a part of it")
  func injection() throws {
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        inputs: {title: {type: string}, level: {type: number, default: 3}}
        nodes:
          a: {run: 'echo "$LEVEL title: $TITLE"', env: {TITLE: "${{ inputs.title }}", LEVEL: "${{ inputs.level }}"}}
      """)
    let outcome = try run("--input", "title=$(touch broken); touch broken `touch broken`")
    #expect(outcome.status == 0 && outcome.output.contains("3 title: $(touch broken); touch broken `touch broken`"))
    #expect(!directory.exists("work/broken"))
  }

  @Test("a step that isn't granted to start programs says what it lacks")
  func notGranted() throws {
    try write("a: {run: ls}")
    let outcome = try run(grants: [])
    #expect(outcome.status != 0)
    #expect((outcome.output + outcome.errors).contains("command=system.exec"), "\(outcome)")
  }

  @Test(
    "a failure names the status or the signal, and shows the last lines and no traceback",
    arguments: [("echo last words; exit 7", "status 7"), ("kill -SEGV $$", "SIGSEGV"), ("nosuchprogram", "status 127")])
  func failure(command: String, says: String) throws {
    try write("a: {run: \(JSONValue.string(command).text())}")
    let outcome = try run()
    #expect(outcome.status == 1 && outcome.errors.contains(says), "\(outcome)")
    #expect(!outcome.errors.contains("Traceback") && !outcome.errors.contains("command_plugin.py"))
    if command.contains("echo") { #expect(outcome.errors.contains("last words")) }
  }

  @Test("what a step of a failed node wrote doesn't reach the workspace; what succeeded does, and is an artifact")
  func artifacts() throws {
    try write(
      #"good: {run: "mkdir -p dist/deep; echo one > dist/a.txt; echo two > dist/deep/b.txt; ln -s /etc/passwd dist/c", artifacts: ["dist/**"]}"#,
      #"bad: {run: "echo no > no.txt; exit 1", continue-on-error: true}"#,
      #"none: {run: "true", artifacts: ["*.zip"], continue-on-error: true}"#,
      more: "{paths: good.paths, files: good.artifacts}")
    let outcome = try run("--output", "json")
    let report = try JSONValue(json: outcome.output)
    #expect(report["outputs"]?["paths"]?.text().contains("dist/deep/b.txt") == true, "\(outcome)")
    #expect(report["outputs"]?["paths"]?.text().contains("dist/c") == false, "a link is no artifact")
    #expect(directory.exists("work/dist/deep/b.txt") && !directory.exists("work/no.txt"))
    let none = report["nodes"]?.arrayValue?.first { $0["node"] == "none" }
    #expect(none?.text().contains("*.zip") == true)
  }

  @Test("a secret is in the command's environment, and in no log, journal, report, key, file of state or command line")
  func secrets() throws {
    // The shell's own commands alone are told it: what is given to a program is in that one's command line.
    try write(
      #"a: {run: "echo $TOKEN; echo x${TOKEN}y >&2; printf %s $TOKEN | tr a-z A-Z; sleep 0.3; cd /nosuch/$TOKEN; exit 3", secrets: [TOKEN], continue-on-error: true}"#,
      #"b: {run: "test \"$(cat)\" = '' && printenv TOKEN && exit 9 || true", needs: [a]}"#)
    let seen = CommandLines(of: Self.secret)
    let outcome = try run(
      "--secret", "TOKEN", "--report", "report.html", "--trace", "trace.json", environment: ["TOKEN": Self.secret])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(seen.stop() == 0, "in a command line of a process")
    #expect(outcome.output.contains("a | ***") && outcome.output.contains("x***y"))
    #expect(outcome.output.contains(Self.secret.uppercased()), "the command had it")
    #expect(!outcome.output.contains(Self.secret) && !outcome.errors.contains(Self.secret))
    let found = files().filter { $0.bytes.range(of: Data(Self.secret.utf8)) != nil }.map(\.path)
    #expect(files().contains { $0.path == "report.html" } && found.isEmpty, "\(found)")
    let logs = try Program.run(["runs", "logs", "--state-dir", "state"], in: directory)
    #expect(logs.output.contains("***") && !logs.output.contains(Self.secret))
  }

  @Test(
    "a node that yields a secret fails, also by a file's name; what it left in a file is masked where another prints it"
  )
  func secretsElsewhere() throws {
    try write(
      #"names: {run: "mkdir -p dist/$TOKEN; echo hi > dist/$TOKEN/x", secrets: [TOKEN], artifacts: ["dist/**"]}"#,
      #"leaves: {run: "echo url=https://u:$TOKEN@h > .cfg", secrets: [TOKEN]}"#,
      #"prints: {run: "cat .cfg; echo \"a$(cat .cfg)b\" >&2", needs: [leaves]}"#,
      #"junit: {run: "printf '<testsuite name=\"s\"><testcase name=\"%01020d%s\"/></testsuite>' 0 $TOKEN > t.xml","#
        + #" secrets: [TOKEN], reports: {junit: t.xml}}"#, more: "{paths: names.paths}")
    for format in ["jsonl", "junit"] {
      let outcome = try run("--secret", "TOKEN", "--output", format, environment: ["TOKEN": Self.secret])
      #expect(outcome.output.contains("holds a secret"), "\(outcome)")
      #expect(format == "junit" || outcome.output.contains("url=https://u:***@h"), "\(outcome)")
      #expect(!outcome.output.contains(Self.secret.prefix(8)) && !outcome.errors.contains(Self.secret.prefix(8)))
    }
    // The workspace has the file, as the command meant it.
    let kept = files().filter { !$0.path.hasPrefix("work/") && $0.bytes.range(of: Data(Self.secret.utf8)) != nil }
    #expect(kept.isEmpty, "\(kept.map(\.path))")
  }

  /// Everything beneath the directory, the state's database and logs too.
  private func files() -> [(path: String, bytes: Data)] {
    (FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []).compactMap { path in
      FileManager.default.contents(atPath: "\(directory.path)/\(path)").map { (path, $0) }
    }
  }

  @Test(
    "a secret comes from a file too, and one that is missing, unknown, too short or misplaced is told before anything runs"
  )
  func secretSources() throws {
    // Not the one that must be in no command line.
    let secret = "4nother-v4lue-of-a-token"
    try write(#"a: {run: "echo ${#TOKEN}", secrets: [TOKEN]}"#)
    try directory.write("token.txt", "\(secret)\n")
    let outcome = try run("--secret", "TOKEN=token.txt")
    #expect(outcome.status == 0 && outcome.output.contains("a | \(secret.utf8.count)"), "\(outcome)")
    let refusals: [([String], String)] = [
      ([], "needs the secret 'TOKEN'"), (["--secret", "TOKEN"], "no environment variable"),
      (["--secret", "TOKEN=\(secret)"], "is no such file"),
      (["--secret", "TOKEN=work"], "is no regular file"), (["--secret", secret], "its secrets are TOKEN"),
      (["--secret", "TOKNE=token.txt"], "its secrets are TOKEN"),
      (["--secret", "TOKEN=token.txt", "--secret", "TOKEN=token.txt"], "twice"),
    ]
    for (options, says) in refusals {
      let refused = try Program.run(
        ["run", "w.yaml", "--state-dir", "state", "--workspace", "work", "--no-consent"] + options, in: directory)
      #expect(refused.status == 2 && refused.errors.contains(says), "\(options): \(refused)")
      #expect(!refused.errors.contains(secret))
    }
    try #require(mkfifo(directory.path + "/pipe", 0o600) == 0)
    let pipe = directory.path + "/pipe"
    Thread.detachNewThread { try? Data("\(secret)\n".utf8).write(to: URL(fileURLWithPath: pipe)) }
    let piped = try run("--secret", "TOKEN=pipe")
    #expect(piped.status == 0 && piped.output.contains("a | \(secret.utf8.count)"), "\(piped)")
    try directory.write("token.txt", "hunt3r2\r\n")
    #expect(try run("--secret", "TOKEN=token.txt").output.contains("a | 7"))
    try directory.write("token.txt", "abc")
    let short = try run("--secret", "TOKEN=token.txt")
    #expect(short.status == 2 && short.errors.contains("fewer than 4 bytes"))
  }

  @Test("a step that failed says how, and nothing of plugins; what an expression yields is text to it, and no pattern")
  func words() throws {
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        inputs:
          yes: {type: boolean, default: true}
          all: {type: list, default: [3, null]}
          name: {type: string, default: "a*"}
        nodes:
          bad: {run: "exit 3", continue-on-error: true}
          env: {run: 'echo "<$A><$B><$C>"', env: {A: "${{ inputs.all[1] }}", B: "${{ inputs.yes }}", C: "${{ inputs.all[0] }}"}}
          list: {run: "true", env: {A: "${{ inputs.all }}"}, continue-on-error: true}
          keep: {run: "touch 'a*.txt' ab.txt c.txt", artifacts: ["${{ inputs.name }}.txt", "c*"]}
        outputs: {paths: keep.paths}
      """)
    let outcome = try run()
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.errors.contains("bad: the command failed with status 3"), "\(outcome)")
    #expect(!outcome.errors.contains("raised") && !outcome.errors.contains("CommandFailed"))
    #expect(outcome.output.contains("env | <><true><3>"), "\(outcome)")
    #expect(outcome.errors.contains("list: the variable 'A' is a list, not text"), "\(outcome)")
    #expect(outcome.output.contains(#"["a*.txt","c.txt"]"#), "\(outcome)")
  }

  @Test("the tests that a step ran are in the JUnit report, whether it failed or not")
  func tests() throws {
    try directory.write(
      "work/reports/t.xml",
      """
      <testsuite name="unit"><testcase classname="m.C" name="good" time="0.5"/>
      <testcase classname="m.C" name="bad" time="0.1"><failure message="1 &lt; 2">details</failure></testcase></testsuite>
      """)
    try write(#"a: {run: "exit 1", reports: {junit: "reports/*.xml"}}"#)
    let text = try run()
    #expect(text.output.contains("a | 2 tests: 1 passed, 1 failed"), "\(text)")
    let junit = try run("--output", "junit")
    #expect(junit.status == 1)
    #expect(junit.output.contains("<testsuite name=\"a: unit\" tests=\"2\" failures=\"1\""), "\(junit)")
    #expect(junit.output.contains("<testcase classname=\"m.C\" name=\"bad\"") && junit.output.contains("1 &lt; 2"))
  }

  @Test("a step starts what a step before it has built; under a profile that doesn't say so it can't")
  func built() throws {
    try write(
      #"a: {run: "printf '#!/bin/sh\necho built\n' > app; chmod +x app; cp app /tmp/app; /tmp/app; cp /usr/bin/true native"}"#,
      #"b: {run: "./app && ./native && echo both", needs: [a]}"#)
    let outcome = try run()
    #expect(outcome.status == 0 && outcome.output.contains("a | built"), "\(outcome)")
    #expect(outcome.output.contains("b | built") && outcome.output.contains("b | both"))
    let refused = try run("--profile", "command=default")
    #expect(refused.status == 1 && refused.errors.contains("status 126"), "\(refused)")
  }

  @Test("cancelling ends the command and all that it started")
  func cancelled() throws {
    try write(#"a: {run: "sleep 4217 & sleep 4218; echo never"}"#)
    let outcome = try run("--timeout", "2s")
    #expect(outcome.status == 124, "\(outcome)")
    let left = CommandLines(of: "sleep\u{0}421")
    usleep(100_000)
    #expect(left.stop() == 0)
  }
}

/// Looks at the command lines of all processes until it is stopped.
private final class CommandLines: Sendable {
  private let state = Lock((found: 0, isStopped: false, isDone: false))

  init(of text: String) {
    Thread.detachNewThread { [self] in
      while !state.withLock({ $0.isStopped }) {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let found = processes.count { process in
          guard Int(process) != nil, let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else {
            return false
          }
          return line.range(of: Data(text.utf8)) != nil
        }
        state.withLock { $0.found += found }
        usleep(20_000)
      }
      state.withLock { $0.isDone = true }
    }
  }

  /// - Returns: how often the text was seen.
  func stop() -> Int {
    state.withLock { $0.isStopped = true }
    while !state.withLock({ $0.isDone }) { usleep(5_000) }
    return state.withLock { $0.found }
  }
}
