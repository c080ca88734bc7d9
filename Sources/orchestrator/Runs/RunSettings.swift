import PluginModel
import StateStore

/// What a run is gone on with, as its row in the database keeps it.
struct RunSettings: Sendable {
  /// Of `orchestrator run`.
  var arguments: [String]
  /// In which the command was given: paths in the arguments are relative to it.
  var directory: String
  /// All that the workflow declares.
  var inputs: [ParameterName: JSONValue]
  /// The digests of the plugins' files.
  var plugins: [PluginName: String]
  /// The digests of the Python packages of those that have some of their own. Nil: a version before there were any began it.
  var packages: [PluginName: String]?
  var workspace: AbsolutePath
  /// Files that lay in the workspace when it began.
  var uploads: [RunUpload] = []

  init(
    arguments: [String], directory: String, inputs: [ParameterName: JSONValue], plugins: [PluginName: String],
    packages: [PluginName: String]? = nil, workspace: AbsolutePath
  ) {
    self.packages = packages
    self.arguments = arguments
    self.directory = directory
    self.inputs = inputs
    self.plugins = plugins
    self.workspace = workspace
  }

  var jsonValue: JSONValue {
    let told: JSONValue = [
      "arguments": .array(arguments.map(JSONValue.string)), "directory": .string(directory),
      "inputs": .object(inputs.sorted { $0.key < $1.key }.map { .init($0.key.text, $0.value) }),
      "plugins": Self.object(plugins), "workspace": .string(workspace.text),
    ]
    guard case .object(var members) = told else { return told }
    if let packages { members.append(.init("packages", Self.object(packages))) }
    if !uploads.isEmpty { members.append(.init("uploads", .array(uploads.map(\.jsonValue)))) }
    return .object(members)
  }

  private static func object(_ digests: [PluginName: String]) -> JSONValue {
    .object(digests.sorted { $0.key < $1.key }.map { .init($0.key.text, .string($0.value)) })
  }

  private static func digests(_ members: [JSONValue.Member]) -> [PluginName: String] {
    Dictionary(
      members.compactMap { member in
        PluginName(member.key).flatMap { name in member.value.stringValue.map { (name, $0) } }
      }
    ) { first, _ in first }
  }

  /// - Throws: where another version wrote them.
  init(of run: StoredRun) throws(CommandFailure) {
    guard let settings = RunSettings(run.settings) else {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) can't be gone on with",
        why: "another version of this program began it", hint: "begin a new one")
    }
    self = settings
  }

  /// Nil where another version wrote it.
  init?(_ value: JSONValue) {
    guard let arguments = value["arguments"]?.arrayValue, let directory = value["directory"]?.stringValue,
      case .object(let inputs)? = value["inputs"], case .object(let plugins)? = value["plugins"],
      let workspace = value["workspace"]?.stringValue.flatMap({ AbsolutePath($0) })
    else { return nil }
    self.init(
      arguments: arguments.compactMap(\.stringValue), directory: directory,
      inputs: Dictionary(
        inputs.compactMap { member in ParameterName(member.key).map { ($0, member.value) } }
      ) { first, _ in first },
      plugins: Self.digests(plugins), workspace: workspace)
    if case .object(let packages)? = value["packages"] { self.packages = Self.digests(packages) }
    uploads = value["uploads"]?.arrayValue?.compactMap { RunUpload($0) } ?? []
  }
}
