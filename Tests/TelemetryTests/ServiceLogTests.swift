import Foundation
import LinuxSystem
import Logging
import PluginModel
import ServiceLifecycle
import Telemetry
import Testing
import Tracing

struct SilentLog: LogHandler {
  var logLevel: Logger.Level = .critical
  var metadata: Logger.Metadata = [:]
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }
  func log(event: LogEvent) {}
}

@Suite("The log of a service")
struct ServiceLogTests {
  /// What was written, and whether somebody reads it.
  private final class Reader: Sendable {
    private let text = Lock("")
    private let gate: DispatchSemaphore?

    init(isReading: Bool = true) { gate = isReading ? nil : DispatchSemaphore(value: 0) }

    var lines: [String] {
      text.withLock { $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
    }

    func take(_ line: String) {
      gate?.wait()
      text.withLock { $0 += line }
    }

    func read(_ count: Int) { for _ in 0..<count { gate?.signal() } }
  }

  private func log(
    _ format: ServiceLog.Format, _ reader: Reader, limits: ServiceLog.Limits = .init()
  ) throws -> ServiceLog {
    try ServiceLog(format, limits: limits, now: { 1_767_225_599_007 }) { reader.take($0) }
  }

  @Test("a line says when, how grave, who, what, and of which run and node")
  func shape() async throws {
    for (format, expected) in [
      (
        ServiceLog.Format.text,
        "2025-12-31T23:59:59.007Z warning server: the node failed count=3 node=test[0]/build note=\"two words\" run=20260131T1"
      ),
      (
        .json,
        #"{"time":"2025-12-31T23:59:59.007Z","level":"warning","label":"server","message":"the node failed","#
          + #""metadata":{"count":"3","node":"test[0]/build","note":"two words","run":"20260131T1"}}"#
      ),
    ] {
      let reader = Reader()
      let log = try log(format, reader)
      var logger = log.logger("server")
      logger[metadataKey: "run"] = "20260131T1"
      logger.info("the node failed", metadata: ["node": "n"])
      logger.debug("nobody asked for this")
      logger.warning(
        "the node failed", metadata: ["node": "test[0]/build", "note": "two words", "count": .stringConvertible(3)])
      #expect(await log.flush(within: .seconds(10)))
      #expect(reader.lines.count == 3 && reader.lines[1] == expected, "\(reader.lines)")
    }
  }

  @Test(
    "whatever a plugin says is one line, and no more than text to a terminal", arguments: ServiceLog.Format.allCases)
  func hostile(format: ServiceLog.Format) async throws {
    let reader = Reader()
    let log = try log(format, reader)
    let words = "a\n2026-01-01 error: b\r\u{1B}]0;x\u{7}\u{85}\u{2028}\u{202E}\0\"=\\"
    var deep: Logger.MetadataValue = "x"
    for _ in 0..<200 { deep = .array([deep]) }
    log.logger(words).error(
      "\(words)", metadata: [words: "\(words)", "map": [words: [.string(words)]], "deep": deep])
    log.logger("b").error(
      "\(String(repeating: "ä", count: 1 << 20))", metadata: ["v": "\(String(repeating: "x", count: 1 << 20))"])
    #expect(await log.flush(within: .seconds(10)))
    #expect(reader.lines.count == 3, "\(reader.lines.count)")
    for line in reader.lines.dropLast() {
      #expect(
        line.unicodeScalars.allSatisfy { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: false
          default: true
          }
        })
      #expect(line.utf8.count < 64 << 10)
      if format == .json { #expect(try JSONValue(json: line)["message"] != nil) }
    }
    if format == .json { #expect(try JSONValue(json: reader.lines[0])["message"]?.stringValue == words) }
  }

  @Test("whoever logs never waits for who reads; what there is no room for is counted and told")
  func stopped() async throws {
    let reader = Reader(isReading: false)
    let log = try log(.text, reader, limits: .init(lines: 10))
    let logger = log.logger("a")
    logger.info("first")
    // Until it is being written.
    try await Task.sleep(for: .milliseconds(50))
    let start = ContinuousClock.now
    for number in 0..<1000 { logger.info("line \(number)") }
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect(await !log.flush(within: .milliseconds(20)))
    reader.read(2000)
    #expect(await log.flush(within: .seconds(10)))
    #expect(reader.lines.count == 13, "\(reader.lines)")
    #expect(reader.lines[11].contains("warning log: 990 lines were dropped"))
    logger.info("after")
    #expect(await log.flush(within: .seconds(10)))
    #expect(reader.lines[12].hasSuffix("a: after"))
  }

  @Test("how much is logged can change while it is")
  func levels() async throws {
    let reader = Reader()
    let log = try log(.text, reader)
    let logger = log.logger("a")
    log.level = .error
    logger.warning("hidden")
    log.level = .debug
    logger.debug("shown")
    #expect(await log.flush(within: .seconds(10)))
    #expect(reader.lines.count == 2 && reader.lines[0].hasSuffix("debug a: shown"))
  }

  @Test("a line says of which span it is")
  func traced() async throws {
    let reader = Reader()
    let log = try log(.text, reader)
    RunTracer(nil).withSpan("run", context: .topLevel) { span in
      log.logger("a").info("within")
      #expect(span.context.trace?.trace == span.place.trace)
    }
    log.logger("a").info("outside")
    #expect(await log.flush(within: .seconds(10)))
    #expect(reader.lines[0].contains(" span_id=") && reader.lines[0].contains(" trace_id="), "\(reader.lines)")
    #expect(!reader.lines[1].contains("trace_id"))
  }

  @Test("at its end all is written that was logged before")
  func ended() async throws {
    let reader = Reader()
    let log = try log(.text, reader)
    let group = ServiceGroup(services: [log], logger: .init(label: "test") { _ in SilentLog() })
    let running = Task { try await group.run() }
    for number in 0..<500 { log.logger("a").info("\(number)") }
    await group.triggerGracefulShutdown()
    try await running.value
    #expect(reader.lines.count == 501)
  }
}
