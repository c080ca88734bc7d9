import PluginModel

extension PluginCatalog {
  /// What `plugins`, and those that they need, need of other plugins and isn't there. Of several versions of a plugin that are
  /// installed, one that fits is enough.
  package func unmetDependencies(of plugins: [DiscoveredPlugin]) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    var seen: Set<PluginName> = []
    var waiting = plugins
    while let plugin = waiting.popLast() {
      guard seen.insert(plugin.manifest.name).inserted else { continue }
      for (name, range) in plugin.manifest.requiredPlugins {
        let present = versions(of: name)
        if let found = present.first(where: { range?.contains($0.manifest.version) ?? true }) {
          waiting.append(found)
        } else {
          problems.append(Self.problem(plugin, needs: name, range, present: present))
        }
      }
    }
    return problems
  }

  private static func problem(
    _ plugin: DiscoveredPlugin, needs name: PluginName, _ range: VersionRange?, present: [DiscoveredPlugin]
  ) -> Diagnostic {
    let wanted = range.map { " \($0)" } ?? ""
    let versions = present.map(\.manifest.version.description).joined(separator: ", ")
    return Diagnostic(
      "the plugin \(plugin.manifest.name.text.quoted) needs the plugin \(name.text.quoted)\(wanted)",
      why: present.isEmpty ? "no such plugin is found" : "what is found is \(versions)",
      hint: "install it (orchestrator plugin install), or name its directory with --plugins")
  }

  /// All that are found of a name, the one that counts first.
  package func versions(of name: PluginName) -> [DiscoveredPlugin] {
    plugins.filter { $0.manifest.name == name } + alternatives.filter { $0.manifest.name == name }
  }

  /// With, of each plugin of which several versions are installed, the one that `ranges` accept: the one that counts anyway, or else the
  /// installed one that counts, or else the latest that fits. A plugin that an option names stays.
  package func choosing(_ ranges: [PluginName: VersionRange]) -> PluginCatalog {
    var result = self
    for (index, plugin) in plugins.enumerated() {
      guard let range = ranges[plugin.manifest.name], !range.contains(plugin.manifest.version),
        !named.contains(plugin.manifest.name)
      else { continue }
      let fitting = alternatives.filter {
        $0.manifest.name == plugin.manifest.name && range.contains($0.manifest.version)
      }
      let counting = fitting.first { $0.installation?.standing == .current }
      guard let best = counting ?? fitting.max(by: { $0.manifest.version < $1.manifest.version }) else { continue }
      result.exchange(index, for: best)
    }
    return result
  }

  /// With the very files that a run began with, where they are still installed.
  package func choosing(digests: [PluginName: String]) -> PluginCatalog {
    var result = self
    for (index, plugin) in plugins.enumerated() {
      guard let digest = digests[plugin.manifest.name], plugin.digest.description != digest,
        let same = alternatives.first(where: {
          $0.manifest.name == plugin.manifest.name && $0.digest.description == digest
        })
      else { continue }
      result.exchange(index, for: same)
    }
    return result
  }

  /// Whoever asked for this very version has settled which is meant.
  private mutating func exchange(_ index: Int, for other: DiscoveredPlugin) {
    let plugin = plugins[index]
    plugins[index] = other
    alternatives.removeAll { $0.digest == other.digest }
    alternatives.append(plugin)
  }
}
