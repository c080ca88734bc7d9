import LinuxSystem
import Logging
import ServiceLifecycle
import Tracing

/// The log of a service, on standard error, which is what systemd(1) and containers keep. Whoever logs never waits: lines are written on a
/// thread of their own, and where nobody reads them as fast, they are dropped and counted.
///
/// It is passed to whoever logs: there is no global one.
package final class ServiceLog: Service {
  package enum Format: String, CaseIterable, Sendable {
    case text
    /// One object a line.
    case json
  }

  /// What waits to be written at most.
  package struct Limits: Sendable {
    package var lines = 4096
    package var bytes = 4 << 20

    package init(lines: Int = 4096, bytes: Int = 4 << 20) {
      self.lines = lines
      self.bytes = bytes
    }
  }

  private struct State {
    var level: Logger.Level
    var lines: [String] = []
    var bytes = 0
    /// Since the last time that it was told.
    var dropped = 0
    var isWriting = false
  }

  private let format: Format
  private let limits: Limits
  private let now: @Sendable () -> Int64
  private let state: Lock<State>
  /// One byte for each time that lines stop being none. Its end, which is this object's, ends the thread, after what came before.
  private let wake: FileDescriptor

  /// - Parameters:
  ///   - now: milliseconds since 1970.
  ///   - write: takes whole lines; it may block.
  package init(
    _ format: Format, level: Logger.Level = .info, limits: Limits = Limits(),
    now: @escaping @Sendable () -> Int64 = { ProcessEnvironment.millisecondsSince1970() },
    write: @escaping @Sendable (String) -> Void = { Terminal(.standardError).write($0) }
  ) throws(SystemError) {
    self.format = format
    self.limits = limits
    self.now = now
    state = Lock(State(level: level))
    let (reading, writing) = try FileDescriptor.pipe()
    wake = writing
    // The thread keeps the lines, not this object.
    try runOnOwnThread(named: "log") { [state, format, now] in
      var isOpen = true
      while isOpen {
        isOpen = (try? reading.read(atMost: 1))?.isEmpty == false
        Self.write(state, format, now, write)
      }
    }
  }

  /// From now on.
  package var level: Logger.Level {
    get { state.withLock { $0.level } }
    set { state.withLock { $0.level = newValue } }
  }

  package func logger(_ label: String) -> Logger {
    Logger(label: label) { ServiceLogHandler(label: $0, log: self) }
  }

  /// Until it is to end gracefully, or is cancelled; then what waits is written, as far as there is time. It ends last: what others say as
  /// they end belongs to the log.
  package func run() async {
    try? await gracefulShutdown()
    _ = await Task { await flush(within: .seconds(2)) }.value
  }

  /// Waits until what was logged before is written.
  /// - Returns: whether it is.
  @discardableResult
  package func flush(within patience: Duration) async -> Bool {
    let end = ContinuousClock.now + patience
    while !state.withLock({ $0.lines.isEmpty && !$0.isWriting }) {
      guard ContinuousClock.now < end else { return false }
      try? await Task.sleep(for: .milliseconds(5))
    }
    return true
  }

  func add(_ event: LogEvent, _ label: String, _ metadata: Logger.Metadata) {
    let line = LogLine(
      time: Self.time(now()), level: event.level, label: label, message: "\(event.message)", metadata: metadata
    ).text(format)
    let isFirst = state.withLock { state in
      guard state.lines.count < limits.lines, state.bytes + line.utf8.count <= limits.bytes else {
        state.dropped += 1
        return false
      }
      state.lines.append(line)
      state.bytes += line.utf8.count
      return state.lines.count == 1
    }
    // The reader is there as long as this object is, and the pipe holds thousands of bytes.
    if isFirst { _ = try? wake.write([1]) }
  }

  private static func write(
    _ state: Lock<State>, _ format: Format, _ now: @Sendable () -> Int64, _ write: @Sendable (String) -> Void
  ) {
    let (lines, dropped) = state.withLock { state in
      defer {
        state.lines = []
        state.bytes = 0
        state.dropped = 0
        state.isWriting = true
      }
      return (state.lines, state.dropped)
    }
    defer { state.withLock { $0.isWriting = false } }
    for line in lines { write(line + "\n") }
    guard dropped > 0 else { return }
    let note = LogLine(
      time: time(now()), level: .warning, label: "log",
      message: "\(dropped) lines were dropped: they came faster than they are read", metadata: [:])
    write(note.text(format) + "\n")
  }

  /// RFC 3339, UTC, with milliseconds.
  private static func time(_ milliseconds: Int64) -> String {
    let part = String(1000 + milliseconds % 1000).dropFirst()
    return "\(ProcessEnvironment.readableTime(milliseconds).replacing(" ", with: "T")).\(part)Z"
  }
}

/// What swift-log hands its lines to.
struct ServiceLogHandler: LogHandler {
  let label: String
  let log: ServiceLog
  private var ownLevel: Logger.Level?
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  init(label: String, log: ServiceLog) {
    self.label = label
    self.log = log
  }

  /// The log's, unless somebody set another for this logger.
  var logLevel: Logger.Level {
    get { ownLevel ?? log.level }
    set { ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let own = event.metadata { all.merge(own) { $1 } }
    if let error = event.error { all["error"] = "\(error)" }
    // So that a line is found from its trace, and a trace from a line.
    if let place = ServiceContext.current?.trace {
      all["trace_id"] = "\(place.trace)"
      all["span_id"] = "\(place.span)"
    }
    log.add(event, label, all)
  }
}
