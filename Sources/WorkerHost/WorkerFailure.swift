import LinuxSystem
import PluginModel
import SandboxRuntime

/// How a worker ended, and what it wrote last.
package struct WorkerEnd: Hashable, Sendable {
  package var exit: SandboxExit
  /// Oldest first, bounded, harmless to a terminal.
  package var lastOutput: [String]

  package init(exit: SandboxExit, lastOutput: [String]) {
    self.exit = exit
    self.lastOutput = lastOutput
  }
}

/// Why a call to a worker has no result.
package enum WorkerFailure: Error, Sendable {
  /// The sandbox could not be built: nothing of the plugin ran.
  case launchRefused(LaunchError)
  /// No ready within the limit.
  case startupTimedOut(Duration, WorkerEnd)
  /// The plugin could not be loaded, or its `initialize` raised.
  case loadFailed(PluginError, WorkerEnd)
  case protocolViolation(ProtocolViolation, WorkerEnd)
  /// It ended, or closed its connection, while it owed an answer.
  case crashed(WorkerEnd)
  /// The kernel ended it, because all of it together had reached its limit of memory.
  case outOfMemory(WorkerEnd)
  /// No ack within the limit.
  case notAcknowledged(Duration, WorkerEnd)
  case timedOut(Duration)
  /// The plugin didn't say within the limit what the node will need.
  case estimateTimedOut(Duration)
  /// What the plugin said that the node will need is no amount, or can't be had.
  case estimateRefused(Diagnostics)
  case cancelled
  /// Plugin code raised, or refused its inputs. The worker is well.
  case pluginError(PluginError, lastOutput: [String])
  /// It sent results, and this process may open no more files to take them.
  case resultsLost(WorkerEnd)
  /// The node succeeded, and what it wrote can't be taken into the workspace.
  case landing(LandingError)
  /// Whoever ran the node didn't accept its result.
  case notAccepted
  /// The inputs can't be sent.
  case inputsTooLarge(String)
  /// This process could not do its part.
  case system(SystemError)
  /// The plugin's workers keep crashing: no other is started for a while.
  case stopped(CrashRule.Stop)
  /// The pool is shut down.
  case poolClosed
}

extension WorkerFailure {
  /// True when the worker that gave it may serve another call.
  package var leavesWorkerUsable: Bool {
    switch self {
    case .pluginError, .inputsTooLarge, .estimateRefused: true
    case .launchRefused, .startupTimedOut, .loadFailed, .protocolViolation, .crashed, .outOfMemory,
      .notAcknowledged, .timedOut, .estimateTimedOut, .cancelled, .resultsLost, .landing, .notAccepted, .system,
      .stopped, .poolClosed:
      false
    }
  }

  /// What failed, in one sentence without a full stop.
  package var message: String {
    switch self {
    case .launchRefused: "the worker's sandbox could not be built"
    case .startupTimedOut(let limit, _): "the plugin was not ready within \(limit.words)"
    case .loadFailed(let error, _):
      error.kind == .initialize ? "the plugin's initialize failed" : "the plugin could not be loaded"
    case .protocolViolation: "the worker broke the worker protocol and was killed"
    case .crashed(let end):
      end.exit.status == .killed
        ? "the worker closed its connection before it answered" : "the worker ended before it answered"
    case .outOfMemory: "the worker ran out of memory"
    case .notAcknowledged(let limit, _): "the worker did not take the call within \(limit.words)"
    case .timedOut(let limit): "the node did not finish within \(limit.words)"
    case .estimateTimedOut(let limit): "the plugin did not estimate within \(limit.words) what the node needs"
    case .estimateRefused: "the node can't have what its plugin estimates that it needs"
    case .cancelled: "the node was cancelled"
    case .pluginError(let error, _):
      switch error.kind {
      case .input: "the plugin refused its inputs"
      case .output: "the plugin returned what can't be passed on"
      case .unknown: "the plugin doesn't know this node type or operation"
      case .load, .initialize, .error, .cancelled: "the plugin raised an error"
      }
    case .resultsLost: "the node's results could not be taken"
    case .notAccepted: "the node's result was not accepted"
    case .landing: "what the node wrote can't be taken into the workspace"
    case .inputsTooLarge: "the node's inputs can't be sent to its worker"
    case .system: "the supervisor could not talk to the worker"
    case .stopped(let stop): "no worker of the plugin \(stop.plugin) is started any more"
    case .poolClosed: "the supervisor is shutting down"
    }
  }

