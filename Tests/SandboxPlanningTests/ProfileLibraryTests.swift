import PluginModel
import SandboxPlanning
import Testing

@Suite("profiles that inherit") struct ProfileLibraryTests {
  private static let base = """
    apiVersion: orchestrator/v1
    kind: SecurityProfile
    metadata: {name: base, description: For tests}
    spec:
      systemCalls:
        allow: ['@files', {why: reading, names: [read, close]}]
        deny: [{why: mounts, names: [mount]}]
        exec: [{why: programs, names: [execve]}]
      limits: {RLIMIT_CORE: 0, RLIMIT_NOFILE: 64}
      resources: {memory: 64Mi, memoryHigh: 48Mi, cpu: 0.5, tasks: 32}
      scratch: {mebibytes: 2, inodes: 100}
    """
  private static let groups = """
    apiVersion: orchestrator/v1
    kind: SystemCallGroups
    spec:
      groups:
        files: {why: files, names: [openat, unlinkat]}
        locks: {why: locks, names: [flock, read]}
    """

  private func heir(_ spec: String, name: String = "heir", of parent: String = "base") -> String {
    """
    apiVersion: orchestrator/v1
    kind: SecurityProfile
    metadata: {name: \(name), description: For tests}
    spec:
      inherits: \(parent)
    \(spec)
    """
  }

  private func document(_ text: String, _ file: String) throws(Diagnostics) -> ProfileDocument {
    try ProfileDocument(yaml: [UInt8](text.utf8), file: file)
  }

  private func library(_ texts: [(file: String, text: String)] = []) throws -> ProfileLibrary {
    var library = ProfileLibrary()
    library.groups = try SystemCallGroups(yaml: [UInt8](Self.groups.utf8), file: "groups.yaml")
    library.add(try document(Self.base, "base.yaml"))
    for (file, text) in texts { library.add(try document(text, file)) }
    return library
  }

  private func resolve(_ spec: String) throws -> SecurityProfile {
    try library().profile(from: document(heir(spec), "heir.yaml"))
  }

  private func problems(_ spec: String) throws -> Diagnostics? {
    let library = try library()
    do throws(Diagnostics) {
      _ = try library.profile(from: document(heir(spec), "heir.yaml"))
      return nil
    } catch {
      return error
    }
  }

