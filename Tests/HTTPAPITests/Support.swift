import Crypto
import Foundation
import HTTPAPI
import LinuxSystem
import PluginModel
import PluginRegistry
import RegistryClient
import Testing

/// A directory that lives as long as a test.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "orchestrator-http-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func names(_ relative: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + relative).sorted()
  }
}

func plugin(_ text: String) throws -> PluginName { try #require(PluginName(text)) }

/// Packages of plugins that could be loaded.
enum Sample {
  static func bytes(
    _ name: String = "shop", _ version: String = "1.0.0", extra: String = "", body: String = "pass\n",
    permissions: String = "[filesystem.read]", indexName: String? = nil
  ) throws -> [UInt8] {
    let manifest = """
      name: \(name)
      version: \(version)
      author: Somebody
      description: Buys and sells
      node_types: [buy]
      permissions: \(permissions)
      entry_point: plugin.py
      \(extra)

      """
    let files = [("plugin.py", Array(body.utf8)), ("plugin.yaml", Array(manifest.utf8))]
    let index = PackageIndex(
      name: try plugin(indexName ?? name), version: try #require(SemanticVersion(version)),
      entries: try files.map {
        PackageIndex.Entry(
          path: try PackagePath(Array($0.0.utf8)), isExecutable: false, size: $0.1.count,
          digest: ContentDigest(sha256: $0.1))
      })
    let checksums = files.map { file in
      var checksum = ZipChecksum()
      checksum.update(file.1)
      return checksum.value
    }
    let layout = PackageLayout(index: index, signatures: PackageSignatures(), checksums: checksums)
    let parts = zip(layout.parts, [index.bytes, PackageSignatures().bytes] + files.map(\.1))
    return parts.flatMap { $0.header + $1 } + layout.trailer
  }

  /// As a registry would describe it.
  static func version(_ bytes: [UInt8]) throws -> RegistryVersion {
    let package = try PackageFile(try SealedMemory(copying: bytes), path: "p.zip")
    let manifest = try #require(try package.storedContent()).manifest(engineVersion: nil)
    return RegistryVersion(
      manifest, checksum: package.checksum, contents: package.contents, size: bytes.count,
      published: "2026-01-31T12:00:00Z")
  }
}

/// A registry that listens, until the test ends.
struct RunningRegistry: Sendable {
  static let tokens = [
    "alice": "alice-0123456789abcdef", "mallory": "mallory-0123456789abcdef",
  ]
  let address: RegistryAddress
  let port: UInt16
  let directory: TemporaryDirectory

  static func token(_ name: String) -> BearerToken? { tokens[name].flatMap { BearerToken($0) } }

  /// - Parameter publisher: whose token is used.
  func use<Success: Sendable>(
    as publisher: String? = nil, _ body: (RegistryClient) async throws -> Success
  ) async throws -> Success {
    try await RegistryClient.use(address, token: publisher.flatMap { Self.token($0) }, body)
  }

  func publish(_ bytes: [UInt8], as publisher: String = "alice", categories: [String] = []) async throws -> Bool {
    let package = try PackageFile(try SealedMemory(copying: bytes), path: "p.zip")
    return try await use(as: publisher) { client in
      try await client.publish(
        package.index.name, package.index.version, categories: categories.compactMap { PluginCategory($0) },
        package.memory)
    }
  }
}

func withRegistry(
  _ settings: RegistryRoutes.Settings = RegistryRoutes.Settings(), idle: Duration = .seconds(30),
  in directory: TemporaryDirectory? = nil, reports: (@Sendable (String) -> Void)? = nil,
  _ body: @escaping @Sendable (RunningRegistry) async throws -> Void
) async throws {
  let directory = try directory ?? TemporaryDirectory()
  try await released(directory)
  let files = try DedicatedThread(name: "files")
  let store = try await StoredRegistry(directory: directory.path, on: files, limits: settings.limits) {
    reports?($0)
  }
  let routes = RegistryRoutes(store: store, settings: settings) { token in
    RunningRegistry.tokens.first { $0.value == token.secret }.flatMap { PublisherName($0.key) }
  } report: {
    Issue.record("the registry failed: \($0)")
  }
  let server = RegistryServer(routes, at: try ListenAddress("127.0.0.1:0"), idle: idle)
  let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run { port in continuation.yield(port ?? 0) } }
    var iterator = ports.makeAsyncIterator()
    let port = UInt16(try #require(await iterator.next()))
    let address = try RegistryAddress("http://127.0.0.1:\(port)/api/registry")
    try await body(RunningRegistry(address: address, port: port, directory: directory))
    group.cancelAll()
    while let result = await group.nextResult() { _ = result }
  }
}

/// Waits until nothing is left of a registry that was there before: its server's last tasks may end after it.
func released(_ directory: TemporaryDirectory) async throws {
  for _ in 0..<200 {
    if try FileLock(directory.path + "/registry.lock", .exclusive) != nil { return }
    try await Task.sleep(for: .milliseconds(50))
  }
  Issue.record("a registry that has ended still holds \(directory.path)")
}

/// What a diagnostic says; a failure where nothing is thrown.
func refusal(_ body: () async throws -> Void) async -> String {
  do {
    try await body()
    Issue.record("nothing was refused")
    return ""
  } catch {
    return "\(error)"
  }
}
