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

/// What the nodes of one type have in common. It is large, many have it and none changes it: to copy it is to count one reference.
final class SharedType: Sendable {
  let value: NodeSpecification
  /// Of its plugin.
  let version: SemanticVersion?
  /// Of its parameters, in their order.
  let rules: [ParameterRule]
  let usual: UsualValues

  init(_ value: NodeSpecification, version: SemanticVersion?) {
    self.value = value
    self.version = version
    rules = value.parameters.map(ParameterRule.init)
    usual = UsualValues(value.parameters)
  }
}
