/// What `plugin.yaml` says. Read by ``PluginManifest/init(yaml:file:engineVersion:)``.
package struct PluginManifest: Hashable, Sendable {
  package var name: PluginName
  package var version: SemanticVersion
  package var author: String
  package var description: String
  package var license: String
  /// Python requirements and other plugins, as written.
  package var dependencies: [String]
  package var nodeTypes: [NodeTypeName]
  package var permissions: [Permission]
  /// Relative to the plugin's directory, without `..`: `src/plugin.py`.
  package var entryPoint: String
  package var minimumEngineVersion: SemanticVersion?
  package var maximumEngineVersion: SemanticVersion?
  package var configuration: [ConfigurationKey]

  /// One key of the manifest's `configuration` mapping.
  package struct ConfigurationKey: Hashable, Sendable {
    package var name: ParameterName
    package var type: String
    package var description: String
    package var required: Bool
    package var defaultValue: JSONValue?
    /// Nobody may read it who isn't given it: a text that comes from a file or a variable of its own, and is shown nowhere.
    package var isSecret: Bool

    package init(
      name: ParameterName, type: String, description: String, required: Bool, defaultValue: JSONValue?,
      isSecret: Bool = false
    ) {
      self.isSecret = isSecret
      self.name = name
      self.type = type
      self.description = description
      self.required = required
      self.defaultValue = defaultValue
    }
  }

  package init(
    name: PluginName, version: SemanticVersion, author: String, description: String = "", license: String = "",
    dependencies: [String] = [], nodeTypes: [NodeTypeName] = [], permissions: [Permission] = [],
    entryPoint: String, minimumEngineVersion: SemanticVersion? = nil,
    maximumEngineVersion: SemanticVersion? = nil, configuration: [ConfigurationKey] = []
  ) {
    self.name = name
    self.version = version
    self.author = author
    self.description = description
    self.license = license
    self.dependencies = dependencies
    self.nodeTypes = nodeTypes
    self.permissions = permissions
    self.entryPoint = entryPoint
    self.minimumEngineVersion = minimumEngineVersion
    self.maximumEngineVersion = maximumEngineVersion
    self.configuration = configuration
  }
}
