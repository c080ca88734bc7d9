import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("Sandboxes")
  struct LifetimeTests {
    @Test("two hundred, some of them killed, leave nothing behind")
    func manyLaunches() async throws {
      let harness = try Harness()
      _ = try await harness.run(.fixture(["/bin/true"]))
      let before = HostState.now()
      for batch in 0..<25 {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<8 {
            group.addTask {
              let isKilled = (batch + number) % 10 == 0
              let sandbox = try await harness.launcher.launch(.shell(isKilled ? "sleep 100" : "sleep 0 & exit 3"))
              if isKilled { sandbox.kill() }
              let exit = await sandbox.exit()
              #expect(exit.status == (isKilled ? .killed : .exited(code: 3)))
              #expect(exit.cleanupErrors == [])
            }
          }
          try await group.waitForAll()
        }
      }
      let left = try await HostState.settled(before)
      #expect(left.isEmpty, "\(left)")
    }

    @Test("end with their supervisor, even when it is killed, and its cgroups go with the next one's start")
    func supervisorKilled() async throws {
      let record = "/tmp/sandbox-orphan-\(getpid())"
      defer { try? FileManager.default.removeItem(atPath: record) }
      await #expect(processExitsWith: .signal(SIGKILL)) {
        let harness = try Harness()
        let sandbox = try await harness.launcher.launch(.shell("trap '' TERM HUP; sleep 1000"))
        let record = "\(sandbox.processIdentifier) \(sandbox.enforcement.cgroup ?? "none")"
        try record.write(toFile: "/tmp/sandbox-orphan-\(getppid())", atomically: true, encoding: .utf8)
        kill(getpid(), SIGKILL)
        try await Task.sleep(for: .seconds(60))
      }
      let fields = try String(contentsOfFile: record, encoding: .utf8).split(separator: " ")
      let worker = try #require(Int32(fields[0]))
      #expect(worker > 1)
      for _ in 0..<100 where isRunning(worker) { try await Task.sleep(for: .milliseconds(10)) }
      #expect(!isRunning(worker))

      guard let root = Harness.cgroupRoot else { return }
      let group = String(fields[1].prefix { $0 != "/" })
      #expect(FileManager.default.fileExists(atPath: "\(root)/\(group)"))
      LeftoverCgroups.remove(under: root, LinuxKernel())
      #expect(!FileManager.default.fileExists(atPath: "\(root)/\(group)"))
    }

    private func network(of process: String) -> String? {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "\(process)/ns/net")
    }

    private func isRunning(_ process: Int32) -> Bool {
      guard let status = readSmallFile("/proc/\(process)/status") else { return false }
      return !status.contains("State:\tZ")
    }

    @Test("have a network of their own each, and no thread of the supervisor is left in one")
    func networks() async throws {
      let harness = try Harness()
      let own = try #require(network(of: "/proc/self"))
      // In turn, and then at once: the first find none made ahead, the others do.
      var sandboxes: [any Sandbox] = []
      for _ in 0..<6 { sandboxes.append(try await harness.launcher.launch(.shell("sleep 100"))) }
      try await withThrowingTaskGroup(of: (any Sandbox).self) { group in
        for _ in 0..<6 { group.addTask { try await harness.launcher.launch(.shell("sleep 100")) } }
        for try await sandbox in group { sandboxes.append(sandbox) }
      }
      let networks = try sandboxes.map { try #require(network(of: "/proc/\($0.processIdentifier)")) }
      #expect(Set(networks + [own]).count == sandboxes.count + 1, "\(own) \(networks)")
      // A thread may end meanwhile; one that makes a network for later is away for as long as that takes.
      var away: [String] = []
      for _ in 0..<500 {
        away = directoryEntries("/proc/self/task").filter { thread in
          network(of: "/proc/self/task/\(thread)").map { $0 != own } ?? false
        }
        if away.isEmpty { break }
        try await Task.sleep(for: .milliseconds(10))
      }
      #expect(away.isEmpty, "threads \(away)")
      let interfaces = try await harness.run(.shell("cat /proc/self/net/dev | tail -n +3 | cut -d: -f1")).output
      #expect(interfaces.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) } == ["lo"])
      for sandbox in sandboxes {
        sandbox.kill()
        #expect(await sandbox.exit().cleanupErrors == [])
      }
    }

    @Test("never start in the supervisor's network because their own is gone", .enabled(if: geteuid() == 0))
    func closedNetwork() throws {
      let kernel = LinuxKernel()
      let own = try kernel.openOwnNetwork()
      let network = try kernel.makeNetwork(own: own)
      network.close()
      let descriptors = try (0..<5).map { _ in try kernel.openPath("/dev/null") }
      let request = SpawnRequest(
        namespaces: 0, cgroup: nil, network: (network, own), program: try kernel.openPath("/bin/true"),
        descriptors: descriptors)
      let stack = try SpawnStack()
      #expect(throws: SystemError("clone3", nil, ErrorCode(rawValue: EBADF))) {
        let process = try kernel.spawn(request, on: stack)
        try kernel.kill(process)
        try kernel.awaitEnd(process)
      }
    }

    @Test("end when nobody holds them any more")
    func dropped() async throws {
      let harness = try Harness()
      var sandbox: (any Sandbox)? = try await harness.launcher.launch(.shell("sleep 1000"))
      let worker = try #require(sandbox?.processIdentifier)
      sandbox = nil
      for _ in 0..<100 where isRunning(worker) { try await Task.sleep(for: .milliseconds(10)) }
      #expect(!isRunning(worker))
    }

    @Test("of a root supervisor write as the owner of a directory that the plan maps", .enabled(if: geteuid() == 0))
    func mapsOwner() async throws {
      let directory = try TemporaryDirectory()
      #expect(chown(directory.path, 12_321, 12_322) == 0)
      #expect(chmod(directory.path, 0o700) == 0)
      func plan(maps: Bool) -> SandboxPlan {
        var plan = SandboxPlan.shell(
          "stat -c '%u %g' /data; echo hello > /data/file && echo written",
          adding: [
            .bind(
              Bind(
                source: path(directory.path), target: path("/data"), kind: .directory, access: .readWrite,
                mapsOwner: maps))
          ])
        plan.landlock.rules.append(LandlockPlan.Rule(path: path("/data"), allowed: 0x1FFE))
        return plan
      }
      let harness = try Harness()
      #expect(try await harness.run(plan(maps: true)).output == "1000 1000\nwritten\n")
      var status = stat()
      #expect(stat(directory.path + "/file", &status) == 0)
      #expect(status.st_uid == 12_321 && status.st_gid == 12_322)
      // Without the map, the worker's own id may do nothing there.
      #expect(try await harness.run(plan(maps: false)).output == "65534 65534\n")
    }
  }

  @Suite("The host's facts")
  struct HostTests {
    @Test("agree with what a launch finds")
    func facts() async throws {
      let facts = try await HostInspector.inspect()
      #expect(facts.userNamespaces)
      #expect(facts.seccompUserNotification)
      #expect(facts.landlockABI >= 1)
      #expect(facts.userIdentifier == geteuid())
      #expect(facts.libraryDirectories.contains(path("/usr/lib")))
      #expect(facts.cgroupRoot == Harness.cgroupRoot)
      for link in facts.rootLinks {
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path.text) == link.destination)
      }
      let report = HostReport.gather(facts)
      #expect(report.canLaunch)
      #expect(report.findings.map(\.feature) == HostReport.Feature.allCases)
      #expect(report.findings.allSatisfy { $0.isOK || $0.remedy != nil })
    }

    @Test("know which filesystems are mounted beneath a workspace")
    func mountsBeneath() {
      let table = """
        30 22 0:26 / /srv/data rw - ext4 /dev/a rw
        31 30 0:27 / /srv/data/more rw shared:4 - tmpfs none rw
        32 22 0:28 / /srv/database rw - tmpfs none rw
        """
      #expect(OverlayProbe.mounts(beneath: path("/srv/data"), in: table) == [path("/srv/data/more")])
      #expect(OverlayProbe.mounts(beneath: path("/srv/database"), in: table) == [])
    }

    @Test("find nothing in the way of a workspace that is still to be made")
    func obstacle() {
      #expect(OverlayProbe.obstacle(in: path("/not/made/yet")) == nil)
      #expect(OverlayProbe.obstacle(in: path("/"))?.contains("mounted on") == true)
    }
  }
}
