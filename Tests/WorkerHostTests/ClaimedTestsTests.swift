import PluginModel
import Testing

@testable import WorkerHost

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
