import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning
import StateStore

/// A workflow file, read, and those that its nodes name.
struct WorkflowFile: Sendable {
  let path: String
  let bytes: [UInt8]
  let workflow: Workflow
  /// The others, by their paths relative to its directory.
  var others: [String: [UInt8]] = [:]
  /// All of them, by the names that diagnostics have for them.
  let sources: [(file: String, bytes: [UInt8])]

  /// The plugins that its nodes name, once each.
  var plugins: Set<PluginName> { workflow.pluginsOfNodes }

  func failure(_ refusal: PlanRefusal) -> CommandFailure { failure(refusal.items, ExitStatus(refusal)) }

  func failure(_ diagnostics: [Diagnostic], _ status: ExitStatus = .invalidInput) -> CommandFailure {
    CommandFailure(status, diagnostics, sources: sources)
  }
}

/// A workflow that was checked against what its plugins offer: as a graph, which can run, or as an outline, which needs
/// no inputs and can't.
struct CheckedWorkflow<Content: Sendable>: Sendable {
  var file: WorkflowFile
  var content: Content
  /// Those that its nodes name.
  var plugins: [DiscoveredPlugin]
  /// What each of them may do.
  var decisions: [PluginName: GrantDecision]
  /// For before the run: grants that are missing or useless, notes.
  var warnings: [Diagnostic]
}

/// What the commands that take a workflow have in common.
struct WorkflowOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The workflow, a YAML or JSON file.", valueName: "workflow")) var path: String
  @OptionGroup var inputs: InputOptions
  @OptionGroup var grants: GrantOptions
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions
}

/// A workflow, what it is checked against, and the sandboxes for it. Whoever makes it must ``run(onStop:_:)`` it, once.
struct WorkflowSession: Sendable {
  let bootstrap: Bootstrap
  let file: WorkflowFile
  let catalog: PluginCatalog
  let statePath: String
  let sandboxes: Sandboxes
  private let policy: GrantPolicy
  /// What each plugin of the workflow may do.
  private let decisions: [GrantDecision]
  /// Of the command line, for the commands that hints propose.
  private let placeOptions: String
  /// On the operator's configuration.
  private let notes: [Diagnostic]
  private let given: GivenInputs
  /// Plugins that the operator wrote a configuration for.
  private let configured: Set<PluginName>
  /// Nobody removes them meanwhile.
  private let installedUse: FileLock?

  /// - Parameters:
  ///   - asks: somebody may be asked for what isn't granted.
  ///   - learning: what is different for a plugin whose needs are learned.
  ///   - source: the run whose workflow it is, where that isn't to be read from its files.
  ///   - inputs: nil: those of the options.
  ///   - isRun: it is going to be run, so that plugins need their secrets.
  init(
    _ options: WorkflowOptions, jobs: Int, asks: Bool = false, learning: LearningStage? = nil,
    source: StoredRun? = nil, inputs: GivenInputs? = nil, isRun: Bool = false, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) {
    self.bootstrap = bootstrap
    let statePath = try bootstrap.state(options.state)
    self.statePath = statePath
    let system = try await bootstrap.systemConfiguration(options.system, options.policy, state: statePath)
    notes = system.warnings
    if let inputs { given = inputs } else { given = .arguments(try options.inputs.arguments()) }
    file = try await bootstrap.workflow(options.path, source: source, limits: system.limits)
    catalog = try await bootstrap.catalog(options.plugins, system, state: options.state)
      .choosing(file.workflow.plugins.mapValues(\.value))
      .choosing(digests: source.flatMap { RunSettings($0.settings)?.plugins } ?? [:])
    placeOptions = options.plugins.text + options.state.text
    var policy = try await bootstrap.grantPolicy(system, options.grants, state: statePath)
    let plugins = catalog.plugins(of: file)
    installedUse = try await bootstrap.use(plugins, of: catalog, trust: system.trust, state: statePath)
    var declined: Set<PluginName> = []
    if asks {
      // Of two plugins with one name nobody knows which is meant.
      let clear = plugins.filter { [catalog] in catalog.rivals[$0.manifest.name] == nil }
      (policy, declined) = try await ConsentDialogue(bootstrap: bootstrap, state: statePath).ask(about: clear, policy)
    }
    if let learning { policy.consent(to: learning.allowed, for: learning.plugin) }
    let decided = plugins.map { [policy, declined] plugin in
      let decision = learning.narrowed(policy.decision(for: plugin))
      return declined.contains(plugin.manifest.name) ? decision.declined : decision
    }
    self.policy = policy
    decisions = decided
    var setup = try await bootstrap.sandboxSetup(
      options.sandbox, state: statePath, system: system, decisions: decided, catalog: catalog)
    setup.configurations = try await bootstrap.configurations(of: plugins, of: catalog, system, readsSecrets: isRun)
    configured = Set(system.pluginSettings.keys)
    if let learning, let profile = learning.profile { setup.profiles.byPlugin[learning.plugin] = profile }
    if let learning, learning.observes { setup.observed = learning.plugin }
    sandboxes = try Sandboxes(setup: setup, jobs: jobs, shared: bootstrap.standing?.fleet)
  }

