import PluginModel

/// A run as JUnit XML, as Jenkins (the schema junit-10.xsd of its xUnit plugin) and GitLab ("Unit test reports") read it: a test suite
/// for the workflow, a test case for each node; then the suites of the tests that its nodes ran.
package enum JUnitReport {
  /// Bytes of what one node wrote, the latest of it.
  static let outputBytes = 16 << 10
  /// Of all nodes together; those that didn't succeed come first.
  static let allOutputBytes = 8 << 20

  /// - Parameter timeline: gives the log lines; nil: none.
  package static func xml(report: RunReport, timeline: RunTimeline?) -> String {
    var kinds: [Kind: Int] = [:]
    for node in report.nodes {
      let kind = Kind(node)
      kinds[kind == .tolerated ? .skipped : kind, default: 0] += 1
    }
    let name = attribute("name", report.workflow)
    let reports = report.nodes.compactMap { node in timeline?.tests(of: node.name).map { (node: node.name, tests: $0) }
    }
    func numbers(_ tests: [TestReport]) -> String {
      func sum(_ kind: Kind, _ outcome: TestReport.Outcome) -> Int {
        tests.reduce(kinds[kind] ?? 0) { $0 + $1.count(outcome) }
      }
      let count = tests.reduce(report.nodes.count) { $0 + $1.caseCount }
      return " tests=\"\(count)\" failures=\"\(sum(.failed, .failed))\" errors=\"\(sum(.error, .error))\""
        + " skipped=\"\(sum(.skipped, .skipped))\" time=\"\(seconds(report.milliseconds))\""
    }
    let outputs = timeline.map { Self.outputs(of: report, $0) } ?? [:]
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites\(name)\(numbers(reports.map(\.tests)))>",
      "  <testsuite\(name)\(numbers([]))>",
      "    <properties>", property("run", report.run), property("workflow", report.workflow),
      property("outcome", report.outcome.rawValue), "    </properties>",
    ]
    for (index, node) in report.nodes.enumerated() {
      lines += testCase(node, workflow: report.workflow, output: outputs[index])
    }
    lines.append("  </testsuite>")
    for (node, tests) in reports { lines += tests.suites.flatMap { suite($0, of: node) } }
    lines.append("</testsuites>")
    return lines.joined(separator: "\n") + "\n"
  }

  private enum Kind {
    case passed
    case failed
    /// Not the plugin's doing: its sandbox couldn't be built.
    case error
    /// And the run went on. Nothing in JUnit XML says so, and what counts failures fails the build: it is told as pytest tells of a failure that
    /// was expected, as a test that doesn't count.
    case tolerated
    case skipped

    init(_ node: RunReport.Node) {
      switch node.state {
      case .succeeded: self = .passed
      case .failed where node.failure?.kind == .sandbox: self = .error
      case .failed: self = node.continuesOnError ? .tolerated : .failed
      case .waiting, .queued, .running, .retrying, .skipped, .cancelled: self = .skipped
      }
    }
  }

  private static func testCase(_ node: RunReport.Node, workflow: String, output: String?) -> [String] {
    var body: [String] = []
    var output = output
    switch Kind(node) {
    case .passed: break
    case .failed: body.append(problem("failure", node.failure))
    case .error: body.append(problem("error", node.failure))
    case .tolerated:
      let failure = node.failure ?? NodeFailure(.error, "the node failed")
      body.append("      <skipped\(attribute("message", "failed, and the run went on: \(failure.message)"))/>")
      output = ([words(failure)] + [output].compactMap(\.self)).joined(separator: "\n")
    case .skipped: body.append("      <skipped\(attribute("message", reason(node)))/>")
    }
    if let output { body.append("      <system-out>\(XMLText.escaped(output))</system-out>") }
    return testCase(workflow, node.name.text, milliseconds: node.milliseconds ?? 0, body)
  }

  private static func testCase(
    _ group: String, _ name: String, milliseconds: Int64, _ body: [String]
  ) -> [String] {
    let head =
      "    <testcase\(attribute("classname", group))\(attribute("name", name)) time=\"\(seconds(milliseconds))\""
    return body.isEmpty ? [head + "/>"] : [head + ">"] + body + ["    </testcase>"]
  }

  // MARK: Tests that nodes ran

  private static func suite(_ suite: TestReport.Suite, of node: NodeName) -> [String] {
    let time = suite.cases.reduce(0) { $0 + $1.milliseconds }
    let head =
      "  <testsuite\(attribute("name", suite.name.isEmpty ? node.text : "\(node): \(suite.name)"))"
      + " tests=\"\(suite.cases.count)\" failures=\"\(suite.count(.failed))\" errors=\"\(suite.count(.error))\""
      + " skipped=\"\(suite.count(.skipped))\" time=\"\(seconds(time))\">"
    return [head] + suite.cases.flatMap(testCase) + ["  </testsuite>"]
  }

  private static func testCase(_ found: TestReport.Case) -> [String] {
    let message = attribute("message", found.message ?? "")
    let details = XMLText.escaped(found.details ?? "")
    let body =
      switch found.outcome {
      case .passed: [String]()
      case .failed: ["      <failure\(message)>\(details)</failure>"]
      case .error: ["      <error\(message)>\(details)</error>"]
      case .skipped: ["      <skipped\(message)/>"]
      }
    return testCase(found.group, found.name, milliseconds: found.milliseconds, body)
  }

  private static func problem(_ element: String, _ failure: NodeFailure?) -> String {
    let failure = failure ?? NodeFailure(.error, "the node failed")
    return "      <\(element)\(attribute("type", failure.kind.rawValue))\(attribute("message", failure.message))>"
      + XMLText.escaped(words(failure)) + "</\(element)>"
  }

  private static func words(_ failure: NodeFailure) -> String {
    var parts = [failure.message]
    if let cause = failure.cause { parts.append("cause: \(cause)") }
    if let hint = failure.hint { parts.append("hint: \(hint)") }
    if let traceback = failure.traceback { parts.append(traceback) }
    if !failure.lastOutput.isEmpty {
      parts.append("its last output:\n" + failure.lastOutput.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n")
  }

  private static func reason(_ node: RunReport.Node) -> String {
    if let skip = node.skip { return skip.description }
    guard let failure = node.failure, failure.kind != .cancelled else { return node.state.rawValue }
    return "\(node.state.rawValue), after \(failure.message)"
  }

  /// By the position of the node.
  private static func outputs(of report: RunReport, _ timeline: RunTimeline) -> [Int: String] {
    var room = allOutputBytes
    var outputs: [Int: String] = [:]
    let troubled = report.nodes.indices.filter { report.nodes[$0].state != .succeeded }
    let others = report.nodes.indices.filter { report.nodes[$0].state == .succeeded }
    for index in troubled + others {
      guard let output = output(of: report.nodes[index].name, timeline), output.utf8.count <= room else { continue }
      room -= output.utf8.count
      outputs[index] = output
    }
    return outputs
  }

  private static func output(of node: NodeName, _ timeline: RunTimeline) -> String? {
    let lines = timeline.lines(of: node)
    var kept: [String] = []
    var size = 0
    for line in lines.reversed() {
      let text = "\(seconds(line.milliseconds)) \(line.source.word): \(line.text)"
      size += text.utf8.count + 1
      guard size <= outputBytes else { break }
      kept.append(text)
    }
    let missing = timeline.linesLeftOut(of: node) + lines.count - kept.count
    if missing > 0 { kept.append("(\(missing) earlier lines left out)") }
    return kept.isEmpty ? nil : kept.reversed().joined(separator: "\n")
  }

  private static func property(_ name: String, _ value: String) -> String {
    "      <property\(attribute("name", name))\(attribute("value", value))/>"
  }

  private static func attribute(_ name: String, _ value: String) -> String {
    " \(name)=\"\(XMLText.escaped(value, isAttribute: true))\""
  }

  /// `1.250`.
  private static func seconds(_ milliseconds: Int64) -> String {
    let positive = max(0, milliseconds)
    let fraction = String(positive % 1_000)
    return "\(positive / 1_000).\(String(repeating: "0", count: 3 - fraction.utf8.count))\(fraction)"
  }
}
