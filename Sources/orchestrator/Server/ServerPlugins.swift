import HTTPAPI
import LinuxSystem
import PluginModel
import PluginRegistry
import StateStore

/// The plugins of a server, and their node types, as they were found last.
actor ServerPlugins {
  let bootstrap: Bootstrap
  private let standing: StandingHost
  let state: StateOptions
  let statePath: String
  private let options: (plugins: PluginOptions, system: SystemOptions, sandbox: SandboxOptions)
  private var loaded: SpecificationLoader.Loaded
  /// By category; nil: all.
  private var palettes: [String?: APIReply] = [:]
  private var nodeLists: [String?: APIReply] = [:]
  /// From the registry: a gigabyte of memory may be taken meanwhile.
  private var isFetching = false

  init(
    _ bootstrap: Bootstrap, standing: StandingHost, state: StateOptions, statePath: String, plugins: PluginOptions,
    system: SystemOptions, sandbox: SandboxOptions
  ) {
    self.bootstrap = bootstrap
    self.standing = standing
    self.state = state
    self.statePath = statePath
    options = (plugins, system, sandbox)
    loaded = SpecificationLoader.Loaded(specifications: [:], diagnostics: [], isSandboxMissing: false)
  }

  var catalog: PluginCatalog { standing.now.catalog }
  private var system: SystemConfiguration { standing.now.system }

  // MARK: Finding

  /// Looks for plugins anew, and asks those that were never asked for their node types. What fails changes nothing.
  /// - Parameter readsConfiguration: also reads the operator's configuration.
  func refresh(readsConfiguration: Bool) async throws(CommandFailure) {
    var system = system
    if readsConfiguration {
      system = try await bootstrap.configurationSource(options.system).configuration()
    }
    system = system.withoutStoredSettings.adding(try await bootstrap.storedSettings(state: statePath))
    let catalog = try await bootstrap.scanned(options.plugins, system, state: state)
    guard catalog.mark != standing.now.catalog.mark || system != standing.now.system else { return }
    try await load(catalog, system)
    // Before the first run that asks for them.
    for (name, count) in NodePlaces.counts(system.semaphores, system.workers.concurrency) {
      await standing.dispatcher.set(name, count: count)
    }
    standing.change { [catalog, system] now in
      now.catalog = catalog
      now.system = system
    }
  }

  /// The node types of those that were found at the start.
  func load() async throws(CommandFailure) { try await load(catalog, system) }

  private func load(_ catalog: PluginCatalog, _ system: SystemConfiguration) async throws(CommandFailure) {
    loaded = try await bootstrap.specifications(of: catalog, options.sandbox, system, state: statePath)
    palettes = [:]
    nodeLists = [:]
  }

  // MARK: Node types

  func palette(category: String?) -> APIReply {
    if let known = palettes[category] { return known }
    let nodes = catalog.availableNodes(loaded.specifications, category: category)
    return keep(
      ["nodes": .array(nodes.map(\.paletteEntry))], in: &palettes, category, isKnown: !nodes.isEmpty)
  }

  func nodes(category: String?) -> APIReply {
    if let known = nodeLists[category] { return known }
    let nodes = catalog.availableNodes(loaded.specifications, category: category)
    let list: JSONValue = [
      "nodes": .array(nodes.map(PluginNodesCommand.json)), "diagnostics": .array(loaded.diagnostics.map(\.json)),
    ]
    return keep(list, in: &nodeLists, category, isKnown: !nodes.isEmpty)
  }

  /// - Parameter isKnown: false: nobody keeps answers for what somebody makes up.
  private func keep(
    _ value: JSONValue, in replies: inout [String?: APIReply], _ category: String?, isKnown: Bool
  ) -> APIReply {
    let reply = APIReply.prepared(value)
    if isKnown || category == nil { replies[category] = reply }
    return reply
  }

  func node(_ plugin: String, _ type: String) throws(APIProblem) -> JSONValue {
    let nodes = catalog.availableNodes(loaded.specifications)
    guard let node = nodes.first(where: { $0.type == "\(plugin)/\(type)" }) else {
      throw APIProblem(
        404, "there is no node type \("\(plugin)/\(type)".prefix(200).description.quoted)",
        hint: Suggestion.hint(for: String("\(plugin)/\(type)".prefix(200)), among: nodes.map(\.type)))
    }
    return PluginNodesCommand.json(node)
  }

  // MARK: Plugins

  func list() -> JSONValue { PluginListReport(catalog, specifications: [:]).json }

  func show(_ text: String) async throws(APIProblem) -> JSONValue {
    let plugin = try found(text)
    let stops = await standing.fleet.pool.stops
    let installed = try await served { () async throws(CommandFailure) in
      try await bootstrap.installedPlugins(state: statePath)
    }
    let versions = installed.filter { $0.name == plugin.manifest.name }.map { version -> JSONValue in
      [
        "version": .string(version.version.description), "digest": .string(version.digest),
        "checksum": version.checksum.map(JSONValue.string) ?? .null,
        "signers": .array(version.signers.map(JSONValue.string)), "installed_ms": .integer(version.installed),
        "standing": .string(version.standing.rawValue),
      ]
    }
    return [
      "name": .string(plugin.manifest.name.text), "manifest": plugin.manifest.jsonValue,
      "digest": .string(plugin.digest.description), "installed": .array(versions),
      "grants": try await grants(text),
      "stopped": stops.first { $0.plugin == plugin.manifest.name }.map {
        [
          "crashes": .integer(Int64($0.crashes)), "window_ms": .integer($0.windowMilliseconds),
          "remaining_ms": .integer($0.remainingMilliseconds),
        ]
      } ?? .null,
    ]
  }

  func found(_ text: String) throws(APIProblem) -> DiscoveredPlugin {
    let name = String(text.prefix(128))
    guard let plugin = catalog.plugins.first(where: { $0.manifest.name.text == text }) else {
      throw APIProblem(
        404, "there is no plugin \(name.quoted)",
        hint: Suggestion.hint(for: name, among: catalog.plugins.map(\.manifest.name.text)))
    }
    return plugin
  }

  func grants(_ text: String) async throws(APIProblem) -> JSONValue {
    let plugin = try found(text)
    return try await served { () async throws(CommandFailure) in
      let policy = try await bootstrap.grantPolicy(system, state: statePath)
      return PermissionsReport.json(PermissionsReport.entry(plugin, policy, catalog, options: state.text))
    }
  }

  private var granting: PluginGrants {
    PluginGrants(bootstrap: bootstrap, system: system, catalog: catalog, state: statePath)
  }

  func grant(_ permissions: [String], to text: String) async throws(APIProblem) -> JSONValue {
    let plugin = try found(text)
    let granting = granting
    try await served { () async throws(CommandFailure) in
      try await granting.grant(try PluginGrants.requested(permissions, all: false, of: plugin), to: plugin)
    }
    return try await grants(text)
  }

  func revoke(_ permissions: [String], of text: String) async throws(APIProblem) -> JSONValue {
    _ = try found(text)
    let granting = granting
    try await served { () async throws(CommandFailure) in
      _ = try await granting.revoke(permissions, all: permissions.isEmpty, of: text)
    }
    return try await grants(text)
  }

  // MARK: Settings

  func settings(_ text: String) throws(APIProblem) -> JSONValue {
    let manifest = try found(text).manifest
    return manifest.settingsJSON(system.pluginSettings[manifest.name])
  }

  /// Keys of a plugin's configuration: all of them or none.
  func set(_ values: [JSONValue.Member], of text: String, by author: String) async throws(APIProblem) -> JSONValue {
    let manifest = try found(text).manifest
    let problems = manifest.problems(ofSetting: values, besides: system.pluginSettings[manifest.name])
    guard problems.isEmpty else { throw APIProblem(CommandFailure(.invalidInput, problems)) }
    let now = ProcessEnvironment.millisecondsSince1970()
    let settings = values.compactMap { member in
      ParameterName(member.key).map {
        StoredPluginSetting(plugin: manifest.name, key: $0, value: member.value, author: author, time: now)
      }
    }
    try await served { () async throws(CommandFailure) in
      try await bootstrap.writing(statePath) { database throws(StateStoreError) in try await database.set(settings) }
      try await refresh(readsConfiguration: false)
    }
    return try self.settings(text)
  }

  // MARK: Versions

  func install(
    _ package: PackageFile, granting grants: [String], withoutConsent: Bool
  ) async throws(APIProblem) -> JSONValue {
    let outcome = try await served { () async throws(CommandFailure) in
      let verified = try await bootstrap.verified(package, options.sandbox, system, state: statePath)
      let granted = [verified.manifest.name: try Permission.parse(grants)]
      let consent = try await consent(granting: granted, isGiven: withoutConsent)
      let outcome = try await installer.install(
        verified.content, shown: "the package", signers: verified.signers, consent: consent)
      try await bootstrap.remember(grants: granted, for: outcome.plugin, state: statePath)
      try await refresh(readsConfiguration: false)
      return outcome
    }
    return Self.json(outcome)
  }

  /// With what is there now.
  private var installer: PluginInstaller {
    PluginInstaller(bootstrap, system: system, state: statePath, catalog: catalog, sandbox: options.sandbox)
  }

  private func consent(
    granting grants: [PluginName: [Permission]], isGiven: Bool
  ) async throws(CommandFailure) -> UpgradeConsent {
    UpgradeConsent(
      bootstrap: bootstrap, state: statePath,
      policy: try await bootstrap.grantPolicy(system, granting: grants, state: statePath),
      way: isGiven ? .given : .demanded)
  }

  private static func json(_ outcome: PluginInstaller.Outcome) -> JSONValue {
    let manifest = outcome.plugin.manifest
    return [
      "name": .string(manifest.name.text), "version": .string(manifest.version.description),
      "digest": .string(outcome.plugin.digest.description),
      "before": outcome.before.map { .string($0.version.description) } ?? .null,
      "node_types": .array(outcome.nodeTypes.map { .string("\(manifest.name)/\($0.nodeType)") }),
    ]
  }

  /// From the operator's registry, with what it needs of others: all of them are fetched and verified before any is installed.
  func install(_ request: RegistryInstallationRequest) async throws(APIProblem) -> JSONValue {
    guard !isFetching else {
      throw APIProblem(429, "another plugin is being fetched from the registry", retryAfter: 10)
    }
    isFetching = true
    defer { isFetching = false }
    return try await served { () async throws(CommandFailure) in
      let fetched = try await RegistryFetch(
        bootstrap: bootstrap, system: system, state: statePath, catalog: catalog, sandbox: options.sandbox,
        choice: request.choice, checksum: request.checksum
      ).packages(for: request.wish)
      let consent = try await consent(granting: request.grants, isGiven: request.withoutConsent)
      var installed: [JSONValue] = []
      var names: [String] = []
      for item in fetched {
        do throws(CommandFailure) {
          let outcome = try await installer.install(
            item.content, shown: item.content.package.path, signers: item.signers, consent: consent,
            allowsDowngrade: request.choice.allowsDowngrade)
          names.append("\(item.manifest.name) \(item.manifest.version)")
          installed.append(Self.json(outcome))
          try await bootstrap.remember(grants: request.grants, for: outcome.plugin, state: statePath)
          try await refresh(readsConfiguration: false)
        } catch {
          throw error.after(names)
        }
      }
      return [
        "installed": .array(installed), "warnings": .array(fetched.flatMap(\.warnings).map(\.json)),
      ]
    }
  }

  func rollBack(_ text: String, to version: SemanticVersion?) async throws(APIProblem) -> JSONValue {
    let name = try await installed(text)
    let pair = try await served { () async throws(CommandFailure) in
      try await bootstrap.writing(statePath) { database throws(StateStoreError) in
        try await database.rollBack(name, to: version)
      }
    }
    guard let pair else {
      throw APIProblem(
        409, "there is no\(version.map { " other version \($0)" } ?? " version") of \(name) to go back to")
    }
    try await served { () async throws(CommandFailure) in try await refresh(readsConfiguration: false) }
    return [
      "name": .string(name.text), "version": .string(pair.now.version.description),
      "before": .string(pair.before.version.description),
    ]
  }

  func remove(_ text: String, version: SemanticVersion?) async throws(APIProblem) -> JSONValue {
    let name = try await installed(text, version)
    let count = try await served { () async throws(CommandFailure) in
      try await bootstrap.writing(statePath) { database throws(StateStoreError) in
        try await database.uninstall(name, version)
      }
    }
    try await served { () async throws(CommandFailure) in
      try await refresh(readsConfiguration: false)
    }
    return ["name": .string(name.text), "versions_count": .integer(Int64(count))]
  }

  private func installed(_ text: String, _ version: SemanticVersion? = nil) async throws(APIProblem) -> PluginName {
    let all = try await served { () async throws(CommandFailure) in
      try await bootstrap.installedPlugins(state: statePath)
    }
    let shown = String(text.prefix(128))
    guard let found = all.first(where: { $0.name.text == text && (version == nil || $0.version == version) }) else {
      throw APIProblem(
        404, "the plugin \(shown.quoted) is not installed\(version.map { " in the version \($0)" } ?? "")",
        hint: Suggestion.hint(for: shown, among: Set(all.map(\.name.text)).sorted()))
    }
    return found.name
  }
}

extension PluginCatalog {
  /// Changes when what there is of plugins does.
  fileprivate var mark: [String] {
    (plugins + alternatives).map { "\($0.manifest.name) \($0.digest) \($0.directory)" }
      + broken.map(\.directory) + diagnostics.map(\.description)
  }
}

extension AvailableNode {
  /// As the specification's palette has it.
  fileprivate var paletteEntry: JSONValue {
    [
      "nodeType": .string(type), "displayName": .string(specification.displayName),
      "category": .string(specification.category), "icon": specification.icon.map(JSONValue.string) ?? .null,
      "color": specification.color.map(JSONValue.string) ?? .null, "description": .string(specification.description),
      "plugin": .string(plugin.text), "version": .string(version.description),
      "specification": specification.jsonValue,
    ]
  }
}
