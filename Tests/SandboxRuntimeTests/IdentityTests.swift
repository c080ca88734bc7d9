import Foundation
import LinuxSystem
import PluginModel
import Testing

@testable import SandboxRuntime

@Suite("The host id of a plugin")
struct IdentityTests {
  private func name(_ text: String) throws -> PluginName { try #require(PluginName(text)) }

  @Test("is its own, and the same for ever")
  func stable() async throws {
    let directory = try TemporaryDirectory()
    let allocator = try IdentityAllocator(stateDirectory: path(directory.path), isRoot: true)
    let first = try await allocator.identity(for: name("alpha"))
    let second = try await allocator.identity(for: name("beta"))
    #expect(first != second)
    #expect(IdentityTable.range.contains(first.user) && IdentityTable.range.contains(second.user))
    let again = try IdentityAllocator(stateDirectory: path(directory.path), isRoot: true)
    #expect(try await again.identity(for: name("alpha")) == first)
    #expect(try await again.identity(for: name("beta")) == second)
  }

  @Test("is given once, however many ask at the same time")
  func concurrent() async throws {
    let directory = try TemporaryDirectory()
    let allocators = try (0..<4).map { _ in
      try IdentityAllocator(stateDirectory: path(directory.path), isRoot: true)
    }
    let identities = try await withThrowingTaskGroup(of: (String, HostIdentity).self) { group in
      for number in 0..<80 {
        let plugin = "plugin\(number % 20)"
        group.addTask { (plugin, try await allocators[number % 4].identity(for: PluginName(unchecked: plugin))) }
      }
      return try await group.reduce(into: [String: Set<HostIdentity>]()) { $0[$1.0, default: []].insert($1.1) }
    }
    #expect(identities.values.allSatisfy { $0.count == 1 })
    #expect(Set(identities.values.flatMap { $0 }).count == 20)
  }

  @Test(
    "is never guessed from a file that isn't whole",
    arguments: [
      "something else\n", "orchestrator identities 1\n1900000000 alpha", "orchestrator identities 1\n5 alpha\n",
      "orchestrator identities 1\n1900000000 alpha\n1900000000 beta\n",
      "orchestrator identities 1\n1900000000 alpha\n1900000001 alpha\n",
      "orchestrator identities 1\n1900000000 ../alpha\n", "orchestrator identities 1\n\n", "\u{0}\u{0}",
    ])
  func corrupt(_ text: String) async throws {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/identities"
    try text.write(toFile: file, atomically: false, encoding: .utf8)
    let allocator = try IdentityAllocator(stateDirectory: path(directory.path), isRoot: true)
    let error = await #expect(throws: IdentityError.self) { _ = try await allocator.identity(for: name("alpha")) }
    guard case .corrupt = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
  }

  @Test("isn't written through a link")
  func link() async throws {
    let directory = try TemporaryDirectory()
    try FileManager.default.createSymbolicLink(
      atPath: directory.path + "/identities", withDestinationPath: directory.path + "/elsewhere")
    let allocator = try IdentityAllocator(stateDirectory: path(directory.path), isRoot: true)
    await #expect(
      throws: IdentityError.inaccessible(SystemError("open", directory.path + "/identities", .tooManyLinks))
    ) { _ = try await allocator.identity(for: name("alpha")) }
  }

  @Test("is the supervisor's own where it isn't root")
  func rootless() async throws {
    let allocator = try IdentityAllocator(stateDirectory: path("/nowhere"), isRoot: false)
    #expect(
      try await allocator.identity(for: name("alpha"))
        == HostIdentity(user: effectiveUserIdentifier(), group: effectiveGroupIdentifier()))
  }

  @Test("runs out rather than come again")
  func exhausted() throws {
    let last = IdentityTable.range.upperBound
    let table = try IdentityTable(parsing: "\(IdentityTable.heading)\n\(last) alpha\n")
    #expect(table.allocating(try name("beta")) == nil)
  }
}
