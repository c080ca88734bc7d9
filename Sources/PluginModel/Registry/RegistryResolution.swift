/// Finds what has to be installed so that a plugin has the other plugins that it needs: asks for one plugin after the other until
/// there is a plan. Pure; nothing is installed while anything is open.
///
/// Of each plugin the highest version is taken that fits all who need it, as far as they are known; there is no search backwards through
/// earlier versions of those who need it.
package struct RegistryResolution: Sendable {
  package static let maximumPlugins = 64
  /// What a registry is asked in all: also plugins that versions need which aren't taken in the end.
  package static let maximumAsks = 128
  /// Of what it answers, in bytes.
  package static let maximumBytes = 64 << 20
  /// Steps of all rounds: what is compared with what.
  package var maximumEffort = 5_000_000

  package struct Step: Hashable, Sendable {
    package var name: PluginName
    package var version: RegistryVersion
    /// Nil: it was asked for.
    package var neededBy: PluginName?
  }

  package enum Action: Hashable, Sendable {
    /// Ask the registry, and hand the answer to ``add(_:)``.
    case ask(PluginName)
    /// In the order in which they are to be installed.
    case plan([Step])
  }

  private let wish: RegistryWish
  private let choice: RegistryChoice
  /// What can be found here already, and of what is installed, the version that counts.
  private let present: [PluginName: [SemanticVersion]]
  private let installed: [PluginName: SemanticVersion]
  private var known: [PluginName: RegistryPlugin] = [:]
  /// What those demand who need it.
  private var demands: [PluginName: [Demand]] = [:]

  private var bytes = 0
  private var effort = 0

  private struct Demand: Hashable, Sendable {
    var range: VersionRange
    var by: PluginName
    /// Of `by`; nil: whoever asked for it.
    var version: SemanticVersion?
  }

  package init(
    _ wish: RegistryWish, choice: RegistryChoice, present: [PluginName: [SemanticVersion]],
    installed: [PluginName: SemanticVersion]
  ) {
    self.wish = wish
    self.choice = choice
    self.present = present
    self.installed = installed
    if let range = wish.range { demands[wish.name] = [Demand(range: range, by: wish.name)] }
  }

  /// - Parameter bytes: of the answer.
  package mutating func add(_ plugin: RegistryPlugin, bytes: Int) {
    known[plugin.name] = plugin
    self.bytes += bytes
  }

  /// - Throws: why there is no plan.
  package mutating func next() throws(Diagnostic) -> Action {
    // Each round that doesn't end has found a demand that wasn't known.
    for _ in 0...Self.maximumPlugins * 8 {
      guard let action = try round() else { continue }
      guard case .ask = action, known.count >= Self.maximumAsks || bytes > Self.maximumBytes else { return action }
      throw Diagnostic(
        "\(wish.name) needs more of other plugins than is looked at",
        why: "the registry was asked for \(known.count) and has answered \(bytes) bytes",
        hint: "install what it needs before it")
    }
    throw tooMuch
  }

  private var tooMuch: Diagnostic {
    Diagnostic("\(wish.name) needs so much of other plugins that nothing fits all of it")
  }

  private mutating func spend(_ steps: Int) throws(Diagnostic) {
    effort += steps
    guard effort <= maximumEffort else { throw tooMuch }
  }

  /// Nil where a plugin was chosen before all who need it were known.
  private mutating func round() throws(Diagnostic) -> Action? {
    var chosen: [PluginName: Step] = [:]
    var waiting: [(PluginName, PluginName?)] = [(wish.name, nil)]
    while let (name, parent) = waiting.popLast() {
      guard chosen[name] == nil else { continue }
      guard chosen.count < Self.maximumPlugins else {
        throw Diagnostic("\(wish.name) needs more than \(Self.maximumPlugins) other plugins")
      }
      guard let plugin = known[name] else { return .ask(name) }
      let version = try version(of: plugin, neededBy: parent, chosen)
      chosen[name] = Step(name: name, version: version, neededBy: parent)
      try spend(1 + version.dependencies.count)
      for (needed, range) in version.requiredPlugins {
        guard present[needed]?.contains(where: { range?.contains($0) ?? true }) != true else { continue }
        if let range {
          try spend(1 + (demands[needed]?.count ?? 0))
          demand(range, of: needed, by: name, version.version)
        }
        if let range, let other = chosen[needed], !range.contains(other.version.version) { return nil }
        waiting.append((needed, name))
      }
    }
    return .plan(try order(chosen))
  }

  private mutating func demand(
    _ range: VersionRange, of needed: PluginName, by name: PluginName, _ version: SemanticVersion
  ) {
    let demand = Demand(range: range, by: name, version: version)
    if demands[needed]?.contains(demand) != true { demands[needed, default: []].append(demand) }
  }

  /// Not that of a version that wasn't chosen, or can't be any more.
  private func counts(_ demand: Demand, _ chosen: [PluginName: Step]) -> Bool {
    guard let version = demand.version else { return true }
    if let step = chosen[demand.by] { return step.version.version == version }
    return demands[demand.by]?.allSatisfy { $0.range.contains(version) } ?? true
  }

  private func version(
    of plugin: RegistryPlugin, neededBy parent: PluginName?, _ chosen: [PluginName: Step]
  ) throws(Diagnostic) -> RegistryVersion {
    let demands = (demands[plugin.name] ?? []).filter { counts($0, chosen) }
    do throws(Diagnostic) {
      return try choice.version(of: plugin, ranges: demands.map(\.range), installed: installed[plugin.name])
    } catch {
      guard let parent else { throw error }
      var told = error
      let others = demands.map { "\($0.by) needs \($0.range)" }.joined(separator: ", ")
      told.why = [others.isEmpty ? "\(parent) needs it" : others, error.why].compactMap(\.self).joined(separator: "; ")
      throw told
    }
  }

  /// Those first that others need.
  private func order(_ chosen: [PluginName: Step]) throws(Diagnostic) -> [Step] {
    var (ordered, path): ([Step], [PluginName]) = ([], [])
    func visit(_ step: Step) throws(Diagnostic) {
      guard !ordered.contains(where: { $0.name == step.name }) else { return }
      guard !path.contains(step.name) else {
        let circle = (path.drop { $0 != step.name } + [step.name]).map(\.text).joined(separator: " → ")
        throw Diagnostic("plugins need each other in a circle", why: circle)
      }
      path.append(step.name)
      for (needed, _) in step.version.requiredPlugins {
        if let next = chosen[needed] { try visit(next) }
      }
      path.removeLast()
      ordered.append(step)
    }
    if let root = chosen[wish.name] { try visit(root) }
    return ordered
  }
}
