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
    let (plan, profile) = try await options.decide(bootstrap)
    await bootstrap.console.print(
      json
        ? Self.json(plan, under: profile).text(.pretty)
        : oci ? plan.ociConfiguration().text(.pretty) : Self.text(plan, under: profile))
  }

  /// With the files that the profile comes of: they lie elsewhere on every host, and are no part of a plan.
  private static func text(_ plan: SandboxPlan, under profile: SecurityProfile) -> String {
    let lines = profile.chainLines + ["at most: \(profile.ceiling?.words ?? "all permissions may be granted")"]
    return plan.text + "\nprofile\n" + lines.map { "  \(SafeText.line($0, limit: 4096))\n" }.joined()
  }

  private static func json(_ plan: SandboxPlan, under profile: SecurityProfile) -> JSONValue {
    guard case .object(let members) = plan.jsonValue else { return plan.jsonValue }
    let files = profile.origins.chain.map { file -> JSONValue in
      ["name": .string(file.name), "file": .string(file.path)]
    }
    let most: JSONValue = profile.ceiling.map { .array($0.permissions.map { .string($0.description) }) } ?? .null
    return .object(
      members + [
        JSONValue.Member(
          "profile", ["name": .string(profile.name), "chain": .array(files), "permissionsAtMost": most])
      ])
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

  func plan(_ bootstrap: Bootstrap) async throws -> SandboxPlan { try await decide(bootstrap).plan }

  /// The plan and the profile it was made under. Reports what was asked for and isn't granted.
  func decide(_ bootstrap: Bootstrap) async throws -> (plan: SandboxPlan, profile: SecurityProfile) {
    let system = try await bootstrap.systemConfiguration(self.system, self.policy)
    await bootstrap.report(system.warnings)
    let state = try bootstrap.state(self.state)
    let policy = try await bootstrap.grantPolicy(system, grants, state: state)
    let catalog = try await bootstrap.catalog(plugins, system, state: self.state)
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
    var environment: PythonEnvironment?
    do throws(CommandFailure) {
      environment = try await setup.environments.present(for: found)
    } catch {
      await bootstrap.report(error.diagnostics.map(\.asWarning))
    }
    do throws(PlanRefusal) {
      let plan = try await setup.plan(
        for: found, granted: decision.effective, workspace: workspace, gpus: gpus.shown,
        environment: environment?.directory)
      return (plan, setup.profiles[found.manifest.name])
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
