import PluginModel
import SandboxPlanning
import Testing

@Suite("sandbox planner") struct PlannerTests {
  @Test("every plan has all namespaces, an identity that isn't root, and no more than four environment variables")
  func alwaysThere() throws {
    let plan = try plan()
    #expect(Set(plan.namespaces) == Set(Namespace.allCases))
    #expect(plan.identity == Identity(userInside: 1000, groupInside: 1000, userOnHost: 200_001, groupOnHost: 200_001))
    #expect(plan.environment.map(\.name) == ["HOME", "LANG", "PATH", "TMPDIR"])
    #expect(plan.execution == .workerOnly)
    #expect(plan.command == ["/usr/bin/python3.11", "-I", "-B", "-X", "utf8", "/sdk/pipeline_worker.py"])
    #expect(plan.hostname == "word-counter")
  }

  @Test("the same request and facts give the same plan")
  func deterministic() throws {
    let granted: [Permission] = [.systemExec(programs: ["tar", "git"]), .filesystemRead(nil)]
    #expect(try plan(granted) == plan(granted.reversed()))
    #expect(try plan(granted).text == plan(granted + granted).text)
  }

  @Test(
    "without a grant nothing of the host is writable, and no path of the host but libraries, interpreter, plugin and SDK is there"
  )
  func minimalRoot() throws {
    let plan = try plan()
    let writable = plan.binds.filter { $0.access == .readWrite }.map(\.target.text)
    #expect(writable == ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"])
    let directories = plan.binds.filter { $0.kind == .directory }.map(\.source.text)
    #expect(
      directories == [
        "/usr/lib", "/usr/lib64", "/etc/alternatives", "/opt/orchestrator/plugins/word_counter",
        "/opt/orchestrator/sdk",
      ])
    #expect(plan.bind(at: "/usr/bin/python3.11")?.kind == .regularFile)
  }

  @Test("a plugin's Python packages are there, read-only; they can be mapped, and started only with system.exec")
  func environment() throws {
    var asked = try request()
    asked.environment = try path("/var/lib/orchestrator/environments/1")
    let bind = try #require(try SandboxPlanner.plan(asked, host: debianHost()).bind(at: "/environment"))
    #expect(bind.access == .readOnly && bind.executable && bind.source == asked.environment)
    #expect(try SandboxPlanner.plan(asked, host: debianHost()).rights(at: "/environment") == .read)
    asked.granted = [.systemExec(programs: [])]
    #expect(try SandboxPlanner.plan(asked, host: debianHost()).rights(at: "/environment") == [.read, .execute])
    // Its own packages are its code: it may not be granted to write there.
    asked.granted = [.filesystemWrite(try path("/var/lib/orchestrator/environments"))]
    asked.filesystemRoots = [try path("/var")]
    #expect(try refusal(of: asked) != nil)
    #expect(try plan().bind(at: "/environment") == nil)
  }

  @Test("a service starts the programs that it is given, and no others")
  func servicePrograms() throws {
    var asked = try request()
    asked.programs = [try path("/opt/uv/bin/uv"), asked.interpreter.executable]
    let plan = try SandboxPlanner.plan(asked, host: debianHost())
    #expect(plan.bind(at: "/opt/uv/bin/uv")?.kind == .regularFile && plan.execution == .allowed)
    let startable = plan.landlock.rules.filter { $0.rights.contains(.execute) }.map(\.path.text).sorted()
    #expect(
      startable == [
        "/opt/uv/bin/uv", "/usr/bin/python3.11", "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
      ])
    // Where a list can't be held to, there is none.
    var old = try debianHost()
    old.kernelRelease = "6.1.0"
    #expect(try refusal(of: asked, host: old) != nil)
  }

  @Test("no path is made or mounted twice, and each after the directory it lies in")
  func orderOfOperations() throws {
    let granted = try #require(GoldenTests.cases.last).granted
    let plan = try plan(granted)
    #expect(plan.filesystem.first?.target == .root)
    #expect(plan.filesystem.last == .makeReadOnly(.root))
    var made: Set<AbsolutePath> = []
    var bound: [AbsolutePath] = []
    for operation in plan.filesystem {
      let target = operation.target
      if case .makeReadOnly = operation {
        #expect(made.contains(target))
        continue
      }
      #expect(made.insert(target).inserted, "\(target) twice")
      if let parent = target.parent {
        #expect(made.contains(parent) || bound.contains { parent.isEqualToOrBeneath($0) }, "\(target) has no parent")
      }
      if case .bind = operation { bound.append(target) }
    }
  }

  @Test("data is never executable, and /tmp, /dev/shm and the workspace neither")
  func noexec() throws {
    let plan = try plan(try #require(GoldenTests.cases.last).granted)
    for target in ["/workspace", "/srv/results", "/usr/share/common-licenses", "/sdk", "/etc/alternatives"] {
      #expect(plan.bind(at: target)?.executable == false, "\(target)")
      #expect(!plan.rights(at: target).contains(.execute), "\(target)")
    }
    for case .temporaryFilesystem(_, let memory) in plan.filesystem { #expect(!memory.executable) }
  }

  @Test("a plugin's libraries can be mapped, its programs not started")
  func pluginCode() throws {
    let plan = try plan()
    #expect(plan.bind(at: "/plugin")?.executable == true)
    #expect(plan.rights(at: "/plugin") == .read)
  }

  @Test("only the interpreter and the loader may be executed without system.exec")
  func executableFiles() throws {
    let executable = try plan().landlock.rules.filter { $0.rights.contains(.execute) }.map(\.path.text)
    #expect(executable == ["/usr/bin/python3.11", "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"])
  }

  @Test("where the loader isn't known all libraries may be executed, since one of them is it")
  func unknownLoader() throws {
    var host = try debianHost()
    host.loader = nil
    #expect(try plan(host: host).rights(at: "/usr/lib").contains(.execute))
  }

  @Test("an interpreter of its own is shown whole, and nothing in it but itself may be executed")
  func ownInterpreter() throws {
    var request = try request()
    request.interpreter = Interpreter(
      executable: try path("/opt/python3.12/bin/python3.12"), prefix: try path("/opt/python3.12"))
    let plan = try SandboxPlanner.plan(request, host: debianHost())
    #expect(plan.bind(at: "/opt/python3.12")?.kind == .directory)
    #expect(plan.bind(at: "/opt/python3.12/bin/python3.12") == nil)
    #expect(plan.rights(at: "/opt/python3.12/lib") == .read)
    #expect(plan.rights(at: "/opt/python3.12/bin/python3.12").contains(.execute))
  }

  @Test("the workspace is read-only with filesystem.read and writable with filesystem.write")
  func workspace() throws {
    #expect(try plan().bind(at: "/workspace") == nil)
    #expect(try plan([.filesystemRead(nil)]).bind(at: "/workspace")?.access == .readOnly)
    for granted: [Permission] in [[.filesystemWrite(nil)], [.filesystemRead(nil), .filesystemWrite(nil)]] {
      let bind = try plan(granted).bind(at: "/workspace")
      #expect(bind?.access == .readWrite)
      #expect(bind?.mapsOwner == true)
    }
  }

  @Test(
    "writes to the workspace wait for the node's success where the host can do that; those to a scoped path never do")
  func stagedWrites() throws {
    var host = try debianHost()
    host.overlays = .available
    let both: [Permission] = [.filesystemWrite(nil), .filesystemWrite(try path("/srv/a"))]
    #expect(try plan(both, host: host).bind(at: "/workspace")?.stagesWrites == true)
    #expect(try plan(both, host: host).bind(at: "/srv/a")?.stagesWrites == false)
    #expect(try plan([.filesystemRead(nil)], host: host).bind(at: "/workspace")?.stagesWrites == false)
    #expect(try plan([.filesystemRead(nil)], host: host).stagedWorkspace == nil)
    #expect(try plan(both).bind(at: "/workspace")?.stagesWrites == false)
    #expect(try plan(both).text.contains("written at once"))
    #expect(try plan(both, host: host).text.contains("written when the node has succeeded"))
  }

  @Test("a rootless supervisor maps no owners: the worker is the same user")
  func rootlessOwner() throws {
    var host = try debianHost()
    host.userIdentifier = 1001
    host.groupIdentifier = 1001
    var request = try request([.filesystemWrite(nil)])
    request.hostUser = 1001
    request.hostGroup = 1001
    #expect(try SandboxPlanner.plan(request, host: host).binds.allSatisfy { !$0.mapsOwner })
    request.hostUser = 1002
    #expect(try #require(try refusal(of: request, host: host)).description.contains("can't run as user 1002"))
  }

  @Test(
    "what is wrong with the request is told apart from what the host lacks",
    arguments: [
      "filesystem.read:/etc", "filesystem.write:/elsewhere",
    ])
  func refusals(permission: String) throws {
    let asked = try request([try Permission(permission)])
    let refused = try #require(try refusal(of: asked))
    #expect(refused.host.isEmpty && refused.request.count == 1)
    var host = try debianHost()
    host.landlockABI = 0
    let both = try #require(try refusal(of: asked, host: host))
    #expect(both.host.count == 1 && both.request.count == 1)
    host = try debianHost()
    host.kernelRelease = "6.1.0"
    let old = try #require(try refusal(of: request([try Permission("system.exec:git")]), host: host))
    #expect(old.host.count == 1 && old.request.isEmpty)
  }

  @Test("a worker is never root on the host", arguments: [(0, 5), (5, 0)] as [(UInt32, UInt32)])
  func neverRoot(user: UInt32, group: UInt32) throws {
    var request = try request()
    request.hostUser = user
    request.hostGroup = group
    #expect(try #require(try refusal(of: request)).description.contains("root on the host"))
  }

  @Test("system.exec with a list shows those programs and no others")
  func listedPrograms() throws {
    let plan = try plan([.systemExec(programs: ["git", "tar"]), .systemExec(programs: ["git"])])
    #expect(plan.execution == .allowed)
    #expect(plan.bind(at: "/usr/bin") == nil)
    #expect(
      plan.binds.filter { $0.target.text.hasPrefix("/usr/bin/") }.map(\.target.lastComponent) == [
        "python3.11", "git", "tar",
      ])
    #expect(plan.rights(at: "/usr/bin/git").contains(.execute))
    #expect(!plan.rights(at: "/usr/lib/git-core/git-http-push").contains(.execute))
  }

  @Test("program names are names", arguments: ["../sbin/init", "a/b", "", ".", "..", "a\u{0}b", "a\nb", "/usr/bin/id"])
  func programNames(name: String) throws {
    #expect(
      try #require(try refusal(of: request([.systemExec(programs: [name])]))).description.contains(
        "not the name of a program"))
  }

  @Test("a kernel that can't seal memory against execution can't have system.exec with a list")
  func oldKernelExecution() throws {
    var host = try debianHost()
    for release in ["6.1.0-39-amd64", "5.15", "6", "strange"] {
      host.kernelRelease = release
      let refused = try #require(try refusal(of: request([.systemExec(programs: ["git"])]), host: host))
      #expect(refused.description.contains("Linux 6.3"))
      #expect(try refusal(of: request([.systemExec(programs: [])]), host: host) == nil)
    }
    host.kernelRelease = "7.0"
    #expect(try refusal(of: request([.systemExec(programs: ["git"])]), host: host) == nil)
  }

  @Test("a permission that can't be honoured refuses the launch instead of being dropped")
  func notYet() throws {
    var host = try debianHost()
    host.openNetworks = .unavailable(why: "it isn't installed", remedy: "install it")
    let refused = try #require(
      try refusal(of: request([.networkHTTP(hosts: []), .networkSocket(endpoints: [])]), host: host))
    #expect(refused.items.count == 1)
    #expect(refused.items.allSatisfy { $0.hint?.contains("network.socket:HOST:PORT") == true })
  }

  @Test("a host that lacks a mandatory feature gets no plan, and every reason at once")
  func missingFeatures() throws {
    var host = try debianHost()
    host.userNamespaces = false
    host.landlockABI = 0
    host.seccompUserNotification = false
    host.coreDumpsStartProgram = true
    let refused = try #require(try refusal(of: request(), host: host))
    #expect(refused.items.count == 4)
    #expect(refused.items.allSatisfy { $0.hint != nil })
    // Nobody is asked where every program may be started.
    host = try debianHost()
    host.seccompUserNotification = false
    #expect(try refusal(of: request([.systemExec(programs: [])]), host: host) == nil)
  }

  @Test(
    "limits that the operator wants held by the kernel are, or there is no plan; RLIMIT_NPROC stands in for pids.max")
  func requiredControllers() throws {
    var request = try request()
    let place = PluginModel.SourceLocation(file: "s.yaml", line: 3, column: 4)
    request.required = [Located(.cgroup, at: place)]
    var host = try debianHost()
    host.cgroupRoot = AbsolutePath("/sys/fs/cgroup/own")
    host.cgroupControllers = ["cpu", "memory", "pids"]
    let whole = try SandboxPlanner.plan(request, host: host)
    host.cgroupControllers = ["cpu", "pids"]
    let refused = try #require(try refusal(of: request, host: host))
    #expect(refused.host.count == 1 && refused.host[0].location == place, "\(refused)")
    #expect(refused.host[0].what == "this host's kernel holds no limit of memory, and 'require' demands it")
    request.required = [Located(.cpu, at: place), Located(.pids, at: place)]
    #expect(try refusal(of: request, host: host) == nil)
    host.cgroupRoot = nil
    #expect(try #require(try refusal(of: request, host: host)).host.count == 2)
    request.required = []
    request.profile.resources.tasks = 100
    let watched = try SandboxPlanner.plan(request, host: host)
    #expect(watched.limits.first { $0.kind == .processes }?.value == 100)
    #expect(whole.limits.first { $0.kind == .processes }?.value == 512)
  }

  @Test("another command is shown and may be executed, through no link of the new root")
  func otherCommand() throws {
    var request = try request()
    request.command = ["/bin/true"]
    let plan = try SandboxPlanner.plan(request, host: debianHost())
    let bind = try #require(plan.binds.first { $0.source.text == "/bin/true" })
    #expect(bind.target.text == "/usr/bin/true")
    #expect(plan.rights(at: "/usr/bin/true").contains(.execute))
    request.command = ["true"]
    #expect(try #require(try refusal(of: request)).description.contains("no absolute path"))
    request.command = []
    #expect(try refusal(of: request) != nil)
  }

  @Test("a plugin's own program may be the command, and then be executed")
  func pluginCommand() throws {
    var request = try request()
    request.command = ["/plugin/probe", "--all"]
    let plan = try SandboxPlanner.plan(request, host: debianHost())
    #expect(plan.rights(at: "/plugin/probe").contains(.execute))
    #expect(!plan.rights(at: "/plugin/other").contains(.execute))
    #expect(plan.bind(at: "/plugin/probe") == nil)
  }

  @Test("a profile that wants no core dumps gets a limit of 1, however it says so", arguments: [nil, 0, 1, 1 << 20])
  func coreLimit(value: UInt64?) throws {
    var profile = try shippedProfile()
    profile.limits.removeAll { $0.kind == .coreSize }
    if let value { profile.limits.append(ResourceLimit(.coreSize, value)) }
    let plan = try SandboxPlanner.plan(request(profile: profile), host: debianHost())
    #expect(plan.limits.filter { $0.kind == .coreSize }.map(\.value) == [max(1, value ?? 1)])
  }

  @Test("RLIMIT_NPROC is left out where it would count the supervisor's own processes")
  func processLimit() throws {
    var host = try debianHost()
    host.userIdentifier = 1001
    host.groupIdentifier = 1001
    var request = try request()
    request.hostUser = 1001
    request.hostGroup = 1001
    func limited() throws -> Bool {
      try SandboxPlanner.plan(request, host: host).limits.contains { $0.kind == .processes }
    }
    #expect(try limited())
    host.kernelRelease = "5.13.2"
    #expect(try !limited())
    host.userIdentifier = 0
    #expect(try limited())
  }

  @Test("Landlock handles all that the kernel's ABI knows, and no more", arguments: 1...9)
  func landlockLevels(abi: Int) throws {
    var host = try debianHost()
    host.landlockABI = abi
    let landlock = try plan(host: host).landlock
    #expect(landlock.abi == min(abi, 7))
    let expected: UInt64 = [1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF][abi] ?? 0xFFFF
    #expect(landlock.handledFilesystem == expected)
    #expect(landlock.handledNetwork == (abi >= 4 ? 3 : 0))
    #expect(landlock.scoped == (abi >= 6 ? 3 : 0))
    for rule in landlock.rules {
      // The kernel refuses both with EINVAL.
      #expect(rule.allowed & ~landlock.handledFilesystem == 0, "\(rule.path)")
      #expect(rule.allowed != 0, "\(rule.path)")
    }
  }

  @Test("rules for files name only rights that files have")
  func rulesForFiles() throws {
    var request = try request([.filesystemWrite(try path("/srv/table.csv"))])
    request.grantedFiles = [try path("/srv/table.csv")]
    let plan = try SandboxPlanner.plan(request, host: debianHost())
    #expect(plan.bind(at: "/srv/table.csv")?.kind == .regularFile)
    for bind in plan.binds where bind.kind != .directory {
      #expect(
        plan.landlock.rules.first { $0.path == bind.target }?.rights.isSubset(of: .ofFiles) == true, "\(bind.target)")
    }
  }

  @Test("nobody may make devices or control them", arguments: GoldenTests.cases)
  func devices(_ example: GoldenTests.Case) throws {
    for rule in try plan(example.granted).landlock.rules {
      #expect(rule.rights.isDisjoint(with: [.makeCharacterDevice, .makeBlockDevice, .deviceControl]), "\(rule.path)")
    }
  }
}
