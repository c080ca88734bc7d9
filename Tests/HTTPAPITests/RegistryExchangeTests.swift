import Foundation
import HTTPAPI
import LinuxSystem
import PluginModel
import PluginRegistry
import RegistryClient
import Testing

@Suite("A registry and its client, over a socket", .serialized)
struct RegistryExchangeTests {
  @Test("what is published is found, described and fetched, byte by byte")
  func roundTrip() async throws {
    try await withRegistry { registry in
      let bytes = try Sample.bytes(extra: "dependencies: ['plugin:files>=1.0', 'numpy>=1.20']")
      #expect(try await registry.publish(bytes, categories: ["trade"]))
      #expect(try await !registry.publish(bytes))
      _ = try await registry.publish(try Sample.bytes("tools", "2.1.0"))
      try await registry.use { client in
        let page = try await client.search(try RegistryQuery(text: "SELLS buy", category: nil, after: nil, limit: nil))
        #expect(page.plugins.map(\.name.text) == ["shop", "tools"] && page.next == nil)
        let trade = try await client.search(try RegistryQuery(text: "", category: "trade", after: nil, limit: nil))
        #expect(trade.plugins.map(\.name.text) == ["shop"])
        let found = try await client.plugin(try plugin("shop"))
        #expect(found.owner.text == "alice")
        let version = try #require(found.versions.first)
        var expected = try Sample.version(bytes)
        expected.published = version.published
        expected.categories = version.categories
        #expect(version == expected && version.categories.map(\.text) == ["trade"])
        let memory = try await client.package(try plugin("shop"), version)
        #expect(try memory.bytes(at: 0, count: memory.byteCount) == bytes)
        let package = try PackageFile(memory, of: try plugin("shop"), version, from: "here")
        #expect(package.index.version == SemanticVersion(1, 0, 0))
      }
    }
  }

  @Test("pages follow each other until there are no more")
  func pages() async throws {
    try await withRegistry { registry in
      for name in ["a", "b", "c", "d", "e"] { _ = try await registry.publish(try Sample.bytes(name)) }
      try await registry.use { client in
        var (names, after): ([String], PluginName?) = ([], nil)
        repeat {
          let page = try await client.search(RegistryQuery(after: after, limit: 2))
          names += page.plugins.map(\.name.text)
          after = page.next
        } while after != nil
        #expect(names == ["a", "b", "c", "d", "e"])
      }
    }
  }

  @Test("a version never changes: other bytes for it are refused")
  func immutable() async throws {
    try await withRegistry { registry in
      _ = try await registry.publish(try Sample.bytes(body: "one\n"))
      let refused = await refusal { _ = try await registry.publish(try Sample.bytes(body: "two\n")) }
      #expect(refused.contains("is there already") && refused.contains("a version never changes"), "\(refused)")
      try await registry.use { client in
        let version = try #require(try await client.plugin(try plugin("shop")).versions.first)
        let first = try Sample.version(try Sample.bytes(body: "one\n"))
        #expect(version.checksum == first.checksum)
      }
    }
  }

  @Test("a name belongs to who published it first")
  func owned() async throws {
    try await withRegistry { registry in
      _ = try await registry.publish(try Sample.bytes())
      let refused = await refusal { _ = try await registry.publish(try Sample.bytes("shop", "9.0.0"), as: "mallory") }
      #expect(refused.contains("belongs to another publisher"), "\(refused)")
      let yank = await refusal {
        try await registry.use(as: "mallory") {
          try await $0.yank(try plugin("shop"), SemanticVersion(1, 0, 0), reason: "mine")
        }
      }
      #expect(yank.contains("belongs to another publisher"), "\(yank)")
      #expect(try registry.directory.names("packages").count == 1)
    }
  }

  @Test("a yanked version says why, isn't listed, and comes back")
  func yanked() async throws {
    try await withRegistry { registry in
      _ = try await registry.publish(try Sample.bytes())
      let (name, version) = (try plugin("shop"), SemanticVersion(1, 0, 0))
      try await registry.use(as: "alice") { client in
        try await client.yank(name, version, reason: "loses data & more/less")
        #expect(try await client.plugin(name).versions.map(\.yanked) == ["loses data & more/less"])
        #expect(try await client.search(RegistryQuery()).plugins.isEmpty)
        try await client.undoYank(name, version)
        #expect(try await client.plugin(name).versions.map(\.yanked) == [nil])
        #expect(try await client.search(RegistryQuery()).plugins.count == 1)
      }
    }
  }

