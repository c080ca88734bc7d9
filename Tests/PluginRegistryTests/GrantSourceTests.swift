import PluginModel
import PluginRegistry
import Testing

/// Where grants come from, what they are tied to, and what forbids them.
@Suite("Sources of grants")
struct GrantSourceTests {
  private let name = PluginName(unchecked: "files")
  private let here = PluginModel.SourceLocation(file: "policy.yaml", line: 3, column: 5)

  private func path(_ text: String) throws -> AbsolutePath { try #require(AbsolutePath(text)) }

  private func manifest(_ asked: [Permission], named plugin: PluginName? = nil) -> PluginManifest {
    PluginManifest(
      name: plugin ?? name, version: SemanticVersion(1, 0, 0), author: "a", permissions: asked, entryPoint: "a.py")
  }

  private func record(
    _ permission: Permission, digest: String, plugin: PluginName? = nil, asked: [Permission] = []
  ) -> GrantRecord {
    GrantRecord(
      plugin: plugin ?? name, digest: digest, permission: permission, asked: asked, time: "2026-01-31T23:59:59Z",
      way: .command, user: 0)
  }

  private func forbidding(_ permissions: Permission...) -> SecurityPolicy {
    SecurityPolicy(forbidden: permissions.map { Located($0, at: here) })
  }

  @Test("hold for exactly the files that they were given for")
  func digest() {
    let policy = GrantPolicy(defaults: [], stored: [record(.filesystemWrite(nil), digest: "sha256:1")])
    let asking = manifest([.filesystemWrite(nil)])
    #expect(policy.decision(for: asking, digest: "sha256:1").effective == [.filesystemWrite(nil)])
    let changed = policy.decision(for: asking, digest: "sha256:2")
    #expect(changed.effective.isEmpty)
    #expect(changed.change?.permissions == [.filesystemWrite(nil)])
    #expect(changed.offered == [.filesystemWrite(nil)])
  }

  @Test("of earlier files are proposed as they were, beside what is new, and said once")
  func proposal() throws {
    let data = Permission.filesystemRead(try path("/srv/data"))
    let before: [Permission] = [.filesystemRead(nil), .memoryUnlimited]
    let policy = GrantPolicy(
      defaults: [], stored: [record(data, digest: "sha256:1", asked: before)])
    let asked: [Permission] = [.filesystemRead(nil), .filesystemWrite(nil), .memoryUnlimited]
    let decision = policy.decision(for: manifest(asked), digest: "sha256:2")
    #expect(decision.change?.permissions == [data])
    #expect(decision.change?.askedBefore == before)
    // Never the whole of what it asks for, where a part was granted.
    #expect(decision.offered == [data, .filesystemWrite(nil), .memoryUnlimited])
    let told = try #require(
      decision.change?.diagnostic(of: decision, options: " --state-dir s", severity: .error))
    #expect(
      told.hint?.contains("orchestrator plugin grant files filesystem.read:/srv/data --state-dir s\n") == true)
    #expect(told.hint?.contains("orchestrator plugin revoke files --all --state-dir s") == true)
    #expect(decision.diagnostics().allSatisfy { !$0.what.contains("filesystem.read") }, "told twice")
  }

  @Test("of earlier files are no matter once somebody decided about the present ones, or another grant gives the same")
  func settled() {
    let (write, memory) = (Permission.filesystemWrite(nil), Permission.memoryUnlimited)
    let old = [record(write, digest: "sha256:1"), record(memory, digest: "sha256:1")]
    let asking = manifest([write, memory])
    let decided = GrantPolicy(defaults: [], stored: old + [record(memory, digest: "sha256:2")])
    #expect(decided.decision(for: asking, digest: "sha256:2").change == nil)
    #expect(decided.decision(for: asking, digest: "sha256:2").effective == [memory])
    let granted = GrantPolicy(defaults: [], grants: [name: [write, memory]], stored: old)
    #expect(granted.decision(for: asking, digest: "sha256:2").change == nil)
    let gone = GrantPolicy(defaults: [], stored: old).decision(for: manifest([]), digest: "sha256:2")
    #expect(gone.change == nil, "it doesn't ask for it any longer")
  }

  @Test("add up: options, files of the operator, what is stored, and what everybody gets")
  func sum() throws {
    let paths = try ["/a", "/b", "/c"].map(path).map { Permission.filesystemRead($0) }
    let policy = GrantPolicy(
      grants: [name: [paths[0]]],
      policies: [SecurityPolicy(plugins: [PluginPolicy(plugin: name, permissions: [Located(paths[1], at: here)])])],
      stored: [record(paths[2], digest: "sha256:1")])
    let decision = policy.decision(for: manifest([.filesystemRead(nil)]), digest: "sha256:1")
    #expect(decision.effective == [.filesystemRead(nil)] + paths)
    #expect(decision.refusals.isEmpty)
  }

  @Test(
    "by name are refused where they are forbidden, with the line of the rule and what to do; an option is no way round it"
  )
  func forbidden() throws {
    let exec = Permission.systemExec(programs: [])
    let asking = manifest([exec])
    let rules = forbidding(exec)
    let granted = [
      GrantPolicy(grants: [name: [exec]], policies: [rules]),
      GrantPolicy(
        policies: [
          rules, SecurityPolicy(plugins: [PluginPolicy(plugin: name, permissions: [Located(exec, at: here)])]),
        ]),
      GrantPolicy(policies: [rules], stored: [record(exec, digest: "sha256:1")]),
    ]
    for policy in granted {
      let decision = policy.decision(for: asking, digest: "sha256:1")
      #expect(decision.effective.isEmpty)
      #expect(decision.refusals.map(\.location) == [here])
      #expect(decision.refusals.allSatisfy { $0.hint != nil })
      #expect(decision.offered.isEmpty, "nobody is asked for what can't be had")
    }
  }

  @Test("to everybody give way to what is forbidden, and the plugin runs without")
  func forbiddenDefault() {
    let decision = GrantPolicy(policies: [forbidding(.filesystemRead(nil))])
      .decision(for: manifest([.filesystemRead(nil)]), digest: "sha256:1")
    #expect(decision.effective.isEmpty && decision.refusals.isEmpty)
    #expect(decision.diagnostics().map(\.location) == [here])
    #expect(decision.missingOptions.isEmpty)
  }

  @Test(
    "are forbidden with their scope, whatever way round the scopes lie",
    arguments: [
      ("system.exec", "system.exec:git", true), ("system.exec:git", "system.exec", true),
      ("system.exec:git", "system.exec:tar", false), ("filesystem.write:/etc", "filesystem.write:/", true),
      ("filesystem.write:/etc", "filesystem.write:/etc/ssh", true),
      ("filesystem.write:/etc", "filesystem.write:/etcetera", false),
      ("filesystem.write:/etc", "filesystem.write", false),
      ("filesystem.write", "filesystem.write:/srv", true), ("filesystem.write", "filesystem.read", false),
      // Whoever may write may read.
      ("filesystem.read:/etc", "filesystem.write:/etc", true),
      ("network.http:*.example.org", "network.http:a.example.org", true),
      ("network.http:a.example.org", "network.http:*.example.org", true),
      ("network.http:*.example.org", "network.http:notexample.org", false),
      ("network.http:a.example.org", "network.http", true),
      ("network.socket:a.example.org:1", "network.socket:a.example.org:2", false),
      ("gpu.access", "gpu.access:1", true), ("gpu.access:2", "gpu.access:1", false),
      ("gpu.access:2", "gpu.access", true),
      ("memory.unlimited", "memory.unlimited", true), ("memory.unlimited", "gpu.access", false),
    ])
  func overlap(rule: String, permission: String, isForbidden: Bool) throws {
    let (rule, permission) = (try Permission(rule), try Permission(permission))
    #expect(rule.forbids(permission) == isForbidden)
    let decision = GrantPolicy(defaults: [], grants: [name: [permission]], policies: [forbidding(rule)])
      .decision(for: manifest([permission]), digest: "sha256:1")
    #expect(decision.effective.isEmpty == isForbidden && decision.refusals.isEmpty == !isForbidden)
  }

  @Test("of paths stay beneath filesystem_roots, of every file that names some")
  func roots() throws {
    func rooted(_ roots: String...) throws -> SecurityPolicy {
      SecurityPolicy(filesystemRoots: Located(try roots.map(path), at: here))
    }
    let data = Permission.filesystemRead(try path("/srv/data"))
    func refusals(_ policies: SecurityPolicy...) -> [PluginModel.SourceLocation?] {
      GrantPolicy(grants: [name: [data]], policies: policies)
        .decision(for: manifest([.filesystemRead(nil)]), digest: "sha256:1").refusals.map(\.location)
    }
    #expect(try refusals(rooted("/srv", "/opt")).isEmpty)
    #expect(try refusals(rooted("/srv/data/x")) == [here], "a wider grant is not cut")
    #expect(try refusals(rooted("/srv/dat")) == [here])
    #expect(try refusals(rooted("/srv"), rooted("/opt")) == [here])
    #expect(try refusals(rooted()) == [here], "an empty list allows nothing")
    #expect(refusals(SecurityPolicy()).isEmpty)
  }

  @Test("go to no other files than the operator's digest names")
  func pin() {
    let pinned = SecurityPolicy(plugins: [
      PluginPolicy(
        plugin: name, permissions: [Located(.memoryUnlimited, at: here)], digest: Located("sha256:1", at: here))
    ])
    let policy = GrantPolicy(policies: [pinned])
    #expect(policy.decision(for: manifest([.memoryUnlimited]), digest: "sha256:1").refusals.isEmpty)
    #expect(policy.decision(for: manifest([.memoryUnlimited]), digest: "sha256:2").refusals.map(\.location) == [here])
  }

  @Test("of default_permissions: [] are nothing")
  func nothing() {
    let everything: [Permission] = [.filesystemRead(nil), .memoryUnlimited, .networkHTTP(hosts: [])]
    #expect(GrantPolicy(defaults: []).decision(for: manifest(everything), digest: "sha256:1").effective.isEmpty)
  }

  @Test("are written so that a shell takes them as they are")
  func quoting() throws {
    let odd = Permission.filesystemRead(try path("/srv/a b;'c"))
    let decision = GrantPolicy(defaults: []).decision(for: manifest([odd]), digest: "sha256:1")
    #expect(decision.missingOptions == [#"--grant 'files=filesystem.read:/srv/a b;'\''c'"#])
  }
}

