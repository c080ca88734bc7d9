/// A pipeline as a person wrote it, after parsing and before it is checked against what plugins offer.
/// `apiVersion: orchestrator/v1`, `kind: Workflow`.
package struct Workflow: Sendable {
  package var name: String
  package var inputs: [Input]
  package var plugins: [PluginName: Located<VersionRange>]
  package var defaults: NodePolicy
  /// In the order of the file.
  package var nodes: [Node]
  package var outputs: [Output]
  /// The editor's; never part of a digest.
  package var layout: JSONValue?
  /// The files that its nodes name with `workflow`, and those that these name; nil where it is one file.
  package var library: WorkflowLibrary?
  /// What its nodes with `workflow` have become, once they were replaced by the nodes of these files.
  package var inlined: Inlined?

  package struct Input: Sendable {
    package var name: ParameterName
    package var type: String
    package var description: String
    package var defaultValue: JSONValue?
    package var location: SourceLocation
    package init(
      name: ParameterName, type: String, description: String, defaultValue: JSONValue?, location: SourceLocation
    ) {
      self.name = name
      self.type = type
      self.description = description
      self.defaultValue = defaultValue
      self.location = location
    }
  }

  package struct Output: Sendable {
    package var name: ParameterName
    package var source: Located<PortReference>
    /// The instances that `source` names where its node has a matrix: the output is then the list of theirs.
    package var instances: [NodeName]?
    package init(name: ParameterName, source: Located<PortReference>) {
      self.name = name
      self.source = source
    }
  }

  package struct Node: Sendable {
    package var name: NodeName
    /// `type:`; of a node with `run:` that of all commands, of a node with `workflow:` ``NodeTypeReference/subworkflow``.
    package var type: Located<NodeTypeReference>
    /// `with:`, or what stands beside `run:`; strings may hold `${{ }}` expressions, evaluated after parsing.
    package var parameters: [(name: ParameterName, value: Located<JSONValue>)]
    /// `in:`; one source, or several for a `multiple` port.
    package var inputs: [(port: PortName, sources: [Located<PortReference>], location: SourceLocation)]
    package var needs: [Located<NodeName>]
    /// `if:`, the text of a ``Condition``.
    package var condition: Located<String>?
    /// `secrets:`, which only a command is told.
    package var secrets: [SecretName]
    /// `continue-on-error:`; its failure isn't the run's.
    package var continuesOnError: Bool
    /// Nil as well in each of its instances.
    package var matrix: Matrix?
    /// `foreach:`, the input whose list's items the node runs for, once for each.
    package var foreach: Located<PortName>?
    /// Which of a matrix node's instances this is; nil as a workflow is written.
    package var instance: Instance?
    package var policy: NodePolicy
    /// What is said here wins over the plugin's requirement, field by field.
    package var resources: Located<ResourceOverride>?
    package var cache: String?
    /// `workflow:`, the file whose nodes it stands for.
    package var subworkflow: Located<String>?
    /// Of a node of such a file, once it has taken its place: what is known there. Nil: the workflow's own node.
    package var scope: Scope?
    /// Nodes with `workflow` that it needs, once they were replaced by their nodes.
    package var groups: [Located<NodeName>] = []
    package var location: SourceLocation

    package init(
      name: NodeName, type: Located<NodeTypeReference>, parameters: [(name: ParameterName, value: Located<JSONValue>)],
      inputs: [(port: PortName, sources: [Located<PortReference>], location: SourceLocation)],
      needs: [Located<NodeName>], condition: Located<String>?, policy: NodePolicy,
      resources: Located<ResourceOverride>?, cache: String?, continuesOnError: Bool = false, matrix: Matrix? = nil,
      secrets: [SecretName] = [], foreach: Located<PortName>? = nil, location: SourceLocation
    ) {
      self.name = name
      self.type = type
      self.secrets = secrets
      self.parameters = parameters
      self.inputs = inputs
      self.needs = needs
      self.condition = condition
      self.continuesOnError = continuesOnError
      self.matrix = matrix
      self.foreach = foreach
      self.policy = policy
      self.resources = resources
      self.cache = cache
      self.location = location
    }
  }

  package init(
    name: String, inputs: [Input], plugins: [PluginName: Located<VersionRange>], defaults: NodePolicy, nodes: [Node],
    outputs: [Output], layout: JSONValue?
  ) {
    self.name = name
    self.inputs = inputs
    self.plugins = plugins
    self.defaults = defaults
    self.nodes = nodes
    self.outputs = outputs
    self.layout = layout
  }
}

/// A value and the place it was written at.
package struct Located<Value: Sendable>: Sendable {
  package var value: Value
  package var location: SourceLocation
  package init(_ value: Value, at location: SourceLocation) {
    self.value = value
    self.location = location
  }
}
extension Located: Equatable where Value: Equatable {}
extension Located: Hashable where Value: Hashable {}

/// `node.port`, as `in:` and `outputs:` write it.
package struct PortReference: Hashable, Sendable, CustomStringConvertible {
  package var node: NodeName
  package var port: PortName
  package init(node: NodeName, port: PortName) {
    self.node = node
    self.port = port
  }
  package var description: String { "\(node).\(port)" }
}

/// Deadlines and retries; a node's own values win over the workflow's `defaults`.
package struct NodePolicy: Hashable, Sendable {
  package enum RetryClass: String, CaseIterable, Sendable {
    case crash
    case timeout
    case oom
    case error
  }
  /// What a node that says only how often is tried again for: where another attempt may end differently.
  package static let defaultRetryClasses: Set<RetryClass> = [.crash, .timeout]

  /// Milliseconds from call to result; nil: inherit.
  package var timeoutMilliseconds: Int64?
  /// Each for classes of its own; nil: inherit.
  package var retryRules: [RetryRule]?
  /// Where the deadline is written.
  package var timeoutLocation: SourceLocation?

  package init(
    timeoutMilliseconds: Int64? = nil, retryRules: [RetryRule]? = nil, timeoutLocation: SourceLocation? = nil
  ) {
    self.timeoutLocation = timeoutLocation
    self.timeoutMilliseconds = timeoutMilliseconds
    self.retryRules = retryRules
  }
}
