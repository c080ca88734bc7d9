import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  /// Each of these takes every other defence away that would refuse the same, so that the one it names is seen by itself.
  @Suite("By itself")
  struct ConfinementTests {
    let harness: Harness
    init() throws { harness = try Harness() }

    // MARK: Landlock

    @Test("Landlock keeps a program from being started whose mount and mode would allow it")
    func landlockExecution() async throws {
      let programs = FilesystemOperation.bind(
        Bind(source: path("/usr/bin"), target: path("/programs"), kind: .directory, executable: true))
      var plan = SandboxPlan.shell("/programs/true && echo ran", adding: [programs])
      plan.landlock.rules.append(LandlockPlan.Rule(path: path("/programs"), allowed: 0x000C))
      let held = try await harness.run(plan)
      #expect(held.output == "")
      #expect(held.error.contains("Permission denied"), "\(held.error)")
      plan.landlock = .harmless
      #expect(try await harness.run(plan).output == "ran\n")
    }

    @Test("Landlock keeps a file from being read whose mount and mode would allow it")
    func landlockReading() async throws {
      let open = FilesystemOperation.file(path("/open/file"), contents: "secret\n")
      var plan = SandboxPlan.shell("cat /open/file", adding: [open])
      plan.landlock.rules = plan.landlock.rules.map { rule in
        // The rule of the root shows everything: it is replaced by those of what the shell needs.
        rule.path == path("/") ? LandlockPlan.Rule(path: path("/etc"), allowed: 0x000C) : rule
      }
      let held = try await harness.run(plan)
      #expect(held.output == "")
      #expect(held.error.contains("Permission denied"), "\(held.error)")
      plan.landlock = .harmless
      #expect(try await harness.run(plan).output == "secret\n")
    }

    @Test("Landlock keeps a file from being written beside those that it lets be written")
    func landlockWriting() async throws {
      let open = FilesystemOperation.temporaryFilesystem(
        path("/open"), TemporaryFilesystem(sizeBytes: 1 << 16, inodes: 10, mode: 0o1777))
      var plan = SandboxPlan.shell(
        "echo x > /open/x && echo made; echo x > /dev/null; : > /tmp/x && echo scratch", adding: [open])
      // All but the right to write what is there: making files.
      plan.landlock.rules.append(LandlockPlan.Rule(path: path("/open"), allowed: 0x1FFC))
      let held = try await harness.run(plan)
      #expect(held.output == "scratch\n")
      plan.landlock = .harmless
      #expect(try await harness.run(plan).output == "made\nscratch\n")
    }

    @Test("Landlock keeps TCP ports closed, from the kernel's ABI 4 on")
    func landlockTCP() async throws {
      var plan = SandboxPlan.python(
        """
        import errno, socket
        for name, call in (("bind", lambda s: s.bind(("127.0.0.1", 0))), ("connect", lambda s: s.connect(("127.0.0.1", 9)))):
            with socket.socket() as s:
                try:
                    call(s)
                    print(name)
                except OSError as error:
                    print(name, errno.errorcode[error.errno])
        """)
      let open = try await harness.run(plan).output
      #expect(open == "bind\nconnect ENETUNREACH\n" || open == "bind\nconnect ECONNREFUSED\n", "\(open)")
      guard try await HostInspector.inspect().landlockABI >= 4 else { return }
      plan.landlock.handledNetwork = 0b11
      #expect(try await harness.run(plan).output == "bind EACCES\nconnect EACCES\n")
    }

    @Test("Landlock keeps abstract sockets outside of reach, from the kernel's ABI 6 on")
    func landlockAbstractSockets() async throws {
      let name = "orchestrator-test-\(UUID().uuidString)"
      let listener = try AbstractListener(name)
      var plan = SandboxPlan.python(
        """
        import errno, socket
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect("\\0\(name)")
                print("connected")
            except OSError as error:
                print(errno.errorcode[error.errno])
        """)
      #expect(try await harness.run(plan).output == "ECONNREFUSED\n", "the network namespace is enough")
      plan.namespaces.removeAll { $0 == .network }
      #expect(try await harness.run(plan).output == "connected\n")
      guard try await HostInspector.inspect().landlockABI >= 6 else { return }
      plan.landlock.scoped = 0b01
      #expect(try await harness.run(plan).output == "EPERM\n")
      withExtendedLifetime(listener) {}
    }

    @Test("Landlock keeps signals inside, from the kernel's ABI 6 on")
    func landlockSignals() async throws {
      func withoutProcessNamespace(_ script: String) -> SandboxPlan {
        var plan = SandboxPlan.shell(script)
        plan.namespaces.removeAll { $0 == .pid }
        plan.filesystem.removeAll { if case .process = $0 { true } else { false } }
        return plan
      }
      // The same user on the host, who may signal it.
      let other = try await harness.launcher.launch(withoutProcessNamespace("read line <&3"))
      var plan = withoutProcessNamespace("kill -0 \(other.processIdentifier) && echo reached")
      #expect(try await harness.run(plan).output == "reached\n")
      if try await HostInspector.inspect().landlockABI >= 6 {
        plan.landlock.scoped = 0b10
        #expect(try await harness.run(plan).output == "")
      }
      other.connection.close()
      _ = await other.exit()
    }

    // MARK: Mounts

    @Test(
      "a bind is private: what the host mounts beneath its source later isn't seen", .enabled(if: geteuid() == 0),
      arguments: [false, true])
    func propagation(mapsOwner: Bool) async throws {
      let source = try SharedMount()
      try source.makeDirectory("late")
      var plan = SandboxPlan.shell(
        "grep ' /data ' /proc/self/mountinfo; echo ready >&3; read line <&3; echo /data/late/*",
        adding: [
          .bind(
            Bind(
              source: path(source.path), target: path("/data"), kind: .directory,
              access: mapsOwner ? .readWrite : .readOnly, mapsOwner: mapsOwner))
        ])
      plan.landlock.rules.append(LandlockPlan.Rule(path: path("/data"), allowed: 0x000C))
      let sandbox = try await harness.launcher.launch(plan)
      _ = try LinuxKernel().awaitReadable(sandbox.connection, milliseconds: 10_000)
      try source.mount(at: "late")
      try source.makeDirectory("late/seen")
      _ = try sandbox.connection.write(Array("\n".utf8))
      _ = await sandbox.exit()
      let output = readAll(sandbox.standardOutput)
      #expect(output.hasSuffix("\n/data/late/*\n"), "\(output)")
      #expect(!output.contains("master:") && !output.contains("shared:"), "\(output)")
    }

    @Test("a bind is restricted with every mount beneath it", .enabled(if: geteuid() == 0))
    func recursion() async throws {
      let source = try SharedMount()
      try source.makeDirectory("beneath")
      try source.mount(at: "beneath")
      var plan = SandboxPlan.shell(
        "grep ' /data/beneath ' /proc/self/mountinfo; echo x > /data/beneath/x && echo wrote",
        adding: [.bind(Bind(source: path(source.path), target: path("/data"), kind: .directory))])
      plan.landlock = .harmless
      let output = try await harness.run(plan).output
      let flags = try #require(output.split(separator: " ").dropFirst(5).first).split(separator: ",")
      for flag in ["ro", "nosuid", "nodev", "noexec"] { #expect(flags.contains(Substring(flag)), "\(output)") }
      #expect(!output.contains("wrote"))
    }

    // MARK: The process

    @Test("every kind of limit is set, soft and hard alike, and never above the supervisor's own")
    func everyLimit() async throws {
      let script = """
        import resource
        for name in sorted(n for n in dir(resource) if n.startswith("RLIMIT_")):
            print(name, *resource.getrlimit(getattr(resource, name)))
        """
      let values: [ResourceLimit.Kind: UInt64] = [
        .addressSpace: 8 << 30, .coreSize: 1, .cpuSeconds: 1000, .fileSize: 1 << 20, .lockedMemory: 1 << 16,
        .messageQueue: 1000, .niceness: 5, .openFiles: 100, .processes: 200, .realtimePriority: 3,
        .pendingSignals: 77, .stack: 4 << 20,
      ]
      func limits(_ plan: SandboxPlan) async throws -> [String: (soft: Int64, hard: Int64)] {
        let lines = try await harness.run(plan).output.split(separator: "\n").map { $0.split(separator: " ") }
        return Dictionary(lines.map { (String($0[0]), (Int64($0[1]) ?? 0, Int64($0[2]) ?? 0)) }) { first, _ in first }
      }
      var plan = SandboxPlan.python(script)
      plan.limits = []
      let inherited = try await limits(plan)
      plan.limits = ResourceLimit.Kind.allCases.map { ResourceLimit($0, values[$0] ?? 0) }
      let set = try await limits(plan)
      for kind in ResourceLimit.Kind.allCases {
        let wanted = UInt64(bitPattern: Int64(try #require(values[kind])))
        let before = try #require(inherited[kind.rawValue]).hard
        let expected = Int64(min(wanted, UInt64(bitPattern: before)))
        let found = try #require(set[kind.rawValue])
        #expect(found.soft == expected && found.hard == expected, "\(kind.rawValue): \(found), inherited \(before)")
      }
    }

    @Test("has no group of the supervisor's", .enabled(if: geteuid() == 0))
    func supplementaryGroups() async throws {
      await #expect(processExitsWith: .success) {
        let groups: [gid_t] = [54_321, 54_322]
        guard setgroups(groups.count, groups) == 0 else { exit(70) }
        let outcome = try await Harness().run(.fixture(["/usr/bin/grep", "Groups", "/proc/self/status"]))
        exit(outcome.output.split(whereSeparator: \.isWhitespace) == ["Groups:"] ? 0 : 1)
      }
    }

    @Test("no signal is blocked or ignored, whatever the supervisor blocks and ignores")
    func signals() async throws {
      await #expect(processExitsWith: .success) {
        for number in [SIGPIPE, SIGTERM, SIGUSR1] { signal(number, SIG_IGN) }
        let outcome = try await Harness().run(.fixture(["/usr/bin/grep", "-E", "SigBlk|SigIgn", "/proc/self/status"]))
        exit(outcome.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" ? 0 : 1)
      }
    }

    @Test("has namespaces of its own, all seven")
    func namespaces() async throws {
      let names = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
      let script = names.map { "readlink /proc/self/ns/\($0)" }.joined(separator: "; ")
      let inside = try await harness.run(.shell(script)).output.split(separator: "\n").map(String.init)
      let own = try names.map { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\($0)") }
      #expect(inside.count == names.count)
      #expect(Set(inside).isDisjoint(with: own), "\(inside)")
    }

    @Test("pid 1 has an empty environment and no descriptor but its own", .enabled(if: geteuid() == 0))
    func pidOne() async throws {
      // One that a careless library left open for every program that is executed.
      let careless = open("/etc/passwd", O_RDONLY)
      defer { close(careless) }
      let sandbox = try await harness.launcher.launch(.shell("read line <&3", execution: .workerOnly))
      let status = try #require(readSmallFile("/proc/\(sandbox.processIdentifier)/status"))
      let parent = try #require(status.split(separator: "\n").first { $0.hasPrefix("PPid:") })
        .split(separator: "\t")[1]
      #expect(FileManager.default.contents(atPath: "/proc/\(parent)/environ") == Data())
      let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(parent)/fd").compactMap {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(parent)/fd/\($0)")
      }
      let kinds = Set(descriptors.map { String($0.prefix { $0 != "[" && $0 != "(" }) })
      let own: Set = ["socket:", "/memfd:sandbox-plan ", "anon_inode:", "anon_inode:seccomp notify"]
      #expect(kinds.isSubset(of: own) && kinds.contains("socket:"), "\(descriptors)")
      sandbox.connection.close()
      _ = await sandbox.exit()
    }

    // MARK: The plan

    @Test("the plan that pid 1 reads can't be changed by anyone any more")
    func planIsSealed() throws {
      let memory = try LinuxKernel().makeSealedMemory(name: "plan", Array("the plan".utf8))
      defer { memory.close() }
      #expect(pwrite(memory.number, "x", 1, 0) < 0 && errno == EPERM)
      #expect(ftruncate(memory.number, 1) < 0 && errno == EPERM)
      #expect(ftruncate(memory.number, 100) < 0 && errno == EPERM)
      // F_ADD_SEALS, F_SEAL_FUTURE_WRITE: not even another seal.
      #expect(fcntl(memory.number, 1033, 0x10) < 0 && errno == EPERM)
      #expect(mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, memory.number, 0) == MAP_FAILED)
    }

    @Test("pid 1 refuses a plan that could still be written or shortened", arguments: [0, 0x2, 0x8, 0x4])
    func planMustBeSealed(seals: Int32) async throws {
      let kernel = UnsealingKernel(seals: seals)
      let launcher = try SandboxLauncher(
        initProgram: Harness.initProgram, cgroups: try CgroupManager(root: nil), loop: EventLoop(), kernel: kernel)
      let error = await #expect(throws: LaunchError.self) { _ = try await launcher.launch(.fixture(["/bin/true"])) }
      #expect(error?.cause.code == .operationNotPermitted)
      #expect(error?.step == "read the plan")
      let whole = try SandboxLauncher(
        initProgram: Harness.initProgram, cgroups: try CgroupManager(root: nil), loop: EventLoop(),
        kernel: UnsealingKernel(seals: 0xA))
      #expect(try await whole.launch(.fixture(["/bin/true"])).exit().status == .exited(code: 0))
    }
  }
}
