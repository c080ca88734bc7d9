import Foundation
import Testing

@Suite("The configuration of the host and of its plugins")
struct ConfigCommandTests {
  private static let secret = "t0ken-0f-the-sh0p"
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write(
      "shop/plugin.yaml",
      """
      name: shop
      version: 1.0.0
      author: A
      entry_point: plugin.py
      node_types: [buy]
      configuration:
        currency: {type: string, default: EUR}
        token: {type: string, required: true, secret: true}
      """)
    try directory.write(
      "shop/plugin.py",
      """
      from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification

      class Buy(DeclaredNode):
          specification = NodeSpecification(
              "buy", "Buy", "Shop", "Buys",
              outputs=[PortSpecification("output", "string", "Output", "What came of it")],
              parameters=[ParameterSpecification("tells", "boolean", "Tells", "The secret", default=False)])

          def execute(self, inputs, context):
              print("with", self.config["token"])
              told = self.config["token"] if self.parameters["tells"] else len(self.config["token"])
              return {"output": f"{self.config['currency']} {told}"}

      class Shop(DeclaredPlugin):
          nodes = (Buy,)

          def initialize(self, context):
              context.config["token"]
              super().initialize(context)
      """)
    try directory.write("token", Self.secret + "\n")
    try configure("{currency: CHF, token: {file: \(directory.path)/token}}")
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        inputs: {tells: {type: boolean, default: false}}
        outputs: {said: a.output}
        nodes:
          a: {type: shop/buy, with: {tells: "${{ inputs.tells }}"}}
      """)
  }

  private func configure(_ settings: String) throws {
    try directory.write("s.yaml", "plugins:\n  configuration:\n    shop: \(settings)\n")
  }

  private func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(
      arguments + ["--config", "s.yaml", "--plugins", "shop"], in: directory, environment: environment)
  }

  @Test("reaches the plugin, and its secrets are in no output, log, journal or cache key")
  func secrets() throws {
    let outcome = try run("run", "w.yaml", "--state-dir", "state")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.output.contains("CHF \(Self.secret.utf8.count)"))
    #expect((outcome.output + outcome.errors).contains("with ***"), "\(outcome)")
    let kept = try FileManager.default.subpathsOfDirectory(atPath: directory.path + "/state")
    for path in kept {
      let content = FileManager.default.contents(atPath: directory.path + "/state/" + path) ?? Data()
      #expect(content.range(of: Data(Self.secret.utf8)) == nil, "\(path)")
    }
    #expect(!(outcome.output + outcome.errors).contains(Self.secret))
    // Another secret doesn't make another result.
    try directory.write("token", "another-t0ken-of-it")
    let second = try run("run", "w.yaml", "--state-dir", "state")
    #expect(second.status == 0 && (second.output + second.errors).contains("from the cache"), "\(second)")
  }

  @Test("a node that would return the secret fails")
  func returned() throws {
    let outcome = try run("run", "w.yaml", "--state-dir", "state", "--input", "tells=true")
    #expect(outcome.status == 1 && outcome.errors.contains("holds a secret"), "\(outcome)")
    #expect(!(outcome.output + outcome.errors).contains(Self.secret))
  }

  @Test("what is missing or wrong is told before anything starts, with its place")
  func refused() throws {
    try configure("{curency: CHF}")
    let outcome = try run("run", "w.yaml", "--state-dir", "state")
    #expect(outcome.status == 2, "\(outcome)")
    #expect(outcome.errors.contains("s.yaml:3:21: error: the plugin 'shop' has no configuration key 'curency'"))
    #expect(outcome.errors.contains("needs its configuration key 'token'"))
    try configure("{token: {file: \(directory.path)/none}}")
    let missing = try run("run", "w.yaml", "--state-dir", "state")
    #expect(missing.status == 2 && missing.errors.contains("can't be had from the file"), "\(missing)")
  }

  @Test("config check tells what is wrong, config show where each value comes from and no secret")
  func commands() throws {
    #expect(try run("config", "check", "--state-dir", "state").status == 0)
    let shown = try run(
      "config", "show", "--state-dir", "state", environment: ["ORCHESTRATOR_PLUGINS__LIMITS__MAX_MEMORY_MB": "256"])
    #expect(shown.status == 0)
    let lines = shown.output.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
    #expect(
      lines.contains { $0 == ["limits.max_memory_mb", "256", "ORCHESTRATOR_PLUGINS__LIMITS__MAX_MEMORY_MB"] },
      "\(shown)")
    #expect(lines.contains { $0 == ["configuration.shop.currency", "\"CHF\"", "s.yaml:3"] }, "\(shown)")
    #expect(shown.output.contains("(a secret, from the file \(directory.path)/token)"))
    #expect(!shown.output.contains(Self.secret))
    let json = try run("config", "show", "--state-dir", "state", "--output", "json")
    #expect(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) is [[String: Any]])
    try configure("{currency: 7, token: {environment: SHOP_TOKEN}}")
    let wrong = try run("config", "check", "--state-dir", "state")
    #expect(wrong.status == 2 && wrong.errors.contains("s.yaml:3:22: error: "), "\(wrong)")
    let variable = try run(
      "config", "check", "--state-dir", "state", environment: ["ORCHESTRATOR_PLUGINS__LIMIT__MAX_MEMORY_MB": "1"])
    #expect(variable.status == 2 && variable.errors.contains("names no setting"), "\(variable)")
  }

  @Test("a secret that stands in the file is refused, and not even shown with its line")
  func literal() throws {
    try configure("{token: \(Self.secret)}")
    for arguments in [["config", "check"], ["run", "w.yaml"]] {
      let outcome = try Program.run(
        arguments + ["--state-dir", "state", "--config", "s.yaml", "--plugins", "shop"], in: directory)
      #expect(outcome.status == 2 && outcome.errors.contains("is a secret"), "\(outcome)")
      #expect(!(outcome.output + outcome.errors).contains(Self.secret))
    }
  }

  @Test("a plugin of a checkout doesn't get what was meant for another of its name")
  func rival() throws {
    try directory.write("plugins/shop/plugin.yaml", directory.read("shop/plugin.yaml") + "\n# another")
    try directory.write("plugins/shop/plugin.py", directory.read("shop/plugin.py"))
    try directory.write(
      "s.yaml",
      "plugins:\n  directories: [./plugins, .]\n  configuration: {shop: {token: {file: \(directory.path)/token}}}\n")
    let outcome = try Program.run(["run", "w.yaml", "--state-dir", "state", "--config", "s.yaml"], in: directory)
    #expect(outcome.status == 2 && outcome.errors.contains("isn't given its configuration"), "\(outcome)")
    #expect(try run("run", "w.yaml", "--state-dir", "state").status == 0, "--plugins settles it")
  }

  @Test("a workflow is checked without anybody's secrets")
  func validated() throws {
    try configure("{token: {environment: NOT_SET_HERE}}")
    #expect(try run("validate", "w.yaml", "--state-dir", "state").status == 0)
    #expect(try run("run", "w.yaml", "--state-dir", "state").status == 2)
  }

  @Test("a plugin tells its node types without having its secrets")
  func described() throws {
    let outcome = try run("plugin", "list", "--describe", "--state-dir", "state")
    #expect(outcome.status == 0 && outcome.output.contains("shop/buy"), "\(outcome)")
  }

  @Test("debug_mode keeps the framework's own frames in tracebacks")
  func debugging() throws {
    try directory.write(
      "shop/plugin.py",
      try String(contentsOfFile: directory.path + "/shop/plugin.py", encoding: .utf8)
        .replacingOccurrences(of: "print(\"with\"", with: "raise KeyError(\"with\""))
    let plain = try run("run", "w.yaml", "--state-dir", "state")
    #expect(plain.status == 1 && !plain.errors.contains("/sdk/pipeline/"), "\(plain)")
    let whole = try run(
      "run", "w.yaml", "--state-dir", "state", environment: ["ORCHESTRATOR_PLUGINS__DEVELOPMENT__DEBUG_MODE": "true"])
    #expect(whole.status == 1 && whole.errors.contains("/sdk/pipeline/"), "\(whole)")
  }
}
