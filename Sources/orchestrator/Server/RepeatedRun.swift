import HTTPAPI
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// A run whose results another one takes, as far as they hold.
struct RepeatedRun: Sendable {
  let run: StoredRun
  /// The node from which on everything is done again; nil: everything.
  let node: String?
  /// The workflow as it is now; nil: as that run had it.
  let document: JSONValue?
}

extension StoredRun {
  /// Its workflow as JSON. What an earlier version of this program took may not be one for this one.
  var document: JSONValue? { try? DocumentNode(yaml: source, file: file).jsonValue }
}

extension ServerRuns {
  func rerun(_ identifier: String, _ body: JSONValue, by submitter: String) async throws(APIProblem) -> StoredRun {
    let run = try await stored(identifier)
    guard let settings = RunSettings(run.settings) else {
      throw APIProblem(409, "another version of the program began this run", hint: "start a new one")
    }
    var node: String?
    switch body["from"] {
    case nil, .null: break
    case .string(let text): node = text
    default: throw APIProblem.unusable("from", "the name of a node")
    }
    var document: JSONValue?
    switch body["document"] {
    case nil, .null: break
    case .object(let members): document = .object(members)
    default: throw APIProblem.unusable("document", "a workflow as JSON")
    }
    var usesCache = true
    switch body["no_cache"] {
    case nil, .null, .bool(false): break
    case .bool(true): usesCache = false
    default: throw APIProblem.unusable("no_cache", "true or false")
    }
    let inputs = settings.inputs.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key.text, $0.value) }
    return try await start(
      RunSubmission(source: .written(document?.utf8() ?? run.source), inputs: inputs, usesCache: usesCache),
      by: submitter, given: settings.uploads, repeating: RepeatedRun(run: run, node: node, document: document))
  }

  /// What isn't to be done again of a run that is repeated: what has succeeded there and neither follows from the node that was named nor from
  /// one that has changed.
  func records(of repeated: RepeatedRun?, in graph: WorkflowGraph) async throws(APIProblem) -> [JournalRecord] {
    guard let repeated, let node = repeated.node else { return [] }
    guard graph.nodes.contains(where: { $0.name.text == node || $0.name.text.hasPrefix(node + "/") }) else {
      throw APIProblem(
        422, "the workflow has no node \(String(node.prefix(300)).quoted)",
        hint: Suggestion.hint(for: String(node.prefix(300)), among: graph.nodes.map(\.name.text)))
    }
    let change = repeated.document.map { WorkflowChange(from: repeated.run.document ?? .null, to: $0) } ?? .nodes([])
    let valid = graph.untouched(by: change, from: node)
    let history = try await store.database.served {
      [identifier = repeated.run.identifier] database throws(StateStoreError) in
      try await database.history(of: identifier)
    }
    let now = ProcessEnvironment.millisecondsSince1970()
    let kept = history.nodes.compactMap { name, known -> JournalRecord? in
      guard case .succeeded(let result) = known.standing, valid.contains(name.matrixNode ?? name) else { return nil }
      return JournalRecord(time: now, .succeeded(name, result))
    }
    return [JournalRecord(time: now, .began)] + kept
  }
}

extension WorkflowGraph {
  /// The nodes whose earlier results hold.
  /// - Parameters:
  ///   - change: what is another since then.
  ///   - node: what follows from it is done again, with itself.
  fileprivate func untouched(by change: WorkflowChange, from node: String) -> Set<NodeName> {
    guard case .nodes(let changed) = change else { return [] }
    var again = Set(
      nodes.indices.filter { index in
        let name = nodes[index].name.text
        return name == node || name.hasPrefix(node + "/") || changed.contains(String(name.prefix { $0 != "/" }))
      })
    var waiting = Array(again)
    while let next = waiting.popLast() {
      for dependent in nodes[next].dependents where again.insert(dependent).inserted { waiting.append(dependent) }
    }
    return Set(nodes.indices.filter { !again.contains($0) }.map { nodes[$0].name })
  }
}