  @Test("a name that isn't there brings the one that was meant")
  func nearName() async throws {
    try await withRegistry { registry in
      _ = try await registry.publish(try Sample.bytes("imaging"))
      let refused = await refusal { _ = try await registry.use { try await $0.plugin(try plugin("imagnig")) } }
      #expect(
        refused.contains("there is no plugin 'imagnig'") && refused.contains("did you mean 'imaging'?"), "\(refused)")
    }
  }

  @Test("without a token, or with another's, nothing changes")
  func unauthorised() async throws {
    try await withRegistry { registry in
      // So large that the answer comes long before its end.
      let bytes = try Sample.bytes(body: String(repeating: "# much\n", count: 2_000_000))
      let package = try PackageFile(try SealedMemory(copying: bytes), path: "p.zip")
      for token in [nil, BearerToken("wrong-0123456789abcdef")] {
        let refused = await refusal {
          try await RegistryClient.use(registry.address, token: token) { client in
            _ = try await client.publish(
              try plugin("shop"), SemanticVersion(1, 0, 0), categories: [], package.memory)
          }
        }
        // What it says is lost where the client still sends when it comes: then its status has to do.
        let isRefused = ["this token is not known", "it knows no such token"].contains(where: refused.contains)
        #expect(token == nil ? refused.contains("there is no token") : isRefused, "\(refused)")
        #expect(!refused.contains("wrong-0123456789abcdef"))
      }
      #expect(try registry.directory.names("packages").isEmpty)
    }
  }

  @Test("of several who publish one version at one time, one wins, and the others are told")
  func race() async throws {
    try await withRegistry { registry in
      let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<4 {
          group.addTask {
            let bytes = try Sample.bytes(body: String(repeating: "\(number)\n", count: 50_000))
            while true {
              do { return try await registry.publish(bytes) } catch {
                // One publisher has one place.
                guard "\(error)".contains("too many packages") else {
                  #expect("\(error)".contains("is there already"), "\(error)")
                  return false
                }
              }
            }
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.filter { $0 }.count == 1)
      #expect(try registry.directory.names("packages").count == 1)
      try await registry.use { client in
        let version = try #require(try await client.plugin(try plugin("shop")).versions.first)
        _ = try await client.package(try plugin("shop"), version)
      }
    }
  }

  @Test("of several whose packages are whole at one time, one wins, and nothing of the others stays")
  func landing() async throws {
    let directory = try TemporaryDirectory()
    let store = try await StoredRegistry(directory: directory.path, on: try DedicatedThread(name: "files"))
    let alice = try #require(PublisherName("alice"))
    let outcomes = try await withThrowingTaskGroup(of: RegistryPublication.self) { group in
      for number in 0..<8 {
        group.addTask {
          let bytes = try Sample.bytes(body: "\(number / 2)\n")
          let upload = store.upload()
          try await upload.write(bytes)
          return try await store.publish(try Sample.version(bytes), of: try plugin("shop"), by: alice, upload)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.filter { $0 == .created }.count == 1 && outcomes.filter { $0 == .same }.count == 1, "\(outcomes)")
    let version = try #require(try await store.version(SemanticVersion(1, 0, 0), of: try plugin("shop")))
    #expect(try directory.names("packages") == ["\(version.checksum.hexadecimal).zip"])
  }

  @Test("packages whose database is gone stay, and are not offered without it")
  func withoutDatabase() async throws {
    let directory = try TemporaryDirectory()
    try await withRegistry(in: directory) { _ = try await $0.publish(try Sample.bytes()) }
    try await released(directory)
    let names = try directory.names("packages")
    let database = directory.path + "/state.sqlite"
    try FileManager.default.moveItem(atPath: database, toPath: database + ".away")
    let files = try DedicatedThread(name: "files")
    for _ in 0..<2 {
      let refused = await refusal { _ = try await StoredRegistry(directory: directory.path, on: files) }
      #expect(refused.contains("is missing"), "\(refused)")
    }
    #expect(try directory.names("packages") == names)
    try FileManager.default.moveItem(atPath: database + ".away", toPath: database)
    // A package that was put aside by an older database comes back with the one that names it.
    try FileManager.default.moveItem(
      atPath: directory.path + "/packages/" + names[0], toPath: directory.path + "/lost/" + names[0])
    try Data("mine".utf8).write(to: URL(fileURLWithPath: directory.path + "/packages/README"))
    try await withRegistry(in: directory) { registry in
      try await registry.use { client in
        let version = try #require(try await client.plugin(try plugin("shop")).versions.first)
        _ = try await client.package(try plugin("shop"), version)
      }
    }
    #expect(try directory.names("packages").contains("README"))
  }

  @Test("a start puts aside what a killed one left, and keeps what was published")
  func restarted() async throws {
    let directory = try TemporaryDirectory()
    try await withRegistry(in: directory) { _ = try await $0.publish(try Sample.bytes()) }
    let left = directory.path + "/packages/" + String(repeating: "a", count: 64) + ".zip"
    try Data("half".utf8).write(to: URL(fileURLWithPath: left))
    try await withRegistry(in: directory) { registry in
      #expect(try directory.names("packages").count == 1 && directory.names("lost").count == 1)
      try await registry.use { client in
        let version = try #require(try await client.plugin(try plugin("shop")).versions.first)
        _ = try await client.package(try plugin("shop"), version)
      }
      // Nobody else takes the directory meanwhile.
      let files = try DedicatedThread(name: "files")
      let refused = await refusal { _ = try await StoredRegistry(directory: directory.path, on: files) }
      #expect(refused.contains("by another process"), "\(refused)")
    }
  }

  @Test("what is unchanged isn't sent again")
  func tags() async throws {
    try await withRegistry { registry in
      _ = try await registry.publish(try Sample.bytes())
      for path in ["plugins/shop", "plugins", "plugins/shop/1.0.0/package"] {
        func get(_ extra: String) async throws -> String {
          try await blocking {
            let connection = try RawConnection.open(registry.port)
            defer { connection.close() }
            connection.send("GET /api/registry/\(path) HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\(extra)\r\n")
            return connection.receive()
          }
        }
        let head = try await get("").split(separator: "\r\n").map(String.init)
        let tag = try #require(head.first { $0.lowercased().hasPrefix("etag: ") }?.dropFirst(6))
        #expect(try await get("if-none-match: \"x\", \(tag)\r\n").hasPrefix("HTTP/1.1 304"))
        #expect(try await get("if-none-match: \"x\"\r\n").hasPrefix("HTTP/1.1 200"))
      }
    }
  }
}
