import Foundation
import Testing

@Suite("Installing plugins")
struct PluginInstallTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        outputs: {said: a.output}
        nodes:
          a: {type: shop/buy}
      """)
  }

  private func write(version: String, says: String, extra: String = "", broken: Bool = false) throws {
    try directory.write(
      "src/plugin.yaml",
      """
      name: shop
      version: \(version)
      author: A
      entry_point: plugin.py
      node_types: [buy]
      \(extra)
      """)
    try directory.write(
      "src/plugin.py",
      """
      from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification
      \(broken ? "raise RuntimeError('half done')" : "")

      class Buy(DeclaredNode):
          specification = NodeSpecification(
              "buy", "Buy", "Shop", "Buys",
              outputs=[PortSpecification("output", "string", "Output", "What came of it")])

          def execute(self, inputs, context):
              return {"output": "\(says)"}

      class Shop(DeclaredPlugin):
          nodes = (Buy,)
      """)
  }

  private func run(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(arguments + ["--state-dir", "state"], in: directory)
  }

  @Test("a manifest that couldn't be read again once it is written out is not installed")
  func unreadable() throws {
    let hosts = (0x10...0xFF).map { "[::ffff:ff:\(String($0, radix: 16))]" }.joined(separator: ",")
    try write(version: "1.0.0", says: "one", extra: "permissions: ['network.http:\(hosts)']")
    let outcome = try run("plugin", "install", "src")
    #expect(outcome.status == 2 && outcome.errors.contains("can't be kept"), "\(outcome)")
    #expect(try !run("plugin", "list").output.contains("shop"))
  }

  private func said() throws -> String {
    let outcome = try run("run", "w.yaml")
    return outcome.output.split(separator: "\n").first { $0.hasPrefix("said: ") }.map(String.init) ?? "\(outcome)"
  }

  @Test("a version is used until another takes its place, and again after a rollback")
  func upgraded() throws {
    try write(version: "1.0.0", says: "one")
    #expect(try run("plugin", "install", "src").status == 0)
    try FileManager.default.moveItem(atPath: directory.path + "/src", toPath: directory.path + "/gone")
    #expect(try said() == "said: one")
    try write(version: "1.1.0", says: "two", extra: "permissions: [filesystem.write]")
    let second = try run("plugin", "install", "src", "--no-consent")
    #expect(second.status == 0 && second.output.contains("shop 1.1.0 (before: 1.0.0)"), "\(second)")
    #expect(second.output.contains("+ asks for filesystem.write"), "\(second)")
    #expect(try said() == "said: two")
    #expect(try run("plugin", "rollback", "shop").output.contains("shop 1.0.0 counts; before it was 1.1.0"))
    #expect(try said() == "said: one")
    #expect(try run("plugin", "list").output.contains("shop 1.0.0"))
  }

  @Test("a version that can't tell its node types, or lacks what it needs, takes no other's place and leaves nothing")
  func broken() throws {
    try write(version: "1.0.0", says: "one")
    #expect(try run("plugin", "install", "src").status == 0)
    let before = try FileManager.default.subpathsOfDirectory(atPath: directory.path + "/state/plugins").sorted()
    try write(version: "2.0.0", says: "two", broken: true)
    let outcome = try run("plugin", "install", "src")
    #expect(outcome.status == 2 && outcome.errors.contains("half done"), "\(outcome)")
    try write(version: "2.0.0", says: "two", extra: "dependencies: ['plugin:bank>=2']")
    let unmet = try run("plugin", "install", "src")
    #expect(unmet.status == 2 && unmet.errors.contains("needs the plugin 'bank' >=2.0.0"), "\(unmet)")
    #expect(try FileManager.default.subpathsOfDirectory(atPath: directory.path + "/state/plugins").sorted() == before)
    #expect(try said() == "said: one")
  }

  @Test("a workflow gets the installed version that it asks for")
  func ranges() throws {
    for (version, says) in [("1.0.0", "one"), ("2.0.0", "two")] {
      try write(version: version, says: says)
      #expect(try run("plugin", "install", "src").status == 0)
    }
    try directory.write(
      "w.yaml", try directory.read("w.yaml").replacing("spec:", with: "spec:\n  plugins: {shop: ^1.0}"))
    #expect(try said() == "said: one")
    #expect(try run("plugin", "remove", "shop", "--version", "1.0.0").status == 0)
    let outcome = try run("run", "w.yaml")
    #expect(outcome.status == 2 && outcome.errors.contains("2.0.0"), "\(outcome)")
  }

  @Test("what is removed is gone, with what it was granted")
  func removed() throws {
    try write(version: "1.0.0", says: "one", extra: "permissions: [filesystem.write]")
    #expect(try run("plugin", "install", "src").status == 0)
    #expect(try run("plugin", "grant", "shop", "--all").status == 0)
    #expect(try run("plugin", "remove", "shop").status == 0)
    #expect(try run("run", "w.yaml").status == 2)
    #expect(try run("plugin", "rollback", "shop").errors.contains("is not installed"))
    #expect(try run("plugin", "install", "src").output.contains("what it asks for and hasn't: filesystem.write"))
  }

  @Test("killed at any moment, an installation leaves what counted before or what it installed")
  func killed() throws {
    try write(version: "1.0.0", says: "one")
    #expect(try run("plugin", "install", "src").status == 0)
    try write(version: "2.0.0", says: "two")
    // From before the first file is written to after the last step.
    for milliseconds in [5, 20, 40, 80, 120, 200, 320] {
      let running = try Program.start(["plugin", "install", "src", "--state-dir", "state"], in: directory)
      usleep(UInt32(milliseconds * 1000))
      kill(running.process.processIdentifier, SIGKILL)
      running.process.waitUntilExit()
      #expect(["said: one", "said: two"].contains(try said()), "\(milliseconds) ms")
    }
    #expect(try run("plugin", "install", "src").status == 0)
    #expect(try said() == "said: two")
    #expect(try run("plugin", "prune").status == 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/plugins")
    #expect(left.sorted() == [".lock", "shop"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/plugins/shop").count == 2)
  }

  @Test(
    "a package is installed once its signature is trusted, stored or compressed, and the same files are the same version"
  )
  func packages() throws {
    try write(version: "1.0.0", says: "one")
    #expect(try run("plugin", "install", "src").status == 0)
    #expect(try Program.run(["plugin", "keygen", "--out", "me.key"], in: directory).status == 0)
    #expect(try Program.run(["plugin", "pack", "src", "--out", "shop.zip"], in: directory).status == 0)
    let key = try directory.read("me.key.pub").trimmingCharacters(in: .whitespacesAndNewlines)
    try directory.write(
      "s.yaml",
      "plugins: {security: {trust: {require_signature: true, keys: [{name: me, public_key: \"\(key)\", plugins: [shop]}]}}}"
    )
    let unsigned = try run("plugin", "install", "shop.zip", "--config", "s.yaml")
    #expect(unsigned.status == 2 && unsigned.errors.contains("no key that is trusted"), "\(unsigned)")
    let directoryOnly = try run("plugin", "install", "src", "--config", "s.yaml")
    #expect(directoryOnly.status == 2 && directoryOnly.errors.contains("only what is signed"), "\(directoryOnly)")
    #expect(try Program.run(["plugin", "sign", "shop.zip", "--key", "me.key"], in: directory).status == 0)
    let signed = try run("plugin", "install", "shop.zip", "--config", "s.yaml")
    #expect(signed.status == 0, "\(signed)")
    let versions = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/plugins/shop")
    #expect(versions.count == 1)
    #expect(try said() == "said: one")
    let other = try run("plugin", "install", "shop.zip", "--checksum", "sha256:" + String(repeating: "0", count: 64))
    #expect(other.status == 2 && other.errors.contains("another package"), "\(other)")
  }

  @Test("what is revoked is neither installed nor run any more, however the package's bytes were changed")
  func revoked() throws {
    try write(version: "1.0.0", says: "one")
    #expect(try Program.run(["plugin", "pack", "src", "--out", "shop.zip"], in: directory).status == 0)
    let verified = try run("plugin", "verify", "shop.zip").output
    let contents = try #require(
      verified.split(separator: "\n").first { $0.contains("contents") }?.split(separator: " ").last)
    #expect(try run("plugin", "install", "shop.zip").status == 0)
    #expect(try said() == "said: one")
    try directory.write(
      "s.yaml", "plugins: {security: {trust: {require_signature: false, revoked: [\"\(contents)\"]}}}")
    for arguments in [["run", "w.yaml"], ["plugin", "install", "shop.zip"], ["plugin", "install", "src"]] {
      let outcome = try Program.run(arguments + ["--state-dir", "state", "--config", "s.yaml"], in: directory)
      #expect(outcome.status == 2 && outcome.errors.contains("was revoked"), "\(outcome)")
    }
  }

  @Test("a run that was cut off goes on with the version that it began with")
  func resumed() throws {
    try write(version: "1.0.0", says: "one")
    #expect(try run("plugin", "install", "src").status == 0)
    let nodes = "    a: {type: shop/buy}\n    b: {run: 'test -e go', needs: [a]}\n"
    let workflow = try directory.read("w.yaml").replacingOccurrences(of: "    a: {type: shop/buy}", with: nodes)
    try directory.write("w.yaml", workflow)
    let options = ["--workspace", "work", "--grant", "command=system.exec", "--grant", "command=filesystem.write"]
    let first = try Program.run(["run", "w.yaml", "--state-dir", "state", "--no-consent"] + options, in: directory)
    #expect(first.status == 1, "\(first)")
    try write(version: "2.0.0", says: "two")
    #expect(try run("plugin", "install", "src").status == 0)
    try directory.write("work/go", "")
    let second = try run("runs", "resume", "last")
    #expect(second.status == 0 && second.output.contains("said: one"), "\(second)")
  }

  @Test("a link or a device in a plugin's directory isn't installed")
  func special() throws {
    try write(version: "1.0.0", says: "one")
    try FileManager.default.createSymbolicLink(atPath: directory.path + "/src/link", withDestinationPath: "/etc/passwd")
    let outcome = try run("plugin", "install", "src")
    #expect(outcome.status == 2 && outcome.errors.contains("link"), "\(outcome)")
    #expect(try run("plugin", "list").output.contains("shop") == false)
  }

  @Test("a version that asks for more doesn't count until that is allowed, or wanted without")
  func consent() throws {
    try write(version: "1.0.0", says: "one", extra: "permissions: [filesystem.read]")
    #expect(try run("plugin", "install", "src").status == 0)
    try write(version: "2.0.0", says: "two", extra: "permissions: [filesystem.read, filesystem.write, network.http]")
    let stopped = try run("plugin", "install", "src")
    #expect(stopped.status == 2)
    #expect(stopped.errors.contains("shop 2.0.0 asks for more than 1.0.0 did: filesystem.write, network.http"))
    #expect(stopped.errors.contains("--grant shop=filesystem.write --grant shop=network.http"), "\(stopped.errors)")
    #expect(try said() == "said: one")
    // A part of it isn't all of it.
    #expect(try run("plugin", "install", "src", "--grant", "shop=filesystem.write").status == 2)
    #expect(try said() == "said: one")
    let allowed = try run(
      "plugin", "install", "src", "--grant", "shop=filesystem.write", "--grant", "shop=network.http")
    #expect(allowed.status == 0 && !allowed.output.contains("hasn't"), "\(allowed)")
    #expect(try said() == "said: two")
    // It was granted to these files, from now on.
    #expect(try run("plugin", "permissions", "shop").output.contains("network.http"))
    // Without it, too, where that is said.
    try write(version: "3.0.0", says: "three", extra: "permissions: [filesystem.read, gpu.access]")
    #expect(try run("plugin", "install", "src").status == 2)
    let without = try run("plugin", "install", "src", "--no-consent")
    #expect(without.status == 0 && without.output.contains("what it asks for and hasn't: gpu.access"), "\(without)")
    #expect(try said() == "said: three")
    // One that asks for less, or for the same, needs nobody.
    try write(version: "4.0.0", says: "four", extra: "permissions: [filesystem.read]")
    #expect(try run("plugin", "install", "src").status == 0)
  }

  @Test("a policy file allows what a new version asks for")
  func policy() throws {
    try write(version: "1.0.0", says: "one")
    #expect(try run("plugin", "install", "src").status == 0)
    try write(version: "2.0.0", says: "two", extra: "permissions: [filesystem.write]")
    try directory.write("policy.yaml", "security: {plugins: {shop: {permissions: [filesystem.write]}}}\n")
    let outcome = try run("plugin", "install", "src", "--policy", "policy.yaml")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try said() == "said: two")
  }
}
