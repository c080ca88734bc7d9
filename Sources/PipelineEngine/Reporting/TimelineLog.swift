import PluginModel

/// A line that a node logged or wrote.
package struct TimelineLine: Sendable {
  package enum Source: Hashable, Sendable {
    case log(NodeReport.LogLevel)
    case standardOutput
    case standardError

    /// `info`, `stdout`.
    package var word: String {
      switch self {
      case .log(let level): level.rawValue
      case .standardOutput: "stdout"
      case .standardError: "stderr"
      }
    }
  }

  /// Since the run began.
  package let milliseconds: Int64
  package let source: Source
  /// Untrusted; a cut one ends with `…`.
  package let text: String
  fileprivate let sequence: UInt64

  /// What keeping it costs, about.
  fileprivate var bytes: Int { text.utf8.count + 64 }
}

/// The latest lines of every node. Where all of them together are too many, the oldest go, whosever they are.
struct TimelineLog: Sendable {
  /// Of the node of each position, oldest first.
  private(set) var lines: [[TimelineLine]] = []
  private(set) var leftOut: [Int] = []
  /// Of all lines, as reckoned.
  private(set) var bytes = 0
  private let bounds: RunTimeline.Bounds
  private var lineCount = 0
  private var sequence: UInt64 = 0
  /// Of every line that is there, in the order of their coming, and of some that are gone.
  private var tickets: [Ticket] = []
  /// Before it all are gone.
  private var head = 0

  private struct Ticket: Sendable {
    var node: Int
    var sequence: UInt64
  }

  init(bounds: RunTimeline.Bounds) { self.bounds = bounds }

  /// At the next position.
  mutating func addNode() {
    lines.append([])
    leftOut.append(0)
  }

  mutating func add(_ text: String, _ source: TimelineLine.Source, of node: Int, at milliseconds: Int64) {
    sequence += 1
    let line = TimelineLine(
      milliseconds: milliseconds, source: source, text: text.cut(toBytes: bounds.lineBytes), sequence: sequence)
    lines[node].append(line)
    tickets.append(Ticket(node: node, sequence: sequence))
    lineCount += 1
    bytes += line.bytes
    while lines[node].count > bounds.lines { removeFirst(of: node) }
    while bytes > bounds.logBytes, head < tickets.count {
      let ticket = tickets[head]
      head += 1
      if isPresent(ticket) { removeFirst(of: ticket.node) }
    }
    if tickets.count > 2 * lineCount + 1_024 {
      tickets = tickets[head...].filter(isPresent)
      head = 0
    }
  }

  /// The lines of a node come and go in the same order.
  private func isPresent(_ ticket: Ticket) -> Bool {
    lines[ticket.node].first.map { $0.sequence <= ticket.sequence } ?? false
  }

  private mutating func removeFirst(of node: Int) {
    guard !lines[node].isEmpty else { return }
    bytes -= lines[node].removeFirst().bytes
    lineCount -= 1
    leftOut[node] += 1
  }
}

extension String {
  /// At most so many bytes of UTF-8, and `…` where something is missing.
  func cut(toBytes limit: Int) -> String {
    guard utf8.count > limit else { return self }
    var end = utf8.index(startIndex, offsetBy: max(0, limit))
    while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
    return String(self[..<end]) + "…"
  }
}
