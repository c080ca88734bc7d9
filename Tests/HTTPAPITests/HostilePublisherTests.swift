import Foundation
import HTTPAPI
import PluginModel
import RegistryClient
import Testing

/// What a registry has told whoever runs it.
final class Reports: @unchecked Sendable {
  private let lock = NSLock()
  private var texts: [String] = []
  var all: [String] { lock.withLock { texts } }
  @Sendable func add(_ text: String) { lock.withLock { texts.append(text) } }
}

@Suite("A registry whose clients lie", .serialized)
struct HostilePublisherTests {
  private static let token = "authorization: Bearer alice-0123456789abcdef\r\n"

  /// Sends a head and a body as they are; the answer until the connection ends.
  private func exchange(
    _ registry: RunningRegistry, _ line: String, _ fields: String = "", body: [UInt8] = []
  ) async throws -> String {
    try await blocking {
      let connection = try RawConnection.open(registry.port)
      defer { connection.close() }
      connection.send("\(line) HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\(fields)\r\n")
      connection.send(body)
      return connection.receive()
    }
  }

  private func publish(
    _ registry: RunningRegistry, _ body: [UInt8], as path: String = "shop/1.0.0", length: Int? = nil
  ) async throws -> String {
    try await exchange(
      registry, "PUT /api/registry/plugins/\(path)/package",
      "\(Self.token)content-length: \(length ?? body.count)\r\n", body: body)
  }

  private func isEmpty(_ registry: RunningRegistry) async throws -> Bool {
    let page = try await registry.use { try await $0.search(RegistryQuery()) }
    return try registry.directory.names("packages").isEmpty && page.plugins.isEmpty
  }

  @Test("a package that is too large is refused before it is read, and so is one whose length isn't said")
  func tooLarge() async throws {
    var limits = RegistryLimits()
    limits.packageBytes = 4096
    try await withRegistry(RegistryRoutes.Settings(limits: limits)) { registry in
      #expect(try await publish(registry, [], length: 1 << 40).hasPrefix("HTTP/1.1 413"))
      #expect(try await publish(registry, [UInt8](repeating: 1, count: 4097)).hasPrefix("HTTP/1.1 413"))
      let chunked = try await exchange(
        registry, "PUT /api/registry/plugins/shop/1.0.0/package", "\(Self.token)transfer-encoding: chunked\r\n",
        body: Array("5\r\nabcde\r\n0\r\n\r\n".utf8))
      #expect(chunked.hasPrefix("HTTP/1.1 411"), "\(chunked)")
      #expect(try await isEmpty(registry))
    }
  }

  @Test("only a package whose structure is right is taken, under its own name and version")
  func wrongPackages() async throws {
    try await withRegistry { registry in
      let bytes = try Sample.bytes()
      var damaged = bytes
      damaged[bytes.count / 2] ^= 1
      for (body, path) in [
        (Array("no zip".utf8), "shop/1.0.0"), (damaged, "shop/1.0.0"), (bytes + [0], "shop/1.0.0"),
        (bytes, "shop/1.0.1"), (bytes, "bank/1.0.0"), (try Sample.bytes("bank", indexName: "shop"), "shop/1.0.0"),
        (try Sample.bytes(extra: "unknown: 1"), "shop/1.0.0"),
      ] {
        let answer = try await publish(registry, body, as: path)
        #expect(answer.hasPrefix("HTTP/1.1 422") && answer.contains("application/problem+json"), "\(answer)")
      }
      #expect(try await isEmpty(registry))
    }
  }

  @Test("a manifest that is too long once it is written out is refused, and lists stay readable")
  func unreadable() async throws {
    try await withRegistry { registry in
      let list = (0x10...0xFF).map { "[::ffff:ff:\(String($0, radix: 16))]" }.joined(separator: ",")
      let bytes = try Sample.bytes(permissions: "['network.http:\(list)']")
      let answer = try await publish(registry, bytes)
      #expect(answer.hasPrefix("HTTP/1.1 422") && answer.contains("too long to be told of"), "\(answer)")
      #expect(try await isEmpty(registry))
    }
  }

  @Test("what is damaged in the database is left out of lists, and reported")
  func damaged() async throws {
    let directory = try TemporaryDirectory()
    try await withRegistry(in: directory) { registry in
      for name in ["a", "b", "c"] { _ = try await registry.publish(try Sample.bytes(name)) }
    }
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    program.arguments = [
      "-c",
      "import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); d.execute(\"UPDATE registry_version SET document='{' WHERE name='b'\"); d.commit()",
      directory.path + "/state.sqlite",
    ]
    try program.run()
    program.waitUntilExit()
    let reports = Reports()
    try await withRegistry(in: directory, reports: reports.add) { registry in
      let page = try await registry.use { try await $0.search(RegistryQuery(limit: 2)) }
      #expect(page.plugins.map(\.name.text) == ["a", "c"] && page.next == nil)
    }
    #expect(reports.all.count == 1 && reports.all[0].contains("'b'"), "\(reports.all)")
  }

