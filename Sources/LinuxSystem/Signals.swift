import CLinux

/// Signals that ask something of the program.
package enum ProgramSignal: Hashable, Sendable {
  /// SIGINT
  case interrupt
  /// SIGTERM
  case terminate
  /// SIGHUP
  case hangup
  /// SIGWINCH
  case windowChanged
}

/// The process's signals as a stream. Handlers feed a pipe that one thread reads: nothing runs in a handler, no
/// signal is blocked for programs that are started later.
package struct SignalStream: Sendable {
  package let signals: AsyncStream<ProgramSignal>

  /// The latest of a process gets the signals; one that was made before it gets none any more.
  package init() throws(SystemError) {
    let table: [(number: Int32, signal: ProgramSignal)] = [
      (linux_signal_number_interrupt(), .interrupt), (linux_signal_number_terminate(), .terminate),
      (linux_signal_number_hangup(), .hangup), (linux_signal_number_window(), .windowChanged),
    ]
    let numbers = table.map(\.number)
    let result = linux_signals_listen(numbers, Int32(numbers.count))
    guard result >= 0 else { throw SystemError("sigaction", nil, ErrorCode(rawValue: -result)) }
    linux_signals_ignore_broken_pipe()
    let pipe = FileDescriptor(owning: result)
    let (stream, continuation) = AsyncStream.makeStream(of: ProgramSignal.self)
    signals = stream
    try Thread.run(named: "signals") {
      while let byte = try? pipe.read(atMost: 1)?.first {
        if let known = table.first(where: { $0.number == Int32(byte) }) { continuation.yield(known.signal) }
      }
    }
  }
}
