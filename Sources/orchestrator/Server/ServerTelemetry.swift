import LinuxSystem
import Logging
import PluginModel
import Telemetry

/// What a server tells of itself, made once and handed to whoever has something to tell.
struct ServerTelemetry: Sendable {
  let log: ServiceLog
  let words: Logger
  let metrics = ServerMetrics()
  /// Makes spans only where something takes them.
  let tracer: RunTracer
  /// Nil: nothing says where spans are to be sent.
  let exporter: SpanExporter?

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
      tracer = RunTracer(nil)
      exporter = nil
      return
    }
    let queue = SpanQueue(metrics: metrics.registry)
    tracer = RunTracer(queue)
    exporter = SpanExporter(queue, to: settings, version: "\(engineVersion)", metrics: metrics.registry) { problem in
      words.warning("\(problem)")
    }
  }

  func logger(run: String) -> Logger {
    var logger = words
    logger[metadataKey: "run"] = "\(run)"
    return logger
  }
}
