import LinuxSystem
import PluginModel

/// Words a diagnostic for a terminal: the place, what is wrong, the line with a caret under the column, why, and how to
/// mend it. All of it may quote hostile files, so all of it is made safe.
struct DiagnosticPrinter: Sendable {
  var style: Style
  /// The lines of the files that were read, by the name that locations use.
  var sources: [String: [Substring]] = [:]
  /// More than this many are summed up in one line.
  static let limit = 50

  mutating func add(source bytes: [UInt8], file: String) {
    sources[file] = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
  }

  func lines(_ diagnostics: [Diagnostic]) -> [String] {
    var result = diagnostics.prefix(Self.limit).flatMap { lines($0) }
    if diagnostics.count > Self.limit { result.append("… \(diagnostics.count - Self.limit) more problems") }
    return result
  }

  func lines(_ diagnostic: Diagnostic) -> [String] {
    let severity =
      switch diagnostic.severity {
      case .error: style("error:", .bad)
      case .warning: style("warning:", .warning)
      }
    let place = diagnostic.location.map { style(SafeText.line("\($0)") + ": ", .strong) } ?? ""
    var lines = ["\(place)\(severity) \(style(SafeText.line(diagnostic.what), .strong))"]
    if let location = diagnostic.location { lines += excerpt(location) }
    if let why = diagnostic.why { lines += labelled("why", why) }
    if let hint = diagnostic.hint { lines += labelled("hint", hint) }
    return lines
  }

  func labelled(_ label: String, _ text: String) -> [String] {
    SafeText.lines(text).enumerated().map { index, line in
      index == 0 ? "  \(style("\(label):", .accent)) \(line)" : "  \(line)"
    }
  }

  private func excerpt(_ location: SourceLocation) -> [String] {
    guard let lines = sources[location.file], lines.indices.contains(location.line - 1) else { return [] }
    let scalars = lines[location.line - 1].unicodeScalars
    // A long line is shown around its column.
    let start = max(0, location.column - 1 - 80)
    let shown = SafeText.line(String(String.UnicodeScalarView(scalars.dropFirst(start).prefix(120))))
    let before = SafeText.line(
      String(String.UnicodeScalarView(scalars.dropFirst(start).prefix(location.column - 1 - start))))
    let number = String(location.line)
    let margin = String(repeating: " ", count: number.utf8.count)
    return [
      "  \(style("\(number) |", .faint)) \(shown)",
      "  \(style("\(margin) |", .faint)) \(String(repeating: " ", count: SafeText.width(before)))\(style("^", .good))",
    ]
  }
}
