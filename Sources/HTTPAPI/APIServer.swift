import HTTPTypes
import Hummingbird
import LinuxSystem
import NIOCore
import PluginModel
import Tracing

/// Everything between a request and its handler: who asks, by which name, how often, for what; and between the handler and the response.
///
/// Whoever has no token learns nothing but that one is needed: neither which paths there are nor what is wrong with a request.
package final class APIServer: Sendable {
  package struct Limits: Sendable {
    /// Requests of one token. 0: as many as it likes.
    package var perSecond: Int
    package var burst: Int { perSecond * 5 }
    /// Requests without a token that counts, from one address.
    package var refusedPerSecond = 20
    package var refusedBurst = 100

    package init(perSecond: Int = 200) { self.perSecond = perSecond }
  }

  /// Of one request: what was asked for, nil where it is nothing that there is; the status; until the response was made.
  package typealias Measurement = @Sendable (APIOperation?, Int, Duration) -> Void

  /// Nil: nobody's.
  package typealias Authentication = @Sendable (BearerToken) async throws -> Caller?

  private let handler: any APIHandler
  private let authenticate: Authentication
  /// Who asks where no token is needed.
  private let anybody: Caller?
  private let hosts: HostPolicy
  private let report: @Sendable (String) async -> Void
  private let measure: Measurement
  private let tracing: RequestTracing
  private let table = RouteTable()
  private let pages = WebPages()
  private let isEncrypted: Bool
  private let isBehindProxy: Bool
  private let limits: Limits
  private let callers: Lock<RateLimiter<String>>
  private let refused: Lock<RateLimiter<String>>
  private let began = ContinuousClock.now

  /// - Parameters:
  ///   - anybody: nil: a token is needed.
  ///   - isBehindProxy: whoever connects is a proxy, which says in `X-Forwarded-For` for whom.
  ///   - tracer: nil: no spans are made of requests.
  ///   - report: told what went wrong here; whoever asked is told nothing of it.
  package init(
    _ handler: any APIHandler, hosts: HostPolicy, authenticate: @escaping Authentication, anybody: Caller? = nil,
    limits: Limits = Limits(), isEncrypted: Bool = false, isBehindProxy: Bool = false,
    tracer: (any Tracer)? = nil, measure: @escaping Measurement = { _, _, _ in },
    report: @escaping @Sendable (String) async -> Void
  ) {
    self.measure = measure
    tracing = RequestTracing(tracer: tracer)
    self.handler = handler
    self.hosts = hosts
    self.authenticate = authenticate
    self.anybody = anybody
    self.isEncrypted = isEncrypted
    self.isBehindProxy = isBehindProxy
    self.report = report
    self.limits = limits
    callers = Lock(RateLimiter(perSecond: limits.perSecond, burst: limits.burst))
    refused = Lock(RateLimiter(perSecond: limits.refusedPerSecond, burst: limits.refusedBurst))
  }

  package func respond(to request: Request, on channel: any Channel) async -> Response {
    let start = ContinuousClock.now
    var response: Response
    let match = table.match(request.method, request.uri.path)
    defer {
      let operation: APIOperation? = if case .found(let operation, _) = match { operation } else { nil }
      measure(operation, response.status.code, .now - start)
    }
    do {
      response = try await answer(request, match, channel)
    } catch {
      if let told = Response.told(error, to: request) {
        response = told
      } else {
        await report("\(request.method.rawValue) \(request.uri.path.prefix(200)): \(error)")
        response = .problem(APIProblem(500, "something is wrong with this server"))
      }
    }
    for (name, value) in SecurityHeaders.all where response.headers[name] == nil { response.headers[name] = value }
    if isEncrypted { response.headers[SecurityHeaders.strictTransport.name] = SecurityHeaders.strictTransport.value }
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(
    _ request: Request, _ match: RouteTable.Match, _ channel: any Channel
  ) async throws -> Response {
    switch hosts.verdict(authority: request.head.authority, origin: request.headers[.origin]) {
    case .allowed: break
    case .misdirected: throw APIProblem(421, "this server isn't asked by that name")
    case .foreignOrigin: throw APIProblem(403, "requests from pages of other origins aren't taken")
    }
    if let page = pages.response(to: request) { return page }
    if case .found(let operation, _) = match, operation.route.scope == nil {
      return response(to: request, try await handler.handle(operation, APICall(caller: .nobody, request: request)))
    }
    let caller = try await caller(of: request, channel)
    guard limits.perSecond == 0 || callers.withLock({ $0.take(caller.name, at: microseconds) }) else {
      throw APIProblem(429, "too many requests", retryAfter: 1)
    }
    switch match {
    case .none: throw APIProblem(404, "there is nothing of this name")
    case .otherMethod(let methods):
      var problem = APIProblem(405, "this can't be asked for with \(request.method.rawValue.prefix(20))")
      problem.allowed = methods
      throw problem
    case .found(let operation, let values):
      let call = try call(operation.route, request, values, caller)
      return try await tracing.span(for: operation, request) { context in
        var call = call
        call.context = context
        return response(to: request, try await handler.handle(operation, call))
      }
    }
  }

  private var microseconds: Int64 {
    let time = (ContinuousClock.now - began).components
    return time.seconds * 1_000_000 + time.attoseconds / 1_000_000_000_000
  }

  private func caller(of request: Request, _ channel: any Channel) async throws -> Caller {
    if let anybody { return anybody }
    if let token = request.headers[.authorization].flatMap({ BearerToken(authorization: $0) }) {
      let forwarded = isBehindProxy ? ForwardedFor.address(Self.fields(of: request)) : nil
      let address = forwarded ?? channel.remoteAddress?.ipAddress ?? ""
      // To look for a token takes the database's time.
      guard refused.withLock({ $0.has(address, at: microseconds) }) else {
        throw APIProblem(429, "too many requests", retryAfter: 5)
      }
      if let caller = try await authenticate(token) { return caller }
      _ = refused.withLock { $0.take(address, at: microseconds) }
    }
    throw APIProblem(401, "a token is needed", hint: "send one as: Authorization: Bearer TOKEN")
  }

  private static func fields(of request: Request) -> [String] {
    HTTPField.Name(ForwardedFor.name).map { request.headers[values: $0] } ?? []
  }

  private func call(
    _ route: APIRoute, _ request: Request, _ values: [APIParameter.Path: String], _ caller: Caller
  ) throws(APIProblem) -> APICall {
    guard let scope = route.scope, caller.scope >= scope else {
      throw APIProblem(403, "this takes a token with the scope \((route.scope ?? .admin).rawValue)")
    }
    guard let items = PercentText.items(ofQuery: request.uri.query ?? "") else {
      throw APIProblem(400, "the query can't be read", hint: "encode it as UTF-8, with percent signs")
    }
    var query: [String: [String]] = [:]
    for (name, value) in items {
      guard let parameter = route.queryParameters.first(where: { $0.name == name }) else {
        throw APIProblem(
          400, "the query has the unknown item \(String(name.prefix(64)).quoted)",
          hint: Suggestion.hint(for: String(name.prefix(64)), among: route.queryParameters.map(\.name)))
      }
      query[name, default: []].append(value)
      guard parameter.isRepeatable || query[name]?.count == 1 else {
        throw APIProblem(400, "the query has \(name.quoted) twice")
      }
      guard (query[name]?.count ?? 0) <= APIParameter.mostItems else {
        throw APIProblem(
          400, "the query has \(name.quoted) too often", why: "at most \(APIParameter.mostItems) are taken")
      }
      guard parameter.accepts(value) else {
        throw APIProblem(400, "the query's \(name.quoted) can't be used", hint: parameter.summary)
      }
    }
    if let missing = route.queryParameters.first(where: { $0.isRequired && query[$0.name] == nil }) {
      throw APIProblem(400, "the query lacks \(missing.name.quoted)")
    }
    try check(route.body, request)
    return APICall(
      caller: caller, path: values, query: query, request: request, bodyLimit: route.body?.limit ?? 0)
  }

  private func check(_ body: APIBody?, _ request: Request) throws(APIProblem) {
    let length = request.headers[.contentLength].flatMap { Int($0) }
    let hasBody = (length ?? 0) > 0 || request.headers[.transferEncoding] != nil
    guard let body else {
      // What is sent all the same is read and thrown away, as far as it isn't much.
      if let length, length > 64 << 10 { throw APIProblem.tooLarge(0) }
      return
    }
    if let length, length > body.limit { throw APIProblem.tooLarge(body.limit) }
    guard hasBody else {
      if body.isRequired { throw APIProblem(400, "this takes a body", hint: "send one: \(body.mediaTypes[0])") }
      return
    }
    let sent = request.headers[.contentType].map { field in
      String(field.prefix { $0 != ";" }).lowercased().filter { $0 != " " }
    }
    guard let sent, body.mediaTypes.contains(sent) else {
      throw APIProblem(
        415, "the body can't be read as \(String((sent ?? "what it isn't said to be").prefix(64)))",
        hint: "say what it is: Content-Type: \(body.mediaTypes.joined(separator: " or "))")
    }
  }

  private func response(to request: Request, _ reply: APIReply) -> Response {
    switch reply {
    case .json(let value, let status, let location, let tag):
      var response = tagged(ByteBuffer(bytes: value.utf8()), MediaType.json, tag, status: status, to: request)
      if let location { response.headers[.location] = location }
      return response
    case .document(let bytes, let mediaType, let tag, let policy):
      var response = tagged(bytes, mediaType, tag, to: request)
      if let policy { response.headers[.contentSecurityPolicy] = policy }
      return response
    case .content(let content): return .content(content, to: request)
    case .made(let response): return response
    case .events(let write):
      return Response(
        status: .ok, headers: [.contentType: MediaType.events, .cacheControl: "no-store"],
        body: ResponseBody { writer in
          try await write(&writer)
          try await writer.finish(nil)
        })
    case .nothing(let status): return Response(status: .init(code: status))
    }
  }

  /// - Parameter tag: by which it needn't be sent again.
  private func tagged(
    _ bytes: ByteBuffer, _ mediaType: String, _ tag: String?, status: Int = 200, to request: Request
  ) -> Response {
    var headers: HTTPFields = [:]
    if let tag {
      headers = [.eTag: tag, .cacheControl: "no-cache"]
      let isRead = status == 200 && (request.method == .get || request.method == .head)
      if isRead, request.holds(tag) { return Response(status: .notModified, headers: headers) }
    }
    headers[.contentType] = mediaType
    return Response(status: .init(code: status), headers: headers, body: ResponseBody(byteBuffer: bytes))
  }
}

extension Caller {
  /// Of what anybody may ask.
  fileprivate static let nobody = Caller(name: "", scope: .viewer)
}

/// What every response says to a browser: nothing of it is a page, may be shown in one of others, or be kept. ``WebPages`` are pages, and say so.
enum SecurityHeaders {
  static let all: [(name: HTTPField.Name, value: String)] = [
    (.xContentTypeOptions, "nosniff"), (.cacheControl, "no-store"),
    (.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (named("Referrer-Policy"), "no-referrer"), (named("Cross-Origin-Resource-Policy"), "same-origin"),
    (named("X-Frame-Options"), "DENY"),
  ].compactMap { name, value in name.map { ($0, value) } }

  static let strictTransport = (name: HTTPField.Name.strictTransportSecurity, value: "max-age=31536000")

  private static func named(_ text: String) -> HTTPField.Name? { HTTPField.Name(text) }
}

extension Response {
  /// What whoever asked is told of what was thrown; nil: nothing, for it is this server's affair.
  static func told(_ error: any Error, to request: Request) -> Response? {
    switch error {
    case let problem as APIProblem: .problem(problem)
    case let problem as RegistryProblem: .problem(problem, to: request)
    case let wrong as Diagnostic: .problem(APIProblem(400, wrong.what, why: wrong.why, hint: wrong.hint))
    default: nil
    }
  }

  static func problem(_ problem: APIProblem) -> Response {
    var headers: HTTPFields = [.contentType: MediaType.problem]
    if problem.status == 401 { headers[.wwwAuthenticate] = BearerToken.scheme }
    if let seconds = problem.retryAfter {
      headers[.retryAfter] = "\(seconds)"
      // Somebody else may have the place until then.
      headers[.connection] = "close"
    }
    if !problem.allowed.isEmpty { headers[.allow] = problem.allowed.joined(separator: ", ") }
    return Response(
      status: .init(code: problem.status), headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: problem.jsonValue.utf8())))
  }

  static func content(_ content: APIContent, to request: Request) -> Response {
    var headers: HTTPFields = [
      .contentType: content.mediaType, .eTag: content.tag, .acceptRanges: "bytes", .cacheControl: "no-cache",
      .contentDisposition: "attachment; filename*=UTF-8''\(PercentText.encoded(content.name))",
    ]
    if let policy = content.policy {
      headers[.contentDisposition] = "inline"
      headers[.contentSecurityPolicy] = policy
    }
    if request.holds(content.tag) { return Response(status: .notModified, headers: headers) }
    var part = 0..<content.size
    var status = HTTPResponse.Status.ok
    // A part of another state of it isn't wanted.
    if let field = request.headers[.range], request.headers[.ifRange].map({ $0 == content.tag }) ?? true {
      switch ByteRange.part(field, of: content.size) {
      case .whole: break
      case .part(let range):
        part = range
        status = .partialContent
        headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(content.size)"
      case .unsatisfiable:
        var problem = Response.problem(APIProblem(416, "there is no such part of it"))
        problem.headers[.contentRange] = "bytes */\(content.size)"
        return problem
      }
    }
    return Response(status: status, headers: headers, body: ResponseBody(of: part, read: content.read))
  }
}

/// RFC 9110 section 14.2: one range of bytes. Several are answered with all of it, which the standard allows.
package enum ByteRange: Hashable, Sendable {
  case whole
  case part(Range<Int>)
  case unsatisfiable

  package static func part(_ field: String, of size: Int) -> ByteRange {
    guard field.lowercased().hasPrefix("bytes=") else { return .whole }
    let halves = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return .whole }
    func number(_ text: Substring) -> Int? { StrictDecimal.value(text.utf8, maximum: Int(Int64.max >> 1)) }
    switch (halves[0].isEmpty, halves[1].isEmpty) {
    case (true, true): return .whole
    case (true, false):
      guard let count = number(halves[1]) else { return .whole }
      return count == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
    case (false, let isOpen):
      guard let first = number(halves[0]) else { return .whole }
      var last = size - 1
      if !isOpen {
        guard let end = number(halves[1]), end >= first else { return .whole }
        last = min(end, size - 1)
      }
      return first < size ? .part(first..<(last + 1)) : .unsatisfiable
    }
  }
}
