import PluginModel
import Testing

@testable import PipelineEngine

@Suite("Reports and events have a stable form")
struct ReportTests {
  private static let type = NodeTypeReference(
    plugin: PluginName(unchecked: "demo"), nodeType: NodeTypeName(unchecked: "source"))

  private final class Shared: SharedBytes {
    let bytes: [UInt8]
    init(_ text: String) { bytes = Array(text.utf8) }
    var byteCount: Int { bytes.count }
    func prefix(_ limit: Int) -> [UInt8] { Array(bytes.prefix(limit)) }
    func bytes(at offset: Int, count: Int) -> [UInt8] { Array(bytes.dropFirst(offset).prefix(count)) }
  }

  @Test("a report names every field, whatever happened")
  func report() {
    let failure = NodeFailure(
      .crash, "the worker died", cause: "signal 11", hint: "see its output", lastOutput: ["line \"1\""])
    let report = RunReport(
      run: "r1", workflow: "flow", outcome: .failed, milliseconds: 70,
      nodes: [
        .init(
          name: NodeName(unchecked: "a"), type: Self.type, state: .succeeded, attempts: 2, milliseconds: 50,
          isFallback: true, failure: nil,
          account: NodeAccount(
            usage: ResourceUsage(
              processorMicroseconds: 3_000, throttledMicroseconds: 1_500,
              memoryPeak: .init(bytes: 4096, scope: .worker), memoryPressureMicroseconds: 0, refusedTasks: 0),
            limits: [.processors(limit: 0.5, heldBack: 1 / 3)],
            held: [
              HeldLimits(
                attempt: 2, memory: 64 << 20, memoryOrigin: .retry, processors: 0.5, processorsOrigin: .profile)
            ])),
        .init(
          name: NodeName(unchecked: "b"), type: Self.type, state: .failed, attempts: 1, milliseconds: 5,
          isFallback: false, failure: failure),
        .init(
          name: NodeName(unchecked: "c"), type: Self.type, state: .skipped, attempts: 0, milliseconds: nil,
          isFallback: false, isCached: true, failure: nil,
          skip: SkipReason(needs: NodeName(unchecked: "b"), failed: NodeName(unchecked: "b"))),
      ],
      outputs: [(ParameterName(unchecked: "words"), [NodeValue(json: ["x": 1])])])
    #expect(
      report.jsonValue.text(.pretty) == """
        {
          "run": "r1",
          "workflow": "flow",
          "outcome": "failed",
          "exit_code": 1,
          "duration_ms": 70,
          "state_error": null,
          "nodes": [
            {
              "node": "a",
              "type": "demo/source",
              "plugin_version": null,
              "state": "succeeded",
              "attempts": 2,
              "duration_ms": 50,
              "fallback": true,
              "cached": false,
              "error": null,
              "skipped_because": null,
              "usage": {
                "cpu_us": 3000,
                "cpu_throttled_us": 1500,
                "cpu_throttled_share": 0.333,
                "memory_peak_bytes": 4096,
                "memory_peak_of": "worker",
                "memory_peak_by": "kernel",
                "memory_pressure_us": 0,
                "read_bytes": null,
                "written_bytes": null,
                "tasks_refused_count": 0
              },
              "limits_reached": [
                {
                  "limit": "processors",
                  "told_by": "kernel",
                  "limit_processors": 0.5,
                  "cpu_throttled_share": 0.333
                }
              ],
              "limits": [
                {
                  "attempt": 2,
                  "memory_bytes": 67108864,
                  "memory_by": "retry",
                  "processors": 0.5,
                  "processors_by": "profile"
                }
              ],
              "denials": null,
              "denials_further_count": null
            },
            {
              "node": "b",
              "type": "demo/source",
              "plugin_version": null,
              "state": "failed",
              "attempts": 1,
              "duration_ms": 5,
              "fallback": false,
              "cached": false,
              "error": {
                "class": "crash",
                "message": "the worker died",
                "cause": "signal 11",
                "hint": "see its output",
                "traceback": null,
                "last_output": [
                  "line \\"1\\""
                ]
              },
              "skipped_because": null,
              "usage": null,
              "limits_reached": [],
              "limits": [],
              "denials": null,
              "denials_further_count": null
            },
            {
              "node": "c",
              "type": "demo/source",
              "plugin_version": null,
              "state": "skipped",
              "attempts": 0,
              "duration_ms": null,
              "fallback": false,
              "cached": true,
              "error": null,
              "skipped_because": {
                "needs": "b",
                "failed": "b"
              },
              "usage": null,
              "limits_reached": [],
              "limits": [],
              "denials": null,
              "denials_further_count": null
            }
          ],
          "outputs": {
            "words": {
              "codec": "json",
              "value": {
                "x": 1
              }
            }
          }
        }
        """)
  }

  @Test("each limit that can be reached has a name, who says so, and its numbers with their units")
  func limits() throws {
    let cases: [(LimitReached, String)] = [
      (.memory(limit: 64, peak: nil), #""memory","told_by":"kernel","limit_bytes":64,"memory_peak_bytes":null"#),
      (
        .memory(limit: 64, peak: 70, by: .supervisor),
        #""memory","told_by":"supervisor","limit_bytes":64,"memory_peak_bytes":70"#
      ),
      (
        .processors(limit: 0.5, heldBack: 0.62),
        #""processors","told_by":"kernel","limit_processors":0.5,"cpu_throttled_share":0.62"#
      ),
      (.tasks(limit: 8, refused: 3), #""tasks","told_by":"kernel","limit_count":8,"tasks_refused_count":3"#),
      (.tasks(limit: 8, refused: nil), #""tasks","told_by":"plugin","limit_count":8,"tasks_refused_count":null"#),
      (.openFiles(limit: .max), #""open_files","told_by":"plugin","limit_count":9223372036854775807"#),
      (
        .scratch(path: try #require(AbsolutePath("/tmp")), size: 5),
        #""scratch","told_by":"plugin","path":"/tmp","limit_bytes":5"#
      ),
      (.deadline(1500), #""deadline","told_by":"supervisor","limit_ms":1500"#),
    ]
    for (limit, text) in cases { #expect(limit.jsonValue.text() == #"{"limit":\#(text)}"#) }
    #expect(Set(cases.map(\.0.kind)) == Set(LimitReached.Kind.allCases))
    #expect(Set(cases.map(\.0.witness)) == Set(LimitReached.Witness.allCases))
  }

  @Test("a value is shown whole only where it is short JSON, wherever its bytes lie")
  func values() {
    func text(_ codec: ValueCodec, _ content: NodeValue.Content, _ label: String = "") -> String {
      NodeValue(codec: codec, content: content, label: label).summary.text()
    }
    #expect(text(.json, .shared(Shared("[1, 2]"))) == #"{"codec":"json","value":[1,2]}"#)
    #expect(text(.file, .shared(Shared("abc")), "a.txt") == #"{"codec":"file","bytes":3,"name":"a.txt"}"#)
    #expect(text(.bytes, .inline([0, 1])) == #"{"codec":"bytes","bytes":2,"name":null}"#)
    #expect(text(.json, .inline(Array("{broken".utf8))) == #"{"codec":"json","bytes":7,"name":null}"#)
    let long = "\"" + String(repeating: "x", count: NodeValue.longestShown) + "\""
    #expect(text(.json, .shared(Shared(long))) == #"{"codec":"json","bytes":65538,"name":null}"#)
  }

  @Test("each event is one line that says when, what and of which node")
  func events() {
    let node = NodeName(unchecked: "a")
    func line(_ content: RunEvent.Content, duration: Int64? = nil, skip: SkipReason? = nil) -> String {
      RunEvent(milliseconds: 7, node: node, content: content, duration: duration, skip: skip).jsonValue.text()
    }
    let head = #"{"time_ms":7,"node":"a","#
    let nothing = #""usage":null,"limits_reached":[],"limits":[],"denials":null,"denials_further_count":null"#
    let error = #""class":"timeout","message":"late","cause":null,"hint":null,"traceback":null,"last_output":[]"#
    let failure = NodeFailure(.timeout, "late")
    #expect(line(.nodeState(.running, attempt: 2)) == head + #""event":"node_state","state":"running","attempt":2}"#)
    #expect(
      line(.nodeState(.failed, attempt: 1), duration: 9) == head
        + #""event":"node_state","state":"failed","attempt":1,"duration_ms":9,"cached":false,\#(nothing)}"#)
    #expect(
      line(.nodeState(.skipped, attempt: 0), skip: SkipReason(needs: node, failed: node)) == head
        + #""event":"node_state","state":"skipped","attempt":0,"duration_ms":null,"cached":false,\#(nothing),"#
        + #""skipped_because":{"needs":"a","failed":"a"}}"#)
    for (memory, text): (UInt64?, String) in [(nil, "null"), (512, "512")] {
      #expect(
        line(.nodeRetry(failure, afterMilliseconds: 200, memory: memory)) == head
          + #""event":"node_retry","after_ms":200,"error":{\#(error)},"memory_bytes":\#(text),\#(nothing)}"#)
    }
    #expect(line(.nodeFailed(failure)) == head + #""event":"node_failed","error":{\#(error)}}"#)
    #expect(line(.nodeReport(.started)) == head + #""event":"node_started"}"#)
    #expect(
      line(.nodeReport(.progress(fraction: 0.5, message: "m"))) == head
        + #""event":"progress","fraction":0.5,"message":"m"}"#)
    #expect(
      line(.nodeReport(.log(level: .warning, message: "a\nb"))) == head
        + #""event":"log","level":"warning","message":"a\nb"}"#)
    #expect(
      line(.nodeReport(.output(line: "l", isError: true))) == head
        + #""event":"output","stream":"stderr","line":"l"}"#)
    #expect(
      RunEvent(milliseconds: 0, node: nil, content: .runStarted(run: "r", workflow: "w", nodes: [node])).jsonValue
        .text()
        == #"{"time_ms":0,"event":"run_started","run":"r","workflow":"w","nodes":["a"]}"#)
    #expect(
      RunEvent(milliseconds: 9, node: nil, content: .runFinished(.interrupted)).jsonValue.text()
        == #"{"time_ms":9,"event":"run_finished","outcome":"interrupted","exit_code":130}"#)
  }

  @Test("exit codes are those that are documented")
  func exitCodes() {
    #expect(RunOutcome.allCases.map(\.exitCode) == [0, 1, 3, 124, 130, 2])
  }
}
