/// How far down everything in a picture lies, so that wires are as level as they can be.
///
/// Each layer in turn is fitted to its neighbour: every vertex wants to be level with the median of what it is linked
/// to, and the least squares that keep the order and the gaps are found by pooling adjacent violators (Barlow et al.,
/// Statistical Inference under Order Restrictions, 1972).
struct DrawingRows {
  /// Whole units, for each vertex: of a box the top, of a lane the lane.
  private(set) var tops: [Double]
  private let drawing: DrawingLayers

  private static let sweeps = 12
  /// A bend in a lane is worse than one at a box.
  private static let laneWeight = 8.0

  init(_ drawing: DrawingLayers) {
    self.drawing = drawing
    tops = [Double](repeating: 0, count: drawing.vertices.count)
    stack()
    for _ in 0..<Self.sweeps {
      for layer in drawing.layers.dropLast().reversed() { fit(layer, to: .right) }
      for layer in drawing.layers.dropFirst() { fit(layer, to: .left) }
    }
    let highest = tops.min() ?? 0
    // Rounding keeps the gaps: heights and gaps are whole.
    for vertex in tops.indices { tops[vertex] = (tops[vertex] - highest + DrawingLayout.margin).rounded() }
    for route in drawing.routes { straighten(route) }
  }

  /// One below the other.
  private mutating func stack() {
    for layer in drawing.layers {
      for (above, vertex) in zip(layer, layer.dropFirst()) { tops[vertex] = tops[above] + distance(above, vertex) }
      let middle = layer.last.map { (tops[$0] + drawing.vertices[$0].height) / 2 } ?? 0
      for vertex in layer { tops[vertex] -= middle }
    }
  }

  /// The least from top to top of two neighbours in a layer.
  private func distance(_ above: Int, _ below: Int) -> Double {
    let first = drawing.vertices[above]
    let areBoxes = first.content != .lane && drawing.vertices[below].content != .lane
    return first.height + (areBoxes ? DrawingLayout.rowGap : DrawingLayout.laneGap)
  }

  private enum Side {
    case left
    case right
  }

  /// Where a vertex would have to lie for each of its links to that side to be level.
  private func wishes(of vertex: Int, _ side: Side) -> [Double] {
    let vertex = drawing.vertices[vertex]
    return switch side {
    case .left: vertex.incoming.map { drawing.links[$0] }.map { tops[$0.from] + $0.fromOffset - $0.toOffset }
    case .right: vertex.outgoing.map { drawing.links[$0] }.map { tops[$0.to] + $0.toOffset - $0.fromOffset }
    }
  }

  /// Vertices whose distances are the least allowed, and which move together.
  private struct Block {
    var sum: Double
    var weight: Double
    var count: Int
    var position: Double { sum / weight }
  }

  private mutating func fit(_ layer: [Int], to side: Side) {
    var blocks: [Block] = []
    /// From the first vertex of the layer down to each, at the least distances.
    var depths: [Double] = []
    for (index, vertex) in layer.enumerated() {
      depths.append(index == 0 ? 0 : depths[index - 1] + distance(layer[index - 1], vertex))
      let list = wishes(of: vertex, side)
      let weight = drawing.vertices[vertex].content == .lane ? Self.laneWeight : Double(max(1, list.count))
      let wish = Self.median(list) ?? tops[vertex]
      var block = Block(sum: (wish - depths[index]) * weight, weight: weight, count: 1)
      while let above = blocks.last, above.position >= block.position {
        blocks.removeLast()
        block = Block(sum: above.sum + block.sum, weight: above.weight + block.weight, count: above.count + block.count)
      }
      blocks.append(block)
    }
    var index = 0
    for block in blocks {
      for _ in 0..<block.count {
        tops[layer[index]] = block.position + depths[index]
        index += 1
      }
    }
  }

  private static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  // MARK: Lanes

  /// Moves the lanes of a route, within the room that each has, to as few levels as possible: to that of its start or of
  /// its end, if one of them will do for all.
  private mutating func straighten(_ route: DrawingLayers.Route) {
    let start = tops[route.source.node] + DrawingLayout.offset(of: route.source)
    let end = tops[route.target.node] + DrawingLayout.offset(of: route.target)
    var level = start
    var rest = route.lanes[...]
    while let first = rest.first {
      var room = room(of: first)
      var count = 1
      while count < rest.count {
        let next = self.room(of: rest[rest.startIndex + count])
        guard room.overlaps(next) else { break }
        room = room.clamped(to: next)
        count += 1
      }
      let isLast = count == rest.count
      let wish = isLast && !room.contains(level) && room.contains(end) ? end : level
      level = min(max(wish, room.lowerBound), room.upperBound)
      for lane in rest.prefix(count) { tops[lane] = level }
      rest = rest.dropFirst(count)
    }
  }

  /// Between what lies above and below in its layer.
  private func room(of lane: Int) -> ClosedRange<Double> {
    let layer = drawing.layers[drawing.vertices[lane].layer]
    guard let index = layer.firstIndex(of: lane) else { return tops[lane]...tops[lane] }
    let lower = index == 0 ? DrawingLayout.margin : tops[layer[index - 1]] + distance(layer[index - 1], lane)
    let upper = index == layer.count - 1 ? .infinity : tops[layer[index + 1]] - distance(lane, layer[index + 1])
    return min(lower, tops[lane])...max(upper, tops[lane])
  }
}
