import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

/// What only a kernel with all of cgroup v2 can show: `deploy/guest` boots one. On other hosts these tests fail, and aren't run.
/// One after the other: a supervisor that is alone in its group moves, and takes the others along.
@Suite("On a kernel with all of cgroup v2", .serialized)
enum Guest {}

extension Guest {
  @Suite("The limits of a worker")
  struct GuestLimits {
    let launcher: SandboxLauncher
    let cgroups: CgroupManager
    let root: AbsolutePath

    init() throws {
      root = try #require(CgroupProbe(LinuxKernel())?.root)
      cgroups = try CgroupManager(root: root)
      launcher = try SandboxLauncher(initProgram: Harness.initProgram, cgroups: cgroups, loop: EventLoop())
      #expect(Set(cgroups.controllers).isSuperset(of: [.cpu, .memory, .pids]))
    }

    private func plan(_ script: String, _ limits: CgroupPlan) -> SandboxPlan {
      var plan = SandboxPlan.python(script)
      plan.cgroup = limits
      return plan
    }

    private func run(_ script: String, _ limits: CgroupPlan) async throws -> (
      exit: SandboxExit, usage: CgroupUsage, output: String
    ) {
      let sandbox = try await launcher.launch(plan(script, limits))
      let exit = await sandbox.exit()
      return (exit, try #require(exit.usage), readAll(sandbox.standardOutput) + readAll(sandbox.standardError))
    }

    private static let hog = "a = bytearray(200 << 20)\nfor i in range(0, len(a), 4096): a[i] = 1\nprint('alive')"

    @Test("of memory end the hog at its limit while its neighbour lives, and the kernel says that it was that")
    func memory() async throws {
      let neighbour = try await launcher.launch(
        plan("import time\ntime.sleep(5)\nprint('well')", CgroupPlan(memoryMax: 64 << 20)))
      let (exit, usage, output) = try await run(Self.hog, CgroupPlan(memoryMax: 64 << 20))
      #expect(exit.status != .exited(code: 0) && !output.contains("alive"), "\(exit) \(output)")
      #expect(try #require(usage.outOfMemoryKills) > 0 && usage.memoryLimit == 64 << 20)
      // Linux 5.19 and later.
      if let peak = usage.memoryPeak { #expect(peak > 48 << 20 && peak <= 64 << 20) }
      #expect(await neighbour.exit().status == .exited(code: 0))
      #expect(readAll(neighbour.standardOutput) == "well\n")
    }

    @Test("of memory are not what ends a worker that was killed otherwise")
    func otherDeaths() async throws {
      let (exit, usage, _) = try await run("import os\nos.kill(os.getpid(), 9)", CgroupPlan(memoryMax: 64 << 20))
      #expect(exit.status == .signalled(number: 9))
      #expect(usage.outOfMemoryKills == 0)
    }

    @Test("of memory take the whole worker, not the one process that asked last")
    func wholeGroup() async throws {
      let script = """
        import os, time
        if os.fork() == 0:
          \(Self.hog.replacing("\n", with: "\n  "))
          os._exit(0)
        time.sleep(20)
        print('survived')
        """
      let clock = ContinuousClock()
      let start = clock.now
      let (exit, usage, output) = try await run(script, CgroupPlan(memoryMax: 64 << 20))
      #expect(try #require(usage.outOfMemoryKills) > 0 && !output.contains("survived"), "\(exit) \(output)")
      #expect(start.duration(to: clock.now) < .seconds(15))
    }

    @Test("of memory's upper mark slow a worker down before it is ended")
    func memoryHigh() async throws {
      let script = Self.hog.replacing("200 << 20", with: "40 << 20")
      let (exit, usage, output) = try await run(script, CgroupPlan(memoryMax: 256 << 20, memoryHigh: 24 << 20))
      #expect(exit.status == .exited(code: 0) && output == "alive\n", "\(exit) \(output)")
      #expect(try #require(usage.memoryPressureMicroseconds) > 0, "nothing waited for memory")
    }

    @Test("of processor time hold: half of a processor is half of the time")
    func processor() async throws {
      let script = """
        import time
        end = time.monotonic() + 4
        while time.monotonic() < end: pass
        """
      let clock = ContinuousClock()
      let start = clock.now
      let (exit, usage, _) = try await run(script, CgroupPlan(cpu: .init(cores: 0.5)))
      #expect(exit.status == .exited(code: 0))
      let elapsed = Double(start.duration(to: clock.now) / .microseconds(1))
      let share = Double(try #require(usage.processorMicroseconds)) / elapsed
      #expect(share > 0.35 && share < 0.6, "it had \(share) of a processor")
      #expect(try #require(usage.throttledMicroseconds) > 1_000_000)
    }

    @Test("of processors keep a worker on those of its plan")
    func processors() async throws {
      let (exit, _, output) = try await run(
        "import os\nprint(os.sched_getaffinity(0))", CgroupPlan(processors: [1]))
      #expect(exit.status == .exited(code: 0) && output == "{1}\n", "\(output)")
    }

    @Test("of processes stop a fork bomb")
    func tasks() async throws {
      let script = """
        import os, time
        made = 0
        try:
          while made < 500:
            if os.fork() == 0: time.sleep(30); os._exit(0)
            made += 1
        except OSError as error:
          print(error.errno)
        print(made)
        """
      let (exit, usage, output) = try await run(script, CgroupPlan(tasksMax: 32))
      let lines = output.split(separator: "\n")
      #expect(exit.status == .exited(code: 0) && lines.first == "11", "\(exit) \(output)")
      #expect(try #require(lines.last.flatMap { Int($0) }) < 32)
      #expect(try #require(usage.refusedTasks) > 0)
    }

    @Test("are the kernel's, file by file")
    func files() async throws {
      // The disk of the root filesystem, which has no partitions: proc_pid_mountinfo(5).
      let mounts = try #require(readSmallFile("/proc/self/mountinfo", limit: 1 << 20)).split(separator: "\n")
      let root = try #require(mounts.map { $0.split(separator: " ") }.first { $0[4] == "/" })
      let disk = root[2].split(separator: ":").compactMap { UInt32($0) }
      let limits = CgroupPlan(
        memoryMax: 64 << 20, memoryHigh: 48 << 20, cpu: .init(cores: 0.25), cpuWeight: 50, tasksMax: 20,
        io: IOLimit(major: disk[0], minor: disk[1], readBytes: 4 << 20, writes: 100), processors: [1])
      let sandbox = try await launcher.launch(plan("import time\ntime.sleep(30)", limits))
      let name = try #require(sandbox.enforcement.cgroup)
      for setting in limits.settings {
        #expect(readSmallFile("\(self.root)/\(name)/\(setting.file.rawValue)") == setting.value + "\n", "\(setting)")
      }
      sandbox.kill()
      #expect(await sandbox.exit().cleanupErrors.isEmpty)
    }

    @Test("leave nothing behind, and the supervisor is where it was")
    func cleanup() async throws {
      let before = readSmallFile("/proc/self/cgroup")
      let own = try CgroupManager(root: root)
      try own.close()
      #expect(readSmallFile("/proc/self/cgroup") == before)
    }
  }
}
