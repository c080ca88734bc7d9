import PluginModel
import Testing

@testable import orchestrator

@Suite("The state directory")
struct PlacesTests {
  private func state(user: UInt32, home: String?, stateHome: String?, option: String? = nil) throws -> String {
    try Places(user: user, home: home, stateHome: stateHome).state(option: option)
  }

  @Test("is what --state-dir names, else root's own, else the user's by the XDG specification")
  func rules() throws {
    #expect(try state(user: 0, home: "/people/r", stateHome: "/x", option: "/y") == "/y")
    #expect(try state(user: 0, home: "/people/r", stateHome: "/x") == "/var/lib/orchestrator")
    #expect(try state(user: 1000, home: "/people/a", stateHome: "/x") == "/x/orchestrator")
    #expect(try state(user: 1000, home: "/people/a", stateHome: nil) == "/people/a/.local/state/orchestrator")
    #expect(try state(user: 1000, home: "/people/a", stateHome: "relative") == "/people/a/.local/state/orchestrator")
    #expect(throws: Diagnostic.self) { try state(user: 1000, home: nil, stateHome: nil) }
  }

  @Test("of plugins: those of options first and required")
  func pluginDirectories() throws {
    let root = Places(user: 0, home: "/people/r", stateHome: nil)
    let places = root.plugins(options: ["a", "b"], configured: nil)
    #expect(
      places.map(\.path) == [
        "a", "b", "./plugins", "/people/r/.pipeline/plugins", "/usr/share/pipeline/plugins",
      ])
    #expect(places.map(\.isRequired) == [true, true, false, false, false])
    let configured = root.plugins(options: ["a"], configured: ["~/b", "c"])
    #expect(configured.map(\.path) == ["a", "/people/r/b", "c"])
  }

  @Test("isn't where devices are leased: all runs of a user meet in one place, whatever their state directories")
  func deviceLeases() {
    func leases(_ user: UInt32, _ runtime: String?) -> String {
      Places(user: user, home: "/people/a", stateHome: "/x", runtimeDirectory: runtime).deviceLeases
    }
    #expect(leases(0, "/run/user/1000") == "/run/orchestrator/devices", "root's environment may be another's")
    #expect(leases(1000, "/run/user/1000") == "/run/user/1000/orchestrator/devices")
    #expect(leases(1000, nil) == "/tmp/orchestrator-1000/devices")
    #expect(leases(1000, "relative") == "/tmp/orchestrator-1000/devices")
  }
}
