import Foundation
import Hummingbird
import LinuxSystem
import NIOCore
import PluginModel
import Testing

@testable import HTTPAPI

/// What stands between a request and its handler, over real connections. The handler here says who asks for what.
@Suite("The gate of the server", .serialized)
struct GateTests {
  private struct Handler: APIHandler {
    func handle(_ operation: APIOperation, _ call: APICall) async throws -> APIReply {
      if case .runs(.showRun) = operation { throw Secret() }
      let bytes = try await call.bytes()
      return .json(["operation": .string(operation.identifier), "bytes": .integer(Int64(bytes.count))])
    }
  }

  private struct Secret: Error { let description = "the inside of the server" }

  private static let tokens: [AccessScope: String] = Dictionary(
    uniqueKeysWithValues: AccessScope.allCases.enumerated().map { number, scope in
      (scope, BearerToken(random: String(repeating: "\(number)", count: 64)).secret)
    })

  private func serving(
    limits: APIServer.Limits = APIServer.Limits(), isBehindProxy: Bool = false,
    _ body: @escaping @Sendable (UInt16) throws -> Void
  ) async throws {
    let api = APIServer(
      Handler(), hosts: HostPolicy(names: []),
      authenticate: { token in
        Self.tokens.first { $0.value == token.secret }.map { Caller(name: $0.key.rawValue, scope: $0.key) }
      }, limits: limits, isBehindProxy: isBehindProxy, report: { _ in })
    try await listening(respond: { await api.respond(to: $0, on: $1) }, body)
  }

  /// The whole answer to one request.
  private func ask(
    _ port: UInt16, _ method: String, _ path: String, as scope: AccessScope? = .admin, token: String? = nil,
    host: String = "localhost", fields: String = "", body: String = ""
  ) throws -> String {
    let connection = try RawConnection.open(port)
    defer { connection.close() }
    let secret = token ?? scope.flatMap { Self.tokens[$0] }
    let authorization = secret.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    connection.send(
      "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\(authorization)\(fields)\r\n\(body)")
    return connection.receive()
  }

  private func expect(_ wanted: Int, _ answer: String, at location: Testing.SourceLocation = #_sourceLocation) {
    #expect(status(answer) == wanted, sourceLocation: location)
  }

