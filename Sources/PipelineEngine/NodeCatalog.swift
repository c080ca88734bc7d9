import PluginModel

/// What the installed plugins offer, as a value: the engine never asks a plugin.
package struct NodeCatalog: Sendable {
  package struct Plugin: Sendable {
    package var version: SemanticVersion
    package var nodeTypes: [NodeTypeName: NodeSpecification]

    package init(version: SemanticVersion, specifications: [NodeSpecification]) {
      self.version = version
      nodeTypes = Dictionary(specifications.map { ($0.nodeType, $0) }) { first, _ in first }
    }
  }

  package var plugins: [PluginName: Plugin]

  package init(plugins: [PluginName: Plugin]) { self.plugins = plugins }
}

/// A large value that many have and none changes: to copy it is to count one reference.
final class Shared<Value: Sendable>: Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
