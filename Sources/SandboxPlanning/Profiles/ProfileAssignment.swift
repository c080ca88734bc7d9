import PluginModel

/// Which profile each plugin runs under. What is said of one plugin changes nothing for another.
package struct ProfileAssignment: Hashable, Sendable {
  /// Of the plugins that have none of their own.
  package var common: SecurityProfile
  package var byPlugin: [PluginName: SecurityProfile]

  package init(common: SecurityProfile, byPlugin: [PluginName: SecurityProfile] = [:]) {
    self.common = common
    self.byPlugin = byPlugin
  }

  package subscript(plugin: PluginName) -> SecurityProfile { byPlugin[plugin] ?? common }

  /// Each once, that of all first.
  package var distinct: [SecurityProfile] {
    byPlugin.keys.sorted().reduce(into: [common]) { list, plugin in
      if let profile = byPlugin[plugin], !list.contains(profile) { list.append(profile) }
    }
  }
}
