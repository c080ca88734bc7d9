/// Which node of a workflow, and which port or parameter of it, a place in its file belongs to: so that whoever draws the workflow can show
/// a problem where it is.
package struct WorkflowSubjects: Sendable {
  package struct Subject: Hashable, Sendable {
    package var node: NodeName
    package var port: PortName?
    package var parameter: ParameterName?
  }

  /// In the order of the file.
  private let starts: [(place: SourceLocation, subject: Subject)]

  /// - Parameter workflow: as it is written, with nodes as they are named there.
  package init(_ workflow: Workflow) {
    starts = workflow.nodes.flatMap { node -> [(place: SourceLocation, subject: Subject)] in
      var starts = [(place: node.location, subject: Subject(node: node.name))]
      for (name, value) in node.parameters {
        starts.append((value.location, Subject(node: node.name, parameter: name)))
      }
      for input in node.inputs {
        starts.append((input.location, Subject(node: node.name, port: input.port)))
        starts += input.sources.map { ($0.location, Subject(node: node.name, port: input.port)) }
      }
      return starts
    }.sorted { $0.place < $1.place }
  }

  /// The last thing that begins before `location`, on its line where anything does.
  /// - Returns: nil where no node has begun.
  package subscript(location: SourceLocation) -> Subject? {
    guard let last = starts.last(where: { $0.place <= location && $0.place.file == location.file }) else { return nil }
    if last.place == location || last.place.line == location.line { return last.subject }
    // On a line of its own it may be about anything of the node.
    return Subject(node: last.subject.node)
  }
}
