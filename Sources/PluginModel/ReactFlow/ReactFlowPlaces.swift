/// Places for nodes that a workflow's layout has none for: from left to right as values flow.
struct ReactFlowPlaces {
  static let columnWidth = 300
  static let rowHeight = 140

  /// Of each node, `{x, y}`.
  let positions: [JSONValue]

  /// - Parameter nodes: their ids.
  init(_ nodes: [String], _ ends: [ReactFlow.Ends]) {
    let places = Dictionary(nodes.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    var followers = Array(repeating: [Int](), count: nodes.count)
    var waiting = Array(repeating: 0, count: nodes.count)
    for end in ends {
      guard let source = places[end.source], let target = places[end.target] else { continue }
      followers[source].append(target)
      waiting[target] += 1
    }
    // What is in a circle, or behind one, stays in the first column.
    var columns = Array(repeating: 0, count: nodes.count)
    var depths = columns
    var ready = nodes.indices.filter { waiting[$0] == 0 }
    while let node = ready.popLast() {
      columns[node] = depths[node]
      for follower in followers[node] {
        depths[follower] = max(depths[follower], depths[node] + 1)
        waiting[follower] -= 1
        if waiting[follower] == 0 { ready.append(follower) }
      }
    }
    var rows: [Int: Int] = [:]
    positions = nodes.indices.map { node in
      let row = rows[columns[node], default: 0]
      rows[columns[node]] = row + 1
      return [
        ReactFlow.Member.x: .integer(Int64(columns[node] * Self.columnWidth)),
        ReactFlow.Member.y: .integer(Int64(row * Self.rowHeight)),
      ]
    }
  }
}
