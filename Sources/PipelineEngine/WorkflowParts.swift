import PluginModel

extension WorkflowGraph {
  /// What must have ended before a node, or a workflow that a node stands for, begins; and what that says.
  struct Entry: Sendable {
    /// Nodes of the same workflow that are waited for by `needs` or by an input, and those behind outputs of workflows within it.
    var nodes: [Index] = [] { didSet { members = Set(nodes) } }
    /// As a set: a node may wait for thousands.
    private(set) var members: Set<Index> = []
    /// Those of `nodes` whose outputs are read.
    var sources: Set<Index> = []
    /// Workflows within the same workflow that are waited for whole: those behind a node with `workflow`.
    var groups: [Group] = []
    /// Whether it begins; nil: when all of that has succeeded.
    var condition: NodeCondition?
    /// How many workflows are around it.
    let depth: Int

    init(depth: Int) { self.depth = depth }

    var all: Set<Index> { groups.reduce(into: members) { $0.formUnion($1.nodes) } }
  }

  /// All nodes of a workflow that a node stands for, as one that is waited for.
  struct Group: Sendable {
    var name: NodeName
    var nodes: Set<Index>
  }

  /// A workflow that a node stood for: its nodes run when it begins.
  package struct Part: Sendable {
    package var name: NodeName
    /// The one around it, among ``WorkflowGraph/parts``.
    var parent: Int?
    var entry: Entry
    /// Outside, no failure of its nodes counts.
    var continuesOnError: Bool
    /// How many are around it.
    var depth: Int { entry.depth }
  }

  /// Of a node that is in a workflow within the workflow, or waits for one.
  struct Nested: Sendable {
    /// Among ``WorkflowGraph/parts``; nil: the run's own workflow.
    var part: Int?
    /// Within its own workflow.
    var entry: Entry
    /// Its own word: whose failure counts outside, ``WorkflowGraph/Node/continuesOnError`` says.
    var continuesOnError: Bool
    /// What the conditions of the workflows around it read, of a node that may be the first of these.
    var reads: [Connection] = []
  }

  /// The parts around a node of `part`, from the outermost.
  func chain(of part: Int?) -> [Int] {
    var chain: [Int] = []
    var next = part
    while let part = next {
      chain.append(part)
      next = parts[part].parent
    }
    return chain.reversed()
  }

  /// Whether a failure of the node `index` is none where a node of `depth` workflows around it waits for it: by its own word, or by that of a
  /// workflow in between.
  func isForgiven(_ index: Index, at depth: Int) -> Bool {
    guard let nested = nodes[index].nested else { return nodes[index].continuesOnError }
    if nested.continuesOnError { return true }
    var next = nested.part
    while let part = next, parts[part].depth >= depth {
      if parts[part].continuesOnError { return true }
      next = parts[part].parent
    }
    return false
  }

  /// Whether the node `index` is in a workflow within one that has `depth` around it.
  func isWithin(_ index: Index, at depth: Int) -> Bool {
    nodes[index].nested?.part.map { parts[$0].depth >= depth } ?? false
  }
}

extension WorkflowGraph.Node {
  /// Its own word, where it is in a workflow that another node stood for.
  var continuesItself: Bool { nested?.continuesOnError ?? continuesOnError }
}
