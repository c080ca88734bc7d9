/// How long a worker may take, and how much it may say.
package struct WorkerLimits: Hashable, Sendable {
  /// From the launch to ready: the interpreter's start, the plugin's imports and its `initialize`.
  package var startup: Duration
  /// From a call to its ack, which no plugin code delays.
  package var acknowledgement: Duration
  /// From asking what a call will need to the answer.
  package var estimate: Duration
  /// From the cancel frame to SIGTERM.
  package var cancelGrace: Duration
  /// From SIGTERM to the kill.
  package var terminateGrace: Duration
  /// From the end of the stream, or from the shutdown frame, to the kill.
  package var exitGrace: Duration
  /// Bytes of log and progress frames between two calls.
  package var textBytes: Int
  package var output: OutputLimits

  package init(
    startup: Duration = .seconds(30), acknowledgement: Duration = .seconds(10),
    estimate: Duration = .seconds(10), cancelGrace: Duration = .seconds(2),
    terminateGrace: Duration = .seconds(2), exitGrace: Duration = .seconds(2), textBytes: Int = 16 << 20,
    output: OutputLimits = OutputLimits()
  ) {
    self.startup = startup
    self.acknowledgement = acknowledgement
    self.estimate = estimate
    self.cancelGrace = cancelGrace
    self.terminateGrace = terminateGrace
    self.exitGrace = exitGrace
    self.textBytes = textBytes
    self.output = output
  }
}

/// How much of standard output and standard error is kept. What comes beyond is read and thrown away, so that the worker never
/// waits for us and our memory doesn't grow.
package struct OutputLimits: Hashable, Sendable {
  /// Bytes of one line; the rest of it is cut.
  package var lineBytes: Int
  /// Bytes that one call may report, of each stream.
  package var callBytes: Int
  /// Lines that a failure quotes.
  package var quotedLines: Int

  package init(lineBytes: Int = 4096, callBytes: Int = 1 << 20, quotedLines: Int = 20) {
    self.lineBytes = lineBytes
    self.callBytes = callBytes
    self.quotedLines = quotedLines
  }
}
