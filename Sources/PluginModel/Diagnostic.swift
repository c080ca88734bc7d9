/// A place in a text. Lines and columns count from 1; a column counts Unicode scalars.
package struct TextPlace: Hashable, Sendable {
  private var lineNumber: UInt32
  private var columnNumber: UInt32

  package init(line: Int, column: Int) {
    lineNumber = UInt32(clamping: line)
    columnNumber = UInt32(clamping: column)
  }

  package var line: Int {
    get { Int(lineNumber) }
    set { lineNumber = UInt32(clamping: newValue) }
  }
  package var column: Int {
    get { Int(columnNumber) }
    set { columnNumber = UInt32(clamping: newValue) }
  }
}

/// A place in a file that a person wrote.
package struct SourceLocation: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var file: String
  package var place: TextPlace

  package init(file: String, _ place: TextPlace) {
    self.file = file
    self.place = place
  }

  package init(file: String, line: Int, column: Int) { self.init(file: file, TextPlace(line: line, column: column)) }

  package var line: Int { place.line }
  package var column: Int { place.column }

  package var description: String { "\(file):\(line):\(column)" }
  package static func < (left: Self, right: Self) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

/// One problem, told to the person who can mend it: what is wrong, why that is a problem, and how to mend it.
package struct Diagnostic: Hashable, Sendable, Error {
  package enum Severity: String, Sendable {
    case error
    case warning
  }

  package var severity: Severity
  /// What is wrong, in one sentence without a full stop.
  package var what: String
  /// Why that can't be accepted, where it doesn't go without saying.
  package var why: String?
  /// How to mend it.
  package var hint: String?
  package var location: SourceLocation?

  package init(
    _ what: String, why: String? = nil, hint: String? = nil, at location: SourceLocation? = nil,
    severity: Severity = .error
  ) {
    self.severity = severity
    self.what = what
    self.why = why
    self.hint = hint
    self.location = location
  }
}

extension Diagnostic {
  /// The same, of what keeps nobody from going on.
  package var asWarning: Diagnostic {
    var warning = self
    warning.severity = .warning
    return warning
  }
}

extension Diagnostic: CustomStringConvertible {
  /// `file:line:column: error: what: why` and, on a line of its own, the hint.
  package var description: String {
    var text = location.map { "\($0): " } ?? ""
    text += "\(severity.rawValue): \(what)"
    if let why { text += ": \(why)" }
    if let hint { text += "\n  hint: \(hint)" }
    return text
  }
}

/// Everything that is wrong with one input, reported at once, in the order of the file.
package struct Diagnostics: Error, Sendable, CustomStringConvertible {
  package var items: [Diagnostic]
  package init(_ items: [Diagnostic]) { self.items = items }
  package var hasErrors: Bool { items.contains { $0.severity == .error } }
  package var description: String { items.map(\.description).joined(separator: "\n") }
}
