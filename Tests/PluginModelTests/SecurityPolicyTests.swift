import PluginModel
import Testing

@Suite("What an operator's file says of permissions")
struct SecurityPolicyTests {
  private static let section = """
      default_permissions: []
      filesystem_roots: [/srv, /opt/data]
      forbidden_permissions: [system.exec, "filesystem.write:/etc"]
      plugins:
        greeter:
          permissions: ["filesystem.read:/srv/greeter"]
          profile: strict
          digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    """

  private func indented(_ text: String) -> String {
    text.split(separator: "\n").map { "  \($0)\n" }.joined()
  }

  @Test("is the same in plugin_system.yaml and in a policy file, with its lines")
  func same() throws {
    let policyFile = Array("security:\n\(Self.section)\n".utf8)
    let policy = try SystemConfiguration(policy: policyFile, file: "p.yaml")
    let system = try SystemConfiguration(
      yaml: Array("plugins:\n  security:\n\(indented(Self.section))".utf8), file: "s.yaml")
    for (configuration, offset) in [(policy, 0), (system, 1)] {
      #expect(configuration.defaultPermissions == [])
      let read = try #require(configuration.policies.first)
      #expect(read.filesystemRoots?.value.map(\.text) == ["/srv", "/opt/data"])
      #expect(read.forbidden.map(\.value.description) == ["system.exec", "filesystem.write:/etc"])
      #expect(read.forbidden.map(\.location.line) == [4 + offset, 4 + offset])
      let greeter = try #require(read.plugins.first)
      #expect(greeter.plugin.text == "greeter")
      #expect(greeter.permissions.map(\.value.description) == ["filesystem.read:/srv/greeter"])
      #expect(greeter.profile?.value.text == "strict")
      #expect(greeter.digest?.location.line == 9 + offset)
    }
  }

  @Test(
    "is refused where it is wrong, with its line",
    arguments: [
      ("system.exec", "system.exce", "did you mean 'system.exec'?"),
      ("sha256:0123", "sha256:zzzz", "is not the digest of a plugin"), ("sha256:0123", "0123", "is not the digest"),
      ("/srv, /opt", "srv, /opt", "'srv' is not an absolute path"),
      ("profile: strict", "profil: strict", "did you mean 'profile'?"),
      ("greeter:", "Greeter:", "is not a plugin name"),
      ("[system.exec,", "[system.exec, system.exec,", "is listed twice"),
      ("default_permissions: []", "enable_sandboxing: false", "sandboxing can't be turned off"),
    ])
  func wrong(text: String, replacement: String, words: String) {
    let section = Self.section.replacing(text, with: replacement)
    do throws(Diagnostics) {
      _ = try SystemConfiguration(policy: Array("security:\n\(section)\n".utf8), file: "p.yaml")
      Issue.record("was accepted")
    } catch {
      #expect(error.description.contains(words), "\(error)")
      #expect(error.items.allSatisfy { $0.location != nil })
    }
  }

  @Test("is refused without the section that it is for")
  func empty() {
    for text in ["{}", "plugins: {security: {}}", "security:"] {
      #expect(throws: Diagnostics.self) { try SystemConfiguration(policy: Array(text.utf8), file: "p.yaml") }
    }
  }

  @Test("adds to the other file: both grant, both forbid, and both confine")
  func adding() throws {
    func read(_ text: String) throws -> SystemConfiguration {
      try SystemConfiguration(policy: Array("security: \(text)".utf8), file: "p.yaml")
    }
    let system = try read(
      "{default_permissions: [filesystem.read], require: [pids], forbidden_permissions: [system.exec]}")
    let policy = try read("{default_permissions: [memory.unlimited], require: [memory], filesystem_roots: [/srv]}")
    let both = system.adding(policy)
    #expect(both.defaultPermissions == [.filesystemRead(nil), .memoryUnlimited])
    #expect(Set(both.required.map(\.value)) == [.pids, .memory])
    #expect(both.policies == policy.policies + system.policies)
    #expect(try SystemConfiguration().adding(read("{}")).defaultPermissions == nil)
    #expect(try SystemConfiguration().adding(read("{default_permissions: []}")).defaultPermissions == [])
    #expect(try system.adding(read("{default_permissions: []}")).defaultPermissions == [.filesystemRead(nil)])
  }
}
