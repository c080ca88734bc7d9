import Foundation
import LinuxSystem
import PluginModel
import PluginRegistry
import RegistryClient
import Testing

@Suite("A client of a registry that lies", .serialized)
struct HostileRegistryTests {
  /// Fast ones, so that what hangs ends.
  private static var patience: RegistryClient.Patience {
    var patience = RegistryClient.Patience()
    (patience.connecting, patience.idle) = (.seconds(5), .seconds(2))
    (patience.document, patience.package) = (.seconds(6), .seconds(6))
    return patience
  }

  private func asked<Success: Sendable>(
    _ server: HostileServer, token: BearerToken? = nil, _ body: (RegistryClient) async throws -> Success
  ) async throws -> Success {
    try await RegistryClient.use(
      try RegistryAddress("http://127.0.0.1:\(server.port)/api"), token: token, patience: Self.patience, body)
  }

  private func information(_ server: HostileServer) async -> String {
    await refusal { _ = try await asked(server) { try await $0.plugin(try plugin("shop")) } }
  }

  private func package(_ server: HostileServer, _ version: RegistryVersion) async -> String {
    await refusal {
      _ = try await asked(server) { client in
        let memory = try await client.package(try plugin("shop"), version)
        _ = try PackageFile(memory, of: try plugin("shop"), version, from: "there")
      }
    }
  }

  @Test("a document larger than a registry's is refused, by what it says and by what comes")
  func tooLarge() async throws {
    let said = try HostileServer(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n{")
    #expect(await information(said).contains("it is larger than"))
    let endless = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
      let blanks = String(repeating: " ", count: 0x10000)
      for _ in 0..<1000 { connection.send("10000\r\n\(blanks)\r\n") }
    }
    #expect(await information(endless).contains("it is larger than"))
  }

  @Test("what is cut short is refused, and so is what ends before its length")
  func cut() async throws {
    #expect(await information(try HostileServer(body: Array("{\"name\":".utf8), length: 500)).contains("ended before"))
    let version = try Sample.version(try Sample.bytes())
    let short = try HostileServer(body: Array(try Sample.bytes().dropLast(10)), length: version.size)
    #expect(await package(short, version).contains("ended before"))
    let chunked = try HostileServer(
      "HTTP/1.1 200 OK\r\ncontent-type: application/zip\r\ntransfer-encoding: chunked\r\n\r\n1\r\nP\r\n0\r\n\r\n")
    #expect(await package(chunked, version).contains("ends before the size"))
  }

  @Test("a package of another size, checksum, name, version or contents is refused")
  func otherPackage() async throws {
    let bytes = try Sample.bytes()
    let version = try Sample.version(bytes)
    func served(_ bytes: [UInt8]) throws -> HostileServer { try HostileServer(body: bytes, type: "application/zip") }
    #expect(await package(try served(bytes + [0]), version).contains("another size"))
    let endless = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
      for _ in 0..<10_000 { connection.send("10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n") }
    }
    #expect(await package(endless, version).contains("it is larger than the registry says"))
    var flipped = bytes
    flipped[bytes.count / 2] ^= 1
    #expect(await package(try served(flipped), version).contains("its checksum is"))
    for other in [try Sample.bytes("bank"), try Sample.bytes("shop", "2.0.0")] {
      var described = try Sample.version(other)
      described.version = version.version
      #expect(await package(try served(other), described).contains("its index says"))
    }
    var lied = version
    lied.contents = version.checksum
    #expect(await package(try served(bytes), lied).contains("its contents are"))
  }

