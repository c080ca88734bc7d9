import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A run as JUnit XML")
struct JUnitTests {
  private static let type = NodeTypeReference(
    plugin: PluginName(unchecked: "demo"), nodeType: NodeTypeName(unchecked: "source"))

  private static func node(
    _ name: String, _ state: RunMachine.NodeState, _ failure: NodeFailure? = nil, milliseconds: Int64? = nil,
    skip: SkipReason? = nil
  ) -> RunReport.Node {
    RunReport.Node(
      name: NodeName(unchecked: name), type: type, state: state, attempts: 1, milliseconds: milliseconds,
      isFallback: false, failure: failure, skip: skip)
  }

  @Test("each way in which a node can end has its element")
  func golden() {
    let crash = NodeFailure(
      .crash, "the worker died", cause: "signal 11", hint: "read on", traceback: "line 1\n  line 2",
      lastOutput: ["x < y"])
    let broken = NodeName(unchecked: "broken")
    let report = RunReport(
      run: "r1", workflow: "flow", outcome: .failed, milliseconds: 61_007,
      nodes: [
        Self.node("good", .succeeded, milliseconds: 1_250), Self.node("broken", .failed, crash, milliseconds: 3),
        Self.node("bare", .failed, NodeFailure(.sandbox, "no cgroup"), milliseconds: 0),
        Self.node("after", .skipped, skip: SkipReason(needs: broken, failed: broken)), Self.node("late", .cancelled),
        Self.node("again", .cancelled, NodeFailure(.timeout, "too slow"), milliseconds: 60_000),
      ], outputs: [])
    var timeline = RunTimeline()
    timeline.apply(
      RunEvent(milliseconds: 20, node: broken, content: .nodeReport(.log(level: .warning, message: "hot"))))
    timeline.apply(
      RunEvent(milliseconds: 1_021, node: broken, content: .nodeReport(.output(line: "a\tb", isError: true))))
    let numbers = #"tests="6" failures="1" errors="1" skipped="3" time="61.007""#
    #expect(
      JUnitReport.xml(report: report, timeline: timeline) == """
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="flow" \(numbers)>
          <testsuite name="flow" \(numbers)>
            <properties>
              <property name="run" value="r1"/>
              <property name="workflow" value="flow"/>
              <property name="outcome" value="failed"/>
            </properties>
            <testcase classname="flow" name="good" time="1.250"/>
            <testcase classname="flow" name="broken" time="0.003">
              <failure type="crash" message="the worker died">the worker died
        cause: signal 11
        hint: read on
        line 1
          line 2
        its last output:
        x &lt; y</failure>
              <system-out>0.020 warning: hot
        1.021 stderr: a\tb</system-out>
            </testcase>
            <testcase classname="flow" name="bare" time="0.000">
              <error type="sandbox" message="no cgroup">no cgroup</error>
            </testcase>
            <testcase classname="flow" name="after" time="0.000">
              <skipped message="needs broken, which failed"/>
            </testcase>
            <testcase classname="flow" name="late" time="0.000">
              <skipped message="cancelled"/>
            </testcase>
            <testcase classname="flow" name="again" time="60.000">
              <skipped message="cancelled, after too slow"/>
            </testcase>
          </testsuite>
        </testsuites>

        """)
  }

  @Test("a failure that the run went on after is no failure of the suite, and is told all the same")
  func tolerated() {
    let crash = NodeFailure(.crash, "the worker died", cause: "signal 11", lastOutput: ["x < y"])
    var lint = Self.node("lint", .failed, crash, milliseconds: 3)
    lint.continuesOnError = true
    var bare = Self.node("bare", .failed, NodeFailure(.sandbox, "no cgroup"))
    bare.continuesOnError = true
    let report = RunReport(
      run: "r1", workflow: "flow", outcome: .succeeded, milliseconds: 5, nodes: [lint, bare], outputs: [])
    var timeline = RunTimeline()
    timeline.apply(RunEvent(milliseconds: 20, node: lint.name, content: .nodeReport(.log(level: .info, message: "a"))))
    let xml = JUnitReport.xml(report: report, timeline: timeline)
    let numbers = #"tests="2" failures="0" errors="1" skipped="1" time="0.005""#
    #expect(xml.contains(#"<testsuites name="flow" \#(numbers)>"#), "without a sandbox a run has failed in any case")
    #expect(
      xml.contains(
        """
            <testcase classname="flow" name="lint" time="0.003">
              <skipped message="failed, and the run went on: the worker died"/>
              <system-out>the worker died
        cause: signal 11
        its last output:
        x &lt; y
        0.020 info: a</system-out>
            </testcase>
        """), "\(xml)")
  }

  /// The document without what stands in attributes and between elements.
  private static func structure(_ xml: String) -> String {
    xml.replacing(/="[^"]*"/, with: "=").replacing(/>[^<]*</, with: "><")
  }

  @Test("hostile text is never structure, and no character that XML forbids remains", arguments: ReportSample.hostile)
  func hostile(_ text: String) {
    func xml(_ text: String) -> String {
      let sample = ReportSample.saying(text)
      return JUnitReport.xml(report: sample.report, timeline: sample.timeline)
    }
    #expect(Self.structure(xml(text)) == Self.structure(xml("plain")))
    for scalar in xml(text).unicodeScalars {
      let isAllowed =
        scalar == "\t" || scalar == "\n" || (" "..."\u{7E}").contains(scalar)
        || (scalar.value >= 0xA0 && scalar.value != 0xFFFE && scalar.value != 0xFFFF)
      #expect(isAllowed && !(0x202A...0x202E).contains(scalar.value), "U+\(String(scalar.value, radix: 16))")
    }
    #expect(!xml(text).contains(/&(?!(?:amp|lt|gt|quot|#[0-9]+|#x[0-9a-f]+);)/))
  }

  @Test("a parser gets line breaks and tabs of an attribute back, which it would else take for spaces")
  func whitespace() {
    #expect(XMLText.escaped("a\r\n\tb", isAttribute: true) == "a&#13;&#10;&#9;b")
    #expect(XMLText.escaped("a\r\n\tb") == "a&#13;\n\tb")
  }

  @Test("of what a node wrote the latest is kept, and the rest counted")
  func output() throws {
    let node = Self.node("a", .succeeded)
    let report = RunReport(
      run: "r", workflow: "w", outcome: .succeeded, milliseconds: 0, nodes: [node], outputs: [])
    var timeline = RunTimeline()
    for line in 0..<110 {
      let text = String(repeating: "x", count: 1_000) + "\(line)"
      timeline.apply(
        RunEvent(milliseconds: 0, node: node.name, content: .nodeReport(.output(line: text, isError: false))))
    }
    let xml = JUnitReport.xml(report: report, timeline: timeline)
    #expect(xml.utf8.count < JUnitReport.outputBytes + 1_000)
    #expect(xml.contains("x109</system-out>"))
    #expect(xml.contains("<system-out>(94 earlier lines left out)\n"))
    #expect(!JUnitReport.xml(report: report, timeline: nil).contains("system-out"))
  }

  @Test("the tests that nodes ran are suites of their own, and count")
  func tests() {
    let name = NodeName(unchecked: "unit")
    let report = RunReport(
      run: "r", workflow: "w", outcome: .failed, milliseconds: 0,
      nodes: [Self.node("unit", .failed, NodeFailure(.error, "status 1"), milliseconds: 0)], outputs: [])
    var timeline = RunTimeline()
    let cases: [TestReport.Case] = [
      .init(name: "a<b", group: "g", milliseconds: 1_500, outcome: .passed),
      .init(name: "c", group: "g", milliseconds: 0, outcome: .failed, message: "1 & 2", details: "]]>"),
      .init(name: "d", group: "g", milliseconds: 0, outcome: .skipped),
    ]
    for tests in [TestReport(suites: []), TestReport(suites: [.init(name: "s", cases: cases)])] {
      timeline.apply(RunEvent(milliseconds: 1, node: name, content: .nodeReport(.tests(tests))))
    }
    let xml = JUnitReport.xml(report: report, timeline: timeline)
    #expect(xml.contains(#"<testsuites name="w" tests="4" failures="2" errors="0" skipped="1""#))
    #expect(xml.contains(#"  <testsuite name="w" tests="1" failures="1" errors="0" skipped="0""#))
    #expect(
      xml.hasSuffix(
        """
          <testsuite name="unit: s" tests="3" failures="1" errors="0" skipped="1" time="1.500">
            <testcase classname="g" name="a&lt;b" time="1.500"/>
            <testcase classname="g" name="c" time="0.000">
              <failure message="1 &amp; 2">]]&gt;</failure>
            </testcase>
            <testcase classname="g" name="d" time="0.000">
              <skipped message=""/>
            </testcase>
          </testsuite>
        </testsuites>

        """), "\(xml)")
  }
}
