import PluginModel
import Testing

@Suite("plugin.yaml")
struct ManifestTests {
  /// The specification's sample, verbatim.
  static let sample = """
    # plugin.yaml
    name: example_plugin
    version: 1.0.0
    author: Your Name
    description: Example plugin for demonstration
    license: MIT

    dependencies:
      - numpy>=1.20.0
      - pandas>=1.3.0

    node_types:
      - example_processor
      - example_transformer

    permissions:
      - filesystem.read
      - network.http

    entry_point: ./example_plugin.py
    min_engine_version: 1.0.0
    max_engine_version: 2.0.0

    configuration:
      api_key:
        type: string
        description: API key for external service
        required: false
      max_batch_size:
        type: integer
        description: Maximum batch size for processing
        default: 100
    """

  private static let minimal = "name: p\nversion: 1.0\nauthor: A\nentry_point: p.py\n"

  private func read(_ text: String, engine: SemanticVersion = SemanticVersion(1, 0, 0)) throws(Diagnostics)
    -> PluginManifest
  {
    try PluginManifest(yaml: Array(text.utf8), file: "plugin.yaml", engineVersion: engine)
  }

  private func found(_ text: String, engine: SemanticVersion = SemanticVersion(1, 0, 0)) -> [String] {
    problems { () throws(Diagnostics) in _ = try read(text, engine: engine) }
  }