  @Test("what a file doesn't say is inherited, and its place is that of the file that says it")
  func inherits() throws {
    let profile = try resolve("  limits: {RLIMIT_NOFILE: 128, RLIMIT_NPROC: 9}")
    #expect(
      profile.limits == [
        ResourceLimit(.coreSize, 0), ResourceLimit(.openFiles, 128), ResourceLimit(.processes, 9),
      ])
    #expect(profile.name == "heir")
    #expect(profile.scratchInodes == 100)
    #expect(profile.resources.memory.location.file == "base.yaml")
    #expect(profile.origins.settings["RLIMIT_CORE"]?.file == "base.yaml")
    #expect(profile.origins.settings["RLIMIT_NOFILE"]?.description == "heir.yaml:6:27")
    #expect(profile.origins.chain.map(\.path) == ["heir.yaml", "base.yaml"])
  }

  @Test("an heir's word on a system call holds: allowed, denied, with system.exec, or taken out")
  func calls() throws {
    let profile = try resolve(
      """
        systemCalls:
          allow: [{why: no harm, names: [mount]}]
          deny: ['@files']
          exec: [{why: programs, names: [execveat]}]
          remove: [{why: not needed, names: [close]}]
      """)
    #expect(profile.systemCalls.allow == ["read", "mount"])
    #expect(profile.systemCalls.deny == ["openat", "unlinkat"])
    #expect(profile.systemCalls.exec == ["execve", "execveat"])
    #expect(profile.origins.calls["openat"]?.group == "files")
    #expect(profile.origins.calls["openat"]?.location.file == "heir.yaml")
    #expect(profile.origins.calls["read"]?.location.file == "base.yaml")
  }

  @Test("a new limit of memory leaves the old place behind from which it is slowed down")
  func memoryHigh() throws {
    #expect(try resolve("  resources: {memory: 32Mi}").resources.memoryHigh == nil)
    #expect(try resolve("  resources: {cpu: 1}").resources.memoryHigh == 48 << 20)
    #expect(try #require(try problems("  resources: {memoryHigh: 65Mi}")).description.contains("heir.yaml:6:27"))
  }

  @Test("permissions that an heir names replace the inherited ones, and none at all is nothing")
  func permissions() throws {
    #expect(try resolve("  limits: {}").ceiling == nil)
    let capped = heir("  permissions: [filesystem.read, gpu.access]", name: "capped")
    func ceiling(_ spec: String) throws -> PermissionCeiling? {
      let library = try library([("capped.yaml", capped)])
      return try library.profile(from: document(heir(spec, of: "capped"), "heir.yaml")).ceiling
    }
    #expect(try ceiling("  limits: {}")?.profile == "capped")
    #expect(try ceiling("  permissions: []")?.permissions == [])
    #expect(try ceiling("  permissions: []")?.words == "nothing")
    #expect(try ceiling("  permissions: [system.exec]")?.permissions == [.systemExec(programs: [])])
  }

  @Test(
    "what is wrong is told with the line and column",
    arguments: [
      ("  systemCalls: {allow: ['@filse']}", "heir.yaml:6:25: error: there is no group '@filse'"),
      ("  systemCalls: {allow: ['@filse']}", "did you mean 'files'"),
      ("  systemCalls: {allow: ['@locks'], deny: [{why: no, names: [flock]}]}", "'flock' is listed twice"),
      ("  systemCalls: {remove: [{why: no, names: [shmget]}]}", "no profile that it inherits from lists it"),
      ("  systemCalls: {allow: [files]}", "not a group of system calls"),
      ("  systemCalls: {alow: ['@files']}", "unknown key 'alow'"),
      ("  permissions: [network.htpp]", "unknown permission 'network.htpp'"),
      ("  permissions: filesystem.read", "must be a list"),
      ("  resources: {memory: 1Ki}", "heir.yaml:6:23"),
    ])
  func wrong(spec: String, expected: String) throws {
    let found = try #require(try problems(spec))
    #expect(found.description.contains(expected), "\(found)")
    #expect(found.items.allSatisfy { $0.location?.file == "heir.yaml" })
  }

  @Test("a missing parent, a circle and a chain without end are refused with the names")
  func chains() throws {
    let library = try library(
      [
        ("a.yaml", heir("", name: "a", of: "b")), ("b.yaml", heir("", name: "b", of: "a")),
        ("lost.yaml", heir("", name: "lost", of: "basis")), ("own.yaml", heir("", name: "own", of: "own")),
        ("0.yaml", heir("", name: "p0", of: "base")),
      ] + (1...8).map { ("\($0).yaml", heir("", name: "p\($0)", of: "p\($0 - 1)")) })
    func refusal(_ name: String) throws -> String {
      let document = try #require(library.documents(named: name).first)
      do throws(Diagnostics) {
        _ = try library.profile(from: document)
        return ""
      } catch {
        return error.description
      }
    }
    #expect(try refusal("a").contains("inherits from itself: a → b → a"))
    #expect(try refusal("b").contains("b → a → b"))
    #expect(try refusal("lost").contains("lost.yaml:5:13: error: there is no profile 'basis'"))
    #expect(try refusal("own").contains("stands for the one that it hides"))
    #expect(try refusal("p6") == "")
    #expect(try refusal("p7").contains("more than 8 files"))
  }

  @Test("a profile that hides another may inherit from it under the same name")
  func hides() throws {
    var library = ProfileLibrary()
    library.groups = try SystemCallGroups(yaml: [UInt8](Self.groups.utf8), file: "groups.yaml")
    library.add(try document(heir("  scratch: {mebibytes: 9}", name: "base"), "/etc/base.yaml"))
    library.add(try document(Self.base, "/usr/base.yaml"))
    let profile = try library.profile(from: try #require(library.documents(named: "base").first))
    #expect(profile.scratchBytes == 9 << 20)
    #expect(profile.origins.chain.map(\.path) == ["/etc/base.yaml", "/usr/base.yaml"])
  }

  @Test("a group can't be defined again by another file")
  func groupsTwice() throws {
    var groups = try SystemCallGroups(yaml: [UInt8](Self.groups.utf8), file: "groups.yaml")
    let more = try SystemCallGroups(
      yaml: [UInt8](Self.groups.replacing("locks", with: "others").utf8), file: "more.yaml")
    #expect {
      try groups.add(more)
    } throws: { "\($0)".contains("more.yaml:5:5: error: the group '@files' is defined twice") }
    #expect(groups.groups.count == 3)
  }

  @Test("the effective profile is the one that was reviewed", arguments: shippedProfileNames)
  func effective(name: String) throws {
    let profile = try shippedProfile(name)
    #expect(profile.problems(on: .x86_64) == [])
    #expect(profile.problems(on: .aarch64) == [])
    try compare(profile.text, with: "profiles/\(name).txt")
    if name == "strict" { try compare(profile.jsonValue.text(.pretty) + "\n", with: "profiles/strict.json") }
  }

  @Test("the differences are the ones that were reviewed", arguments: ["strict", "ci", "installer"])
  func differences(name: String) throws {
    let comparison = ProfileComparison(try shippedProfile(), try shippedProfile(name))
    try compare(comparison.text, with: "profiles/default-\(name).diff")
    #expect(ProfileComparison(try shippedProfile(name), try shippedProfile(name)).text.contains("allows") == true)
    #expect(ProfileComparison(try shippedProfile(name), try shippedProfile(name)).leftAllowsMore == [])
    #expect(ProfileComparison(try shippedProfile(name), try shippedProfile(name)).otherwise == [])
  }
}

