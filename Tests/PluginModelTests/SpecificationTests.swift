import PluginModel
import Testing

@Suite("Node specifications from a worker")
struct SpecificationTests {
  /// What the specification's template plugin describes.
  static let template = """
    {"node_type": "example_processor", "display_name": "Example Processor", "category": "Processing",
     "description": "Processes data in an example way", "icon": null, "color": null,
     "inputs": [{"name": "input", "type": "any", "display_name": "Input Data", "description": "Data to process",
                 "required": true, "default": null, "multiple": false}],
     "outputs": [{"name": "output", "type": "any", "display_name": "Processed Data", "description": "Processed result",
                  "required": true, "default": null, "multiple": false}],
     "parameters": [{"name": "mode", "type": "string", "display_name": "Processing Mode",
                     "description": "How to process the data", "default": "standard",
                     "constraints": {"enum": ["standard", "advanced", "minimal"]}, "ui_component": "select"}],
     "resource_requirements": {"cpu_cores": 1.0, "memory_mb": 256, "gpu_count": 0, "gpu_memory_mb": 0}}
    """

  private func read(_ text: String) throws -> NodeSpecification {
    try NodeSpecification(JSONValue(json: text), source: "worker")
  }

  private func found(_ value: JSONValue) -> [String] {
    problems { () throws(Diagnostics) in _ = try NodeSpecification(value, source: "worker") }
  }

  /// The template with one value replaced, by its path; nil removes it.
  private func template(_ path: [String], _ replacement: JSONValue?) throws -> JSONValue {
    func replace(_ value: JSONValue, _ path: ArraySlice<String>) -> JSONValue? {
      guard let step = path.first else { return replacement }
      switch value {
      case .array(let items):
        return .array(items.enumerated().compactMap { "\($0)" == step ? replace($1, path.dropFirst()) : $1 })
      case .object(var members):
        if !members.contains(where: { $0.key == step }) { members.append(JSONValue.Member(step, .null)) }
        return .object(
          members.compactMap { member in
            guard member.key == step else { return member }
            return replace(member.value, path.dropFirst()).map { JSONValue.Member(step, $0) }
          })
      default: return value
      }
    }
    return replace(try JSONValue(json: Self.template), path[...]) ?? .null
  }

  @Test("the specification's template is read")
  func templatePlugin() throws {
    let specification = try read(Self.template)
    #expect(specification.nodeType.text == "example_processor")
    #expect(specification.inputs[0].required && specification.inputs[0].defaultValue == nil)
    #expect(specification.parameters[0].component == .select)
    #expect(specification.parameters[0].constraints?["enum"] == ["standard", "advanced", "minimal"])
    #expect(specification.resourceRequirements == ResourceRequirement(cpuCores: 1, memoryMB: 256))
  }

  @Test("what the template leaves out has the dataclasses' defaults")
  func defaults() throws {
    let specification = try read(
      #"{"node_type": "n", "display_name": "N", "category": "C", "description": "", "inputs": [{"name": "a", "type": "any"}]}"#
    )
    #expect(specification.inputs[0].displayName == "a" && specification.inputs[0].required)
    #expect(specification.outputs.isEmpty && specification.color == nil)
    #expect(specification.resourceRequirements == ResourceRequirement())
  }

  @Test("null is a default of a port that isn't required, and none of one that is")
  func nullDefaults() throws {
    let optional = try NodeSpecification(template(["inputs", "0", "required"], false), source: "worker")
    #expect(optional.inputs[0].defaultValue == .null)
    #expect(try read(Self.template).inputs[0].defaultValue == nil)
  }

  @Test(
    "whatever doesn't fit is refused by its path",
    arguments: [
      (["node_type"], "a/b", "error: 'a/b' is not a node type"),
      (["node_type"], nil, "error: the key 'node_type' is missing"),
      (["display_name"], "", "error: 'display_name' must be one line that isn't empty"),
      (["display_name"], "a\nb", "error: 'display_name' must be one line that isn't empty"),
      (["display_name"], "\u{1B}[31m", "error: 'display_name' holds a control character: it is '\\u{1b}[31m'"),
      (["category"], 3, "error: 'category' must be text: it is an integer"),
      (["color"], "red", "error: 'red' is not a colour"), (["color"], "#12345", "error: '#12345' is not a colour"),
      (["color"], "#fff;background:url(//x)", "error: '#fff;background:url(//x)' is not a colour"),
      (["color"], "#ggg", "error: '#ggg' is not a colour"),
      (["inputs"], [:], "error: 'inputs' must be a list: it is a mapping"),
      (["inputs", "0", "name"], "../x", "error: '../x' is not a port name"),
      (["inputs", "0", "type"], "<script>", "error: '<script>' is not a port type"),
      (["inputs", "0", "type"], "a b", "error: 'a b' is not a port type"),
      (["inputs", "0", "required"], "yes", "error: 'inputs[0].required' must be true or false: it is a string"),
      (["inputs", "0", "extra"], 1, "error: unknown key 'extra' in 'inputs[0]'"),
      (["parameters", "0", "type"], "text", "error: 'text' is not a value of 'parameters[0].type'"),
      (["parameters", "0", "default"], nil, "error: the key 'default' is missing in 'parameters[0]'"),
      (
        ["parameters", "0", "default"], 1,
        "error: 'parameters[0].default' must be text, as 'type' says: it is an integer"
      ),
      (["parameters", "0", "ui_component"], "knob", "error: 'knob' is not a value of 'parameters[0].ui_component'"),
      (["parameters", "0", "constraints"], [1], "error: 'parameters[0].constraints' must be a mapping: it is a list"),
      (["parameters", "0", "constraints", "enum"], [], "error: 'parameters[0].constraints' allows nothing"),
      (
        ["parameters", "0", "constraints", "min"], "0",
        "error: 'parameters[0].constraints.min' must be a number: it is a string"
      ),
      (
        ["parameters", "0", "constraints", "pattern"], 1,
        "error: 'parameters[0].constraints.pattern' must be text: it is an integer"
      ),
      (
        ["resource_requirements", "cpu_cores"], -1,
        "error: 'resource_requirements.cpu_cores' must be from 0 to 4096: it is -1"
      ),
      (
        ["resource_requirements", "memory_mb"], .double(0.5),
        "error: 'resource_requirements.memory_mb' must be a whole number: it is a number"
      ),
      (
        ["resource_requirements", "gpu_count"], 65,
        "error: 'resource_requirements.gpu_count' must be from 0 to 64: it is 65"
      ),
      (["resource_requirements", "disk"], 65, "error: unknown key 'disk' in 'resource_requirements'"),
    ] as [([String], JSONValue?, String)])
  func refused(path: [String], replacement: JSONValue?, expected: String) throws {
    #expect(found(try template(path, replacement)) == [expected])
  }

