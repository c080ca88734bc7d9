import PluginModel
import SandboxPlanning
import Testing

@Suite("scoped paths") struct ScopedPathTests {
  private func granting(_ text: String, write: Bool = false, roots: [String]) throws -> PlanRefusal? {
    let path = try path(text)
    return try refusal(of: request([write ? .filesystemWrite(path) : .filesystemRead(path)], roots: roots))
  }

  @Test(
    "a path outside of the operator's roots is refused with the key to change",
    arguments: ["/srv", "/srv/datas", "/srv/dat", "/home/a", "/opt"])
  func outsideOfRoots(text: String) throws {
    let refused = try #require(try granting(text, roots: ["/srv/data"]))
    #expect(refused.description.contains("filesystem_roots"))
    #expect(try granting("/srv/data", roots: []) != nil)
  }

  @Test("a path equal to or beneath a root is shown under its own name", arguments: ["/srv/data", "/srv/data/a/b"])
  func insideRoots(text: String) throws {
    let plan = try plan([.filesystemRead(try path(text))], roots: ["/srv/data", "/srv"])
    let bind = try #require(plan.bind(at: text))
    #expect(bind.source.text == text)
    #expect(bind.access == .readOnly)
    // The closest root: links are followed within as little as possible.
    #expect(bind.confinedTo?.text == "/srv/data")
    #expect(plan.rights(at: text) == .read)
  }

  @Test(
    "what the sandbox is made of can't be granted, nor anything around it or in it, even where the root is /",
    arguments: [
      "/", "/proc", "/proc/1/root", "/sys", "/sys/fs/cgroup", "/dev", "/dev/mem", "/tmp", "/tmp/x", "/etc",
      "/etc/shadow",
      "/etc/ssl", "/run", "/run/docker.sock", "/var", "/var/run", "/var/run/docker.sock", "/plugin", "/sdk/pipeline",
      "/workspace", "/usr", "/usr/lib", "/usr/lib/python3", "/usr/bin", "/usr/bin/python3.11", "/lib", "/lib64/x",
      "/bin",
      "/sbin/init", "/boot",
    ])
  func reserved(text: String) throws {
    for write in [false, true] {
      let refused = try #require(try granting(text, write: write, roots: ["/"]), "\(text) write: \(write)")
      #expect(refused.items.allSatisfy { $0.why != nil && $0.hint != nil })
    }
  }

  @Test(
    "a plugin can't be granted write access to its own code or the SDK",
    arguments: [
      "/opt", "/opt/orchestrator/plugins/word_counter", "/opt/orchestrator/plugins/word_counter/src",
      "/opt/orchestrator/sdk",
    ])
  func ownCode(text: String) throws {
    #expect(try #require(try granting(text, write: true, roots: ["/opt"])).description.contains("its own code"))
    #expect(try granting(text, write: false, roots: ["/opt"]) == nil)
  }

  @Test(
    "names that only resemble reserved ones are ordinary",
    arguments: ["/devices", "/tmpfiles", "/process", "/usr/share/x", "/etcetera"])
  func lookalikes(text: String) throws {
    #expect(try granting(text, roots: ["/"]) == nil)
  }

  @Test("grants add up: a narrower one beneath takes nothing away, a wider one beneath is added after")
  func nested() throws {
    let outer = try path("/srv/a")
    let inner = try path("/srv/a/b/c")
    let covered = try plan([.filesystemWrite(outer), .filesystemRead(inner)])
    #expect(covered.bind(at: "/srv/a/b/c") == nil)
    let widened = try plan([.filesystemWrite(inner), .filesystemRead(outer)])
    let order = widened.binds.map(\.target.text)
    let first = try #require(order.firstIndex(of: "/srv/a"))
    let second = try #require(order.firstIndex(of: "/srv/a/b/c"))
    #expect(first < second)
    #expect(!widened.filesystem.contains(.directory(try path("/srv/a/b"))))
    #expect(try plan([.filesystemRead(outer), .filesystemWrite(outer)]).bind(at: "/srv/a")?.access == .readWrite)
  }

