import HTTPTypes
import PluginModel
import Testing

@testable import HTTPAPI

@Suite("What can be asked of the server")
struct ContractTests {
  private let table = RouteTable()
  private let document = OpenAPIDocument.document(version: "1.0.0")

  @Test("every operation is found by its method and path, and by no other method")
  func routes() {
    for operation in APIOperation.all {
      let path = operation.route.path.split(separator: "/").map { $0.hasPrefix("{") ? "a" : String($0) }
      let text = "/" + path.joined(separator: "/")
      let values = Dictionary(operation.route.pathParameters.map { ($0, "a") }) { first, _ in first }
      #expect(table.match(operation.route.method, text) == .found(operation, values))
      guard case .otherMethod(let methods) = table.match(.trace, text) else {
        Issue.record("\(text) can be traced")
        continue
      }
      #expect(methods.contains(operation.route.method.rawValue))
    }
  }

  @Test("a path with a slash more or less, or another case, is another path")
  func strictPaths() {
    for path in [
      "/api/v1/runs/", "//api/v1/runs", "/api//v1/runs", "/API/v1/runs", "/api/v1/runs/x/", "/api/v1/runs//", "", "/",
    ] {
      #expect(table.match(.get, path) == .none, "\(path)")
    }
    let found = table.match(.get, "/api/v1/runs/a%2F..%2fb")
    #expect(found == .found(.runs(.showRun), [.run: "a/../b"]))
    #expect(table.match(.get, "/api/v1/runs/a%252Fb") == .found(.runs(.showRun), [.run: "a%2Fb"]))
    for path in ["/api/v1/runs/%", "/api/v1/runs/%0", "/api/v1/runs/%zz", "/api/v1/runs/%00", "/api/v1/runs/%ff"] {
      #expect(table.match(.get, path) == .none, "\(path)")
    }
  }

