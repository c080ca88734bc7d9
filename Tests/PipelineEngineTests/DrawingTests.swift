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

  @Test("the picture is as it was looked at")
  func golden() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/flow.svg")
    let svg = WorkflowDrawing(try Demo.graph(Self.flow)).svg
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
      specification: specification, parameters: [], inputs: [], dependencies: [], dependents: [],
      policy: NodePolicy(), resources: ResourceRequirement(), location: SourceLocation(file: "f", line: 1, column: 1))
    let svg = WorkflowDrawing(WorkflowGraph(name: "<b>", nodes: [node], outputs: [])).svg
    #expect(!svg.contains("<script"))
    #expect(!svg.contains("<a>"))
    #expect(!svg.contains("<b>"))
    #expect(svg.components(separatedBy: "</svg>").count == 2)
    #expect(!svg.unicodeScalars.contains("\u{1}"))
  }

  @Test("boxes don't overlap and everything flows to the right", arguments: 0..<50)
  func layout(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let graph = try RunMachineTests.randomGraph(Int.random(in: 1...60, using: &generator), &generator)
    let layout = DrawingLayout(graph)
    for (index, box) in layout.boxes.enumerated() {
      #expect(box.x >= 0 && box.x + DrawingLayout.boxWidth <= layout.width)
      #expect(box.y >= 0 && box.y + box.height <= layout.height)
      for other in layout.boxes[(index + 1)...] where other.layer == box.layer {
        #expect(box.y + box.height <= other.y || other.y + other.height <= box.y)
      }
      for dependency in graph.nodes[box.node].dependencies { #expect(layout.boxes[dependency].x < box.x) }
    }
  }

  @Test("the text names every node and what it waits for")
  func text() throws {
    let text = WorkflowDrawing(try Demo.graph(Self.flow)).text
    #expect(text.contains("join"))
    #expect(text.contains("← left, right"))
  }
}