  @Test("the program's own names, and names that look like one that is there, are refused")
  func confusable() async throws {
    try await withRegistry { registry in
      _ = try await registry.publish(try Sample.bytes("image-tools"))
      let like = await refusal { _ = try await registry.publish(try Sample.bytes("image_tools"), as: "mallory") }
      #expect(like.contains("would be taken for image-tools"), "\(like)")
      let own = await refusal { _ = try await registry.publish(try Sample.bytes("orchestrator_unpacker")) }
      #expect(own.contains("are the program's own"), "\(own)")
      #expect(try registry.directory.names("packages").count == 1)
    }
  }

  @Test("connections that neither read nor end are ended, and hold nobody else's place")
  func held() async throws {
    try await withRegistry(idle: .seconds(2)) { registry in
      // More than the sockets of both sides hold.
      let bytes = try Sample.bytes(body: String(repeating: "# much\n", count: 1_200_000))
      _ = try await registry.publish(bytes)
      let unread = try (0..<RegistryServer.connections).map { number in
        let connection = try RawConnection.open(registry.port)
        connection.send(
          number % 2 == 0
            ? "GET /api/registry/plugins/shop/1.0.0/package HTTP/1.1\r\nhost: a\r\n\r\n"
            : "GET /api/registry/plugins HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000000\r\n\r\nx")
        return connection
      }
      let dripping = Task {
        while !Task.isCancelled {
          for connection in unread.enumerated() where connection.offset % 2 == 1 { connection.element.send("x") }
          try? await Task.sleep(for: .milliseconds(500))
        }
      }
      let answer = try await exchange(registry, "GET /api/registry/plugins")
      dripping.cancel()
      await dripping.value
      for connection in unread { connection.close() }
      #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
    }
  }

