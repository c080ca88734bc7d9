extension Workflow {
  package static let apiVersion = "orchestrator/v1"
  package static let kind = "Workflow"
  package static let maximumNodes = 10_000

  package enum Key: String, CaseIterable, Sendable {
    case apiVersion
    case kind
    case metadata
    case spec
    case layout
  }

  package enum MetadataKey: String, CaseIterable, Sendable {
    case name
  }

  package enum SpecKey: String, CaseIterable, Sendable {
    case inputs
    case plugins
    case defaults
    case nodes
    case outputs
  }

  package enum InputKey: String, CaseIterable, Sendable {
    case type
    case description
    case defaultValue = "default"
  }

  package enum NodeKey: String, CaseIterable, Sendable {
    case type
    case run
    case workflow
    case shell
    case directory = "working-directory"
    case environment = "env"
    case secrets
    case artifacts
    case reports
    case with
    case inputs = "in"
    case needs
    case condition = "if"
    case timeout
    case retry
    case resources
    case cache
    case matrix
    case foreach
    case continuesOnError = "continue-on-error"
  }

  package enum DefaultsKey: String, CaseIterable, Sendable {
    case timeout
    case retry
  }

  package enum RetryKey: String, CaseIterable, Sendable {
    case max
    case on
    case delay
    case factor
    case maximumDelay = "max-delay"
  }

  package enum ResourcesKey: String, CaseIterable, Sendable {
    case cpu
    case memory
    case gpu
    case gpuMemory
    case semaphores
  }

  /// What `cache:` may say.
  package enum CacheMode: String, CaseIterable, Sendable {
    case auto
    case never
  }

  /// Reads a workflow. Whether its references lead anywhere is the engine's question; everything that one file can say
  /// wrongly on its own is answered here.
  /// - Parameters:
  ///   - bytes: the file, whatever it holds.
  ///   - file: its name, for diagnostics.
  ///   - syntax: nil: by the file's name.
  /// - Throws: everything that is wrong with the file.
  package init(bytes: [UInt8], file: String, syntax: DocumentSyntax? = nil) throws(Diagnostics) {
    let report = DocumentReport(file: file)
    let root = report.read(bytes, syntax: syntax ?? DocumentSyntax(file: file))?.mapping(Key.self)
    let workflow = root.flatMap { Self.read($0) }
    try report.check()
    guard let workflow else { throw Diagnostics([Diagnostic("\(file.quoted) can't be read as a workflow")]) }
    self = workflow
  }

  private static func read(_ root: MappingReader<Key>) -> Workflow? {
    root.required(.apiVersion)?.constant(apiVersion)
    root.required(.kind)?.constant(kind)
    let name = root.required(.metadata)?.mapping(MetadataKey.self)?.required(.name)?.workflowName()
    let layout = root.optional(.layout)
    if let layout, case .mapping = layout.node.content {} else { layout?.wrongType("a mapping") }
    guard let spec = root.required(.spec)?.mapping(SpecKey.self) else { return nil }
    let inputs = spec.optional(.inputs)?.entries(named: ParameterName.self, maximumCount: 1024)?
      .compactMap { Input($0.name, $0.value, at: $0.keyLocation) }
    // An input that could not be read is still declared: its uses are no second mistake.
    let declared = spec.optional(.inputs)?.declaredNames() ?? []
    let plugins = spec.optional(.plugins)?.entries(named: PluginName.self, maximumCount: 1024)?.compactMap { entry in
      entry.value.versionRange().map { (entry.name, Located($0, at: entry.value.location)) }
    }
    let defaults = spec.optional(.defaults)?.mapping(DefaultsKey.self)
    let policy = NodePolicy(timeout: defaults?.optional(.timeout), retry: defaults?.optional(.retry))
    let nodes = spec.required(.nodes)?.entries(named: NodeName.self, maximumCount: maximumNodes)
    if nodes?.isEmpty == true {
      spec.optional(.nodes)?.error("the workflow has no nodes", hint: "add one under 'spec.nodes'")
    }
    let outputs = spec.optional(.outputs)?.entries(named: ParameterName.self, maximumCount: 1024)?.compactMap { entry in
      entry.value.outputReference().map { Output(name: entry.name, source: $0) }
    }
    var read: [Node] = []
    read.reserveCapacity(nodes?.count ?? 0)
    for (name, location, value) in nodes ?? [] { Node.read(name, value, at: location, inputs: declared, into: &read) }
    guard let name, nodes != nil else { return nil }
    return Workflow(
      name: name, inputs: inputs ?? [], plugins: Dictionary(plugins ?? []) { first, _ in first }, defaults: policy,
      nodes: read, outputs: outputs ?? [], layout: layout?.node.jsonValue)
  }
}

