import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// Runs a workflow until what a plugin lacks is known, makes a proposal of what was seen, and runs it again under that.
struct Learning: Sendable {
  let command: ProfileLearnCommand
  let bootstrap: Bootstrap
  let jobs: Int
  /// Of the run under way.
  private let current = Lock<WorkerPool?>(nil)

  init(command: ProfileLearnCommand, bootstrap: Bootstrap, jobs: Int) {
    self.command = command
    self.bootstrap = bootstrap
    self.jobs = jobs
  }

  struct Result: Sendable {
    var proposal: LearningProposal
    var grantCommand: String?
    var rounds: Int
    var file: String?
    /// Of the run under the proposal: what it was denied and did without.
    var notes: [String]

    var lines: [String] {
      var text = proposal.text(grantCommand: grantCommand)
      text.removeLast()
      return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    var json: JSONValue {
      .object(
        proposal.jsonMembers(grantCommand: grantCommand) + [
          .init("rounds", .integer(Int64(rounds))), .init("verified", .bool(true)),
          .init("denied", .array(notes.map(JSONValue.string))),
        ])
    }
  }

  /// What one run came to.
  private struct Round: Sendable {
    var report: RunReport
    var failures: [String]
    var evidence: LearningEvidence
    /// What it was denied, and somebody could allow.
    var missing: [Permission]
  }

  private var options: WorkflowOptions { command.options }

  /// The first signal ends the run that is under way, and the second what is left of it.
  func run() async throws(CommandFailure) -> Result {
    let signals: SignalStream
    do throws(SystemError) {
      signals = try SignalStream()
    } catch {
      throw CommandFailure(.invalidInput, "the program can't start", why: error.description)
    }
    let interruption = Interruption(
      signals: signals.signals,
      onStop: { _ in await bootstrap.console.printError("stopping; once more to kill") },
      kill: { await current.withLock { $0 }?.shutdown() })
    let (result, signal) = await interruption.run { () async -> Swift.Result<Result, CommandFailure> in
      do throws(CommandFailure) { return .success(try await learn()) } catch { return .failure(error) }
    }
    if signal != nil, case .failure = result { throw CommandFailure(.interrupted) }
    return try result.get()
  }

  private func learn() async throws(CommandFailure) -> Result {
    guard let plugin = PluginName(command.plugin) else {
      throw CommandFailure(
        .invalidInput, "\(command.plugin.quoted) is not the name of a plugin", hint: "a name is \(PluginName.grammar)")
    }
    var stage = LearningStage(plugin: plugin, allowed: try Permission.parse(command.allowed), observes: true)
    var declined: [Permission] = []
    for number in 1...command.rounds {
      await say("run \(number), watched")
      let round = try await self.round(stage)
      let missing = round.missing.filter { !declined.contains($0) }
      if !missing.isEmpty, number < command.rounds, command.output == .text, ConsentDialogue.isPossible() {
        let allowed = await LearningDialogue(bootstrap: bootstrap).ask(about: missing, for: plugin)
        declined += missing.filter { !allowed.contains($0) }
        if !allowed.isEmpty {
          stage.allowed += allowed
          continue
        }
      }
      guard round.report.outcome == .succeeded else { throw await stopped(round, missing, after: number) }
      return try await verified(round, stage, rounds: number)
    }
    throw CommandFailure(
      .nodeFailed, "after \(command.rounds) runs something is still missing", hint: "allow more, or raise --rounds")
  }

  private func stopped(_ round: Round, _ missing: [Permission], after number: Int) async -> CommandFailure {
    for line in round.failures { await bootstrap.console.printError(line) }
    guard !missing.isEmpty else {
      return CommandFailure(
        ExitStatus(round.report.outcome), "nothing can be learned from a run that fails",
        why: "no permission that \(command.plugin) asks for and may be given would mend it",
        hint: "mend the workflow or the plugin first")
    }
    let options = missing.map { "--allow " + ShellText.word($0.description) }.joined(separator: " ")
    return CommandFailure(
      .nodeFailed, "\(command.plugin) needs more than it may have while learning",
      why: missing.map { "\($0): \($0.meaning); \($0.risk)" }.joined(separator: "\n"),
      hint: "if you want it to have that, run the same with: \(options)")
  }

  private func verified(_ round: Round, _ stage: LearningStage, rounds: Int) async throws(CommandFailure) -> Result {
    let proposal = LearningProposal(round.evidence)
    let system = try await bootstrap.systemConfiguration(options.system, options.policy)
    let profile = try await bootstrap.profileStore(system).profile(
      yaml: Array(proposal.profile.yaml.utf8), file: "\(proposal.profile.name).yaml")
    await say("run \(rounds + 1), under the proposal")
    var stage = stage
    (stage.only, stage.profile, stage.observes) = (proposal.granted, profile, false)
    let again = try await self.round(stage)
    guard again.report.outcome == .succeeded else {
      for line in again.failures { await bootstrap.console.printError(line) }
      throw CommandFailure(
        .nodeFailed, "what was learned isn't enough: the same workflow fails under it",
        why: "another run of the plugin does something else; nothing was written",
        hint: "learn again from a workflow that makes it do all that it should, or write the profile by hand")
    }
    let list = proposal.granted.map(\.description)
    return Result(
      proposal: proposal,
      grantCommand: list.isEmpty
        ? nil
        : "orchestrator plugin grant \(proposal.plugin) \(ShellText.words(list))"
          + options.plugins.text + options.state.text,
      rounds: rounds, file: command.file,
      notes: again.missing.map { "under the proposal it was denied what \($0) would allow, and did without" })
  }

