extension NodeSpecification {
  /// Bounds on what one plugin may describe.
  package static let maximumNodeTypes = 512
  package static let maximumPorts = 256
  package static let maximumParameters = 256
  /// Of a description.
  package static let maximumTextBytes = 4096
  /// Of a name for people: a display name, a category, an icon, a port type.
  package static let maximumLabelBytes = 256

  package enum Key: String, CaseIterable, Sendable {
    case nodeType = "node_type"
    case displayName = "display_name"
    case category
    case description
    case icon
    case color
    case inputs
    case outputs
    case parameters
    case resourceRequirements = "resource_requirements"
    case estimates
    case makesCacheKeys = "cache_keys"
  }

  /// The keys of what a worker answers to `describe`.
  package enum DescriptionKey: String, CaseIterable, Sendable {
    case nodeTypes = "node_types"
  }

  /// Reads the metadata of a worker's answer to `describe`: `{"node_types": [specification, …]}`.
  /// - Parameter source: who says so, for diagnostics; they have no places, but the path of the value.
  /// - Throws: everything that is wrong with the answer. Nothing of it is to be used then.
  package static func read(
    description value: JSONValue, source: String
  ) throws(Diagnostics) -> [NodeSpecification] {
    let report = DocumentReport(file: source)
    let root = ValueReader(DocumentNode(value: value), report: report)
    let list = root.mapping(DescriptionKey.self)?.required(.nodeTypes)?.list(maximumCount: maximumNodeTypes)
    let specifications = list?.unique(by: \.nodeType) { NodeSpecification($0) }
    try report.check()
    return specifications ?? []
  }

  /// Reads one specification, with the keys of ``jsonValue``.
  /// - Throws: everything that is wrong with it.
  package init(_ value: JSONValue, source: String) throws(Diagnostics) {
    let report = DocumentReport(file: source)
    let specification = NodeSpecification(ValueReader(DocumentNode(value: value), report: report))
    try report.check()
    guard let specification else { throw Diagnostics([Diagnostic("the node specification can't be read")]) }
    self = specification
  }

  init?(_ value: ValueReader) {
    guard let root = value.mapping(Key.self) else { return nil }
    let nodeType = root.required(.nodeType)?.name(NodeTypeName.self)
    let displayName = root.required(.displayName)?.label()
    let category = root.required(.category)?.label()
    let description = root.required(.description)?.string(maximumBytes: Self.maximumTextBytes)
    let icon = root.optional(.icon)?.label()
    let color = root.optional(.color)?.color()
    let inputs = root.optional(.inputs)?.list(maximumCount: Self.maximumPorts)
    let outputs = root.optional(.outputs)?.list(maximumCount: Self.maximumPorts)
    let parameters = root.optional(.parameters)?.list(maximumCount: Self.maximumParameters)
    let resources = root.optional(.resourceRequirements).flatMap { ResourceRequirement($0) }
    let estimates = root.optional(.estimates)?.bool() ?? false
    let makesCacheKeys = root.optional(.makesCacheKeys)?.bool() ?? false
    let lists = (
      inputs: inputs?.unique(by: \.name) { PortSpecification($0) },
      outputs: outputs?.unique(by: \.name) { PortSpecification($0) },
      parameters: parameters?.unique(by: \.name) { ParameterSpecification($0) }
    )
    guard let nodeType, let displayName, let category, let description else { return nil }
    self.init(
      nodeType: nodeType, displayName: displayName, category: category, description: description, icon: icon,
      color: color, inputs: lists.inputs ?? [], outputs: lists.outputs ?? [], parameters: lists.parameters ?? [],
      resourceRequirements: resources ?? ResourceRequirement(), estimates: estimates, makesCacheKeys: makesCacheKeys)
  }

  /// With the field names of the specification's dataclasses.
  package var jsonValue: JSONValue {
    .object(
      Key.allCases.map { key in
        let value: JSONValue =
          switch key {
          case .nodeType: .string(nodeType.text)
          case .displayName: .string(displayName)
          case .category: .string(category)
          case .description: .string(description)
          case .icon: icon.map { .string($0) } ?? .null
          case .color: color.map { .string($0) } ?? .null
          case .inputs: .array(inputs.map(\.jsonValue))
          case .outputs: .array(outputs.map(\.jsonValue))
          case .parameters: .array(parameters.map(\.jsonValue))
          case .resourceRequirements: resourceRequirements.jsonValue
          case .estimates: .bool(estimates)
          case .makesCacheKeys: .bool(makesCacheKeys)
          }
        return JSONValue.Member(key.rawValue, value)
      })
  }
}

