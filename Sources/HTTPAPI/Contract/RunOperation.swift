import PipelineEngine
import PluginModel

/// What is asked about runs, and what they leave behind.
package enum RunOperation: String, CaseIterable, Sendable {
  case startRun
  case listRuns
  case showRun
  case cancelRun
  case resumeRun
  case rerun
  case deleteRun
  case runEvents
  case runLogs
  case runWaiting
  case runGraph
  case runReport
  case explainRun
  case listArtifacts
  case readArtifact
  case listFiles
  case readFile

  /// What a run is said to be.
  package static let states = ["running", "cutOff"] + RunOutcome.allCases.map(\.rawValue)

  private static let range = APIParameter.header(
    "Range", APISchema.string(most: 256), "Only this part of it, in bytes.")

  var route: APIRoute {
    switch self {
    case .startRun:
      APIRoute(
        .post, "/api/v1/runs", .runner,
        "Starts a run. It is written down before it is answered, and is carried out even when the server ends meanwhile.",
        body: .json("NewRun", limit: DocumentLimits.file.maximumBytes),
        success: .json("Run", "It is accepted.", status: 202, isLocated: true), refusals: [404, 409, 422, 429, 503])
    case .listRuns:
      APIRoute(
        .get, "/api/v1/runs", .viewer, "The runs, the latest first.",
        parameters: [
          .query("state", APISchema.choice(Self.states), "Only runs of this state."),
          .query("workflow", APISchema.string(most: 256), "Only runs of this workflow."),
          .query("submitter", APISchema.string(most: 64), "Only runs that this token began."),
          .query("before", APISchema.string(most: 64), "Only runs that are older than this one."), .pageLimit,
        ], success: .json("RunList", "A page of runs."), refusals: [404])
    case .showRun:
      APIRoute(
        .get, "/api/v1/runs/{run}", .viewer, "A run: what it was started with, and where each node stands.",
        success: .json("RunDetail", "The run."), refusals: [404])
    case .cancelRun:
      APIRoute(
        .post, "/api/v1/runs/{run}/cancel", .runner,
        "Ends a run. Its nodes are told, and killed where they don't listen.",
        success: .json("Run", "It is ending.", status: 202), refusals: [404, 409])
    case .resumeRun:
      APIRoute(
        .post, "/api/v1/runs/{run}/resume", .runner,
        "Goes on with a run that failed or was cancelled: what has succeeded isn't run again.",
        success: .json("Run", "It goes on.", status: 202), refusals: [404, 409, 422, 429, 503])
    case .rerun:
      APIRoute(
        .post, "/api/v1/runs/{run}/rerun", .runner,
        "Starts a new run of the same workflow with the same inputs: all of it, or what follows from one node and from what has changed since.",
        body: .json("Rerun", limit: DocumentLimits.file.maximumBytes, isRequired: false),
        success: .json("Run", "It is accepted.", status: 202, isLocated: true), refusals: [404, 409, 422, 429, 503])
    case .deleteRun:
      APIRoute(
        .delete, "/api/v1/runs/{run}", .runner, "Removes a run with its log, its workspace and its results.",
        success: .nothing("It is removed."), refusals: [404, 409])
    case .runEvents:
      APIRoute(
        .get, "/api/v1/runs/{run}/events", .viewer,
        "What happens in a run, as server-sent events: from its beginning, or after the event whose id is given.",
        parameters: [
          .header(
            APIParameter.lastEventID.rawName, APISchema.string(pattern: "^[0-9]{1,18}$"),
            "The last event that was seen."),
          .query(
            "transient", APISchema.boolean(),
            "Also what isn't kept with the run and may be left out for a slow reader: progress and what nodes say."),
        ],
        success: APIAnswer(
          200, "Events, until the run has ended.", MediaType.events, APISchema.string(),
          others: [204: "The run has ended, and nothing has happened since that event."]), refusals: [404, 429])
    case .runLogs:
      APIRoute(
        .get, "/api/v1/runs/{run}/logs", .viewer, "What the nodes of a run said.",
        parameters: [
          .query("node", APISchema.string(most: 256), "Only what this node said."),
          .query("after", APISchema.integer(), "From this place on: the page before says it."), .pageLimit,
        ], success: .json("LogPage", "A page of entries."), refusals: [404])
    case .runWaiting:
      APIRoute(
        .get, "/api/v1/runs/{run}/waiting", .viewer, "What the queued nodes of a run wait for.",
        success: .json("Waiting", "The nodes."), refusals: [404])
    case .runGraph:
      APIRoute(
        .get, "/api/v1/runs/{run}/graph", .viewer, "The workflow of a run, drawn.", parameters: [.drawingFormat],
        success: .drawing, refusals: [404, 422, 503])
    case .runReport:
      APIRoute(
        .get, "/api/v1/runs/{run}/report", .viewer,
        "A run that has ended, as one page that needs nothing else: what went wrong, when each node ran, what it used.",
        parameters: [Self.range],
        success: APIAnswer(200, "The page.", MediaType.page, APISchema.string(), isTagged: true, hasRanges: true),
        refusals: [404, 409])
    case .explainRun:
      APIRoute(
        .get, "/api/v1/runs/{run}/explain", .viewer,
        "What the sandboxes of a run that has ended refused to its nodes, and what would allow it. Of the last 200 runs it is kept.",
        parameters: [.query("node", APISchema.string(most: 256), "Only this node, with its instances.")],
        success: .json("Explanation", "By node."), refusals: [404, 409])
    case .listArtifacts:
      APIRoute(
        .get, "/api/v1/runs/{run}/artifacts", .viewer, "What the nodes of a run returned.",
        success: .json("ArtifactList", "The values, by node and port."), refusals: [404])
    case .readArtifact:
      APIRoute(
        .get, "/api/v1/runs/{run}/artifacts/{node}/{port}/{index}", .viewer, "One value that a node returned.",
        parameters: [Self.range],
        success: APIAnswer(
          200, "The value, as the node returned it.", MediaType.bytes, APISchema.bytes, isTagged: true, hasRanges: true),
        refusals: [404])
    case .listFiles:
      APIRoute(
        .get, "/api/v1/runs/{run}/files", .viewer, "The files of a run's workspace.",
        success: .json("FileList", "The files, at most 10,000 of them."), refusals: [404])
    case .readFile:
      APIRoute(
        .get, "/api/v1/runs/{run}/file", .viewer, "One file of a run's workspace.",
        parameters: [
          {
            var path = APIParameter.query("path", APISchema.string(most: 4096), "Its path in the workspace.")
            path.isRequired = true
            return path
          }(), Self.range,
        ],
        success: APIAnswer(
          200, "The file.", MediaType.bytes, APISchema.bytes, isTagged: true, hasRanges: true), refusals: [404])
    }
  }
}
