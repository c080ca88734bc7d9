import PipelineEngine
import PluginModel

/// Workflows of many nodes, as text: each node has parameters and inputs as workflows that people write have them.
enum GraphShape: String, CaseIterable {
  /// A hundred nodes beside each other, again and again; each reads two of the layer before.
  case layers
  /// Ten chains, and nothing between them.
  case chains
  /// One node that all others read, joined by the hundred, and these joined in one.
  case fan
  /// Matrices of 255 instances, each joined.
  case matrix

  private static let plugin = "bench"

  /// Nodes as they are written, each with its body: type, parameters and inputs.
  private struct Written {
    var name: String
    var type: String
    var parameters: [(name: String, value: String)] = []
    /// Each with its sources; several are a list.
    var inputs: [(port: String, sources: [String])] = []
    var matrix: [(axis: String, values: [String])] = []
  }

  /// - Parameter count: nodes, with all instances of matrices; at least 1000.
  func text(_ syntax: DocumentSyntax, count: Int) -> [UInt8] {
    let nodes = nodes(count)
    return Array((syntax == .yaml ? Self.yaml(nodes) : Self.json(nodes)).utf8)
  }

  private func nodes(_ count: Int) -> [Written] {
    switch self {
    case .layers:
      let width = 100
      return (0..<count).map { index in
        let (layer, place) = (index / width, index % width)
        guard layer > 0 else { return Self.source(index) }
        let first = (layer - 1) * width
        return Self.step(index, inputs: [("input", [first + place]), ("other", [first + (place + 1) % width])])
      }
    case .chains:
      let chains = 10
      return (0..<count).map { $0 < chains ? Self.source($0) : Self.step($0, inputs: [("input", [$0 - chains])]) }
    case .fan:
      let groups = count / 102
      let steps = count - groups - 2
      return [Self.source(0)] + (1...steps).map { Self.step($0, inputs: [("input", [0])]) }
        + (0..<groups).map { group in
          Self.join(steps + 1 + group, Array(stride(from: 1 + group, through: steps, by: groups)).map(Self.output))
        } + [Self.join(count - 1, (0..<groups).map { Self.output(steps + 1 + $0) })]
    case .matrix:
      let instances = 255
      let groups = (count - 1) / (instances + 1)
      let sources = count - 1 - groups * (instances + 1)
      let cells = (0..<groups).map { group in
        Written(
          name: "cell\(group)", type: "step",
          parameters: [("mode", "${{ matrix.mode }}"), ("count", "${{ matrix.count }}"), ("title", "cell \(group)")],
          inputs: [("input", [Self.output(group % sources)])],
          matrix: [("mode", ["plain", "exact", "fast"]), ("count", (1...(instances / 3)).map(String.init))])
      }
      let joins = (0..<groups).map { Self.join(sources + $0, ["cell\($0).output"]) }
      return (0..<sources).map(Self.source) + cells + joins
        + [Self.join(sources + groups, joins.map { "\($0.name).output" })]
    }
  }

  private static func name(_ index: Int) -> String { "node\(index)" }
  private static func output(_ index: Int) -> String { "\(name(index)).output" }

  private static func source(_ index: Int) -> Written {
    Written(name: name(index), type: "source", parameters: [("path", "data/part-\(index).csv")])
  }

  private static func step(_ index: Int, inputs: [(port: String, sources: [Int])]) -> Written {
    Written(
      name: name(index), type: "step",
      parameters: [("mode", index % 2 == 0 ? "exact" : "${{ inputs.mode }}"), ("count", "\(1 + index)")],
      inputs: inputs.map { ($0.port, $0.sources.map(output)) })
  }

  private static func join(_ index: Int, _ sources: [String]) -> Written {
    Written(name: name(index), type: "join", inputs: [("items", sources)])
  }

  // MARK: Text

