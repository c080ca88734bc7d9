import HTTPTypes
import Hummingbird
import Tracing

/// A span for each request whose token was good. Names and attributes by OpenTelemetry's conventions for HTTP.
struct RequestTracing: Sendable {
  /// Nil: none are made.
  let tracer: (any Tracer)?

  /// - Parameter work: given the context that belongs to the request, which what it begins goes on with.
  func span(
    for operation: APIOperation, _ request: Request, _ work: (ServiceContext) async throws -> Response
  ) async throws -> Response {
    guard let tracer else { return try await work(.topLevel) }
    var context = ServiceContext.topLevel
    tracer.extract(request.headers, into: &context, using: FieldExtractor())
    let route = operation.route
    let span = tracer.startAnySpan("\(route.method.rawValue) \(route.path)", context: context, ofKind: .server)
    defer { span.end() }
    span.attributes["http.request.method"] = route.method.rawValue
    span.attributes["http.route"] = route.path
    func note(_ status: Int) {
      span.attributes["http.response.status_code"] = Int64(status)
      if status >= 500 { span.setStatus(SpanStatus(code: .error)) }
    }
    do {
      let response = try await ServiceContext.withValue(span.context) { try await work(span.context) }
      note(response.status.code)
      return response
    } catch {
      note(Response.told(error, to: request)?.status.code ?? 500)
      throw error
    }
  }
}

private struct FieldExtractor: Extractor {
  func extract(key: String, from fields: HTTPFields) -> String? { HTTPField.Name(key).flatMap { fields[$0] } }
}
