import ArgumentParser
import PluginModel
import PluginRegistry

/// `orchestrator plugin permissions`. Reads manifests, files and grants; nothing of a plugin runs.
struct PluginPermissionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "permissions", abstract: "Says what plugins ask for, and what they are granted by whom.",
    discussion: "Options of a single run, such as --grant, are not part of it. Without a name: all plugins.")

  @Argument(help: "The plugin's name.") var plugin: String?
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions
  @Option(help: "How to write the list: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system, self.policy)
    let catalog = try await bootstrap.catalog(plugins, system, state: self.state)
    let chosen = if let plugin { [try catalog.plugin(named: plugin)] } else { catalog.plugins }
    let policy = try await bootstrap.grantPolicy(system, state: bootstrap.state(state))
    let report = PermissionsReport(
      entries: chosen.map { plugin in
        PermissionsReport.entry(plugin, policy, catalog, options: plugins.text + state.text)
      })
    switch output {
    case .json: await bootstrap.console.print(report.json.text(.pretty))
    case .text:
      for line in report.lines(style: bootstrap.console.outputStyle) { await bootstrap.console.print(line) }
      await bootstrap.report(catalog.diagnostics + report.entries.flatMap(\.problems))
    }
  }
}

/// What plugins may do, as text and as JSON.
struct PermissionsReport: Sendable {
  struct Entry: Sendable {
    var plugin: DiscoveredPlugin
    var decision: GrantDecision
    /// Why it isn't started, or would be asked about.
    var problems: [Diagnostic]
  }

  let entries: [Entry]

  /// - Parameter options: of the command line, for the commands that hints propose.
  static func entry(
    _ plugin: DiscoveredPlugin, _ policy: GrantPolicy, _ catalog: PluginCatalog, options: String
  ) -> Entry {
    let decision = policy.decision(for: plugin)
    var problems = decision.refusals + [catalog.ambiguity(of: decision)].compactMap(\.self)
    if let change = decision.change {
      problems.append(change.diagnostic(of: decision, options: options, severity: .warning))
    }
    return Entry(plugin: plugin, decision: decision, problems: problems)
  }

  func lines(style: Style) -> [String] {
    guard !entries.isEmpty else { return ["no plugins were found"] }
    return entries.flatMap { Self.lines($0, style: style) }
  }

  private static func lines(_ entry: Entry, style: Style) -> [String] {
    let (manifest, decision) = (entry.plugin.manifest, entry.decision)
    var lines = [
      "\(style(manifest.name.text, .strong)) \(manifest.version)  \(style(SafeText.line(entry.plugin.directory.text), .faint))",
      "  \(style(entry.decision.digest, .faint))",
    ]
    if let profile = decision.profile {
      lines.append("  profile \(profile.value), by \(SafeText.line(profile.location.description))")
    }
    if decision.asked.isEmpty { lines.append("  asks for nothing") }
    for request in decision.asked {
      lines.append("  \(style(SafeText.line(request.description), .accent))")
      lines += PermissionLines.meaning(of: request)
      lines += standing(of: request, decision, style: style).map { "      \($0)" }
    }
    return lines
  }

  /// By whom it is granted, or that it isn't.
  private static func standing(of request: Permission, _ decision: GrantDecision, style: Style) -> [String] {
    if let hit = decision.forbidden.first(where: { $0.permission == request }) {
      return [
        "\(style("✗", .bad)) forbidden     by \(hit.rule.value) in \(SafeText.line(hit.rule.location.description))"
      ]
    }
    let grants = decision.grants.filter { grant in
      request.meet(grant.permission).map(decision.effective.contains) ?? false
    }
    guard !grants.isEmpty else { return ["\(style("✗", .bad)) not granted"] }
    return grants.map { grant in
      let part = grant.permission == request ? "" : ": \(request.meet(grant.permission) ?? request)"
      return "\(style("✓", .good)) granted       \(words(grant.source))\(SafeText.line(part))"
    }
  }

  private static func words(_ source: Grant.Source) -> String {
    switch source {
    case .option: "by --grant"
    case .consent: "for this run"
    case .policy(let location): "by \(SafeText.line(location.description))"
    case .stored(let record): "by user \(record.user) on \(record.time), \(words(record.way))"
    case .defaults: "to every plugin that asks, by default_permissions"
    }
  }

  private static func words(_ way: GrantRecord.Way) -> String {
    switch way {
    case .command: "with plugin grant"
    case .consent: "who was asked by run"
    }
  }

  /// What a plugin is still allowed, and by what.
  static func remaining(_ decision: GrantDecision) -> [String] {
    guard !decision.effective.isEmpty else { return ["  it may do nothing now that it asks for"] }
    return decision.effective.map { permission in
      let sources = decision.grants.filter { grant in
        decision.asked.contains { $0.meet(grant.permission) == permission }
      }
      let words = Set(sources.map { Self.words($0.source) }).sorted().joined(separator: "; ")
      return "  it still has   \(SafeText.line(permission.description)), granted \(words)"
    }
  }

  var json: JSONValue { ["plugins": .array(entries.map(Self.json))] }

  static func json(_ entry: Entry) -> JSONValue {
    let (manifest, decision) = (entry.plugin.manifest, entry.decision)
    let earlier = decision.change.map { change in JSONValue.array(change.permissions.map { .string($0.description) }) }
    return [
      "name": .string(manifest.name.text), "version": .string(manifest.version.description),
      "directory": .string(entry.plugin.directory.text), "digest": .string(decision.digest),
      "profile": decision.profile.map { .string($0.value.text) } ?? .null,
      "asked": .array(decision.asked.map { json($0, decision) }),
      "effective": .array(decision.effective.map { .string($0.description) }),
      "granted_to_earlier_files": earlier ?? .array([]),
      "problems": .array(entry.problems.map(\.json)),
    ]
  }

  private static func json(_ request: Permission, _ decision: GrantDecision) -> JSONValue {
    let grants = decision.grants.filter { request.meet($0.permission) != nil }
    let rule = decision.forbidden.first { $0.permission == request }?.rule
    return [
      "permission": .string(request.description), "meaning": .string(request.meaning), "risk": .string(request.risk),
      "granted": .array(grants.map(json)),
      "forbidden_by": rule.map { place($0.location, "permission", $0.value.description) } ?? .null,
    ]
  }

  private static func json(_ grant: Grant) -> JSONValue {
    let permission = grant.permission.description
    switch grant.source {
    case .option: return ["permission": .string(permission), "by": "option"]
    case .consent: return ["permission": .string(permission), "by": "run"]
    case .defaults: return ["permission": .string(permission), "by": "default_permissions"]
    case .policy(let location):
      return [
        "permission": .string(permission), "by": "policy", "file": .string(location.file),
        "line": .integer(Int64(location.line)),
      ]
    case .stored(let record):
      return [
        "permission": .string(permission), "by": .string(record.way.rawValue), "user": .integer(Int64(record.user)),
        "time": .string(record.time),
      ]
    }
  }

  private static func place(_ location: SourceLocation, _ key: String, _ value: String) -> JSONValue {
    .object([
      JSONValue.Member(key, .string(value)), JSONValue.Member("file", .string(location.file)),
      JSONValue.Member("line", .integer(Int64(location.line))),
    ])
  }
}
