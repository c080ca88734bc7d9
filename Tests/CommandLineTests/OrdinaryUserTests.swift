import Foundation
import Testing

/// Root may leave its groups; an ordinary user may not: setgroups(2) is forbidden in the user namespaces that it makes,
/// user_namespaces(7). Its workers are members of all its groups, so what is visible to them is all that counts.
@Suite("A plugin of an ordinary user with further groups", .enabled(if: geteuid() == 0))
struct OrdinaryUserTests {
  private static let user = 54_321
  private static let group = 54_322

  /// Reads a file that only members of the group may read, and whose directory lies outside of every sandbox.
  private func read(_ path: (TemporaryDirectory) -> String, grants: (TemporaryDirectory) -> [String]) throws
    -> Program.Outcome
  {
    let directory = try TemporaryDirectory(readableByAll: true)
    let executable = try Program.copyCheckout(into: directory)
    try FileManager.default.copyTree(
      from: Program.package + "/Tests/CommandLineTests/Fixtures/probe", to: directory.path + "/probe")
    try directory.write("data/secret.txt", "of the group")
    let file = directory.path + "/data/secret.txt"
    try #require(chown(file, 0, gid_t(Self.group)) == 0 && chmod(file, 0o640) == 0)
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: sample}
      spec:
        outputs: {o: r.output}
        nodes:
          r: {type: probe/probe, with: {do: read, value: \(path(directory))}}
      """)
    return try Program.run(
      ["run", "w.yaml", "--plugins", "probe"] + grants(directory), in: directory,
      through: ["/usr/bin/setpriv", "--reuid=\(Self.user)", "--regid=\(Self.user)", "--groups=\(Self.group)"],
      executable: executable)
  }

  @Test("finds nothing of what the group may read")
  func invisible() throws {
    for prefix in ["", "/proc/1/root", "/proc/self/root"] {
      let outcome = try read({ "\(prefix)\($0.path)/data/secret.txt" }, grants: { _ in [] })
      #expect(outcome.status == 1, "\(outcome.errors)")
      let said = outcome.output + outcome.errors
      #expect(said.contains("No such file") || said.contains("Permission denied"), "\(said)")
      #expect(!outcome.output.contains("of the group"))
    }
  }

  @Test("reads it where the directory is granted, as the user would")
  func granted() throws {
    let outcome = try read(
      { "\($0.path)/data/secret.txt" }, grants: { ["--grant", "probe=filesystem.read:\($0.path)/data"] })
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("o: of the group"))
  }
}
