import LinuxSystem
import Logging
import PluginModel
import Telemetry

/// What a server tells of itself, made once and handed to whoever has something to tell.
struct ServerTelemetry: Sendable {
  let log: ServiceLog
  let words: Logger
  let metrics = ServerMetrics()
  /// Nil: nothing says where spans are to be sent, and none are made.
  let spans: (tracer: RunTracer, exporter: SpanExporter)?

  /// - Throws: what the environment says of spans can't be used.
  init(_ format: ServiceLog.Format) throws(CommandFailure) {
    do throws(SystemError) { log = try ServiceLog(format) } catch {
      throw CommandFailure(.invalidInput, "the program can't write a log", why: error.description)
    }
    let words = log.logger("server")
    self.words = words
    let settings: ExportSettings?
    do throws(Diagnostic) {
      settings = try ExportSettings { ProcessEnvironment.variable($0.rawValue) }
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
    guard let settings else {
      spans = nil
      return
    }
    let queue = SpanQueue(metrics: metrics.registry)
    let exporter = SpanExporter(
      queue, to: settings, version: "\(engineVersion)", metrics: metrics.registry
    ) { problem in words.warning("\(problem)") }
    spans = (RunTracer(queue), exporter)
  }

  func logger(run: String) -> Logger {
    var logger = words
    logger[metadataKey: "run"] = "\(run)"
    return logger
  }
}
