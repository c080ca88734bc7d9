import PluginModel

/// Where the boxes and wires of a workflow's picture go: layered from left to right, so that everything flows one way,
/// and no wire passes behind a box.
struct DrawingLayout {
  struct Box {
    var node: Int
    var layer: Int
    var x: Double
    var y: Double
    var height: Double
  }

  struct Point: Hashable {
    var x: Double
    var y: Double
  }

  struct Wire {
    var start: Point
    /// Where it passes a layer of boxes: level, from the left edge of the layer to its right edge.
    var lanes: [Point]
    var end: Point
    /// A `needs`, which carries no value.
    var isOrder: Bool
  }

  static let boxWidth = 208.0
  static let headerHeight = 46.0
  static let portHeight = 20.0
  static let layerGap = 88.0
  static let rowGap = 26.0
  /// Between a lane and a box, and between two lanes.
  static let laneGap = 16.0
  static let margin = 28.0

  /// One a node, in the order of the graph.
  private(set) var boxes: [Box] = []
  private(set) var wires: [Wire] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  init(_ graph: WorkflowGraph) {
    let layers = DrawingLayers(graph)
    let tops = DrawingRows(layers).tops
    func x(_ layer: Int) -> Double { Self.margin + Double(layer) * (Self.boxWidth + Self.layerGap) }
    for index in graph.nodes.indices {
      let vertex = layers.vertices[index]
      boxes.append(Box(node: index, layer: vertex.layer, x: x(vertex.layer), y: tops[index], height: vertex.height))
    }
    wires = layers.routes.map { route in
      let from = boxes[route.source.node]
      let to = boxes[route.target.node]
      return Wire(
        start: Point(x: from.x + Self.boxWidth, y: from.y + Self.offset(of: route.source)),
        lanes: route.lanes.map { Point(x: x(layers.vertices[$0].layer), y: tops[$0]) },
        end: Point(x: to.x, y: to.y + Self.offset(of: route.target)), isOrder: route.source.kind == .name)
    }
    width = x(layers.layers.count - 1) + Self.boxWidth + Self.margin
    height = (boxes.map { $0.y + $0.height } + layers.vertices.indices.map { tops[$0] }).max() ?? 0
    height += Self.margin
  }

  static func height(of node: WorkflowGraph.Node) -> Double {
    let rows = max(node.specification.inputs.count, node.specification.outputs.count)
    return headerHeight + Double(rows) * portHeight + (rows > 0 ? 8 : 0)
  }

  /// From the top of a box.
  static func offset(of port: DrawingLayers.Port) -> Double {
    switch port.kind {
    case .row(let row): portOffset(row)
    case .name: headerHeight / 2
    }
  }

  /// From the top of a box to the middle of a port's row.
  static func portOffset(_ row: Int) -> Double { headerHeight + Double(row) * portHeight + portHeight / 2 }
}