  private func say(_ line: String) async {
    guard command.output == .text else { return }
    await bootstrap.console.printError(bootstrap.console.errorStyle(line, .faint))
  }

  // MARK: One run

  private func round(_ stage: LearningStage) async throws(CommandFailure) -> Round {
    let session = try await WorkflowSession(options, jobs: jobs, learning: stage, isRun: true, bootstrap)
    let pool = session.sandboxes.pool
    current.withLock { $0 = pool }
    return try await session.sandboxes.useAmongOthers { () async throws(CommandFailure) in
      try await round(stage, session)
    }
  }

  private func round(_ stage: LearningStage, _ session: WorkflowSession) async throws(CommandFailure) -> Round {
    let checked = try await session.check()
    guard let plugin = checked.plugins.first(where: { $0.manifest.name == stage.plugin }) else {
      let names = checked.plugins.map(\.manifest.name.text)
      throw CommandFailure(
        .invalidInput, "no node of the workflow is one of the plugin \(stage.plugin.text.quoted)",
        hint: Suggestion.hint(for: stage.plugin.text, among: names))
    }
    if let node = checked.content.nodes.first(where: { !$0.secrets.isEmpty }) {
      throw CommandFailure(
        .invalidInput, "what \(stage.plugin.text.quoted) needs can't be learned from this workflow",
        why: "its node \(node.name.text.quoted) has secrets", hint: "learn from a workflow without them")
    }
    let granted = checked.decisions[stage.plugin]?.effective ?? []
    try await checkAllowed(stage, plugin, granted, session)
    let directory = try await session.makeDirectory(workspace: command.workspace)
    let recorder = LearningRecorder()
    let report = try await session.execute(
      checked, in: directory, jobs: jobs, timeoutMilliseconds: command.timeout.flatMap(Quantity.duration),
      observer: SilentObserver(),
      secrets: RunSecrets(ofPlugins: session.sandboxes.setup.configurations.all), observed: { recorder.add($0, $1) })
    if report.outcome == .interrupted { throw CommandFailure(.interrupted) }
    if let problem = await bootstrap.files.run({ directory.keep(report) }) { await bootstrap.report([problem]) }
    let setup = session.sandboxes.setup
    let environment = try await setup.environments.present(for: plugin)?.directory
    let plan: SandboxPlan
    do throws(PlanRefusal) {
      plan = try await setup.plan(
        for: plugin, granted: granted, workspace: directory.workspace, environment: environment)
    } catch {
      throw checked.file.failure(error)
    }
    let evidence = await recorder.evidence(
      checked, report, of: plugin, plan: plan, base: setup.profiles[stage.plugin], host: setup.host,
      files: bootstrap.files)
    await bootstrap.files.run { directory.removeIfEmpty() }
    let summary = RunSummary(
      report: report, workspace: nil, watched: [], deviceGuard: setup.host.deviceGuard, state: options.state.stateDir)
    return Round(
      report: report, failures: summary.failures(style: bootstrap.console.errorStyle), evidence: evidence,
      missing: missing(report, checked, plugin, session))
  }

  /// What the manifest doesn't ask for would have no effect, and what the profile can't be inherited from makes no proposal.
  private func checkAllowed(
    _ stage: LearningStage, _ plugin: DiscoveredPlugin, _ granted: [Permission], _ session: WorkflowSession
  ) async throws(CommandFailure) {
    guard stage.observes else { return }
    let asked = plugin.manifest.permissions
    var problems = stage.allowed.filter { permission in asked.allSatisfy { $0.meet(permission) == nil } }.map {
      Diagnostic(
        "\(stage.plugin) doesn't ask for \($0)",
        why: asked.isEmpty
          ? "its manifest asks for nothing"
          : "its manifest asks for: \(asked.map(\.description).joined(separator: ", "))",
        hint: "allow what it asks for, or a part of that")
    }
    let base = session.sandboxes.setup.profiles[stage.plugin]
    let system = try await bootstrap.systemConfiguration(options.system, options.policy)
    if (try? await bootstrap.profileStore(system).profile(base.name)) != base {
      problems.append(
        Diagnostic(
          "no profile can inherit from \(base.name.quoted)", why: "that name doesn't lead to the profile it runs under",
          hint: "put its file into one of profile_directories"))
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
  }

  private func missing(
    _ report: RunReport, _ checked: CheckedWorkflow<WorkflowGraph>, _ plugin: DiscoveredPlugin,
    _ session: WorkflowSession
  ) -> [Permission] {
    let own = Set(checked.content.nodes.filter { $0.type.plugin == plugin.manifest.name }.map(\.name))
    let wanted = report.nodes.filter { own.contains($0.name) || $0.name.matrixNode.map(own.contains) ?? false }
      .flatMap { $0.account.denials?.record.denials ?? [] }.compactMap(\.permission)
    return Set(wanted.flatMap { session.grantable($0, to: plugin) }).sorted()
  }
}
