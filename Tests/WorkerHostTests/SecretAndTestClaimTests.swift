import PluginModel
import Testing

@testable import WorkerHost

@Suite("Secrets in a worker's output")
struct OutputMaskTests {
  private let limits = OutputLimits(lineBytes: 20, callBytes: 100, quotedLines: 3)

  private func lines(_ text: String, pieces: Int) throws -> String {
    var buffer = LogBuffer(limits)
    buffer.hide(SecretMask([try Secret(SecretName(unchecked: "TOKEN"), "0123-secret-4567")]))
    var lines: [String] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      lines += buffer.append(Array(rest.prefix(pieces)))
      rest = rest.dropFirst(pieces)
    }
    return (lines + buffer.finish()).joined(separator: "\n")
  }

  @Test(
    "no line shows a part of one: where it comes in pieces, spans the cut of a line or of a call, or is thrown away",
    arguments: 1..<20)
  func masked(pieces: Int) throws {
    for padding in 0..<30 {
      let line = String(repeating: "x", count: padding) + "0123-secret-4567 after\n"
      for count in [1, 9] {
        let found = try lines(String(repeating: line, count: count), pieces: pieces)
        #expect(!found.contains("012") && !found.contains("4567") && !found.contains("secr"), "\(padding) \(found)")
      }
    }
    #expect(try lines("a 0123-secret-4567 b\n", pieces: pieces) == "a *** b")
    #expect(try lines("a 0123-secret", pieces: pieces) == "a 0123-secret", "it isn't one, and nothing is lost")
  }

  @Test("a call has its secrets in its metadata, an estimate none, and a call without any has no such key")
  func metadata() throws {
    let type = NodeTypeName(unchecked: "t")
    var execution = NodeExecution(
      run: "r", node: NodeName(unchecked: "n"), nodeType: type, parameters: [], inputs: [], attempt: 1)
    #expect(execution.metadata(limit: nil)["secrets"] == nil)
    execution.secrets = [try Secret(SecretName(unchecked: "TOKEN"), "value-of-it")]
    #expect(execution.metadata(limit: nil)["secrets"] == ["TOKEN": "value-of-it"])
    #expect(execution.estimateMetadata["secrets"] == nil && !"\(execution)".contains("value-of-it"))
  }
}

@Suite("What a worker says of the tests that it ran")
struct ClaimedTestsTests {
  private func read(_ tests: String) throws -> TestReport? {
    try Message.error(Array(#"{"class":"error","type":"T","message":"","tests":\#(tests)}"#.utf8)).tests
  }

  private static let good =
    #"{"name":"a","class":"c","seconds":0.25,"outcome":"failed","message":"m\u001b","details":null}"#

  @Test("is read, with everything harmless to a terminal")
  func read() throws {
    let report = try #require(try read(#"{"suites":[{"name":"s","cases":[\#(Self.good)]}],"omitted":2}"#))
    let found = TestReport.Case(
      name: "a", group: "c", milliseconds: 250, outcome: .failed, message: #"m\u{1b}"#, details: nil)
    #expect(report == TestReport(suites: [.init(name: "s", cases: [found])], omitted: 2))
    #expect(report.summary == "3 tests: 1 failed, 2 left out")
    #expect(try read("null") == nil)
  }

  @Test(
    "breaks the protocol where it isn't of its form, or is more than may be",
    arguments: [
      "1", "[]", "{}", #"{"suites":[],"omitted":-1}"#, #"{"suites":[{}],"omitted":0}"#,
      #"{"suites":[{"name":"s","cases":[{}]}],"omitted":0}"#,
      #"{"suites":[{"name":"s","cases":[\#(good.replacing("0.25", with: "-1"))]}],"omitted":0}"#,
      #"{"suites":[{"name":"s","cases":[\#(good.replacing("0.25", with: "1e300"))]}],"omitted":0}"#,
      #"{"suites":[{"name":"s","cases":[\#(good.replacing("failed", with: "lost"))]}],"omitted":0}"#,
      #"{"suites":[\#(Array(repeating: #"{"name":"s","cases":[]}"#, count: 10_001).joined(separator: ","))],"omitted":0}"#,
      #"{"suites":[{"name":"s","cases":[\#(Array(repeating: #"{"name":"a","class":"c","seconds":0,"outcome":"passed"}"#, count: 10_001).joined(separator: ","))]}],"omitted":0}"#,
    ])
  func refused(tests: String) {
    #expect(throws: ProtocolViolation.self) { try read(tests) }
  }
}
