import PluginModel

/// The OpenAPI 3.1 document of the server, made from the same values as its routes.
package enum OpenAPIDocument {
  package static func document(version: String) -> JSONValue {
    var paths: [(path: String, operations: [JSONValue.Member])] = []
    for operation in APIOperation.all {
      let route = operation.route
      let member = JSONValue.Member(route.method.rawValue.lowercased(), self.operation(operation, route))
      if let index = paths.firstIndex(where: { $0.path == route.path }) {
        paths[index].operations.append(member)
      } else {
        paths.append((route.path, [member]))
      }
    }
    return [
      "openapi": "3.1.0",
      "info": [
        "title": "orchestrator", "version": .string(version),
        "description": "Runs pipelines whose nodes are other people's plugins, each in a kernel sandbox of its own.",
        "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
      ],
      "servers": [["url": "/"]],
      "security": [["token": []]],
      "paths": .object(paths.map { .init($0.path, .object($0.operations)) }),
      "components": [
        "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
        "schemas": .object(APISchemas.all.map { .init($0.name, $0.schema) }),
      ],
    ]
  }

  private static func operation(_ operation: APIOperation, _ route: APIRoute) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("operationId", .string(operation.identifier)), .init("summary", .string(route.summary)),
      .init("tags", .array([.string(operation.group)])),
    ]
    if let scope = route.scope {
      members.append(.init("description", .string("Takes a token with the scope `\(scope.rawValue)`.")))
    } else {
      members.append(.init("security", .array([])))
    }
    let parameters =
      route.pathParameters.map(parameter) + route.parameters.map(parameter)
    if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
    if let body = route.body {
      members.append(
        .init(
          "requestBody",
          [
            "required": .bool(body.isRequired),
            "content": .object(body.mediaTypes.map { .init($0, ["schema": body.schema]) }),
          ]))
    }
    members.append(.init("responses", responses(route)))
    return .object(members)
  }

  private static func parameter(_ name: APIParameter.Path) -> JSONValue {
    [
      "name": .string(name.rawValue), "in": "path", "required": true, "description": .string(name.summary),
      "schema": name.schema,
    ]
  }

  private static func parameter(_ parameter: APIParameter) -> JSONValue {
    [
      "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
      "required": .bool(parameter.isRequired), "description": .string(parameter.summary), "schema": parameter.schema,
    ]
  }

  private static func responses(_ route: APIRoute) -> JSONValue {
    let success = route.success
    var members: [JSONValue.Member] = []
    func add(_ status: Int, _ summary: String, hasContent: Bool) {
      var response: [JSONValue.Member] = [.init("description", .string(summary))]
      var headers: [JSONValue.Member] = []
      if success.isTagged { headers.append(.init("ETag", header("Which state of it this is."))) }
      if success.isLocated, status == 201 || status == 202 {
        headers.append(.init("Location", header("Where what was made is.")))
      }
      if !headers.isEmpty { response.append(.init("headers", .object(headers))) }
      if hasContent, let mediaType = success.mediaType, let schema = success.schema {
        let mediaTypes = [mediaType] + success.otherMediaTypes
        response.append(.init("content", .object(mediaTypes.map { .init($0, ["schema": schema]) })))
      }
      members.append(.init("\(status)", .object(response)))
    }
    add(success.status, success.summary, hasContent: true)
    for (status, summary) in success.others.sorted(by: { $0.key < $1.key }) {
      add(status, summary, hasContent: status == 201)
    }
    if success.isTagged { add(304, "It is as you have it.", hasContent: false) }
    if success.hasRanges { add(206, "A part of it.", hasContent: true) }
    var refusals = route.refusals.union([400, 403, 421, 500])
    if route.scope != nil { refusals.formUnion([401, 429, 503]) }
    if route.body != nil { refusals.formUnion([413, 415, 422]) }
    if success.hasRanges { refusals.insert(416) }
    for status in refusals.sorted() {
      members.append(
        .init(
          "\(status)",
          [
            "description": .string(words(status)),
            "content": .object([.init(MediaType.problem, ["schema": APISchema.reference("Problem")])]),
          ]))
    }
    return .object(members)
  }

  private static func header(_ summary: String) -> JSONValue {
    ["description": .string(summary), "schema": APISchema.string()]
  }

  private static func words(_ status: Int) -> String {
    switch status {
    case 400: "The request can't be read."
    case 401: "A token is needed."
    case 403: "The token doesn't allow it, or a page of another origin asks."
    case 404: "There is no such thing."
    case 408: "It took too long to come."
    case 409: "What is there stands against it."
    case 411: "Its length has to be said beforehand."
    case 412: "It has changed meanwhile."
    case 413: "It is too large."
    case 415: "It is of a kind that isn't taken."
    case 416: "There is no such part of it."
    case 421: "The server isn't asked by that name."
    case 422: "What is asked for can't be done: the diagnostics say why, each with its place."
    case 428: "What is there already has to be named."
    case 429: "Too much is asked for at one time."
    case 503: "Not now."
    default: "Something is wrong with the server."
    }
  }
}

extension APIParameter.Path {
  var summary: String {
    switch self {
    case .plugin: "The plugin's name."
    case .version: "The version, with all three numbers."
    case .type: "The node type's name."
    case .workflow: "The workflow's name."
    case .run: "The run's identifier."
    case .node: "The node's name, as the run has it."
    case .port: "The port's name."
    case .index: "Which of the port's values, from 0."
    case .token: "The token's name or identifier."
    case .upload: "The upload's identifier."
    }
  }

  var schema: JSONValue {
    switch self {
    case .index: APISchema.integer(most: 1_000_000)
    case .plugin: APISchema.pluginName
    case .version: PluginOperation.version
    case .upload: APISchema.string(pattern: UploadOperation.identifierPattern)
    case .type, .workflow, .run, .node, .port, .token: APISchema.string(most: 512)
    }
  }
}
