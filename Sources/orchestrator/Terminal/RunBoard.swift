import PluginModel

/// Where every node of a run stands, for the live view. Times are since the start of the run.
struct RunBoard: Sendable {
  private struct Entry: Sendable {
    var state = NodeLine.State.waiting
    var started: Duration?
    var ended: Duration?
    var fraction: Double?
    var message = ""
  }

  private let title: String
  private let order: [NodeName]
  private var entries: [NodeName: Entry]

  init(title: String, nodes: [NodeName]) {
    self.title = title
    order = nodes
    entries = Dictionary(nodes.map { ($0, Entry()) }) { first, _ in first }
  }

  mutating func start(_ node: NodeName, at time: Duration) {
    entries[node]?.state = .running
    entries[node]?.started = time
    entries[node]?.fraction = nil
    entries[node]?.message = ""
  }

  mutating func progress(_ node: NodeName, fraction: Double?, message: String) {
    entries[node]?.fraction = fraction
    entries[node]?.message = message
  }

  mutating func note(_ node: NodeName, _ message: String) { entries[node]?.message = message }

  mutating func end(_ node: NodeName, _ state: NodeLine.State, message: String = "", at time: Duration) {
    entries[node]?.state = state
    entries[node]?.ended = time
    entries[node]?.message = message
  }

  func view(at now: Duration) -> LiveView {
    let lines = order.map { name in
      let entry = entries[name] ?? Entry()
      return NodeLine(
        name: name.text, state: entry.state,
        elapsed: entry.started.map { (entry.ended ?? now) - $0 }.map(\.milliseconds), fraction: entry.fraction,
        message: entry.message)
    }
    return LiveView(title: title, nodes: lines, elapsed: now.milliseconds)
  }
}

extension Duration {
  /// Whole ones, rounded down.
  var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
