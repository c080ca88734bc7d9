import LinuxSystem

/// Runs work that signals end. The first SIGINT, SIGTERM or SIGHUP asks: the work's task is cancelled. The second insists:
/// `kill` is called. The work's own result is always waited for, so that what it made is gone when the command ends.
struct Interruption: Sendable {
  let signals: AsyncStream<ProgramSignal>
  /// The first signal came.
  let onStop: @Sendable (ProgramSignal) async -> Void
  let kill: @Sendable () async -> Void

  /// - Returns: the work's result, and the signal that ended it early.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () async -> Success
  ) async -> (result: Success, signal: ProgramSignal?) {
    let first = FirstSignal()
    let task = Task(operation: work)
    return await withTaskGroup(of: Success?.self) { group in
      group.addTask { await task.value }
      group.addTask {
        for await signal in signals where signal != .windowChanged {
          let isFirst = first.note(signal)
          task.cancel()
          if isFirst { await onStop(signal) } else { await kill() }
        }
        return nil
      }
      var result: Success?
      while result == nil, let next = await group.next() { result = next }
      group.cancelAll()
      return (await task.value, first.signal)
    }
  }
}

extension Interruption {
  /// Work that a signal ends. Whatever listens to signals afterwards listens anew.
  /// - Parameter kill: on a second signal.
  static func of<Success: Sendable>(
    kill: @escaping @Sendable () async -> Void = {},
    _ work: @escaping @Sendable () async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> Success {
    let (result, signal) = try await listening(kill: kill, work)
    guard signal == nil else { throw CommandFailure(.interrupted) }
    return try result.get()
  }

  /// - Returns: the work's result, and the signal that came while it went on.
  /// - Throws: nobody can listen; the work hasn't begun.
  static func listening<Success: Sendable>(
    onStop: @escaping @Sendable () async -> Void = {}, kill: @escaping @Sendable () async -> Void,
    _ work: @escaping @Sendable () async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> (result: Result<Success, CommandFailure>, signal: ProgramSignal?) {
    let signals = try SignalStream.listen()
    let interruption = Interruption(signals: signals.signals, onStop: { _ in await onStop() }, kill: kill)
    return await interruption.run { () async -> Result<Success, CommandFailure> in
      do throws(CommandFailure) { return .success(try await work()) } catch { return .failure(error) }
    }
  }
}

extension SignalStream {
  static func listen() throws(CommandFailure) -> SignalStream {
    do throws(SystemError) { return try SignalStream() } catch {
      throw CommandFailure(.invalidInput, "the program can't listen to signals", why: error.description)
    }
  }
}

/// The signal that came first; those after it change nothing.
private final class FirstSignal: Sendable {
  private let stored = Lock<ProgramSignal?>(nil)
  var signal: ProgramSignal? { stored.withLock { $0 } }

  /// True for the first.
  func note(_ signal: ProgramSignal) -> Bool {
    stored.withLock { stored in
      guard stored == nil else { return false }
      stored = signal
      return true
    }
  }
}
