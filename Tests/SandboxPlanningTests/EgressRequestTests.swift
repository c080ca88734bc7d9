import PluginModel
import SandboxPlanning
import Testing

@Suite("The host of a request")
struct EgressRequestTests {
  private func read(_ text: String) -> HTTPRequestReader.Result { read(Array(text.utf8)) }
  private func read(_ bytes: [UInt8]) -> HTTPRequestReader.Result {
    var reader = HTTPRequestReader()
    return reader.append(bytes)
  }

  private func head(_ text: String) throws -> HTTPRequestHead {
    guard case .head(let head) = read(text) else { throw Unread(text: "\(text): \(read(text))") }
    return head
  }
  private struct Unread: Error { let text: String }

  @Test("is the Host field's in the form for servers")
  func origin() throws {
    let text = "GET /a?b HTTP/1.1\r\nHost: \t Api.Example.ORG:80 \r\nX: \r\n\r\n"
    let head = try head(text + "body")
    #expect(head.method == "GET" && head.target == .origin("/a?b") && head.minorVersion == 1)
    #expect(head.host == HTTPAuthority(host: try Host("api.example.org"), port: 80))
    #expect(head.byteCount == text.utf8.count && head.fields.count == 2)
    #expect(try self.head("OPTIONS * HTTP/1.1\r\nHost: a.org\r\n\r\n").target == .origin("*"))
    #expect(try self.head("GET / HTTP/1.0\r\n\r\n").host == nil)
    #expect(try self.head("GET / HTTP/1.1\r\nHOST:[::1]:80\r\n\r\n").host?.host == Host("[::1]"))
    #expect(try self.head("GET / HTTP/1.1\r\nHost: a.org\r\nX: \u{E9}\r\n\r\n").fields.count == 2)
  }

