/// Finds a cycle in a directed graph, in time linear in nodes and edges and without recursion.
enum CycleSearch {
  /// - Parameter edges: for each node, where it leads to.
  /// - Returns: the nodes of one cycle in the order of the edges, or nil.
  static func cycle(in edges: [[Int]]) -> [Int]? {
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: edges.count)
    for start in edges.indices where marks[start] == .new {
      var path: [(node: Int, next: Int)] = [(start, 0)]
      marks[start] = .open
      while let top = path.last {
        guard top.next < edges[top.node].count else {
          marks[top.node] = .done
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let target = edges[top.node][top.next]
        switch marks[target] {
        case .done: continue
        case .open: return path.drop { $0.node != target }.map(\.node)
        case .new:
          marks[target] = .open
          path.append((target, 0))
        }
      }
    }
    return nil
  }
}
