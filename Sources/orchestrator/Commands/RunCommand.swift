import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import StateStore
import WorkerHost

/// `orchestrator run`
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a workflow, every node in a sandbox of its own.",
    discussion: """
      Nodes whose inputs are ready run at the same time. Each runs in a worker that can see and do what its plugin's \
      manifest asks for and you granted, and nothing else. On a terminal you are asked about what isn't granted yet.

      What happens is written down while it does: a run that was cut off, or failed, goes on with --resume, and what has \
      succeeded isn't run again. Results of earlier runs are used where nothing that they depend on has changed.

      Example:
        orchestrator run report.yaml --input title=Licences \\
          --grant files=filesystem.read:/usr/share/common-licenses
      """)

  @OptionGroup var options: WorkflowOptions
  @OptionGroup var secrets: SecretOptions
  @Option(
    help: ArgumentHelp(
      "The directory that the nodes of the run share; it is made if it is missing.",
      discussion: "Default: a new one in the state directory, removed again when nothing was written.",
      valueName: "directory"))
  var workspace: String?
  @Option(help: ArgumentHelp("How many nodes run at the same time. Default: one a processor.", valueName: "number"))
  var jobs: Int?
  @Option(help: ArgumentHelp("End the run after this time: 90s, 10m, 2h.", valueName: "duration"))
  var timeout: String?
  @Option(
    help: ArgumentHelp(
      "How to write the run: text, json (one object at the end), jsonl (one object an event) or junit (XML at the end).",
      valueName: "format"))
  var output: RunOutputFormat = .text
  @Option(
    help: ArgumentHelp(
      "Write the run as one HTML page: graph, chart of the times, resources, logs, errors.", valueName: "file"))
  var report: String?
  @Option(
    help: ArgumentHelp("Write the run as trace events, for Perfetto or chrome://tracing.", valueName: "file"))
  var trace: String?
  @Flag(help: "Keep the run's own workspace even when nothing was written to it.") var keep = false
  @Flag(
    help: ArgumentHelp(
      "Go on with the last run of this workflow, unless that has succeeded.",
      discussion: "Without one a new run begins. Any other run: orchestrator runs resume."))
  var resume = false
  @Flag(
    help: ArgumentHelp(
      "Run every node, and keep no result for later runs.",
      discussion: "For one node: cache: never. Why one ran again: orchestrator cache why."))
  var noCache = false
  @Flag(
    help: ArgumentHelp(
      "Don't ask whether plugins may do what they ask for.",
      discussion: "Nobody is asked either without a terminal, with --output other than text, and where CI is set."))
  var noConsent = false

  func validate() throws {
    if let jobs, jobs < 1 || jobs > 1024 { throw ValidationError("--jobs must be from 1 to 1024.") }
    if let timeout, Quantity.duration(timeout) == nil {
      throw ValidationError(
        "--timeout \(timeout) is not a duration: write a whole number above 0 and one of ms, s, m, h, d.")
    }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    try await perform(arguments: Array(CommandLine.arguments.dropFirst(2)), resuming: nil, bootstrap)
  }

  /// - Parameters:
  ///   - arguments: those that this command was made of.
  ///   - run: one that is gone on with, with its own workflow.
  func perform(arguments: [String], resuming run: StoredRun?, _ bootstrap: Bootstrap) async throws {
    let jobs = jobs ?? ProcessEnvironment.processorCount
    let asks = output == .text && !noConsent && ConsentDialogue.isPossible()
    let session = try await WorkflowSession(
      options, jobs: jobs, asks: asks, source: run, isRun: true, bootstrap)
    let work = RunWork(command: self, session: session, jobs: jobs, arguments: arguments, resumed: run)
    let outcome = try await session.run(onStop: { await work.announceStop() }) { () async throws(CommandFailure) in
      try await work.run()
    }
    guard outcome == .succeeded else { throw CommandFailure(ExitStatus(outcome)) }
  }
}

extension ExitStatus {
  init(_ outcome: RunOutcome) {
    self =
      switch outcome {
      case .succeeded: .success
      case .failed: .nodeFailed
      case .sandboxUnavailable: .sandboxUnavailable
      case .deadlineExceeded: .deadline
      case .interrupted: .interrupted
      case .stateLost: .invalidInput
      }
  }
}

