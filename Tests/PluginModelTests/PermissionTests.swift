import PluginModel
import Testing

@Suite("Permissions")
struct PermissionTests {
  @Test(
    "every form is read and written back",
    arguments: [
      "filesystem.read", "filesystem.read:/srv/data", "filesystem.write:/", "network.http", "network.http:example.org",
      "network.http:example.org,*.example.org,127.0.0.1,[2001:db8::7],xn--bcher-kva.example", "network.socket",
      "network.socket:db.example.org:5432,10.0.0.1:1,[::1]:65535",
      "system.exec", "system.exec:git,ffmpeg,c++,python3.11", "gpu.access", "gpu.access:2", "memory.unlimited",
    ])
  func roundTrip(text: String) throws {
    #expect(try Permission(text).description == text)
  }

  @Test("host names are compared in lower case and paths are normalised")
  func normalised() throws {
    #expect(try Permission("network.http:Example.ORG") == .networkHTTP(hosts: ["example.org"]))
    #expect(try Permission("network.socket:[2001:DB8:0::1]:80") == .networkSocket(endpoints: ["[2001:db8::1]:80"]))
    #expect(try Permission("filesystem.read://srv//data/").description == "filesystem.read:/srv/data")
  }

  @Test(
    "a scope that isn't exactly what it seems is refused",
    arguments: [
      "", ":", "filesystem", "Filesystem.read", "filesystem.read:", "filesystem.read:data", "filesystem.read:/a/../b",
      "filesystem.read:/a/./b",
      "filesystem.read:/a\u{0}b", "filesystem.read:~/x", "network.http:", "network.http:,", "network.http:a,,b",
      "network.http:*", "network.http:*.org",
      "network.http:a.*.org", "network.http:http://example.org", "network.http:example.org:80",
      "network.http:example.org/x", "network.http:-a.org",
      "network.http:a-.org", "network.http:exa mple.org", "network.http:exämple.org", "network.http:1.2.3",
      "network.http:1.2.3.256", "network.http:01.2.3.4",
      "network.http:0x7f.1", "network.http:0x7f000001", "network.http:a.0X7F", "network.http:a.org,a.org",
      "network.http:a.org,A.ORG", "network.http:2130706433",
      "network.http:::1", "network.http:[::1%lo]", "network.http:[::1", "network.http:[127.0.0.1]",
      "network.http:example.org.", "network.http:.", "network.http:*.", "network.http:**.example.org",
      "network.http:*a.example.org", "network.http:*.*.example.org", "network.http:*.127.0.0.1",
      "network.http:\u{FF11}27.0.0.1", "network.http:ex\u{430}mple.org", "network.http:a.org\u{0}.b.org",
      "network.http:a_b.org", "network.http:a.org ", "network.socket:[::1]", "network.socket:::1:80",
      "network.socket:example.org", "network.socket:example.org:0", "network.socket:example.org:65536",
      "network.socket:example.org:+80",
      "network.socket:example.org:080", "network.socket:*.example.org:80", "system.exec:/bin/sh", "system.exec:../sh",
      "system.exec:..", "system.exec:-c",
      "system.exec:a b", "gpu.access:0", "gpu.access:-1", "gpu.access:65", "gpu.access:+2", "gpu.access:all",
      "memory.unlimited:1", "memory.unlimited:",
    ])
  func refused(text: String) {
    #expect(throws: Permission.Problem.self) { try Permission(text) }
  }

  @Test("an unknown permission names the one that was probably meant")
  func suggestion() {
    do throws(Permission.Problem) {
      _ = try Permission("filesystem.raed:/srv")
      Issue.record("accepted")
    } catch {
      #expect(error.what == "unknown permission 'filesystem.raed:/srv'")
      #expect(error.hint == "did you mean 'filesystem.read'?")
    }
  }

  @Test("no text crashes the reader, and what it accepts it writes back", arguments: [51, 52] as [UInt64])
  func randomText(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let alphabet = Array("ab1.:/*,-é \0")
    for _ in 0..<20_000 {
      let name = Permission.Name.allCases.randomElement(using: &generator)?.rawValue ?? ""
      let text =
        name + ":"
        + String(
          (0..<Int.random(in: 0...10, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
      guard let permission = try? Permission(text) else { continue }
      let again = try? Permission(permission.description)
      #expect(again == permission)
    }
  }
}
