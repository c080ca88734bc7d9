import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// `plugin test --sandboxed`: the tests run as without, and the nodes that they execute run in workers of the plugin.
struct SandboxedTests: Sendable {
  let command: PluginTestCommand
  let tests: AuthorTests
  let bootstrap: Bootstrap

  private var plugin: DiscoveredPlugin { tests.plugin }

  func run() async throws(CommandFailure) {
    let system = try await bootstrap.systemConfiguration(command.system, command.policy)
    let state = try bootstrap.state(command.state)
    let policy = try await bootstrap.grantPolicy(system, command.grants, state: state)
    let decision = policy.decision(for: plugin)
    guard decision.refusals.isEmpty else { throw CommandFailure(.invalidInput, decision.refusals) }
    let options = command.state.text
    let change = decision.change?.diagnostic(of: decision, options: options, severity: .warning)
    await bootstrap.report(system.warnings + [change].compactMap(\.self) + decision.diagnostics(options: options))
    let setup = try await bootstrap.sandboxSetup(
      command.sandbox, state: state, system: system, decisions: [decision], catalog: PluginCatalog(only: [plugin]))
    let sandboxes = try Sandboxes(setup: setup, jobs: 1)
    try await sandboxes.useAmongOthers { () async throws(CommandFailure) in
      let specifications = try await Interruption.of(kill: { await sandboxes.pool.shutdown() }) {
        () async throws(CommandFailure) in
        let loaded = await sandboxes.loader(state: state, files: bootstrap.files).load([plugin])
        try await sandboxes.setup.environments.provide(for: [plugin])
        return try loaded.demanded(of: plugin)
      }
      let place = try await TestPlace.make(state: state, files: bootstrap.files)
      let result: Result<Void, CommandFailure>
      do throws(CommandFailure) {
        result = .success(try await run(decision, specifications, in: place, sandboxes, system))
      } catch {
        result = .failure(error)
      }
      await sandboxes.pool.shutdown()
      await place.remove(files: bootstrap.files)
      try result.get()
    }
  }

  private func run(
    _ decision: GrantDecision, _ specifications: [NodeSpecification], in place: TestPlace, _ sandboxes: Sandboxes,
    _ system: SystemConfiguration
  ) async throws(CommandFailure) {
    let ends: (ours: UnixSocket, theirs: UnixSocket)
    let explainer: DenialExplainer
    do throws(SystemError) {
      ends = try UnixSocket.pair()
      explainer = try DenialExplainer([plugin])
    } catch {
      throw CommandFailure(.sandboxUnavailable, "the program can't go on", why: error.description)
    }
    let nodes = TestedNodes(
      plugin: plugin, decision: decision, specifications: specifications, workspace: place.workspace,
      setup: sandboxes.setup, pool: sandboxes.pool, explainer: explainer,
      limit: system.limits.executionMilliseconds.map { .milliseconds($0.value) })
    let service = NodeService(ends.ours, loop: sandboxes.loop) { await nodes.run($0, $1) }
    try await tests.run(
      telling: [
        "socket": .integer(Int64(AuthorTests.socketNumber)), "workspace": .string(place.workspace.text),
      ], passing: ends.theirs,
      meanwhile: {
        if let violation = await service.serve() {
          await bootstrap.report([
            Diagnostic("the tests broke the worker protocol, and run no more nodes", why: violation.description)
          ])
        }
        // What waits for an answer learns that there is none.
        sandboxes.loop.close(ends.ours.descriptor)
      }, kill: { await sandboxes.pool.shutdown() })
  }
}

/// Runs the nodes that tests ask for.
struct TestedNodes: Sendable {
  let plugin: DiscoveredPlugin
  let decision: GrantDecision
  let specifications: [NodeSpecification]
  let workspace: AbsolutePath
  let setup: SandboxSetup
  let pool: WorkerPool
  let explainer: DenialExplainer
  /// The operator's.
  let limit: Duration?

  /// As `execution_timeout` of plugin_system.yaml has it by default.
  private static let usualLimit = Duration.seconds(60)

  func run(_ request: NodeService.Request, _ report: @escaping WorkerPool.Report) async -> NodeService.Answer {
    let type = request.execution.nodeType
    guard let specification = specifications.first(where: { $0.nodeType == type }) else {
      return .refusal(
        Diagnostic(
          "\(plugin.manifest.name) has no node type \(type.text.quoted)",
          hint: Suggestion.hint(for: type.text, among: specifications.map(\.nodeType.text))))
    }
    var configuration: WorkerConfiguration
    do throws(PlanRefusal) {
      // A share of a GPU would have to be taken from somebody: a test gets none.
      var requirement = specification.resourceRequirements
      requirement.gpuCount = 0
      configuration = try await setup.configuration(
        for: plugin, granted: decision.effective, workspace: workspace,
        resources: ResourceRequest(subject: "the node type \(type.text.quoted)", requirement: requirement))
    } catch {
      return .refusal(error.items.first ?? Diagnostic("the node's sandbox can't be planned"))
    }
    configuration.config = request.config
    let seen = Lock(CallAccount())
    let longest = limit ?? Self.usualLimit
    do throws(WorkerFailure) {
      return .outcome(
        try await pool.execute(
          request.execution, on: configuration, limit: min(request.limit ?? longest, longest), report: report,
          account: { account in seen.withLock { $0.add(account) } }))
    } catch {
      return .failure(error, hint: await denials(seen.withLock { $0 }, error, configuration.plan))
    }
  }

  /// What it was denied, and what would allow it.
  private func denials(_ account: CallAccount, _ failure: WorkerFailure, _ plan: SandboxPlan) async -> String? {
    var account = account
    if let egress = account.egress { account.denials.add(egress.record) }
    guard let denials = await explainer.denials(account.denials, failure, plan: plan) else { return nil }
    let style = Style(isInteractive: false, noColor: true, terminal: nil)
    let lines = DenialText(style: style).grants(denials)
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }
}

/// Where the tests' workspace lies while they run.
struct TestPlace: Sendable {
  let workspace: AbsolutePath
  private let held: HeldDirectory

  static func make(state: String, files: DedicatedThread) async throws(CommandFailure) -> TestPlace {
    do throws(FileError) {
      return try await files.run { () throws(FileError) in
        let held = try HeldDirectory(in: state + "/tests")
        let workspace = try Directory(opening: held.path.text).makeDirectory("workspace")
        guard let path = AbsolutePath(workspace.path) else {
          throw .system(SystemError("mkdir", workspace.path, .notFound))
        }
        return TestPlace(workspace: path, held: held)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "the tests' workspace can't be made", why: error.description,
        hint: "name a writable directory with --state-dir")
    }
  }

  func remove(files: DedicatedThread) async { await files.run { held.remove() } }
}
