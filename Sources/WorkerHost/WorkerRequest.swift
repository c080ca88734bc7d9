import LinuxSystem
import PluginModel
import SandboxPlanning

extension SealedMemory: SharedBytes {}

/// Everything that makes one worker differ from another: its sandbox and what its plugin is told at the start. Workers are
/// reused for equal configurations only.
package struct WorkerConfiguration: Hashable, Sendable {
  package var plan: SandboxPlan
  /// What a worker was started from can change under the same plan: a digest of the plugin's files.
  package var digest: String
  /// Of its Python packages; nil: it has none of its own.
  package var packages: ContentDigest?
  package var engineVersion: String
  /// With the keys of `plugin.yaml`, absent ones as null or an empty list.
  package var manifest: JSONValue
  /// The operator's values for the manifest's `configuration`: an object.
  package var config: JSONValue
  package var availableCPU: Double
  /// Mebibytes.
  package var availableMemoryMB: Int
  /// Paths inside the sandbox.
  package var pluginDirectory: AbsolutePath
  /// Where its Python packages lie; nil: those of the interpreter are all that there are.
  package var environment: AbsolutePath?
  package var workspace: AbsolutePath?
  package var scratch: AbsolutePath
  /// Tracebacks keep the frames of the worker's own code.
  package var isDebugging: Bool

  package init(
    plan: SandboxPlan, digest: String, packages: ContentDigest? = nil, engineVersion: String, manifest: JSONValue,
    config: JSONValue = .object([]),
    availableCPU: Double, availableMemoryMB: Int, pluginDirectory: AbsolutePath, workspace: AbsolutePath?,
    scratch: AbsolutePath, isDebugging: Bool = false, environment: AbsolutePath? = nil
  ) {
    self.environment = environment
    self.isDebugging = isDebugging
    self.plan = plan
    self.digest = digest
    self.packages = packages
    self.engineVersion = engineVersion
    self.manifest = manifest
    self.config = config
    self.availableCPU = availableCPU
    self.availableMemoryMB = availableMemoryMB
    self.pluginDirectory = pluginDirectory
    self.workspace = workspace
    self.scratch = scratch
  }

  /// The body of the initialize frame.
  package var initializeObject: JSONValue {
    let told: JSONValue = [
      "protocol": 1, "engine_version": .string(engineVersion), "plugin_directory": .string(pluginDirectory.text),
      "manifest": manifest, "config": config,
      "available_resources": [
        "available_cpu": .double(availableCPU), "available_memory": .integer(Int64(availableMemoryMB)),
        "available_gpus": .integer(Int64(plan.devices.count)),
      ],
      "permissions": .array(plan.permissions.map { .string($0.description) }),
      "workspace": workspace.map { .string($0.text) } ?? .null, "scratch": .string(scratch.text),
      "debug": .bool(isDebugging),
    ]
    guard let environment, case .object(let members) = told else { return told }
    return .object(members + [.init("environment", .string(environment.text))])
  }
}

/// One node to carry out.
package struct NodeExecution: Sendable {
  package struct Input: Sendable {
    package var port: PortName
    package var values: [NodeValue]
    /// The port takes a list, whatever the number of values.
    package var isMultiple: Bool
    package init(port: PortName, values: [NodeValue], isMultiple: Bool) {
      self.port = port
      self.values = values
      self.isMultiple = isMultiple
    }
  }

  package var run: String
  package var node: NodeName
  package var nodeType: NodeTypeName
  package var parameters: [(name: ParameterName, value: JSONValue)]
  package var inputs: [Input]
  /// From 1.
  package var attempt: Int
  /// Told to this call alone: the worker serves no other afterwards.
  package var secrets: [Secret]
  /// What nothing shows that the worker writes or says: its own secrets, and those of other nodes that may have come to it.
  package var mask: SecretMask

  package init(
    run: String, node: NodeName, nodeType: NodeTypeName, parameters: [(name: ParameterName, value: JSONValue)],
    inputs: [Input], attempt: Int, secrets: [Secret] = [], mask: SecretMask? = nil
  ) {
    self.run = run
    self.node = node
    self.nodeType = nodeType
    self.parameters = parameters
    self.inputs = inputs
    self.attempt = attempt
    self.secrets = secrets
    self.mask = mask ?? SecretMask(secrets)
  }

  var estimateMetadata: JSONValue { question("estimate") }
  var cacheKeyMetadata: JSONValue { question("cache_key") }

  /// What is asked before it runs: it has no secrets.
  private func question(_ operation: String) -> JSONValue {
    ["operation": .string(operation), "node_type": .string(nodeType.text), "parameters": parameterObject]
  }

  private var parameterObject: JSONValue { .object(parameters.map { JSONValue.Member($0.name.text, $0.value) }) }

  func metadata(limit: Duration?) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("operation", "execute"), .init("run", .string(run)), .init("node", .string(node.text)),
      .init("node_type", .string(nodeType.text)), .init("parameters", parameterObject),
      .init("attempt", .integer(Int64(attempt))),
      .init("deadline_ms", limit.map { .integer(max(0, $0.wholeMilliseconds)) } ?? .null),
    ]
    if !secrets.isEmpty {
      members.append(.init("secrets", .object(secrets.map { JSONValue.Member($0.name.text, .string($0.value)) })))
    }
    return .object(members)
  }
}

/// The outputs of a node.
package struct NodeOutcome: Sendable {
  /// By port, in the order in which the worker named them.
  package var outputs: [(port: PortName, values: [NodeValue])]
  /// The plugin's `on_error` supplied them.
  package var isFallback: Bool
  /// What the plugin's `cache_key` said, if anything.
  package var cacheKey: String?
  /// What tests it ran, as it says.
  package var tests: TestReport?
}
