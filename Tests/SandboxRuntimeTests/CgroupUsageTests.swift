import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

@Suite("What a cgroup has used")
struct CgroupUsageTests {
  private static let files = [
    "cpu.stat": "usage_usec 500\nuser_usec 400\nsystem_usec 100\nnr_periods 9\nnr_throttled 4\nthrottled_usec 300\n",
    "memory.peak": "4096\n", "memory.max": "8192\n", "memory.events": "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n",
    "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=70\nfull avg10=0.00 total=60\n",
    "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n259:0 rbytes=1 wbytes=2 rios=1\n",
    "pids.events": "max 2\n",
  ]

  @Test("is read from its files")
  func read() {
    let usage = CgroupUsage(controllers: CgroupPlan.Controller.allCases) { Self.files[$0] }
    #expect(usage.processorMicroseconds == 500 && usage.throttledMicroseconds == 300)
    #expect(usage.memoryPeak == 4096 && usage.memoryLimit == 8192 && usage.outOfMemoryKills == 1)
    #expect(usage.memoryPressureMicroseconds == 70)
    #expect(usage.bytesRead == 11 && usage.bytesWritten == 22)
    #expect(usage.refusedTasks == 2)
    #expect(usage.spent(since: nil).memoryPeak == .init(bytes: 4096, scope: .worker))
  }

  @Test("is absent, never 0, where the host has no controller for it")
  func absent() {
    let usage = CgroupUsage(controllers: []) { $0 == "cpu.stat" ? "usage_usec 5\n" : nil }
    var expected = CgroupUsage(controllers: []) { _ in nil }
    #expect(expected.spent(since: nil) == ResourceUsage())
    expected.processorMicroseconds = 5
    #expect(usage == expected)
    let idle = CgroupUsage(controllers: [.io]) { _ in nil }
    #expect(idle.bytesRead == 0 && idle.bytesWritten == 0, "an empty io.stat is a count")
  }

  @Test("is a call's only from its start on, and its peak the call's where the kernel told that apart")
  func difference() {
    let start = CgroupUsage(controllers: CgroupPlan.Controller.allCases) { Self.files[$0] }
    var end = start
    end.processorMicroseconds = 900
    end.throttledMicroseconds = 200
    end.bytesRead = 61
    #expect(
      end.spent(since: start)
        == ResourceUsage(
          processorMicroseconds: 400, throttledMicroseconds: 0, memoryPeak: .init(bytes: 4096, scope: .worker),
          memoryPressureMicroseconds: 0, bytesRead: 50, bytesWritten: 0, refusedTasks: 0))
    end.memoryPeakSinceSettlement = 100
    #expect(end.spent(since: start).memoryPeak == .init(bytes: 100, scope: .node))
  }

  @Test("costs one read a file and call: files stay open, and neither limits nor events are read before the end")
  func cost() async throws {
    let kernel = RecordingKernel()
    let group = Cgroup(name: "x", path: "/double/x", directory: try kernel.openDirectory("/double/x"))
    let account = CgroupAccount(
      group, controllers: [.cpu, .io, .memory, .pids], kernel: kernel, thread: try DedicatedThread(name: "test-count"))
    for _ in 0..<5 { _ = account.settle() }
    // cpu.stat, memory.pressure, memory.peak, pids.events and io.stat.
    #expect(kernel.effects.filter { $0 == .openFile }.count == 5, "\(kernel.effects)")
    #expect(kernel.pathsRead.isEmpty, "\(kernel.pathsRead)")
    _ = await account.close()
    #expect(kernel.pathsRead.contains("/double/x/memory.events"))
    group.directory.close()
    #expect(kernel.left.isEmpty, "\(kernel.left)")
  }

  @Test("is kept when the group is gone, and no file is made in it")
  func kept() async throws {
    let directory = "/tmp/cgroup-account-\(currentProcessIdentifier())"
    let kernel = LinuxKernel()
    try kernel.makeDirectory(directory)
    let group = Cgroup(name: "x", path: directory, directory: try kernel.openDirectory(directory))
    let account = CgroupAccount(
      group, controllers: [.memory], kernel: kernel, thread: try DedicatedThread(name: "test-count"))
    #expect(account.settle() == ResourceUsage())
    let last = await account.close()
    // Fails if something was made in it.
    try kernel.removeDirectory(directory)
    #expect(await account.close() == last)
    #expect(account.settle() == ResourceUsage())
  }
}
