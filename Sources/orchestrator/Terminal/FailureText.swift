import PipelineEngine
import PluginModel

/// Words a node's failure, once: what failed, the cause, the hint, the plugin's traceback, what it wrote last. Texts of
/// plugins are made safe and bounded.
struct FailureText: Sendable {
  let style: Style
  private static let tracebackLines = 30
  private static let outputLines = 20

  /// - Parameters:
  ///   - plugin: with its version.
  ///   - notes: lines that belong to the cause and the hint.
  func lines(node: NodeName, plugin: String? = nil, _ failure: NodeFailure, notes: [String] = []) -> [String] {
    let printer = DiagnosticPrinter(style: style)
    let title = "\(node): \(SafeText.line(failure.message))"
    var lines = ["\(style("error:", .bad)) \(style(title, .strong))"]
    if let cause = failure.cause { lines += printer.labelled("cause", cause) }
    if let hint = failure.hint { lines += printer.labelled("hint", hint) }
    lines += notes
    if let plugin { lines += printer.labelled("plugin", plugin) }
    lines += block("traceback", failure.traceback.map { SafeText.lines($0, limit: Self.tracebackLines) } ?? [])
    lines += block("last output", failure.lastOutput.suffix(Self.outputLines).map { SafeText.line($0) })
    return lines
  }

  private func block(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : ["  \(style("\(title):", .accent))"] + lines.map { "    \($0)" }
  }
}