  @Test("names and versions that aren't some are refused, however they are written")
  func paths() async throws {
    try await withRegistry { registry in
      let bytes = try Sample.bytes()
      for path in [
        "..%2f..%2fetc/1.0.0", "%73hop/1.0.0", "shop/1.0.0%2f..", "Shop/1.0.0", "shop%00/1.0.0", "shop/1.0",
        "shop/1.0.0+a",
        "./1.0.0", "shop/..", "%2e%2e/1.0.0", "a\u{e9}/1.0.0",
      ] {
        let put = try await publish(registry, bytes, as: path)
        let get = try await exchange(registry, "GET /api/registry/plugins/\(path)/package")
        for answer in [put, get] {
          #expect(["HTTP/1.1 400", "HTTP/1.1 404"].contains(String(answer.prefix(12))), "\(path): \(answer)")
        }
      }
      for query in [
        "limit=0", "limit=x", "limit=101", "after=..", "category=%00", "query=" + String(repeating: "a%20", count: 9),
      ] {
        #expect(
          try await exchange(registry, "GET /api/registry/plugins?\(query)").hasPrefix("HTTP/1.1 400"), "\(query)")
      }
      #expect(try await exchange(registry, "GET /api/registry/plugins?query=%27%3B%20DROP--").hasPrefix("HTTP/1.1 200"))
      #expect(try await isEmpty(registry))
    }
  }

  @Test("a token is asked for before one byte of a package is read")
  func unauthorised() async throws {
    try await withRegistry { registry in
      for field in [
        "", "authorization: Basic YTpi\r\n", "authorization: Bearer\r\n", "authorization: Bearer \u{1}\r\n",
      ] {
        let connection = try RawConnection.open(registry.port)
        defer { connection.close() }
        connection.send(
          "PUT /api/registry/plugins/shop/1.0.0/package HTTP/1.1\r\nhost: a\r\n\(field)content-length: 1000000\r\n\r\n")
        let answer = try await blocking { connection.receive { $0.contains("\r\n\r\n") } }
        #expect(["HTTP/1.1 401", "HTTP/1.1 400"].contains(String(answer.prefix(12))), "\(field): \(answer)")
      }
    }
  }

  @Test("a connection that was refused is ended, however much is still sent on it")
  func lingering() async throws {
    try await withRegistry(idle: .seconds(2)) { registry in
      let connection = try RawConnection.open(registry.port)
      defer { connection.close() }
      connection.send(
        "PUT /api/registry/plugins/shop/1.0.0/package HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n")
      let start = ContinuousClock.now
      // Until the other side ends it.
      #expect(try await blocking { connection.receive(seconds: 15) }.hasPrefix("HTTP/1.1 401"))
      #expect(ContinuousClock.now - start < .seconds(10))
    }
  }

  @Test("a body that stops or drips is given up, and leaves nothing")
  func slow() async throws {
    try await withRegistry(idle: .seconds(1)) { registry in
      let start = ContinuousClock.now
      _ = try await publish(registry, [UInt8](repeating: 1, count: 100), length: 10_000)
      #expect(ContinuousClock.now - start < .seconds(10))
      #expect(try await isEmpty(registry))
    }
    var settings = RegistryRoutes.Settings()
    settings.uploadTime = .seconds(2)
    try await withRegistry(settings) { registry in
      let connection = try RawConnection.open(registry.port)
      defer { connection.close() }
      connection.send(
        "PUT /api/registry/plugins/shop/1.0.0/package HTTP/1.1\r\nhost: a\r\n\(Self.token)content-length: 10000\r\n\r\n"
      )
      for _ in 0..<12 {
        connection.send("x")
        try await Task.sleep(for: .milliseconds(300))
      }
      #expect(try await blocking { connection.receive() }.hasPrefix("HTTP/1.1 408"))
      #expect(try await isEmpty(registry))
    }
  }

  @Test("who goes away in the middle leaves nothing, and holds no place")
  func gone() async throws {
    var settings = RegistryRoutes.Settings()
    settings.uploads = 1
    try await withRegistry(settings) { registry in
      let bytes = try Sample.bytes()
      for _ in 0..<5 {
        let connection = try RawConnection.open(registry.port)
        connection.send(
          "PUT /api/registry/plugins/shop/1.0.0/package HTTP/1.1\r\nhost: a\r\n\(Self.token)content-length: \(bytes.count)\r\n\r\n"
        )
        connection.send(Array(bytes.dropLast(5)))
        connection.close()
        try await Task.sleep(for: .milliseconds(100))
      }
      #expect(try await isEmpty(registry))
      #expect(try await registry.publish(bytes))
    }
  }

  @Test("more packages at one time than there are places for are asked to come again")
  func busy() async throws {
    var settings = RegistryRoutes.Settings()
    settings.uploads = 1
    try await withRegistry(settings) { registry in
      let connection = try RawConnection.open(registry.port)
      defer { connection.close() }
      connection.send(
        "PUT /api/registry/plugins/shop/1.0.0/package HTTP/1.1\r\nhost: a\r\n\(Self.token)content-length: 10000\r\n\r\n"
      )
      try await Task.sleep(for: .milliseconds(300))
      let bytes = try Sample.bytes()
      #expect(try await publish(registry, bytes).hasPrefix("HTTP/1.1 429"))
    }
  }

  @Test("heads that are no HTTP, or too long, are refused")
  func heads() async throws {
    try await withRegistry { registry in
      let connection = try RawConnection.open(registry.port)
      defer { connection.close() }
      connection.send("GARBAGE\r\n\r\n")
      #expect(try await blocking { connection.receive() }.hasPrefix("HTTP/1.1 400"))
      let long = try await exchange(
        registry, "GET /api/registry/plugins", "x: \(String(repeating: "y", count: 200_000))\r\n")
      #expect(!long.hasPrefix("HTTP/1.1 200"))
      #expect(try await exchange(registry, "GET /api/registry/plugins").hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test("connections that come, say nonsense and go leave it as it was")
  func comings() async throws {
    try await withRegistry { registry in
      try await blocking {
        for number in 0..<600 {
          let connection = try RawConnection.open(registry.port)
          switch number % 4 {
          case 0: break
          case 1: connection.send("GARBAGE\r\n\r\n")
          case 2: connection.send("GET /api/registry/plugins HTTP/1.1\r\nhost: a\r\n\r\n")
          default: connection.send("GET /api/registry/plu")
          }
          connection.close()
        }
      }
      #expect(try await exchange(registry, "GET /api/registry/plugins").hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test("a reason to yank is one line, and not too long")
  func reasons() async throws {
    try await withRegistry { registry in
      _ = try await registry.publish(try Sample.bytes())
      for reason in ["a%0Ab", "%1B[31m", String(repeating: "a", count: 513)] {
        let answer = try await exchange(
          registry, "PUT /api/registry/plugins/shop/1.0.0/yank?reason=\(reason)", "\(Self.token)content-length: 0\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
      }
      #expect(try await registry.use { try await $0.plugin(try plugin("shop")) }.versions.map(\.yanked) == [nil])
    }
  }

  @Test("a plugin whose versions would be more than readers take gets no further one")
  func full() async throws {
    var limits = RegistryLimits()
    limits.versions = 2
    try await withRegistry(RegistryRoutes.Settings(limits: limits)) { registry in
      for version in ["1.0.0", "1.0.1"] { _ = try await registry.publish(try Sample.bytes("shop", version)) }
      let refused = await refusal { _ = try await registry.publish(try Sample.bytes("shop", "1.0.2")) }
      #expect(refused.contains("so many versions"), "\(refused)")
      #expect(try registry.directory.names("packages").count == 2)
    }
  }
}