  @Test("the specification's sample loads, configuration included")
  func specificationSample() throws {
    let manifest = try read(Self.sample)
    let name = try #require(PluginName("example_plugin"))
    let nodeTypes = ["example_processor", "example_transformer"].compactMap { NodeTypeName($0) }
    let keys = ["api_key", "max_batch_size"].compactMap { ParameterName($0) }
    #expect(
      manifest
        == PluginManifest(
          name: name, version: SemanticVersion(1, 0, 0), author: "Your Name",
          description: "Example plugin for demonstration", license: "MIT",
          dependencies: ["numpy>=1.20.0", "pandas>=1.3.0"], nodeTypes: nodeTypes,
          permissions: [.filesystemRead(nil), .networkHTTP(hosts: [])], entryPoint: "example_plugin.py",
          minimumEngineVersion: SemanticVersion(1, 0, 0), maximumEngineVersion: SemanticVersion(2, 0, 0),
          configuration: [
            PluginManifest.ConfigurationKey(
              name: keys[0], type: "string", description: "API key for external service", required: false,
              defaultValue: nil),
            PluginManifest.ConfigurationKey(
              name: keys[1], type: "integer", description: "Maximum batch size for processing", required: false,
              defaultValue: 100),
          ]))
  }

  @Test("only name, version, author and entry_point are required")
  func minimal() throws {
    let manifest = try read(Self.minimal)
    #expect(manifest.version == SemanticVersion(1, 0, 0))
    #expect(manifest.maximumEngineVersion == nil && manifest.permissions.isEmpty && manifest.configuration.isEmpty)
    #expect(
      found("{}") == [
        "plugin.yaml:1:1: error: the key 'name' is missing", "plugin.yaml:1:1: error: the key 'version' is missing",
        "plugin.yaml:1:1: error: the key 'author' is missing",
        "plugin.yaml:1:1: error: the key 'entry_point' is missing",
      ])
  }

  @Test("keys without a value are as good as absent where they are optional")
  func nulls() throws {
    let manifest = try read(Self.minimal + "max_engine_version:\ndependencies: null\npermissions: ~\n")
    #expect(manifest == (try read(Self.minimal)))
  }

  @Test(
    "one mistake gives one problem at its place",
    arguments: [
      ("name: ../evil", "plugin.yaml:1:7: error: '../evil' is not a plugin name"),
      ("name: Plugin", "plugin.yaml:1:7: error: 'Plugin' is not a plugin name"),
      ("name: 12", "plugin.yaml:1:7: error: 'name' must be text: it is an integer"),
      ("name: [p]", "plugin.yaml:1:7: error: 'name' must be text: it is a list"),
      ("version: one", "plugin.yaml:2:10: error: 'one' is not a version"),
      ("version: 1.2.3.4", "plugin.yaml:2:10: error: '1.2.3.4' is not a version"),
      ("author:", "plugin.yaml:3:8: error: 'author' has no value: the key is required"),
      (
        "entry_point: /etc/passwd.py",
        "plugin.yaml:4:14: error: '/etc/passwd.py' is not a file of the plugin: an entry point can't lead out of the plugin's directory"
      ),
      (
        "entry_point: .//etc/x.py",
        "plugin.yaml:4:14: error: './/etc/x.py' is not a file of the plugin: an entry point can't lead out of the plugin's directory"
      ),
      (
        "entry_point: src/../../x.py",
        "plugin.yaml:4:14: error: 'src/../../x.py' is not a file of the plugin: an entry point can't lead out of the plugin's directory"
      ),
      (
        "entry_point: src/",
        "plugin.yaml:4:14: error: 'src/' is not a file of the plugin: an entry point can't lead out of the plugin's directory"
      ),
      ("entry_point: run.sh", "plugin.yaml:4:14: error: 'run.sh' is not a Python file"),
      ("entry_point: .py", "plugin.yaml:4:14: error: '.py' is not a Python file"),
      ("permissions: filesystem.read", "plugin.yaml:5:14: error: 'permissions' must be a list: it is a string"),
      ("permissions: [filesystem.raed]", "plugin.yaml:5:15: error: unknown permission 'filesystem.raed'"),
      ("permissions: [network.http, network.http]", "plugin.yaml:5:29: error: 'network.http' is listed twice"),
      ("permissions: [{a: b}]", "plugin.yaml:5:15: error: 'permissions[0]' must be text: it is a mapping"),
      ("node_types: [a, b, a]", "plugin.yaml:5:20: error: 'a' is listed twice"),
      ("node_types: [a/b]", "plugin.yaml:5:14: error: 'a/b' is not a node type"),
      ("dependencies: [1]", "plugin.yaml:5:16: error: 'dependencies[0]' must be text: it is an integer"),
      ("licence: MIT", "plugin.yaml:5:1: error: unknown key 'licence'"),
      (
        "description: \"\\e]0;x\\a\"",
        "plugin.yaml:5:14: error: 'description' holds a control character: it is '\\u{1b}]0;x\\u{7}'"
      ),
      ("configuration: {k: {type: int}}", "plugin.yaml:5:27: error: 'int' is not a value of 'configuration.k.type'"),
      ("configuration: {k: {}}", "plugin.yaml:5:20: error: the key 'type' is missing in 'configuration.k'"),
      (
        "configuration: {k: {type: integer, default: \"1\"}}",
        "plugin.yaml:5:45: error: 'configuration.k.default' must be a whole number, as 'type' says: it is a string"
      ),
      (
        "configuration: {k: {type: string, requierd: true}}",
        "plugin.yaml:5:35: error: unknown key 'requierd' in 'configuration.k'"
      ),
      ("configuration: {../k: {type: string}}", "plugin.yaml:5:17: error: '../k' is not a parameter name"),
      (
        "min_engine_version: 1.1",
        "plugin.yaml:5:21: error: the plugin needs a newer engine: it asks for 1.1.0 or later, and this is 1.0.0"
      ),
      (
        "max_engine_version: 0.9",
        "plugin.yaml:5:21: error: the plugin is made for an older engine: it accepts at most 0.9.0, and this is 1.0.0"
      ),
    ])
  func oneMistake(line: String, expected: String) {
    let key = line.prefix { $0 != ":" }
    var lines = Self.minimal.split(separator: "\n").map(String.init)
    if let index = lines.firstIndex(where: { $0.hasPrefix(key + ":") }) {
      lines[index] = line
    } else {
      lines.append(line)
    }
    #expect(found(lines.joined(separator: "\n")) == [expected])
  }

  @Test("a range that no engine fits is one problem")
  func emptyRange() {
    #expect(
      found(Self.minimal + "min_engine_version: 2.0\nmax_engine_version: 1.0") == [
        "plugin.yaml:6:21: error: no engine version fits this plugin: 1.0.0 is below 'min_engine_version', which is 2.0.0"
      ])
  }

  @Test("both ends of the engine range belong to it")
  func engineRange() throws {
    let text = Self.minimal + "min_engine_version: 1.0.0\nmax_engine_version: 2.0.0"
    for version in [SemanticVersion(1, 0, 0), SemanticVersion(1, 5, 0), SemanticVersion(2, 0, 0)] {
      #expect(found(text, engine: version) == [])
    }
    #expect(found(text, engine: SemanticVersion(2, 0, 1)).count == 1)
    #expect(found(text, engine: SemanticVersion(1, 0, 0, prerelease: ["rc"])).count == 1)
  }

  @Test("all mistakes of a file are reported together, syntax apart")
  func allAtOnce() {
    let text =
      "name: X\nversion: y\nauthor: A\nauthor: B\nentry_point: z\nnode_typs: []\npermissions: [a, b]\nmin_engine_version: 9"
    #expect(
      found(text).map { String($0.split(separator: ":")[1]) } == ["1", "2", "4", "5", "6", "7", "7", "8"])
  }

  @Test("a manifest as a value has every key of plugin.yaml")
  func jsonValue() throws {
    #expect(
      try read(Self.minimal).jsonValue.text()
        == #"{"name":"p","version":"1.0.0","author":"A","description":"","license":"","dependencies":[],"node_types":[],"permissions":[],"entry_point":"p.py","min_engine_version":null,"max_engine_version":null,"configuration":{}}"#
    )
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    let manifest = try read(Self.sample)
    #expect(try read(manifest.jsonValue.text(.pretty)) == manifest)
  }

  @Test("no mutation of a manifest crashes the reader", arguments: [61, 62, 63] as [UInt64])
  func mutations(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let original = Array(Self.sample.utf8)
    for _ in 0..<400 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        default: bytes.insert("[]{}:-&*!|\"\n \t".utf8.randomElement(using: &generator) ?? 0, at: index)
        }
      }
      do throws(Diagnostics) {
        let manifest = try PluginManifest(yaml: bytes, file: "f", engineVersion: SemanticVersion(1, 0, 0))
        let again = try? PluginManifest(
          yaml: manifest.jsonValue.utf8(), file: "f", engineVersion: SemanticVersion(1, 0, 0))
        #expect(again == manifest)
      } catch {
        #expect(error.hasErrors)
      }
    }
  }
}