  /// All that the workflow declares, for a run.
  func boundInputs() throws(CommandFailure) -> [ParameterName: JSONValue] { try inputs(areAllNeeded: true) }

  private func inputs(areAllNeeded: Bool) throws(CommandFailure) -> [ParameterName: JSONValue] {
    do throws(Diagnostics) {
      return try file.workflow.bind(given.values(for: file.workflow), areAllNeeded: areAllNeeded)
    } catch {
      throw file.failure(error.items)
    }
  }

  /// For a run.
  func check() async throws(CommandFailure) -> CheckedWorkflow<WorkflowGraph> {
    let checked = try await checkAlone()
    // Last: it may take long, and a workflow with a mistake needs none.
    try await provide(for: checked)
    return checked
  }

  /// The Python packages that its plugins need.
  func provide(for checked: CheckedWorkflow<WorkflowGraph>) async throws(CommandFailure) {
    try await sandboxes.setup.environments.provide(for: checked.plugins)
  }

  /// For a run that is to be given its plugins' packages before it begins.
  func checkAlone() async throws(CommandFailure) -> CheckedWorkflow<WorkflowGraph> {
    try await check(isRun: true) { (catalog, inputs) throws(Diagnostics) in
      let graph = try WorkflowGraph.validate(file.workflow, catalog: catalog, inputs: inputs)
      try sandboxes.setup.checkLimits(of: graph.nodes)
      return graph
    }
  }

  /// Inputs that a run would still have to be given may be missing.
  func outline() async throws(CommandFailure) -> CheckedWorkflow<WorkflowOutline> {
    try await check(isRun: false) { (catalog, inputs) throws(Diagnostics) in
      let outline = try WorkflowOutline(checking: file.workflow, catalog: catalog, inputs: inputs)
      try sandboxes.setup.checkLimits(of: outline.nodes)
      return outline
    }
  }

  private func check<Content: Sendable>(
    isRun: Bool, _ content: (NodeCatalog, [ParameterName: JSONValue]) throws(Diagnostics) -> Content
  ) async throws(CommandFailure) -> CheckedWorkflow<Content> {
    let inputs = try inputs(areAllNeeded: isRun)
    let loader = sandboxes.loader(state: statePath, files: bootstrap.files)
    let changes = decisions.compactMap { decision in
      decision.change?.diagnostic(of: decision, options: placeOptions, severity: isRun ? .error : .warning)
    }
    var checked = try await bootstrap.check(
      file, catalog: catalog, decisions: decisions, configured: configured, refusals: isRun ? changes : [],
      loader: loader
    ) { (offered) throws(Diagnostics) in try content(offered, inputs) }
    checked.warnings =
      notes + checked.warnings + decisions.flatMap { $0.diagnostics(options: placeOptions) }
      + (isRun ? [] : changes) + unusedGrants()
    return checked
  }

