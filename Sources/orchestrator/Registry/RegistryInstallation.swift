import LinuxSystem
import PluginModel
import PluginRegistry

extension PluginInstallCommand {
  /// Everything is found, fetched and verified before anything is installed.
  func installFromRegistry(
    _ system: SystemConfiguration, _ path: String, _ catalog: PluginCatalog, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) {
    let wish: RegistryWish
    do throws(Diagnostic) { wish = try RegistryWish(source) } catch { throw CommandFailure(.invalidInput, [error]) }
    guard system.registry.address != nil else {
      throw CommandFailure(
        .invalidInput, "the plugin \(wish.name.text.quoted) can't be found: no registry of plugins is configured",
        why: "there is no file or directory of that name here either",
        hint: "check the path, or name a registry in plugins.registry.url of \(Places.systemConfiguration)")
    }
    let fetched = try await RegistryFetch(
      bootstrap: bootstrap, system: system, state: path, catalog: catalog, sandbox: sandbox,
      choice: RegistryChoice(engine: engineVersion, allowsYanked: allowYanked, allowsDowngrade: allowDowngrade),
      checksum: checksum
    ).packages(for: wish)
    await bootstrap.report(fetched.flatMap(\.warnings))
    let isAsked = !noConsent && ConsentDialogue.isPossible()
    let style = isAsked ? bootstrap.console.errorStyle : bootstrap.console.outputStyle
    let offers = try await offers(fetched, system, path, bootstrap)
    // Whoever answers sees it where the question is, wherever the output goes.
    for line in offers.flatMap({ $0.lines(style) }) {
      if isAsked { await bootstrap.console.printError(line) } else { await bootstrap.console.print(line) }
    }
    let answer = isAsked ? try await answer(about: offers, bootstrap) : .unasked
    // What they ask for was shown to whoever has answered.
    let consent = try await consent(answer == .unasked ? .demanded : .given, system, path, bootstrap)
    var installed: [String] = []
    for item in fetched {
      do throws(CommandFailure) {
        // With what was installed before it.
        let catalog = try await bootstrap.catalog(plugins, system, state: state)
        let installer = PluginInstaller(bootstrap, system: system, state: path, catalog: catalog, sandbox: sandbox)
        let outcome = try await installer.install(
          item.content, shown: item.content.package.path, signers: item.signers, consent: consent,
          allowsDowngrade: allowDowngrade)
        installed.append("\(item.manifest.name) \(item.manifest.version)")
        try await bootstrap.remember(grants: try grants.permissions(), for: outcome.plugin, state: path)
        if answer == .installAndAllow { try await allow(outcome.plugin, system, path, bootstrap) }
        try await tell(outcome, system, path, bootstrap, asks: false)
      } catch {
        throw error.after(installed)
      }
    }
  }

  /// With what the operator's policy makes of it. A grant is for files: those of a package that isn't installed have none yet.
  private func offers(
    _ fetched: [FetchedPlugin], _ system: SystemConfiguration, _ state: String, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> [RegistryOffer] {
    let policy = try await bootstrap.grantPolicy(system, granting: try grants.permissions(), state: state)
    let installed = try await bootstrap.installedPlugins(state: state)
    return fetched.map { item in
      RegistryOffer(
        manifest: item.manifest, step: item.step, signers: item.signers,
        decision: policy.decision(for: item.manifest, digest: item.content.package.contents.description),
        before: installed.first { $0.name == item.manifest.name && $0.standing == .current })
    }
  }

  private enum Answer: Sendable {
    case installAndAllow
    case install
    /// Nobody is there who could be asked.
    case unasked
  }

  /// One answer for all of them.
  private func answer(about offers: [RegistryOffer], _ bootstrap: Bootstrap) async throws(CommandFailure) -> Answer {
    let names = Set(offers.flatMap(\.decision.offered).map(\.name.rawValue)).sorted()
    let isPlain = names.isEmpty
    // However long the list above is, what it comes down to stands where the answer is typed.
    let question =
      isPlain
      ? "Install \(offers.count == 1 ? "it" : "them")? [y] yes  [n] no (n): "
      : "Install, and allow \(names.joined(separator: ", "))? [y] yes, both  [i] install, allow nothing  [n] no (n): "
    let input = TerminalInput()
    input.discardTyped()
    await bootstrap.console.prompt(question)
    switch (await bootstrap.files.run { input.line() } ?? "").lowercased().filter({ $0 != " " && $0 != "\r" }) {
    case "y", "yes": return isPlain ? .install : .installAndAllow
    case "i" where !isPlain: return .install
    default: throw CommandFailure(.invalidInput, "nothing was installed")
    }
  }

  private func allow(
    _ plugin: DiscoveredPlugin, _ system: SystemConfiguration, _ state: String, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) {
    let decision = try await bootstrap.grantPolicy(system, state: state).decision(for: plugin)
    guard !decision.offered.isEmpty, decision.refusals.isEmpty else { return }
    // What can't be given now would stop every later run.
    _ = try await bootstrap.grantedFiles(decision.offered)
    try await bootstrap.remember(decision.offered, for: plugin, way: .consent, state: state)
  }
}
