import Foundation
import Testing

@Suite("Plugins of a registry", .serialized)
struct RegistryCommandTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A registry of the real program, until it goes.
  private final class Server {
    let running: Running
    let address: String

    init(_ directory: TemporaryDirectory) throws {
      running = try Program.start(
        ["registry", "serve", "--directory", "registry", "--listen", "127.0.0.1:0"], in: directory)
      try running.wait(for: "is offered at ")
      address = try #require(running.output.split(separator: " ").last.map { $0.trimmingCharacters(in: .newlines) })
    }

    deinit { if running.process.isRunning { kill(running.process.processIdentifier, SIGKILL) } }
  }

  private func serve(token: String = "alice") throws -> Server {
    let made = try Program.run(
      ["registry", "token", token, "--directory", "registry", "--out", "token"], in: directory)
    try #require(made.status == 0 && made.output.isEmpty, "\(made)")
    let server = try Server(directory)
    try configure(server)
    return server
  }

  private func configure(_ server: Server, security: String = "{}", extra: String = "") throws {
    try directory.write(
      "s.yaml",
      "plugins: {security: \(security), registry: {enable: true, url: \"\(server.address)\", token_file: \(directory.path)/token\(extra)}}"
    )
  }

  private func pack(_ name: String, _ version: String, extra: String = "", says: String = "one") throws -> String {
    try directory.write(
      "src-\(name)/plugin.yaml",
      """
      name: \(name)
      version: \(version)
      author: A
      description: Sells \(name)
      entry_point: plugin.py
      node_types: [buy]
      \(extra)
      """)
    try directory.write(
      "src-\(name)/plugin.py",
      """
      from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification

      class Buy(DeclaredNode):
          specification = NodeSpecification(
              "buy", "Buy", "Shop", "Buys",
              outputs=[PortSpecification("output", "string", "Output", "What came of it")])

          def execute(self, inputs, context):
              return {"output": "\(says)"}

      class Shop(DeclaredPlugin):
          nodes = (Buy,)
      """)
    let file = "\(name)-\(version).zip"
    let packed = try Program.run(["plugin", "pack", "src-\(name)", "--out", file], in: directory)
    try #require(packed.status == 0, "\(packed)")
    return file
  }

  private func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Program.Outcome {
    let state = ["install", "info", "list"].contains(arguments[1]) ? ["--state-dir", "state"] : []
    return try Program.run(arguments + ["--config", "s.yaml"] + state, in: directory, environment: environment)
  }

  private func publish(_ name: String, _ version: String, extra: String = "") throws {
    let published = try run("plugin", "publish", try pack(name, version, extra: extra))
    try #require(published.status == 0, "\(published)")
  }

  @Test("a plugin is published, found, told of and installed with the other plugins that it needs")
  func roundTrip() throws {
    let server = try serve()
    try publish("bank", "1.0.0", extra: "permissions: [filesystem.write]")
    try publish("bank", "2.0.0")
    let published = try run(
      "plugin", "publish", try pack("shop", "1.0.0", extra: "dependencies: ['plugin:bank<2']"), "--category", "trade")
    #expect(published.status == 0 && published.output.contains("shop 1.0.0 is published"), "\(published)")
    #expect(published.errors.contains("is not signed"))
    #expect(try run("plugin", "publish", "shop-1.0.0.zip").output.contains("was published before"))
    let found = try run("plugin", "search", "SELLS", "--category", "trade")
    #expect(found.output == "shop 1.0.0  Sells shop  [trade]\n", "\(found)")
    let told = try run("plugin", "info", "shop")
    #expect(told.output.contains("publisher    alice") && told.output.contains("plugin:bank<2"), "\(told)")
    let installed = try run("plugin", "install", "shop")
    #expect(installed.status == 0, "\(installed)")
    #expect(installed.output.contains("bank 1.0.0  (shop needs it)"), "\(installed)")
    #expect(installed.output.contains("nobody vouches for it") && installed.errors.contains("it is not signed"))
    let order = ["installed bank 1.0.0", "installed shop 1.0.0"].compactMap {
      installed.output.range(of: $0)?.lowerBound
    }
    #expect(order.count == 2 && order[0] < order[1], "\(installed)")
    #expect(installed.output.contains("what it asks for and hasn't: filesystem.write"), "\(installed)")
    let list = try run("plugin", "list").output
    #expect(list.contains("shop 1.0.0") && list.contains("bank 1.0.0"))
    withExtendedLifetime(server) {}
  }

  @Test("whoever is asked sees each permission where the question is, wherever the output goes")
  func consent() throws {
    let server = try serve()
    try publish("shop", "1.0.0", extra: "permissions: [filesystem.write]")
    let many = (0..<200).map { "network.http:host-\($0).example.org" }
    try publish("shop", "1.1.0", extra: "permissions: [filesystem.write, \(many.joined(separator: ", "))]")
    let arguments = ["--config", "s.yaml", "--state-dir", "state"]
    func install(_ what: String, typing keys: String) throws -> Program.Outcome {
      try Program.run(
        ["plugin", "install", what] + arguments, in: directory, environment: ["NO_COLOR": "1"],
        output: "out.txt", typing: [("(n): ", keys)])
    }
    let refused = try install("shop@1.0.0", typing: "n\\n")
    #expect(refused.status == 2 && refused.output.contains("nothing was installed"), "\(refused)")
    let first = try install("shop@1.0.0", typing: "y\\n")
    #expect(first.status == 0 && first.output.contains("allow filesystem.write?"), "\(first)")
    #expect(first.output.contains("it could   "))
    let second = try install("shop", typing: "i\\n")
    #expect(second.status == 0 && second.output.contains("allow filesystem.write, network.http?"), "\(second)")
    for permission in many { #expect(second.output.contains("\n  \(permission)  new: 1.0.0 didn't ask for it\n")) }
    withExtendedLifetime(server) {}
  }

  @Test("a checksum is that of one package: with others that are needed it is refused")
  func checksum() throws {
    let server = try serve()
    try publish("bank", "1.0.0")
    try publish("shop", "1.0.0", extra: "dependencies: ['plugin:bank']")
    let digest = "sha256:" + String(repeating: "a", count: 64)
    let several = try run("plugin", "install", "shop", "--checksum", digest)
    #expect(several.status == 2 && several.errors.contains("that of one package"), "\(several)")
    let other = try run("plugin", "install", "bank", "--checksum", digest)
    #expect(other.status == 2 && other.errors.contains("another package than the one that is wanted"), "\(other)")
    withExtendedLifetime(server) {}
  }

  @Test("a token gets a line of its own, and none in a file that can't be read")
  func tokenLines() throws {
    func make(_ name: String) throws -> Program.Outcome {
      try Program.run(["registry", "token", name, "--directory", "registry"], in: directory)
    }
    #expect(try make("alice").status == 0)
    let path = "registry/tokens"
    try directory.write(path, try directory.read(path).trimmingCharacters(in: .newlines))
    #expect(try make("bob").status == 0)
    let lines = try directory.read(path).split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.split(separator: " ").count == 2 }, "\(lines)")
    try directory.write(path, "half a line")
    let refused = try make("carol")
    #expect(refused.status == 2 && refused.errors.contains("line 1 of"), "\(refused)")
    #expect(try directory.read(path) == "half a line")
    let file = try Program.run(
      ["registry", "token", "dora", "--directory", "other", "--out", "dora.token"], in: directory)
    #expect(file.status == 0 && file.output.isEmpty, "\(file)")
    let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/dora.token")
    #expect((attributes[.posixPermissions] as? Int) == 0o600)
  }

  @Test("what is yanked or lower is installed only where that is said; a name that isn't there brings the near one")
  func choices() throws {
    let server = try serve()
    for version in ["1.0.0", "1.1.0"] { try publish("shop", version) }
    #expect(try run("plugin", "install", "shop").output.contains("installed shop 1.1.0"))
    #expect(try run("plugin", "yank", "shop@1.1.0", "--reason", "loses data").status == 0)
    let lower = try run("plugin", "install", "shop")
    #expect(lower.status == 2 && lower.errors.contains("--allow-downgrade"), "\(lower)")
    #expect(try run("plugin", "install", "shop", "--allow-downgrade").output.contains("installed shop 1.0.0"))
    let yanked = try run("plugin", "install", "shop@1.1.0")
    #expect(yanked.status == 2 && yanked.errors.contains("loses data"), "\(yanked)")
    #expect(try run("plugin", "install", "shop@1.1.0", "--allow-yanked").status == 0)
    #expect(try run("plugin", "yank", "shop@1.1.0", "--undo").status == 0)
    #expect(try run("plugin", "info", "shop").output.contains("1.1.0 (counts)"))
    let near = try run("plugin", "install", "shpo")
    #expect(near.status == 2 && near.errors.contains("did you mean 'shop'?"), "\(near)")
    let unknown = try run("plugin", "install", "Shop!")
    #expect(unknown.status == 2 && unknown.errors.contains("the path of a directory has a '/'"), "\(unknown)")
    withExtendedLifetime(server) {}
  }

  @Test("a signature counts as it does for a file: where one is required, nothing else of a registry is installed")
  func signatures() throws {
    let server = try serve()
    try publish("shop", "1.0.0")
    #expect(try Program.run(["plugin", "keygen", "--out", "me.key"], in: directory).status == 0)
    let key = try directory.read("me.key.pub").trimmingCharacters(in: .whitespacesAndNewlines)
    let trust = "{trust: {require_signature: true, keys: [{name: me, public_key: \"\(key)\", plugins: [shop]}]}}"
    try configure(server, security: trust)
    let unsigned = try run("plugin", "install", "shop")
    #expect(unsigned.status == 2 && unsigned.errors.contains("no key that is trusted for shop"), "\(unsigned)")
    let file = try pack("shop", "1.1.0")
    #expect(try Program.run(["plugin", "sign", file, "--key", "me.key"], in: directory).status == 0)
    #expect(try run("plugin", "publish", file).status == 0)
    let signed = try run("plugin", "install", "shop")
    #expect(signed.status == 0 && !signed.output.contains("nobody vouches"), "\(signed)")
  }

  @Test("nothing is installed where one of those that are needed can't be had")
  func unmet() throws {
    let server = try serve()
    try publish("bank", "1.0.0")
    try publish("shop", "1.0.0", extra: "dependencies: ['plugin:bank>=1', 'plugin:absent']")
    let outcome = try run("plugin", "install", "shop")
    #expect(outcome.status == 2 && outcome.errors.contains("absent"), "\(outcome)")
    #expect(try !run("plugin", "list").output.contains("bank"))
    withExtendedLifetime(server) {}
  }

  @Test("a token is read from a file that others can't read, or from the environment, and is never shown")
  func tokens() throws {
    let server = try serve()
    let file = try pack("shop", "1.0.0")
    let token = try directory.read("token").trimmingCharacters(in: .whitespacesAndNewlines)
    chmod(directory.path + "/token", 0o644)
    let open = try run("plugin", "publish", file)
    #expect(open.status == 2 && open.errors.contains("others may read the token"), "\(open)")
    // Who only reads needs none.
    #expect(try run("plugin", "search").status == 0)
    try directory.write("registry/tokens", try directory.read("registry/tokens").replacing("alice", with: "# alice"))
    chmod(directory.path + "/registry/tokens", 0o600)
    let struck = try run("plugin", "publish", file, environment: ["ORCHESTRATOR_REGISTRY_TOKEN": token])
    #expect(struck.status == 2 && struck.errors.contains("this token is not known"), "\(struck)")
    #expect(!(struck.errors + open.errors).contains(token))
    #expect(try !directory.read("registry/tokens").contains(token))
    try directory.write("registry/tokens", try directory.read("registry/tokens").replacing("# alice", with: "alice"))
    #expect(try run("plugin", "publish", file, environment: ["ORCHESTRATOR_REGISTRY_TOKEN": token]).status == 0)
    withExtendedLifetime(server) {}
  }

  @Test("killed at any moment, a registry has a version whole or not at all, and starts again")
  func killed() throws {
    _ = try serve()
    let file = try pack("shop", "1.0.0", says: String(repeating: "x", count: 4000))
    for milliseconds in [10, 30, 60, 90, 130, 200] {
      let server = try Server(directory)
      try configure(server)
      let publishing = try Program.start(["plugin", "publish", file, "--config", "s.yaml"], in: directory)
      usleep(UInt32(milliseconds * 1000))
      kill(server.running.process.processIdentifier, SIGKILL)
      server.running.process.waitUntilExit()
      _ = try publishing.wait()
      let next = try Server(directory)
      try configure(next)
      let found = try run("plugin", "search").output
      let packages = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/registry/packages")
      #expect(packages.count == (found.contains("shop 1.0.0") ? 1 : 0), "\(milliseconds) ms: \(found)")
    }
    let server = try Server(directory)
    try configure(server)
    #expect(try run("plugin", "publish", file).status == 0)
    #expect(try run("plugin", "install", "shop").status == 0)
  }

  @Test("without a registry it is said how to name one, and only this host is listened at")
  func unconfigured() throws {
    try directory.write("s.yaml", "plugins: {}")
    for arguments in [["plugin", "search"], ["plugin", "install", "shop"], ["plugin", "info", "shop"]] {
      let outcome = try Program.run(arguments + ["--config", "s.yaml"], in: directory)
      #expect(outcome.status == 2 && outcome.errors.contains("no registry of plugins is configured"), "\(outcome)")
    }
    let open = try Program.run(
      ["registry", "serve", "--directory", "registry", "--listen", "0.0.0.0:5000"], in: directory)
    #expect(open.status == 2 && open.errors.contains("put a proxy in front"), "\(open)")
  }

  @Test("SIGTERM ends a registry, with status 0, whoever is still connected")
  func stopped() throws {
    let server = try serve()
    let port = try #require(
      server.address.split(separator: ":").last?.split(separator: "/").first.flatMap { UInt16($0) })
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(number) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(connected == 0)
    // Of a body that doesn't come, the server waits for the rest.
    let head = Array("GET /api/registry/plugins HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n".utf8)
    try #require(send(number, head, head.count, 0) == head.count)
    usleep(300_000)
    kill(server.running.process.processIdentifier, SIGTERM)
    let outcome = try server.running.wait()
    #expect(outcome.status == 0, "\(outcome)")
  }
}