  @Test("is the target's in the forms for proxies")
  func proxyForms() throws {
    let a = try Host("a.org")
    #expect(
      try head("GET http://a.org/x?y HTTP/1.1\r\nHost: a.org\r\n\r\n").target
        == .absolute(scheme: "http", HTTPAuthority(host: a, port: nil), path: "/x?y"))
    #expect(
      try head("GET HTTP://A.org:8080?y HTTP/1.1\r\nHost: a.org:8080\r\n\r\n").target
        == .absolute(scheme: "http", HTTPAuthority(host: a, port: 8080), path: "/?y"))
    #expect(
      try head("GET http://a.org:80 HTTP/1.1\r\nHost: a.org\r\n\r\n").target
        == .absolute(scheme: "http", HTTPAuthority(host: a, port: 80), path: "/"))
    #expect(
      try head("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org\r\n\r\n").target
        == .authority(HTTPAuthority(host: a, port: 443)))
    // As CPython's http.client has it.
    #expect(try head("CONNECT [::1]:443 HTTP/1.0\r\n\r\n").host == nil)
  }

  @Test("HTTP/2 without TLS is known for it")
  func http2() {
    #expect(read("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == .http2)
    #expect(read("PRI * HTTP/2.0\r\nHost: a.org\r\n\r\n") == .malformed(.requestLine))
    #expect(read("GET / HTTP/2.0\r\nHost: a.org\r\n\r\n") == .malformed(.requestLine))
  }

  @Test(
    "what two readers could read in two ways is refused",
    arguments: [
      ("GET / HTTP/1.1\r\n\r\n", .missingHost), ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", .repeatedHost),
      ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .missingHost),
      ("GET / HTTP/1.1\r\nHost: a.org b.org\r\n\r\n", .invalidHost(.invalidCharacter)),
      ("GET / HTTP/1.1\r\nHost: a.org, b.org\r\n\r\n", .invalidHost(.invalidCharacter)),
      ("GET / HTTP/1.1\r\nHost: a.org.\r\n\r\n", .invalidHost(.trailingDot)),
      ("GET / HTTP/1.1\r\nHost: a.org@evil.org\r\n\r\n", .userInformation),
      ("GET / HTTP/1.1\r\nHost: a.org/\r\n\r\n", .invalidHost(.invalidCharacter)),
      ("GET / HTTP/1.1\r\nHost: a.org:0\r\n\r\n", .invalidPort),
      ("GET / HTTP/1.1\r\nHost: a.org:\r\n\r\n", .invalidPort),
      ("GET / HTTP/1.1\r\nHost: a.org:080\r\n\r\n", .invalidPort),
      ("GET / HTTP/1.1\r\nHost: a.org:65536\r\n\r\n", .invalidPort),
      ("GET / HTTP/1.1\r\nHost: 2130706433\r\n\r\n", .invalidHost(.numeric(IPv4Address(127, 0, 0, 1)))),
      ("GET / HTTP/1.1\r\nHost: b\u{FC}cher.org\r\n\r\n", .invalidHost(.notASCII)),
      ("GET / HTTP/1.1\r\nHost : a.org\r\n\r\n", .field), ("GET / HTTP/1.1\r\nHost\r\n\r\n", .field),
      ("GET / HTTP/1.1\r\n: a\r\nHost: a.org\r\n\r\n", .field),
      ("GET / HTTP/1.1\r\nHost: a.org\r\n .evil.org\r\n\r\n", .foldedField),
      ("GET / HTTP/1.1\r\n Host: a.org\r\n\r\n", .foldedField),
      ("GET / HTTP/1.1\r\nHost: a.org\r\n\tx: y\r\n\r\n", .foldedField),
      ("GET / HTTP/1.1\r\nHost: a.org\rX: y\r\n\r\n", .bareLineEnd), ("GET / HTTP/1.1\nHost: a.org\n\n", .bareLineEnd),
      ("GET / HTTP/1.1\r\nHost: a.org\n\r\n\r\n", .bareLineEnd),
      ("GET / HTTP/1.1\r\r\nHost: a.org\r\n\r\n", .bareLineEnd),
      ("GET / HTTP/1.1\r\nHost: a.org\u{0}.evil.org\r\n\r\n", .controlByte),
      ("GET /\u{7} HTTP/1.1\r\nHost: a.org\r\n\r\n", .controlByte),
      ("GET / HTTP/1.1\r\nHost: a.org\r\nX: \u{7F}\r\n\r\n", .controlByte),
      ("\r\nGET / HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET /  HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET / x HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET /\t HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET / HTTP/1.2\r\nHost: a.org\r\n\r\n", .requestLine), ("GET / HTTP/1.1 \r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET /\r\nHost: a.org\r\n\r\n", .requestLine), ("G(T / HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET \u{E9} HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET * HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET a.org HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET http://allowed.org@evil.org/ HTTP/1.1\r\nHost: evil.org\r\n\r\n", .userInformation),
      ("GET http://a.org\\@evil.org/ HTTP/1.1\r\nHost: evil.org\r\n\r\n", .requestLine),
      ("GET http://a.org#@evil.org/ HTTP/1.1\r\nHost: evil.org\r\n\r\n", .requestLine),
      ("GET http://a.org/#x HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET http:/a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n", .requestLine),
      ("GET http:///x HTTP/1.1\r\nHost: a.org\r\n\r\n", .missingHost),
      ("GET http://a.org%00.evil.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n", .invalidHost(.invalidCharacter)),
      ("GET http://a.org/ HTTP/1.1\r\nHost: b.org\r\n\r\n", .otherHostThanTarget),
      ("GET http://a.org/ HTTP/1.1\r\nHost: a.org:8080\r\n\r\n", .otherHostThanTarget),
      ("GET http://a.org:8080/ HTTP/1.1\r\nHost: a.org\r\n\r\n", .otherHostThanTarget),
      ("CONNECT a.org:443 HTTP/1.1\r\nHost: b.org\r\n\r\n", .otherHostThanTarget),
      ("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:80\r\n\r\n", .otherHostThanTarget),
      ("CONNECT a.org HTTP/1.1\r\nHost: a.org\r\n\r\n", .invalidPort),
      ("CONNECT a@b.org:443 HTTP/1.1\r\nHost: b.org\r\n\r\n", .userInformation),
      ("CONNECT 0x7f.1:443 HTTP/1.0\r\n\r\n", .invalidHost(.numeric(IPv4Address(127, 0, 0, 1)))),
      ("CONNECT ::1:443 HTTP/1.0\r\n\r\n", .invalidHost(.invalidCharacter)),
      ("CONNECT a.org.:443 HTTP/1.0\r\n\r\n", .invalidHost(.trailingDot)),
      ("POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .framing),
      ("POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .framing),
      ("POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: +1\r\n\r\n", .framing),
      ("POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 1, 1\r\n\r\n", .framing),
      ("\u{16}\u{3}\u{1}", .controlByte), ("SSH-2.0-OpenSSH_9\r\n\r\n", .requestLine),
    ] as [(String, HTTPRequestReader.Problem)])
  func refused(text: String, problem: HTTPRequestReader.Problem) {
    #expect(read(text) == .malformed(problem))
    #expect(!problem.words.isEmpty)
  }

  @Test("a head is bounded, in bytes and in fields")
  func bounded() {
    let start = "GET / HTTP/1.1\r\nHost: a.org\r\n"
    let long = "X: " + String(repeating: "x", count: HTTPRequestReader.maximumBytes)
    #expect(read(start + long) == .malformed(.tooLong))
    #expect(read(start + String(repeating: "X: y\r\n", count: 300) + "\r\n") == .malformed(.tooManyFields))
    #expect(read(start + String(repeating: "X: y\r\n", count: 255)) == .needMore)
    #expect(read("") == .needMore && read("GET") == .needMore && read(start) == .needMore)
  }

  @Test("is the same whatever pieces the bytes come in, and no bytes trap", arguments: [111, 112, 113] as [UInt64])
  func pieces(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let seeds = [
      "GET / HTTP/1.1\r\nHost: a.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nmore",
      "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\n\r\n\u{16}\u{3}\u{1}",
      "GET http://a.org/x HTTP/1.1\r\nHost: a.org\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ].map { Array($0.utf8) }
    for _ in 0..<5_000 {
      let bytes = damaged(try #require(seeds.randomElement(using: &random)), &random)
      var reader = HTTPRequestReader()
      var result = HTTPRequestReader.Result.needMore
      for piece in SandboxPlanningTests.pieces(bytes, &random) { result = reader.append(piece) }
      #expect(result == read(bytes))
      if case .head(let head) = result { #expect(head.byteCount <= bytes.count) }
    }
  }
}
