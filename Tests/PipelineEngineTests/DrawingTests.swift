import Foundation
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A workflow is drawn")
struct DrawingTests {
  private static let flow = Demo.workflow(
    """
    load: {type: demo/source}
    left: {type: demo/step, in: {input: load.output}}
    right: {type: demo/step, in: {input: load.output}}
    join: {type: demo/join, in: {items: [left.output, right.output]}}
    after: {type: demo/source, needs: [join]}
    """)

  /// Fan-out, fan-in, chains, and connections that skip one, two and five layers.
  private static let large = Demo.workflow(
    """
    settings: {type: demo/source}
    load: {type: demo/source}
    check: {type: demo/step, in: {input: load.output}, needs: [settings]}
    split: {type: demo/step, in: {input: check.output}}
    north: {type: demo/step, in: {input: split.output}}
    east: {type: demo/step, in: {input: split.output}}
    south: {type: demo/step, in: {input: split.output}}
    west: {type: demo/step, in: {input: split.output}}
    merge_north: {type: demo/join, in: {items: [north.output, east.output]}}
    merge_south: {type: demo/join, in: {items: [south.output, west.output, load.output]}}
    sizes: {type: demo/join, in: {items: [north.size, east.size, south.size, west.size]}}
    tidy: {type: demo/step, in: {input: south.output}}
    compare: {type: demo/join, in: {items: [merge_north.output, merge_south.output, check.output]}}
    notes: {type: demo/source, needs: [check]}
    page: {type: demo/join, in: {items: [compare.output, sizes.output, notes.output, tidy.output]}}
    archive: {type: demo/join, in: {items: [page.output, load.output]}, needs: [sizes]}
    """)

  @Test("the picture is as it was looked at", arguments: [("flow.svg", flow), ("large.svg", large)])
  func golden(name: String, workflow: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/\(name)")
    let svg = WorkflowDrawing(try Demo.graph(workflow)).svg
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try svg.write(to: file, atomically: true, encoding: .utf8)
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    #expect(svg == expected, "look at it, then UPDATE_GOLDEN=1 swift test")
  }

  @Test("no text of a plugin becomes markup, and no colour anything else")
  func hostileTexts() throws {
    var specification = Demo.specifications[0]
    specification.color = "red\"/><script>alert(1)</script>"
    specification.outputs[0].name = PortName(unchecked: "<script>&'\"")
    let node = WorkflowGraph.Node(
      name: NodeName(unchecked: "</svg>\u{1}<a>"),
      type: NodeTypeReference(
        plugin: PluginName(unchecked: "x"), nodeType: NodeTypeName(unchecked: "y")),
      specification: SharedType(specification, version: nil), parameters: [], inputs: [], dependencies: [],
      dependents: [],
      policy: NodePolicy(), resources: ResourceRequirement(), resourceLocations: [:],
      location: SourceLocation(file: "f", line: 1, column: 1))
    let svg = WorkflowDrawing(WorkflowGraph(name: "<b>", nodes: [node], outputs: [])).svg
    #expect(!svg.contains("<script"))
    #expect(!svg.contains("<a>"))
    #expect(!svg.contains("<b>"))
    #expect(svg.components(separatedBy: "</svg>").count == 2)
    #expect(!svg.unicodeScalars.contains("\u{1}"))
  }

