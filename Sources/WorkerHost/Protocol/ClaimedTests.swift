import PluginModel

extension TestReport {
  /// - Parameter value: what a worker says under `tests`.
  /// - Returns: nil where it says nothing.
  init?(claimed value: JSONValue?, in kind: FrameKind) throws(ProtocolViolation) {
    guard let value, value != .null else { return nil }
    func refuse(_ why: String) -> ProtocolViolation { .invalidMessage(kind, "\"tests\": \(why)") }
    guard case .array(let suites)? = value["suites"], suites.count <= Self.maximumSuites else {
      throw refuse("\"suites\" isn't a list of at most \(Self.maximumSuites)")
    }
    guard let omitted = value["omitted"]?.integerValue, omitted >= 0, omitted <= Int64(Int32.max) else {
      throw refuse("\"omitted\" isn't a count")
    }
    var count = 0
    var read: [Suite] = []
    for suite in suites {
      guard let name = suite["name"]?.stringValue, case .array(let cases)? = suite["cases"] else {
        throw refuse("a suite lacks its \"name\" or its \"cases\"")
      }
      count += cases.count
      guard count <= Self.maximumCases else { throw refuse("there are more than \(Self.maximumCases) cases") }
      var readCases: [Case] = []
      for value in cases {
        guard let found = Case(claimed: value) else { throw refuse("a case isn't as the page has it") }
        readCases.append(found)
      }
      read.append(Suite(name: TerminalText.line(name, limit: Self.maximumNameBytes), cases: readCases))
    }
    self.init(suites: read, omitted: Int(omitted))
  }
}

extension TestReport.Case {
  fileprivate init?(claimed value: JSONValue) {
    guard let name = value["name"]?.stringValue, let group = value["class"]?.stringValue,
      let outcome = value["outcome"]?.stringValue.flatMap(TestReport.Outcome.init),
      let message = Self.text(value["message"]), let details = Self.text(value["details"])
    else { return nil }
    let seconds: Double
    switch value["seconds"] {
    case .integer(let whole): seconds = Double(whole)
    case .double(let number): seconds = number
    case nil, .null, .bool, .string, .array, .object: return nil
    }
    // A year is more than any.
    guard seconds >= 0, seconds <= 31_536_000 else { return nil }
    self.init(
      name: TerminalText.line(name, limit: TestReport.maximumNameBytes),
      group: TerminalText.line(group, limit: TestReport.maximumNameBytes),
      milliseconds: Int64((seconds * 1000).rounded()), outcome: outcome, message: message, details: details)
  }

  /// Nil where it is neither text nor nothing.
  private static func text(_ value: JSONValue?) -> String?? {
    switch value {
    case nil, .null: .some(nil)
    case .string(let text): TerminalText.block(text, limit: TestReport.maximumTextBytes)
    case .bool, .integer, .double, .array, .object: nil
    }
  }
}
