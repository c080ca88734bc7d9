import ArgumentParser
import PluginModel
import PluginRegistry
import SandboxPlanning

/// `orchestrator plan …`
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Shows what a sandbox would be.",
    subcommands: [PlanShowCommand.self, PlanBundleCommand.self])
}

/// `orchestrator plan show`. Decides and prints; nothing is started.
struct PlanShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints the whole sandbox plan of a plugin's worker.",
    discussion: """
      Every mount, id, namespace, system call, Landlock rule, limit and variable, before anything is started. The \
      workspace of a run is shown as /srv/workspace, unless --workspace names one.
      """)

  @OptionGroup var options: PlanOptions
  @Flag(help: "Print the plan as JSON.") var json = false
  @Flag(help: "Print it as the config.json of the OCI runtime specification.") var oci = false

  func validate() throws {
    if json, oci { throw ValidationError("--json and --oci exclude each other.") }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    let plan = try await options.plan(bootstrap)
    await bootstrap.console.print(
      json ? plan.jsonValue.text(.pretty) : oci ? plan.ociConfiguration().text(.pretty) : plan.text)
  }
}

/// Of which worker, in which run.
struct PlanOptions: ParsableArguments {
  @Argument(help: "The plugin's name.") var plugin: String
  @OptionGroup var grants: GrantOptions
  @OptionGroup var policy: PolicyOptions
  @Option(help: ArgumentHelp("The workspace of the run.", valueName: "directory")) var workspace: String?
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions

  /// Reports what was asked for and isn't granted.
  func plan(_ bootstrap: Bootstrap) async throws -> SandboxPlan {
    let system = try await bootstrap.systemConfiguration(self.system, self.policy)
    await bootstrap.report(system.warnings)
    let state = try bootstrap.state(self.state)
    let policy = try await bootstrap.grantPolicy(system, grants, state: state)
    let catalog = try await bootstrap.catalog(plugins, system)
    let found = try catalog.plugin(named: plugin)
    let decision = policy.decision(for: found)
    let refusals = decision.refusals + [catalog.ambiguity(of: decision)].compactMap(\.self)
    guard refusals.isEmpty else { throw CommandFailure(.invalidInput, refusals) }
    let setup = try await bootstrap.sandboxSetup(
      sandbox, state: state, system: system, decisions: [decision], catalog: catalog)
    let options = plugins.text + self.state.text
    let change = decision.change?.diagnostic(of: decision, options: options, severity: .warning)
    await bootstrap.report([change].compactMap(\.self) + decision.diagnostics(options: options))
    let workspace = try shownWorkspace()
    let gpus = shownGPUs(decision, setup.gpus ?? GPUInventory())
    if let missing = gpus.missing { await bootstrap.report([missing]) }
    do throws(PlanRefusal) {
      return try await setup.plan(for: found, granted: decision.effective, workspace: workspace, gpus: gpus.shown)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Those that a node would get that asks for as many as were granted, or for one.
  private func shownGPUs(_ decision: GrantDecision, _ inventory: GPUInventory) -> (shown: [GPU], missing: Diagnostic?) {
    let counts = decision.effective.compactMap { permission in
      if case .gpuAccess(let count) = permission { count ?? 1 } else { Int?.none }
    }
    guard let count = counts.max() else { return ([], nil) }
    let demand = GPUDemand(count: count)
    guard let candidates = inventory.candidates(for: demand) else {
      var refusal = inventory.refusal(of: demand, subject: "a node of \(decision.plugin)")
      refusal?.severity = .warning
      return ([], refusal)
    }
    return (Array(candidates.prefix(count)), nil)
  }

  private func shownWorkspace() throws(CommandFailure) -> AbsolutePath {
    let text = workspace ?? "/srv/workspace"
    guard let path = AbsolutePath(text) else {
      throw CommandFailure(
        .invalidInput, "--workspace \(text) is not an absolute path without \"..\"",
        hint: "for example: --workspace /srv/data")
    }
    return path
  }
}

extension PluginCatalog {
  /// - Throws: that there is none, with the nearest name; or what is wrong with the one in a directory of this name.
  func plugin(named text: String) throws(CommandFailure) -> DiscoveredPlugin {
    if let name = PluginName(text), let found = self[name] { return found }
    let namesakes = broken.filter { $0.directory.hasSuffix("/" + text) }.flatMap(\.diagnostics)
    guard namesakes.isEmpty else { throw CommandFailure(.invalidInput, namesakes) }
    let names = plugins.map(\.manifest.name.text)
    throw CommandFailure(
      .invalidInput, "there is no plugin \"\(text)\"",
      hint: names.isEmpty ? "name a directory of plugins with --plugins" : Suggestion.hint(for: text, among: names))
  }
}
