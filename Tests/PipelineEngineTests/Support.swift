import LinuxSystem
import PluginModel

@testable import PipelineEngine

/// SplitMix64: the same seed gives the same test, on every machine.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A plugin `demo` with node types of every shape that the tests need.
enum Demo {
  static func port(
    _ name: String, _ type: PortType = .any, required: Bool = true, default value: JSONValue? = nil,
    multiple: Bool = false
  ) -> PortSpecification {
    PortSpecification(
      name: PortName(unchecked: name), type: type, displayName: name, description: "", required: required,
      defaultValue: value, multiple: multiple)
  }

  static let specifications: [NodeSpecification] = [
    NodeSpecification(
      nodeType: NodeTypeName(unchecked: "source"), displayName: "Source", category: "Test", description: "",
      color: "#2563eb", outputs: [port("output", .string)],
      parameters: [
        ParameterSpecification(
          name: ParameterName(unchecked: "mode"), type: "string", displayName: "Mode", description: "",
          defaultValue: "standard", constraints: ["enum": ["standard", "advanced"]], component: .select),
        ParameterSpecification(
          name: ParameterName(unchecked: "count"), type: "integer", displayName: "Count", description: "",
          defaultValue: 3, constraints: ["min": 1, "max": 10], component: .slider),
      ], resourceRequirements: ResourceRequirement(cpuCores: 2, memoryMB: 512, gpuCount: 1, gpuMemoryMB: 1024)),
    NodeSpecification(
      nodeType: NodeTypeName(unchecked: "step"), displayName: "Step", category: "Test", description: "",
      inputs: [port("input", .string)], outputs: [port("output", .string), port("size", .integer)]),
    NodeSpecification(
      nodeType: NodeTypeName(unchecked: "join"), displayName: "Join", category: "Test", description: "",
      inputs: [port("items", multiple: true), port("limit", .number, required: false, default: .double(2.5))],
      outputs: [port("output", .mapping)]),
    NodeSpecification(
      nodeType: NodeTypeName(unchecked: "split"), displayName: "Split", category: "Test", description: "",
      outputs: [
        port("output", .list(.string)), port("numbers", .list(.integer)), port("anything"), port("picture", .image),
      ],
      parameters: [
        ParameterSpecification(
          name: ParameterName(unchecked: "count"), type: "integer", displayName: "Count", description: "",
          defaultValue: 3)
      ]),
    NodeSpecification(
      nodeType: NodeTypeName(unchecked: "gather"), displayName: "Gather", category: "Test", description: "",
      inputs: [port("list", .list(.string))], outputs: [port("output", .string)]),
    NodeSpecification(
      nodeType: NodeTypeName(unchecked: "frame"), displayName: "Frame", category: "Test", description: "",
      inputs: [port("input"), port("whole", .list(.any), required: false, default: [])],
      outputs: [port("output", .image), port("list", .list(.string))]),
  ]

  static let catalog = NodeCatalog(plugins: [
    PluginName(unchecked: "demo"): .init(version: SemanticVersion(1, 2, 0), specifications: specifications)
  ])

  static func graph(_ text: String, inputs: [(name: String, value: JSONValue)] = []) throws -> WorkflowGraph {
    let workflow = try Workflow(bytes: Array(text.utf8), file: "flow.yaml")
    return try WorkflowGraph.validate(workflow, catalog: catalog, inputs: try workflow.bind(inputs))
  }

  /// What `text` is refused with.
  static func problems(_ text: String) -> [Diagnostic] {
    do {
      _ = try graph(text)
      return []
    } catch let diagnostics as Diagnostics {
      return diagnostics.items
    } catch {
      return [Diagnostic("\(error)")]
    }
  }

  static func workflow(_ nodes: String, more: String = "") -> String {
    """
    apiVersion: orchestrator/v1
    kind: Workflow
    metadata: {name: test}
    spec:
    \(more.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
      nodes:
    \(nodes.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
    """
  }
}

/// Time that passes only when a test says so would hide races; this one passes, a thousand times faster.
struct FastClock: RunClock {
  private let origin = ContinuousClock.now
  func now() -> Int64 {
    let elapsed = ContinuousClock.now - origin
    return elapsed.components.seconds * 1_000_000 + elapsed.components.attoseconds / 1_000_000_000_000
  }
  func sleep(milliseconds: Int64) async throws { try await Task.sleep(for: .microseconds(milliseconds)) }
}

/// Runs nodes as the test says, and remembers what it was asked.
final class ScriptedExecutor: NodeExecutor {
  typealias Body = @Sendable (NodeCall) async throws(NodeFailure) -> NodeSuccess
  private let body: Body
  private let log = Lock<[NodeCall]>([])
  private let running = Lock((now: 0, most: 0))

  init(_ body: @escaping Body) { self.body = body }

  var calls: [NodeCall] { log.withLock { $0 } }
  var mostAtOnce: Int { running.withLock { $0.most } }

  func execute(
    _ call: NodeCall, report: @escaping @Sendable (NodeReport) -> Void,
    accept: @escaping NodeAcceptance
  ) async throws(NodeFailure) -> NodeSuccess {
    log.withLock { $0.append(call) }
    running.withLock {
      $0.now += 1
      $0.most = max($0.most, $0.now)
    }
    defer { running.withLock { $0.now -= 1 } }
    report(.started)
    return try await accept(try await body(call))
  }
}

extension NodeSuccess {
  /// A value for every output of `demo`'s node types.
  static let everything = NodeSuccess(outputs: [
    (PortName(unchecked: "output"), [NodeValue(json: "value")]), (PortName(unchecked: "size"), [NodeValue(json: 5)]),
  ])

  /// The same, and of `demo/split` so many items.
  static func everything(of type: NodeTypeReference, items: Int) -> NodeSuccess {
    guard type.nodeType.text == "split" else { return everything }
    return NodeSuccess(outputs: [
      (
        PortName(unchecked: "output"), [NodeValue(json: .array((0..<items).map { .string("item \($0)") }))]
      )
    ])
  }
}
