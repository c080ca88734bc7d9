/// What the tests said that a node ran, as its worker tells it: the page "The worker protocol" has the form.
package struct TestReport: Hashable, Sendable {
  /// Of all suites together.
  package static let maximumCases = 10_000
  package static let maximumSuites = 10_000
  /// Bytes of a name, and of all else that a case says.
  package static let maximumNameBytes = 1_024
  package static let maximumTextBytes = 16_384

  package enum Outcome: String, CaseIterable, Sendable {
    case passed
    /// It expected something else.
    case failed
    /// It could not be carried out.
    case error
    case skipped
  }

  package struct Case: Hashable, Sendable {
    package var name: String
    /// What it belongs to, as its tool has it: a class, a file, a module.
    package var group: String
    package var milliseconds: Int64
    package var outcome: Outcome
    package var message: String?
    package var details: String?

    package init(
      name: String, group: String, milliseconds: Int64, outcome: Outcome, message: String? = nil, details: String? = nil
    ) {
      self.name = name
      self.group = group
      self.milliseconds = milliseconds
      self.outcome = outcome
      self.message = message
      self.details = details
    }
  }

  package struct Suite: Hashable, Sendable {
    package var name: String
    package var cases: [Case]

    package init(name: String, cases: [Case]) {
      self.name = name
      self.cases = cases
    }

    package func count(_ outcome: Outcome) -> Int { cases.count { $0.outcome == outcome } }
  }

  package var suites: [Suite]
  /// Cases that were left out, because there were too many.
  package var omitted: Int

  package init(suites: [Suite], omitted: Int = 0) {
    self.suites = suites
    self.omitted = omitted
  }

  package var caseCount: Int { suites.reduce(0) { $0 + $1.cases.count } }

  package func count(_ outcome: Outcome) -> Int { suites.reduce(0) { $0 + $1.count(outcome) } }

  /// `12 tests: 10 passed, 2 failed`.
  package var summary: String {
    let counts = Outcome.allCases.map { ($0.rawValue == "error" ? "with errors" : $0.rawValue, count($0)) }
    let total = counts.reduce(omitted) { $0 + $1.1 }
    let parts = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" } + (omitted > 0 ? ["\(omitted) left out"] : [])
    return "\(total) \(total == 1 ? "test" : "tests")" + (parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))")
  }
}