@Suite("what a profile lets a plugin have") struct PermissionCeilingTests {
  @Test(
    "a grant beyond is refused with the place of the ceiling, and nothing is cut",
    arguments: [
      ("strict", "system.exec"), ("strict", "gpu.access"), ("strict", "network.http:example.org"),
      ("network", "system.exec:git"), ("network", "filesystem.read:/srv"), ("gpu", "network.http"),
      ("ci", "network.http:pypi.org"), ("ci", "gpu.access:1"), ("installer", "network.http"),
      ("installer", "network.http:pypi.org,example.org"), ("installer", "filesystem.write"),
      ("installer", "filesystem.write:/var/lib/orchestrator"),
    ])
  func refused(profile: String, permission: String) throws {
    let granted: [Permission] = [.filesystemRead(nil), try Permission(permission)]
    let refused = try #require(
      try refusal(of: request(granted, roots: ["/"], profile: shippedProfile(profile)))
    ).request.filter { $0.what.contains("more than the profile") }
    #expect(refused.contains { $0.what.hasPrefix("\(permission) is more than the profile '\(profile)'") }, "\(refused)")
    #expect(refused.allSatisfy { $0.location?.file == "profiles/\(profile).yaml" && $0.location?.line ?? 0 > 5 })
  }

  @Test(
    "a grant within is given",
    arguments: [
      ("strict", "filesystem.write"), ("strict", "filesystem.write:/srv/results"), ("strict", "memory.unlimited"),
      ("ci", "system.exec"), ("ci", "system.exec:git"), ("installer", "system.exec:pip"),
      ("default", "system.exec"), ("gpu", "memory.unlimited"),
    ])
  func given(profile: String, permission: String) throws {
    let granted = [try Permission(permission)]
    let plan = try SandboxPlanner.plan(
      request(granted, roots: ["/srv"], profile: shippedProfile(profile)), host: debianHost())
    #expect(plan.permissions == granted)
  }

  @Test(
    "covers exactly what it says",
    arguments: [
      ("network.http:a.example.org", ["network.http:*.example.org"], true),
      ("network.http:a.b.example.org", ["network.http:*.example.org"], true),
      ("network.http:*.b.example.org", ["network.http:*.example.org"], true),
      ("network.http:example.org", ["network.http:*.example.org"], false),
      ("network.http:badexample.org", ["network.http:*.example.org"], false),
      ("network.http:*.example.org", ["network.http:a.example.org"], false),
      ("network.http:*.example.org", ["network.http:*.example.org"], true),
      ("network.http", ["network.http:example.org"], false),
      ("network.http:a.org,b.org", ["network.http:a.org", "network.http:b.org"], true),
      ("network.http:a.org", ["network.socket"], false),
      ("network.socket:a.org:1", ["network.socket:a.org:1,b.org:2"], true),
      ("network.socket:a.org:2", ["network.socket:a.org:1,b.org:2"], false),
      ("filesystem.read", ["filesystem.read:/"], false), ("filesystem.read:/srv", ["filesystem.read"], false),
      ("filesystem.read:/srv/a", ["filesystem.read:/srv"], true),
      ("filesystem.read:/srva", ["filesystem.read:/srv"], false),
      ("filesystem.read", ["filesystem.write"], true), ("filesystem.write", ["filesystem.read"], false),
      ("system.exec:git", ["system.exec:git,tar"], true), ("system.exec", ["system.exec:git"], false),
      ("gpu.access:2", ["gpu.access:2"], true), ("gpu.access:3", ["gpu.access:2"], false),
      ("gpu.access", ["gpu.access:2"], false), ("gpu.access", ["gpu.access"], true),
      ("memory.unlimited", [], false),
    ])
  func covers(permission: String, others: [String], expected: Bool) throws {
    #expect(try Permission(permission).isCovered(by: others.map { try Permission($0) }) == expected)
  }

  private static let pool: [Permission] = [
    .filesystemRead(nil), .filesystemWrite(nil), .filesystemRead(AbsolutePath("/srv/a")),
    .filesystemWrite(AbsolutePath("/srv/b")), .systemExec(programs: []), .systemExec(programs: ["git"]),
    .memoryUnlimited,
  ]

  @Test(
    "what one plugin is granted, and the profile it has, changes no other's plan", arguments: [1, 20, 300] as [UInt64])
  func independent(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let host = try debianHost()
    let plugins = try ["alpha", "beta", "gamma"].map { try #require(PluginName($0)) }
    func plans(_ profiles: ProfileAssignment, _ grants: [PluginName: [Permission]]) throws -> [PluginName: SandboxPlan]
    {
      var result: [PluginName: SandboxPlan] = [:]
      for plugin in plugins {
        var asked = try request(grants[plugin] ?? [], profile: profiles[plugin])
        asked.plugin = plugin
        asked.filesystemRoots = Set(grants.values.joined().compactMap { $0.scope.flatMap { AbsolutePath($0) } })
          .sorted()
        result[plugin] = try SandboxPlanner.plan(asked, host: host)
      }
      return result
    }
    for _ in 0..<20 {
      var profiles = ProfileAssignment(common: try shippedProfile())
      var grants: [PluginName: [Permission]] = [:]
      for plugin in plugins {
        grants[plugin] = Self.pool.filter { _ in Bool.random(using: &random) }
        if Bool.random(using: &random) {
          profiles.byPlugin[plugin] = try shippedProfile("strict", capped: false)
        }
      }
      let before = try plans(profiles, grants)
      let changed = try #require(plugins.randomElement(using: &random))
      grants[changed] = Self.pool
      profiles.byPlugin[changed] = try shippedProfile("ci", capped: false)
      let after = try plans(profiles, grants)
      for plugin in plugins where plugin != changed { #expect(before[plugin] == after[plugin], "\(plugin)") }
      #expect(before[changed] != after[changed])
    }
  }
}
