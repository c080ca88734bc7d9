/// How text is set off, by SGR sequences of ECMA-48. The first eight colours only: they follow the reader's theme.
package struct Style: Sendable {
  package enum Look: Sendable {
    case strong
    case faint
    case good
    case bad
    case warning
    case accent

    fileprivate var code: String {
      switch self {
      case .strong: "1"
      case .faint: "2"
      case .good: "32"
      case .bad: "31"
      case .warning: "33"
      case .accent: "36"
      }
    }
  }

  package let isEnabled: Bool

  /// `NO_COLOR` set to anything, or a terminal that can't: no colours (no-color.org).
  package init(isInteractive: Bool, noColor: Bool, terminal: String?) {
    isEnabled = isInteractive && !noColor && terminal != "dumb"
  }

  package func callAsFunction(_ text: String, _ look: Look) -> String {
    isEnabled && !text.isEmpty ? "\u{1B}[\(look.code)m\(text)\u{1B}[0m" : text
  }
}

/// Durations as people read them: `0.4 s`, `12.3 s`, `3 m 05 s`.
package enum DurationText {
  package static func short(milliseconds: Int64) -> String {
    let tenths = (milliseconds + 50) / 100
    if tenths < 600 { return "\(tenths / 10).\(tenths % 10) s" }
    let seconds = milliseconds / 1000
    let (minutes, rest) = (seconds / 60, seconds % 60)
    if minutes < 60 { return "\(minutes) m \(rest < 10 ? "0" : "")\(rest) s" }
    return "\(minutes / 60) h \(minutes % 60 < 10 ? "0" : "")\(minutes % 60) m"
  }
}
