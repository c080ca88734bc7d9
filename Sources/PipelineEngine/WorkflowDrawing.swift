import PluginModel

/// The picture of a workflow: SVG for pages and documents, text for a terminal.
package struct WorkflowDrawing: Sendable {
  private let graph: WorkflowGraph

  package init(_ graph: WorkflowGraph) { self.graph = graph }
  package init(_ outline: WorkflowOutline) { graph = outline.graph }

  // MARK: SVG

  /// A document of its own: no script, no font or picture from elsewhere, light and dark by the reader's preference.
  /// Every text of a plugin is escaped, and its colour used only where it is `#rgb` or `#rrggbb`.
  package var svg: String {
    let layout = DrawingLayout(graph)
    let size = "\(Self.number(layout.width)) \(Self.number(layout.height))"
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" width=\"\(Self.number(layout.width))\" "
        + "height=\"\(Self.number(layout.height))\" role=\"img\" aria-labelledby=\"title desc\">",
      "<title id=\"title\">\(Self.escape("Workflow \(graph.name)"))</title>",
      "<desc id=\"desc\">\(Self.escape(spokenDescription))</desc>",
      "<style>\(Self.style)</style>",
      "<rect class=\"page\" width=\"100%\" height=\"100%\"/>",
    ]
    lines += layout.wires.map(Self.path)
    for box in layout.boxes { lines += drawing(of: box) }
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  /// For whoever shows the picture as a page: its style, and nothing else.
  package static let policy =
    "default-src 'none'; style-src \(HTMLReport.source(style)); base-uri 'none'; form-action 'none'; "
    + "frame-ancestors 'none'; sandbox"

  private static let style = """

    text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1d2733; }
    .page { fill: #ffffff; }
    .box { fill: #f6f8fa; stroke: #c4ccd6; }
    .name { font-size: 14px; font-weight: 600; }
    .type { font-size: 11px; fill: #57616d; }
    .port { font-size: 11px; fill: #3b4652; }
    .dot { fill: #ffffff; stroke: #6b7785; stroke-width: 1.5; }
    .wire { fill: none; stroke: #8b97a5; stroke-width: 1.6; }
    .order { stroke-dasharray: 4 4; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .page { fill: #0f141a; }
      .box { fill: #1a212a; stroke: #3a4552; }
      .type { fill: #9aa7b5; }
      .port { fill: #c3cdd8; }
      .dot { fill: #0f141a; stroke: #8b97a5; }
      .wire { stroke: #7d8a98; }
    }

    """

  static func path(_ wire: DrawingLayout.Wire) -> String {
    "<path class=\"\(wire.isOrder ? "wire order" : "wire")\" d=\"\(pathData(wire))\"/>"
  }

  /// Level where it passes other boxes, bent only between the layers. Numbers and letters only.
  static func pathData(_ wire: DrawingLayout.Wire) -> String {
    var path = "M\(number(wire.start.x)) \(number(wire.start.y))"
    var place = wire.start
    func go(to point: DrawingLayout.Point) {
      if point.y == place.y {
        path += " H\(number(point.x))"
      } else {
        let middle = number((place.x + point.x) / 2)
        path += " C\(middle) \(number(place.y)) \(middle) \(number(point.y)) \(number(point.x)) \(number(point.y))"
      }
      place = point
    }
    for lane in wire.lanes {
      go(to: lane)
      go(to: DrawingLayout.Point(x: lane.x + DrawingLayout.boxWidth, y: lane.y))
    }
    go(to: wire.end)
    return path
  }

  private func drawing(of box: DrawingLayout.Box) -> [String] {
    let node = graph.nodes[box.node]
    let width = DrawingLayout.boxWidth
    let top = Self.number(box.y)
    let color = node.specification.color.flatMap(Self.checkedColor) ?? "#6b7785"
    let clip = "clip-\(box.node)"
    var lines = [
      "<g>",
      "<clipPath id=\"\(clip)\"><rect x=\"\(Self.number(box.x))\" y=\"\(top)\" width=\"\(Self.number(width))\" "
        + "height=\"\(Self.number(box.height))\" rx=\"8\"/></clipPath>",
      "<rect class=\"box\" x=\"\(Self.number(box.x))\" y=\"\(top)\" width=\"\(Self.number(width))\" "
        + "height=\"\(Self.number(box.height))\" rx=\"8\"/>",
      "<rect x=\"\(Self.number(box.x))\" y=\"\(top)\" width=\"\(Self.number(width))\" height=\"4\" fill=\"\(color)\" "
        + "clip-path=\"url(#\(clip))\"/>",
      Self.text("name", node.drawnName, limit: 24, x: box.x + 12, y: box.y + 22),
      Self.text("type", node.type.description, limit: 32, x: box.x + 12, y: box.y + 38),
    ]
    for (row, port) in node.specification.inputs.enumerated() {
      let y = box.y + DrawingLayout.portOffset(row)
      lines.append(Self.dot(x: box.x, y: y))
      lines.append(Self.text("port", port.name.text, limit: 15, x: box.x + 12, y: y + 4))
    }
    for (row, port) in node.specification.outputs.enumerated() {
      let y = box.y + DrawingLayout.portOffset(row)
      lines.append(Self.dot(x: box.x + width, y: y))
      lines.append(Self.text("port", port.name.text, limit: 15, x: box.x + width - 12, y: y + 4, anchor: "end"))
    }
    lines.append("</g>")
    return lines
  }

  private static func dot(x: Double, y: Double) -> String {
    "<circle class=\"dot\" cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"4\"/>"
  }

  private static func text(
    _ kind: String, _ text: String, limit: Int, x: Double, y: Double, anchor: String = "start"
  ) -> String {
    let short = text.count <= limit ? text : text.prefix(limit - 1) + "…"
    let end = anchor == "start" ? "" : " text-anchor=\"\(anchor)\""
    return "<text class=\"\(kind)\" x=\"\(number(x))\" y=\"\(number(y))\"\(end)>\(escape(short))</text>"
  }

  /// Whole and half units are all there are.
  private static func number(_ value: Double) -> String {
    let rounded = (value * 2).rounded() / 2
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }

  static func escape(_ text: String) -> String { XMLText.escaped(text) }

  private static func checkedColor(_ text: String) -> String? {
    let digits = text.utf8.dropFirst()
    let isHexadecimal = digits.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
    return text.utf8.first == 0x23 && (digits.count == 3 || digits.count == 6) && isHexadecimal ? text : nil
  }

  // MARK: Words

  private var spokenDescription: String {
    let flow = graph.nodes.map { node in
      let sources = node.dependencies.map { graph.nodes[$0].name.text }
      let name = node.name.text + (node.foreach.map { " for each \($0.port)" } ?? "")
      return sources.isEmpty ? name : "\(name) after \(sources.joined(separator: " and "))"
    }
    return "\(graph.nodes.count) nodes: \(flow.joined(separator: "; "))."
  }

  /// One line a node, in an order in which they could run, with what each waits for.
  package var text: String {
    let layout = DrawingLayout(graph)
    let order = layout.boxes.sorted { ($0.layer, $0.y) < ($1.layer, $1.y) }
    let nameWidth = graph.nodes.map(\.drawnName.count).max() ?? 0
    let typeWidth = graph.nodes.map(\.type.description.count).max() ?? 0
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    var lines = [graph.name]
    for box in order {
      let node = graph.nodes[box.node]
      let sources = node.dependencies.map { graph.nodes[$0].name.text }
      let line =
        "  \(padded(node.drawnName, nameWidth))  \(padded(node.type.description, typeWidth))"
        + (sources.isEmpty ? "" : "  ← \(sources.joined(separator: ", "))")
      lines.append(String(line.reversed().drop { $0 == " " }.reversed()))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension WorkflowGraph.Node {
  /// With a mark where it stands for nodes that aren't known yet.
  fileprivate var drawnName: String { foreach == nil ? name.text : "\(name.text)[…]" }
}
