import Foundation
import Testing

/// What a newcomer may type. Each is told in words that lead on, and ends with 2.
@Suite("Mistakes on the command line")
struct MistakeTests {
  private static let workflow =
    "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: w}\n"
    + "spec: {nodes: {a: {type: files/read, with: {path: x}}}}\n"

  private func directory() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try directory.write("ok.yaml", Self.workflow)
    try directory.write("empty.yaml", "")
    try directory.write("text.yaml", "just text")
    try directory.write("cut.json", "{\"apiVersion\": ")
    try directory.write("folder/x", "")
    try directory.write("big.yaml", String(repeating: "a", count: 10 << 20))
    try Data([0x61, 0x3A, 0x20, 0xFF]).write(to: URL(fileURLWithPath: directory.path + "/latin.yaml"))
    #expect(mkfifo(directory.path + "/pipe.yaml", 0o644) == 0)
    return directory
  }

  @Test(
    "are told, with what to do",
    arguments: [
      (["runn", "ok.yaml"], "did you mean 'run'?"), (["plugin", "lst"], "did you mean 'list'?"),
      (["plan", "shwo", "files"], "did you mean 'show'?"), (["validate"], "Missing expected argument '<workflow>'"),
      (["validate", "ok.yml"], "hint: check the path"), (["validate", ""], "the name of a file is empty"),
      (["validate", "folder"], "folder is not a regular file\n  hint: name a file"),
      (["validate", "pipe.yaml"], "is not a regular file"),
      (["validate", "empty.yaml"], "empty.yaml:1:1: error: the file is empty"),
      (["validate", "big.yaml"], "is larger than 4194304 bytes"),
      (["validate", "latin.yaml"], "latin.yaml:1:4: error: the file is not UTF-8"),
      (["validate", "text.yaml"], "known: apiVersion, kind, metadata, spec, layout"),
      (["validate", "cut.json"], "this is not valid JSON"),
      (["graph", "ok.yaml", "-o", "picture.png"], "a picture is .svg or .txt"),
      (["graph", "ok.yaml", "-o", "folder"], "folder can't be written"),
      (["graph", "ok.yaml", "-o", "missing/x.svg"], "name a file in a directory that exists"),
      (["run", "ok.yaml", "--plugins", "ok.yaml"], "ok.yaml can't be read"),
      (["run", "ok.yaml", "--timeout", "0s"], "a whole number above 0"),
      (["run", "ok.yaml", "--workspace", "ok.yaml"], "name a writable directory with --workspace"),
      (["run", "ok.yaml", "--grant", "files=filesystem.reed"], "did you mean 'filesystem.read'?"),
      (["plugin", "new", "Greeter"], "use a lower-case letter"),
    ] as [([String], String)])
  func told(arguments: [String], words: String) throws {
    let takesState = ["graph", "run"].contains(arguments[0])
    let outcome = try Program.run(arguments + (takesState ? ["--state-dir", "state"] : []), in: directory())
    #expect(outcome.status == 2, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
    #expect(!outcome.errors.contains("//"))
  }

  @Test("are told: a file that only another user may read")
  func unreadable() throws {
    let directory = try TemporaryDirectory()
    try directory.write("theirs.yaml", Self.workflow)
    let path = directory.path + "/theirs.yaml"
    // Root without its capabilities may read no more than anybody else.
    let isRoot = geteuid() == 0
    #expect(chmod(path, isRoot ? 0o600 : 0) == 0 && (!isRoot || chown(path, 54321, 54321) == 0))
    let wrapper = isRoot ? ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"] : []
    let outcome = try Program.run(["validate", "theirs.yaml"], in: directory, through: wrapper)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("theirs.yaml can't be read"), "\(outcome.errors)")
    #expect(outcome.errors.contains("let this user read it"))
  }

  @Test("Windows line ends, a byte order mark and any file name make no difference", arguments: ["w.yaml", "w"])
  func harmless(name: String) throws {
    let directory = try directory()
    try directory.write(name, "\u{FEFF}" + Self.workflow.replacingOccurrences(of: "\n", with: "\r\n"))
    let outcome = try Program.run(["validate", name, "--state-dir", "state"], in: directory)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
