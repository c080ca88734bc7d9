import Foundation
import PluginModel
import Testing

/// What `deploy/install` makes, with the programs that were built for the tests.
@Suite("The installed layout", .serialized)
struct InstallTests {
  private func install(
    to prefix: String, in directory: TemporaryDirectory, through wrapper: [String] = []
  ) throws -> Program.Outcome {
    let built = (try Program.executable() as NSString).deletingLastPathComponent
    return try Program.run(
      ["--prefix", prefix, "--programs", built], in: directory, through: wrapper,
      executable: Program.package + "/deploy/install")
  }

  private func python(_ code: String, in directory: TemporaryDirectory) throws -> String {
    let package = directory.path + "/prefix/share/orchestrator/python"
    let outcome = try Program.run(
      ["-I", "-B", "-c", "import sys; sys.path.insert(0, '\(package)'); \(code)"], in: directory,
      executable: "/usr/bin/python3")
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome.output
  }

  @Test("runs the example with what lies in bin, libexec and share, and nothing of the checkout")
  func example() throws {
    let directory = try TemporaryDirectory()
    let prefix = directory.path + "/prefix"
    let installed = try install(to: prefix, in: directory)
    try #require(installed.status == 0, "\(installed.errors)")
    #expect(installed.output.contains("installed orchestrator 1.0.0 in \(prefix)"))
    let program = prefix + "/bin/orchestrator"
    let grant = "files=filesystem.read:/usr/share/common-licenses"
    let state = ["--state-dir", "state"]
    let outcome = try Program.run(
      ["run", prefix + "/share/orchestrator/examples/license-report.yaml", "--workspace", "out", "--grant", grant]
        + ["--grant", "files=filesystem.write"] + state, in: directory, executable: program)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(try directory.read("out/license-report.html").contains("<svg"))

    let shown = try Program.run(["plan", "show", "files", "--json"] + state, in: directory, executable: program)
    #expect(shown.output.contains("\"\(prefix)/share/orchestrator/python\""))
    #expect(shown.output.contains("\"\(prefix)/share/orchestrator/plugins/files\""))
    let made = try Program.run(["plugin", "new", "mine"], in: directory, executable: program)
    #expect(made.status == 0, "\(made.errors)")
    #expect(directory.exists("plugins/mine/tests"))
    let checkout = URL(fileURLWithPath: Program.package).standardizedFileURL.path
    #expect(!(shown.output + made.output).contains(checkout))
  }

  @Test("has byte code for every module, and an edited source counts all the same")
  func byteCode() throws {
    let directory = try TemporaryDirectory()
    #expect(try install(to: directory.path + "/prefix", in: directory).status == 0)
    // PEP 552: flags 0b11 is a hash of the source that is checked. A time would go stale with a copy, an unchecked hash
    // with an edit.
    let flags = try python(
      """
      import importlib.util, glob; \
      print({int.from_bytes(open(importlib.util.cache_from_source(path), 'rb').read()[4:8], 'little') \
      for root in [sys.path[0], sys.path[0] + '/../plugins'] for path in glob.glob(root + '/*/*.py')})
      """, in: directory)
    #expect(flags == "{3}\n")

    let source = "prefix/share/orchestrator/python/pipeline/__init__.py"
    let old = try directory.read(source)
    let date = try FileManager.default.attributesOfItem(atPath: directory.path + "/" + source)[.modificationDate]
    #expect(try python("import pipeline; print(pipeline.__version__)", in: directory) == "1.0.0\n")
    try directory.write(source, old.replacingOccurrences(of: "\"1.0.0\"", with: "\"9.9.9\""))
    try FileManager.default.setAttributes(
      [.modificationDate: #require(date)], ofItemAtPath: directory.path + "/" + source)
    #expect(try python("import pipeline; print(pipeline.__version__)", in: directory) == "9.9.9\n")
  }

  @Test("replaces what an earlier version left")
  func upgrade() throws {
    let directory = try TemporaryDirectory()
    try directory.write("prefix/share/orchestrator/python/pipeline/removed.py", "")
    try directory.write("prefix/share/orchestrator/plugins/removed/plugin.yaml", "")
    try directory.write("prefix/share/other/kept", "")
    #expect(try install(to: directory.path + "/prefix", in: directory).status == 0)
    #expect(!directory.exists("prefix/share/orchestrator/python/pipeline/removed.py"))
    #expect(!directory.exists("prefix/share/orchestrator/plugins/removed"))
    #expect(directory.exists("prefix/share/other/kept"))
  }

  @Test("isn't made where that isn't allowed, and the error says where else")
  func forbidden() throws {
    let directory = try TemporaryDirectory()
    let wrapper = geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"] : []
    let outcome = try install(to: "/usr/orchestrator-test", in: directory, through: wrapper)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("deploy/install --prefix ~/.local"))
  }
}
