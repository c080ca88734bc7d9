import LinuxSystem
import PluginModel
import PluginRegistry

/// pytest, started for the tests of a plugin: the author's own program, with the author's rights.
struct AuthorTests: Sendable {
  let plugin: DiscoveredPlugin
  /// For pytest.
  let arguments: [String]
  /// `--python`
  let python: String?
  let sdk: AbsolutePath
  /// Python packages that the plugin depends on; nil: those that the tests' Python has are all.
  var packages: AbsolutePath?

  /// What `pipeline._test_run` ends with where there is no pytest.
  private static let missing: Int32 = 86
  /// One variable holds 128 KiB, `MAX_ARG_STRLEN` of execve(2).
  private static let tellable = 120_000
  /// Of the socket that it is passed.
  static let socketNumber: Int32 = 3

  /// Runs them to their end.
  /// - Parameters:
  ///   - more: what the fixtures are told beside the plugin: an object.
  ///   - socket: to whom nodes are sent.
  ///   - meanwhile: runs while they do, and is cancelled when they end.
  ///   - kill: on a second signal, beside the tests' own end.
  func run(
    telling more: JSONValue, passing socket: UnixSocket? = nil,
    meanwhile: @escaping @Sendable () async -> Void = {}, kill: @escaping @Sendable () async -> Void = {}
  ) async throws(CommandFailure) {
    let signals = try SignalStream.listen()
    let child = try start(telling: more, passing: socket)
    let interruption = Interruption(
      signals: signals.signals,
      onStop: { signal in
        // A terminal has sent it to the tests as well, and a second one would cut off what they undo.
        guard signal != .interrupt || !TerminalInput().isInteractive else { return }
        child.send(Signal(forwarding: signal))
      },
      kill: {
        child.send(.kill)
        await kill()
      })
    let (result, signal) = await interruption.run { () async -> Result<ChildProgram.Ending, SystemError> in
      // Not a part of this task: the tests end by the signal that is passed on to them.
      let serving = Task { await meanwhile() }
      let ending: Result<ChildProgram.Ending, SystemError>
      do throws(SystemError) { ending = .success(try await child.ending()) } catch { ending = .failure(error) }
      serving.cancel()
      await serving.value
      return ending
    }
    guard signal == nil else { throw CommandFailure(.interrupted) }
    switch result {
    case .success(let ending): try check(ending)
    case .failure(let error):
      throw CommandFailure(.invalidInput, "it isn't known how the tests ended", why: error.description)
    }
  }

  private func start(telling more: JSONValue, passing socket: UnixSocket?) throws(CommandFailure) -> ChildProgram {
    var told: [JSONValue.Member] = [
      .init("directory", .string(plugin.directory.text)), .init("manifest", plugin.manifest.jsonValue),
      .init("engine_version", .string(engineVersion.description)),
    ]
    if case .object(let members) = more { told += members }
    let text = JSONValue.object(told).text()
    guard text.utf8.count <= Self.tellable else {
      throw CommandFailure(
        .invalidInput, "the manifest of \(plugin.manifest.name) is too long to be told to its tests",
        hint: "shorten its descriptions to less than 100 KB")
    }
    // What Python and pytest would leave in the directory would make it another plugin: its digest covers every file.
    let command =
      [program, "-m", "pipeline._test_run", "-p", "no:cacheprovider", "--rootdir", plugin.directory.text] + arguments
    let path = [sdk.text, packages?.text, ProcessEnvironment.variable("PYTHONPATH")].compactMap(\.self).joined(
      separator: ":")
    do throws(SystemError) {
      return try ChildProgram(
        command,
        adding: ["PIPELINE_TEST_PLUGIN": text, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"],
        in: plugin.directory.text, passing: socket.map { ($0.descriptor, Self.socketNumber) })
    } catch {
      throw CommandFailure(
        .invalidInput, "\(program) can't be started", why: error.description,
        hint: "install Python 3.9 or newer, or name one with --python")
    }
  }

  /// The first in PATH, a virtual environment's among them; links of it are not to be followed, for they say which environment it is.
  var program: String {
    guard let python else { return "python3" }
    guard python.contains("/"), !python.hasPrefix("/"), let here = ProcessEnvironment.workingDirectory else {
      return python
    }
    return "\(here)/\(python)"
  }

  /// By pytest's exit statuses.
  private func check(_ ending: ChildProgram.Ending) throws(CommandFailure) {
    switch ending {
    case .exited(status: 0): return
    // 2: files of tests that can't be imported, or a test that ended them all.
    case .exited(status: 1), .exited(status: 2): throw CommandFailure(.nodeFailed)
    case .exited(status: 5):
      throw CommandFailure(
        .invalidInput, "\(plugin.manifest.name) has no tests, or none was chosen",
        hint: "write functions test_… in files tests/test_….py; orchestrator plugin new writes some to start from")
    case .exited(status: Self.missing):
      throw CommandFailure(
        .invalidInput, "\(program) has no pytest", why: "the tests of plugins are run by it",
        hint: "install it there: \(program) -m pip install pytest; or name another Python with --python")
    case .exited(let status):
      throw CommandFailure(.invalidInput, "pytest could not run the tests: it ended with status \(status)")
    case .signalled(let signal):
      throw CommandFailure(.nodeFailed, "the tests were ended by \(signal)")
    }
  }
}

extension Signal {
  init(forwarding signal: ProgramSignal) {
    self =
      switch signal {
      case .interrupt: .interrupt
      case .terminate, .hangup, .windowChanged: .terminate
      }
  }
}