  /// What lies behind it: the exception, the signal, the rule, the refused step.
  package var cause: String? {
    switch self {
    case .launchRefused(let error): "\(error.step): \(error.cause)"
    case .startupTimedOut(_, let end), .notAcknowledged(_, let end):
      end.exit.deniedExecutions > 0 ? end.exit.words : nil
    case .loadFailed(let error, _), .pluginError(let error, _):
      // What the SDK itself refuses has no exception behind it.
      error.type.isEmpty ? error.message : "\(error.type): \(error.message)"
    case .protocolViolation(let violation, _): violation.description
    case .crashed(let end): end.exit.words
    case .outOfMemory(let end): end.exit.memoryWords
    case .resultsLost: "they came as more file descriptors than this process may open"
    case .landing(let error): error.description
    case .inputsTooLarge(let why): why
    case .system(let error): error.description
    case .estimateRefused(let problems):
      problems.items.map { item in item.why.map { "\(item.what): \($0)" } ?? item.what }.joined(separator: "; ")
    case .stopped(let stop):
      "\(stop.crashes) in a row ended by themselves within \(Duration.milliseconds(stop.windowMilliseconds).words)"
    case .timedOut, .estimateTimedOut, .cancelled, .notAccepted, .poolClosed: nil
    }
  }

  /// The message, and the cause where there is one.
  package var summary: String { cause.map { "\(message): \($0)" } ?? message }

  /// How to mend it.
  package var hint: String? {
    switch self {
    case .launchRefused(let error): error.remedy
    case .startupTimedOut: "imports and initialize count as start-up; do slow work in execute"
    case .loadFailed(let error, let end): error.hint ?? end.exit.hint
    case .pluginError(let error, _): error.hint
    case .protocolViolation:
      "print to standard output or standard error, never to file descriptor 3; the rules are on the page \"The worker protocol\""
    case .crashed(let end): end.exit.hint
    case .outOfMemory: "give the node more memory, resources: {memory: …}, or let it work on less at once"
    case .notAcknowledged: "the plugin may be blocking the SDK's reading thread, or be stopped"
    case .estimateTimedOut:
      "estimate_resources should only look at its inputs; or say in the workflow what the node gets, "
        + "resources: {cpu: …, memory: …}"
    case .estimateRefused(let problems):
      (problems.items.compactMap(\.hint) + ["the workflow's word counts before the estimate, resources: {…}"])
        .joined(separator: "; ")
    case .timedOut: "raise the node's timeout, or let the plugin look at its context's cancelled flag"
    case .resultsLost: Self.moreFiles
    case .landing(.refused), .landing(.tooMany):
      "files, directories and symbolic links are taken; everything else must be gone when the node ends, or be in /tmp"
    case .landing(.interrupted), .notAccepted: nil
    case .landing(.system):
      "some of it may have been written; the rest needs the room and the rights that are missing"
    case .system(let error)
    where error.code == .tooManyFiles || error.code == .tooManyFilesInSystem: Self.moreFiles
    case .inputsTooLarge:
      "pass fewer or larger values: up to 64 large ones and 16 MiB of small ones fit one call"
    case .stopped(let stop):
      "it is tried again in \(Duration.milliseconds(stop.remainingMilliseconds).words); after it was mended at once, "
        + "when another version is installed or the server reloads"
    case .cancelled, .system, .poolClosed: nil
    }
  }

  private static let moreFiles =
    "raise the limit of open files (ulimit -n, LimitNOFILE= of systemd), or run fewer nodes at once (--jobs)"

