import AsyncHTTPClient
import CoreMetrics
import LinuxSystem
import NIOCore
import NIOSSL
import PluginModel
import ServiceLifecycle

/// Sends the spans of a queue to a collector, by OTLP over HTTP, in JSON. What is traced never waits for it, and no failure of it is one of
/// what is traced: what can't be sent is dropped and counted.
package struct SpanExporter: Service {
  /// How long is waited for what.
  package struct Patience: Sendable {
    /// Before spans are sent that are few.
    package var batching: Duration = .seconds(5)
    /// For one request, whole.
    package var request: Duration = .seconds(10)
    /// Before the second attempt; before each further one twice as long.
    package var backoff: Duration = .seconds(1)
    package var longestBackoff: Duration = .seconds(30)
    /// At the end, for all that is left.
    package var ending: Duration = .seconds(5)

    package init() {}
  }

  /// What became of one batch.
  enum Outcome: Hashable, Sendable {
    /// Of which the collector didn't take so many.
    case delivered(rejected: Int, why: String?)
    /// It may be taken later.
    case postponed(why: String, after: Duration?)
    case refused(why: String)
  }

  static let attempts = 5
  static let batch = 512

  private let queue: SpanQueue
  private let settings: ExportSettings
  private let patience: Patience
  private let envelope: (start: [UInt8], end: [UInt8])
  private let metrics: any MetricsFactory
  private let isFailing = Lock(false)
  private let report: @Sendable (Diagnostic) async -> Void

  /// - Parameters:
  ///   - version: the program's.
  ///   - report: told when spans begin to get lost, and when they no longer do.
  package init(
    _ queue: SpanQueue, to settings: ExportSettings, version: String, patience: Patience = Patience(),
    metrics: any MetricsFactory, report: @escaping @Sendable (Diagnostic) async -> Void
  ) {
    self.queue = queue
    self.settings = settings
    self.patience = patience
    self.metrics = metrics
    self.report = report
    envelope = Self.envelope(settings.serviceName, version)
  }

  /// Until it is to end gracefully, or is cancelled. Then what is left is sent, as far as there is time.
  package func run() async {
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await ticking() }
      group.addTask { await sending(by: client) }
      try? await gracefulShutdown()
      group.cancelAll()
    }
    // This task may be cancelled itself, and with it all that it waits for.
    await Task { await ending(by: client) }.value
    try? await client.shutdown()
  }

  private func ticking() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: patience.batching)
      queue.wake()
    }
  }

  private func sending(by client: HTTPClient) async {
    for await _ in queue.wakes {
      while !Task.isCancelled {
        let batch = queue.take(atMost: Self.batch)
        guard !batch.isEmpty else { break }
        await send(batch, by: client)
      }
    }
  }

  private func ending(by client: HTTPClient) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        while !Task.isCancelled {
          let batch = queue.take(atMost: Self.batch)
          guard !batch.isEmpty else { return }
          await send(batch, by: client)
        }
      }
      group.addTask { try? await Task.sleep(for: patience.ending) }
      await group.next()
      group.cancelAll()
    }
    let left = queue.take(atMost: .max)
    if !left.isEmpty { await lost(left.count, "ended", why: "the program ended before they could be sent") }
  }

  // MARK: One batch

  /// Sends it, again and again where that may help. What was cut off in between is put back.
  private func send(_ batch: [[UInt8]], by client: HTTPClient) async {
    let body = envelope.start + batch.joined(separator: [UInt8(ascii: ",")]) + envelope.end
    var backoff = patience.backoff
    var why = ""
    for attempt in 1...Self.attempts {
      let outcome = await post(body, by: client)
      guard !Task.isCancelled || outcome.isFinal else { return queue.putBack(batch) }
      switch outcome {
      case .delivered(let rejected, let why):
        count("trace_spans_exported", batch.count - min(rejected, batch.count))
        return rejected > 0
          ? await lost(rejected, "refused", why: why ?? "the collector doesn't say why") : await recovered()
      case .refused(let why): return await lost(batch.count, "refused", why: why)
      case .postponed(let cause, let after):
        why = cause
        guard attempt < Self.attempts else { break }
        let wait = min(after ?? backoff * Double.random(in: 0.75...1.25), patience.longestBackoff)
        do { try await Task.sleep(for: wait) } catch { return queue.putBack(batch) }
        backoff = min(backoff * 2, patience.longestBackoff)
      }
    }
    await lost(batch.count, "unreachable", why: why)
  }

  private func post(_ body: [UInt8], by client: HTTPClient) async -> Outcome {
    var request = HTTPClientRequest(url: settings.address.description)
    request.method = .POST
    request.headers.add(name: "content-type", value: "application/json")
    request.headers.add(name: "user-agent", value: "orchestrator")
    for header in settings.headers { request.headers.add(name: header.name, value: header.value) }
    request.body = .bytes(ByteBuffer(bytes: body))
    do {
      let response = try await client.execute(request, timeout: TimeAmount(patience.request))
      let answer = try await response.body.collect(upTo: 64 << 10)
      return Outcome(
        status: Int(response.status.code), retryAfter: response.headers.first(name: "retry-after"),
        body: Array(answer.readableBytesView))
    } catch {
      return .postponed(why: "\(error)", after: nil)
    }
  }

  /// No variable of the environment and no redirect has a part in it: headers may be secrets.
  private var configuration: HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    var pool = HTTPClient.Configuration.ConnectionPool()
    pool.retryConnectionEstablishment = false
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: TimeAmount(patience.request)),
      connectionPool: pool, proxy: nil, decompression: .disabled)
    configuration.httpVersion = .http1Only
    return configuration
  }

  // MARK: What is told

  private func lost(_ number: Int, _ reason: String, why: String) async {
    count("trace_spans_dropped", number, [("reason", reason)])
    let isFirst = isFailing.withLock { isFailing in
      defer { isFailing = true }
      return !isFailing
    }
    guard isFirst else { return }
    await report(
      Diagnostic(
        "spans get lost: they can't be sent to \(settings.address)", why: why,
        hint: "look at the collector; how many are lost is in trace_spans_dropped_total", severity: .warning))
  }

  private func recovered() async {
    let wasFailing = isFailing.withLock { isFailing in
      defer { isFailing = false }
      return isFailing
    }
    if wasFailing {
      await report(Diagnostic("spans are sent to \(settings.address) again", severity: .warning))
    }
  }

  private func count(_ label: String, _ number: Int, _ dimensions: [(String, String)] = []) {
    Counter(label: label, dimensions: dimensions, factory: metrics).increment(by: number)
  }

  /// What stands before and after the spans of one request.
  private static func envelope(_ serviceName: String, _ version: String) -> (start: [UInt8], end: [UInt8]) {
    let resource = [("service.name", serviceName), ("service.version", version)].map {
      SpanRecord.attribute($0.0, SpanRecord.text($0.1))
    }
    let scope: JSONValue = ["name": "orchestrator", "version": .string(version)]
    let start =
      #"{"resourceSpans":[{"resource":{"attributes":"# + JSONValue.array(resource).text()
      + #"},"scopeSpans":[{"scope":"# + scope.text() + #","spans":["#
    return (Array(start.utf8), Array("]}]}]}".utf8))
  }
}

extension SpanExporter.Outcome {
  /// By https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
  init(status: Int, retryAfter: String?, body: [UInt8]) {
    switch status {
    case 200..<300:
      let partial = (try? JSONValue(json: body))?["partialSuccess"]
      let rejected = partial?["rejectedSpans"].flatMap { $0.integerValue ?? $0.stringValue.flatMap { Int64($0) } }
      self = .delivered(
        rejected: Int(clamping: max(0, rejected ?? 0)), why: partial?["errorMessage"]?.stringValue.map(\.quoted))
    case 429, 502, 503, 504:
      let seconds = retryAfter.flatMap { StrictDecimal.value($0.utf8, maximum: 3600) }
      self = .postponed(why: "it answers \(status)", after: seconds.map { .seconds($0) })
    default: self = .refused(why: "it answers \(status)")
    }
  }

  var isFinal: Bool { if case .postponed = self { false } else { true } }
}
