import LinuxSystem
import PluginModel
import Telemetry
import Testing
import Tracing

@Suite("Traces that go on in other programs")
struct TraceContextTests {
  private struct Fields: Extractor, Injector {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
  }

  private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test("a parent is handed on as it came")
  func parents() throws {
    let context = try #require(TraceContext(parent: Self.parent, state: "a=1,b@c=2"))
    #expect(context.parent == Self.parent && context.isSampled && context.state == "a=1,b@c=2")
    #expect("\(context.trace)" == "0af7651916cd43dd8448eb211c80319c" && "\(context.span)" == "b7ad6b7169203331")
    // What a later version says more is left out.
    let later = try #require(TraceContext(parent: "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02-more"))
    #expect(later.parent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
    #expect(TraceContext(parent: Self.parent, state: "a=\r\nb")?.state == nil)
    #expect(TraceContext(parent: Self.parent, state: String(repeating: "a=1,", count: 200))?.state == nil)
  }

  @Test(
    "what is no parent is none",
    arguments: [
      "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
      "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
      "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
      " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-é1",
    ])
  func wrongParents(text: String) { #expect(TraceContext(parent: text) == nil) }

  @Test("a span belongs to the trace of the request, and what is asked of others to the span")
  func propagation() throws {
    let tracer = RunTracer(nil)
    var context = ServiceContext.topLevel
    tracer.extract(["traceparent": Self.parent, "tracestate": "a=1"], into: &context, using: Fields())
    let span = tracer.startSpan("run", context: context)
    var carrier: [String: String] = [:]
    tracer.inject(span.context, into: &carrier, using: Fields())
    #expect(carrier["tracestate"] == "a=1")
    #expect(carrier["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-\(span.place.span)-01")
    #expect(span.place.span != context.trace?.span && !span.isRecording)
    var none = ServiceContext.topLevel
    tracer.extract(["traceparent": "nonsense"], into: &none, using: Fields())
    #expect(none.trace == nil)
    let (first, second) = (tracer.startSpan("a", context: none), tracer.startSpan("b", context: none))
    #expect(first.place.trace != second.place.trace && first.place.isSampled)
  }

  @Test("settings are those of OpenTelemetry's variables")
  func settings() throws {
    typealias Variable = ExportSettings.Variable
    func settings(_ variables: [Variable: String]) throws -> ExportSettings? { try ExportSettings { variables[$0] } }
    #expect(try settings([:]) == nil)
    #expect(try settings([.endpoint: "http://a.example.org:4318", .isDisabled: "TRUE"]) == nil)
    let usual = try #require(try settings([.endpoint: "http://127.0.0.1:4318/"]))
    #expect(usual.address.description == "http://127.0.0.1:4318/v1/traces" && usual.serviceName == "orchestrator")
    let below = try settings([
      .endpoint: "https://a.example.org/otlp", .serviceName: "ci", .protocolName: "http/protobuf",
    ])
    #expect(below?.address.description == "https://a.example.org/otlp/v1/traces" && below?.serviceName == "ci")
    let own = try settings([.endpoint: "nonsense", .tracesEndpoint: "https://b.example.org/t"])
    #expect(own?.address.description == "https://b.example.org/t")
    let headers = try settings([
      .endpoint: "http://127.0.0.1:4318", .headers: "Authorization=Bearer%20s%2C1 , x-a = b=c",
    ])
    #expect(headers?.headers == [.init("authorization", "Bearer s,1"), .init("x-a", "b=c")])
    for (variables, what) in [
      ([.endpoint: "collector:4318"], "is no address"), ([.endpoint: "ftp://a.example.org"], "is no address"),
      ([.endpoint: "http://127.0.0.1:4317", .protocolName: "grpc"], "OTEL_EXPORTER_OTLP_PROTOCOL says 'grpc'"),
      ([.endpoint: "http://127.0.0.1:1", .headers: "secret"], "header 1"),
      ([.endpoint: "http://127.0.0.1:1", .headers: "a=secret%0d%0aX: 1"], "header 1"),
      ([.endpoint: "http://127.0.0.1:1", .headers: "a=1,b=secret%"], "header 2"),
      ([.endpoint: "http://127.0.0.1:1", .headers: "a b=secret"], "header 1"),
      ([.endpoint: "http://127.0.0.1:1", .headers: "Host=secret"], "the header host"),
      ([.endpoint: "http://127.0.0.1:1", .headers: "a=\(String(repeating: "x", count: 9000))"], "is longer"),
    ] as [([Variable: String], String)] {
      #expect {
        try settings(variables)
      } throws: { error in
        "\(error)".contains(what) && !"\(error)".contains("secret")
      }
    }
    let shown = try #require(headers)
    #expect(!"\(shown) \(shown.headers) \(String(reflecting: shown))".contains("Bearer"))
  }
}
