/// What a plugin says about one of its node types. It comes from inside a sandbox and is untrusted: it is validated
/// before it is stored, and its texts are never used as paths or markup.
package struct NodeSpecification: Hashable, Sendable {
  package var nodeType: NodeTypeName
  package var displayName: String
  package var category: String
  package var description: String
  package var icon: String?
  /// `#rgb` or `#rrggbb`, or nil.
  package var color: String?
  package var inputs: [PortSpecification]
  package var outputs: [PortSpecification]
  package var parameters: [ParameterSpecification]
  package var resourceRequirements: ResourceRequirement
  /// Its worker is to be asked before each call what that will need: it depends on parameters and inputs.
  package var estimates: Bool
  /// Whether the plugin says itself what the results of such a node depend on, when it is asked.
  package var makesCacheKeys: Bool

  package init(
    nodeType: NodeTypeName, displayName: String, category: String, description: String, icon: String? = nil,
    color: String? = nil, inputs: [PortSpecification] = [], outputs: [PortSpecification] = [],
    parameters: [ParameterSpecification] = [], resourceRequirements: ResourceRequirement = ResourceRequirement(),
    estimates: Bool = false, makesCacheKeys: Bool = false
  ) {
    self.nodeType = nodeType
    self.displayName = displayName
    self.category = category
    self.description = description
    self.icon = icon
    self.color = color
    self.inputs = inputs
    self.outputs = outputs
    self.parameters = parameters
    self.resourceRequirements = resourceRequirements
    self.estimates = estimates
    self.makesCacheKeys = makesCacheKeys
  }
}

/// An input or output of a node type.
package struct PortSpecification: Hashable, Sendable {
  package var name: PortName
  package var type: PortType
  package var displayName: String
  package var description: String
  package var required: Bool
  /// Used when nothing is connected. `null` is a default like any other; nil is none.
  package var defaultValue: JSONValue?
  /// An input that takes a list of connections, in the order in which the workflow names them.
  package var multiple: Bool

  package init(
    name: PortName, type: PortType, displayName: String, description: String, required: Bool = true,
    defaultValue: JSONValue? = nil, multiple: Bool = false
  ) {
    self.name = name
    self.type = type
    self.displayName = displayName
    self.description = description
    self.required = required
    self.defaultValue = defaultValue
    self.multiple = multiple
  }
}

/// A parameter of a node type, and how the editor shows it.
package struct ParameterSpecification: Hashable, Sendable {
  package enum Component: String, CaseIterable, Sendable {
    case input
    case select
    case slider
    case checkbox
  }

  package var name: ParameterName
  /// `string`, `number`, `integer`, `boolean`, `list`, `mapping` or `any`.
  package var type: String
  package var displayName: String
  package var description: String
  package var defaultValue: JSONValue
  /// `enum`, `min`, `max`, `pattern` and whatever else the plugin says, kept as written.
  package var constraints: JSONValue?
  package var component: Component

  package init(
    name: ParameterName, type: String, displayName: String, description: String, defaultValue: JSONValue,
    constraints: JSONValue? = nil, component: Component = .input
  ) {
    self.name = name
    self.type = type
    self.displayName = displayName
    self.description = description
    self.defaultValue = defaultValue
    self.constraints = constraints
    self.component = component
  }
}