  @Test("a range of constraints that allows nothing is refused")
  func constraintRange() throws {
    let value = try template(["parameters", "0", "constraints"], ["min": 2, "max": 1])
    #expect(found(value) == ["error: 'parameters[0].constraints' allows nothing: 'min' is above 'max'"])
  }

  @Test("names, texts, ports and node types are bounded")
  func bounds() throws {
    let port: JSONValue = ["name": "a", "type": "any"]
    #expect(
      found(try template(["inputs"], .array(Array(repeating: port, count: 257)))) == [
        "error: 'inputs' has more than 256 items: it has 257"
      ])
    #expect(found(try template(["description"], .string(String(repeating: "x", count: 4097)))).count == 1)
    #expect(found(try template(["description"], .string(String(repeating: "x", count: 4096)))) == [])
    #expect(found(try template(["node_type"], .string(String(repeating: "x", count: 65)))).count == 1)
    #expect(found(try template(["node_type"], .string(String(repeating: "x", count: 64)))) == [])
    let types: JSONValue = ["node_types": .array(Array(repeating: [:], count: 513))]
    #expect(
      problems { () throws(Diagnostics) in _ = try NodeSpecification.read(description: types, source: "worker") } == [
        "error: 'node_types' has more than 512 items: it has 513"
      ])
  }

  @Test(
    "a name is used once among the ports of a side, the parameters and the node types",
    arguments: ["inputs", "outputs", "parameters"])
  func duplicates(list: String) throws {
    let value = try JSONValue(json: Self.template)
    let items = value[list]?.arrayValue ?? []
    let found = found(try template([list], .array(items + items)))
    #expect(found.count == 1 && found[0].hasSuffix("is used twice"))
    let types: JSONValue = ["node_types": [value, value]]
    #expect(
      problems { () throws(Diagnostics) in _ = try NodeSpecification.read(description: types, source: "worker") } == [
        "error: the node type 'example_processor' is used twice"
      ])
  }

  @Test(
    "an answer that isn't one is refused",
    arguments: [.null, [], "x", [:], ["node_types": .null], ["node_types": [1]], ["node_types": [], "x": 1]]
      as [JSONValue])
  func notAnAnswer(value: JSONValue) {
    #expect(
      problems { () throws(Diagnostics) in _ = try NodeSpecification.read(description: value, source: "worker") }.count
        >= 1)
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    let full = try JSONValue(json: Self.template)
    let specification = try NodeSpecification(full, source: "worker")
    #expect(try NodeSpecification(specification.jsonValue, source: "worker") == specification)
    #expect(specification.jsonValue["resource_requirements"] == full["resource_requirements"])
    #expect(specification.jsonValue["parameters"] == full["parameters"])
    #expect(
      try ResourceRequirement(ResourceRequirement(cpuCores: 0.5, gpuMemoryMB: 7).jsonValue, source: "w")
        == ResourceRequirement(cpuCores: 0.5, gpuMemoryMB: 7))
  }

  @Test("no value crashes the reader, and what is accepted survives the round trip", arguments: [71, 72] as [UInt64])
  func randomValues(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let paths = [
      ["node_type"], ["color"], ["icon"], ["inputs"], ["inputs", "0"], ["inputs", "0", "name"],
      ["inputs", "0", "default"], ["parameters", "0"],
      ["parameters", "0", "default"], ["parameters", "0", "constraints"], ["parameters", "0", "constraints", "max"],
      ["resource_requirements"],
      ["resource_requirements", "cpu_cores"], [],
    ]
    for _ in 0..<1000 {
      let value = try template(paths.randomElement(using: &generator) ?? [], randomValue(&generator))
      guard let specification = try? NodeSpecification(value, source: "w") else { continue }
      #expect(try NodeSpecification(specification.jsonValue, source: "w") == specification)
    }
  }
}
