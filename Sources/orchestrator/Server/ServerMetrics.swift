import CoreMetrics
import HTTPAPI
import PipelineEngine
import Telemetry

/// What a server counts of itself. Names by Prometheus' conventions; the page Serve lists them.
struct ServerMetrics: Sendable {
  let registry = MetricsRegistry([
    .init("orchestrator_http_requests_total", help: "Requests, by what was asked for and the status."),
    .init(
      "orchestrator_http_request_duration_seconds",
      help: "From a request's head until its response is made, by what was asked for."),
    .init("orchestrator_runs_accepted_total", help: "Runs that were accepted."),
    .init("orchestrator_runs_ended_total", help: "Runs that have ended, by how."),
    .init("orchestrator_runs_live", help: "Runs that haven't ended and that this server carries out."),
    .init("orchestrator_event_watchers", help: "Connections that watch a run."),
    .init("orchestrator_cpu_free_cores", help: "Processors that no node has."),
    .init("orchestrator_memory_free_bytes", help: "Memory that no node has."),
    .init("orchestrator_workers", help: "Workers, by whether they have a call or wait for one."),
    .init("orchestrator_plugins_stopped", help: "Plugins whose workers aren't started, because they keep crashing."),
    .init("orchestrator_process_open_fds", help: "Descriptors that the server has open."),
  ])

  func request(_ operation: APIOperation?, _ status: Int, _ time: Duration) {
    let name = operation?.identifier ?? "none"
    Counter(
      label: "orchestrator_http_requests_total", dimensions: [("operation", name), ("status", "\(status)")],
      factory: registry
    ).increment()
    let nanoseconds = time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000
    Timer(
      label: "orchestrator_http_request_duration_seconds", dimensions: [("operation", name)], factory: registry
    ).recordNanoseconds(nanoseconds)
  }

  func accepted() { Counter(label: "orchestrator_runs_accepted_total", factory: registry).increment() }

  func ended(_ outcome: RunOutcome) {
    Counter(
      label: "orchestrator_runs_ended_total", dimensions: [("outcome", outcome.rawValue)], factory: registry
    ).increment()
  }

  func set(_ name: String, _ value: Double, _ dimensions: [(String, String)] = []) {
    Meter(label: name, dimensions: dimensions, factory: registry).set(value)
  }
}
