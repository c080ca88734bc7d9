import PluginModel
import SandboxPlanning
import Testing

/// Grants only ever add: taking one away leaves a plan that allows nothing new.
@Suite("narrowing") struct NarrowingTests {
  private static let seeds: [UInt64] = [1, 2, 3, 5, 8, 13, 21, 34, 0xDEAD_BEEF, 0x5EED]
  private static let paths = [
    "/srv/a", "/srv/a/b", "/srv/a/b/c", "/srv/ab", "/srv/d", "/srv/d/e", "/var/lib/data", "/var/lib/data/x/y",
    "/srv/a/f.csv",
  ].compactMap { AbsolutePath($0) }
  private static let hosts = ["a.example.org", "*.example.org", "b.a.example.org", "intranet", "10.0.0.7", "192.0.2.1"]
  private static let endpoints = ["db.example.org:5432", "a.example.org:443", "10.0.0.7:80", "10.0.0.7:6379"]
  private static let programs = ["git", "tar", "sh", "python3.11", "gcc"]

  private func permissions(_ random: inout SplitMix64) -> [Permission] {
    (0..<Int.random(in: 1...7, using: &random)).map { _ in
      switch Int.random(in: 0..<12, using: &random) {
      case 0: .filesystemRead(nil)
      case 1: .filesystemWrite(nil)
      case 2: .systemExec(programs: [])
      case 3: .systemExec(programs: [Self.programs.randomElement(using: &random) ?? "git"])
      case 5: .memoryUnlimited
      case 6: .networkHTTP(hosts: [])
      case 7: .networkHTTP(hosts: [Self.hosts.randomElement(using: &random) ?? "a.example.org"])
      case 8: .networkSocket(endpoints: [Self.endpoints.randomElement(using: &random) ?? "db.example.org:5432"])
      case 4: .filesystemWrite(Self.paths.randomElement(using: &random))
      default: .filesystemRead(Self.paths.randomElement(using: &random))
      }
    }
  }

  @Test("removing a permission never widens a plan", arguments: seeds)
  func removing(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<12 {
      let granted = permissions(&random)
      let whole = try plan(granted)
      for index in granted.indices {
        var fewer = granted
        fewer.remove(at: index)
        let less = try plan(fewer)
        #expect(less.widenings(over: whole) == [], "without \(granted[index]) of \(granted)")
      }
    }
  }

  @Test("removing a permission never lets a system call through, by the programs themselves")
  func removingByProgram() throws {
    let all: [Permission] = [.systemExec(programs: []), .systemExec(programs: ["git"]), .filesystemRead(nil)]
    for index in all.indices {
      var fewer = all
      fewer.remove(at: index)
      let whole = try plan(all).seccomp
      let less = try plan(fewer).seccomp
      let machines = (less: FilterMachine(less.program), whole: FilterMachine(whole.program))
      for number in 0...1100 {
        let variants =
          argumentVariants(of: whole.rule(number: number)) + argumentVariants(of: less.rule(number: number))
        for arguments in variants {
          let call = FilterMachine.Call(
            number: UInt32(number), architecture: whole.architecture.auditToken, arguments: arguments)
          // SECCOMP_RET_*: the kernel itself takes the smallest as the strictest, but for kill, which is negative.
          let mine = Int32(bitPattern: try machines.less.run(call))
          let theirs = Int32(bitPattern: try machines.whole.run(call))
          if mine >> 16 > theirs >> 16 { Issue.record("\(fewer): \(number) \(arguments)") }
        }
      }
    }
  }

  @Test("a denied call more never widens a plan", arguments: seeds)
  func denyingMore(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let profile = try shippedProfile()
    let before = try plan()
    for _ in 0..<10 {
      var stricter = profile
      let name = try #require(profile.systemCalls.allow.randomElement(using: &random))
      stricter.systemCalls.deny.append(name)
      let after = try SandboxPlanner.plan(request(profile: stricter), host: debianHost())
      #expect(after.widenings(over: before) == [])
      #expect(!before.isNarrowerOrEqual(than: after))
    }
  }

  @Test("the strict profile is narrower than the default")
  func strictIsStricter() throws {
    let strict = try SandboxPlanner.plan(request(profile: shippedProfile("strict")), host: debianHost())
    let standard = try plan()
    #expect(strict.widenings(over: standard) == [])
    #expect(!standard.isNarrowerOrEqual(than: strict))
  }