/// One run, from the check to the summary.
private struct RunWork: Sendable {
  let command: RunCommand
  let session: WorkflowSession
  let jobs: Int
  let arguments: [String]
  /// By the operator's word.
  let resumed: StoredRun?

  private var bootstrap: Bootstrap { session.bootstrap }

  func run() async throws(CommandFailure) -> RunOutcome {
    let checked = try await session.check()
    let unused = session.sandboxes.setup.unusedGPUGrants(among: checked.content.nodes, decisions: checked.decisions)
    let shared = session.sandboxes.setup.sharedGPUs(among: checked.content.nodes)
    await bootstrap.report(session.catalog.diagnostics + checked.warnings + unused + shared)
    let secrets = try await command.secrets.read(
      for: checked.content.nodes, and: session.sandboxes.setup.configurations.all,
      isResumed: resumed != nil, bootstrap)
    let starter = RunStarter(
      session: session, checked: checked, arguments: arguments, workspace: command.workspace,
      store: try await RunStore(making: session.statePath, files: bootstrap.files))
    let (kept, directory) = try await starter.start(resumed, orLast: command.resume)
    let recorder = TimelineRecorder(isNeeded: command.report != nil || command.trace != nil || command.output == .junit)
    let report: RunReport
    do throws(CommandFailure) {
      report = try await session.execute(
        checked, in: directory, jobs: jobs, timeoutMilliseconds: command.timeout.flatMap(Quantity.duration),
        observer: KeepingObserver(shown: observer(), log: await kept.log(), recorder: recorder), kept: kept,
        usesCache: !command.noCache, secrets: secrets)
    } catch {
      await kept.discard()
      throw error
    }
    let timeline = await recorder.timeline
    await summarise(report, timeline, in: directory)
    // The page alone tells of it.
    let earlier = command.report == nil ? [] : await starter.store.earlierMeasurements(like: report)
    await starter.store.keepMeasurements(of: report)
    let problems = await RunFiles(page: command.report, trace: command.trace, files: bootstrap.files)
      .write(checked.content, report, timeline, earlier: earlier)
    await starter.store.tidy()
    if !problems.isEmpty {
      // The run's own status counts for more.
      guard report.outcome == .succeeded else {
        await bootstrap.report(problems)
        return report.outcome
      }
      throw CommandFailure(.invalidInput, problems)
    }
    return report.outcome
  }

  private func observer() -> any RunObserver {
    switch command.output {
    case .text:
      bootstrap.console.canRedraw
        ? LiveObserver(console: bootstrap.console) : PlainObserver(console: bootstrap.console)
    case .json, .junit: SilentObserver()
    case .jsonl: JSONLinesObserver(console: bootstrap.console)
    }
  }

  private func summarise(_ report: RunReport, _ timeline: RunTimeline, in directory: RunDirectory) async {
    let console = bootstrap.console
    let hasResults = await bootstrap.files.run { directory.hasResults() }
    if !command.keep { await bootstrap.files.run { directory.removeIfEmpty() } }
    let workspace = hasResults || command.keep ? directory.workspace : nil
    let summary = RunSummary(
      report: report, workspace: workspace, watched: session.sandboxes.setup.host.watchedControllers,
      deviceGuard: session.sandboxes.setup.host.deviceGuard, state: command.options.state.stateDir)
    if let problem = await bootstrap.files.run({ directory.keep(report) }) { await bootstrap.report([problem]) }
    if let failure = report.stateFailure { await bootstrap.report([Diagnostic(failure)]) }
    switch command.output {
    case .text:
      for line in summary.failures(style: console.errorStyle) { await console.printError(line) }
      for line in summary.lines(style: console.outputStyle) { await console.print(line) }
      for line in summary.notes { await console.printError(console.errorStyle(line, .faint)) }
    case .json: await console.print(summary.json.text(.pretty))
    case .jsonl: await console.print(summary.jsonLine.text())
    case .junit: await console.print(JUnitReport.xml(report: report, timeline: timeline))
    }
  }

  func announceStop() async {
    guard command.output == .text else { return }
    await bootstrap.console.printError("stopping; once more to kill")
  }
}
