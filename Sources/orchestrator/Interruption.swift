import LinuxSystem
import Synchronization

/// Why a command is to end before it is done.
enum StopReason: Hashable, Sendable {
  /// SIGINT, SIGTERM or SIGHUP.
  case signal(ProgramSignal)
  /// `--timeout`
  case deadline
}

/// Runs work that signals and a deadline end. The first asks: the work's task is cancelled. The second insists: `kill` is
/// called. The work's own result is always waited for, so that what it made is gone when the command ends.
struct Interruption: Sendable {
  let signals: AsyncStream<ProgramSignal>
  let deadline: Duration?
  /// Something that was asked for can be told to the user.
  let onStop: @Sendable (StopReason) async -> Void
  let kill: @Sendable () async -> Void
  let onWindowChange: @Sendable () async -> Void

  func run<Success: Sendable>(
    _ work: @escaping @Sendable () async throws -> Success
  ) async throws -> (result: Success, stopped: StopReason?) {
    let reason = Reason()
    let task = Task(operation: work)
    let timer = deadline.map { deadline in
      Task {
        do { try await Task.sleep(for: deadline) } catch { return }
        guard reason.set(.deadline) else { return }
        await onStop(.deadline)
        task.cancel()
      }
    }
    let listener = Task {
      for await signal in signals {
        switch signal {
        case .windowChanged: await onWindowChange()
        case .interrupt, .terminate, .hangup:
          if reason.set(.signal(signal)) {
            await onStop(.signal(signal))
            task.cancel()
          } else {
            task.cancel()
            await kill()
          }
        }
      }
    }
    defer {
      timer?.cancel()
      listener.cancel()
    }
    let result = try await task.value
    return (result, reason.value)
  }

  /// The first reason; those after it change nothing.
  private final class Reason: Sendable {
    private let state = Mutex<StopReason?>(nil)
    var value: StopReason? { state.withLock { $0 } }
    /// False for every reason but the first.
    func set(_ reason: StopReason) -> Bool {
      state.withLock { state in
        guard state == nil else { return false }
        state = reason
        return true
      }
    }
  }
}
