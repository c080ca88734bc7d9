import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  /// In no cgroup, or in one of which no controller is believed: what the supervisor then has to do itself.
  @Suite("Where the kernel holds no limits, a worker")
  struct WatchTests {
    private func run(_ script: String, _ limits: CgroupPlan, inGroup: Bool = false) async throws -> Harness.Outcome {
      var plan = SandboxPlan.python(script)
      plan.cgroup = limits
      plan.filesystem = plan.filesystem.map { operation in
        guard case .temporaryFilesystem(Inside.scratch, var options) = operation else { return operation }
        options.sizeBytes = 256 << 20
        return .temporaryFilesystem(Inside.scratch, options)
      }
      let launcher = try SandboxLauncher(
        initProgram: Harness.initProgram, cgroups: try CgroupManager(root: inGroup ? Harness.cgroupRoot : nil),
        loop: EventLoop())
      let sandbox = try await launcher.launch(plan)
      let exit = await sandbox.exit()
      return Harness.Outcome(
        exit: exit, output: readAll(sandbox.standardOutput), error: readAll(sandbox.standardError),
        enforcement: sandbox.enforcement)
    }

    @Test("is ended when its processes have more memory than it may")
    func memory() async throws {
      let hog = """
        import os, time
        if os.fork() == 0: time.sleep(30)
        a = bytearray(96 << 20)
        for i in range(0, len(a), 4096): a[i] = 1
        time.sleep(30)
        print('alive')
        """
      let outcome = try await run(hog, CgroupPlan(memoryMax: 64 << 20))
      guard case .memory(let limit, let seen)? = outcome.exit.watch?.excess else {
        Issue.record("\(outcome)")
        return
      }
      #expect(limit == 64 << 20 && seen > limit && seen < 160 << 20)
      #expect(outcome.output.isEmpty && outcome.exit.status == .killed, "\(outcome)")
    }

    @Test("isn't ended for what several of its processes share")
    func sharedMemory() async throws {
      let family = """
        import os, time
        a = bytearray(40 << 20)
        for i in range(0, len(a), 4096): a[i] = 1
        children = [os.fork() for _ in range(1)]
        time.sleep(1)
        if 0 not in children: os.wait(); print('well')
        """
      let outcome = try await run(family, CgroupPlan(memoryMax: 72 << 20))
      #expect(outcome.output == "well\n" && outcome.exit.watch?.excess == nil, "\(outcome)")
      let peak = try #require(outcome.exit.watch?.memoryPeak)
      #expect(peak > 40 << 20 && peak <= 72 << 20)
    }

    /// Of which no page is mapped.
    private static let unmapped = [
      """
      import os, time
      file = os.memfd_create('hidden', os.MFD_CLOEXEC | 0x8)
      for _ in range(96): os.write(file, bytes(1 << 20))
      time.sleep(30)
      print('alive')
      """,
      """
      import time
      with open('/tmp/hidden', 'wb') as file:
        for _ in range(96): file.write(bytes(1 << 20))
        file.flush()
        time.sleep(30)
      print('alive')
      """,
    ]

    @Test(
      "is ended for memory that none of its processes maps, in memfds and in its temporary filesystems",
      arguments: unmapped)
    func unmappedMemory(script: String) async throws {
      let outcome = try await run(script, CgroupPlan(memoryMax: 64 << 20))
      guard case .memory(_, let seen)? = outcome.exit.watch?.excess else {
        Issue.record("\(outcome)")
        return
      }
      #expect(seen < 160 << 20, "each page once")
      #expect(outcome.output.isEmpty, "\(outcome)")
    }

    @Test("has each page of a memfd counted once, though it is mapped too")
    func mappedOnce() async throws {
      let script = """
        import mmap, os, time
        file = os.memfd_create('both', os.MFD_CLOEXEC | 0x8)
        os.ftruncate(file, 40 << 20)
        pages = mmap.mmap(file, 40 << 20)
        for i in range(0, 40 << 20, 4096): pages[i] = 1
        time.sleep(1)
        print('well')
        """
      let outcome = try await run(script, CgroupPlan(memoryMax: 72 << 20))
      #expect(outcome.output == "well\n", "\(outcome)")
      #expect(try #require(outcome.exit.watch?.memoryPeak) > 40 << 20)
    }

    @Test("is ended when it has more processes and threads than it may")
    func tasks() async throws {
      let crowd = """
        import threading, time
        for _ in range(30): threading.Thread(target=time.sleep, args=(20,)).start()
        """
      let outcome = try await run(crowd, CgroupPlan(tasksMax: 16))
      #expect(outcome.exit.watch?.excess == .tasks(limit: 16, seen: 31), "\(outcome)")
    }

    /// The processors that a script's processes had on average, from what it prints.
    private func processors(_ script: String, limit: Double, inGroup: Bool = false) async throws -> (
      Double, SandboxExit
    ) {
      let measured = """
        import os, signal, sys, time
        began = time.monotonic()
        end = began + 4
        \(script)
        t = os.times()
        print((t.user + t.system + t.children_user + t.children_system) / (time.monotonic() - began))
        """
      let outcome = try await run(measured, CgroupPlan(cpu: CgroupPlan.CPUQuota(cores: limit)), inGroup: inGroup)
      let text = outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
      return (try #require(Double(text), "\(outcome)"), outcome.exit)
    }

    @Test("gets the processor time that it may have and no more, with all its processes", arguments: [false, true])
    func processorTime(inGroup: Bool) async throws {
      let busy = """
        for _ in range(4):
          if os.fork() == 0:
            while time.monotonic() < end: pass
            os._exit(0)
        for _ in range(4): os.wait()
        """
      let (processors, exit) = try await processors(busy, limit: 0.5, inGroup: inGroup)
      // And what was saved up at the start.
      #expect(processors > 0.1 && processors < 0.65, "\(processors) processors")
      // For how long depends on what else runs: where there is little to be had, little is to be held back.
      #expect(try #require(exit.watch).held > .zero)
      #expect(exit.status == .exited(code: 0))
    }

    @Test("that is stopped can still be ended, and leaves nothing")
    func endWhileHeld() async throws {
      let before = HostState.now()
      do {
        let launcher = try SandboxLauncher(
          initProgram: Harness.initProgram, cgroups: try CgroupManager(root: nil), loop: EventLoop())
        var plan = SandboxPlan.python("while True: pass")
        plan.cgroup = CgroupPlan(cpu: CgroupPlan.CPUQuota(cores: 0.01))
        let sandbox = try await launcher.launch(plan)
        // Its 200 ms are used up by then, and the next come after many seconds.
        try await Task.sleep(for: .seconds(2))
        let state = readSmallFile("/proc/\(sandbox.processIdentifier)/stat")?.split(separator: " ")
        #expect(state?.contains("T") == true, "\(state ?? [])")
        sandbox.kill()
        let exit = await sandbox.exit()
        #expect(exit.status == .killed && exit.cleanupErrors.isEmpty)
      }
      #expect(try await HostState.settled(before).isEmpty)
    }

    @Test("can't undo its stop, though each of its processes wakes the others")
    func noWayOut() async throws {
      let twins = """
        parent = os.getpid()
        child = os.fork()
        while time.monotonic() < end: os.kill(child or parent, signal.SIGCONT)
        if child == 0: os._exit(0)
        os.wait()
        """
      let (processors, _) = try await processors(twins, limit: 0.4)
      #expect(processors < 0.55, "\(processors) processors")
    }
  }
}
