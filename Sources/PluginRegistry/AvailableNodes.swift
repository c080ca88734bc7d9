import PluginModel

/// A node type that workflows can use, and the plugin that has it.
package struct AvailableNode: Hashable, Sendable {
  package var plugin: PluginName
  package var version: SemanticVersion
  package var specification: NodeSpecification

  package var type: String { "\(plugin)/\(specification.nodeType)" }
}

extension PluginCatalog {
  /// The specification's `get_available_nodes`: of the versions that count, by plugin and in its order.
  /// - Parameters:
  ///   - specifications: what the plugins have told; of one that couldn't be asked there is nothing.
  ///   - category: only those; nil: all.
  package func availableNodes(
    _ specifications: [PluginName: [NodeSpecification]], category: String? = nil
  ) -> [AvailableNode] {
    plugins.flatMap { plugin in
      (specifications[plugin.manifest.name] ?? []).filter { category == nil || $0.category == category }.map {
        AvailableNode(plugin: plugin.manifest.name, version: plugin.manifest.version, specification: $0)
      }
    }
  }
}
