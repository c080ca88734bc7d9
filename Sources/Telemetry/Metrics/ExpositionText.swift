/// Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
struct ExpositionText {
  /// Unicode scalars; more are cut.
  private static let maximumHelp = 1024

  private(set) var bytes: [UInt8] = []

  mutating func family(_ name: MetricName, _ kind: MetricKind, help: String?) {
    if let help { line("# HELP \(name.text) \(Self.escaped(help, limit: Self.maximumHelp, isQuoted: false))") }
    line("# TYPE \(name.text) \(kind.word)")
  }

  mutating func sample(_ name: String, _ labels: String, _ value: Double) {
    sample(name, labels, Self.number(value))
  }

  mutating func sample(_ name: String, _ labels: String, _ value: UInt64) { sample(name, labels, "\(value)") }

  private mutating func sample(_ name: String, _ labels: String, _ value: String) {
    line(labels.isEmpty ? "\(name) \(value)" : "\(name){\(labels)} \(value)")
  }

  private mutating func line(_ text: String) {
    bytes.append(contentsOf: text.utf8)
    bytes.append(0x0A)
  }

  /// What is anybody's ends neither its quotes nor its line, and reaches no terminal as more than text.
  static func escaped(_ text: String, limit: Int, isQuoted: Bool = true) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) {
      switch scalar {
      case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
      case "\"" where isQuoted: result.append(contentsOf: "\\\"".unicodeScalars)
      case "\n": result.append(contentsOf: "\\n".unicodeScalars)
      default: result.append(scalar.isControl ? "\u{FFFD}" : scalar)
      }
    }
    return String(result)
  }

  /// As Go's ParseFloat reads it: whole numbers without a point.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value.magnitude < 0x1p53 && value == value.rounded() ? "\(Int64(value))" : "\(value)"
  }
}