  @Test("hostile scopes never escape the roots or touch the sandbox", arguments: [7, 77, 777, 7777, 0xBAD] as [UInt64])
  func hostile(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let parts = [
      "srv", "data", "..", ".", "", "etc", "proc", "dev", "usr", "lib", "tmp", "a b", "a%2f..", "\u{2025}", "…", "run",
      "var",
      "plugin", "SRV", "srv\u{0}", "srv\n", "~", "$HOME", "//", "*",
    ]
    let roots = ["/srv/data", "/var/lib/data"].compactMap { AbsolutePath($0) }
    let always = Set(try plan().binds.map(\.target))
    for _ in 0..<250 {
      var text =
        "/"
        + (0..<Int.random(in: 0...5, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }.joined(
          separator: "/")
      if Bool.random(using: &random) { text = "/srv/data" + text }
      guard let scope = AbsolutePath(text) else {
        // What can't even be written as a path climbs, is relative, or holds control characters.
        #expect(text.contains("..") || text.contains(".") || text.unicodeScalars.contains { $0.value < 0x20 })
        continue
      }
      let asked = try request(
        [Bool.random(using: &random) ? .filesystemRead(scope) : .filesystemWrite(scope)], roots: roots.map(\.text))
      let host = try debianHost()
      do throws(PlanRefusal) {
        let added = try SandboxPlanner.plan(asked, host: host).binds.filter { !always.contains($0.target) }
        for bind in added {
          #expect(roots.contains { bind.source.isEqualToOrBeneath($0) }, "\(text)")
          #expect(bind.source == bind.target && bind.confinedTo != nil && !bind.executable)
        }
      } catch {
        #expect(!roots.contains { scope.isEqualToOrBeneath($0) }, "\(text) was refused: \(error)")
      }
    }
  }

  @Test(
    "nothing that the supervisor goes by can be written, by a path or as the workspace",
    arguments: [
      "/srv/state", "/srv/state/specifications", "/srv/state/specifications/x", "/srv/plugins/other",
      "/srv/plugins", "/srv",
    ])
  func controlPaths(text: String) throws {
    let place = try path(text)
    var asked = try request([.filesystemWrite(place)], roots: ["/srv"])
    asked.controlPaths = [try path("/srv/state/specifications"), try path("/srv/plugins/other")]
    #expect(try #require(try refusal(of: asked)).items.allSatisfy { $0.why != nil && $0.hint != nil })
    asked.granted = [.filesystemRead(place)]
    #expect(try refusal(of: asked) == nil)
    asked.granted = [.filesystemWrite(nil)]
    asked.workspace = place
    #expect(try #require(try refusal(of: asked)).description.contains("--workspace"))
    asked.granted = [.filesystemRead(nil)]
    #expect(try refusal(of: asked) == nil)
    asked.granted = [.filesystemWrite(nil)]
    asked.workspace = try path("/srv/state/runs/7/workspace")
    #expect(try refusal(of: asked) == nil)
  }

  @Test("the workspace can't be written where it covers the plugin's own code or the SDK", arguments: ["/opt", "/"])
  func workspaceOverCode(text: String) throws {
    var asked = try request([.filesystemWrite(nil)])
    asked.workspace = try path(text)
    #expect(try #require(try refusal(of: asked)).description.contains("its own code"))
  }

  @Test(
    "an interpreter's installation never brings the host's root, or what the supervisor goes by, into a sandbox",
    arguments: [("/", false), ("/etc", false), ("/home/a", false), ("/home/a/python", true), ("/opt/python3.12", true)])
  func interpreterPrefix(text: String, isFine: Bool) throws {
    var asked = try request()
    asked.interpreter = Interpreter(executable: try path("/opt/python3.12/bin/python3.12"), prefix: try path(text))
    asked.controlPaths = [try path("/home/a/.local/state/orchestrator/identities")]
    #expect((try refusal(of: asked) == nil) == isFine)
  }

  @Test("the run's workspace can't be granted where there is none")
  func noWorkspace() throws {
    var request = try request([.filesystemRead(nil)])
    request.workspace = nil
    #expect(try #require(try refusal(of: request)).description.contains("workspace"))
  }
}