  @Test("the OpenAPI document has every operation once, and everything that it refers to")
  func documentIsComplete() throws {
    var operations: [String] = []
    for path in try #require(document["paths"]?.members) {
      for operation in path.value.members ?? [] {
        operations.append(operation.value["operationId"]?.stringValue ?? "")
        let named = path.key.split(separator: "/").filter { $0.hasPrefix("{") }.map {
          String($0.dropFirst().dropLast())
        }
        let declared = (operation.value["parameters"]?.arrayValue ?? []).filter { $0["in"] == "path" }
        #expect(declared.compactMap { $0["name"]?.stringValue } == named)
      }
    }
    #expect(
      operations == Array(Set(operations)).sorted { operations.firstIndex(of: $0)! < operations.firstIndex(of: $1)! })
    #expect(Set(operations) == Set(APIOperation.all.map(\.identifier)))
    let schemas = Set(try #require(document["components"]?["schemas"]?.members).map(\.key))
    for reference in references(in: document) {
      #expect(schemas.contains(String(reference.dropFirst("#/components/schemas/".count))), "\(reference)")
    }
  }

  private func references(in value: JSONValue) -> [String] {
    switch value {
    case .object(let members):
      members.flatMap { $0.key == "$ref" ? [$0.value.stringValue ?? ""] : references(in: $0.value) }
    case .array(let items): items.flatMap { references(in: $0) }
    case .null, .bool, .integer, .double, .string: []
    }
  }

  @Test("without a token only health can be asked for; what changes plugins, grants and tokens takes an admin's")
  func scopes() {
    let open = APIOperation.all.filter { $0.route.scope == nil }
    #expect(open == [.server(.health), .server(.readiness)])
    let administered: [APIOperation] = [
      .server(.reload), .server(.listTokens), .server(.createToken), .server(.revokeToken), .server(.audit),
      .plugins(.installPlugin), .plugins(.installFromRegistry), .plugins(.rollBackPlugin), .plugins(.removePlugin),
      .plugins(.grant),
      .plugins(.revokeGrants), .plugins(.showSettings), .plugins(.saveSettings),
    ]
    #expect(Set(APIOperation.all.filter { $0.route.scope == .admin }) == Set(administered))
    // What changes anything takes more than a viewer's, but for what is only looked at.
    let looking: Set<APIOperation> = [
      .workflows(.validateWorkflow), .workflows(.importWorkflow), .workflows(.convertWorkflow),
    ]
    for operation in APIOperation.all where operation.route.method != .get && !looking.contains(operation) {
      #expect((operation.route.scope ?? .viewer) > .viewer, "\(operation)")
    }
  }

  @Test("a range is taken as RFC 9110 says, and nothing else is one")
  func ranges() {
    let cases: [(String, ByteRange)] = [
      ("bytes=0-0", .part(0..<1)), ("bytes=5-", .part(5..<10)), ("bytes=-3", .part(7..<10)),
      ("bytes=-99", .part(0..<10)),
      ("bytes=2-99", .part(2..<10)), ("BYTES=1-2", .part(1..<3)), ("bytes=10-", .unsatisfiable),
      ("bytes=-0", .unsatisfiable),
      ("bytes=3-2", .whole), ("bytes=-", .whole), ("bytes=a-b", .whole), ("bytes=0-1,3-4", .whole),
      ("lines=0-1", .whole),
      ("bytes=+1-2", .whole), ("bytes=99999999999999999999-", .whole),
    ]
    for (field, expected) in cases { #expect(ByteRange.part(field, of: 10) == expected, "\(field)") }
    #expect(ByteRange.part("bytes=0-", of: 0) == .unsatisfiable)
  }

  @Test("names and origins of others are refused, whatever they look like")
  func hosts() {
    let policy = HostPolicy(names: ["Build.example.org", "[fd00::1]"])
    for authority in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:1", "build.example.org", "[fd00::1]:8080"] {
      #expect(policy.verdict(authority: authority, origin: nil) == .allowed, "\(authority)")
    }
    for authority in [
      nil, "", ":80", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:80:80",
      "localhost:x",
      "[::1]x", "[::1", "localhost@evil.example", "build.example.org.", "xbuild.example.org", "localhost:123456",
    ] { #expect(policy.verdict(authority: authority, origin: nil) == .misdirected, "\(authority ?? "none")") }
    #expect(policy.verdict(authority: "localhost:80", origin: "http://localhost:80") == .allowed)
    for origin in [
      "null", "http://localhost", "http://localhost:81", "http://evil.example", "ftp://localhost:80", "localhost:80",
      "",
    ] {
      #expect(policy.verdict(authority: "localhost:80", origin: origin) == .foreignOrigin, "\(origin)")
    }
  }

  @Test("of what a proxy says of who asks, only what it has seen itself counts")
  func forwarded() {
    #expect(ForwardedFor.address(["192.0.2.1"]) == "192.0.2.1")
    #expect(ForwardedFor.address(["198.51.100.9, 192.0.2.1"]) == "192.0.2.1")
    #expect(ForwardedFor.address(["198.51.100.9", "2001:db8:0::1"]) == "2001:db8::1")
    for fields in [[], [""], ["192.0.2.1,"], ["192.0.2.1, unknown"], ["192.0.2.1:80"], ["somebody"]] {
      #expect(ForwardedFor.address(fields) == nil, "\(fields)")
    }
  }

  @Test("nobody asks more than so often, and to remember who asked takes bounded memory")
  func rates() {
    var limiter = RateLimiter<Int>(perSecond: 10, burst: 5, mostKeys: 100)
    #expect((0..<20).count { _ in limiter.take(1, at: 0) } == 5)
    #expect(!limiter.has(1, at: 99_999) && limiter.has(1, at: 100_000) && limiter.has(2, at: 0))
    #expect((0..<20).count { _ in limiter.take(1, at: 1_000_000) } == 5)
    for key in 0..<10_000 { _ = limiter.take(key, at: 1_000_000) }
    #expect(limiter.count <= 100)
    // A clock that jumps changes nothing for good.
    #expect((0..<20).count { _ in limiter.take(-1, at: .max) } == 5)
  }
}

extension JSONValue {
  fileprivate var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }
}
