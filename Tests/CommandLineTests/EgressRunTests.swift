import Foundation
import Testing

/// In a network namespace of the test's own, where a site has a public address, a name and a certificate.
@Suite("A run whose plugin has a network permission", .enabled(if: geteuid() == 0))
struct EgressRunTests {
  private static let fixtures = Program.package + "/Tests/Fixtures/egress"
  private static let user = 54_323

  private func run(
    _ code: String, grants: [String], output: String = "text", asOrdinaryUser: Bool = false, config: String? = nil
  ) throws -> Program.Outcome {
    let directory = try TemporaryDirectory(readableByAll: true)
    try FileManager.default.createDirectory(atPath: directory.path + "/site", withIntermediateDirectories: false)
    try directory.writeWorkflow([Probe.python("n", code)], outputs: "{o: n.output}")
    let manifest = directory.path + "/probe/plugin.yaml"
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
      .replacing("filesystem.write]", with: "filesystem.write, network.http, network.socket]")
    try text.write(toFile: manifest, atomically: true, encoding: .utf8)
    var arguments =
      ["run", "w.yaml", "--plugins", "probe", "--output", output] + grants.flatMap { ["--grant", "probe=\($0)"] }
    if let config {
      try directory.write("system.yaml", config)
      arguments += ["--config", "system.yaml"]
    }
    var wrapper = ["\(Self.fixtures)/network.sh", directory.path + "/site"]
    var executable: String?
    if asOrdinaryUser {
      executable = try Program.copyCheckout(into: directory)
      wrapper += ["/usr/bin/setpriv", "--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups"]
    }
    return try Program.run(arguments, in: directory, through: wrapper, executable: executable)
  }

  private static let https = """
    import json, urllib.request
    result = [json.load(urllib.request.urlopen(f"{scheme}://api.example.org/x", timeout=20))["host"]
              for scheme in ("http", "https")]
    """

  @Test("fetches what it may with the standard library, as root and as an ordinary user", arguments: [false, true])
  func fetches(asOrdinaryUser: Bool) throws {
    let outcome = try run(Self.https, grants: ["network.http:api.example.org"], asOrdinaryUser: asOrdinaryUser)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("o: [\"api.example.org\",\"api.example.org\"]"), "\(outcome.output)")
    #expect(!outcome.output.contains("refused"))
  }

  @Test("fetches it without asking the environment for a proxy, too", arguments: [false, true])
  func transparent(asOrdinaryUser: Bool) throws {
    let code = "import os, urllib.request\nos.environ.clear()\n" + Self.https
    let outcome = try run(code, grants: ["network.http:api.example.org"], asOrdinaryUser: asOrdinaryUser)
    #expect(
      outcome.output.contains("o: [\"api.example.org\",\"api.example.org\"]"), "\(outcome.output)\(outcome.errors)")
  }

  @Test("tells what was refused, why, and what would allow it")
  func denied() throws {
    let code = """
      import urllib.request
      try:
          urllib.request.urlopen("https://cdn.example.org/x", timeout=20)
      except OSError as error:
          result = str(error)
      """
    let outcome = try run(code, grants: ["network.http:api.example.org"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("403 Forbidden"), "\(outcome.output)")
    #expect(outcome.output.contains("n was refused cdn.example.org:443: it isn't granted"), "\(outcome.output)")
    #expect(outcome.output.contains("network.http:cdn.example.org would allow it"))
  }

  @Test("counts it in the report")
  func report() throws {
    let code = """
      import urllib.request
      urllib.request.urlopen("http://api.example.org/big/100000", timeout=20).read()
      try:
          urllib.request.urlopen("http://evil.example/", timeout=20)
      except OSError:
          pass
      """
    let outcome = try run(code, grants: ["network.http:api.example.org"], output: "json")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let node = try #require((report["nodes"] as? [[String: Any]])?.first)
    let network = try #require(node["network"] as? [String: Any], "\(node)")
    #expect(network["connections_count"] as? Int == 1)
    #expect(try #require(network["received_bytes"] as? Int) > 100_000)
    #expect(try #require(network["sent_bytes"] as? Int) > 20)
    let denied = try #require((network["denied"] as? [[String: Any]])?.first)
    #expect(denied["destination"] as? String == "evil.example:80")
    #expect(denied["times_count"] as? Int == 1)
  }

  @Test("reaches a private address only where the operator has opened it")
  func privateAddress() throws {
    let code = """
      import urllib.request, urllib.error
      try:
          urllib.request.urlopen("http://intranet.example.org/", timeout=20)
          result = "there"
      except urllib.error.HTTPError as error:
          result = f"{error.code} {error.read().decode()}"
      """
    let closed = try run(code, grants: ["network.http:intranet.example.org"])
    #expect(closed.output.contains("403 orchestrator: ") && closed.output.contains("127.0.0.1"), "\(closed.output)")
    let opened = try run(
      code, grants: ["network.http:intranet.example.org"],
      config: "plugins: {security: {network: {private_networks: [127.0.0.1]}}}\n")
    // Nobody listens there: the relay tried.
    #expect(opened.output.contains("502 orchestrator: "), "\(opened.output)\(opened.errors)")
  }

  /// The host says `host!` on port 9001 of its own two addresses, 203.0.113.2 and 127.0.0.1.
  private static let everywhere = """
    import errno, socket
    def told(host, port, seconds=20):
      try:
        with socket.create_connection((host, port), seconds) as peer:
          peer.sendall(b"hello")
          return peer.recv(5).decode()
      except OSError as error:
        return errno.errorcode.get(error.errno, "timed out")
    result = [told("9.9.9.9", 9000), told("203.0.113.2", 9001), told("127.0.0.1", 9001), told("198.19.255.1", 9001, 1),
      told("169.254.169.254", 80), told("10.0.0.1", 80), told("168.63.129.16", 80)]
    """

  @Test(
    "reaches every public address where any endpoint is granted, and of this host and its networks nothing",
    arguments: [false, true])
  func anyEndpoint(asOrdinaryUser: Bool) throws {
    let outcome = try run(Self.everywhere, grants: ["network.socket"], asOrdinaryUser: asOrdinaryUser)
    #expect(
      outcome.output.contains(
        #"o: ["hello","EHOSTUNREACH","ECONNREFUSED","timed out","EHOSTUNREACH","EHOSTUNREACH","EHOSTUNREACH"]"#),
      "\(outcome.output)\(outcome.errors)")
    let opened = try run(
      Self.everywhere, grants: ["network.socket"], asOrdinaryUser: asOrdinaryUser,
      config: "plugins: {security: {network: {private_networks: [203.0.113.2]}}}\n")
    #expect(opened.output.contains(#"o: ["hello","host!","ECONNREFUSED","#), "\(opened.output)\(opened.errors)")
  }

  @Test("leaves no program of its network behind, however it ends")
  func networkProgramEnds() throws {
    let before = try Self.networkPrograms()
    let outcome = try run("import os; os.kill(os.getpid(), 9)", grants: ["network.socket"])
    #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
    #expect(try Self.networkPrograms().subtracting(before) == [])
  }

  private static func networkPrograms() throws -> Set<String> {
    Set(
      try FileManager.default.contentsOfDirectory(atPath: "/proc").filter {
        (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8))?.hasPrefix("pasta") == true
      })
  }

  @Test("is refused before it starts where any endpoint is asked for and the operator names hosts")
  func bareSocket() throws {
    let outcome = try run(
      "result = 1", grants: ["network.socket"],
      config: "plugins: {security: {network: {allowed_hosts: [a.example.org]}}}\n")
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("network.socket:HOST:PORT"), "\(outcome.errors)")
  }
}
