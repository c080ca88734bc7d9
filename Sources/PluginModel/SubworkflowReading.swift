extension NodeTypeReference {
  /// What nodes with `workflow` are, until the nodes of that file have taken their place. No plugin has such a name.
  package static let subworkflow = NodeTypeReference(
    plugin: PluginName(unchecked: ""), nodeType: NodeTypeName(unchecked: "workflow"))
}

extension NodeName {
  /// What stands before the dot where `in` names an input of the workflow: no node has this name.
  package static let inputs = NodeName(unchecked: "inputs")
}

extension CommandReading {
  typealias Parameters = [(name: ParameterName, value: Located<JSONValue>)]

  /// `with:`
  func with() -> Parameters {
    root.optional(.with)?.entries(named: ParameterName.self) { name, _, value in
      value.checkTemplates(names)
      return (name: name, value: Located(value.node.jsonValue, at: value.location))
    } ?? []
  }

  /// A node with `workflow`: the path of another file, and values for its inputs.
  func subworkflow(_ reader: ValueReader) -> (path: Located<String>, inputs: Parameters)? {
    for key in [Key.type, .run] where root.optional(key) != nil {
      reader.error(
        "\(root.reader.subject) has both 'workflow' and \(key.rawValue.quoted)",
        hint: "remove one, or make two nodes of it")
      return nil
    }
    refuseKeys(beside: .workflow)
    root.optional(.foreach)?.error(
      "'foreach' has no meaning beside 'workflow'",
      why: "the nodes of the other file are known before the run, and the items are not",
      hint: "write 'foreach' at the nodes of that file, or 'matrix' here for values that are known")
    root.optional(.resources)?.error(
      "'resources' has no meaning beside 'workflow'", why: "the nodes of the other file need different things",
      hint: "write it at the nodes of that file")
    let inputs = with()
    guard let path = reader.string() else { return nil }
    guard !path.holdsExpression else {
      reader.error(
        "the path of a workflow can't be an expression", why: "the files are read before anything has a value",
        hint: "write the path out; where one of several is to run, make a node of each and give them an 'if'")
      return nil
    }
    return (Located(path, at: reader.location), inputs)
  }
}

extension MappingReader<Workflow.NodeKey> {
  /// Of a node whose name has a meaning.
  func refuseName() {
    reader.error(
      "'inputs' can't be the name of a node", why: "inputs.NAME is an input of the workflow",
      hint: "give the node another name")
  }
}

extension ValueReader {
  /// `node.port`, as `outputs:` writes it.
  func outputReference() -> Located<PortReference>? {
    guard let reference = portReference() else { return nil }
    guard reference.value.node != .inputs else {
      error(
        "an output of the workflow can't be one of its inputs", why: "whoever gives the input has the value already",
        hint: "name an output of a node, NODE.PORT")
      return nil
    }
    return reference
  }
}
