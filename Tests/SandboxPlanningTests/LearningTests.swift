import Foundation
import PluginModel
import SandboxPlanning
import Testing

/// What is proposed for a plugin of which it is known what it did.
@Suite("A proposal") struct LearningTests {
  private func evidence(
    asked: [String], granted: [String], paths: [(String, Set<ObservedPath.Use>)] = [],
    places: [String: LearningEvidence.Place] = [:],
    calls: [String: UInt64] = ["openat": 3], egress: EgressUse? = nil, peak: UInt64? = nil, gpus: Int = 0
  ) throws -> LearningEvidence {
    let observation = Observation(
      calls: calls, paths: paths.map { ObservedPath(UntrustedBytes($0.0), $0.1) }, openFiles: 9, tasks: 3,
      scratchBytes: 3 << 20)
    return LearningEvidence(
      plugin: try #require(PluginName("counter")), asked: try asked.map { try Permission($0) },
      granted: try granted.map { try Permission($0) }, base: try shippedProfile(),
      nodes: [
        LearningEvidence.Node(
          "load", observation, egress: egress, memoryPeak: peak, gpus: gpus)
      ],
      places: Dictionary(uniqueKeysWithValues: try places.map { (try path($0), $1) }))
  }

  private func proposed(_ evidence: LearningEvidence) -> [String] {
    LearningProposal(evidence).granted.map(\.description)
  }

  @Test("names the one file that was read of a directory, and the directory where several were")
  func files() throws {
    func read(_ names: [String]) throws -> [String] {
      proposed(
        try evidence(
          asked: ["filesystem.read"], granted: ["filesystem.read:/srv/data"],
          paths: names.map { ("/srv/data/" + $0, [.read]) },
          places: Dictionary(uniqueKeysWithValues: names.map { ("/srv/data/" + $0, .file) })))
    }
    #expect(try read(["a.csv"]) == ["filesystem.read:/srv/data/a.csv"])
    #expect(try read(["a.csv", "b.csv"]) == ["filesystem.read:/srv/data"])
    #expect(try read(["x/a", "x/b", "y/c"]) == ["filesystem.read:/srv/data/x", "filesystem.read:/srv/data/y/c"])
    #expect(try read((0..<40).map { "d\($0)/f" }) == ["filesystem.read:/srv/data"])
    #expect(try read([]) == [])
  }

  @Test("takes the whole path that was granted where a link was used: what it leads to can't be told apart")
  func links() throws {
    let evidence = try evidence(
      asked: ["filesystem.read"], granted: ["filesystem.read:/srv/data"], paths: [("/srv/data/x/link", [.read])],
      places: ["/srv/data/x/link": .link])
    #expect(proposed(evidence) == ["filesystem.read:/srv/data"])
  }

  @Test("lets write only where something was written: the file, or the directory in which one was made")
  func writes() throws {
    func wrote(_ uses: Set<ObservedPath.Use>, _ place: LearningEvidence.Place?) throws -> [String] {
      proposed(
        try evidence(
          asked: ["filesystem.write"], granted: ["filesystem.write:/srv/out"], paths: [("/srv/out/x/y", uses)],
          places: place.map { ["/srv/out/x/y": $0] } ?? [:]))
    }
    #expect(try wrote([.write], .file) == ["filesystem.write:/srv/out/x/y"])
    #expect(try wrote([.write, .change], .file) == ["filesystem.write:/srv/out/x"])
    #expect(try wrote([.write, .change], nil) == ["filesystem.write:/srv/out/x"])
    // The manifest asks for nothing less.
    #expect(try wrote([.read], .file) == ["filesystem.write:/srv/out/x/y"])
    #expect(try wrote([.read], nil) == [])
  }

  @Test("takes the workspace to read where it was only read, and nothing where it wasn't looked at")
  func workspace() throws {
    func used(_ uses: Set<ObservedPath.Use>?, asked: [String] = ["filesystem.read", "filesystem.write"]) throws
      -> [String]
    {
      proposed(
        try evidence(
          asked: asked, granted: asked, paths: uses.map { [("/workspace/a", $0)] } ?? []))
    }
    #expect(try used([.read]) == ["filesystem.read"])
    #expect(try used([.write]) == ["filesystem.write"])
    #expect(try used([.read], asked: ["filesystem.write"]) == ["filesystem.write"])
    #expect(try used(nil) == [])
  }

  @Test("leaves what every plugin has that asks for it in the profile, which would stop every run otherwise")
  func unavoidable() throws {
    var one = try evidence(asked: ["filesystem.read"], granted: ["filesystem.read"])
    one.unavoidable = one.granted
    let proposal = LearningProposal(one)
    #expect(proposal.granted == [])
    #expect(try resolved(proposal).ceiling?.permissions == [.filesystemRead(nil)])
  }

  @Test("keeps a network without bounds where something was connected to, and says that nobody saw what")
  func everything() throws {
    let connected = try evidence(
      asked: ["network.socket"], granted: ["network.socket"], calls: ["connect": 2, "sendto": 1])
    let proposal = LearningProposal(connected)
    #expect(proposal.granted.map(\.description) == ["network.socket"])
    #expect(proposal.permissions.first?.evidence.first == "load connected or sent to something, 3 times")
    let idle = try evidence(asked: ["network.socket"], granted: ["network.socket"])
    #expect(proposed(idle) == [])
  }