extension Workflow.Input {
  fileprivate init?(_ name: ParameterName, _ value: ValueReader, at location: SourceLocation) {
    guard let root = value.mapping(Workflow.InputKey.self) else { return nil }
    let type = root.required(.type)?.choice(ValueType.self)
    let description = root.optional(.description)?.string() ?? ""
    let defaultValue = root.value(.defaultValue)
    if let type, let defaultValue, !type.accepts(defaultValue.node.jsonValue) {
      defaultValue.wrongType("\(type.phrase), as 'type' says")
    }
    guard let type else { return nil }
    self.init(
      name: name, type: type.rawValue, description: description, defaultValue: defaultValue?.node.jsonValue,
      location: location)
  }
}

extension Workflow.Node {
  /// - Parameter nodes: where the node is put, if it can be read. It isn't returned: that would be a copy.
  fileprivate static func read(
    _ name: NodeName, _ value: ValueReader, at location: SourceLocation, inputs: [ParameterName],
    into nodes: inout [Workflow.Node]
  ) {
    guard let root = value.mapping(Workflow.NodeKey.self) else { return }
    let matrix = root.optional(.matrix).flatMap { Workflow.Matrix($0, inputs: inputs) }
    let names = ReadableNames(inputs: inputs, matrix: .init(written: root.optional(.matrix)))
    let command = CommandReading(root: root, names: names)
    let action = Self.action(command)
    let sources = root.optional(.inputs)?
      .entries(named: PortName.self, maximumCount: NodeSpecification.maximumPorts) { port, location, value in
        value.listOrSingle { $0.portReference() }.map { (port: port, sources: $0, location: location) }
      }
    let foreach = root.foreach(over: sources ?? [])
    let needs = root.optional(.needs)?.listOrSingle { item in
      item.name(NodeName.self).map { Located($0, at: item.location) }
    }
    let condition = root.optional(.condition).flatMap { item in
      item.text(maximumBytes: Condition.maximumBytes).map { text in
        item.checkCondition(text, names)
        return Located(text, at: item.location)
      }
    }
    let policy = NodePolicy(timeout: root.optional(.timeout), retry: root.optional(.retry))
    let resources = root.optional(.resources).flatMap { item in
      item.resources().map { Located($0, at: item.location) }
    }
    let cache = root.optional(.cache)?.choice(Workflow.CacheMode.self)
    let continuesOnError = root.optional(.continuesOnError)?.bool() ?? false
    if name == .inputs { root.refuseName() }
    guard let action else { return }
    nodes.append(
      Workflow.Node(
        name: name, type: action.type, parameters: action.parameters, inputs: sources ?? [], needs: needs ?? [],
        condition: condition, policy: policy, resources: resources, cache: cache?.rawValue,
        continuesOnError: continuesOnError, matrix: matrix, secrets: action.secrets, foreach: foreach,
        location: location))
    if let subworkflow = action.subworkflow { nodes[nodes.count - 1].subworkflow = subworkflow }
  }

  private struct Action {
    var type: Located<NodeTypeReference>
    var parameters: [(name: ParameterName, value: Located<JSONValue>)]
    var secrets: [SecretName] = []
    var subworkflow: Located<String>?
  }

