import PluginModel
import Testing

@testable import PipelineEngine
@testable import orchestrator

@Suite("Text from plugins on a terminal")
struct TerminalTextTests {
  @Test(
    "holds nothing that a terminal would obey or that reorders a line",
    arguments: [
      "\u{1B}[2J", "\u{1B}]0;title\u{07}", "\u{9B}31m", "a\rb", "\u{08}\u{08}", "\u{202E}evil", "\u{2066}x\u{2069}",
      "\u{200B}",
      "\u{FEFF}", "\u{E0041}", "\u{0}", "\u{7F}", "\u{61C}",
    ])
  func hostile(_ text: String) {
    let safe = SafeText.line(text)
    for scalar in safe.unicodeScalars {
      let category = scalar.properties.generalCategory
      #expect(category != .control && category != .format)
    }
    #expect(SafeText.line(safe) == safe)
  }

  @Test("keeps letters, accents, wide characters and emoji")
  func harmless() {
    let text = "Größe naïve 漢字 ✓ 🎉 e\u{301}"
    #expect(SafeText.line(text) == text)
  }

  @Test("is cut where it is too long, plain as it may be")
  func long() {
    #expect(SafeText.line("plain", limit: 5) == "plain")
    #expect(SafeText.line("plain", limit: 4) == "plai…")
    #expect(SafeText.line("größe", limit: 5) == "größe")
    #expect(SafeText.line("a\u{7F}") == "a\u{FFFD}")
    #expect(SafeText.line(" ~") == " ~")
  }

  @Test("becomes one line")
  func oneLine() {
    #expect(SafeText.line("a\nb\tc\u{2028}d\r\ne") == "a b c d  e")
  }

  @Test("keeps the last lines of many, and says how many are missing")
  func manyLines() {
    let lines = SafeText.lines((0..<300).map(String.init).joined(separator: "\n") + "\n", limit: 10)
    #expect(lines.count == 11)
    #expect(lines.first == "… 290 lines before")
    #expect(lines.last == "299")
  }

  @Test("is cut to the columns it has, counting wide characters twice")
  func fitting() {
    #expect(SafeText.fit("abcdef", columns: 4) == "abc…")
    #expect(SafeText.fit("漢字漢字", columns: 5) == "漢字…")
    #expect(SafeText.fit("e\u{301}e\u{301}", columns: 2) == "e\u{301}e\u{301}")
    #expect(SafeText.pad("漢", columns: 4) == "漢  ")
  }
}

@Suite("The live view")
struct LiveViewTests {
  private let plain = Style(isInteractive: false, noColor: true, terminal: nil)

  private func view(_ count: Int, message: String = "") -> LiveView {
    let states: [NodeLine.State] = [.waiting, .running, .succeeded, .failed, .skipped, .cancelled]
    let nodes = (0..<count).map { number in
      NodeLine(
        name: "node_with_a_long_name_\(number)", state: states[number % states.count],
        elapsed: number % states.count == 0 ? nil : Int64(number) * 1111,
        fraction: number % 2 == 0 ? nil : Double(number) / 10, message: message)
    }
    return LiveView(title: "a pipeline", nodes: nodes, elapsed: 61_234)
  }

