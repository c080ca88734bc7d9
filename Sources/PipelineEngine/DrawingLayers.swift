/// A workflow cut into layers, each link between neighbouring ones: what skips a layer gets a lane through it (Sugiyama,
/// Tagawa and Toda, IEEE Transactions on Systems, Man and Cybernetics 11 (2), 1981). Positions are only orders here;
/// ``DrawingLayout`` makes lengths of them.
struct DrawingLayers {
  enum Content: Hashable {
    /// The node of this index.
    case box(Int)
    /// Room for wires that come from one output and go on to a later layer.
    case lane
  }

  struct Vertex {
    var content: Content
    var layer: Int
    /// 0 for a lane.
    var height: Double
    /// Links from the layer before and to the layer after.
    var incoming: [Int] = []
    var outgoing: [Int] = []
  }

  /// Between neighbouring layers; offsets count from the top of the vertex.
  struct Link {
    var from: Int
    var fromOffset: Double
    var to: Int
    var toOffset: Double
  }

  /// A connection of the workflow, or a `needs`.
  struct Route {
    var source: Port
    var target: Port
    /// The lanes in the layers between, from left to right; empty between neighbours.
    var lanes: [Int]
  }

  /// A place at the edge of a box.
  struct Port: Hashable {
    enum Kind: Hashable {
      case row(Int)
      /// The name of the node itself, for a `needs`, which carries no value.
      case name
    }
    var node: Int
    var kind: Kind
  }

  /// More than this, and long wires go straight: nobody can read such a picture, but drawing it must end.
  static let maximumLanes = 4_000

  /// The node of index n is vertex n; lanes follow.
  private(set) var vertices: [Vertex]
  private(set) var links: [Link] = []
  private(set) var routes: [Route] = []
  /// From left to right; in each, from top to bottom.
  private(set) var layers: [[Int]]
  private let nodeCount: Int

  init(_ graph: WorkflowGraph) {
    nodeCount = graph.nodes.count
    let depth = Self.depths(of: graph)
    vertices = graph.nodes.indices.map { index in
      Vertex(content: .box(index), layer: depth[index], height: DrawingLayout.height(of: graph.nodes[index]))
    }
    layers = [[Int]](repeating: [], count: (depth.max() ?? -1) + 1)
    for index in graph.nodes.indices { layers[depth[index]].append(index) }
    var lanes: [Port: [Int]] = [:]
    for (source, target) in Self.connections(of: graph) { addRoute(from: source, to: target, &lanes) }
    reduceCrossings()
  }

  // MARK: Layers

  /// Longest path from a source: a node stands right of everything it waits for.
  private static func depths(of graph: WorkflowGraph) -> [Int] {
    var depth = [Int](repeating: 0, count: graph.nodes.count)
    var missing = graph.nodes.map(\.dependencies.count)
    var ready = graph.nodes.indices.filter { missing[$0] == 0 }
    while let node = ready.popLast() {
      for next in graph.nodes[node].dependents {
        depth[next] = max(depth[next], depth[node] + 1)
        missing[next] -= 1
        if missing[next] == 0 { ready.append(next) }
      }
    }
    // A source moves right, next to the first node that reads it: short wires.
    for node in graph.nodes.indices where graph.nodes[node].dependencies.isEmpty {
      if let nearest = graph.nodes[node].dependents.map({ depth[$0] }).min() { depth[node] = nearest - 1 }
    }
    return depth
  }

  private static func connections(of graph: WorkflowGraph) -> [(source: Port, target: Port)] {
    var result: [(source: Port, target: Port)] = []
    for (index, node) in graph.nodes.enumerated() {
      for (row, port) in node.specification.inputs.enumerated() {
        guard let input = node.inputs.first(where: { $0.port == port.name }),
          case .connections(let connections) = input.source
        else { continue }
        for connection in connections {
          let outputs = graph.nodes[connection.node].specification.outputs
          let outputRow = outputs.firstIndex { $0.name == connection.port } ?? 0
          result.append(
            (Port(node: connection.node, kind: .row(outputRow)), Port(node: index, kind: .row(row))))
        }
      }
      let carried = Set(node.sources.map(\.node))
      for dependency in node.dependencies where !carried.contains(dependency) {
        result.append((Port(node: dependency, kind: .name), Port(node: index, kind: .name)))
      }
    }
    return result
  }