  private func status(_ answer: String) -> Int? { answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } }

  @Test("a token is let do what its scope has, and nothing above that")
  func scopes() async throws {
    try await serving { port in
      for operation in APIOperation.all {
        guard let needed = operation.route.scope, operation.route.method == .get else { continue }
        let path = operation.route.path.replacing(/\{[a-z]+\}/, with: "1")
        for scope in AccessScope.allCases {
          let status = try status(ask(port, "GET", path, as: scope))
          #expect((status == 403) == (scope < needed), "\(operation.identifier) as \(scope.rawValue): \(status ?? 0)")
        }
      }
    }
  }

  @Test("without a token that counts every request gets one and the same answer")
  func strangers() async throws {
    try await serving { port in
      var answers: Set<String> = []
      for (method, path) in [
        ("GET", "/api/v1/runs"), ("PATCH", "/api/v1/runs"), ("GET", "/nothing"), ("GET", "/api/v1/runs?x=1"),
      ] {
        for token in [nil, "orchestrator_" + String(repeating: "f", count: 64), "x"] {
          let answer = try ask(port, method, path, as: nil, token: token)
          #expect(status(answer) == 401)
          answers.insert(String(answer.split(separator: "\r\n\r\n").last ?? ""))
        }
      }
      #expect(answers.count == 1)
    }
  }

  @Test("another name, and a page of another origin, is refused")
  func hosts() async throws {
    try await serving { port in
      try expect(200, ask(port, "GET", "/api/v1/runs"))
      try expect(421, ask(port, "GET", "/api/v1/runs", host: "evil.example"))
      try expect(403, ask(port, "GET", "/api/v1/runs", fields: "Origin: https://evil.example\r\n"))
      try expect(421, ask(port, "GET", "/healthz", as: nil, host: "evil.example"))
    }
  }

  @Test("a token asks only so often; another one is not held up by it")
  func rates() async throws {
    try await serving(limits: APIServer.Limits(perSecond: 1)) { port in
      let statuses = try (0..<20).map { _ in status(try ask(port, "GET", "/api/v1/runs", as: .viewer)) }
      #expect(statuses[..<5].allSatisfy { $0 == 200 } && statuses.contains(429))
      try expect(200, ask(port, "GET", "/api/v1/runs", as: .runner))
    }
    try await serving(limits: APIServer.Limits(perSecond: 0)) { port in
      for _ in 0..<300 { try expect(200, ask(port, "GET", "/api/v1/runs", as: .viewer)) }
    }
  }

  @Test("who tries tokens is slowed down, by the address that a proxy saw where there is one")
  func guesses() async throws {
    let wrong = "orchestrator_" + String(repeating: "f", count: 64)
    var limits = APIServer.Limits()
    (limits.refusedPerSecond, limits.refusedBurst) = (1, 5)
    try await serving(limits: limits) { port in
      let statuses = try (0..<20).map { _ in status(try ask(port, "GET", "/api/v1/runs", token: wrong)) }
      #expect(statuses.contains(429), "nobody was slowed down")
    }
    try await serving(limits: limits, isBehindProxy: true) { port in
      let guesser = "X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\n"
      let statuses = try (0..<20).map { _ in
        status(try ask(port, "GET", "/api/v1/runs", token: wrong, fields: guesser))
      }
      #expect(statuses.contains(429), "nobody was slowed down")
      try expect(200, ask(port, "GET", "/api/v1/runs", fields: "X-Forwarded-For: 192.0.2.9\r\n"))
    }
  }

  @Test("what fails inside is told to nobody, and every response forbids to be shown as a page")
  func failures() async throws {
    try await serving { port in
      let answer = try ask(port, "GET", "/api/v1/runs/20260131T235959Z-00000000")
      #expect(status(answer) == 500 && !answer.contains("the inside"))
      for path in ["/api/v1/runs", "/api/v1/runs/1", "/nothing", "/healthz"] {
        let answer = try ask(port, "GET", path).lowercased()
        #expect(answer.contains("x-content-type-options: nosniff"), "\(path)")
        #expect(answer.contains("content-security-policy: default-src 'none'"), "\(path)")
      }
    }
  }

  @Test("bodies have bounds, whether their size is said or not, and a type")
  func bodies() async throws {
    try await serving { port in
      let json = "Content-Type: application/json\r\n"
      func post(_ fields: String, _ body: String) throws -> String {
        try ask(port, "POST", "/api/v1/runs", fields: fields, body: body)
      }
      try expect(200, post(json + "Content-Length: 2\r\n", "{}"))
      try expect(413, post(json + "Content-Length: 1000000000\r\n", "{}"))
      try expect(415, post("Content-Type: text/html\r\nContent-Length: 2\r\n", "{}"))
      let pieces = String(repeating: "10000\r\n" + String(repeating: "a", count: 65536) + "\r\n", count: 200)
      try expect(413, post(json + "Transfer-Encoding: chunked\r\n", pieces))
      for query in ["nothing=x", "state=nonsense", "workflow=" + String(repeating: "a", count: 300)] {
        try expect(400, ask(port, "GET", "/api/v1/runs?\(query)"))
      }
    }
  }

  @Test("who is refused for asking too much isn't kept: the connection ends with the answer")
  func ends() async throws {
    try await serving(limits: APIServer.Limits(perSecond: 1)) { port in
      let connection = try RawConnection.open(port)
      defer { connection.close() }
      let token = Self.tokens[.viewer] ?? ""
      let head = "GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n"
      let start = Date()
      for _ in 0..<20 { connection.send(head) }
      let answers = connection.receive(seconds: 8)
      #expect(answers.contains(" 429 ") && answers.lowercased().contains("connection: close"))
      #expect(Date().timeIntervalSince(start) < 5)
    }
  }
}