  /// What somebody could still allow a plugin of `permission`: what its manifest asks for and no policy forbids. Empty: nothing, or it has
  /// it already.
  func grantable(_ permission: Permission, to plugin: DiscoveredPlugin) -> [Permission] {
    plugin.manifest.permissions.compactMap { $0.meet(permission) }.filter { wanted in
      var policy = policy
      policy.consent(to: [wanted], for: plugin.manifest.name)
      let decision = policy.decision(for: plugin)
      let had = decisions.first { $0.plugin == plugin.manifest.name }?.effective ?? []
      return decision.refusals.isEmpty && wanted.isCovered(by: decision.effective) && !wanted.isCovered(by: had)
    }
  }

  private func unusedGrants() -> [Diagnostic] {
    policy.plugins.filter { !file.plugins.contains($0) }.map { name in
      Diagnostic(
        "--grant names the plugin \"\(name)\", which no node of the workflow uses",
        hint: Suggestion.hint(for: name.text, among: file.plugins.map(\.text).sorted()), severity: .warning)
    }
  }

  /// Runs `work` until it ends or a signal ends it, and closes the session whatever comes.
  func run<Success: Sendable>(
    onStop: @escaping @Sendable () async -> Void = {},
    _ work: @escaping @Sendable () async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> Success {
    try await sandboxes.use(onStop: onStop, work)
  }
}

extension Bootstrap {
  /// Finds the workflow's plugins, learns their node types, and checks the workflow. Everything that is wrong is told
  /// at once, as far as that is possible.
  fileprivate func check<Content: Sendable>(
    _ file: WorkflowFile, catalog: PluginCatalog, decisions: [GrantDecision], configured: Set<PluginName>,
    refusals: [Diagnostic], loader: SpecificationLoader, _ content: (NodeCatalog) throws(Diagnostics) -> Content
  ) async throws(CommandFailure) -> CheckedWorkflow<Content> {
    let plugins = catalog.plugins(of: file)
    let loaded = await loader.load(plugins)
    let failures = loaded.diagnostics.filter { $0.severity == .error }
    guard failures.isEmpty else {
      throw CommandFailure(loaded.isSandboxMissing ? .sandboxUnavailable : .invalidInput, failures)
    }
    // Every plugin that was found is named in hints; only those of the workflow were asked.
    let offered = Dictionary(
      catalog.plugins.map { plugin in
        let types = loaded.specifications[plugin.manifest.name] ?? []
        return (plugin.manifest.name, NodeCatalog.Plugin(version: plugin.manifest.version, specifications: types))
      }
    ) { first, _ in first }
    do throws(Diagnostics) {
      let content = try content(NodeCatalog(plugins: offered))
      let refusals =
        decisions.flatMap(\.refusals)
        + decisions.compactMap { decision in
          catalog.ambiguity(of: decision, isConfigured: configured.contains(decision.plugin))
        } + refusals
      guard refusals.isEmpty else { throw Diagnostics(refusals) }
      return CheckedWorkflow(
        file: file, content: content, plugins: plugins,
        decisions: Dictionary(decisions.map { ($0.plugin, $0) }) { first, _ in first },
        warnings: loaded.diagnostics)
    } catch {
      throw file.failure(error.items + explanations(of: file, catalog))
    }
  }

  /// A plugin that the workflow wants may lie there broken.
  private func explanations(of file: WorkflowFile, _ catalog: PluginCatalog) -> [Diagnostic] {
    file.plugins.contains { catalog[$0] == nil } ? catalog.broken.flatMap(\.diagnostics) : []
  }
}

extension PluginCatalog {
  /// Those that the nodes of the workflow name.
  fileprivate func plugins(of file: WorkflowFile) -> [DiscoveredPlugin] {
    plugins.filter { file.plugins.contains($0.manifest.name) }
  }
}

/// What a workflow's inputs are given.
enum GivenInputs: Sendable {
  case arguments([InputArgument])
  case values([JSONValue.Member])

  fileprivate func values(for workflow: Workflow) -> [(name: String, value: JSONValue)] {
    switch self {
    case .arguments(let arguments): arguments.map { ($0.name, workflow.value(ofArgument: $0.text, for: $0.name)) }
    case .values(let members): members.map { ($0.key, $0.value) }
    }
  }
}

/// `name=value`
struct InputArgument: Sendable {
  var name: String
  var text: String

  init?(_ argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { return nil }
    name = String(parts[0])
    text = String(parts[1])
  }
}
