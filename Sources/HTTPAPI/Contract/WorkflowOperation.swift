import PluginModel

/// What is asked about stored workflows.
package enum WorkflowOperation: String, CaseIterable, Sendable {
  case listWorkflows
  case showWorkflow
  case saveWorkflow
  case deleteWorkflow
  case listWorkflowVersions
  case validateWorkflow
  case convertWorkflow
  case importWorkflow
  case exportWorkflow
  case workflowGraph

  static let versionNumber = APISchema.integer(least: 1, most: Int(Int32.max))

  private static var document: APIBody {
    APIBody([MediaType.yaml, MediaType.json], APISchema.any, limit: DocumentLimits.file.maximumBytes)
  }

  private static var version: APIParameter {
    .query("version", versionNumber, "A version of it; the latest where none is named.")
  }

  private static func expected(_ summary: String) -> APIParameter {
    .header("If-Match", APISchema.string(most: 256), summary)
  }

  var route: APIRoute {
    switch self {
    case .listWorkflows:
      APIRoute(
        .get, "/api/v1/workflows", .viewer, "The workflows, by name.",
        parameters: [
          .query("after", APISchema.workflowName, "Only names that come after this one."), .pageLimit,
        ], success: .json("WorkflowList", "A page of workflows."))
    case .showWorkflow:
      APIRoute(
        .get, "/api/v1/workflows/{workflow}", .viewer, "A workflow as it was written.", parameters: [Self.version],
        success: .json("Workflow", "The workflow.", isTagged: true), refusals: [404])
    case .saveWorkflow:
      APIRoute(
        .put, "/api/v1/workflows/{workflow}", .author,
        "Makes a workflow, with If-None-Match: *, or a new version of one, with the tag of the version that it follows.",
        parameters: [
          Self.expected("The tag of the version that it follows."),
          .header("If-None-Match", APISchema.choice(["*"]), "It is a new workflow."),
        ], body: Self.document,
        success: APIAnswer(
          200, "The workflow as it was already, or its new version.", MediaType.json, APISchema.reference("Workflow"),
          isTagged: true, others: [201: "It is a new workflow."]), refusals: [409, 412, 422, 428])
    case .deleteWorkflow:
      APIRoute(
        .delete, "/api/v1/workflows/{workflow}", .author, "Removes a workflow with its versions. Runs of it stay.",
        parameters: [Self.expected("The tag of its latest version.")], success: .nothing("It is removed."),
        refusals: [404, 412, 428])
    case .listWorkflowVersions:
      APIRoute(
        .get, "/api/v1/workflows/{workflow}/versions", .viewer, "The versions of a workflow, the latest first.",
        parameters: [.query("before", Self.versionNumber, "Only versions before this one."), .pageLimit],
        success: .json("WorkflowVersionList", "A page of versions."), refusals: [404])
    case .validateWorkflow:
      APIRoute(
        .post, "/api/v1/workflows/validate", .viewer,
        "Checks a workflow without saving or running it: every problem at once, by node and port.", body: Self.document,
        success: .json("Validation", "What is wrong with it."))
    case .convertWorkflow:
      APIRoute(
        .post, "/api/v1/workflows/convert", .viewer,
        "A workflow in its other forms, as YAML and as JSON, whether it could run or not. Nothing is saved.",
        parameters: [.query("react_flow", APISchema.boolean(), "As React Flow's JSON, too.")], body: Self.document,
        success: .json("ConvertedWorkflow", "The workflow."), refusals: [422])
    case .importWorkflow:
      APIRoute(
        .post, "/api/v1/workflows/import", .viewer, "Makes a workflow of React Flow's JSON. Nothing is saved.",
        body: APIBody([MediaType.json], APISchema.any, limit: DocumentLimits.file.maximumBytes),
        success: .json("ImportedWorkflow", "The workflow."), refusals: [422])
    case .exportWorkflow:
      APIRoute(
        .get, "/api/v1/workflows/{workflow}/export", .viewer, "A workflow as React Flow's JSON.",
        parameters: [Self.version],
        success: APIAnswer(200, "Nodes and edges.", MediaType.json, ["type": "object"]), refusals: [404, 422])
    case .workflowGraph:
      APIRoute(
        .get, "/api/v1/workflows/{workflow}/graph", .viewer, "A workflow, drawn.",
        parameters: [Self.version, .drawingFormat], success: .drawing, refusals: [404, 422, 503])
    }
  }
}

/// How a workflow is drawn.
package enum DrawingFormat: String, CaseIterable, Sendable {
  case svg
  case text
}

extension APIParameter {
  static var drawingFormat: APIParameter {
    .query("format", APISchema.choice(DrawingFormat.allCases.map(\.rawValue)), "svg where it isn't said.")
  }
}

extension APIAnswer {
  static var drawing: APIAnswer {
    APIAnswer(
      200, "The drawing.", MediaType.picture, APISchema.string(), isTagged: true, otherMediaTypes: [MediaType.text])
  }
}
