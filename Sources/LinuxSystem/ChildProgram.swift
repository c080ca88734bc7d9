import CLinux
import Glibc

/// A program of the user's own that was started beside this one: with this user's rights, and this program's standard streams. Nothing of
/// a plugin is ever started so but what its author asks for.
package final class ChildProgram: Sendable {
  /// How it ended.
  package enum Ending: Hashable, Sendable {
    case exited(status: Int32)
    case signalled(Signal)
  }

  private let process: Int32
  /// Nil once it was reaped: its number may then be another's.
  private let descriptor: Lock<FileDescriptor?>

  /// - Parameters:
  ///   - arguments: the program first; without a slash it is looked for in PATH, execvp(3).
  ///   - variables: in place of this process's own of the same names, or beside them.
  ///   - directory: in which it starts.
  ///   - passing: a descriptor that it has as `number`.
  package init(
    _ arguments: [String], adding variables: [String: String] = [:], in directory: String,
    passing: (descriptor: FileDescriptor, number: Int32)? = nil, isOwnGroup: Bool = false
  ) throws(SystemError) {
    var process: Int32 = -1
    var descriptor: Int32 = -1
    let environment = Self.environment(adding: variables)
    let result = withTextVector(arguments) { arguments in
      withTextVector(environment) { environment in
        linux_program_start(
          arguments, environment, directory, passing?.descriptor.number ?? -1, passing?.number ?? -1,
          isOwnGroup ? 1 : 0, &process, &descriptor)
      }
    }
    try systemCall("posix_spawn", on: arguments.first, result)
    withExtendedLifetime(passing) {}
    self.process = process
    self.descriptor = Lock(FileDescriptor(owning: descriptor))
  }

  private static func environment(adding variables: [String: String]) -> [String] {
    var inherited: [String] = []
    var next = linux_environment()
    while let entry = next?.pointee {
      inherited.append(String(cString: entry))
      next = next?.successor()
    }
    let kept = inherited.filter { entry in !variables.keys.contains { entry.hasPrefix($0 + "=") } }
    return kept + variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  }

  /// Waits until it has ended. To be called once.
  package func ending() async throws(SystemError) -> Ending {
    let result: Result<Ending, SystemError> = await withCheckedContinuation { continuation in
      do throws(SystemError) {
        try runOnOwnThread(named: "program") { [self] in continuation.resume(returning: reap()) }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }

  private func reap() -> Result<Ending, SystemError> {
    var code: Int32 = 0
    var signal: Int32 = 0
    // Ended, and not yet reaped: from then on nobody signals it.
    var information = siginfo_t()
    while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
    descriptor.withLock { $0 = nil }
    let result = linux_program_await(process, &code, &signal)
    guard result >= 0 else { return .failure(SystemError("waitpid", "\(process)", ErrorCode(rawValue: -result))) }
    return .success(signal == 0 ? .exited(status: code) : .signalled(Signal(number: signal)))
  }

  /// Does nothing once it has ended.
  package func send(_ signal: Signal) {
    descriptor.withLock { descriptor in
      guard let descriptor else { return }
      _ = sandbox_signal_process(descriptor.number, signal.number)
    }
  }
}

/// The form in which execve(2) takes a list of texts; a text ends at its first NUL.
func withTextVector<Result>(
  _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  let copies = texts.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return (copies + [nil]).withUnsafeBufferPointer { list in
    // There is at least the terminating nil.
    list.baseAddress.map(body) ?? body([nil])
  }
}