  @Test("never exceeds the terminal", arguments: [8, 20, 40, 80, 200], [4, 10, 50])
  func size(columns: Int, rows: Int) {
    for count in [0, 1, 7, 100] {
      let lines = view(count, message: "漢字 and more text than fits anywhere on the line of a small terminal").lines(
        columns: columns, rows: rows, style: plain, frame: count)
      #expect(lines.count < rows)
      for line in lines { #expect(SafeText.width(line) < max(columns, 9), "\(line)") }
    }
  }

  @Test("shows failed and running nodes when not all fit")
  func priorities() {
    var nodes = (0..<50).map { NodeLine(name: "n\($0)", state: .succeeded, elapsed: 1) }
    nodes[49].state = .failed
    nodes[30].state = .running
    let lines = LiveView(title: "t", nodes: nodes, elapsed: 0).lines(columns: 80, rows: 6, style: plain, frame: 0)
    let text = lines.joined(separator: "\n")
    #expect(text.contains("✗ n49"))
    #expect(text.contains("n30"))
    #expect(text.contains("… 47 more nodes"))
  }

  @Test("says of a skipped node what it needed")
  func skipped() throws {
    let nodes = ["load", "count", "page"].map { NodeName(unchecked: $0) }
    var board = RunBoard(title: "", nodes: [])
    board.apply(
      RunEvent(milliseconds: 0, node: nil, content: .runStarted(run: "r", workflow: "w", nodes: nodes)))
    for (node, needs) in [(nodes[1], nodes[0]), (nodes[2], nodes[1])] {
      board.apply(
        RunEvent(
          milliseconds: 5, node: node, content: .nodeState(.skipped, attempt: 0),
          skip: SkipReason(needs: needs, failed: nodes[0])))
    }
    let text = board.view(at: 9).lines(columns: 100, rows: 20, style: plain, frame: 0).joined(separator: "\n")
    #expect(text.contains("– count  skipped: needs load, which failed"))
    #expect(text.contains("– page   skipped: needs count, which was skipped because load failed"))
  }

  @Test("a node that failed for some of its items is told once, with what the first of them says")
  func failedItems() {
    func node(_ name: String, _ failure: NodeFailure?) -> RunReport.Node {
      RunReport.Node(
        name: NodeName(unchecked: name),
        type: NodeTypeReference(plugin: PluginName(unchecked: "p"), nodeType: NodeTypeName(unchecked: "t")),
        state: failure == nil ? .succeeded : .failed, attempts: 1, milliseconds: 1, isFallback: false, failure: failure)
    }
    let whole = NodeFailure(.crash, "the node 'w' has failed for 11 of 12 items", cause: "w[1]: it broke: low 1")
    let instances = (1...11).map {
      node(
        "w[\($0)]",
        NodeFailure(.crash, "it broke", cause: "low \($0)", traceback: "line \($0)", lastOutput: ["o\($0)"]))
    }
    let report = RunReport(
      run: "r", workflow: "w", outcome: .failed, milliseconds: 1,
      nodes: [node("w", whole), node("other[0]", NodeFailure(.error, "alone")), node("w[0]", nil)] + instances,
      outputs: [])
    let lines = RunSummary(report: report, workspace: nil, watched: [], deviceGuard: .program).failures(style: plain)
    #expect(lines.count { $0.hasPrefix("error:") } == 2, "\(lines)")
    #expect(lines[0] == "error: w: the node 'w' has failed for 11 of 12 items")
    let text = lines.joined(separator: "\n")
    #expect(text.contains("line 1") && text.contains("o1") && !text.contains("line 2"))
    #expect(text.contains("also: w[2]: it broke: low 2") && text.contains("also: w[8]"))
    #expect(text.contains("also: 3 more: orchestrator runs show r") && !text.contains("w[9]"))
    #expect(text.contains("error: other[0]: alone"))
  }

  @Test("says of a node that has ended what it used, where it took long enough for that to matter")
  func usage() {
    let node = NodeName(unchecked: "load")
    var board = RunBoard(title: "", nodes: [])
    board.apply(RunEvent(milliseconds: 0, node: nil, content: .runStarted(run: "r", workflow: "w", nodes: [node])))
    func line(lasting milliseconds: Int64, _ scope: ResourceUsage.MemoryPeak.Scope) -> String {
      var board = board
      board.apply(RunEvent(milliseconds: 0, node: node, content: .nodeState(.running, attempt: 1)))
      let usage = ResourceUsage(
        processorMicroseconds: 210_000, memoryPeak: .init(bytes: 31 << 20 - 1, scope: scope))
      board.apply(
        RunEvent(
          milliseconds: milliseconds, node: node, content: .nodeState(.succeeded, attempt: 1),
          account: NodeAccount(usage: usage)))
      let view = board.view(at: 500).lines(columns: 100, rows: 20, style: plain, frame: 0)[1]
      let text = board.plainLine(node, .succeeded, at: 500, style: plain)
      #expect(view.hasSuffix(text.replacing("✓ load", with: "")), "\(view) and \(text)")
      return text
    }
    #expect(line(lasting: 400, .node) == "✓ load  0.4 s  peak 31Mi  cpu 0.2 s")
    #expect(line(lasting: 400, .worker) == "✓ load  0.4 s  peak 31Mi of its worker  cpu 0.2 s")
    #expect(line(lasting: 99, .node) == "✓ load  0.1 s")
    #expect(AccountText.short(ResourceUsage(), milliseconds: 400).isEmpty, "nothing is known")
  }

  @Test("words what is no error and still worth knowing, and nothing else")
  func notes() {
    let limits: [LimitReached] = [
      .memory(limit: 1, peak: 1), .processors(limit: 0.5, heldBack: 0.617), .tasks(limit: 32, refused: 2),
      .tasks(limit: 32, refused: nil), .openFiles(limit: 5), .deadline(1),
    ]
    #expect(
      AccountText.notes(NodeAccount(limits: limits, held: [HeldLimits(attempt: 1, memory: 1 << 20)])) == [
        "was held back 62 % of the time by its limit of 0.5 processors",
        "was refused 2 processes or threads by its limit of 32",
      ])
  }

  @Test("says what memory the attempts at a node had, where they differ")
  func attempts() {
    let held = [
      HeldLimits(attempt: 1, memory: 64 << 20, memoryOrigin: .estimate),
      HeldLimits(attempt: 2, memory: 128 << 20, memoryOrigin: .retry),
    ]
    #expect(
      AccountText.notes(NodeAccount(held: held)) == [
        "had memory in its attempts: 64Mi, by its estimate; then 128Mi, raised because the attempt before ran out of memory"
      ])
    #expect(AccountText.notes(NodeAccount(held: [held[0], held[0]])).isEmpty)
  }

  @Test("survives any fraction a plugin names", arguments: [Double.nan, -.infinity, .infinity, -1, 7, 0.5])
  func fractions(_ fraction: Double) {
    let node = NodeLine(name: "n", state: .running, elapsed: 100, fraction: fraction)
    let lines = LiveView(title: "t", nodes: [node], elapsed: 0).lines(columns: 80, rows: 6, style: plain, frame: 3)
    #expect(lines[1].contains("%"))
  }

  @Test("uses no colours unless they are wanted")
  func colours() {
    for (interactive, noColor, terminal) in [(false, false, "xterm"), (true, true, "xterm"), (true, false, "dumb")] {
      let style = Style(isInteractive: interactive, noColor: noColor, terminal: terminal)
      let lines = view(10).lines(columns: 80, rows: 40, style: style, frame: 0)
      #expect(!lines.joined().contains("\u{1B}"))
    }
    let style = Style(isInteractive: true, noColor: false, terminal: "xterm")
    #expect(view(10).lines(columns: 80, rows: 40, style: style, frame: 0).joined().contains("\u{1B}["))
  }

  @Test("words durations by their size")
  func durations() {
    #expect(DurationText.short(milliseconds: 0) == "0.0 s")
    #expect(DurationText.short(milliseconds: 59_940) == "59.9 s")
    #expect(DurationText.short(milliseconds: 65_000) == "1 m 05 s")
    #expect(DurationText.short(milliseconds: 3_660_000) == "1 h 01 m")
  }
}
