/// The length of the longest path from a node to the end of its graph, the node itself included: the upward rank of HEFT (Topcuoglu, Hariri
/// and Wu, IEEE TPDS 2002) without costs of communication. Nodes of high rank hold up the most.
package enum UpwardRank {
  /// - Parameters:
  ///   - durations: milliseconds, as expected; negative ones count as 0.
  ///   - dependents: by node, the nodes that wait for it. Indices that there aren't, and edges of a cycle, are passed over.
  /// - Returns: milliseconds, by node. Takes as long as there are nodes and edges.
  package static func ranks(durations: [Int64], dependents: [[Int]]) -> [Int64] {
    func next(of node: Int) -> some Sequence<Int> {
      (dependents.indices.contains(node) ? dependents[node] : []).lazy.filter(durations.indices.contains)
    }
    var open = [Int](repeating: 0, count: durations.count)
    // Where the dependencies of each node begin; behind the last one, where they end.
    var first = [Int](repeating: 0, count: durations.count + 1)
    for node in durations.indices {
      for dependent in next(of: node) {
        first[dependent] += 1
        open[node] += 1
      }
    }
    var count = 0
    for node in first.indices {
      count += first[node]
      first[node] = count
    }
    // In one list, filled from behind.
    var dependencies = [Int](repeating: 0, count: count)
    for node in durations.indices {
      for dependent in next(of: node) {
        first[dependent] -= 1
        dependencies[first[dependent]] = node
      }
    }
    var ranks = durations.map { max(0, $0) }
    var longest = [Int64](repeating: 0, count: durations.count)
    var ready = durations.indices.filter { open[$0] == 0 }
    while let node = ready.popLast() {
      ranks[node] += longest[node]
      for dependency in dependencies[first[node]..<first[node + 1]] {
        longest[dependency] = max(longest[dependency], ranks[node])
        open[dependency] -= 1
        if open[dependency] == 0 { ready.append(dependency) }
      }
    }
    return ranks
  }
}
