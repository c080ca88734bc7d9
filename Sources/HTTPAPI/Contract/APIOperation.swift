/// Everything that can be asked of the server.
package enum APIOperation: Hashable, Sendable {
  case server(ServerOperation)
  case plugins(PluginOperation)
  case workflows(WorkflowOperation)
  case runs(RunOperation)
  case uploads(UploadOperation)
  case registry(RegistryOperation)

  package static var all: [APIOperation] {
    ServerOperation.allCases.map { .server($0) } + PluginOperation.allCases.map { .plugins($0) }
      + WorkflowOperation.allCases.map { .workflows($0) } + RunOperation.allCases.map { .runs($0) }
      + UploadOperation.allCases.map { .uploads($0) } + RegistryOperation.allCases.map { .registry($0) }
  }

  /// Of the OpenAPI document.
  package var identifier: String {
    switch self {
    case .server(let operation): operation.rawValue
    case .plugins(let operation): operation.rawValue
    case .workflows(let operation): operation.rawValue
    case .runs(let operation): operation.rawValue
    case .uploads(let operation): operation.rawValue
    case .registry(let operation): operation.rawValue
    }
  }

  /// What it is listed under.
  package var group: String {
    switch self {
    case .server: "Server"
    case .plugins: "Plugins"
    case .workflows: "Workflows"
    case .runs: "Runs"
    case .uploads: "Uploads"
    case .registry: "Registry"
    }
  }

  package var route: APIRoute {
    switch self {
    case .server(let operation): operation.route
    case .plugins(let operation): operation.route
    case .workflows(let operation): operation.route
    case .runs(let operation): operation.route
    case .uploads(let operation): operation.route
    case .registry(let operation): operation.route
    }
  }
}
