import Glibc
import LinuxSystem

/// Another process of this program that launches when it is told to. It measures by itself: the way to it isn't part.
struct Supervisor {
  private let process: pid_t
  private let requests: Int32
  private let answers: UnsafeMutablePointer<FILE>

  /// - Parameter ballast: how many bytes it holds.
  init(root: String, ballast: Int) throws {
    guard let executable = ProcessEnvironment.executable else { throw BenchmarkFailure("this program can't be found") }
    var request: [Int32] = [-1, -1]
    var answer: [Int32] = [-1, -1]
    guard pipe(&request) == 0, pipe(&answer) == 0, let answers = fdopen(answer[0], "r") else {
      throw BenchmarkFailure("no pipe can be made")
    }
    // No other supervisor may hold them: this one ends when its requests do.
    for descriptor in request + answer { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, request[0], 0)
    posix_spawn_file_actions_adddup2(&actions, answer[1], 1)
    process = try System.start([executable, "launch-supervisor", root, "\(ballast)"], &actions)
    close(request[0])
    close(answer[1])
    requests = request[1]
    self.answers = answers
  }

  /// The milliseconds of one launch, from the call to the end of all that it made.
  func launch() throws -> Double {
    guard write(requests, "\n", 1) == 1 else { throw BenchmarkFailure("the supervisor can't be reached") }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    guard getline(&line, &capacity, answers) > 0, let line,
      let milliseconds = Double(String(cString: line).prefix { $0 != "\n" })
    else { throw BenchmarkFailure("the supervisor ended early") }
    return milliseconds
  }

  /// Ends it and waits for it.
  func stop() throws {
    close(requests)
    fclose(answers)
    try System.awaitEnd(process, "the supervisor")
  }
}