  private static func yaml(_ nodes: [Written]) -> String {
    var text = """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: bench}
      spec:
        inputs:
          mode: {type: string, default: plain}
        plugins: {\(plugin): ">=1.0,<2"}
        defaults: {timeout: 60s}
        nodes:

      """
    for node in nodes {
      text += "    \(node.name):\n      type: \(plugin)/\(node.type)\n"
      if !node.matrix.isEmpty {
        let axes = node.matrix.map { "\($0.axis): [\($0.values.joined(separator: ", "))]" }
        text += "      matrix: {\(axes.joined(separator: ", "))}\n"
      }
      if !node.parameters.isEmpty {
        let values = node.parameters.map { "\($0.name): \($0.value.hasPrefix("$") ? "\"\($0.value)\"" : $0.value)" }
        text += "      with: {\(values.joined(separator: ", "))}\n"
      }
      if !node.inputs.isEmpty {
        let inputs = node.inputs.map { input in
          let sources = input.sources.joined(separator: ", ")
          return input.sources.count == 1 ? "\(input.port): \(sources)" : "\(input.port): [\(sources)]"
        }
        text += "      in: {\(inputs.joined(separator: ", "))}\n"
      }
    }
    return text
  }

  private static func json(_ nodes: [Written]) -> String {
    func scalar(_ text: String) -> JSONValue { Int64(text).map { .integer($0) } ?? .string(text) }
    func list(_ items: [String]) -> JSONValue { .array(items.map(scalar)) }
    let members = nodes.map { node in
      var members: [JSONValue.Member] = [.init("type", .string("\(plugin)/\(node.type)"))]
      if !node.matrix.isEmpty {
        members.append(.init("matrix", .object(node.matrix.map { .init($0.axis, list($0.values)) })))
      }
      if !node.parameters.isEmpty {
        members.append(.init("with", .object(node.parameters.map { .init($0.name, scalar($0.value)) })))
      }
      if !node.inputs.isEmpty {
        let inputs = node.inputs.map { input in
          JSONValue.Member(input.port, input.sources.count == 1 ? .string(input.sources[0]) : list(input.sources))
        }
        members.append(.init("in", .object(inputs)))
      }
      return JSONValue.Member(node.name, .object(members))
    }
    let root: JSONValue = [
      "apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": ["name": "bench"],
      "spec": [
        "inputs": ["mode": ["type": "string", "default": "plain"]], "plugins": .object([.init(plugin, ">=1.0,<2")]),
        "defaults": ["timeout": "60s"], "nodes": .object(members),
      ],
    ]
    return root.text(.pretty)
  }

  // MARK: What they are checked against

  static func catalog() throws -> NodeCatalog {
    func port(_ name: String, _ type: PortType, isNeeded: Bool = true, isMany: Bool = false) -> PortSpecification {
      PortSpecification(
        name: PortName(unchecked: name), type: type, displayName: name, description: "", required: isNeeded,
        multiple: isMany)
    }
    func parameter(_ name: String, _ type: String, _ value: JSONValue, _ rules: JSONValue?) -> ParameterSpecification {
      ParameterSpecification(
        name: ParameterName(unchecked: name), type: type, displayName: name, description: "", defaultValue: value,
        constraints: rules)
    }
    func specification(
      _ name: String, inputs: [PortSpecification], parameters: [ParameterSpecification]
    ) -> NodeSpecification {
      NodeSpecification(
        nodeType: NodeTypeName(unchecked: name), displayName: name, category: "Benchmark", description: "",
        inputs: inputs, outputs: [port("output", .table), port("rows", .integer)], parameters: parameters,
        resourceRequirements: ResourceRequirement(cpuCores: 1, memoryMB: 256))
    }
    guard let name = PluginName(plugin) else { throw BenchmarkFailure("\(plugin) is no name of a plugin") }
    return NodeCatalog(plugins: [
      name: .init(
        version: SemanticVersion(1, 2, 0),
        specifications: [
          specification("source", inputs: [], parameters: [parameter("path", "string", "", nil)]),
          specification(
            "step", inputs: [port("input", .table), port("other", .table, isNeeded: false)],
            parameters: [
              parameter("mode", "string", "plain", ["enum": ["plain", "exact", "fast"]]),
              parameter("count", "integer", 1, ["min": 1, "max": 1_000_000]),
              parameter("title", "string", "untitled", nil),
            ]),
          specification("join", inputs: [port("items", .table, isMany: true)], parameters: []),
        ])
    ])
  }
}