extension PortSpecification {
  package enum Key: String, CaseIterable, Sendable {
    case name
    case type
    case displayName = "display_name"
    case description
    case required
    case defaultValue = "default"
    case multiple
  }

  /// A Python dataclass can't leave its default out: a `default` of null is none where the port is required.
  fileprivate init?(_ value: ValueReader) {
    guard let root = value.mapping(Key.self) else { return nil }
    let name = root.required(.name)?.name(PortName.self)
    let type = root.required(.type)?.portType()
    let displayName = root.optional(.displayName)?.label()
    let description = root.optional(.description)?.string(maximumBytes: NodeSpecification.maximumTextBytes) ?? ""
    let required = root.optional(.required)?.bool() ?? true
    let multiple = root.optional(.multiple)?.bool() ?? false
    let defaultValue = required ? root.optional(.defaultValue) : root.value(.defaultValue)
    // Null stands for "not connected", whatever the type.
    if let type, let defaultValue, !defaultValue.node.isNull, !type.accepts(defaultValue.node.jsonValue), !multiple {
      defaultValue.error(
        "the default can't be of the type \(type.description.quoted)", hint: "write a value of that type")
    }
    guard let name, let type else { return nil }
    self.init(
      name: name, type: type, displayName: displayName ?? name.text, description: description, required: required,
      defaultValue: defaultValue?.node.jsonValue, multiple: multiple)
  }

  package var jsonValue: JSONValue {
    .object(
      Key.allCases.compactMap { key in
        let value: JSONValue? =
          switch key {
          case .name: .string(name.text)
          case .type: .string(type.description)
          case .displayName: .string(displayName)
          case .description: .string(description)
          case .required: .bool(required)
          case .defaultValue: defaultValue
          case .multiple: .bool(multiple)
          }
        return value.map { JSONValue.Member(key.rawValue, $0) }
      })
  }
}

extension ParameterSpecification {
  package enum Key: String, CaseIterable, Sendable {
    case name
    case type
    case displayName = "display_name"
    case description
    case defaultValue = "default"
    case constraints
    case component = "ui_component"
  }

  /// The constraints that mean something here; a plugin may add its own.
  package enum Constraint: String, CaseIterable, Sendable {
    case choices = "enum"
    case minimum = "min"
    case maximum = "max"
    case pattern
  }

  fileprivate init?(_ value: ValueReader) {
    guard let root = value.mapping(Key.self) else { return nil }
    let name = root.required(.name)?.name(ParameterName.self)
    let type = root.required(.type)?.choice(ValueType.self)
    let displayName = root.optional(.displayName)?.label()
    let description = root.optional(.description)?.string(maximumBytes: NodeSpecification.maximumTextBytes) ?? ""
    let component = root.optional(.component)?.choice(Component.self) ?? .input
    let constraints = root.optional(.constraints)
    let defaultValue = root.value(.defaultValue)
    if defaultValue == nil { _ = root.required(.defaultValue) }
    if let type, let defaultValue, !defaultValue.node.isNull, !type.accepts(defaultValue.node.jsonValue) {
      defaultValue.wrongType("\(type.phrase), as 'type' says")
    }
    constraints?.checkConstraints()
    guard let name, let type, let defaultValue else { return nil }
    self.init(
      name: name, type: type.rawValue, displayName: displayName ?? name.text, description: description,
      defaultValue: defaultValue.node.jsonValue, constraints: constraints?.node.jsonValue, component: component)
  }

  package var jsonValue: JSONValue {
    .object(
      Key.allCases.map { key in
        let value: JSONValue =
          switch key {
          case .name: .string(name.text)
          case .type: .string(type)
          case .displayName: .string(displayName)
          case .description: .string(description)
          case .defaultValue: defaultValue
          case .constraints: constraints ?? .null
          case .component: .string(component.rawValue)
          }
        return JSONValue.Member(key.rawValue, value)
      })
  }
}

extension ResourceRequirement {
  package enum Key: String, CaseIterable, Sendable {
    case cpuCores = "cpu_cores"
    case memoryMB = "memory_mb"
    case gpuCount = "gpu_count"
    case gpuMemoryMB = "gpu_memory_mb"
  }

