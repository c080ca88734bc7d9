import PipelineEngine
import PluginModel

/// Shows a run while it goes on.
protocol RunObserver: Sendable {
  /// - Parameter events: in their order.
  func handle(_ events: [RunEvent]) async
  /// After the last event.
  func finish() async
}

/// Each event as one line of JSON.
struct JSONLinesObserver: RunObserver {
  let console: Console
  func handle(_ events: [RunEvent]) async {
    for event in events { await console.print(event.jsonValue.text()) }
  }
  func finish() async {}
}

/// Nothing until the end.
struct SilentObserver: RunObserver {
  func handle(_ events: [RunEvent]) async {}
  func finish() async {}
}

/// A line when a node starts and when it ends, and what plugins log.
actor PlainObserver: RunObserver {
  private let console: Console
  private var board = RunBoard(title: "", nodes: [])

  init(console: Console) { self.console = console }

  func handle(_ events: [RunEvent]) async {
    for event in events { await handle(event) }
  }

  private func handle(_ event: RunEvent) async {
    board.apply(event)
    let style = console.outputStyle
    if case .runStarted(_, let workflow, let nodes) = event.content {
      await console.print(
        "\(style(SafeText.line(workflow), .strong)): \(SafeText.nodes(nodes.count))")
    }
    guard let node = event.node else { return }
    switch event.content {
    case .nodeState(let state, let attempt):
      guard let line = NodeLine.State(state) else { return }
      let again = attempt > 1 ? " (attempt \(attempt))" : ""
      await console.print(board.plainLine(node, line, at: event.milliseconds, style: style) + again)
    case .nodeRetry(let failure, let delay, let memory):
      let wait = DurationText.short(milliseconds: delay)
      let amount = memory.map { " with \($0 >> 20)Mi of memory" } ?? ""
      await console.print("↻ \(node): \(SafeText.line(failure.message)); again in \(wait)\(amount)")
    case .nodeReport(.log(let level, let message)):
      await console.print("  \(node) | \(level.prefix)\(SafeText.line(message))")
    case .nodeReport(.output(let line, _)): await console.print("  \(node) | \(SafeText.line(line))")
    case .nodeReport(.tests(let tests)): await console.print("  \(node) | \(tests.summary)")
    case .nodesAdded(let count): await console.print("  \(node): \(count) \(count == 1 ? "item" : "items")")
    case .nodeReport(.started), .nodeReport(.progress), .nodeFailed, .runStarted, .runFinished: break
    }
  }

  func finish() async {}
}

/// A view that redraws itself, with what needs attention above it.
actor LiveObserver: RunObserver {
  private static let interval = Duration.milliseconds(100)

  private let console: Console
  private let clock = ContinuousClock()
  private let began: ContinuousClock.Instant
  private var board = RunBoard(title: "", nodes: [])
  private var frame = 0
  private var ticker: Task<Void, Never>?

  init(console: Console) {
    self.console = console
    began = clock.now
  }

  func handle(_ events: [RunEvent]) async {
    for event in events { await handle(event) }
  }

  private func handle(_ event: RunEvent) async {
    board.apply(event)
    if case .runStarted = event.content { startTicking() }
    guard let node = event.node else { return }
    switch event.content {
    case .nodeReport(.log(let level, let message)) where level == .warning || level == .error:
      await console.print("\(node) | \(console.outputStyle(level.prefix, .warning))\(SafeText.line(message))")
    case .nodeReport, .nodesAdded, .nodeState, .nodeRetry, .nodeFailed, .runStarted, .runFinished: break
    }
  }

  private func startTicking() {
    ticker = Task {
      while !Task.isCancelled {
        await self.draw()
        try? await Task.sleep(for: Self.interval)
      }
    }
  }

  private func draw() async {
    guard ticker?.isCancelled == false else { return }
    frame += 1
    await console.draw(board.view(at: (clock.now - began).wholeMilliseconds), frame: frame)
  }

  /// Leaves the whole of the last view as ordinary lines.
  func finish() async {
    ticker?.cancel()
    await ticker?.value
    await console.endView()
    for line in board.view(at: (clock.now - began).wholeMilliseconds).finalLines(
      columns: await console.columns, style: console.outputStyle)
    {
      await console.print(line)
    }
  }
}

extension NodeReport.LogLevel {
  /// Before a log line; nothing for the ordinary.
  fileprivate var prefix: String {
    switch self {
    case .debug, .info: ""
    case .warning: "warning: "
    case .error: "error: "
    }
  }
}