  @Test("heads without end, silence, and bytes that drip end in time")
  func slow() async throws {
    let heads = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\n")
      for number in 0..<100_000 { connection.send("x-\(number): \(String(repeating: "y", count: 1000))\r\n") }
    }
    #expect(await information(heads).contains("can't be had"))
    let silent = try HostileServer { _, _ in sleep(5) }
    #expect(await information(silent).contains("stopped answering"))
    let dripping = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n")
      for _ in 0..<50 {
        connection.send(" ")
        usleep(400_000)
      }
    }
    let start = ContinuousClock.now
    #expect(await information(dripping).contains("took longer than"))
    #expect(ContinuousClock.now - start < .seconds(15))
  }

  @Test("nobody is sent on to a place without TLS, to nowhere, or round and round")
  func redirected() async throws {
    let other = try HostileServer(body: Array("{}".utf8))
    for (location, words) in [
      ("http://127.0.0.1:\(other.port)/api", "another place"), ("//127.0.0.1:\(other.port)/api", "not an address"),
      ("file:///etc/passwd", "not an address"), ("", "not an address"), ("https://a@127.0.0.1/", "not an address"),
    ] {
      let server = try HostileServer("HTTP/1.1 302 Found\r\nlocation: \(location)\r\ncontent-length: 0\r\n\r\n")
      let refused = await information(server)
      #expect(refused.contains(words), "\(location): \(refused)")
    }
    #expect(other.requests.isEmpty)
    let loop = try HostileServer(
      "HTTP/1.1 307 Again\r\nlocation: /api\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    #expect(await information(loop).contains("more than 5 times"))
    #expect(loop.requests.count == 6)
  }

  @Test("a token goes with a question only where the registry itself asks for one, and behind no redirect")
  func readingToken() async throws {
    let token = try #require(RunningRegistry.token("alice"))
    func asks(_ server: HostileServer, _ token: BearerToken?) async -> String {
      await refusal { _ = try await asked(server, token: token) { try await $0.plugin(try plugin("shop")) } }
    }
    @Sendable func answer(_ status: String, _ location: String = "") -> String {
      "HTTP/1.1 \(status)\r\n\(location.isEmpty ? "" : "location: \(location)\r\n")content-length: 0\r\nconnection: close\r\n\r\n"
    }
    @Sendable func hasToken(_ head: String) -> Bool { head.lowercased().contains("authorization: bearer") }
    let open = try HostileServer(answer("404 Not Found"))
    _ = await asks(open, token)
    #expect(open.requests.map(hasToken) == [false])
    let closed = try HostileServer(answer("401 Unauthorized"))
    #expect(await asks(closed, token).contains("it knows no such token"))
    #expect(closed.requests.map(hasToken) == [false, true])
    #expect(await asks(closed, nil).contains("whoever has no token"))
    // Whoever it sends to may ask as it likes.
    let other = try HostileServer(answer("401 Unauthorized"))
    let sending = try HostileServer { head, connection in
      connection.send(
        hasToken(head) ? answer("302 Found", "http://localhost:\(other.port)/api") : answer("401 Unauthorized"))
    }
    #expect(await asks(sending, token).contains("where no token goes"))
    let detour = try HostileServer(answer("307 Again", "http://localhost:\(other.port)/api"))
    _ = await asks(detour, token)
    #expect(!other.requests.contains(where: hasToken))
  }

  @Test("a package may lie elsewhere on the registry's own origin")
  func sameOrigin() async throws {
    let bytes = try Sample.bytes()
    let server = try HostileServer { head, connection in
      if head.hasPrefix("GET /elsewhere/x.zip?part=1 ") {
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: \(bytes.count)\r\n\r\n")
        connection.send(bytes)
      } else {
        connection.send(
          "HTTP/1.1 302 Found\r\nlocation: /elsewhere/x.zip?part=1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
      }
    }
    let memory = try await asked(server) { try await $0.package(try plugin("shop"), try Sample.version(bytes)) }
    #expect(memory.byteCount == bytes.count)
  }

  @Test("a token goes to the registry that changes, and nowhere else")
  func token() async throws {
    let token = try #require(RunningRegistry.token("alice"))
    let other = try HostileServer(body: Array("{}".utf8))
    let server = try HostileServer { head, connection in
      let place = head.hasPrefix("PUT") ? "http://127.0.0.1:\(other.port)/api" : "/api"
      connection.send("HTTP/1.1 307 Again\r\nlocation: \(place)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }
    let memory = try SealedMemory(copying: try Sample.bytes())
    let refused = await refusal {
      _ = try await asked(server, token: token) { client in
        try await client.publish(try plugin("shop"), SemanticVersion(1, 0, 0), categories: [], memory)
      }
    }
    #expect(refused.contains("where no token goes"), "\(refused)")
    #expect(other.requests.isEmpty)
    #expect(server.requests.first?.contains(token.secret) == true)
    _ = await refusal { _ = try await asked(server, token: token) { try await $0.plugin(try plugin("shop")) } }
    #expect(server.requests.dropFirst().count > 1)
    #expect(!server.requests.dropFirst().contains { $0.lowercased().contains("authorization") })
    #expect(!"\(token)\(String(reflecting: token))".contains(token.secret))
  }

  @Test("nothing compressed is asked for or taken")
  func compressed() async throws {
    let server = try HostileServer { _, connection in
      connection.send(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}")
    }
    #expect(await information(server).contains("compressed"))
    #expect(server.requests.first?.lowercased().contains("accept-encoding: identity") == true)
  }

  @Test("JSON that is deep, doubled, endless or not JSON is refused")
  func documents() async throws {
    let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
    let many = "[" + String(repeating: "1,", count: 1_000_000) + "1]"
    for (text, words) in [
      ("{\"name\": \"shop\", \"owner\": \"a\", \"versions\": \(deep)}", "isn't that of a registry"),
      ("{\"name\": \"shop\", \"name\": \"shop\", \"owner\": \"a\", \"versions\": []}", "isn't that of a registry"),
      ("{\"name\": \"shop\", \"owner\": \"a\", \"versions\": \(many)}", "isn't that of a registry"),
      ("{\"name\": \"shop\", \"owner\": \"a\", \"versions\": NaN}", "isn't that of a registry"),
      ("{\"name\": \"shop\", \"owner\": \"\\u001b[31m\", \"versions\": []}", "isn't that of a registry"),
      ("{\"name\": \"bank\", \"owner\": \"a\", \"versions\": []}", "about another plugin"),
      ("<html>", "isn't that of a registry"),
    ] {
      let refused = await information(try HostileServer(body: Array(text.utf8)))
      #expect(refused.contains(words) && !refused.contains("\u{1b}"), "\(text.prefix(60)): \(refused)")
    }
    #expect(
      await information(try HostileServer(body: Array("{}".utf8), type: "text/html")).contains("doesn't speak JSON"))
  }

  @Test("what a registry says of an error is shown as its word, without anything that a terminal obeys")
  func problems() async throws {
    let body = "{\"title\": \"no\\u202e \\u200bway\", \"detail\": \"since\", \"hint\": \"run this\", \"more\": {}}"
    let server = try HostileServer(
      "HTTP/1.1 403 No\r\ncontent-type: application/problem+json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
    let refused = await information(server)
    #expect(refused.contains("the registry says: no\\u{202e} \\u{200b}way: since"), "\(refused)")
    let page = try HostileServer("HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>")
    #expect(await information(page).contains("status 502"))
  }

  @Test("pages that go nowhere end a search")
  func pages() async throws {
    for body in [
      "{\"plugins\":[],\"next\":\"a\"}",
      "{\"plugins\":[{\"name\":\"b\",\"version\":\"1.0.0\"}],\"next\":\"c\"}",
      "{\"plugins\":[{\"name\":\"b\",\"version\":\"1.0.0\"}],\"next\":\"b\"}",
    ] {
      let server = try HostileServer(body: Array(body.utf8))
      let refused = await refusal {
        _ = try await asked(server) { try await $0.search(RegistryQuery(), maximum: 10) }
      }
      #expect(refused.contains("not the one that was asked for"), "\(refused)")
      #expect(server.requests.count <= 2)
    }
  }

  @Test("where the answer to a publication is missing, it is said that it may have been published")
  func unanswered() async throws {
    var patience = Self.patience
    patience.publishing = .seconds(1)
    let server = try HostileServer { _, _ in sleep(3) }
    let memory = try SealedMemory(copying: try Sample.bytes())
    let refused = await refusal {
      _ = try await RegistryClient.use(
        try RegistryAddress("http://127.0.0.1:\(server.port)/api"), token: RunningRegistry.token("alice"),
        patience: patience
      ) { try await $0.publish(try plugin("shop"), SemanticVersion(1, 0, 0), categories: [], memory) }
    }
    #expect(refused.contains("may be published all the same"), "\(refused)")
  }

  @Test("what speaks no TLS, and what nobody listens at, ends it")
  func plainServer() async throws {
    let server = try HostileServer(waits: false) { _, connection in connection.send("HTTP/1.1 200 OK\r\n\r\n") }
    let refused = await refusal {
      try await RegistryClient.use(
        try RegistryAddress("https://127.0.0.1:\(server.port)/api"), token: nil, patience: Self.patience
      ) { _ = try await $0.plugin(try plugin("shop")) }
    }
    #expect(refused.contains("TLS"), "\(refused)")
    let nobody = await refusal {
      try await RegistryClient.use(try RegistryAddress("http://127.0.0.1:1/api"), token: nil, patience: Self.patience) {
        _ = try await $0.plugin(try plugin("shop"))
      }
    }
    #expect(nobody.contains("no connection"), "\(nobody)")
  }
}
