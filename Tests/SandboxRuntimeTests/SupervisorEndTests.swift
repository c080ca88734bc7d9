import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  /// A supervisor that dies takes its sandboxes along in two ways. Each is tested without the other.
  @Suite("A sandbox ends")
  struct SupervisorEndTests {
    private func context() throws -> LaunchContext {
      LaunchContext(
        kernel: LinuxKernel(), program: try LinuxKernel().openPath(Harness.initProgram.text),
        cgroups: try CgroupManager(root: nil), cleaner: try DedicatedThread(name: "test-clean"),
        accountant: try DedicatedThread(name: "test-count"), loop: try EventLoop(), ownerMaps: OwnerMaps(),
        networks: NetworkReserve(LinuxKernel()), staging: nil, isRoot: effectiveUserIdentifier() == 0,
        resolver: SystemResolver(), relayBudget: RelayBudget(limit: 16))
    }

    /// True when it has ended by itself within two seconds; it is gone either way.
    private func hasEnded(_ process: SpawnedProcess) throws -> Bool {
      let kernel = LinuxKernel()
      let ended = try kernel.awaitReadable(process.descriptor, milliseconds: 2_000)
      try kernel.kill(process)
      try kernel.awaitEnd(process)
      return ended
    }

    private func start(on thread: DedicatedThread, _ stack: SpawnStack) async throws -> StartedLaunch {
      let context = try context()
      let plan = SandboxPlan.shell("trap '' TERM HUP INT; sleep 1000")
      return try await thread.run {
        Result { () throws(LaunchError) in try StartedLaunch.start(plan, context, stack) }
      }.get()
    }

    @Test("when its control socket is closed, though the thread that started it lives")
    func controlClosed() async throws {
      let thread = try DedicatedThread(name: "test-spawn")
      let launch = try await start(on: thread, try SpawnStack())
      launch.control.close()
      #expect(try hasEnded(launch.process))
      withExtendedLifetime(thread) {}
    }

    @Test("when the thread that started it ends, though its control socket is open")
    func threadEnded() async throws {
      var thread: DedicatedThread? = try DedicatedThread(name: "test-spawn")
      let launch = try await start(on: try #require(thread), try SpawnStack())
      thread = nil
      #expect(try hasEnded(launch.process))
      withExtendedLifetime(launch) {}
    }

    @Test("when the thread that started it ends, even before it has executed anything")
    func threadEndedEarly() async throws {
      let kernel = LinuxKernel()
      let stack = try SpawnStack()
      let control = try kernel.makeMessagePair()
      let connection = try kernel.makeStreamPair()
      let output = try kernel.makeOutputPipe()
      let error = try kernel.makeOutputPipe()
      let memory = try kernel.makeSealedMemory(name: "plan", [0])
      let request = SpawnRequest(
        namespaces: Namespace.allCases.reduce(0) { $0 | $1.cloneFlag }, cgroup: nil, network: nil,
        program: try kernel.openPath(Harness.initProgram.text),
        descriptors: [output.theirs, error.theirs, connection.theirs, control.theirs, memory])
      var thread: DedicatedThread? = try DedicatedThread(name: "test-spawn")
      let process = try await #require(thread).run {
        Result { () throws(SystemError) in try kernel.spawn(request, on: stack) }
      }.get()
      // It waits for the message that lets it go on, which doesn't come.
      try await Task.sleep(for: .milliseconds(200))
      #expect(try kernel.awaitReadable(process.descriptor, milliseconds: 0) == false)
      thread = nil
      #expect(try hasEnded(process))
      withExtendedLifetime((control, stack)) {}
    }

    @Test(
      "with all that its cgroup holds, which pid 1's end wouldn't take along",
      .enabled(if: Harness.cgroupRoot != nil))
    func cgroupKill() async throws {
      let harness = try Harness()
      // Without a process namespace nothing but the cgroup holds the daemon.
      var plan = SandboxPlan.shell("setsid sleep 30 >&- 2>&- 3>&- & echo ready >&3; sleep 30")
      plan.namespaces.removeAll { $0 == .pid }
      plan.filesystem.removeAll { if case .process = $0 { true } else { false } }
      let sandbox = try await harness.launcher.launch(plan)
      #expect(try LinuxKernel().awaitReadable(sandbox.connection, milliseconds: 10_000))
      sandbox.kill()
      let exit = await sandbox.exit()
      #expect(exit.status == .killed)
      #expect(exit.cleanupErrors == [], "the cgroup is empty and removed")
    }
  }
}