@Suite("Grants, whatever they are")
struct GrantPropertyTests {
  private let here = PluginModel.SourceLocation(file: "p.yaml", line: 1, column: 1)
  private static let seeds = UInt64(1)...300

  private static let pool: [Permission] = [
    "filesystem.read", "filesystem.read:/a", "filesystem.read:/a/b", "filesystem.write", "filesystem.write:/a",
    "network.http", "network.http:x.org", "network.http:x.org,*.y.org", "network.socket:x.org:80", "system.exec",
    "system.exec:git", "system.exec:git,tar", "gpu.access", "gpu.access:2", "memory.unlimited",
  ].compactMap { try? Permission($0) }

  private struct World {
    var asked: [PluginName: [Permission]] = [:]
    var defaults: [Permission]
    var options: [PluginName: [Permission]] = [:]
    var policies: [SecurityPolicy]
    var stored: [GrantRecord] = []

    func decision(_ plugin: PluginName, forbidding more: [Located<Permission>] = []) -> GrantDecision {
      let manifest = PluginManifest(
        name: plugin, version: SemanticVersion(1, 0, 0), author: "a", permissions: asked[plugin] ?? [],
        entryPoint: "a.py")
      let policies = policies + [SecurityPolicy(forbidden: more)]
      return GrantPolicy(defaults: defaults, grants: options, policies: policies, stored: stored)
        .decision(for: manifest, digest: "sha256:1")
    }
  }

