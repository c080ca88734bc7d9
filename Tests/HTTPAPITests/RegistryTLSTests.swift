import Foundation
import PluginModel
import RegistryClient
import Testing

@Suite("A registry over TLS", .serialized)
struct RegistryTLSTests {
  private static let fixtures =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Fixtures"

  /// A server with a certificate of an authority of its own, until it goes.
  private final class Server: @unchecked Sendable {
    let directory: TemporaryDirectory
    let port: UInt16
    private let process = Process()
    var authority: String { directory.path + "/ca.pem" }

    init(name: String, version: String? = nil) throws {
      directory = try TemporaryDirectory()
      let script = RegistryTLSTests.fixtures + "/egress/authority.sh"
      try #require(system("/bin/bash '\(script)' '\(directory.path)' \(name)") == 0)
      process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
      process.arguments =
        [RegistryTLSTests.fixtures + "/registry/tls.py", directory.path + "/chain.pem", directory.path + "/key.pem"]
        + (version.map { [$0] } ?? [])
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
      port = try #require(UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    // SIGTERM is ignored by what a process starts that listens for it itself, as a registry does.
    deinit { kill(process.processIdentifier, SIGKILL) }
  }

  private func asked(_ server: Server, trusting certificates: String?) async -> String {
    await refusal {
      try await RegistryClient.use(
        try RegistryAddress("https://localhost:\(server.port)/api"), token: nil, certificates: certificates
      ) { _ = try await $0.plugin(try plugin("shop")) }
    }
  }

  @Test("only a certificate for its name, of an authority that is trusted, is accepted")
  func certificates() async throws {
    let server = try await blocking { try Server(name: "localhost") }
    let trusted = await asked(server, trusting: server.authority)
    #expect(trusted.contains("status 404"), "\(trusted)")
    let unknown = await asked(server, trusting: nil)
    #expect(unknown.contains("isn't accepted") && !unknown.contains("404"), "\(unknown)")
    let other = try await blocking { try Server(name: "other.example.org") }
    let misnamed = await asked(other, trusting: other.authority)
    #expect(misnamed.contains("isn't accepted") && !misnamed.contains("404"), "\(misnamed)")
    let foreign = await asked(server, trusting: other.authority)
    #expect(foreign.contains("isn't accepted") && !foreign.contains("404"), "\(foreign)")
  }

  @Test("a token doesn't go where the registry sends its readers, who may go there without")
  func token() async throws {
    let server = try await blocking { try Server(name: "localhost") }
    func asked(_ address: String) async -> String {
      await refusal {
        try await RegistryClient.use(
          try RegistryAddress(address), token: RunningRegistry.token("alice"), certificates: server.authority
        ) { _ = try await $0.plugin(try plugin("shop")) }
      }
    }
    let closed = "https://localhost:\(server.port)/closed"
    #expect(await asked(closed).contains("a token came"))
    let sending = try HostileServer(
      "HTTP/1.1 302 Found\r\nlocation: \(closed)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    let sent = await asked("http://127.0.0.1:\(sending.port)/api")
    #expect(sent.contains("no token came"), "\(sent)")
  }

  @Test("versions of TLS before 1.2 are refused")
  func versions() async throws {
    let server = try await blocking { try Server(name: "localhost", version: "1.1") }
    let refused = await asked(server, trusting: server.authority)
    #expect(refused.contains("TLS") && !refused.contains("404"), "\(refused)")
  }
}
