import PluginModel

extension GraphValidation {
  /// `if:` with everything that it reads resolved. What needs no other node is tried out at once.
  mutating func condition(of node: Workflow.Node, waitingFor dependencies: Set<Int>) -> NodeCondition? {
    guard let written = node.condition else { return nil }
    let count = problems.count
    do throws(Expression.Problem) {
      let condition = try Condition(written.value)
      let (inputNames, matrixNames) = (
        condition.expression.names(of: "inputs"), condition.expression.names(of: "matrix")
      )
      let matrix = node.instance.map { ReadableNames.Matrix.names($0.names.map(\.text)) } ?? .absent
      let readable = ReadableNames(inputs: declared(for: node).map(\.name), matrix: matrix)
      for problem in readable.problems(inputs: inputNames, matrix: matrixNames) { report(problem, of: node, written) }
      if let problem = problem(ofInputs: Set(inputNames), in: node) { throw problem }
      let sources = sources(of: condition, of: node, written, dependencies)
      guard problems.count == count else { return nil }
      let scope = scope(of: node)
      let bound = ["inputs": inputNames, "matrix": matrixNames].map { root, names in
        (root, scope.roots[root]?.filter { names.contains($0.key) } ?? [:])
      }
      let result = NodeCondition(
        written: written.value, expression: condition.expression, bound: Dictionary(uniqueKeysWithValues: bound),
        sources: sources)
      let isUnbound =
        unbound(for: node).contains { inputNames.contains($0.text) }
        || !matrixNames.isEmpty && node.instance?.combination == nil
      if sources.isEmpty, !isUnbound {
        for status in NodeCondition.Status.all { _ = try result.decide(needs: [:], status: status) }
      }
      return result
    } catch {
      report(error, of: node, written)
      return nil
    }
  }

  private mutating func report(_ problem: Expression.Problem, of node: Workflow.Node, _ condition: Located<String>) {
    report(
      Diagnostic(
        "the condition of the node \(node.name.text.quoted): \(problem.what)", why: problem.why, hint: problem.hint,
        at: condition.location))
  }

  /// By node, with the outputs that are read of each.
  private mutating func sources(
    of condition: Condition, of node: Workflow.Node, _ written: Located<String>, _ dependencies: Set<Int>
  ) -> [NodeCondition.Source] {
    var sources: [NodeCondition.Source] = []
    var refused: Set<String> = []
    for (name, reading) in condition.needs where !refused.contains(name) {
      let position: Int
      if let known = sources.firstIndex(where: { $0.name == name }) {
        position = known
      } else {
        do throws(Expression.Problem) {
          sources.append(try source(name, readBy: node, dependencies))
          position = sources.count - 1
        } catch {
          report(error, of: node, written)
          refused.insert(name)
          continue
        }
      }
      guard case .output(let text) = reading else { continue }
      if let parts = sources[position].parts {
        do throws(Expression.Problem) { try addOutput(text, to: &sources[position], parts) } catch {
          report(error, of: node, written)
        }
        continue
      }
      guard let index = sources[position].nodes.first, let specification = specifications[index]?.value else {
        continue
      }
      guard let port = specification.outputs.first(where: { $0.name.text == text }) else {
        let outputs = specification.outputs.map(\.name.text)
        report(
          Expression.Problem(
            "it reads 'needs.\(name).outputs.\(text)', but \(name.quoted) has no such output",
            why: outputs.isEmpty ? "its type has none" : nil, hint: hint(for: text, among: outputs)), of: node, written)
        continue
      }
      sources[position].ports.append(port.name)
    }
    return sources
  }

  private mutating func source(
    _ name: String, readBy node: Workflow.Node, _ dependencies: Set<Int>
  ) throws(Expression.Problem) -> NodeCondition.Source {
    if let source = partSource(name, readBy: node) {
      guard source.nodes.allSatisfy(dependencies.contains) else {
        throw Expression.Problem(
          "it reads \(name.quoted), and the node doesn't wait for all of that",
          why: "it stands for a workflow, whose other nodes may not have ended by then",
          hint: "add to the node:  needs: [\(name)]")
      }
      return source
    }
    guard let nodeName = NodeName(name), let nodes = group(of: NodeName(nodeName, in: node.scope?.name)) else {
      throw Expression.Problem("it reads \(name.quoted), which there is no node of", hint: hint(forText: name))
    }
    guard nodes.allSatisfy(dependencies.contains) else {
      throw Expression.Problem(
        "it reads \(name.quoted), which the node doesn't wait for", why: "it may not have ended by then",
        hint: "add to the node:  needs: [\(name)]")
    }
    return NodeCondition.Source(
      name: name, nodes: nodes, instances: nodes.map { workflow.nodes[$0].name },
      isList: workflow.nodes[nodes[0]].instance != nil, ports: [])
  }
}