  /// Each of these must be seen, or the property above proves nothing.
  @Test("every kind of widening is named")
  func comparisonSees() throws {
    let before = try plan([.filesystemRead(nil), .filesystemRead(try path("/srv/a"))])
    func widened(_ change: (inout SandboxPlan) throws -> Void) throws -> String {
      var after = before
      try change(&after)
      #expect(!after.isNarrowerOrEqual(than: before))
      return after.widenings(over: before).joined(separator: "\n")
    }
    func changeBind(_ plan: inout SandboxPlan, _ target: String, _ change: (inout Bind) -> Void) {
      for (index, operation) in plan.filesystem.enumerated() {
        guard case .bind(var bind) = operation, bind.target.text == target else { continue }
        change(&bind)
        plan.filesystem[index] = .bind(bind)
      }
    }
    #expect(try widened { changeBind(&$0, "/workspace") { $0.access = .readWrite } } == "filesystem: /workspace")
    #expect(try widened { changeBind(&$0, "/srv/a") { $0.executable = true } } == "filesystem: /srv/a")
    #expect(try widened { changeBind(&$0, "/srv/a") { $0.confinedTo = nil } } == "filesystem: /srv/a")
    #expect(
      try widened { changeBind(&$0, "/srv/a") { $0.source = $0.source.parent ?? $0.source } } == "filesystem: /srv/a")
    #expect(try widened { changeBind(&$0, "/srv/a") { $0.mapsOwner = true } } == "filesystem: /srv/a")
    var staging = try debianHost()
    staging.overlays = .available
    let staged = try plan([.filesystemWrite(nil)], host: staging)
    #expect(try plan([.filesystemWrite(nil)]).widenings(over: staged) == ["filesystem: /workspace"])
    #expect(staged.isNarrowerOrEqual(than: try plan([.filesystemWrite(nil)])))
    #expect(try widened { $0.filesystem.removeLast() }.contains("filesystem: /"))
    #expect(
      try widened {
        try $0.filesystem.append(.bind(Bind(source: path("/home"), target: path("/home"), kind: .directory)))
      }
        == "filesystem: /home")
    // A read-only directory within a writable one is a restriction: losing it is a widening.
    let outer = Bind(source: try path("/srv/b"), target: try path("/srv/b"), kind: .directory, access: .readWrite)
    let inner = Bind(source: try path("/srv/b/c"), target: try path("/srv/b/c"), kind: .directory)
    var restricted = before
    restricted.filesystem += [.bind(outer), .bind(inner)]
    var open = before
    open.filesystem += [.bind(outer)]
    #expect(open.widenings(over: restricted) == ["filesystem: /srv/b/c"])
    #expect(try widened { $0.namespaces.removeAll { $0 == .network } } == "namespace: network is shared")
    #expect(try widened { $0.execution = .allowed }.contains("execution"))
    #expect(try widened { $0.identity.userInside = 0 }.contains("identity"))
    #expect(try widened { $0.environment.append(EnvironmentVariable("TOKEN", "x")) } == "environment: TOKEN=x")
    #expect(try widened { $0.limits.removeAll { $0.kind == .openFiles } } == "limit: RLIMIT_NOFILE")
    #expect(
      try widened {
        $0.egress = try EgressPolicy(granted: [.networkHTTP(hosts: ["a.org"])], operator: OperatorNetwork())
      }
        == "network: a.org")
    #expect(try widened { $0.landlock.handledNetwork = 0 } == "landlock: handles less")
    #expect(
      try widened {
        try $0.landlock.rules.append(LandlockPlan.Rule(path: path("/srv"), allowed: LandlockRights.execute.rawValue))
      }
      .contains("landlock: /srv: execute"))
    #expect(
      try widened { plan in
        let index = try #require(plan.seccomp.calls.firstIndex { $0.name == "socket" })
        plan.seccomp.calls[index].rules = []
      } == "system call: socket")
    #expect(
      try widened { plan in
        let index = try #require(plan.seccomp.calls.firstIndex { $0.name == "mount" })
        plan.seccomp.calls[index].otherwise = .allow
      } == "system call: mount")
  }
}