  /// A node is a plugin's, a command, or another workflow.
  private static func action(_ command: CommandReading) -> Action? {
    let root = command.root
    if let workflow = root.optional(.workflow) {
      return command.subworkflow(workflow).map {
        Action(type: Located(.subworkflow, at: workflow.location), parameters: $0.inputs, subworkflow: $0.path)
      }
    }
    switch (root.optional(.type), root.optional(.run)) {
    case (nil, nil):
      root.reader.error(
        "\(root.reader.subject) doesn't say what to run",
        hint: "add 'type: PLUGIN/NODE_TYPE', 'run: COMMAND' or 'workflow: FILE'")
      return nil
    case (.some, let run?):
      run.error("\(root.reader.subject) has both 'type' and 'run'", hint: "remove one, or make two nodes of it")
      return nil
    case (let type?, nil):
      command.refuseKeys()
      let parameters = command.with()
      guard let text = type.string() else { return nil }
      guard let reference = NodeTypeReference(text) else {
        type.error("\(text.quoted) is not a node type", hint: "write PLUGIN/NODE_TYPE, for example 'files/read'")
        return nil
      }
      guard reference != .command else {
        type.error("a command isn't written as \(text.quoted)", hint: "write it as 'run: COMMAND'")
        return nil
      }
      return Action(type: Located(reference, at: type.location), parameters: parameters)
    case (nil, let run?):
      let secrets = command.secrets
      return command.parameters(run).map {
        Action(type: Located(.command, at: run.location), parameters: $0, secrets: secrets)
      }
    }
  }
}

extension ValueReader {
  fileprivate func constant(_ expected: String) {
    guard let text = text(), text != expected else { return }
    error("\(subject) must be \(expected.quoted)", why: "it is \(text.quoted)")
  }

  fileprivate func workflowName() -> String? {
    guard let text = string() else { return nil }
    guard NodeName.accepts(text) else {
      error("\(text.quoted) is not a workflow name", hint: "use \(NodeName.grammar)")
      return nil
    }
    return text
  }

  fileprivate func declaredNames() -> [ParameterName] {
    guard case .mapping(let entries) = node.content else { return [] }
    return entries.compactMap { ParameterName($0.key) }
  }

  /// `node.port`.
  package func portReference() -> Located<PortReference>? {
    guard let text = string() else { return nil }
    // Neither name can hold a further dot.
    guard let (first, second) = text.halves(at: UInt8(ascii: ".")), let node = NodeName(first),
      let port = PortName(second)
    else {
      error("\(text.quoted) is not an output of a node", hint: "write NODE.PORT, for example 'load.output'")
      return nil
    }
    return Located(PortReference(node: node, port: port), at: location)
  }

  /// `{cpu, memory, gpu, gpuMemory}`.
  fileprivate func resources() -> ResourceOverride? {
    guard let root = mapping(Workflow.ResourcesKey.self) else { return nil }
    let locations = Workflow.ResourcesKey.allCases.compactMap { key in root.optional(key).map { (key, $0.location) } }
    return ResourceOverride(
      cpuCores: root.optional(.cpu)?.number(in: LimitBounds.cpuCores),
      memoryMB: root.optional(.memory)?.mebibytes(atLeast: LimitBounds.memoryMB.lowerBound),
      gpus: root.optional(.gpu)?.gpus(),
      gpuMemoryMB: root.optional(.gpuMemory)?.mebibytes(),
      semaphores: root.optional(.semaphores)?.semaphores() ?? [:],
      locations: Dictionary(locations) { first, _ in first })
  }
}

extension ValueReader {
  /// `2`, or `0.5`.
  fileprivate func gpus() -> GPUAmount? {
    guard case .scalar(let scalar) = node.content, case .double(let value) = scalar.value, value.rounded() != value
    else {
      return integer(in: 0...ResourceRequirement.maximumGPUCount).map { .whole($0) }
    }
    let milli = (value * 1000).rounded()
    guard (1...999).contains(milli), milli / 1000 == value else {
      error(
        "\(subject) must be a whole number, or a part of one GPU from 0.001 to 0.999 with at most three decimals",
        why: "it is \(value)", hint: "write 1 or 2 for GPUs of its own, or 0.5 for half of one that others use too")
      return nil
    }
    return .share(milli: Int(milli))
  }

  /// `{NAME: UNITS}`
  func semaphores() -> [SemaphoreLabel: Int] {
    counts(named: SemaphoreLabel.self, maximumCount: 64, in: LimitBounds.semaphore)
  }

  /// How many there are of each of these names.
  func counts<Name: ValidatedName>(
    named kind: Name.Type, maximumCount: Int = 4096, in range: ClosedRange<Int>
  ) -> [Name: Int] {
    let pairs = entries(named: kind, maximumCount: maximumCount) { name, _, value in
      value.integer(in: range).map { (name, $0) }
    }
    return Dictionary(pairs ?? []) { first, _ in first }
  }
}
