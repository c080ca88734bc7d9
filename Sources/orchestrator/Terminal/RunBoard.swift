import PipelineEngine
import PluginModel

/// Where every node of a run stands, for people who watch. Times are milliseconds since the start of the run.
struct RunBoard: Sendable {
  private struct Entry: Sendable {
    var state = NodeLine.State.waiting
    var started: Int64?
    var ended: Int64?
    var fraction: Double?
    var message = ""
    var usage: ResourceUsage?
    /// Of a node with `foreach`: how many instances there are, and how many have ended.
    var items: (all: Int, ended: Int, failed: Int)?

    mutating func become(_ new: NodeLine.State, at time: Int64) {
      switch new {
      case .running:
        // The time of a node is that of all its attempts.
        started = started ?? time
        fraction = nil
        message = ""
      case .succeeded, .failed, .cancelled:
        ended = time
        if new != .failed { message = "" }
      case .waiting, .skipped: break
      }
      state = new
    }
  }

  private var title: String
  private var order: [NodeName]
  private var entries: [NodeName: Entry]

  init(title: String, nodes: [NodeName]) {
    self.title = title
    order = nodes
    entries = Dictionary(nodes.map { ($0, Entry()) }) { first, _ in first }
  }

  mutating func apply(_ event: RunEvent) {
    if case .runStarted(_, let workflow, let nodes) = event.content { self = RunBoard(title: workflow, nodes: nodes) }
    guard let node = event.node else { return }
    guard var entry = entries[node] else { return noteInstance(node, event) }
    switch event.content {
    case .nodeState(let state, _):
      entry.become(NodeLine.State(state) ?? .waiting, at: event.milliseconds)
      entry.usage = event.account.usage
      if let skip = event.skip { entry.message = "skipped: \(skip)" }
      if event.isCached { entry.message = "from the cache" }
    case .nodeRetry(let failure, _, _):
      entry.become(.waiting, at: event.milliseconds)
      entry.message = "again: \(failure.message)"
    case .nodeReport(.progress(let fraction, let message)):
      entry.fraction = fraction
      entry.message = message
    case .nodeReport(.log(_, let message)): entry.message = message
    case .nodeReport(.tests(let tests)): entry.message = tests.summary
    case .nodeFailed(let failure): entry.message = failure.cause ?? failure.message
    case .nodesAdded(let count):
      entry.items = (count, 0, 0)
      entry.message = Self.words(0, of: count, failed: 0)
    case .nodeReport(.started), .nodeReport(.output), .runStarted, .runFinished: break
    }
    entries[node] = entry
  }

  /// A node with `foreach` may have a hundred thousand: they are counted in its line and have none of their own.
  private mutating func noteInstance(_ name: NodeName, _ event: RunEvent) {
    guard case .nodeState(let state, _) = event.content, state.isTerminal, let node = name.matrixNode,
      var items = entries[node]?.items
    else { return }
    items.ended += 1
    if state == .failed { items.failed += 1 }
    entries[node]?.items = items
    entries[node]?.fraction = Double(items.ended) / Double(max(1, items.all))
    entries[node]?.message = Self.words(items.ended, of: items.all, failed: items.failed)
  }

  private static func words(_ ended: Int, of all: Int, failed: Int) -> String {
    "\(ended) of \(all) items" + (failed > 0 ? ", \(failed) failed" : "")
  }

  func view(at now: Int64) -> LiveView {
    LiveView(title: title, nodes: order.map { line($0, at: now) }, elapsed: now)
  }

  /// `✓ load  0.3 s  peak 31Mi  cpu 0.2 s`, `– count  skipped: needs load, which failed`
  func plainLine(_ node: NodeName, _ state: NodeLine.State, at now: Int64, style: Style) -> String {
    let (glyph, look) = state == .running ? ("▶", Style.Look.accent) : LiveView.glyph(state, frame: 0)
    let line = line(node, at: now)
    let time = state == .running ? nil : line.elapsed.map { "  " + style(DurationText.short(milliseconds: $0), .faint) }
    let usage = line.usage.isEmpty ? "" : "  " + style(line.usage, .faint)
    let hasReason = state == .skipped || state == .succeeded && !line.message.isEmpty
    let reason = hasReason ? "  " + style(SafeText.line(line.message), .faint) : ""
    return "\(style(glyph, look)) \(node)\(time ?? "")\(usage)\(reason)"
  }

  private func line(_ node: NodeName, at now: Int64) -> NodeLine {
    let entry = entries[node] ?? Entry()
    let elapsed = entry.started.map { (entry.ended ?? now) - $0 }
    return NodeLine(
      name: node.text, state: entry.state, elapsed: elapsed,
      usage: AccountText.short(entry.usage, milliseconds: elapsed),
      fraction: entry.fraction, message: entry.message)
  }
}

extension NodeLine.State {
  /// Nil for the states between two that a reader cares about.
  init?(_ state: RunMachine.NodeState) {
    switch state {
    case .waiting, .queued, .retrying: return nil
    case .running: self = .running
    case .succeeded: self = .succeeded
    case .failed: self = .failed
    case .skipped: self = .skipped
    case .cancelled: self = .cancelled
    }
  }
}