  /// What the plugin says it was not let do.
  package var claimedDenial: ClaimedDenial? {
    switch self {
    case .loadFailed(let error, _), .pluginError(let error, _): error.denied
    case .launchRefused, .startupTimedOut, .protocolViolation, .crashed, .outOfMemory, .notAcknowledged, .timedOut,
      .estimateTimedOut, .estimateRefused, .cancelled, .resultsLost, .landing, .notAccepted, .inputsTooLarge, .system,
      .stopped, .poolClosed:
      nil
    }
  }

  /// The plugin's own traceback.
  package var traceback: String? {
    switch self {
    case .loadFailed(let error, _), .pluginError(let error, _): error.traceback
    default: nil
    }
  }

  /// How the worker ended, where that belongs to the failure.
  package var end: WorkerEnd? {
    switch self {
    case .startupTimedOut(_, let end), .loadFailed(_, let end), .protocolViolation(_, let end), .crashed(let end),
      .outOfMemory(let end), .notAcknowledged(_, let end), .resultsLost(let end):
      end
    case .pluginError, .launchRefused, .timedOut, .estimateTimedOut, .estimateRefused, .cancelled, .inputsTooLarge,
      .landing, .notAccepted, .system,
      .stopped, .poolClosed:
      nil
    }
  }

  /// The last lines the worker wrote, oldest first.
  package var lastOutput: [String] {
    if case .pluginError(_, let lines) = self { lines } else { end?.lastOutput ?? [] }
  }
}

extension WorkerFailure: CustomStringConvertible {
  package var description: String {
    message + (cause.map { ": \($0)" } ?? "") + (hint.map { "\n  hint: \($0)" } ?? "")
  }
}

extension SandboxExit {
  /// The kernel ended something of it at its limit of memory: `memory.events` says so, SIGKILL alone doesn't. Or, where
  /// the kernel has no such limit, the supervisor did.
  var isOutOfMemory: Bool {
    if case .memory? = watch?.excess { return true }
    return (usage?.outOfMemoryKills ?? 0) > 0
  }

  /// What the limit was and how much was used.
  var memoryWords: String {
    func mebibytes(_ bytes: UInt64) -> String { "\((bytes + (1 << 20) - 1) >> 20)Mi" }
    if case .memory(let limit, let seen)? = watch?.excess {
      return "it used \(mebibytes(seen)), its limit is \(mebibytes(limit)), which the supervisor watches here"
    }
    let peak = usage?.memoryPeak.map { "it used \(mebibytes($0))" } ?? "it used all it may"
    return peak + (usage?.memoryLimit.map { ", its limit is \(mebibytes($0))" } ?? "")
  }

  /// How the worker ended, as a clause about it.
  var words: String {
    let denied =
      deniedExecutions > 0
      ? "it tried to start another program without system.exec (\(deniedExecutions) times), then " : ""
    if case .tasks(let limit, let seen)? = watch?.excess {
      return denied + "it had \(seen) processes and threads, its limit is \(limit), which the supervisor watches here"
    }
    let end =
      switch status {
      case .exited(let code): "it exited with status \(code)"
      case .signalled(let number): "it was ended by \(Signal(number: number))"
      case .killed: "it had to be killed"
      }
    return denied + end
  }

  var hint: String? {
    switch status {
    case .signalled(let number) where number == Signal.badSystemCall.number:
      "the plugin made a system call that no worker may make"
    case .signalled(let number) where number == Signal.kill.number:
      usage == nil ? "it may have run out of memory, which this host can't tell; see the node's memory request" : nil
    case .exited, .signalled, .killed: nil
    }
  }
}

extension Duration {
  /// `90 s`, `1.5 s` or `250 ms`.
  var words: String {
    let milliseconds = wholeMilliseconds
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let rest = milliseconds % 1000
    return rest == 0 ? "\(milliseconds / 1000) s" : "\(Double(milliseconds) / 1000) s"
  }
}
