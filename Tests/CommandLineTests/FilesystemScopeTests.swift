import Foundation
import Glibc
import PluginModel
import Testing

/// Scoped grants through the whole program, in real sandboxes: CVE-2024-42472, CVE-2021-30465 and CVE-2026-25725 are of
/// this class.
@Suite("A granted path", .serialized)
struct FilesystemScopeTests {
  /// Runs one node with this code.
  private func run(
    _ code: String, grant: String..., in directory: TemporaryDirectory, options: [String] = [], through: [String] = []
  ) throws -> Program.Outcome {
    try directory.writeWorkflow([Probe.python("n", code)], outputs: "{o: n.output}")
    return try Program.run(
      ["run", "w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state"] + options
        + grant.flatMap { ["--grant", "probe=\($0)"] },
      in: directory, through: through)
  }

  /// As a mount namespace has it in which these commands were run before.
  private func mounting(_ commands: String) -> [String] {
    ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", commands + "\nexec \"$@\"", "sh"]
  }

  @Test("that is a link, or leads through one, is refused with what it leads to", arguments: ["link", "way/data"])
  func links(_ path: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write("data/f", "secret")
    try FileManager.default.createSymbolicLink(
      atPath: directory.path + "/link", withDestinationPath: directory.path + "/data")
    try FileManager.default.createSymbolicLink(atPath: directory.path + "/way", withDestinationPath: directory.path)
    for permission in ["read", "write"] {
      let outcome = try run("result = 1", grant: "filesystem.\(permission):\(directory.path)/\(path)", in: directory)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("grant what it leads to: \(directory.path)/data"), "\(outcome.errors)")
      #expect(!outcome.output.contains("done"))
    }
  }

  @Test(
    "that climbs, or has a control character, is refused; so is one that isn't there, before anything starts",
    arguments: [("../data", "can't cover"), ("new\nline", "control characters"), ("missing", "doesn't exist")])
  func unsuitable(_ path: String, _ expected: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write("data/f", "secret")
    let outcome = try run("result = 1", grant: "filesystem.read:\(directory.path)/data/\(path)", in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(expected) || outcome.errors.contains("can cover"), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(!directory.exists("data/missing"))
  }

  @Test("that another plugin swaps for a link once it was planned is not followed")
  func swapped() throws {
    let directory = try TemporaryDirectory()
    try directory.write("secret/f", "the secret")
    try directory.write("shared/sub/f", "harmless")
    let shared = directory.path + "/shared"
    try Probe.copy(to: directory)
    try FileManager.default.copyTree(from: directory.path + "/probe", to: directory.path + "/reader")
    try directory.write(
      "reader/plugin.yaml", try directory.read("probe/plugin.yaml").replacing("name: probe", with: "name: reader"))
    let swap = """
      import os
      os.rename("\(shared)/sub", "\(shared)/away")
      os.symlink("\(directory.path)/secret", "\(shared)/sub")
      """
    let reading = Probe.python("r", "result = open(\"\(shared)/sub/f\").read()", ", needs: [w]")
      .replacing("probe/probe", with: "reader/probe")
    try directory.writeWorkflow([Probe.python("w", swap), reading], outputs: "{o: r.output}")
    let outcome = try Program.run(
      [
        "run", "w.yaml", "--plugins", "probe", "--plugins", "reader", "--state-dir", directory.path + "/state",
        "--grant", "probe=filesystem.write:\(shared)", "--grant", "reader=filesystem.read:\(shared)/sub",
      ], in: directory)
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect((outcome.errors + outcome.output).contains("symbolic link"), "\(outcome.errors)")
    #expect(!(outcome.errors + outcome.output).contains("the secret"))
    var status = stat()
    #expect(lstat(shared + "/sub", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test("in which a plugin planted links, a FIFO and a socket leads nobody out who is granted it later")
  func planted() throws {
    let directory = try TemporaryDirectory()
    try directory.write("secret/f", "the secret")
    try directory.write("shared/keep", "")
    let shared = directory.path + "/shared"
    let plant = """
      import os, socket
      os.symlink("\(directory.path)/secret", "\(shared)/l")
      os.mkfifo("\(shared)/p")
      socket.socket(socket.AF_UNIX).bind("\(shared)/s")
      refused = []
      for attempt in (lambda: os.mknod("\(shared)/d", 0o20666, os.makedev(1, 3)),
                      lambda: os.link("/plugin/probe.py", "\(shared)/h"),
                      lambda: os.chmod("\(shared)/keep", 0o4755)):
          try:
              attempt()
          except OSError:
              refused.append(1)
      result = len(refused)
      """
    let planted = try run(plant, grant: "filesystem.write:\(shared)", in: directory)
    #expect(planted.status == 0, "\(planted.errors)")
    #expect(planted.output.contains("o: 3"), "\(planted.output)")

    let follow = "try:\n    result = open(\"\(shared)/l/f\").read()\nexcept OSError as error:\n    result = repr(error)"
    let followed = try run(follow, grant: "filesystem.read:\(shared)", in: directory)
    #expect(followed.status == 0, "\(followed.errors)")
    #expect(followed.output.contains("FileNotFoundError"), "\(followed.output)")
    for name in ["l", "l/f", "p", "s"] {
      let outcome = try run("result = 1", grant: "filesystem.read:\(shared)/\(name)", in: directory)
      #expect(outcome.status == 2, "\(name): \(outcome.errors)")
    }
  }

  @Test("with spaces in its name, and names in it that are no text, is shown as it is")
  func names() throws {
    let directory = try TemporaryDirectory()
    try directory.write("sp ace/f", "")
    let path = directory.path + "/sp ace"
    for name: [UInt8] in [[0xFF, 0x0A], Array("a b\u{1B}[2J".utf8)] {
      let bytes = Array(path.utf8CString.dropLast()) + [0x2F] + name.map { CChar(bitPattern: $0) } + [0]
      try #require(close(open(bytes, O_CREAT | O_WRONLY, 0o644)) == 0)
    }
    let outcome = try run(
      "import os\nresult = ascii(sorted(os.listdir(b\"\(path)\")))", grant: "filesystem.read:\(path)", in: directory,
      options: ["--output", "json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let said = try JSONValue(json: outcome.output)["outputs"]?["o"]?["value"]?.stringValue
    #expect(said == "[b'a b\\x1b[2J', b'f', b'\\xff\\n']", "\(outcome.output)")
  }

  @Test("the workspace takes files whose names are no text, and says so in JSON where it takes one not")
  func workspaceNames() throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "")
    let options = ["--workspace", directory.path + "/out", "--output", "json"]
    let code = "import os\nopen(os.path.join(os.fsencode(workspace), b\"bad\\xff\\n\"), \"w\").close()\nresult = 1"
    let written = try run(
      code.replacing("\\", with: "\\\\"), grant: "filesystem.write", in: directory, options: options)
    #expect(written.status == 0, "\(written.errors)\(written.output)")
    let landed = open(Array((directory.path + "/out/bad").utf8CString.dropLast()) + [-1, 0x0A, 0], O_RDONLY)
    #expect(landed >= 0)
    close(landed)

    let fifo = "import os\nos.mkfifo(os.path.join(os.fsencode(workspace), b\"pipe\\xff\\n\"))\nresult = 1"
    let refused = try run(
      fifo.replacing("\\", with: "\\\\"), grant: "filesystem.write", in: directory, options: options)
    #expect(refused.status == 1, "\(refused.errors)\(refused.output)")
    let report = try JSONValue(json: refused.output).text()
    #expect(report.contains("xff") && report.contains("is a FIFO"), "\(report)")
  }

  @Suite("on mounts of its own", .enabled(if: geteuid() == 0))
  struct Mounts {
    private let scopes = FilesystemScopeTests()

    @Test("is shown with what is mounted beneath it, and as the grant says: read-only everywhere")
    func beneath() throws {
      let directory = try TemporaryDirectory()
      try directory.write("tree/sub/hidden", "")
      try directory.write("inner/f", "")
      try #require(chmod(directory.path + "/inner", 0o777) == 0)
      let wrapper = scopes.mounting("mount --bind '\(directory.path)/inner' '\(directory.path)/tree/sub'")
      let code = """
        import os
        result = ",".join(os.listdir("\(directory.path)/tree/sub"))
        try:
            open("\(directory.path)/tree/sub/new", "w")
        except OSError as error:
            result += " " + os.strerror(error.errno)
        """
      let outcome = try scopes.run(
        code, grant: "filesystem.read:\(directory.path)/tree", in: directory, through: wrapper)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("o: f Read-only file system"), "\(outcome.output)")
    }

    @Test("that is mounted read-only can't be granted to be written, nor be a workspace that is")
    func readOnly() throws {
      let directory = try TemporaryDirectory()
      try directory.write("media/f", "")
      let media = directory.path + "/media"
      let wrapper = scopes.mounting("mount --bind '\(media)' '\(media)'\nmount -o remount,bind,ro '\(media)'")
      let scoped = try scopes.run(
        "result = 1", grant: "filesystem.write:\(media)", in: directory, through: wrapper)
      #expect(scoped.status == 2, "\(scoped.errors)")
      #expect(scoped.errors.contains("it is mounted read-only (EROFS)"))
      #expect(scoped.errors.contains("grant filesystem.read:\(media) in its place"))
      let workspace = try scopes.run(
        "result = 1", grant: "filesystem.write", in: directory, options: ["--workspace", media], through: wrapper)
      #expect(workspace.status == 2, "\(workspace.errors)")
      #expect(workspace.errors.contains("--workspace"))
      let read = try scopes.run(
        "import os\nresult = os.listdir(\"\(media)\")[0]", grant: "filesystem.read:\(media)", in: directory,
        through: wrapper)
      #expect(read.status == 0, "\(read.errors)")
    }

    @Test("of another user is that user's still: what a plugin of root's writes there belongs to the directory's owner")
    func owner() throws {
      let directory = try TemporaryDirectory()
      try directory.write("owned/f", "theirs")
      let owned = directory.path + "/owned"
      for path in [owned, owned + "/f"] { try #require(chown(path, 4242, 4242) == 0 && chmod(path, 0o700) == 0) }
      let code = """
        import os
        open("\(owned)/n", "w").close()
        result = open("\(owned)/f").read() + str(os.stat("\(owned)/n").st_uid)
        """
      let outcome = try scopes.run(code, grant: "filesystem.write:\(owned)", in: directory)
      #expect(outcome.output.contains("o: theirs1000"), "\(outcome.errors)")
      var status = stat()
      #expect(stat(owned + "/n", &status) == 0 && status.st_uid == 4242 && status.st_gid == 4242)
    }
  }
}
