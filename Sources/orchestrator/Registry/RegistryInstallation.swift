import LinuxSystem
import PluginModel
import PluginRegistry
import RegistryClient

extension PluginInstallCommand {
  /// A plugin of the registry that was fetched and verified, and isn't installed yet.
  private struct Fetched: Sendable {
    var step: RegistryResolution.Step
    var content: PackageContent
    var manifest: PluginManifest
    var signers: [String]
  }

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
    let packages = try await bootstrap.withRegistry(system) { registry throws(CommandFailure) in
      let plan = try await plan(wish, registry, catalog, bootstrap, state: path)
      var packages: [(RegistryResolution.Step, PackageFile)] = []
      for step in plan {
        packages.append((step, try await package(step, registry, bootstrap)))
        try await asking { () throws(Diagnostic) in
          try FetchedPackages.demandRoom(for: packages.map(\.1), maximum: Self.maximumBytes)
        }
      }
      return packages
    }
    var fetched: [Fetched] = []
    for (step, package) in packages { fetched.append(try await verified(step, package, system, path, bootstrap)) }
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
        guard !installed.isEmpty else { throw error }
        var told = error
        told.diagnostics.append(
          Diagnostic(
            "what was installed before stays: \(installed.joined(separator: ", "))",
            hint: "remove it with: orchestrator plugin remove", severity: .warning))
        throw told
      }
    }
  }

  /// Bytes of all packages of one installation, and of what is in them: both are kept in memory until all of them are verified.
  private static let maximumBytes = 1 << 30

  private func plan(
    _ wish: RegistryWish, _ registry: RegistryClient, _ catalog: PluginCatalog, _ bootstrap: Bootstrap, state: String
  ) async throws(CommandFailure) -> [RegistryResolution.Step] {
    let versions = try await bootstrap.installedPlugins(state: state)
    let current = versions.filter { $0.standing == .current }.map { ($0.name, $0.version) }
    let present = Dictionary(
      grouping: (catalog.plugins + catalog.alternatives).map(\.manifest), by: \.name
    ).mapValues { $0.map(\.version) }
    var resolution = RegistryResolution(
      wish,
      choice: RegistryChoice(engine: engineVersion, allowsYanked: allowYanked, allowsDowngrade: allowDowngrade),
      present: present, installed: Dictionary(current) { first, _ in first })
    return try await asking { () throws(Diagnostic) in
      while true {
        switch try resolution.next() {
        case .ask(let name):
          let (plugin, bytes) = try await registry.description(of: name)
          resolution.add(plugin, bytes: bytes)
        case .plan(let steps):
          guard checksum == nil || steps.count == 1 else {
            throw Diagnostic(
              "--checksum is that of one package, and \(steps.count) would be installed",
              why: "\(wish.name) needs \(steps.filter { $0.neededBy != nil }.map(\.name.text).joined(separator: ", "))",
              hint: "install what it needs before it, each with its own --checksum")
          }
          let size = steps.reduce(0) { $0 + $1.version.size }
          guard size <= Self.maximumBytes else {
            throw Diagnostic(
              "\(wish) and what it needs have \(size) bytes, and at most \(Self.maximumBytes) are installed at one time",
              hint: "install what it needs before it: \(steps.map(\.name.text).joined(separator: ", "))")
          }
          return steps
        }
      }
    }
  }

  private func package(
    _ step: RegistryResolution.Step, _ registry: RegistryClient, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> PackageFile {
    let memory = try await asking { () throws(Diagnostic) in try await registry.package(step.name, step.version) }
    let package = try await asking { () throws(Diagnostic) in
      try await bootstrap.files.run { () throws(Diagnostic) in
        try PackageFile(memory, of: step.name, step.version, from: registry.address.origin.description)
      }
    }
    guard step.neededBy == nil, let checksum, checksum != package.checksum.description else { return package }
    throw CommandFailure(
      .invalidInput, "\(package.path) is another package than the one that is wanted",
      why: "its checksum is \(package.checksum), and \(checksum) was asked for")
  }

  private func verified(
    _ step: RegistryResolution.Step, _ package: PackageFile, _ system: SystemConfiguration, _ state: String,
    _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> Fetched {
    let verified = try await bootstrap.verified(package, sandbox, system, state: state)
    await bootstrap.report(verified.warnings)
    // What was planned by is what is installed.
    if let difference = step.version.difference(from: verified.manifest) {
      throw CommandFailure(
        .invalidInput, "the registry describes \(package.path) wrongly",
        why: "its manifest says otherwise about \(difference)", hint: "tell whoever runs the registry")
    }
    return Fetched(
      step: step, content: verified.content, manifest: verified.manifest, signers: verified.signers)
  }

  /// With what the operator's policy makes of it. A grant is for files: those of a package that isn't installed have none yet.
  private func offers(
    _ fetched: [Fetched], _ system: SystemConfiguration, _ state: String, _ bootstrap: Bootstrap
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
