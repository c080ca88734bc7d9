extension Workflow {
  /// Items of the list that a node with `foreach` runs for.
  package static let maximumForeachItems = 100_000
  /// Items of all such nodes of a run together.
  package static let maximumRunItems = 500_000
  /// Bytes of a JSON list that is taken apart into items, or put together of what came of them.
  package static let maximumListBytes = 16 << 20
}

extension MappingReader<Workflow.NodeKey> {
  /// `foreach: PORT`, one of the node's own inputs with one source.
  /// - Parameter inputs: those that could be read.
  func foreach(
    over inputs: [(port: PortName, sources: [Located<PortReference>], location: SourceLocation)]
  ) -> Located<PortName>? {
    guard let item = optional(.foreach), let port = item.name(PortName.self) else { return nil }
    // A command and another workflow are told of what they can't have.
    guard optional(.run) == nil, optional(.workflow) == nil else { return nil }
    if let matrix = optional(.matrix) {
      matrix.error(
        "\(reader.subject) has both 'foreach' and 'matrix'", why: "its instances would have two numbers",
        hint: "make two nodes of it, one after the other")
      return nil
    }
    guard let input = inputs.first(where: { $0.port == port }) else {
      // One that is there and can't be read is no second mistake.
      guard optional(.inputs)?.names(port) != true else { return nil }
      item.error(
        "'foreach' names the input \(port.text.quoted), which the node connects to nothing",
        hint: Suggestion.hint(for: port.text, among: inputs.map(\.port.text))
          ?? "add to the node:  in: {\(port): NODE.PORT}")
      return nil
    }
    guard input.sources.count == 1 else {
      if input.sources.count > 1 {
        item.error(
          "'foreach' names the input \(port.text.quoted), which has \(input.sources.count) sources",
          why: "the items are those of one list", hint: "connect one output that yields a list")
      }
      return nil
    }
    return Located(port, at: item.location)
  }
}

extension ValueReader {
  fileprivate func names(_ port: PortName) -> Bool {
    guard case .mapping(let entries) = node.content else { return false }
    return entries.contains { $0.key == port.text }
  }
}