  /// Wires from one output share their lanes, and part where they reach their ends.
  private mutating func addRoute(from source: Port, to target: Port, _ lanes: inout [Port: [Int]]) {
    let last = vertices[target.node].layer - 1
    var chain = lanes[source] ?? []
    let missing = last - vertices[source.node].layer - chain.count
    guard missing <= 0 || vertices.count - nodeCount + missing <= Self.maximumLanes else {
      routes.append(Route(source: source, target: target, lanes: []))
      return
    }
    while vertices[chain.last ?? source.node].layer < last {
      let previous = chain.last ?? source.node
      let lane = vertices.count
      vertices.append(Vertex(content: .lane, layer: vertices[previous].layer + 1, height: 0))
      layers[vertices[lane].layer].append(lane)
      link(previous, chain.isEmpty ? DrawingLayout.offset(of: source) : 0, to: lane, 0)
      chain.append(lane)
    }
    lanes[source] = chain
    let between = chain.prefix(last - vertices[source.node].layer)
    link(
      between.last ?? source.node, between.isEmpty ? DrawingLayout.offset(of: source) : 0, to: target.node,
      DrawingLayout.offset(of: target))
    routes.append(Route(source: source, target: target, lanes: Array(between)))
  }

  private mutating func link(_ from: Int, _ fromOffset: Double, to: Int, _ toOffset: Double) {
    vertices[from].outgoing.append(links.count)
    vertices[to].incoming.append(links.count)
    links.append(Link(from: from, fromOffset: fromOffset, to: to, toOffset: toOffset))
  }

  // MARK: Orders

  /// Each layer sorted by the mean position of its neighbours, sweeping there and back; the best order seen is kept.
  private mutating func reduceCrossings() {
    var rank = [Double](repeating: 0, count: vertices.count)
    func number(_ layer: [Int]) {
      for (row, vertex) in layer.enumerated() { rank[vertex] = Double(row) - Double(layer.count - 1) / 2 }
    }
    func sort(_ index: Int, by places: (Vertex) -> [Double]) {
      let keys = layers[index].map { vertex -> (Double, Double, Int) in
        let list = places(vertices[vertex])
        return (list.isEmpty ? rank[vertex] : list.reduce(0, +) / Double(list.count), rank[vertex], vertex)
      }
      layers[index] = keys.sorted { $0 < $1 }.map(\.2)
      number(layers[index])
    }
    func place(_ vertex: Int, _ offset: Double) -> Double { rank[vertex] + offset / (vertices[vertex].height + 1) }
    for layer in layers { number(layer) }
    var best = (crossings: crossings(rank), layers: layers)
    for _ in 0..<12 where best.crossings > 0 {
      for index in layers.indices.dropFirst() {
        sort(index) { $0.incoming.map { place(links[$0].from, links[$0].fromOffset) } }
      }
      keepBest(&best, rank)
      for index in layers.indices.dropLast().reversed() {
        sort(index) { $0.outgoing.map { place(links[$0].to, links[$0].toOffset) } }
      }
      keepBest(&best, rank)
    }
    layers = best.layers
  }

  private func keepBest(_ best: inout (crossings: Int, layers: [[Int]]), _ rank: [Double]) {
    let count = crossings(rank)
    if count < best.crossings { best = (count, layers) }
  }

  /// How many pairs of links cross: inversions, between each two layers.
  private func crossings(_ rank: [Double]) -> Int {
    layers.reduce(0) { sum, layer in
      let ends = layer.flatMap { vertices[$0].outgoing }.map { links[$0] }.map { link in
        ((rank[link.from], link.fromOffset), (rank[link.to], link.toOffset))
      }
      var passed: [(Double, Double)] = []
      return ends.sorted { $0.0 != $1.0 ? $0.0 < $1.0 : $0.1 < $1.1 }.reduce(sum) { sum, link in
        var low = 0
        var high = passed.count
        while low < high {
          let middle = (low + high) / 2
          if passed[middle] <= link.1 { low = middle + 1 } else { high = middle }
        }
        defer { passed.insert(link.1, at: low) }
        return sum + passed.count - low
      }
    }
  }
}
