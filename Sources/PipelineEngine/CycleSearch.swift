/// Finds the cycles of a directed graph, in time linear in nodes and edges and without recursion.
enum CycleSearch {
  /// - Parameter edges: for each node, where it leads to.
  /// - Returns: one cycle of every strongly connected component, the shortest through the component's first node and
  ///   beginning with it, in the order of the edges. Whoever mends them may find further ones.
  static func cycles(in edges: [[Int]]) -> [[Int]] {
    let component = components(of: edges)
    // A component has the number of one of its nodes.
    var isSearched = [Bool](repeating: false, count: edges.count)
    return edges.indices.compactMap { node in
      guard !isSearched[component[node]] else { return nil }
      isSearched[component[node]] = true
      return cycle(through: node, component, edges)
    }
  }

  /// By breadth first search, so the shortest.
  private static func cycle(through start: Int, _ component: [Int], _ edges: [[Int]]) -> [Int]? {
    var previous: [Int: Int] = [:]
    var frontier = [start]
    while !frontier.isEmpty {
      var next: [Int] = []
      for node in frontier {
        for target in edges[node] where component[target] == component[start] && previous[target] == nil {
          previous[target] = node
          guard target != start else { return path(to: start, previous) }
          next.append(target)
        }
      }
      frontier = next
    }
    return nil
  }

  private static func path(to start: Int, _ previous: [Int: Int]) -> [Int] {
    var path: [Int] = []
    var node = start
    repeat {
      node = previous[node] ?? start
      path.append(node)
    } while node != start
    return path.reversed()
  }

  /// The number of each node's strongly connected component (Tarjan, SIAM Journal on Computing 1 (2), 1972).
  private static func components(of edges: [[Int]]) -> [Int] {
    var order = [Int?](repeating: nil, count: edges.count)
    var lowest = [Int](repeating: 0, count: edges.count)
    var component = [Int](repeating: -1, count: edges.count)
    var open: [Int] = []
    var count = 0
    for start in edges.indices where order[start] == nil {
      var path: [(node: Int, next: Int)] = []
      func enter(_ node: Int) {
        order[node] = count
        lowest[node] = count
        count += 1
        open.append(node)
        path.append((node, 0))
      }
      enter(start)
      while let top = path.last {
        if top.next < edges[top.node].count {
          path[path.count - 1].next += 1
          let target = edges[top.node][top.next]
          if let seen = order[target] {
            if component[target] == -1 { lowest[top.node] = min(lowest[top.node], seen) }
          } else {
            enter(target)
          }
          continue
        }
        path.removeLast()
        if let parent = path.last { lowest[parent.node] = min(lowest[parent.node], lowest[top.node]) }
        if lowest[top.node] == order[top.node] {
          while let member = open.popLast() {
            component[member] = top.node
            if member == top.node { break }
          }
        }
      }
    }
    return component
  }
}
