/// What the live view shows of one node.
package struct NodeLine: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    case waiting
    case running
    case succeeded
    case failed
    case skipped
    case cancelled
  }
  package var name: String
  package var state: State
  /// Milliseconds from its start to its end, or to now.
  package var elapsed: Int64?
  /// What it used, in a few words; empty while it runs.
  package var usage: String
  /// From 0 to 1; nil: not known.
  package var fraction: Double?
  /// Untrusted.
  package var message: String

  package init(
    name: String, state: State = .waiting, elapsed: Int64? = nil, usage: String = "", fraction: Double? = nil,
    message: String = ""
  ) {
    self.usage = usage
    self.name = name
    self.state = state
    self.elapsed = elapsed
    self.fraction = fraction
    self.message = message
  }
}

/// The run as lines of a terminal. Pure: the same nodes and size give the same lines, none wider than the terminal and
/// no more than it has rows.
package struct LiveView: Sendable {
  package var title: String
  package var nodes: [NodeLine]
  package var elapsed: Int64

  package init(title: String, nodes: [NodeLine], elapsed: Int64) {
    self.title = title
    self.nodes = nodes
    self.elapsed = elapsed
  }

  /// The number of the spinner's frames.
  private static let spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
  private static let barWidth = 16

  package func lines(columns: Int, rows: Int, style: Style, frame: Int) -> [String] {
    let width = max(8, columns - 1)
    let shown = visible(limit: max(1, rows - 3))
    let nameWidth = min(shown.map { SafeText.width(SafeText.line($0.name)) }.max() ?? 0, max(8, width / 3))
    var lines = [header(width: width, style: style)]
    lines += shown.map { line($0, nameWidth: nameWidth, width: width, style: style, frame: frame) }
    if shown.count < nodes.count {
      lines.append(style(SafeText.fit("   … \(nodes.count - shown.count) more nodes", columns: width), .faint))
    }
    return lines
  }

  /// All nodes, for when nothing more will change: however many rows that takes.
  package func finalLines(columns: Int, style: Style) -> [String] {
    lines(columns: columns, rows: nodes.count + 4, style: style, frame: 0)
  }

  /// All nodes in their order or, where they don't fit, those that a reader wants first.
  private func visible(limit: Int) -> [NodeLine] {
    guard nodes.count > limit else { return nodes }
    let ranked = nodes.enumerated().sorted { left, right in
      (Self.rank(left.element.state), left.offset) < (Self.rank(right.element.state), right.offset)
    }
    let chosen = Set(ranked.prefix(limit).map(\.offset))
    return nodes.enumerated().filter { chosen.contains($0.offset) }.map(\.element)
  }

  private static func rank(_ state: NodeLine.State) -> Int {
    switch state {
    case .failed: 0
    case .running: 1
    case .cancelled: 2
    case .waiting: 3
    case .skipped: 4
    case .succeeded: 5
    }
  }

  private func header(width: Int, style: Style) -> String {
    let done = nodes.count { $0.state != .waiting && $0.state != .running }
    let status = " · \(done) of \(nodes.count) nodes · \(DurationText.short(milliseconds: elapsed))"
    let name = SafeText.fit(SafeText.line(title), columns: max(1, width - SafeText.width(status)))
    return style(name, .strong) + style(SafeText.fit(status, columns: width - SafeText.width(name)), .faint)
  }

  private func line(_ node: NodeLine, nameWidth: Int, width: Int, style: Style, frame: Int) -> String {
    let (glyph, look) = Self.glyph(node.state, frame: frame)
    var left = width - 3
    var text = " " + style(glyph, look) + " "
    let name = SafeText.pad(SafeText.line(node.name), columns: min(nameWidth, left))
    text += node.state == .waiting || node.state == .skipped ? style(name, .faint) : name
    left -= SafeText.width(name)

    func append(_ part: String, _ look: Style.Look?) {
      let fitted = SafeText.fit(part, columns: left)
      left -= SafeText.width(fitted)
      text += look.map { style(fitted, $0) } ?? fitted
    }
    if let elapsed = node.elapsed {
      let time = DurationText.short(milliseconds: elapsed)
      append(String(repeating: " ", count: max(2, 10 - SafeText.width(time))) + time, .faint)
    }
    if !node.usage.isEmpty, left > 6 { append("  " + node.usage, .faint) }
    if node.state == .running, let fraction = node.fraction, left > Self.barWidth + 8 {
      append("  " + Self.bar(fraction), .accent)
      append(" \(Self.percent(fraction))", nil)
    }
    let message = SafeText.line(node.message)
    if !message.isEmpty, left > 6 { append("  " + message, node.state == .failed ? .bad : .faint) }
    return text
  }

  package static func glyph(_ state: NodeLine.State, frame: Int) -> (String, Style.Look) {
    switch state {
    case .waiting: ("○", .faint)
    case .running: (spinner[frame % spinner.count], .accent)
    case .succeeded: ("✓", .good)
    case .failed: ("✗", .bad)
    case .skipped: ("–", .faint)
    case .cancelled: ("■", .warning)
    }
  }

  /// Any number: what a plugin says may be NaN or far off.
  private static func bounded(_ fraction: Double) -> Double { fraction.isNaN ? 0 : min(1, max(0, fraction)) }

  private static func bar(_ fraction: Double) -> String {
    let filled = Int(bounded(fraction) * Double(barWidth))
    return String(repeating: "█", count: filled) + String(repeating: "░", count: barWidth - filled)
  }

  private static func percent(_ fraction: Double) -> String {
    let text = "\(Int(bounded(fraction) * 100)) %"
    return String(repeating: " ", count: 5 - text.utf8.count) + text
  }
}
