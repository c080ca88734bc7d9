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
  /// latest that fits.
  package func choosing(_ ranges: [PluginName: VersionRange]) -> PluginCatalog {
    var result = self
    for (index, plugin) in plugins.enumerated() {
      guard let range = ranges[plugin.manifest.name], !range.contains(plugin.manifest.version) else { continue }
      let fitting = alternatives.filter {
        $0.manifest.name == plugin.manifest.name && range.contains($0.manifest.version)
      }
      guard let best = fitting.max(by: { $0.manifest.version < $1.manifest.version }) else { continue }
      result.plugins[index] = best
      result.alternatives.removeAll { $0.digest == best.digest }
      result.alternatives.append(plugin)
    }
    return result
  }
}