  /// The same graph for the same seed, of random width and depth.
  private static func layout(_ seed: Int) throws -> (graph: WorkflowGraph, layout: DrawingLayout) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let graph = try RunMachineTests.randomGraph(Int.random(in: 1...60, using: &generator), &generator)
    return (graph, DrawingLayout(graph))
  }

  @Test("boxes lie within the picture, don't overlap, and everything flows to the right", arguments: 0..<40)
  func boxes(_ seed: Int) throws {
    let (graph, layout) = try Self.layout(seed)
    for (index, box) in layout.boxes.enumerated() {
      #expect(box.x >= 0 && box.x + DrawingLayout.boxWidth <= layout.width)
      #expect(box.y >= 0 && box.y + box.height <= layout.height)
      for other in layout.boxes[(index + 1)...] {
        let isBeside = box.x + DrawingLayout.boxWidth < other.x || other.x + DrawingLayout.boxWidth < box.x
        #expect(isBeside || box.y + box.height < other.y || other.y + other.height < box.y)
      }
      for dependency in graph.nodes[box.node].dependencies { #expect(layout.boxes[dependency].x < box.x) }
    }
  }

  /// Walks along each wire as it is drawn, rather than trusting how it was made.
  @Test("no wire passes behind a box", arguments: 0..<40)
  func wires(_ seed: Int) throws {
    let (_, layout) = try Self.layout(seed)
    for wire in layout.wires {
      for point in Self.points(of: WorkflowDrawing.path(wire)) where point.x > wire.start.x && point.x < wire.end.x {
        let hit = layout.boxes.first { box in
          point.x >= box.x && point.x <= box.x + DrawingLayout.boxWidth && point.y >= box.y
            && point.y <= box.y + box.height
        }
        #expect(hit == nil, "from \(wire.start) to \(wire.end), at \(point)")
        #expect(point.y > 0 && point.y < layout.height)
      }
    }
  }

  /// Points along an SVG path of M, H and C, close together.
  private static func points(of path: String) -> [DrawingLayout.Point] {
    let data = path.components(separatedBy: " d=\"").last?.prefix { $0 != "\"" } ?? ""
    var result: [DrawingLayout.Point] = []
    var numbers: [Double] = []
    var place = DrawingLayout.Point(x: 0, y: 0)
    func finish(_ command: Character) {
      let start = place
      let steps = 24
      switch command {
      case "M": place = DrawingLayout.Point(x: numbers[0], y: numbers[1])
      case "H":
        place.x = numbers[0]
        for step in 0...steps {
          result.append(.init(x: start.x + (place.x - start.x) * Double(step) / Double(steps), y: start.y))
        }
      case "C":
        place = DrawingLayout.Point(x: numbers[4], y: numbers[5])
        for step in 0...steps {
          let t = Double(step) / Double(steps)
          func at(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
            let u = 1 - t
            return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d
          }
          result.append(
            .init(x: at(start.x, numbers[0], numbers[2], place.x), y: at(start.y, numbers[1], numbers[3], place.y)))
        }
      default: Issue.record("the path has a command \(command)")
      }
      numbers = []
    }
    var command: Character?
    for part in data.split(separator: " ") {
      var text = part
      if let first = part.first, first.isLetter {
        if let command { finish(command) }
        command = first
        text = part.dropFirst()
      }
      if let number = Double(text) { numbers.append(number) } else { Issue.record("\(part) is no number") }
    }
    if let command { finish(command) }
    return result
  }

  @Test("the same workflow gives the same picture", arguments: 0..<10)
  func repeated(_ seed: Int) throws {
    let (graph, _) = try Self.layout(seed)
    #expect(WorkflowDrawing(graph).svg == WorkflowDrawing(graph).svg)
    #expect(WorkflowDrawing(try Self.layout(seed).graph).svg == WorkflowDrawing(graph).svg)
  }

  @Test("a chain is one straight line")
  func chain() throws {
    let steps = (1...6).map { "s\($0): {type: demo/step, in: {input: \($0 == 1 ? "load" : "s\($0 - 1)").output}}" }
    let text = Demo.workflow((["load: {type: demo/source}"] + steps).joined(separator: "\n"))
    let layout = DrawingLayout(try Demo.graph(text))
    for wire in layout.wires { #expect(wire.start.y == wire.end.y) }
  }

  @Test("a long wire runs level past everything between its ends")
  func longWire() throws {
    let steps = (1...4).map { "s\($0): {type: demo/step, in: {input: \($0 == 1 ? "load" : "s\($0 - 1)").output}}" }
    let last = "end: {type: demo/join, in: {items: [s4.output, load.output]}}"
    let text = Demo.workflow((["load: {type: demo/source}"] + steps + [last]).joined(separator: "\n"))
    let layout = DrawingLayout(try Demo.graph(text))
    let long = try #require(layout.wires.max { $0.lanes.count < $1.lanes.count })
    #expect(long.lanes.count == 4)
    #expect(Set(long.lanes.map(\.y)).count == 1)
  }

  @Test("a workflow too large to look at is still drawn soon", .timeLimit(.minutes(1)))
  func huge() throws {
    let steps = (1..<600).map { index in
      "s\(index): {type: demo/join, in: {items: [s\(index - 1).output, s\(index / 2).output]}}"
    }
    let text = Demo.workflow((["s0: {type: demo/source}"] + steps).joined(separator: "\n"))
    #expect(WorkflowDrawing(try Demo.graph(text)).svg.utf8.count > 100_000)
  }

  @Test("the text names every node and what it waits for")
  func text() throws {
    let text = WorkflowDrawing(try Demo.graph(Self.flow)).text
    #expect(text.contains("join"))
    #expect(text.contains("← left, right"))
  }
}
