import HTTPTypes
import Hummingbird
import Tracing

/// A span for each request whose token was good. Names and attributes by OpenTelemetry's conventions for HTTP.
struct RequestTracing: Sendable {
  /// Nil: none are made.
  let tracer: (any Tracer)?

  /// - Parameter work: given the context that belongs to the request, which what it begins goes on with.
  func span(
    for operation: APIOperation, _ fields: HTTPFields, _ work: (ServiceContext) async throws -> APIReply
  ) async throws -> APIReply {
    guard let tracer else { return try await work(.topLevel) }
    var context = ServiceContext.topLevel
    tracer.extract(fields, into: &context, using: FieldExtractor())
    let route = operation.route
    let span = tracer.startAnySpan("\(route.method.rawValue) \(route.path)", context: context, ofKind: .server)
    defer { span.end() }
    span.attributes["http.request.method"] = route.method.rawValue
    span.attributes["http.route"] = route.path
    do {
      let reply = try await ServiceContext.withValue(span.context) { try await work(span.context) }
      span.attributes["http.response.status_code"] = Int64(reply.status)
      return reply
    } catch {
      let status = (error as? APIProblem)?.status ?? 500
      span.attributes["http.response.status_code"] = Int64(status)
      if status >= 500 { span.setStatus(SpanStatus(code: .error)) }
      throw error
    }
  }
}

private struct FieldExtractor: Extractor {
  func extract(key: String, from fields: HTTPFields) -> String? { HTTPField.Name(key).flatMap { fields[$0] } }
}

extension APIReply {
  fileprivate var status: Int {
    switch self {
    case .json(_, let status, _, _), .nothing(let status): status
    case .made(let response): response.status.code
    case .document, .content, .events: 200
    }
  }
}
