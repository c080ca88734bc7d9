import Foundation
import PluginModel
import SandboxPlanning
import Testing

/// The export against the specification's own JSON schema. `OCI_SCHEMA_DIRECTORY` names another copy than Debian's.
@Suite("OCI configuration") struct OCISchemaTests {
  private static let directory =
    ProcessInfo.processInfo.environment["OCI_SCHEMA_DIRECTORY"]
    ?? "/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema"
  private static let remedy = "apt install golang-github-opencontainers-specs-dev python3-jsonschema"

  private static let validator = """
    import json, sys
    from jsonschema import Draft4Validator, RefResolver
    schema = json.load(open(sys.argv[1] + "/config-schema.json"))
    resolver = RefResolver("file://" + sys.argv[1] + "/config-schema.json", schema)
    for error in Draft4Validator(schema, resolver=resolver).iter_errors(json.load(open(sys.argv[2]))):
        print("/".join(map(str, error.absolute_path)), error.message[:200])
    """

  /// What the schema objects to, one line each.
  private func objections(to configuration: JSONValue) throws -> String {
    try #require(
      FileManager.default.fileExists(atPath: Self.directory + "/config-schema.json"),
      "there is no schema in \(Self.directory): \(Self.remedy)")
    let file = FileManager.default.temporaryDirectory.appending(path: "config-\(UUID().uuidString).json")
    try Data(configuration.utf8()).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    // Debian's own Python, which knows Debian's modules; a virtual environment's doesn't.
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = ["-W", "ignore", "-c", Self.validator, Self.directory, file.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "the validator failed: \(Self.remedy)")
    return text
  }

  @Test("every plan's configuration is valid by the specification's schema", arguments: GoldenTests.cases)
  func valid(_ example: GoldenTests.Case) throws {
    let plan = try plan(example.granted)
    #expect(try objections(to: plan.ociConfiguration()) == "")
    #expect(try objections(to: plan.ociConfiguration(seccompAgent: path("/run/agent.sock"))) == "")
  }

  @Test("the configuration of a worker with GPUs is valid, too")
  func gpus() throws {
    for host in [try GPUHost.twoGPUs(), try GPUHost.instances(), try GPUHost.amd()] {
      #expect(try objections(to: plan(with: host.inventory().gpus).ociConfiguration()) == "")
    }
  }

  @Test("the schema is really asked")
  func invalid() throws {
    guard case .object(var members) = try plan().ociConfiguration() else { return }
    members.append(JSONValue.Member("hostname", 7))
    members.removeAll { $0.key == "ociVersion" }
    let found = try objections(to: .object(members))
    #expect(found.contains("ociVersion") && found.contains("hostname"))
  }

  @Test("a runtime without a listener refuses a plan that counts executions, and nothing else is left weaker")
  func faithful() throws {
    let configuration = try plan().ociConfiguration()
    let seccomp = try #require(configuration["linux"]?["seccomp"])
    let calls = try #require(seccomp["syscalls"]?.arrayValue)
    let execution = try #require(calls.first { $0["names"] == ["execve"] })
    #expect(execution["action"] == "SCMP_ACT_NOTIFY")
    #expect(seccomp["listenerPath"] == nil)
    let answered = try plan().ociConfiguration(seccompAgent: path("/run/agent.sock"))
    #expect(answered["linux"]?["seccomp"]?["listenerPath"] == "/run/agent.sock")
    #expect(seccomp["defaultErrnoRet"] == 38)
    #expect(configuration["process"]?["noNewPrivileges"] == true)
    for set in ["bounding", "effective", "inheritable", "permitted", "ambient"] {
      #expect(configuration["process"]?["capabilities"]?[set] == [])
    }
    #expect(configuration["linux"]?["namespaces"]?.arrayValue?.count == Namespace.allCases.count)
    #expect(configuration["annotations"]?["org.orchestrator.landlock.abi"] == "7")
  }
}
