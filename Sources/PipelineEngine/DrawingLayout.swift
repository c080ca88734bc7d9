import PluginModel

/// Where the boxes and lines of a workflow's picture go: layered from left to right, so that everything flows one way.
struct DrawingLayout {
  struct Box {
    var node: Int
    var layer: Int
    var x: Double
    var y: Double
    var height: Double
  }

  struct Wire {
    var fromX: Double
    var fromY: Double
    var toX: Double
    var toY: Double
    /// A `needs`, which carries no value.
    var isOrder: Bool
  }

  static let boxWidth = 208.0
  static let headerHeight = 46.0
  static let portHeight = 20.0
  static let layerGap = 84.0
  static let rowGap = 26.0
  static let margin = 28.0

  /// One a node, in the order of the graph.
  private(set) var boxes: [Box] = []
  private(set) var wires: [Wire] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  init(_ graph: WorkflowGraph) {
    let layers = Self.ordered(Self.layers(of: graph), graph)
    place(layers, graph)
    connect(graph)
  }

  /// Longest path from a source: a node stands right of everything it waits for.
  private static func layers(of graph: WorkflowGraph) -> [[Int]] {
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
    var layers = [[Int]](repeating: [], count: (depth.max() ?? -1) + 1)
    for node in graph.nodes.indices { layers[depth[node]].append(node) }
    return layers
  }

  /// Few crossings: each layer sorted by the mean position of its neighbours, sweeping there and back.
  private static func ordered(_ initial: [[Int]], _ graph: WorkflowGraph) -> [[Int]] {
    var layers = initial
    var position = [Double](repeating: 0, count: graph.nodes.count)
    func number(_ layer: [Int]) {
      for (row, node) in layer.enumerated() { position[node] = Double(row) - Double(layer.count - 1) / 2 }
    }
    func sort(_ index: Int, by neighbours: (Int) -> [Int]) {
      let keys = Dictionary(
        uniqueKeysWithValues: layers[index].map { node in
          let list = neighbours(node)
          let mean = list.isEmpty ? position[node] : list.reduce(0) { $0 + position[$1] } / Double(list.count)
          return (node, mean)
        })
      layers[index].sort { (keys[$0] ?? 0, $0) < (keys[$1] ?? 0, $1) }
      number(layers[index])
    }
    for layer in layers { number(layer) }
    for _ in 0..<8 {
      for index in layers.indices.dropFirst() { sort(index) { graph.nodes[$0].dependencies } }
      for index in layers.indices.dropLast().reversed() { sort(index) { graph.nodes[$0].dependents } }
    }
    return layers
  }

  static func height(of node: WorkflowGraph.Node) -> Double {
    let rows = max(node.specification.inputs.count, node.specification.outputs.count)
    return headerHeight + Double(rows) * portHeight + (rows > 0 ? 8 : 0)
  }

  private mutating func place(_ layers: [[Int]], _ graph: WorkflowGraph) {
    boxes = graph.nodes.indices.map { Box(node: $0, layer: 0, x: 0, y: 0, height: Self.height(of: graph.nodes[$0])) }
    let heights = layers.map { layer in
      layer.reduce(0) { $0 + boxes[$1].height } + Double(max(0, layer.count - 1)) * Self.rowGap
    }
    let tallest = heights.max() ?? 0
    for (index, layer) in layers.enumerated() {
      var y = Self.margin + (tallest - heights[index]) / 2
      for node in layer {
        boxes[node].layer = index
        boxes[node].x = Self.margin + Double(index) * (Self.boxWidth + Self.layerGap)
        boxes[node].y = y.rounded()
        y += boxes[node].height + Self.rowGap
      }
    }
    width =
      Double(layers.count) * Self.boxWidth + Double(max(0, layers.count - 1)) * Self.layerGap + 2 * Self.margin
    height = tallest + 2 * Self.margin
  }

  private mutating func connect(_ graph: WorkflowGraph) {
    for (index, node) in graph.nodes.enumerated() {
      var carried: Set<Int> = []
      for (row, port) in node.specification.inputs.enumerated() {
        guard let input = node.inputs.first(where: { $0.port == port.name }),
          case .connections(let connections) = input.source
        else { continue }
        for connection in connections {
          carried.insert(connection.node)
          let outputs = graph.nodes[connection.node].specification.outputs
          let outputRow = outputs.firstIndex { $0.name == connection.port } ?? 0
          let from = boxes[connection.node]
          wires.append(
            Wire(
              fromX: from.x + Self.boxWidth, fromY: from.y + Self.portOffset(outputRow), toX: boxes[index].x,
              toY: boxes[index].y + Self.portOffset(row), isOrder: false))
        }
      }
      for dependency in node.dependencies where !carried.contains(dependency) {
        let from = boxes[dependency]
        wires.append(
          Wire(
            fromX: from.x + Self.boxWidth, fromY: from.y + Self.headerHeight / 2, toX: boxes[index].x,
            toY: boxes[index].y + Self.headerHeight / 2, isOrder: true))
      }
    }
  }

  /// From the top of a box to the middle of a port's row.
  static func portOffset(_ row: Int) -> Double { headerHeight + Double(row) * portHeight + portHeight / 2 }
}