  @Test("names hosts, endpoints and programs one by one, as they were reached and started")
  func names() throws {
    var egress = EgressUse()
    egress.reach("api.example.org", 443)
    egress.reach("db.example.org", 5432)
    let evidence = try evidence(
      asked: ["network.http", "network.socket", "system.exec", "memory.unlimited", "gpu.access"],
      granted: [
        "network.http:*.example.org", "network.socket:db.example.org:5432,db.example.org:5433", "system.exec",
        "memory.unlimited", "gpu.access",
      ],
      paths: [("/usr/local/bin/git", [.execute]), ("/usr/bin/git", [.execute])], places: ["/usr/bin/git": .file],
      egress: egress, peak: 100 << 20)
    #expect(
      proposed(evidence) == ["network.http:api.example.org", "network.socket:db.example.org:5432", "system.exec:git"])
    let unneeded = LearningProposal(evidence).unneeded.map(\.permission.description)
    #expect(unneeded == ["gpu.access", "memory.unlimited"])
  }

  @Test("tells hostile paths in one harmless line, and never as anything but data")
  func hostile() throws {
    let names = [
      "/srv/data/a\n    - 'system.exec'", "/srv/data/x: [y]", "/srv/data/it's # not", "/srv/data/$(reboot)`id`;&",
      "/srv/data/\u{1B}[2J", "/srv/data/\u{202E}gpj", "/srv/data/\u{85}\u{2028}permissions: []",
    ]
    let bytes = Observation(
      calls: ["openat": 1],
      paths: names.map { ObservedPath(UntrustedBytes($0), [.read]) } + [
        ObservedPath(UntrustedBytes([0x2F, 0x73, 0x72, 0x76, 0x2F, 0xFF, 0x0A]), [.read])
      ])
    var hostile = try evidence(asked: ["filesystem.read"], granted: ["filesystem.read:/srv"])
    hostile.nodes[0].observation = bytes
    hostile.nodes[0].hidden = bytes.paths.map(\.path)
    for name in names { if let place = AbsolutePath(name) { hostile.places[place] = .file } }
    let proposal = LearningProposal(hostile)
    let text = proposal.text(grantCommand: nil)
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && $0.value != 0x7F) })
    #expect(!text.unicodeScalars.contains { [0x202E, 0x85, 0x2028, 0x1B].contains($0.value) })
    let profile = try resolved(proposal)
    #expect(profile.ceiling?.permissions == proposal.granted)
    #expect(proposal.granted.allSatisfy { $0.name == .filesystemRead && $0.isCovered(by: hostile.granted) })
    // One by one, what can be said at all is said as it is.
    for name in names {
      guard let place = AbsolutePath(name) else { continue }
      var one = hostile
      one.nodes[0].observation.paths = [ObservedPath(UntrustedBytes(name), [.read])]
      let proposal = LearningProposal(one)
      let isPlain = UntrustedBytes(name).exact != nil
      #expect(proposal.granted == (isPlain ? [.filesystemRead(place)] : []))
      #expect(try resolved(proposal).ceiling?.permissions == proposal.granted)
    }
  }

  /// As it would be read from its file.
  private func resolved(_ proposal: LearningProposal) throws -> SecurityProfile {
    var library = try shippedLibrary()
    let document = try ProfileDocument(yaml: Array(proposal.profile.yaml.utf8), file: "learned.yaml")
    library.add(document)
    return try library.profile(from: document)
  }

  // MARK: Of all proposals

  private static let seeds: [UInt64] = [1, 2, 3, 5, 8, 13, 21, 34, 0xDEAD_BEEF, 0x5EED]
  private static let roots = ["/srv/a", "/srv/a/b", "/srv/a/b/c", "/srv/d", "/var/lib/data"]
  private static let hosts = ["a.example.org", "b.example.org", "c.b.example.org", "192.0.2.1"]

  private func random(_ random: inout SplitMix64) throws -> LearningEvidence {
    var granted: [String] = []
    for root in Self.roots {
      if Int.random(in: 0..<3, using: &random) == 0 { granted.append("filesystem.read:\(root)") }
      if Int.random(in: 0..<4, using: &random) == 0 { granted.append("filesystem.write:\(root)") }
    }
    for name in [
      "filesystem.read", "filesystem.write", "network.http:*.example.org", "network.http", "system.exec",
      "system.exec:git,tar",
    ]
    where Bool.random(using: &random) { granted.append(name) }
    var paths: [(String, Set<ObservedPath.Use>)] = []
    var places: [String: LearningEvidence.Place] = [:]
    for _ in 0..<Int.random(in: 0..<30, using: &random) {
      let base = (Self.roots + ["/workspace", "/etc"]).randomElement(using: &random) ?? "/srv/a"
      let depth = Int.random(in: 0..<4, using: &random)
      let name = base + (0..<depth).map { _ in "/\(["p", "q", "r"].randomElement(using: &random) ?? "p")" }.joined()
      let uses = Set(
        (0..<Int.random(in: 1...3, using: &random)).compactMap { _ in
          [ObservedPath.Use.look, .read, .write, .change, .list].randomElement(using: &random)
        })
      paths.append((name, uses))
      if Int.random(in: 0..<4, using: &random) > 0 {
        places[name] = [.file, .directory].randomElement(using: &random)
      }
    }
    for program in ["git", "tar", "sh"] where Bool.random(using: &random) {
      paths.append(("/usr/bin/" + program, [.execute]))
      places["/usr/bin/" + program] = .file
    }
    let merged = Dictionary(paths) { $0.union($1) }.map { ($0.key, $0.value) }
    var egress = EgressUse()
    for host in Self.hosts where Bool.random(using: &random) { egress.reach(host, 443) }
    let base = try shippedProfile()
    let calls = base.systemCalls.allow.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    return try evidence(
      asked: ["filesystem.read", "filesystem.write", "network.http", "system.exec"], granted: granted, paths: merged,
      places: places, calls: Dictionary(uniqueKeysWithValues: calls.map { ($0, 1) }), egress: egress)
  }

  /// What of the evidence was allowed by `granted`, as the narrowest permission that allows it.
  private func uses(_ evidence: LearningEvidence) -> [Permission] {
    var uses: [Permission] = []
    for node in evidence.nodes {
      for path in node.observation.paths {
        guard let place = path.place else { continue }
        let isWriting = !path.uses.isDisjoint(with: [.write, .change])
        if place.isEqualToOrBeneath(Inside.workspace) {
          uses.append(isWriting ? .filesystemWrite(nil) : .filesystemRead(nil))
        } else if path.uses.contains(.execute) {
          if let program = Permission.starting(path.path) { uses.append(program) }
        } else if isWriting {
          uses.append(.filesystemWrite(place))
        } else if let kind = evidence.places[place], !(path.uses == [.look] && kind == .directory) {
          uses.append(.filesystemRead(place))
        }
      }
      for place in node.egress?.reached ?? [] { uses.append(.networkHTTP(hosts: [place.host])) }
    }
    return uses.filter { $0.isCovered(by: evidence.granted) }
  }

  @Test("permits all that was seen, is within what the plugin had, and has no line too many", arguments: seeds)
  func properties(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<60 {
      let evidence = try random(&generator)
      let proposal = LearningProposal(evidence)
      let granted = proposal.granted
      let seen = uses(evidence)
      for use in seen { #expect(use.isCovered(by: granted), "\(use) isn't in \(granted) of \(evidence.granted)") }
      for permission in granted {
        #expect(permission.isCovered(by: evidence.granted), "\(permission) is beyond \(evidence.granted)")
        #expect(evidence.asked.contains { $0.covers(permission) || $0.scope == nil && $0.name == permission.name })
      }
      for learned in proposal.permissions {
        #expect(!learned.evidence.isEmpty)
        let fewer = granted.filter { $0 != learned.permission }
        let isOnlyLooked = learned.evidence.allSatisfy { $0.contains(" looked at ") }
        #expect(
          isOnlyLooked || seen.contains { !$0.isCovered(by: fewer) },
          "\(learned.permission) is one too many in \(granted)")
      }
      let profile = try resolved(proposal)
      let comparison = ProfileComparison(profile, evidence.base)
      #expect(comparison.leftAllowsMore == [])
      let allowed = Set(profile.systemCalls.allow + profile.systemCalls.exec)
      let expected = Set(evidence.nodes.flatMap { $0.observation.calls.keys }).union(WorkerCalls.needed)
        .intersection(evidence.base.systemCalls.allow + evidence.base.systemCalls.exec)
      #expect(allowed == expected)
      #expect(profile.problems(on: .x86_64) == [])
    }
  }

  @Test("keeps calls that this build's libseccomp knows by that name") func knownCalls() throws {
    let base = try shippedProfile()
    let known = Set(base.systemCalls.allow + base.systemCalls.exec)
    #expect(WorkerCalls.needed.subtracting(known) == [])
  }

  @Test("is told in full") func golden() throws {
    var egress = EgressUse()
    egress.reach("api.example.org", 443, count: 12)
    let evidence = try evidence(
      asked: ["filesystem.read", "filesystem.write", "network.http", "system.exec"],
      granted: ["filesystem.read", "filesystem.read:/srv/data", "network.http"],
      paths: [("/srv/data/a.csv", [.look, .read]), ("/srv/data/it's b.csv", [.read]), ("/workspace/x", [.look])],
      places: ["/srv/data/a.csv": .file, "/srv/data/it's b.csv": .file],
      calls: ["openat": 120, "read": 340, "socket": 1, "connect": 1, "mmap": 54], egress: egress, peak: 40 << 20)
    let proposal = LearningProposal(evidence)
    try compare(proposal.text(grantCommand: "orchestrator plugin grant counter …"), with: "learned.txt")
    try compare(JSONValue.object(proposal.jsonMembers(grantCommand: nil)).text(.pretty) + "\n", with: "learned.json")
  }
}
