import PluginModel
import PluginRegistry
import Testing

@Suite("Grants")
struct GrantPolicyTests {
  private let name = PluginName(unchecked: "files")

  private func path(_ text: String) throws -> AbsolutePath { try #require(AbsolutePath(text)) }

  private func decide(_ asked: [Permission], _ granted: [Permission], defaults: [Permission] = []) -> GrantDecision {
    let manifest = PluginManifest(
      name: name, version: SemanticVersion(1, 0, 0), author: "a", permissions: asked, entryPoint: "a.py")
    return GrantPolicy(defaults: defaults, grants: [name: granted]).decision(for: manifest, digest: "sha256:1")
  }

  @Test("give nothing that the manifest doesn't ask for")
  func notAsked() {
    let decision = decide([], [.memoryUnlimited, .filesystemRead(nil)], defaults: GrantPolicy.defaultPermissions)
    #expect(decision.effective.isEmpty)
    #expect(decision.useless.map(\.permission) == [.memoryUnlimited, .filesystemRead(nil)])
  }

  @Test("give nothing that the operator didn't grant, and say which option would")
  func notGranted() throws {
    let decision = decide([.filesystemWrite(nil), .systemExec(programs: ["git"])], [])
    #expect(decision.effective.isEmpty)
    #expect(decision.missingOptions == ["--grant files=filesystem.write", "--grant files=system.exec:git"])
  }

  @Test("without any option are the workspace to read")
  func defaults() throws {
    let everything: [Permission] = [
      .filesystemRead(nil), .filesystemWrite(nil), .networkHTTP(hosts: []), .networkSocket(endpoints: []),
      .systemExec(programs: []), .gpuAccess(count: nil), .memoryUnlimited,
    ]
    let manifest = PluginManifest(
      name: name, version: SemanticVersion(1, 0, 0), author: "a", permissions: everything, entryPoint: "a.py")
    #expect(GrantPolicy().decision(for: manifest, digest: "sha256:1").effective == [.filesystemRead(nil)])
  }

  @Test("of a path reach a bare request, and no further than the path")
  func scopedGrant() throws {
    let licenses = Permission.filesystemRead(try path("/usr/share/common-licenses"))
    #expect(decide([.filesystemRead(nil)], [licenses]).effective == [licenses])
  }

  @Test("of the workspace don't reach a path")
  func bareGrant() throws {
    let decision = decide([.filesystemRead(try path("/srv"))], [.filesystemRead(nil)])
    #expect(decision.effective.isEmpty)
    #expect(decision.missing.count == 1)
  }

  @Test("and requests of nested paths meet in the deeper one")
  func nested() throws {
    let outer = Permission.filesystemRead(try path("/srv"))
    let inner = Permission.filesystemRead(try path("/srv/data"))
    let beside = Permission.filesystemRead(try path("/srv/database"))
    #expect(decide([outer], [inner]).effective == [inner])
    #expect(decide([inner], [outer]).effective == [inner])
    #expect(decide([inner], [beside]).effective.isEmpty)
  }

  @Test("to read don't allow to write")
  func readIsNotWrite() throws {
    #expect(decide([.filesystemWrite(nil)], [.filesystemRead(nil)]).effective.isEmpty)
  }

  @Test("of lists meet in what both name")
  func lists() {
    let asked = Permission.networkHTTP(hosts: ["a.example", "b.example"])
    #expect(
      decide([asked], [.networkHTTP(hosts: ["b.example", "c.example"])]).effective == [
        .networkHTTP(hosts: ["b.example"])
      ])
    #expect(decide([asked], [.networkHTTP(hosts: ["c.example"])]).effective.isEmpty)
    #expect(decide([asked], [.networkHTTP(hosts: [])]).effective == [asked])
    #expect(decide([.gpuAccess(count: 2)], [.gpuAccess(count: 1)]).effective == [.gpuAccess(count: 1)])
  }

  @Test("never widen when a request or a grant is removed")
  func monotone() throws {
    let pool: [Permission] = [
      .filesystemRead(nil), .filesystemRead(try path("/a")), .filesystemRead(try path("/a/b")), .filesystemWrite(nil),
      .filesystemWrite(try path("/a")), .networkHTTP(hosts: []), .networkHTTP(hosts: ["x"]),
      .networkHTTP(hosts: ["x", "y"]), .systemExec(programs: []), .systemExec(programs: ["git"]), .memoryUnlimited,
    ]
    for seed in UInt64(1)...200 {
      var generator = SplitMix64(state: seed)
      let asked = pool.filter { _ in Bool.random(using: &generator) }
      let granted = pool.filter { _ in Bool.random(using: &generator) }
      let whole = Set(decide(asked, granted).effective)
      for index in asked.indices {
        var fewer = asked
        fewer.remove(at: index)
        #expect(Set(decide(fewer, granted).effective).isSubset(of: whole), "seed \(seed)")
      }
      for index in granted.indices {
        var fewer = granted
        fewer.remove(at: index)
        #expect(Set(decide(asked, fewer).effective).isSubset(of: whole), "seed \(seed)")
      }
    }
  }

  @Test("of two lists of hosts the narrower names count, whoever wrote them")
  func hosts() throws {
    func meet(_ request: String, _ grant: String) throws -> String? {
      try Permission(request).meet(Permission(grant))?.description
    }
    #expect(try meet("network.http:*.example.org", "network.http:api.example.org") == "network.http:api.example.org")
    #expect(try meet("network.http:api.example.org", "network.http:*.example.org") == "network.http:api.example.org")
    #expect(try meet("network.http:example.org", "network.http:*.example.org") == nil)
    #expect(try meet("network.http", "network.http:api.example.org") == "network.http:api.example.org")
    #expect(
      try meet("network.http:a.org,*.b.org", "network.http:c.b.org,a.org,d.org") == "network.http:a.org,c.b.org")
  }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
