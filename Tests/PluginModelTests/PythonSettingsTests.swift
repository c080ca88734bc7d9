import PluginModel
import Testing

@Suite("Where Python packages come from")
struct PythonSettingsTests {
  private func settings(_ text: String) throws(Diagnostics) -> PythonSettings {
    try SystemConfiguration(yaml: Array("plugins: {python: \(text)}".utf8), file: "c.yaml").python
  }

  @Test("is pypi.org and where it has its files, wheels alone, unless the operator says otherwise")
  func usual() throws {
    let usual = try settings("{}")
    #expect(usual == PythonSettings() && usual.takesWheelsOnly)
    #expect(usual.permissions.map(\.description) == ["network.http:pypi.org", "network.http:files.pythonhosted.org"])
    let other = try settings("{index_url: 'https://mirror.example:8443/pypi/simple/', file_hosts: ['*.cdn.example']}")
    #expect(other.index?.description == "https://mirror.example:8443/pypi/simple")
    #expect(
      other.permissions.map(\.description) == ["network.socket:mirror.example:8443", "network.http:*.cdn.example"])
    // Another index's files are its own.
    #expect(try settings("{index_url: 'https://mirror.example/simple'}").fileHosts.isEmpty)
    let offline = try settings("{index_url: none, wheels: /srv/wheels}")
    #expect(offline.index == nil && offline.permissions.isEmpty && offline.wheels?.text == "/srv/wheels")
  }

  @Test(
    "refuses what is no address",
    arguments: [
      "pypi.org", "ftp://x/simple", "https://", "https://user:word@x/simple", "https://x/simple?y", "https://x/#f",
      "https://x y/", "https:///simple", "file:///srv", "https://x:0/simple", "https://x:99999/",
    ])
  func addresses(_ text: String) {
    #expect(throws: Diagnostics.self) { _ = try settings("{index_url: '\(text)'}") }
  }

  @Test("refuses an index without TLS that isn't this host's, unless that is allowed")
  func plain() throws {
    #expect(throws: Diagnostics.self) { _ = try settings("{index_url: 'http://mirror.example/simple'}") }
    #expect(try settings("{index_url: 'http://mirror.example/simple', allow_http: true}").index?.isEncrypted == false)
    #expect(try settings("{index_url: 'http://127.0.0.1:80/simple'}").index?.isOfThisHost == true)
  }

  @Test("refuses to have nowhere to look")
  func nowhere() {
    #expect(throws: Diagnostics.self) { _ = try settings("{index_url: none}") }
  }
}