  private let a = PluginName(unchecked: "a")
  private let b = PluginName(unchecked: "b")

  private func some(_ generator: inout SplitMix64, of chance: Int = 3) -> [Permission] {
    Self.pool.filter { _ in Int.random(in: 0..<chance, using: &generator) == 0 }
  }

  private func grants(to plugin: PluginName, _ world: inout World, _ generator: inout SplitMix64) {
    world.options[plugin] = some(&generator)
    let permissions = some(&generator).map { Located($0, at: here) }
    world.policies.append(SecurityPolicy(plugins: [PluginPolicy(plugin: plugin, permissions: permissions)]))
    for digest in ["sha256:0", "sha256:1"] {
      world.stored += some(&generator, of: 5).map { permission in
        GrantRecord(
          plugin: plugin, digest: digest, permission: permission, asked: [], time: "", way: .consent, user: 1)
      }
    }
  }

  private func world(_ generator: inout SplitMix64) -> World {
    var world = World(
      defaults: some(&generator, of: 6),
      policies: [SecurityPolicy(forbidden: some(&generator, of: 8).map { Located($0, at: here) })])
    for plugin in [a, b] { world.asked[plugin] = some(&generator, of: 2) }
    grants(to: a, &world, &generator)
    return world
  }

  @Test("to one plugin change nothing of another's")
  func independent() {
    for seed in Self.seeds {
      var generator = SplitMix64(state: seed)
      var world = world(&generator)
      let before = world.decision(a)
      grants(to: b, &world, &generator)
      #expect(world.decision(a) == before, "seed \(seed)")
    }
  }

  @Test("give no more than both what is asked for and what is granted, and nothing that is forbidden")
  func bounded() {
    for seed in Self.seeds {
      var generator = SplitMix64(state: seed)
      let world = world(&generator)
      let decision = world.decision(a)
      let granted =
        world.defaults + (world.options[a] ?? [])
        + world.policies.flatMap(\.plugins).filter { $0.plugin == a }
        .flatMap(\.permissions).map(\.value)
        + world.stored.filter { $0.plugin == a && $0.digest == "sha256:1" }.map(\.permission)
      for permission in decision.effective {
        #expect(decision.asked.contains { $0.meet(permission) == permission }, "seed \(seed): \(permission)")
        #expect(granted.contains { permission.meet($0) == permission }, "seed \(seed): \(permission)")
        #expect(!world.policies.flatMap(\.forbidden).contains { $0.value.forbids(permission) }, "seed \(seed)")
      }
    }
  }

  @Test("are never widened by forbidding something more")
  func forbidding() {
    for seed in Self.seeds {
      var generator = SplitMix64(state: seed)
      let world = world(&generator)
      let more = some(&generator, of: 4).map { Located($0, at: here) }
      let (before, after) = (world.decision(a), world.decision(a, forbidding: more))
      #expect(Set(after.effective).isSubset(of: before.effective), "seed \(seed)")
      // Nobody is asked for what nobody may grant.
      #expect(!after.offered.contains { wanted in more.contains { $0.value.forbids(wanted) } }, "seed \(seed)")
      #expect(before.refusals.count <= after.refusals.count, "seed \(seed)")
    }
  }
}