  /// The most that can be asked for: 4,096 processors, 64 GPUs, and a pebibyte of memory of either kind.
  package static let maximumCPUCores = 4096.0
  package static let maximumGPUCount = 64
  package static let maximumMemoryMB = 1 << 30

  /// Reads what a worker answers to `estimate`, with the keys of ``jsonValue``; what is absent is zero.
  package init(_ value: JSONValue, source: String) throws(Diagnostics) {
    let report = DocumentReport(file: source)
    let requirement = ResourceRequirement(ValueReader(DocumentNode(value: value), report: report))
    try report.check()
    guard let requirement else { throw Diagnostics([Diagnostic("the resource requirement can't be read")]) }
    self = requirement
  }

  init?(_ value: ValueReader) {
    guard let root = value.mapping(Key.self) else { return nil }
    self.init(
      cpuCores: root.optional(.cpuCores)?.number(in: 0...Self.maximumCPUCores) ?? 0,
      memoryMB: root.optional(.memoryMB)?.integer(in: 0...Self.maximumMemoryMB) ?? 0,
      gpuCount: root.optional(.gpuCount)?.integer(in: 0...Self.maximumGPUCount) ?? 0,
      gpuMemoryMB: root.optional(.gpuMemoryMB)?.integer(in: 0...Self.maximumMemoryMB) ?? 0)
  }

  package var jsonValue: JSONValue {
    .object(
      Key.allCases.map { key in
        let value: JSONValue =
          switch key {
          case .cpuCores: .double(cpuCores)
          case .memoryMB: .integer(Int64(memoryMB))
          case .gpuCount: .integer(Int64(gpuCount))
          case .gpuMemoryMB: .integer(Int64(gpuMemoryMB))
          }
        return JSONValue.Member(key.rawValue, value)
      })
  }
}

extension ValueReader {
  /// A short text for people: one line, not empty.
  fileprivate func label() -> String? {
    guard let text = string(maximumBytes: NodeSpecification.maximumLabelBytes) else { return nil }
    guard !text.isEmpty, !text.utf8.contains(0x0A) else {
      error("\(subject) must be one line that isn't empty")
      return nil
    }
    return text
  }

  fileprivate func portType() -> PortType? {
    guard let text = label() else { return nil }
    guard let type = PortType(text) else {
      error(
        "\(text.quoted) is not a port type",
        hint: "write \(PortType.knownWords.joined(separator: ", ")), list<TYPE>, or one word of your own of at most "
          + "\(PortType.maximumBytes) letters, digits or punctuation marks")
      return nil
    }
    return type
  }

  /// The colour ends up in a page's style: nothing but `#rgb` and `#rrggbb` gets there.
  fileprivate func color() -> String? {
    guard let text = string() else { return nil }
    let digits = text.utf8.dropFirst()
    let isHexadecimal = digits.allSatisfy { byte in
      (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66)
    }
    guard text.utf8.first == 0x23, digits.count == 3 || digits.count == 6, isHexadecimal else {
      error("\(text.quoted) is not a colour", hint: "write '#rgb' or '#rrggbb'")
      return nil
    }
    return text
  }

  /// The known constraints must have the types that the editor and the engine count on.
  fileprivate func checkConstraints() {
    guard let entries = entries(named: ParameterName.self, maximumCount: 64) else { return }
    var range: (low: Double?, high: Double?)
    for entry in entries {
      switch ParameterSpecification.Constraint(rawValue: entry.name.text) {
      case .choices:
        if entry.value.list(maximumCount: 1024)?.isEmpty == true { entry.value.error("\(subject) allows nothing") }
      case .minimum:
        range.low = entry.value.number(in: -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
      case .maximum:
        range.high = entry.value.number(in: -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
      case .pattern: _ = entry.value.string(maximumBytes: 1024)
      case nil: break
      }
    }
    if let low = range.low, let high = range.high, low > high {
      error("\(subject) allows nothing", why: "'min' is above 'max'")
    }
  }
}

extension [ValueReader] {
  /// What `read` makes of each; a second one of the same name is reported.
  fileprivate func unique<Value, Name: ValidatedName>(
    by name: KeyPath<Value, Name>, _ read: (ValueReader) -> Value?
  ) -> [Value] {
    var seen: Set<Name> = []
    return compactMap { item in
      guard let value = read(item) else { return nil }
      guard seen.insert(value[keyPath: name]).inserted else {
        item.error("the \(Name.kind) \(value[keyPath: name].text.quoted) is used twice", hint: "rename one of the two")
        return nil
      }
      return value
    }
  }
}
