import LinuxSystem

/// Owns the program's standard output and error. It runs on a thread of its own: a reader that is slow, or a terminal
/// that is stopped, never holds up the run.
package actor Console {
  private let executor: DedicatedThread
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let output = Terminal(.standardOutput)
  private let errors = Terminal(.standardError)
  package nonisolated let outputStyle: Style
  package nonisolated let errorStyle: Style
  /// A view that redraws itself can be shown.
  package nonisolated let canRedraw: Bool
  /// The live view's lines on the screen, below the last finished line; nil: no view is shown.
  private var drawn: [String]?

  package init() throws(SystemError) {
    executor = try DedicatedThread(name: "console")
    let terminal = ProcessEnvironment.variable("TERM")
    let noColor = ProcessEnvironment.variable("NO_COLOR") != nil
    outputStyle = Style(isInteractive: output.isInteractive, noColor: noColor, terminal: terminal)
    errorStyle = Style(isInteractive: errors.isInteractive, noColor: noColor, terminal: terminal)
    canRedraw = output.isInteractive && terminal != nil && terminal != "dumb"
  }

  /// Of the terminal, or what is usual.
  package var columns: Int { output.size?.columns ?? 80 }

  /// A whole line on standard output, above the live view where there is one.
  package func print(_ line: String = "") { write(line + "\n", to: output) }

  /// A whole line on standard error.
  package func printError(_ line: String) { write(line + "\n", to: errors) }

  /// A question on standard error, behind which the answer is typed.
  package func prompt(_ question: String) { write(question, to: errors) }

  /// Bytes as they are, without a line end of ours.
  package func printRaw(_ text: String) { write(text, to: output) }

  private func write(_ text: String, to terminal: Terminal) {
    guard let view = drawn else { return terminal.write(text) }
    output.write(Self.erasure(of: view))
    terminal.write(text)
    output.write(Self.text(of: view))
  }

  /// Replaces the live view. The cursor is hidden until ``endView()``.
  package func draw(_ view: LiveView, frame: Int) {
    let size = output.size ?? (columns: 80, rows: 24)
    let lines = view.lines(columns: size.columns, rows: size.rows, style: outputStyle, frame: frame)
    let start = drawn.map { $0.isEmpty ? "" : "\u{1B}[\($0.count)A\r" } ?? "\u{1B}[?25l"
    output.write(start + Self.text(of: lines) + "\u{1B}[J")
    drawn = lines
  }

  /// Removes the view and shows the cursor again.
  package func endView() {
    guard let view = drawn else { return }
    output.write(Self.erasure(of: view) + "\u{1B}[?25h")
    drawn = nil
  }

  private static func text(of view: [String]) -> String { view.map { "\($0)\u{1B}[K\n" }.joined() }
  private static func erasure(of view: [String]) -> String { view.isEmpty ? "" : "\u{1B}[\(view.count)A\r\u{1B}[J" }
}
